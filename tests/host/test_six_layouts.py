"""Six layouts of viewers on six layouts of hosts: the same text, dead keys and AltGr included (spec 03-wire, 3.4.3).

The viewer is the native window on a display of its own, whose keys are pressed one by one; what it would send is typed
by a host's sink on another display, into a terminal there.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from avl_host.input.desktop import DesktopSink
from avl_host.input.layout import KeyboardState, Layout, Stroke
from avl_protocol.wire.keys import KEYS
from avl_protocol.wire.registry import InputKind
from tests.host.conftest import Typist, XServer
from tests.host.keyboards import Person
from tests.tools import need
from tests.viewer.stage import Actor, Display, staged

pytestmark = pytest.mark.display

SIZE = (640, 480)
#: Layout -> what is typed. A character that a layout has behind a dead key is typed by that.
TEXTS = {
    "us": "Hello, World! {x} [y] ~|\\@#^`",
    "de": "Größe: 5 €, @home {x} [y] ~|\\ é â ò",
    "fr": "Où ça ? L'été, 5 € @ {x} ~# ê ï 0",
    "ru": "Привет, мир! Ёж, ЪЭ №5",
    "tr": "Işık, İğde, ŞÇÖÜ @ € ~ â ë",
    "jp(kana)": "チトシハ゛ホン゜「」ーアカサタナ、。・ヲッャ",
}
#: Combining mark -> the keysym of its dead key (X.h's keysymdef).
_DEAD = {"\u0300": 0xFE50, "\u0301": 0xFE51, "\u0302": 0xFE52, "\u0303": 0xFE53, "\u0308": 0xFE57}
#: Keys whose characters the host leaves to code points.
_BRACKETS = {"「": 0x4A2, "」": 0x4A3}
#: Milliseconds between one movement of a finger and the next. Of keys that come at one moment Qt takes the second of
#: two that are the same for a repetition, and tells what was composed before what was typed.
PACE = 8
_SHIFT, _LEVEL3, _SHIFT_KEY = 1, 0x80, 42
TEXT, KEY = int(InputKind.TEXT), int(InputKind.KEY)


def strokes(layout: Layout, text: str) -> list[Stroke]:
    """The keys that make one character on a layout."""
    if (found := layout.stroke(text, KeyboardState())) is not None:
        return [found]
    if text in _BRACKETS:
        return [stroke_of(layout, _BRACKETS[text])]
    base, mark = list(unicodedata.normalize("NFD", text))
    return [stroke_of(layout, _DEAD[mark]), *strokes(layout, base)]


def stroke_of(layout: Layout, keysym: int) -> Stroke:
    """The key that has a keysym."""
    for keycode in range(9, 120):
        for modifiers in (0, _SHIFT, _LEVEL3, _SHIFT | _LEVEL3):
            if layout.keysym(keycode, 0, modifiers) == keysym:
                return Stroke(keycode, modifiers)
    raise AssertionError(f"no key has {keysym:#x}")


def type_by_hand(display: Display, layout: Layout, text: str) -> None:
    """Press the keys of a person who has this layout."""
    level3 = layout.shifts(0)[_LEVEL3] - 8
    for stroke in (stroke for one in text for stroke in strokes(layout, one)):
        held = [key for bit, key in ((_SHIFT, _SHIFT_KEY), (_LEVEL3, level3)) if stroke.modifiers & bit]
        display.tap(*held, stroke.keycode - 8, after=PACE)


@pytest.fixture(scope="module")
def window() -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("status", stage="running")
        actor.show(1, SIZE)
        actor.settle()
        yield display, actor


@pytest.fixture(scope="module")
def sent(window: tuple[Display, Actor]) -> dict[str, list[list[Any]]]:
    """Layout -> the rows that the window sends for its text."""
    display, actor = window
    server = XServer(display.name, display.server)
    person = Person(server)
    found = {}
    for name, text in TEXTS.items():
        person.layouts(name)
        actor.settle()
        type_by_hand(display, person.layout(), text)
        display.sync()
        found[name] = actor.settle()
    return found


def test_the_window_sends_the_text_that_its_layout_makes(sent: dict[str, list[list[Any]]]) -> None:
    assert {name: typed(rows) for name, rows in sent.items()} == TEXTS


def typed(rows: list[list[Any]]) -> str:
    return "".join(row[1] if row[0] == TEXT else row[4] for row in rows if row[0] in (TEXT, KEY))


@pytest.fixture
def person(xvfb: XServer) -> Iterator[Person]:
    person = Person(xvfb)
    yield person
    person.leave()


async def test_every_layout_types_the_same_text_on_every_host(
    sent: dict[str, list[list[Any]]], xvfb: XServer, typist: Typist, person: Person
) -> None:
    need("setxkbmap")
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    sink.move(100, 100)
    expected: list[tuple[str, str, str]] = []
    try:
        for host in TEXTS:
            person.layouts(host)
            for viewer, rows in sent.items():
                with sink.together():
                    for row in rows:
                        if row[0] == KEY:
                            sink.key(*row[1:])
                        elif row[0] == TEXT:
                            sink.text(row[1])
                    sink.key(KEYS["enter"], True, 0, "")
                    sink.key(KEYS["enter"], False, 0, "")
                expected.append((viewer, host, TEXTS[viewer]))
                await asyncio.to_thread(typist.lines, len(expected))
        found = await asyncio.to_thread(typist.lines, len(expected))
    finally:
        sink.close()
    wrong = [(*case, line) for case, line in zip(expected, found, strict=False) if case[2] != line]
    assert (wrong, len(found)) == ([], len(expected))
