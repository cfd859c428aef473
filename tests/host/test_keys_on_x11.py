"""Keys on a real X server: any layout and group of the host, shortcuts by letter, and a person's hands at the host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from avl_host.input.desktop import DesktopSink
from avl_host.input.keymap import keysym_for
from avl_host.input.sink import SinkLost, StoppedLoop
from avl_protocol.wire.keys import KEYS, modifiers_of, parse_chord
from avl_protocol.wire.registry import Modifier
from tests.host.conftest import Typist, XServer
from tests.host.keyboards import Person, Program
from tests.host.test_desktop import ENTER, Watcher, eventually, press
from tests.tools import need

pytestmark = pytest.mark.display
SHIFT, CONTROL, ALT = 1, 4, 8


@pytest.fixture
def person(xvfb: XServer) -> Iterator[Person]:
    person = Person(xvfb)
    yield person
    person.leave()


@pytest.fixture
def sink(xvfb: XServer) -> Iterator[DesktopSink]:
    sink = DesktopSink(xvfb.display, StoppedLoop())
    sink.move(100, 100)
    yield sink
    sink.close()


@pytest.fixture
def program(xvfb: XServer) -> Iterator[Program]:
    program = Program(xvfb.display)
    yield program
    program.close()


class NeverLater(StoppedLoop):
    """A loop for sinks that lend no spare keycode."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> None:
        raise AssertionError("a spare keycode was lent")


def chord(sink: DesktopSink, text: str, usage: int | None = None, letter: str | None = None) -> None:
    """Press keys as a viewer does; `usage` and `letter` are what its own layout makes of the last key."""
    keys = parse_chord(text)
    bits = 0
    for held in keys.held:
        bits |= modifiers_of((held,))
        sink.key(held, True, bits, "")
    press(sink, keys.usage if usage is None else usage, keys.text if letter is None else letter, bits)
    for held in reversed(keys.held):
        sink.key(held, False, 0, "")


TEXT = "Hello @ {} Привет Ωμ é 12#"


async def test_text_is_typed_whatever_the_layouts_and_the_active_group(
    xvfb: XServer, typist: Typist, person: Person
) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    sink.move(100, 100)
    cases = [("us,de,ru,gr", group) for group in range(4)] + [("us,ru", 1), ("ru", 0), ("fr", 0), ("us,de,fr,ru", 2)]
    try:
        for done, (layouts, group) in enumerate(cases, 1):
            person.layouts(layouts)
            person.group(group)
            sink.text(TEXT + "\n")
            found = await asyncio.to_thread(typist.lines, done)
            assert found[done - 1 :] == [TEXT], (layouts, group)
            assert eventually(lambda group=group: person.state()[2] == group), (  # type: ignore[misc]
                "the person's own layout stays"
            )
    finally:
        sink.close()


@dataclass
class Watching(StoppedLoop):
    """A loop that looks when it is told to."""

    look: Callable[[], None] | None = None

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None:
        self.look = callback

    def remove_reader(self, fd: int, /) -> None:
        self.look = None


@dataclass
class Waits:
    """How often a connection waited for an answer, and how often what had been asked left."""

    answers: int = 0
    flushes: int = 0

    def watch(self, monkeypatch: pytest.MonkeyPatch, x: Any) -> None:
        """Count from now on."""
        wait, flush = x.wait_for_reply, x.flush

        def waits(sequence: int) -> Any:
            self.answers += 1
            return wait(sequence)

        def flushes() -> Any:
            self.flushes += 1
            return flush()

        monkeypatch.setattr(x, "wait_for_reply", waits)
        monkeypatch.setattr(x, "flush", flushes)


