"""Layout: what the keys of an X keyboard write, by the model of the X Keyboard Extension (XKB protocol, chapter 12).

A key has up to four groups (layouts), a group has levels, and the type of a group says which modifiers choose which
level. Whatever is looked up here depends on the group and the modifiers in force; nothing is asked of a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from avl_host.input.keymap import (
    ALT_RIGHT_USAGE,
    KEYCODES,
    XK_LEVEL3_SHIFT,
    XK_LEVEL5_SHIFT,
    XK_SHIFT_L,
    character,
    is_keypad,
)

#: Real modifiers that mean the same on every server (X protocol, "SETofKEYMASK").
SHIFT, LOCK = 1, 2
#: What a key does with a group that is active and that it lacks (XKB protocol, 12.3): wraps round, takes its last
#: one, or takes a given one.
_CLAMP, _REDIRECT = 0x40, 0x80
#: Letters before this one (Latin, Greek, Cyrillic) have capitals that every program knows.
_SIMPLE = "\u0530"


@dataclass(frozen=True, slots=True)
class KeyType:
    """`entries`: modifiers -> (level, those of them that stay in force); only the modifiers of `mask` count."""

    mask: int
    entries: Mapping[int, tuple[int, int]]

    def level(self, modifiers: int) -> tuple[int, int]:
        """The level, and the modifiers that were used up in choosing it."""
        level, kept = self.entries.get(modifiers & self.mask, (0, 0))
        return level, self.mask & ~kept


@dataclass(frozen=True, slots=True)
class Group:
    """One layout of a key: its keysyms by level, the modifiers that are in force while it is down, those that it
    locks, and whether it has any action at all, which may change what is in force.
    """

    type: KeyType
    keysyms: tuple[int, ...]
    holds: int = 0
    locks: int = 0
    acts: bool = False

    def keysym(self, level: int) -> int:
        """The keysym of a level; 0 for none."""
        return self.keysyms[level] if level < len(self.keysyms) else 0


@dataclass(frozen=True, slots=True)
class Key:
    """A key's layouts; `beyond` is the part of XKB's group info that says what happens in a group that it lacks."""

    groups: tuple[Group, ...]
    beyond: int = 0

    def group(self, active: int) -> Group | None:
        """The layout that counts in the active group; None for a key that means nothing."""
        count = len(self.groups)
        if active < count:
            return self.groups[active]
        if not count:
            return None
        if self.beyond & 0xC0 == _CLAMP:
            return self.groups[-1]
        if self.beyond & 0xC0 == _REDIRECT:
            redirected = self.beyond >> 4 & 3
            return self.groups[redirected if redirected < count else 0]
        return self.groups[active % count]

    @property
    def holds(self) -> int:
        """The modifiers that this key may keep in force, whatever the group in which it went down."""
        return _union(group.holds for group in self.groups)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A keycode, the modifiers it is pressed with, locks that have to be off meanwhile, and the group that has to be
    active where it is not the one that is.
    """

    keycode: int
    modifiers: int = 0
    unlocked: int = 0
    group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyboardState:
    """What is in force on the host's keyboard: modifiers by held keys, until the next key, and for good; the group,
    and its parts likewise.
    """

    held: int = 0
    latched: int = 0
    locked: int = 0
    group: int = 0
    held_group: int = 0
    latched_group: int = 0
    locked_group: int = 0

    @property
    def modifiers(self) -> int:
        """All modifiers in force."""
        return self.held | self.latched | self.locked


