"""The host's lock keys follow the viewer's, on a real X server (R-SESS-356)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import xcffib

from avl_host.input.desktop import DesktopSink
from avl_host.input.keymap import KEYCODES
from avl_host.input.sink import StoppedLoop
from avl_protocol.wire.keys import KEYS
from avl_protocol.wire.registry import Modifier
from tests.host.conftest import XServer
from tests.host.keyboards import Person
from tests.host.test_desktop import eventually, press

pytestmark = pytest.mark.display
LOCK, MOD2, MOD3 = 2, 16, 32
CAPS, NUM, SCROLL = Modifier.CAPS_LOCK, Modifier.NUM_LOCK, Modifier.SCROLL_LOCK


def give_scroll_lock_a_modifier(display: str) -> None:
    """Most layouts have none: there the key does nothing."""
    x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
    told = x.core.GetModifierMapping().reply()
    rows = list(told.keycodes)
    rows[5 * told.keycodes_per_modifier] = KEYCODES[KEYS["scrolllock"]]
    assert x.core.SetModifierMapping(told.keycodes_per_modifier, rows).reply().status == 0
    x.disconnect()


def test_the_hosts_locks_follow_the_viewers(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    give_scroll_lock_a_modifier(server.display)
    person = Person(server)
    sink = DesktopSink(server.display, StoppedLoop())

    def locked(usage: str, text: str, modifiers: Modifier) -> Callable[[], int]:
        press(sink, KEYS[usage], text, modifiers)
        return lambda: person.state()[1]

    for usage, text, modifiers, expected in (
        ("a", "A", CAPS, LOCK),
        ("numpad1", "", CAPS | NUM, LOCK | MOD2),
        ("b", "b", NUM, MOD2),
        ("numpad1", "", Modifier(0), 0),
    ):
        state = locked(usage, text, modifiers)
        assert eventually(lambda state=state, expected=expected: state() == expected), (usage, modifiers)  # type: ignore[misc]
    person.sticky(MOD3, True)
    state = locked("down", "", Modifier(0))
    assert state() == MOD3, "a viewer that never said that it is on may be one that cannot tell"
    state = locked("down", "", SCROLL)
    assert eventually(lambda: state() == MOD3)
    state = locked("down", "", Modifier(0))
    assert eventually(lambda: state() == 0)
    sink.close()
