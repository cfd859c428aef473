"""Keyboard: the layout and state of an X server's keyboard, by the X Keyboard Extension (XKB protocol 1.0).

The core protocol shows two groups and four levels of a key and guesses the rest; XKB has all of it. xcffib 1.13 reads
past the actions in a reply to GetMap, and takes every event of XKB for a NewKeyboardNotify: both are read here.

A key waits for no answer of the server: what is in force is asked for when it changes, not when it is needed.
"""

from __future__ import annotations

import struct
from typing import Any

import xcffib
import xcffib.xkb
import xcffib.xproto

from avl_host.input.layout import Group, Key, KeyboardState, KeyType, Layout

_CORE_KEYBOARD = 0x100
#: What is asked of GetMap: types, keysyms, modifier map, actions (XKB protocol, "KB_MAPPART").
_TYPES, _KEYSYMS, _MODIFIERS, _ACTIONS = 1, 2, 4, 16
_PARTS = _TYPES | _KEYSYMS | _MODIFIERS | _ACTIONS
#: Its head: parts present, number of types, first key and number of keys, first and number of keys that may act, and
#: how many keys have modifiers.
_HEAD = struct.Struct("=12xHxBxB2xBB2xB8xB6x")
_SET_MODIFIERS, _LATCH_MODIFIERS, _LOCK_MODIFIERS = 1, 2, 3
_USE_MODIFIER_MAP = 4
_ALL = 0xFF
_NEW_KEYBOARD, _MAP, _STATE = 1, 2, 4
_MAP_NOTIFY, _STATE_NOTIFY = 1, 2
#: Parts of the state whose changes are told: modifiers and groups, and not the pointer's buttons.
_KEYS_STATE = 0xFF


class Keyboard:
    """The core keyboard of a connection. Raises LookupError where the server lacks XKB."""

    def __init__(self, connection: Any) -> None:
        self._x = connection
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not self._x.core.QueryExtension(9, "XKEYBOARD").reply().present:
            raise LookupError("XKEYBOARD")
        self._xkb: Any = self._x(xcffib.xkb.key)
        self._xkb.UseExtension(1, 0).reply()
        # A client of XKB is told of changes by XKB's own events only.
        whole, details = _NEW_KEYBOARD | _MAP, [_KEYS_STATE, _KEYS_STATE]
        self._xkb.SelectEvents(_CORE_KEYBOARD, whole | _STATE, 0, whole, _ALL, _ALL, details)
        self._state = KeyboardState()
        # Whether the state may be another than was asked for last; that question while its answer has not been read.
        self._unsure = True
        self._question: Any = None
        self._asked_at = 0

    def layout(self) -> Layout:
        """All groups and levels of all keys."""
        cookie = self._xkb.GetMap(_CORE_KEYBOARD, _PARTS, *[0] * 16)
        return read_map(bytes(self._x.wait_for_reply(cookie.sequence).buf))

    @property
    def waits(self) -> bool:
        """Whether `state` has to wait for the server, or at least to read what it has answered."""
        return self._unsure or self._question is not None

    def state(self) -> KeyboardState:
        """The modifiers and the group in force, after all that was sent before."""
        self.ask()
        if self._question is not None:
            question, self._question = self._question, None
            told = question.reply()
            self._state = KeyboardState(
                held=told.baseMods,
                latched=told.latchedMods,
                locked=told.lockedMods,
                group=told.group,
                held_group=told.baseGroup,
                latched_group=told.latchedGroup,
                locked_group=told.lockedGroup,
            )
        return self._state

    def stir(self) -> None:
        """What was sent just now may change the state."""
        self._unsure = True

    def ask(self) -> None:
        """Ask for a state that may have changed, and don't wait for the answer."""
        if self._unsure:
            self._unsure = False
            if self._question is not None:
                self._question.discard_reply()
            self._question = self._xkb.GetState(_CORE_KEYBOARD)
            self._asked_at = self._question.sequence

    def follow(self, event: Any) -> bool:
        """Whether an event that has arrived says that the state has changed; what it was before our last question is
        known by the answer to that."""
        if not isinstance(event, xcffib.xkb.NewKeyboardNotifyEvent) or event.xkbType != _STATE_NOTIFY:
            return False
        # xcb counts requests by 32 bits, the server by 16: in as many other requests lie hours of moving a pointer.
        raw: Any = xcffib.ffi.cast("xcb_generic_event_t *", event.unpacker.cdata)  # type: ignore[attr-defined]
        told_at: int = raw.full_sequence
        if told_at - self._asked_at & 0xFFFFFFFF < 0x80000000:
            self._unsure = True
        return True

    def lock(self, modifiers: int, on: bool) -> None:
        """Lock or unlock modifiers."""
        if modifiers:
            self.stir()
            self._xkb.LatchLockState(_CORE_KEYBOARD, modifiers, modifiers if on else 0, 0, 0, 0, 0, 0)

    def lock_group(self, group: int) -> None:
        """Make a group the one that is locked."""
        self.stir()
        self._xkb.LatchLockState(_CORE_KEYBOARD, 0, 0, 1, group, 0, 0, 0)

    def unlatch(self) -> None:
        """Forget what was to hold for the next key only."""
        self.stir()
        self._xkb.LatchLockState(_CORE_KEYBOARD, 0, 0, 0, 0, _ALL, 1, 0)


