"""InputRecorder: a sink that remembers what it was told, for tests and for hosts without a display."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from avl_host.input.keymap import types_character
from avl_host.input.sink import PenSample
from avl_protocol.wire.registry import InputDevice, PenState, TouchPhase

#: When a desktop begins to repeat the key that went down last, in seconds, and how often in each (X.Org's defaults).
REPEAT_DELAY, REPEAT_RATE = 0.66, 25.0


class InputRecorder:
    """`events` lists every call as a tuple that begins with its name; `held` is what is pressed now: ("key", usage),
    ("button", number), ("finger", contact) or ("pen", 0). With a clock, `typed` has the text of a key as often as a
    desktop would have repeated it, once it is let go.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._last: tuple[int, str, float] | None = None
        self.events: list[tuple[object, ...]] = []
        self.held: set[tuple[str, int]] = set()
        self.position = (0, 0)
        self.typed = ""
        self.closed = False
        self.devices = InputDevice.RELATIVE | InputDevice.TOUCH | InputDevice.PEN | InputDevice.SMOOTH_WHEEL

    def watch(self, changed: Callable[[], None]) -> None:
        """They never change."""

    def move_by(self, dx: int, dy: int) -> None:
        """Remember a movement, and where the pointer is by it."""
        self.position = (self.position[0] + dx, self.position[1] + dy)
        self.events.append(("move_by", dx, dy))

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """Remember a finger."""
        self._hold(("finger", contact), phase is not TouchPhase.END)
        self.events.append(("touch", contact, int(phase), x, y))

    def pen(self, sample: PenSample) -> None:
        """Remember a pen."""
        self._hold(("pen", 0), bool(sample.state & PenState.TIP))
        self.events.append(("pen", sample))

    def move(self, x: int, y: int) -> None:
        """Remember where the pointer is."""
        self.position = (x, y)
        self.events.append(("move", x, y))

    def button(self, button: int, down: bool) -> None:
        """Remember a button."""
        self._hold(("button", button), down)
        self.events.append(("button", button, down))

    def scroll(self, dx: int, dy: int) -> None:
        """Remember a turn of the wheel."""
        self.events.append(("scroll", dx, dy))

    def key(self, usage: int, down: bool, modifiers: int, text: str) -> None:
        """Remember a key; its text is added to `typed` when it goes down, unless it is a shortcut."""
        self._hold(("key", usage), down)
        if down or (self._last is not None and self._last[0] == usage):
            self._repeat()
        if down:
            typed = text if types_character(modifiers, text) else ""
            self.typed += typed
            self._last = (usage, typed, self._clock()) if self._clock is not None else None
        self.events.append(("key", usage, down, modifiers, text))

    def text(self, text: str) -> None:
        """Remember text."""
        self.typed += text
        self.events.append(("text", text))

    def together(self) -> AbstractContextManager[None]:
        """Each call is done by itself."""
        return nullcontext()

    def release_all(self) -> None:
        """Release everything; noted only when something was held."""
        if self.held:
            self._repeat()
            self.held.clear()
            self.events.append(("release_all",))

    def close(self) -> None:
        """Release everything."""
        self.release_all()
        self.closed = True

    def _repeat(self) -> None:
        """What the desktop has made of the last key until now."""
        if self._last is None or self._clock is None:
            return
        _, text, since = self._last
        self._last = None
        if (over := self._clock() - since - REPEAT_DELAY) >= 0:
            self.typed += text * (1 + int(over * REPEAT_RATE))

    def _hold(self, what: tuple[str, int], down: bool) -> None:
        if down:
            self.held.add(what)
        else:
            self.held.discard(what)