class Layout:
    """The keys of a keyboard by keycode."""

    def __init__(self, keys: Mapping[int, Key]) -> None:
        self._keys = keys
        self._strokes: dict[tuple[int, int], dict[str, Stroke]] = {}
        self._shifts: dict[int, dict[int, int]] = {}
        self._locks: dict[int, int] = {}
        self._acting = {code for code, key in keys.items() if any(group.acts for group in key.groups)}
        groups = [group for key in keys.values() for group in key.groups]
        #: How many layouts there are.
        self.groups = max((len(key.groups) for key in keys.values()), default=1) or 1
        #: Modifiers that are locks and nothing else: what is typed adapts to them.
        self.locks = _union(group.locks for group in groups) & ~_union(group.holds for group in groups) & ~SHIFT

    def keysym(self, keycode: int, group: int, modifiers: int = 0) -> int:
        """The keysym of a key; 0 for none."""
        return self._look_up(keycode, group, modifiers)[0]

    def holds(self, keycode: int) -> int:
        """The modifiers that a key may keep in force."""
        key = self._keys.get(keycode)
        return key.holds if key is not None else 0

    def acts(self, keycode: int) -> bool:
        """Whether a key may change the modifiers or the group in force."""
        return keycode in self._acting

    def find(self, keysym: int, group: int = 0) -> int | None:
        """A keycode that gives a keysym without modifiers."""
        return next((keycode for keycode in self._keys if self.keysym(keycode, group) == keysym), None)

    def lock(self, keysym: int) -> int:
        """The modifier that a lock key locks; 0 where there is no such key."""
        if keysym not in self._locks:
            groups = (group for key in self._keys.values() for group in key.groups if keysym in group.keysyms)
            self._locks[keysym] = _union(group.locks for group in groups) & self.locks
        return self._locks[keysym]

    def shifts(self, group: int) -> Mapping[int, int]:
        """The modifiers that choose levels (Shift, level 3, level 5) -> a keycode that holds each."""
        if group not in self._shifts:
            found: dict[int, int] = {}
            for keysym in (XK_SHIFT_L, XK_LEVEL3_SHIFT, XK_LEVEL5_SHIFT):
                # AltGr's place first: programs and games know it.
                for keycode in sorted(self._keys, key=lambda code: code != KEYCODES[ALT_RIGHT_USAGE]):
                    here = self._keys[keycode].group(group)
                    if here is not None and here.holds and here.keysym(0) == keysym:
                        found.setdefault(here.holds, keycode)
            self._shifts[group] = found
        return self._shifts[group]

    def choosing(self, group: int) -> int:
        """The modifiers that choose levels, as one mask."""
        return _union(self.shifts(group))

    def writes(self, keycode: int, group: int, modifiers: int) -> str:
        """The character a key writes; empty where it writes none."""
        keysym, used = self._look_up(keycode, group, modifiers)
        text = character(keysym)
        if not modifiers & LOCK & ~used or text.upper() == text:
            return text
        # Programs make a capital of it themselves where the type does not use Caps Lock up, and agree on simple ones.
        capital = text.upper()
        return capital if capital.lower() == text and text < _SIMPLE else ""

    def stroke(self, text: str, state: KeyboardState) -> Stroke | None:
        """How a character is typed: in the state's group if that has it, else in another, its locks left alone where
        possible; None where no key gives it.
        """
        locks = state.modifiers & self.locks
        for group in (state.group, *(other for other in range(self.groups) if other != state.group)):
            for unlocked in (0, LOCK) if locks & LOCK else (0,):
                if found := self._index(group, locks & ~unlocked).get(text):
                    return replace(found, unlocked=unlocked, group=None if group == state.group else group)
        return None

    def letter(self, text: str, group: int) -> Stroke | None:
        """The key that has this character in a group, for a shortcut; the case of a letter does not count, and Shift
        is not part of its stroke. None where no key has it.
        """
        strokes = self._index(group, 0)
        if not is_letter(text):
            return strokes.get(text)
        found = strokes.get(text.lower()) or strokes.get(text.upper())
        return None if found is None else replace(found, modifiers=found.modifiers & ~SHIFT)

    def spares(self) -> dict[int, str]:
        """Keycodes without a place that mean nothing (""), or one character at every level: lent by us, now or by a
        host that died.
        """
        placed = set(KEYCODES.values())
        found = {}
        for keycode, key in self._keys.items():
            keysyms = [keysym for group in key.groups for keysym in group.keysyms]
            if keycode in placed:
                continue
            if not any(keysyms):
                found[keycode] = ""
            elif len(keysyms) > 1 and len(set(keysyms)) == 1 and character(keysyms[0]):
                found[keycode] = character(keysyms[0])
        return found

    def _look_up(self, keycode: int, group: int, modifiers: int) -> tuple[int, int]:
        key = self._keys.get(keycode)
        here = key.group(group) if key is not None else None
        if here is None:
            return 0, 0
        level, used = here.type.level(modifiers)
        return here.keysym(level), used

    def _index(self, group: int, locks: int) -> dict[str, Stroke]:
        """Every character of a group with the fewest modifiers that give it."""
        if (group, locks) not in self._strokes:
            strokes: dict[str, Stroke] = {}
            bits = list(self.shifts(group))
            keycodes = [code for code in self._keys.keys() - self.spares().keys() if not self._is_keypad(code, group)]
            for modifiers in (sum(some) for count in range(len(bits) + 1) for some in combinations(bits, count)):
                for keycode in sorted(keycodes):
                    if text := self.writes(keycode, group, locks | modifiers):
                        strokes.setdefault(text, Stroke(keycode, modifiers))
            self._strokes[group, locks] = strokes
        return self._strokes[group, locks]

    def _is_keypad(self, keycode: int, group: int) -> bool:
        here = self._keys[keycode].group(group)
        return here is not None and any(is_keypad(keysym) for keysym in here.keysyms)


def is_letter(text: str) -> bool:
    """Whether this is a letter that has two cases."""
    return text.lower() != text.upper()


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
