"""InputGate: what of a viewer's input reaches the desktop (spec 04-session, 4.6).

Old input is dangerous: a click that waited two seconds hits something else. And nothing may stay held when its
viewer has fallen silent: least of all a key, of which the desktop makes more and more while it is down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import (
    MAX_CONTACTS,
    MAX_RECORD_DATA,
    T_INPUT_OLD,
    T_INPUT_OLD_PRESS,
    T_INPUT_REPEAT,
    T_INPUT_SILENCE,
    CloseCode,
    InputKind,
    PenState,
    Permission,
    TouchPhase,
)

_SHAPES: dict[int, tuple[type, ...]] = {
    InputKind.MOVE: (int, int),
    InputKind.BUTTON: (int, bool),
    InputKind.WHEEL: (int, int),
    InputKind.KEY: (int, bool, int, str),
    InputKind.TEXT: (str,),
    InputKind.RELEASE_ALL: (),
    InputKind.HOLDING: (),
    InputKind.MOVE_BY: (int, int),
    InputKind.TOUCH: (int, int, int, int),
    InputKind.PEN: (int, int, int, int, int, int),
}
_KEYBOARD = {InputKind.KEY, InputKind.TEXT}
_PHASES = frozenset(int(phase) for phase in TouchPhase)
#: Usages of keys that no desktop repeats (USB HID Usage Tables 1.5, section 10: left Control to right GUI).
_MODIFIERS = range(0xE0, 0xE8)
#: Seconds for which a key has been down when its desktop repeats it for sure (X.Org: 0.66 unless told otherwise).
_REPEATED = 0.7


@dataclass(slots=True)
class _Key:
    """A key that its viewer holds: how it went down, when on our clock, and whether it is down on the desktop too."""

    event: tuple[Any, ...]
    made: float
    down: bool = True


class InputGate:
    """Checks, ages and remembers one viewer's input."""

    def __init__(self) -> None:
        self._keys: dict[int, _Key] = {}
        self._buttons: dict[int, None] = {}
        #: Fingers that are down, and the pen while it is near: where they were last. Whether the pen's tip touches.
        self._contacts: dict[int, tuple[int, int]] = {}
        self._pen: tuple[int, int] | None = None
        self._tip = False
        self._sequence = 0
        self._heard = 0.0

    @property
    def holding(self) -> bool:
        """Whether a key or button is held, or a finger or pen is down, as far as its viewer said."""
        return bool(self._keys or self._buttons or self._contacts or self._tip)

    def admit(
        self, batch: Batch, permissions: Permission, now: float, hits: bool = True
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Events to apply and how many were discarded: for their age, for want of a permission, or because the desktop
        has another size than the one that they mean (`hits` False). Raises RemoteProtocolError for malformed ones."""
        if batch.sequence <= self._sequence:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "input out of order")
        self._sequence = batch.sequence
        self._heard = now
        made = batch.time_us / 1e6
        age = now - made
        events: list[tuple[Any, ...]] = []
        discarded = 0
        for event in batch.events:
            kind = _checked(event)
            needed = Permission.KEYBOARD if kind in _KEYBOARD else Permission.POINTER
            if kind in (InputKind.RELEASE_ALL, InputKind.HOLDING):
                if kind is InputKind.RELEASE_ALL:
                    events += self.release()
            elif not permissions & needed or self._follows_nothing(event) or not (hits or self._hits_anywhere(event)):
                discarded += 1
            elif self._releases(event) or not (
                age > T_INPUT_OLD or (age > T_INPUT_OLD_PRESS and kind is not InputKind.MOVE)
            ):
                events.append(event)
                self._remember(event, made)
            else:
                discarded += 1
        if age < T_INPUT_REPEAT and permissions & Permission.KEYBOARD:
            events += self._press_again(made)
        return events, discarded

    def _releases(self, event: tuple[Any, ...]) -> bool:
        """Whether this lets go of something held: never too old, or it would stay down."""
        if event[0] == InputKind.KEY and not event[2]:
            return event[1] in self._keys
        if event[0] == InputKind.TOUCH:
            return event[2] == TouchPhase.END and event[1] in self._contacts
        if event[0] == InputKind.PEN:
            return self._tip and not event[6] & PenState.TIP
        return event[0] == InputKind.BUTTON and not event[2] and event[1] in self._buttons

    def _hits_anywhere(self, event: tuple[Any, ...]) -> bool:
        """Whether this means the same on a desktop of any size."""
        return event[0] in _KEYBOARD or event[0] == InputKind.MOVE_BY or self._releases(event)

    def _follows_nothing(self, event: tuple[Any, ...]) -> bool:
        """Whether this goes on with a finger that never came down, or is one finger too many."""
        if event[0] != InputKind.TOUCH:
            return False
        known = event[1] in self._contacts
        return not known and (event[2] != TouchPhase.BEGIN or len(self._contacts) >= MAX_CONTACTS)

    def _remember(self, event: tuple[Any, ...], made: float) -> None:
        if event[0] == InputKind.KEY:
            if event[2]:
                self._keys[event[1]] = _Key(event, made)
            else:
                self._keys.pop(event[1], None)
        elif event[0] == InputKind.BUTTON:
            if event[2]:
                self._buttons[event[1]] = None
            else:
                self._buttons.pop(event[1], None)
        elif event[0] == InputKind.TOUCH:
            if event[2] == TouchPhase.END:
                self._contacts.pop(event[1], None)
            else:
                self._contacts[event[1]] = (event[3], event[4])
        elif event[0] == InputKind.PEN:
            self._pen = (event[1], event[2]) if event[6] & PenState.NEAR else None
            self._tip = bool(event[6] & PenState.TIP)

    def _press_again(self, made: float) -> list[tuple[Any, ...]]:
        """Keys that were let go of in a silence, and that their viewer has held until they are to be repeated."""
        keys = [key for key in self._keys.values() if not key.down and made - key.made >= _REPEATED]
        for key in keys:
            key.down = True
        return [key.event for key in keys]

    def release(self) -> list[tuple[Any, ...]]:
        """The releases of all that is held."""
        events = self._let_go(list(self._keys))
        events += [(int(InputKind.BUTTON), button, False) for button in self._buttons]
        events += [(int(InputKind.TOUCH), contact, int(TouchPhase.END), *at) for contact, at in self._contacts.items()]
        if self._pen is not None or self._tip:
            events.append((int(InputKind.PEN), *(self._pen or (0, 0)), 0, 0, 0, 0))
        self._keys.clear()
        self._buttons.clear()
        self._contacts.clear()
        self._pen, self._tip = None, False
        return events

    def silent(self) -> list[tuple[Any, ...]]:
        """What is released at `silence_deadline`."""
        return self._let_go(self._repeating()) or self.release()

    def silence_deadline(self) -> float | None:
        """When silence will have lasted too long for something that is held; None when nothing is."""
        if self._repeating():
            return self._heard + T_INPUT_REPEAT
        return self._heard + T_INPUT_SILENCE if self.holding else None

    def _repeating(self) -> list[int]:
        """Keys that the desktop repeats now, or soon."""
        return [usage for usage, key in self._keys.items() if key.down and usage not in _MODIFIERS]

    def _let_go(self, usages: list[int]) -> list[tuple[Any, ...]]:
        down = [usage for usage in reversed(usages) if self._keys[usage].down]
        for usage in down:
            self._keys[usage].down = False
        return [(int(InputKind.KEY), usage, False, 0, "") for usage in down]


def _checked(event: tuple[Any, ...]) -> InputKind:
    shape = _SHAPES.get(event[0]) if event and type(event[0]) is int else None
    if (
        shape is None
        or len(event) != len(shape) + 1
        or any(type(v) is not t for v, t in zip(event[1:], shape, strict=True))
    ):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "malformed input event")
    if event[0] == InputKind.TOUCH and event[2] not in _PHASES:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a finger that does what is not known")
    if any(isinstance(value, str) and len(value) > MAX_RECORD_DATA for value in event):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "input text is too long")
    return InputKind(event[0])