def changed_keys(event: Any) -> range | None:
    """The keycodes that may mean something else by an event that has arrived, all of them for a new keyboard; None
    for an event that is about something else.
    """
    if isinstance(event, xcffib.xproto.MappingNotifyEvent):
        if event.request == xcffib.xproto.Mapping.Pointer:
            return None
        whole = event.request == xcffib.xproto.Mapping.Modifier
        return range(256) if whole else range(event.first_keycode, event.first_keycode + event.count)
    if not isinstance(event, xcffib.xkb.NewKeyboardNotifyEvent):
        return None
    # XKB protocol, encoding of xkbMapNotify: 1 kind, 10 parts, 16 first key with other keysyms, 17 how many.
    told: bytes = event.pack()  # type: ignore[no-untyped-call]
    whole = told[1] != _MAP_NOTIFY or bool(told[10] & (_TYPES | _MODIFIERS))
    return range(256) if whole else range(told[16], told[16] + told[17])


def read_map(reply: bytes) -> Layout:
    """The layout in a reply to GetMap (XKB protocol, 16.3.3, encoding of xkbGetMap) that has the four parts above."""
    present, types, first, keys, first_acting, acting, modified = _HEAD.unpack_from(reply)
    if present & _PARTS != _PARTS:
        raise ValueError("the server left out parts of its keyboard map")
    at = _HEAD.size
    found: list[KeyType] = []
    for _ in range(types):
        kind, at = _read_type(reply, at)
        found.append(kind)
    symbols: dict[int, tuple[tuple[int, ...], int, int, tuple[int, ...]]] = {}
    for keycode in range(first, first + keys):
        *kinds, info, width, count = struct.unpack_from("=4BBBH", reply, at)
        symbols[keycode] = (tuple(kinds), info, width, struct.unpack_from(f"={count}I", reply, at + 8))
        at += 8 + 4 * count
    counts = reply[at : at + acting]
    at += acting + -acting % 4
    acts: dict[int, list[bytes]] = {}
    for keycode, count in enumerate(counts, first_acting):
        acts[keycode] = [reply[at + 8 * number : at + 8 * number + 8] for number in range(count)]
        at += 8 * count
    modifiers = dict(struct.iter_unpack("=BB", reply[at : at + 2 * modified]))
    return Layout(
        {
            keycode: Key(_groups(row, found, acts.get(keycode, []), modifiers.get(keycode, 0)), row[1])
            for keycode, row in symbols.items()
        }
    )


def _read_type(reply: bytes, at: int) -> tuple[KeyType, int]:
    mask, count, preserves = struct.unpack_from("=B4xBBx", reply, at)
    at += 8
    rows = [struct.unpack_from("=BBB5x", reply, at + 8 * number) for number in range(count)]
    at += 8 * count
    kept = [reply[at + 4 * number] for number in range(count)] if preserves else [0] * count
    at += 4 * count if preserves else 0
    # An entry that is not active names a virtual modifier that no key has.
    entries = {mods: (level, keep) for (active, mods, level), keep in zip(rows, kept, strict=True) if active}
    return KeyType(mask, entries), at


def _groups(
    row: tuple[tuple[int, ...], int, int, tuple[int, ...]], types: list[KeyType], acts: list[bytes], mapped: int
) -> tuple[Group, ...]:
    kinds, info, width, keysyms = row
    groups = []
    for number in range(info & 0x0F):
        mine = slice(number * width, (number + 1) * width)
        holds = locks = 0
        if act := next(iter(acts[mine]), b""):
            mask = mapped if act[1] & _USE_MODIFIER_MAP else act[2]
            holds = mask if act[0] in (_SET_MODIFIERS, _LATCH_MODIFIERS) else 0
            locks = mask if act[0] == _LOCK_MODIFIERS else 0
        changes = any(act[0] for act in acts[mine])
        groups.append(Group(types[kinds[number]], keysyms[mine], holds, locks, changes))
    return tuple(groups)
