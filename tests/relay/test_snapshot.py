"""Snapshots: counters by name, and those of parts."""

from __future__ import annotations

import pytest

from avl_protocol.session.snapshot import Snapshot
from tests.relay.stand import Stand


def test_counters_and_parts_have_names() -> None:
    whole = Snapshot("whole", {"things": 3}, (Snapshot("part", {"pieces": 7}),))
    assert whole["things"] == 3 and whole.part("part")["pieces"] == 7
    with pytest.raises(KeyError):
        whole.part("another")
    with pytest.raises(KeyError):
        whole["another"]


def test_a_relay_says_what_it_holds_with_a_part_for_each_host() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    viewer.open(handle, 1, b"input")
    seen = stand.router.snapshot()
    wanted = {"hosts": 1, "sessions": 1, "admitted": 1, "viewers": 1, "questions": 0, "held streams": 0}
    assert {name: seen[name] for name in wanted} == wanted and seen["spliced ends"] == 2
    assert seen.part("fanout")["subscriptions"] == seen.part("fanout")["watching"] == seen.part("fanout")["tracks"] == 1
    viewer.lost()
    after = stand.router.snapshot()
    assert (seen["sessions"], after["sessions"]) == (1, 0), "what was seen does not change"
    assert after["spliced ends"] == after["viewers"] == after.part("fanout")["subscriptions"] == 0