def test_letters_and_buttons_wait_for_no_answer(
    xvfb: XServer, program: Program, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = DesktopSink(xvfb.display, StoppedLoop())
    sink.move(100, 100)
    assert program.keys(lambda: sink.text("a"), 1) == [(ord("a"), 0)]
    waits = Waits()
    waits.watch(monkeypatch, connections[-1])

    def act() -> None:
        for letter in "bcdef":
            press(sink, KEYS[letter], letter)
        sink.button(1, True)
        sink.button(1, False)
        sink.text("g\n")

    assert program.keys(act, 7) == [(ord(letter), 0) for letter in "bcdefg"] + [(0xFF0D, 0)]
    assert waits.answers == 0
    sink.close()


def test_after_a_modifier_the_answer_is_there_before_it_is_needed(
    xvfb: XServer, program: Program, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Watching()
    sink = DesktopSink(xvfb.display, loop)
    x = connections[-1]
    sink.move(100, 100)
    assert program.keys(lambda: sink.text("a"), 1) == [(ord("a"), 0)]
    sink.key(KEYS["shift"], True, Modifier.SHIFT, "")
    x.core.GetInputFocus().reply()  # What the server had to say is read by now.
    assert loop.look is not None
    loop.look()
    waits = Waits()
    waits.watch(monkeypatch, x)
    assert program.keys(lambda: press(sink, KEYS["b"], "B", Modifier.SHIFT), 1) == [(ord("B"), SHIFT)]
    assert waits.answers == 1, "the one that was asked for with the modifier"
    assert program.keys(lambda: press(sink, KEYS["c"], "C", Modifier.SHIFT), 1) == [(ord("C"), SHIFT)]
    assert waits.answers == 1
    sink.close()
    assert loop.look is None


def test_what_a_person_changes_is_known_before_the_next_key(
    xvfb: XServer, program: Program, person: Person, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Watching()
    sink = DesktopSink(xvfb.display, loop)
    x = connections[-1]
    sink.move(100, 100)
    assert program.keys(lambda: sink.text("a"), 1) == [(ord("a"), 0)]
    person.layouts("us,ru")
    person.group(1)
    x.core.GetInputFocus().reply()
    assert loop.look is not None
    loop.look()
    x.core.GetInputFocus().reply()
    waits = Waits()
    waits.watch(monkeypatch, x)
    assert program.keys(lambda: press(sink, KEYS["z"], "я"), 1) == [(0x6D1, 0)]
    assert waits.answers <= 1, "no layout is read while a key waits"
    sink.close()


def test_what_comes_together_leaves_at_once(
    xvfb: XServer, program: Program, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = DesktopSink(xvfb.display, StoppedLoop())
    waits = Waits()
    waits.watch(monkeypatch, connections[-1])

    def act() -> None:
        with sink.together():
            sink.move(100, 100)
            sink.button(1, True)
            sink.button(1, False)

    assert program.buttons(act, 1) == [1]
    assert waits.flushes == 1
    sink.close()


def test_a_display_that_died_is_not_looked_at_any_more(own_xvfb: Callable[..., XServer]) -> None:
    server, loop = own_xvfb(), Watching()
    sink = DesktopSink(server.display, loop)
    server.end()

    def looked() -> bool:
        if loop.look is not None:
            loop.look()
        return loop.look is None

    assert eventually(looked)
    with pytest.raises(SinkLost):
        sink.move(1, 1)
    sink.close()


async def test_a_group_that_changes_between_two_keys_is_followed(
    xvfb: XServer, typist: Typist, person: Person, connections: list[Any]
) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    x = connections[-1]
    sink.move(100, 100)
    person.layouts("us,de,ru")
    try:
        for group, letter in ((0, "y"), (1, "z"), (2, "н"), (0, "Y")):
            person.group(group)
            press(sink, KEYS["y"], letter)
            x.core.GetInputFocus().reply()  # The key is in before the layout changes again.
        person.group(locked=0, latched=1)
        press(sink, KEYS["z"], "y")
        press(sink, ENTER)
        assert await asyncio.to_thread(typist.lines, 1) == ["yzнYy"]
    finally:
        sink.close()


def test_letters_of_another_layout_need_no_spare_keycode(xvfb: XServer, program: Program, person: Person) -> None:
    person.layouts("us,de,ru")
    sink = DesktopSink(xvfb.display, NeverLater())
    sink.move(100, 100)
    try:
        found = program.keys(lambda: sink.text("жяüz"), 4)
        assert found == [(0x6D6, 0), (0x6D1, 0), (0xFC, 0), (ord("z"), 0)]
        assert person.state()[2] == 0
        assert program.keys(lambda: sink.text("z"), 1) == [(ord("z"), 0)]
    finally:
        sink.close()


def test_a_layout_that_a_person_chooses_by_holding_a_key_is_taken_into_account(
    xvfb: XServer, program: Program, person: Person
) -> None:
    person.layouts("us,ru", "-option", "grp:switch")
    sink = DesktopSink(xvfb.display, NeverLater())
    sink.move(100, 100)
    try:
        assert program.keys(lambda: person.key("altgr", True), 1) == [(0xFF7E, 0)]
        assert person.state()[2] == 1
        assert program.keys(lambda: sink.text("жa"), 2) == [(0x6D6, 0), (ord("a"), 0)]
        assert person.state()[2] == 1
        person.key("altgr", False)
        assert person.state()[2] == 0
    finally:
        sink.close()


@pytest.mark.parametrize("locks", [0, 2, 16, 18])
async def test_text_is_typed_whatever_is_locked(xvfb: XServer, typist: Typist, person: Person, locks: int) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    sink.move(100, 100)
    person.layouts("fr")
    person.sticky(locks, True)
    text = "éÉàçaA1&жЖßµ²€ 漢\u00a0z"
    try:
        sink.text(text + "\n")
        assert await asyncio.to_thread(typist.lines, 1) == [text]
        assert eventually(lambda: person.state()[1] == locks), "the person's locks stay"
    finally:
        sink.close()


async def test_text_without_a_glyph_is_typed(xvfb: XServer, typist: Typist) -> None:
    sink = DesktopSink(xvfb.display, asyncio.get_running_loop())
    sink.move(100, 100)
    text = "10\u00a0km 3\u202f000 a\u3000b \u0645\u06cc\u200c\u062e \U0001f468\u200d\U0001f467 \ue0b0 \U0001fae8"
    sink.text(text + "\n")
    found = await asyncio.to_thread(typist.lines, 1)
    sink.close()
    assert found == [text]


@pytest.mark.parametrize("layout", ["us", "fr", "de", "us -variant dvorak"])
def test_a_shortcut_presses_the_key_that_has_the_letter(
    sink: DesktopSink, program: Program, person: Person, layout: str
) -> None:
    person.layouts(*layout.split())
    letters = "azmqwy"

    def act() -> None:
        for letter in letters:
            chord(sink, f"ctrl+{letter}")

    found = program.keys(act, len(letters))
    assert found == [(ord(letter), CONTROL) for letter in letters]
    found = program.keys(lambda: chord(sink, "ctrl+shift+z"), 1)
    assert found == [(ord("Z"), CONTROL | SHIFT)]
    found = program.keys(lambda: chord(sink, "alt+f4"), 1)
    assert found == [(0xFFC1, ALT)]


def test_a_shortcut_by_place_presses_the_place(sink: DesktopSink, program: Program, person: Person) -> None:
    person.layouts("fr")
    assert program.keys(lambda: chord(sink, "ctrl+a", letter=""), 1) == [(ord("q"), CONTROL)]


def test_a_letter_that_the_active_layout_lacks_falls_back_to_the_place(
    sink: DesktopSink, program: Program, person: Person
) -> None:
    person.layouts("us,ru")
    person.group(1)
    assert program.keys(lambda: chord(sink, "ctrl+z"), 1) == [(0x6D1, CONTROL)]  # Cyrillic ya
    # A Russian viewer's Ctrl+я on an American host.
    person.group(0)
    assert program.keys(lambda: chord(sink, "ctrl+z", letter="я"), 1) == [(ord("z"), CONTROL)]


def test_a_sign_in_a_shortcut_is_the_sign_whatever_level_it_is_on(
    sink: DesktopSink, program: Program, person: Person
) -> None:
    assert program.keys(lambda: chord(sink, "ctrl++"), 1) == [(ord("+"), CONTROL | SHIFT)]
    # A German viewer has + by itself, and / on Shift+7.
    plus = program.keys(lambda: chord(sink, "ctrl+]", usage=KEYS["]"], letter="+"), 1)
    slash = program.keys(lambda: chord(sink, "ctrl+shift+7", letter="/"), 1)
    assert (plus, slash) == ([(ord("+"), CONTROL | SHIFT)], [(ord("/"), CONTROL)])
    person.layouts("de")
    assert program.keys(lambda: chord(sink, "ctrl++"), 1) == [(ord("+"), CONTROL)]
    assert program.keys(lambda: chord(sink, "ctrl+shift+7"), 1) == [(ord("/"), CONTROL | SHIFT)], "digits by place"


def test_what_went_down_goes_up_though_the_layout_has_changed_meanwhile(
    sink: DesktopSink, person: Person, xvfb: XServer
) -> None:
    watcher = Watcher(xvfb.display)
    person.layouts("fr")
    sink.key(KEYS["ctrl"], True, Modifier.CONTROL, "")
    sink.key(KEYS["a"], True, Modifier.CONTROL, "a")
    assert eventually(lambda: watcher.keys() == {37, 24})
    person.layouts("us")
    sink.key(KEYS["a"], False, Modifier.CONTROL, "")
    sink.key(KEYS["ctrl"], False, 0, "")
    assert eventually(lambda: watcher.keys() == set())
    watcher.close()


def test_the_keypad_is_the_keypad(sink: DesktopSink, program: Program) -> None:
    digit = program.keys(lambda: press(sink, KEYS["numpad7"], "7", Modifier.NUM_LOCK), 1)
    home = program.keys(lambda: press(sink, KEYS["numpad7"], "", 0), 1)
    plus = program.keys(lambda: press(sink, KEYS["numpadadd"], "+", 0), 1)
    assert (digit, home, plus) == ([(0xFFB7, 0)], [(0xFF95, 0)], [(0xFFAB, 0)])


@pytest.mark.parametrize("name", ["ctrl", "shift", "alt", "meta"])
def test_a_modifier_held_at_the_host_changes_nothing_that_is_typed(
    sink: DesktopSink, program: Program, person: Person, name: str
) -> None:
    person.key(name, True)
    held = person.state()[0]
    assert held
    found = program.keys(lambda: sink.text("cD\n"), 3)
    assert found == [(ord("c"), 0), (ord("D"), SHIFT), (0xFF0D, 0)]
    found = program.keys(lambda: press(sink, KEYS["c"], "c"), 1)
    assert found == [(ord("c"), 0)]
    found = program.keys(lambda: press(sink, ENTER), 1)
    assert found == [(0xFF0D, 0)], "keys by place neither"
    assert eventually(lambda: person.state()[0] == held), "and the person holds it still"
    person.key(name, False)
    assert person.state()[0] == 0


def test_a_key_that_was_put_back_for_a_person_can_be_pressed_by_a_viewer(
    sink: DesktopSink, program: Program, person: Person
) -> None:
    person.key("ctrl", True)
    assert program.keys(lambda: sink.text("c"), 1) == [(ord("c"), 0)]
    person.key("ctrl", False)
    assert program.keys(lambda: chord(sink, "ctrl+x"), 1) == [(ord("x"), CONTROL)]
    assert person.state()[0] == 0


def test_what_a_person_holds_is_no_part_of_a_viewer_s_shortcut(
    sink: DesktopSink, program: Program, person: Person
) -> None:
    person.key("shift", True)
    assert program.keys(lambda: chord(sink, "ctrl+x"), 1) == [(ord("x"), CONTROL)]
    person.key("shift", False)


def test_a_modifier_whose_release_was_lost_is_no_part_of_a_later_key(sink: DesktopSink, program: Program) -> None:
    sink.key(KEYS["shift"], True, Modifier.SHIFT, "")
    sink.key(KEYS["ctrl"], True, Modifier.CONTROL | Modifier.SHIFT, "")
    found = program.keys(lambda: press(sink, KEYS["f9"], "", 0), 1)
    found += program.keys(lambda: press(sink, KEYS["x"], "x", Modifier.CONTROL), 1)
    found += program.keys(lambda: press(sink, KEYS["x"], "x", 0), 1)
    assert found == [(0xFFC6, 0), (ord("x"), CONTROL), (ord("x"), 0)]


@pytest.mark.parametrize("mask", [SHIFT, CONTROL, ALT])
def test_sticky_modifiers_at_the_host_change_nothing_that_is_typed(
    sink: DesktopSink, program: Program, person: Person, mask: int
) -> None:
    person.sticky(mask, True)
    assert program.keys(lambda: sink.text("cD"), 2) == [(ord("c"), 0), (ord("D"), SHIFT)]
    assert eventually(lambda: person.state()[1] == mask)


def test_keys_held_at_the_host_survive_the_start_of_a_host(xvfb: XServer, person: Person) -> None:
    person.key("ctrl", True)
    sink = DesktopSink(xvfb.display, StoppedLoop())
    assert person.state()[0] == CONTROL
    sink.close()
    assert person.state()[0] == CONTROL
    person.key("ctrl", False)


@pytest.mark.parametrize("order", ["3 2 1 5 4", "1 2 3 5 4 7 6"])
def test_buttons_are_what_they_are_called_whatever_the_pointer_map(
    sink: DesktopSink, program: Program, xvfb: XServer, order: str
) -> None:
    def act() -> None:
        for button in (1, 2, 3, 8):
            sink.button(button, True)
            sink.button(button, False)
        sink.scroll(0, 120)
        sink.scroll(0, -120)
        sink.scroll(120, 0)

    try:
        assert xvfb.run(need("xmodmap"), "-e", f"pointer = {order}").returncode == 0
        assert program.buttons(act, 7) == [1, 2, 3, 8, 5, 4, 7]
    finally:
        xvfb.run("xmodmap", "-e", "pointer = default")


def test_a_spare_keycode_writes_its_character_at_every_level(sink: DesktopSink, program: Program) -> None:
    sink.key(KEYS["shift"], True, Modifier.SHIFT, "")
    found = program.keys(lambda: press(sink, KEYS["d"], "漢", Modifier.SHIFT), 1)
    sink.key(KEYS["shift"], False, 0, "")
    assert found == [(keysym_for("漢"), SHIFT)]
