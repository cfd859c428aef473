"""What the console repeats of the programs is what they have."""

from __future__ import annotations

import json
import re

from avl_protocol.audit.events import KINDS
from avl_protocol.wire.registry import Permission
from avl_relay.anomalies.features import FEATURES, LACKS, MISSING
from tests.architecture.tree import ROOT

CONSOLE = ROOT / "relay/avl_relay/console"


def test_the_console_offers_every_kind_of_event_in_the_log() -> None:
    source = (CONSOLE / "pages/audit.js").read_text("utf-8")
    found = re.search(r"KINDS = Object\.freeze\(\[(.*?)\]\)", source, re.DOTALL)
    assert found is not None
    assert sorted(re.findall(r'"(\w+)"', found[1])) == sorted(KINDS)


def test_every_kind_every_feature_and_every_permission_has_its_word() -> None:
    words = json.loads((CONSOLE / "words/en.json").read_text("utf-8"))
    assert set(words["audit"]["kinds"]) == set(KINDS)
    assert set(words["alarms"]["features"]) == {one.name for one in FEATURES} | {
        "several",
        MISSING,
        *LACKS.values(),
    }
    assert set(words["alarms"]["sentences"]) == set(LACKS.values())
    assert set(words["permissions"]["single"]) == {str(one.name) for one in Permission}
