"""InputSink: where a viewer's keys and pointer go. Doubles: `recorder.py`; the real one: `desktop.py`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from avl_protocol.wire.registry import InputDevice, PenState, TouchPhase


class SinkLost(Exception):
    """The display that took the input is gone."""


class Loop(Protocol):
    """What a sink needs of an event loop; asyncio's has it."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call in so many seconds."""

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> object:
        """Call whenever there is something to read."""

    def remove_reader(self, fd: int, /) -> object:
        """Call no more."""


class StoppedLoop:
    """The double: a loop that never turns. Enough for a sink as long as fewer characters are new than there are spare
    keycodes."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> None:
        """That time never comes."""

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None:
        """Nothing is looked at."""

    def remove_reader(self, fd: int, /) -> None:
        """Nothing was."""


@dataclass(frozen=True, slots=True)
class PenSample:
    """A pen at a desktop pixel: pressure from 0 to PEN_PRESSURE, tilt in degrees from upright."""

    x: int
    y: int
    pressure: int
    tilt_x: int
    tilt_y: int
    state: PenState


class InputSink(Protocol):
    """A keyboard and a pointer that can be moved by program. Calls return at once and apply in order."""

    @property
    def devices(self) -> InputDevice:
        """What it takes beside keys, buttons and places. Fingers and pens that it does not take move the mouse."""

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called when `devices` is something else."""

    def move_by(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels, as a mouse does: programs that caught it are told the movement."""

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """A finger is at a desktop pixel, or is lifted there; `contact` is its number while it is down."""

    def pen(self, sample: PenSample) -> None:
        """A pen is here, or (not NEAR) gone."""

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a desktop pixel (clamped to the desktop)."""

    def button(self, button: int, down: bool) -> None:
        """Press or release a button: 1 left, 2 middle, 3 right, 8 back, 9 forward."""

    def scroll(self, dx: int, dy: int) -> None:
        """Turn the wheel; 120 is one notch, positive is right and down; fractions accumulate."""

    def key(self, usage: int, down: bool, modifiers: int, text: str) -> None:
        """Press or release a key by USB HID usage (page 7).

        `modifiers` are the viewer's modifier and lock bits (registry "modifiers"); `text` is what the viewer's layout
        has on the key, or empty (spec 3.4.3). Without text the key at that place goes; with Ctrl, Alt or Meta held the
        key that has this character, or the one at that place where none has; else the character. What went down for a
        usage goes up with it.
        """

    def text(self, text: str) -> None:
        """Type characters that no key was named for (input methods, `avl type`)."""

    def together(self) -> AbstractContextManager[None]:
        """What is called within leaves for the desktop at once."""

    def release_all(self) -> None:
        """Release everything this sink holds down; idempotent."""

    def close(self) -> None:
        """Release everything and let go of the display."""
