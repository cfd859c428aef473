"""InputGate: what of a viewer's input reaches the desktop (spec 04-session, 4.6).

Old input is dangerous: a click that waited two seconds hits something else. And nothing may stay held when its
viewer has fallen silent.
"""

from __future__ import annotations

from typing import Any

from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import (
    MAX_RECORD_DATA,
    T_INPUT_OLD,
    T_INPUT_OLD_PRESS,
    T_INPUT_SILENCE,
    CloseCode,
    InputKind,
    Permission,
)

_SHAPES: dict[int, tuple[type, ...]] = {
    InputKind.MOVE: (int, int),
    InputKind.BUTTON: (int, bool),
    InputKind.WHEEL: (int, int),
    InputKind.KEY: (int, bool, int, str),
    InputKind.TEXT: (str,),
    InputKind.RELEASE_ALL: (),
    InputKind.HOLDING: (),
}
_POINTER = {InputKind.MOVE, InputKind.BUTTON, InputKind.WHEEL}


class InputGate:
    """Checks, ages and remembers one viewer's input."""

    def __init__(self) -> None:
        self._keys: dict[int, None] = {}
        self._buttons: dict[int, None] = {}
        self._sequence = 0

    def admit(self, batch: Batch, permissions: Permission, now: float) -> tuple[list[tuple[Any, ...]], int]:
        """Events to apply and how many were discarded for their age. Raises RemoteProtocolError for malformed ones."""
        if batch.sequence <= self._sequence:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "input out of order")
        self._sequence = batch.sequence
        age = now - batch.time_us / 1e6
        events: list[tuple[Any, ...]] = []
        discarded = 0
        for event in batch.events:
            kind = _checked(event)
            needed = Permission.POINTER if kind in _POINTER else Permission.KEYBOARD
            if kind in (InputKind.RELEASE_ALL, InputKind.HOLDING):
                if kind is InputKind.RELEASE_ALL:
                    events += self.release()
            elif not permissions & needed:
                discarded += 1
            elif self._releases(event) or not (
                age > T_INPUT_OLD or (age > T_INPUT_OLD_PRESS and kind is not InputKind.MOVE)
            ):
                events.append(event)
                self._remember(event)
            else:
                discarded += 1
        return events, discarded

    def _releases(self, event: tuple[Any, ...]) -> bool:
        """Whether this lets go of something held: never too old, or it would stay down."""
        if event[0] == InputKind.KEY and not event[2]:
            return event[1] in self._keys
        return event[0] == InputKind.BUTTON and not event[2] and event[1] in self._buttons

    def _remember(self, event: tuple[Any, ...]) -> None:
        if event[0] in (InputKind.KEY, InputKind.BUTTON):
            held = self._keys if event[0] == InputKind.KEY else self._buttons
            if event[2]:
                held[event[1]] = None
            else:
                held.pop(event[1], None)

    def release(self) -> list[tuple[Any, ...]]:
        """The releases of all that is held."""
        events: list[tuple[Any, ...]] = [(int(InputKind.KEY), usage, False, 0, "") for usage in reversed(self._keys)]
        events += [(int(InputKind.BUTTON), button, False) for button in self._buttons]
        self._keys.clear()
        self._buttons.clear()
        return events

    def silence_deadline(self, now: float) -> float | None:
        """When silence from now on means that everything is to be released; None when nothing is held."""
        return now + T_INPUT_SILENCE if self._keys or self._buttons else None


def _checked(event: tuple[Any, ...]) -> InputKind:
    shape = _SHAPES.get(event[0]) if event and type(event[0]) is int else None
    if (
        shape is None
        or len(event) != len(shape) + 1
        or any(type(v) is not t for v, t in zip(event[1:], shape, strict=True))
    ):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "malformed input event")
    if any(isinstance(value, str) and len(value) > MAX_RECORD_DATA for value in event):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "input text is too long")
    return InputKind(event[0])
