"""Layouts: what a key writes, and which stroke gives which character, by XKB's types, groups and levels."""

from __future__ import annotations

from avl_host.input.keymap import KEYCODES, XK_LEVEL3_SHIFT, XK_SHIFT_L
from avl_host.input.layout import LOCK, SHIFT, Group, Key, KeyboardState, KeyType, Layout, Stroke
from avl_protocol.wire.keys import KEYS

NUM, LEVEL3 = 0x10, 0x80
ONE_LEVEL = KeyType(0, {})
TWO_LEVEL = KeyType(SHIFT, {SHIFT: (1, 0)})
ALPHABETIC = KeyType(SHIFT | LOCK, {SHIFT: (1, 0), LOCK: (1, 0)})
KEYPAD = KeyType(SHIFT | NUM, {SHIFT: (1, 0), NUM: (1, 0)})
FOUR_LEVEL = KeyType(SHIFT | LEVEL3, {SHIFT: (1, 0), LEVEL3: (2, 0), SHIFT | LEVEL3: (3, 0)})

SHIFT_KEY, ALTGR_KEY = KEYCODES[KEYS["shift"]], KEYCODES[KEYS["altgr"]]
Q, KP7 = KEYCODES[KEYS["q"]], KEYCODES[KEYS["numpad7"]]
#: Keycodes 10..13: a key with a case in two layouts, one without case, one with four levels, one that means nothing.
LAYOUT = Layout(
    {
        10: Key((Group(ALPHABETIC, (0x61, 0x41)), Group(ALPHABETIC, (0x6C6, 0x6E6)))),
        11: Key((Group(TWO_LEVEL, (0xE9, 0x37)),)),
        12: Key((Group(FOUR_LEVEL, (0x71, 0x51, 0x40, 0x7D9)),)),
        13: Key(()),
        SHIFT_KEY: Key((Group(ONE_LEVEL, (XK_SHIFT_L,), holds=SHIFT),)),
        ALTGR_KEY: Key((Group(ONE_LEVEL, (XK_LEVEL3_SHIFT,), holds=LEVEL3),)),
        66: Key((Group(ONE_LEVEL, (0xFFE5,), locks=LOCK),)),
        77: Key((Group(ONE_LEVEL, (0xFF7F,), locks=NUM),)),
        KP7: Key((Group(KEYPAD, (0xFF95, 0xFFB7)),)),
    }
)
PLAIN, CAPS, SECOND = KeyboardState(), KeyboardState(locked=LOCK), KeyboardState(group=1)


def test_what_a_key_writes_depends_on_what_is_in_force() -> None:
    assert LAYOUT.writes(10, 0, 0) == "a"
    assert LAYOUT.writes(10, 0, LOCK) == "A"
    assert LAYOUT.writes(10, 0, LOCK | SHIFT) == "a", "Shift takes Caps Lock back where the type says so"
    assert LAYOUT.writes(11, 0, LOCK | SHIFT) == "7", "Caps Lock is no Shift"
    assert LAYOUT.writes(11, 0, LOCK) == "É", "programs make capitals where the type does not"
    assert LAYOUT.writes(10, 1, 0) == "ф"
    assert LAYOUT.writes(12, 0, LEVEL3) == "@"
    assert LAYOUT.writes(99, 0, 0) == LAYOUT.writes(13, 0, 0) == ""
    assert (LAYOUT.writes(KP7, 0, 0), LAYOUT.writes(KP7, 0, NUM)) == ("", "7")


def test_a_key_that_lacks_the_active_group_wraps_clamps_or_is_redirected() -> None:
    groups = tuple(Group(ONE_LEVEL, (keysym,)) for keysym in (0x61, 0x62, 0x63))
    wraps, clamps, redirected = (Key(groups, beyond) for beyond in (0x03, 0x43, 0x93))
    written = [[Layout({9: key}).writes(9, group, 0) for group in range(4)] for key in (wraps, clamps, redirected)]
    assert written == [list("abca"), list("abcc"), list("abcb")]
    assert LAYOUT.writes(12, 3, 0) == "q", "a key of one layout has it in every group"


def test_strokes_are_found_at_every_level_with_the_fewest_modifiers() -> None:
    assert LAYOUT.stroke("A", PLAIN) == Stroke(10, SHIFT)
    assert LAYOUT.stroke("A", CAPS) == Stroke(10)
    assert LAYOUT.stroke("@", PLAIN) == Stroke(12, LEVEL3)
    assert LAYOUT.stroke("Ω", PLAIN) == Stroke(12, SHIFT | LEVEL3)
    assert LAYOUT.stroke("Ф", SECOND) == Stroke(10, SHIFT)
    assert LAYOUT.stroke("a", SECOND) == Stroke(10, group=0), "only another layout has it"
    assert LAYOUT.stroke("q", SECOND) == Stroke(12)
    assert LAYOUT.stroke("漢", PLAIN) is None


def test_a_letter_whose_capital_programs_disagree_about_is_typed_with_caps_lock_off() -> None:
    for keysym, text in ((0xDF, "ß"), (0xB5, "µ"), (0x010010D0, "ა")):
        layout = Layout(
            {20: Key((Group(TWO_LEVEL, (keysym, 0)),)), 66: Key((Group(ONE_LEVEL, (0xFFE5,), locks=LOCK),))}
        )
        assert layout.writes(20, 0, LOCK) == ""
        assert layout.stroke(text, CAPS) == Stroke(20, unlocked=LOCK)


def test_a_letter_that_caps_lock_would_change_is_typed_with_it_off() -> None:
    assert LAYOUT.stroke("é", CAPS) == Stroke(11, 0, unlocked=LOCK)


def test_a_digit_is_never_typed_on_the_keypad() -> None:
    assert LAYOUT.stroke("7", KeyboardState(locked=NUM)) == Stroke(11, SHIFT)


def test_a_shortcut_finds_its_letter_without_regard_to_case() -> None:
    assert LAYOUT.letter("a", 0) == LAYOUT.letter("A", 0) == Stroke(10)
    assert LAYOUT.letter("ф", 1) == LAYOUT.letter("Ф", 1) == Stroke(10)
    assert LAYOUT.letter("7", 0) == Stroke(11, SHIFT)
    assert LAYOUT.letter("z", 0) is None


def test_locks_are_modifiers_that_no_key_merely_holds() -> None:
    assert LAYOUT.locks == LOCK | NUM
    assert LAYOUT.lock(0xFFE5) == LOCK
    assert LAYOUT.lock(0xFF7F) == NUM
    assert LAYOUT.lock(0xFF14) == 0


def test_only_keys_without_meaning_are_spare() -> None:
    def key(*keysyms: int) -> Key:
        return Key((Group(TWO_LEVEL, keysyms),))

    layout = Layout(
        {
            250: key(0x61, 0x41),
            251: Key(()),
            252: key(0x01006F22, 0x01006F22),
            253: key(0xE9, 0xE9),
            254: key(0xFF0D, 0xFF0D),
            Q: Key(()),
        }
    )
    assert layout.spares() == {251: "", 252: "漢", 253: "é"}
