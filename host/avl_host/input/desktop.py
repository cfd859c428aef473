"""DesktopSink: a viewer's keys and pointer on an X11 desktop, by XTEST over one connection so that order holds.

Keys are the business of injector.py. Buttons pass through the server's pointer map, so that a viewer's left is left on
a left-handed host too. What the server has to tell is read when it comes, so that no key waits for it.

The agent's own windows take nothing from here, wherever the pointer and the keyboard's focus were put by whom: who is
far away does not answer what the person in front is asked (spec 06-security, 6.6).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import xcffib
import xcffib.xproto
import xcffib.xtest

from avl_host.input.emulation import Emulation
from avl_host.input.hardware import pointers
from avl_host.input.injector import KeyInjector
from avl_host.input.keymap import CONTROL_KEYSYMS, types_character
from avl_host.input.ownwindows import OwnWindow, OwnWindows
from avl_host.input.sink import Loop, PenSample, SinkLost
from avl_host.input.spares import SpareKeys
from avl_host.input.uinput import FAR, Device, VirtualDevices
from avl_host.input.xkb import changed_keys
from avl_protocol.wire.registry import InputDevice, TouchPhase
from avl_protocol.wire.typable import is_typable

_PRESS, _RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 2, 3, 4, 5, 6
_BUTTONS = frozenset({1, 2, 3, 8, 9})
_NOTCH = 120
#: Wheel buttons: (turned back, turned on) down and right; at most this many notches in one call.
_WHEEL_X, _WHEEL_Y, _MOST_NOTCHES = (6, 7), (4, 5), 50
#: The farthest that one request moves.
_FARTHEST = 32_767
#: Seconds in which a server has taken devices that the kernel has made anew.
_SETTLED = 2.0
_TAKES = {
    Device.FINGERS: InputDevice.TOUCH,
    Device.PEN: InputDevice.PEN,
    Device.WHEEL: InputDevice.SMOOTH_WHEEL,
}

_Answer = TypeVar("_Answer")


class DesktopSink:
    """Keyboard and pointer of the X11 display called `display`. Raises SinkLost when it cannot be reached or lacks
    XTEST.

    Of the event loop it is used that it calls later: input waits a little when more characters that the layout lacks
    are typed at once than there are spare keycodes; and that it watches the connection. `own`: the windows of the
    agent's own. `virtual`: devices that the server may have taken; without them, and until it has, fingers and pens are
    a mouse, and the wheel turns by notches.
    """

    def __init__(
        self, display: str, loop: Loop, own: OwnWindows | None = None, virtual: VirtualDevices | None = None
    ) -> None:
        self._display = display
        self._loop = loop
        self._own = own if own is not None else OwnWindows()
        try:
            self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise SinkLost(f"No X11 display answers at {display}; input has nowhere to go.") from error
        self._setup: Any = self._x.get_setup()
        self._root = self._setup.roots[self._x.pref_screen].root
        self._xtest: Any = self._x(xcffib.xtest.key)
        # Buttons that are down -> what was pressed for each in the pointer map of then.
        self._buttons: dict[int, int] = {}
        self._pointer_map: dict[int, int] = {}
        self._wheel = [0, 0]
        self._virtual = virtual
        self._devices = InputDevice.RELATIVE
        self._changed: Callable[[], None] = lambda: None
        self._emulation = Emulation(self)
        self._extent = (1, 1)
        self._waiting: deque[Callable[[], bool]] = deque()
        self._closed = self._gathering = False
        self._spares = SpareKeys(self._x, loop.call_later, self._resume)
        self._asked(self._begin)
        self._fd: int = self._x.get_file_descriptor()
        loop.add_reader(self._fd, self._told)
        if virtual is not None:
            loop.call_later(_SETTLED, self._look)

    def _begin(self) -> None:
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not self._x.core.QueryExtension(5, "XTEST").reply().present:
            raise SinkLost(f"The X server at {self._display} lacks the XTEST extension; input has nowhere to go.")
        self._xtest.GetVersion(2, 2).reply()
        try:
            self._keys = KeyInjector(self._x, self._spares, self._fake_key, self._take_events)
        except LookupError as error:
            raise SinkLost(
                f"The X server at {self._display} lacks the XKEYBOARD extension; input has nowhere to go."
            ) from error
        self._read_pointer_map()
        self._keys.release_leftovers()
        for button in sorted(self._pointer_map.values()):
            self._fake(_BUTTON_RELEASE, button)

    @property
    def devices(self) -> InputDevice:
        """What the server takes now; it is asked."""
        if self._virtual is not None and not self._closed:
            names = self._asked(lambda: pointers(self._x))
            found = [takes for one, takes in _TAKES.items() if any(name.startswith(one.value) for name in names)]
            self._devices = InputDevice.RELATIVE
            for takes in found:
                self._devices |= takes
        return self._devices

    def watch(self, changed: Callable[[], None]) -> None:
        """Called once the server has had time to take the devices, if it has then taken some."""
        self._changed = changed

    def _look(self) -> None:
        try:
            before = self._devices
            if not self._closed and self.devices != before:
                self._changed()
        except SinkLost:
            pass  # Whoever uses the sink next is told.

    def move_by(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels; XTEST accelerates nothing."""
        dx, dy = (max(-_FARTHEST, min(_FARTHEST, value)) for value in (dx, dy))
        self._do(lambda: self._move_by(dx, dy))

    def touch(self, contact: int, phase: TouchPhase, x: int, y: int) -> None:
        """A finger, as such or as a mouse."""
        if self._virtual is None or not self._devices & InputDevice.TOUCH:
            self._emulation.touch(contact, phase, x, y)
        else:
            virtual = self._virtual

            def act() -> None:
                if self._may_touch(phase, x, y):
                    virtual.touch(contact, phase, *self._far(x, y))

            self._do(act)

    def pen(self, sample: PenSample) -> None:
        """A pen, as such or as a mouse."""
        if self._virtual is None or not self._devices & InputDevice.PEN:
            self._emulation.pen(sample)
        else:
            virtual = self._virtual

            def act() -> None:
                if self._may_draw(sample):
                    virtual.pen(sample, *self._far(sample.x, sample.y))

            self._do(act)

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a desktop pixel; the server keeps it on the desktop."""
        x, y = (max(-32768, min(32767, value)) for value in (x, y))
        self._do(lambda: self._move(x, y))

    def button(self, button: int, down: bool) -> None:
        """Press or release a button; unknown ones are ignored."""
        if button in _BUTTONS:
            self._do(lambda: self._press_button(button, down))

    def scroll(self, dx: int, dy: int) -> None:
        """Turn the wheel by 120ths of a notch; what is left of a notch is kept."""
        self._do(lambda: self._turn(dx, dy))

    def key(self, usage: int, down: bool, modifiers: int, text: str) -> None:
        """Press or release a key; see InputSink. Pressing what is held already does nothing: the server repeats it."""
        if down and len(text) > 1 and types_character(modifiers, text):
            self.text(text)
        elif down:
            self._do(lambda: self._types_own() or self._keys.down(usage, modifiers, text))
        else:
            self._do(lambda: self._keys.up(usage))

    def text(self, text: str) -> None:
        """Type characters, one stroke each; "\\n" is Enter and "\\t" Tab, what can't be typed is left out."""
        for one in text.replace("\r\n", "\n"):
            if one in CONTROL_KEYSYMS or is_typable(one):
                self._do(partial(self._write, one))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is called within leaves for the server at once."""
        self._translated(self._take_events)
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            self._translated(self._leave)

    def release_all(self) -> None:
        """Release everything held, forget what waits, and make sure by asking the server."""
        self._waiting.clear()
        self._wheel = [0, 0]
        self._asked(self._let_go)

    def close(self) -> None:
        """Release everything, give the spare keycodes back and disconnect; idempotent."""
        if self._closed:
            return
        try:
            self.release_all()
            self._asked(self._spares.restore)
            # An answer shows that everything was done: what is under way when a connection closes may be lost.
            self._asked(lambda: self._x.core.GetInputFocus().reply())
        except SinkLost:
            pass  # A display that is gone holds nothing down.
        finally:
            self._closed = True
            self._loop.remove_reader(self._fd)
            self._x.disconnect()
            if self._virtual is not None:
                self._virtual.close()

    # Order: what cannot be done yet makes everything behind it wait.

    def _do(self, act: Callable[[], bool | None]) -> None:
        """Do `act` now, or once what waits before it is done; an act that returns False has to wait for a spare
        keycode.
        """
        if self._waiting or self._asked(act) is False:
            self._waiting.append(lambda: act() is not False)

    def _resume(self) -> None:
        """Spare keycodes are free again."""
        try:
            while self._waiting and not self._closed and self._asked(self._waiting[0]):
                self._waiting.popleft()
        except SinkLost:
            self._waiting.clear()  # Whoever uses the sink next is told.

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        if self._gathering:
            return self._translated(ask)
        self._translated(self._take_events)
        answer = self._translated(ask)
        self._translated(self._leave)
        return answer

    def _leave(self) -> None:
        """Nothing more is said for now."""
        self._keys.settle()
        self._x.flush()

    def _told(self) -> None:
        """The server has told something; an answer to `settle`, or that layout or state are others now."""
        try:
            self._asked(lambda: None)
        except SinkLost:
            self._loop.remove_reader(self._fd)  # Whoever uses the sink next is told.

    def _translated(self, ask: Callable[[], _Answer]) -> _Answer:
        """Raises SinkLost for what the connection raises."""
        if self._closed:
            raise SinkLost(f"The display {self._display} was let go of.")
        try:
            return ask()
        except xcffib.ConnectionException as error:
            raise SinkLost(f"The X server at {self._display} is gone.") from error
        except xcffib.XcffibException as error:
            raise SinkLost(f"The X server at {self._display} refused input: {error!r}") from error

    def _take_events(self) -> None:
        keyboard = pointer = False
        while (event := self._x.poll_for_event()) is not None:
            if self._keys.state_changed(event):
                continue
            keys = changed_keys(event)
            if keys is not None:
                keyboard |= not self._spares.are_ours(keys)
            elif isinstance(event, xcffib.xproto.MappingNotifyEvent):
                pointer = True
        if keyboard:
            self._keys.read_layout()
        if pointer:
            self._read_pointer_map()

    def _let_go(self) -> None:
        self._keys.release_all()
        for pressed in sorted(self._buttons.values()):
            self._fake(_BUTTON_RELEASE, pressed)
        self._buttons.clear()
        self._emulation.forget()
        if self._virtual is not None:
            self._virtual.release()

    # The agent's own windows

    def _over_own(self) -> OwnWindow | None:
        """The window of the agent's that the pointer is over. The server is asked: a hand moves the pointer, too."""
        return self._own.of(self._x.core.QueryPointer(self._root).reply().child) if self._own else None

    def _types_own(self) -> bool:
        """Whether keys go to an own window that takes some. The server is asked for as long as there is one: at other
        times no key waits for an answer."""
        if not self._own.still:
            return False
        focus = self._x.core.GetInputFocus().reply().focus
        if focus == xcffib.xproto.InputFocus.PointerRoot:
            return self._over_own() is not None
        return self._own.of(focus) is not None

    def _write(self, text: str) -> bool:
        return self._types_own() or self._keys.write(text)

    # Pointer

    def _move(self, x: int, y: int) -> None:
        """Never onto a window of the agent's, nor away from one where a hand is about to click."""
        if self._own.at(x, y) is not None:
            return
        if self._awaits_hand():
            return
        self._fake(_MOTION, 0, x, y)

    def _move_by(self, dx: int, dy: int) -> None:
        """Neither onto a window of the agent's nor away from one that a hand is about to click in."""
        if self._own:
            at = self._x.core.QueryPointer(self._root).reply()
            over = self._own.of(at.child)
            if self._own.at(at.root_x + dx, at.root_y + dy) is not None or (over is not None and over.still):
                return
        self._fake(_MOTION, 1, dx, dy)

    def _may_touch(self, phase: TouchPhase, x: int, y: int) -> bool:
        """A finger comes down where the agent has no window; the desktop's size is that of then."""
        if phase is not TouchPhase.BEGIN:
            return True
        self._read_extent()
        return self._own.at(x, y) is None and not self._awaits_hand()

    def _may_draw(self, sample: PenSample) -> bool:
        self._read_extent()
        return not sample.state or (self._own.at(sample.x, sample.y) is None and not self._awaits_hand())

    def _awaits_hand(self) -> bool:
        """Whether a hand is about to click in a window of the agent's: nobody takes the pointer away from it."""
        return self._own.still and (over := self._over_own()) is not None and over.still

    def _read_extent(self) -> None:
        told = self._x.core.GetGeometry(self._root).reply()
        self._extent = (told.width, told.height)

    def _far(self, x: int, y: int) -> tuple[int, int]:
        """A desktop pixel as a virtual device tells it."""

        def scaled(at: int, size: int) -> int:
            return max(0, min(at, size - 1)) * FAR // max(1, size - 1)

        return scaled(x, self._extent[0]), scaled(y, self._extent[1])

    def _read_pointer_map(self) -> None:
        """Button -> what has to be pressed for it; several may stand for one, the first is taken."""
        told = list(self._x.core.GetPointerMapping().reply().map)
        self._pointer_map = {button: at for at, button in reversed(list(enumerate(told, 1))) if button}

    def _press_button(self, button: int, down: bool) -> None:
        if not down:
            pressed = self._buttons.pop(button, None)
        elif self._over_own() is not None:
            return
        elif pressed := self._buttons.get(button) or self._pointer_map.get(button):
            self._buttons[button] = pressed
        if pressed:
            self._fake(_BUTTON_PRESS if down else _BUTTON_RELEASE, pressed)

    def _turn(self, dx: int, dy: int) -> None:
        if self._over_own() is not None:
            return
        if self._virtual is not None and self._devices & InputDevice.SMOOTH_WHEEL:
            self._virtual.wheel(dx, dy)
            return
        for axis, (delta, (back, on)) in enumerate(((dx, _WHEEL_X), (dy, _WHEEL_Y))):
            if delta * self._wheel[axis] < 0:
                self._wheel[axis] = 0  # Turned round: what was left of the other way is forgotten.
            self._wheel[axis] += delta
            notches = int(self._wheel[axis] / _NOTCH)
            self._wheel[axis] -= notches * _NOTCH
            turned = self._pointer_map.get(on if notches > 0 else back)
            if not turned:
                continue
            for _ in range(min(abs(notches), _MOST_NOTCHES)):
                self._fake(_BUTTON_PRESS, turned)
                self._fake(_BUTTON_RELEASE, turned)

    def _fake_key(self, keycode: int, down: bool) -> None:
        self._fake(_PRESS if down else _RELEASE, keycode)

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        root = self._root if kind == _MOTION and not detail else 0  # a movement needs no screen
        self._xtest.FakeInput(kind, detail, 0, root, x, y, 0)
