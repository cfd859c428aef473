"""DesktopSink: a viewer's keys and pointer on an X11 desktop, by XTEST over one connection so that order holds.

Keys go by place where place matters (shortcuts, cursor keys, games) and by character where text matters, so that
viewer and host may have different layouts. A character that the host's layout lacks is put on a spare keycode first.
X keeps a key down after its injector has died, so everything pressed is remembered, released, and checked against the
server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import xcffib
import xcffib.xproto
import xcffib.xtest

from avl_host.input.keymap import (
    ALT_RIGHT_USAGE,
    CONTROL_KEYSYMS,
    KEYCODES,
    LOCK_USAGES,
    XK_CAPS_LOCK,
    XK_LEVEL3_SHIFT,
    XK_NUM_LOCK,
    KeyboardMap,
    KeyboardState,
    Stroke,
    follows_lock,
    types_character,
)
from avl_host.input.sink import SinkLost
from avl_host.input.spares import SpareKeys
from avl_protocol.wire.registry import Modifier

_PRESS, _RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 2, 3, 4, 5, 6
_SHIFT_MASK, _LOCK_MASK = 1, 2
_SHIFT_USAGES = (0xE1, 0xE5)
_BUTTONS = frozenset({1, 2, 3, 8, 9})
_NOTCH = 120
#: Wheel buttons: (turned back, turned on) down and right; at most this many notches in one call.
_WHEEL_X, _WHEEL_Y, _MOST_NOTCHES = (6, 7), (4, 5), 50

_Answer = TypeVar("_Answer")


class DesktopSink:
    """Keyboard and pointer of the X11 display called `display`. Raises SinkLost when it cannot be reached or lacks
    XTEST.

    `later(seconds, call)` is an event loop's call_later: input waits a little when more characters that the layout
    lacks are typed at once than there are spare keycodes.
    """

    def __init__(self, display: str, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._display = display
        try:
            self._x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        except xcffib.ConnectionException as error:
            raise SinkLost(f"No X11 display answers at {display}; input has nowhere to go.") from error
        self._setup: Any = self._x.get_setup()
        self._root = self._setup.roots[self._x.pref_screen].root
        self._xtest: Any = self._x(xcffib.xtest.key)
        self._held: dict[int, tuple[int, ...]] = {}
        self._buttons: set[int] = set()
        self._wheel = [0, 0]
        self._waiting: deque[Callable[[], bool]] = deque()
        self._closed = False
        self._spares = SpareKeys(self._x, later, self._resume)
        self._asked(self._begin)

    def _begin(self) -> None:
        # Asked by name first: a request to an extension that is not there closes the connection.
        if not self._x.core.QueryExtension(5, "XTEST").reply().present:
            raise SinkLost(f"The X server at {self._display} lacks the XTEST extension; input has nowhere to go.")
        self._xtest.GetVersion(2, 2).reply()
        self._read_map()
        self._let_go_of_all()

    def move(self, x: int, y: int) -> None:
        """Put the pointer at a desktop pixel; the server keeps it on the desktop."""
        x, y = (max(-32768, min(32767, value)) for value in (x, y))
        self._do(lambda: self._fake(_MOTION, 0, x, y))

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
            self._do(lambda: self._key_down(usage, modifiers, text))
        else:
            self._do(lambda: self._key_up(usage))

    def text(self, text: str) -> None:
        """Type characters, one stroke each; "\\n" is Enter and "\\t" Tab, other control characters are left out."""
        for one in text.replace("\r\n", "\n"):
            if one in CONTROL_KEYSYMS:
                self._do(partial(self._tap_keysym, CONTROL_KEYSYMS[one]))
            elif one.isprintable():
                self._do(partial(self._tap_character, one))

    def release_all(self) -> None:
        """Release everything held, forget what waits, and make sure by asking the server."""
        self._waiting.clear()
        self._wheel = [0, 0]
        self._asked(self._let_go_of_ours)

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
            self._x.disconnect()

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
        if self._closed:
            raise SinkLost(f"The display {self._display} was let go of.")
        try:
            self._take_events()
            answer = ask()
            self._x.flush()
            return answer
        except xcffib.ConnectionException as error:
            raise SinkLost(f"The X server at {self._display} is gone.") from error
        except xcffib.XcffibException as error:
            raise SinkLost(f"The X server at {self._display} refused input: {error!r}") from error

    def _take_events(self) -> None:
        changed = False
        while (event := self._x.poll_for_event()) is not None:
            if isinstance(event, xcffib.xproto.MappingNotifyEvent):
                changed |= not self._spares.is_ours(event.first_keycode, event.count)
        if changed:
            self._read_map()

    # Pointer

    def _press_button(self, button: int, down: bool) -> None:
        if down:
            self._buttons.add(button)
        else:
            self._buttons.discard(button)
        self._fake(_BUTTON_PRESS if down else _BUTTON_RELEASE, button)

    def _turn(self, dx: int, dy: int) -> None:
        for axis, (delta, (back, on)) in enumerate(((dx, _WHEEL_X), (dy, _WHEEL_Y))):
            if delta * self._wheel[axis] < 0:
                self._wheel[axis] = 0  # Turned round: what was left of the other way is forgotten.
            self._wheel[axis] += delta
            notches = int(self._wheel[axis] / _NOTCH)
            self._wheel[axis] -= notches * _NOTCH
            for _ in range(min(abs(notches), _MOST_NOTCHES)):
                self._fake(_BUTTON_PRESS, on if notches > 0 else back)
                self._fake(_BUTTON_RELEASE, on if notches > 0 else back)

    # Keys

    def _key_down(self, usage: int, modifiers: int, text: str) -> bool:
        if self._held.get(usage):
            return True
        physical = KEYCODES.get(usage)
        if usage not in LOCK_USAGES:
            self._follow_locks(modifiers, follows_lock(usage, text))
        if types_character(modifiers, text):
            state = self._state()
            if physical is not None and self._map.typed(physical, state) == text:
                self._hold(usage, physical)
                return True
            return self._type_with(usage, text, state)
        if physical is None:
            return True
        if usage == ALT_RIGHT_USAGE and modifiers & Modifier.ALTGR and not self._is_level3(physical):
            # The viewer's AltGr is no level shift here; held as Alt it would open menus while text is typed.
            self._held[usage] = ()
            return True
        self._hold(usage, physical)
        return True

    def _key_up(self, usage: int) -> None:
        keycodes = self._held.pop(usage, ())
        still = {code for codes in self._held.values() for code in codes}
        for keycode in keycodes:
            if keycode not in still:
                self._fake(_RELEASE, keycode)

    def _hold(self, usage: int, keycode: int) -> None:
        self._held[usage] = (keycode,)
        self._fake(_PRESS, keycode)

    def _type_with(self, usage: int, text: str, state: KeyboardState) -> bool:
        """Type what a key of the viewer's layout gave: held down where no level shift has to change for it, tapped
        elsewhere.
        """
        stroke = self._map.stroke(text, state) or self._spare(text, state)
        if stroke is None:
            return self._spares.none  # Wait for one, or leave the character out where there never will be one.
        if (stroke.shift, stroke.level3) == (state.shift, state.level3):
            self._hold(usage, stroke.keycode)
        else:
            self._tap(stroke, state)
            self._held[usage] = ()
        return True

    def _tap_character(self, text: str) -> bool:
        state = self._state()
        stroke = self._map.stroke(text, state) or self._spare(text, state)
        if stroke is None:
            return self._spares.none  # Wait for one, or leave the character out where there never will be one.
        self._tap(stroke, state)
        return True

    def _spare(self, text: str, state: KeyboardState) -> Stroke | None:
        keycode = self._spares.keycode(text)
        return None if keycode is None else Stroke(keycode, state.shift, state.level3)

    def _tap_keysym(self, keysym: int) -> None:
        keycode = self._map.find(keysym)
        if keycode is not None:
            self._fake(_PRESS, keycode)
            self._fake(_RELEASE, keycode)

    def _tap(self, stroke: Stroke, state: KeyboardState) -> None:
        """Press and release a key with its level shifts, and put the shifts that are held back as they were."""
        lifted: list[int] = []
        added: list[int] = []
        if state.shift and not stroke.shift:
            lifted += self._held_keycodes(_SHIFT_USAGES)
        if stroke.shift and not state.shift:
            added.append(KEYCODES[0xE1])
        if state.level3 and not stroke.level3:
            lifted += self._held_keycodes((ALT_RIGHT_USAGE,))
        if stroke.level3 and not state.level3 and (level3 := self._level3) is not None:
            added.append(level3)
        for keycode in lifted:
            self._fake(_RELEASE, keycode)
        for keycode in added:
            self._fake(_PRESS, keycode)
        self._fake(_PRESS, stroke.keycode)
        self._fake(_RELEASE, stroke.keycode)
        for keycode in reversed(added):
            self._fake(_RELEASE, keycode)
        for keycode in lifted:
            self._fake(_PRESS, keycode)

    def _held_keycodes(self, usages: tuple[int, ...]) -> list[int]:
        return [code for usage in usages for code in self._held.get(usage, ())]

    def _is_level3(self, keycode: int) -> bool:
        return self._map.keysym(keycode, 0, 0) == XK_LEVEL3_SHIFT

    def _state(self) -> KeyboardState:
        mask = self._x.core.QueryPointer(self._root).reply().mask
        return KeyboardState(
            bool(mask & _SHIFT_MASK), bool(mask & self._level3_mask), bool(mask & _LOCK_MASK), (mask >> 13) & 3
        )

    def _follow_locks(self, modifiers: int, which: Modifier) -> None:
        """Make the host's lock that matters for this key what the viewer's is."""
        if not which:
            return
        mask = self._x.core.QueryPointer(self._root).reply().mask
        locks = ((Modifier.CAPS_LOCK, _LOCK_MASK, XK_CAPS_LOCK), (Modifier.NUM_LOCK, self._num_lock_mask, XK_NUM_LOCK))
        for bit, host_bit, keysym in locks:
            if which & bit and host_bit and bool(modifiers & bit) != bool(mask & host_bit):
                self._tap_keysym(keysym)

    # The server's own state

    def _read_map(self) -> None:
        first, last = self._setup.min_keycode, self._setup.max_keycode
        asked = self._x.core.GetKeyboardMapping(first, last - first + 1)
        modifiers = self._x.core.GetModifierMapping().reply()
        told = asked.reply()
        each, symbols = told.keysyms_per_keycode, list(told.keysyms)
        rows = [symbols[at : at + each] for at in range(0, len(symbols), each)]
        self._map = KeyboardMap(first, rows)
        self._spares.read(self._map.spares(), each)
        self._level3 = self._map.find(XK_LEVEL3_SHIFT)
        self._level3_mask = self._num_lock_mask = 0
        per, codes = modifiers.keycodes_per_modifier, list(modifiers.keycodes)
        for bit in range(8):
            keysyms = {self._map.keysym(code, 0, 0) for code in codes[bit * per : (bit + 1) * per] if code}
            if XK_LEVEL3_SHIFT in keysyms:
                self._level3_mask = 1 << bit
            if XK_NUM_LOCK in keysyms:
                self._num_lock_mask = 1 << bit

    def _down(self) -> list[int]:
        """Keycodes that the server says are down."""
        keys = bytes(self._x.core.QueryKeymap().reply().keys)
        return [at * 8 + bit for at, byte in enumerate(keys) for bit in range(8) if byte >> bit & 1]

    def _let_go_of_ours(self) -> None:
        ours = {code for codes in self._held.values() for code in codes}
        self._held.clear()
        for keycode in ours:
            self._fake(_RELEASE, keycode)
        for button in sorted(self._buttons):
            self._fake(_BUTTON_RELEASE, button)
        self._buttons.clear()
        if ours:
            for keycode in ours.intersection(self._down()):
                self._fake(_RELEASE, keycode)

    def _let_go_of_all(self) -> None:
        """Release what an earlier host may have left pressed; keys that are held on a real keyboard stay down."""
        for keycode in self._down():
            self._fake(_RELEASE, keycode)
        for button in sorted(_BUTTONS):
            self._fake(_BUTTON_RELEASE, button)

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        self._xtest.FakeInput(kind, detail, 0, self._root if kind == _MOTION else 0, x, y, 0)
