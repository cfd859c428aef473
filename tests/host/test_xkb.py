"""The keyboard of a real X server, read by XKB: groups, levels, types and modifiers of every key."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from avl_host.input.keymap import KEYCODES
from avl_host.input.layout import LOCK, SHIFT
from avl_host.input.xkb import Keyboard, read_map
from avl_protocol.wire.keys import KEYS
from tests.host.conftest import XServer
from tests.host.keyboards import Person

pytestmark = pytest.mark.display
LEVEL3, NUM_LOCK = 0x80, 0x10
Q = KEYCODES[KEYS["q"]]


@pytest.fixture
def person(xvfb: XServer) -> Iterator[Person]:
    person = Person(xvfb)
    yield person
    person.leave()


def test_four_groups_are_read_with_their_levels(person: Person) -> None:
    person.layouts("us,de,ru,fr")
    layout = person.layout()
    assert layout.groups == 4
    assert [layout.writes(Q, group, 0) for group in range(4)] == list("qqйa")
    assert [layout.writes(Q, group, SHIFT) for group in range(4)] == list("QQЙA")
    assert [layout.writes(Q, group, LOCK | SHIFT) for group in range(4)] == list("qqйa")
    assert [layout.writes(Q, group, LEVEL3) for group in range(4)] == ["q", "@", "й", "æ"]
    assert layout.writes(Q, 1, LEVEL3 | SHIFT) == "Ω"


def test_keys_with_fewer_groups_have_them_everywhere(person: Person) -> None:
    person.layouts("us,de,ru,fr")
    layout = person.layout()
    seven = KEYCODES[KEYS["numpad7"]]
    for group in range(4):
        assert layout.keysym(KEYCODES[KEYS["f5"]], group) == 0xFFC2
        assert (layout.writes(seven, group, NUM_LOCK), layout.writes(seven, group, 0)) == ("7", "")
        assert layout.writes(seven, group, NUM_LOCK | SHIFT) == "", "Shift takes Num Lock back"


def test_keys_that_may_change_what_is_in_force_are_known(person: Person) -> None:
    person.layouts("us,ru", "-option", "grp:shifts_toggle")
    layout = person.layout()
    names = ("shift", "ctrl", "meta", "capslock", "numlock", "a", "7", "enter", "left")
    acts = {name for name in names if layout.acts(KEYCODES[KEYS[name]])}
    assert acts == {"shift", "ctrl", "meta", "capslock", "numlock"}
    assert not layout.acts(255)


def test_modifiers_are_what_the_keys_do(person: Person) -> None:
    person.layouts("us,de")
    layout = person.layout()
    held = {name: layout.holds(KEYCODES[KEYS[name]]) for name in ("shift", "ctrl", "alt", "meta", "a", "capslock")}
    assert held == {"shift": 1, "ctrl": 4, "alt": 8, "meta": 0x40, "a": 0, "capslock": 0}
    assert layout.locks == LOCK | NUM_LOCK
    altgr = KEYCODES[KEYS["altgr"]]
    assert layout.shifts(1) == {SHIFT: KEYCODES[KEYS["shift"]], LEVEL3: altgr}
    assert layout.shifts(0)[LEVEL3] != altgr, "AltGr is Alt in the American layout"


def test_a_fifth_level_is_reached(person: Person) -> None:
    person.layouts("de", "-variant", "neo")
    layout = person.layout()
    stroke = layout.stroke("λ", person.now())
    assert stroke is not None and layout.writes(stroke.keycode, 0, stroke.modifiers) == "λ"
    assert len(layout.shifts(0)) == 3


def test_a_server_without_xkb_says_so() -> None:
    absent: Any = SimpleNamespace(reply=lambda: SimpleNamespace(present=0))
    connection = SimpleNamespace(core=SimpleNamespace(QueryExtension=lambda length, name: absent))
    with pytest.raises(LookupError):
        Keyboard(connection)


def test_a_map_that_lacks_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="left out"):
        read_map(bytes(40))
