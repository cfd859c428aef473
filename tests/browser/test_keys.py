"""Browser and Python agree about keys: a key pressed in the page is the key that the command line names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from avl_protocol.wire.keys import CODES, MODIFIER_USAGES
from tests.tools import need

KEYS = Path(__file__).resolve().parents[2] / "viewer/avl_viewer/web/input/keys.js"
SCRIPT = f"""
import {{ CODES, MODIFIER_KEYS }} from {json.dumps(KEYS.as_uri())};
console.log(JSON.stringify([Object.fromEntries(CODES), [...MODIFIER_KEYS]]));
"""


def test_every_code_of_a_browser_is_the_same_key_on_both_sides() -> None:
    command = [need("node"), "--input-type=module", "--eval", SCRIPT]
    codes, modifiers = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert codes == CODES
    assert dict(modifiers) == {usage: int(bit) for usage, bit in MODIFIER_USAGES.items()}
