"""KeyInjector: a viewer's keys on the keyboard of an X server, by XTEST.

Keys go by place where place matters (cursor keys, games), by letter where a shortcut is named by one, and by character
where text matters, so that viewer and host may have different layouts. A character that only another group has is
typed there, and one that the keyboard lacks is put on a spare keycode first.

Modifiers that somebody holds, has locked or latched at the host itself are no part of what the viewer pressed: they
are lifted around a key and put back. X keeps a key down after its injector has died, so everything pressed is
remembered, released, and checked against the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from avl_host.input.hardware import held_by_hand, keycodes_in
from avl_host.input.keymap import (
    ALT_RIGHT_USAGE,
    CONTROL_KEYSYMS,
    KEYCODES,
    LOCK_USAGES,
    MODIFIER_USAGES,
    XK_CAPS_LOCK,
    XK_LEVEL3_SHIFT,
    XK_NUM_LOCK,
    XK_SCROLL_LOCK,
    follows_lock,
    types_character,
)
from avl_host.input.layout import LOCK, SHIFT, KeyboardState, Stroke, is_letter
from avl_host.input.spares import SpareKeys
from avl_host.input.xkb import Keyboard
from avl_protocol.wire.registry import Modifier
from avl_protocol.wire.typable import is_typable

_LOCKS = (
    (Modifier.CAPS_LOCK, XK_CAPS_LOCK),
    (Modifier.NUM_LOCK, XK_NUM_LOCK),
    (Modifier.SCROLL_LOCK, XK_SCROLL_LOCK),
)


class KeyInjector:
    """Keys of the server at `connection`. Raises LookupError where it lacks XKB.

    `inject(keycode, down)` has XTEST press or release; `follow()` handles the events that have arrived: it gives them
    to `state_changed`, and calls `read_layout` where the layout has changed. What returns False has to wait for a spare
    keycode.
    """

    def __init__(
        self,
        connection: Any,
        spares: SpareKeys,
        inject: Callable[[int, bool], None],
        follow: Callable[[], None],
    ) -> None:
        self._x = connection
        self._spares = spares
        self._inject = inject
        self._follow = follow
        self._keyboard = Keyboard(connection)
        self._held: dict[int, tuple[int, ...]] = {}
        # Keys that a person holds and that were pressed again for them: XTEST believes that it holds these too.
        self._returned: set[int] = set()
        # Whether Scroll Lock follows: only a viewer that once said that it is on can tell.
        self._scrolls = False
        self.read_layout()

    def read_layout(self) -> None:
        """The server's layout is new."""
        self._keyboard.stir()
        self._layout = self._keyboard.layout()
        self._spares.read(self._layout.spares())

    def state_changed(self, event: Any) -> bool:
        """Whether an event is about modifiers and groups, and nothing else."""
        return self._keyboard.follow(event)

    def settle(self) -> None:
        """Nothing more is pressed for now: have the server tell what is in force then, for the next key."""
        self._keyboard.ask()

    def down(self, usage: int, modifiers: int, text: str) -> bool:
        """A key of the viewer goes down (see InputSink.key)."""
        if usage in self._held:
            return True
        place = KEYCODES.get(usage)
        if usage in MODIFIER_USAGES or usage in LOCK_USAGES:
            if usage == ALT_RIGHT_USAGE and modifiers & Modifier.ALTGR and not self._is_level3(KEYCODES[usage]):
                # The viewer's AltGr is no level shift here; held as Alt it would open menus while text is typed.
                self._held[usage] = ()
            elif place is not None:
                self._hold(usage, place)
            return True
        state = self._follow_locks(self._state(), modifiers, follows_lock(usage, text))
        if types_character(modifiers, text):
            stroke = self._character(text, state, place)
            if stroke is None:
                return self._spares.none  # Wait for one, or leave it out where there never will be one.
        else:
            stroke = self._shortcut(text, state, place, self._ours(state, modifiers))
        if stroke is not None:
            self._strike(stroke, state, usage)
        return True

    def up(self, usage: int) -> None:
        """A key of the viewer goes up: what was pressed for it is released."""
        keycodes = self._held.pop(usage, ())
        still = {code for codes in self._held.values() for code in codes}
        for keycode in keycodes:
            if keycode not in still:
                self._fake(keycode, False)

    def write(self, text: str) -> bool:
        """Type one character; "\\n" is Enter and "\\t" Tab."""
        state = self._state()
        if text in CONTROL_KEYSYMS:
            keycode = self._layout.find(CONTROL_KEYSYMS[text], state.group)
            stroke = None if keycode is None else Stroke(keycode)
        else:
            stroke = self._character(text, state, None)
            if stroke is None:
                return self._spares.none  # Wait for one, or leave it out where there never will be one.
        if stroke is not None:
            self._strike(stroke, state)
        return True

    def release_all(self) -> None:
        """Let go of what this injector holds, and make sure by asking the server."""
        ours = {code for codes in self._held.values() for code in codes}
        self._held.clear()
        for keycode in ours:
            self._fake(keycode, False)
        if ours:
            for keycode in ours.intersection(self._down()):
                self._fake(keycode, False)
        if self._returned:
            for keycode in self._returned - held_by_hand(self._x):
                self._fake(keycode, False)
                self._returned.discard(keycode)

    def release_leftovers(self) -> None:
        """Release what an earlier host may have left pressed; keys that are held on a real keyboard stay down."""
        if down := self._down():
            for keycode in down - held_by_hand(self._x):
                self._fake(keycode, False)

    # Which key is pressed for which character

    def _character(self, text: str, state: KeyboardState, place: int | None) -> Stroke | None:
        """How a character is typed: at its place if that gives it, else elsewhere in the layout, else on a spare."""
        here = (state.held | state.locked) & self._layout.choosing(state.group)
        locks = state.modifiers & self._layout.locks
        if place is not None and self._layout.writes(place, state.group, here | locks) == text:
            return Stroke(place, here)
        if (stroke := self._layout.stroke(text, state)) is not None:
            return stroke
        keycode = self._spares.keycode(text)
        if keycode is None:
            return None
        # Programs make a capital of it themselves under Caps Lock.
        return Stroke(keycode, here, LOCK if text.upper() != text else 0)

    def _shortcut(self, text: str, state: KeyboardState, place: int | None, held: int) -> Stroke | None:
        """The key with the letter that the viewer named, with the modifiers that the viewer holds; the key at the
        place where the active layout has no such letter (spec 3.4.3).
        """
        at_place = None if place is None else Stroke(place, held)
        if not is_typable(text) or len(text) != 1:
            return at_place
        choosing = self._layout.choosing(state.group)
        if place is not None:
            here = self._layout.writes(place, state.group, held & choosing)
            if here == text or (is_letter(text) and here.lower() == text.lower()):
                return at_place
        found = self._layout.letter(text, state.group)
        if found is None:
            return at_place
        chosen = found.modifiers | held & SHIFT if is_letter(text) else found.modifiers
        return Stroke(found.keycode, held & ~choosing | chosen)

    # How it is pressed

    def _strike(self, stroke: Stroke, state: KeyboardState, usage: int | None = None) -> None:
        """Press a key with exactly its modifiers: held down for a usage where none of them has to change for it, else
        tapped.
        """
        in_force = state.held | state.locked
        excess = in_force & ~stroke.modifiers & ~self._layout.locks
        missing = stroke.modifiers & ~in_force
        unlocked = (excess | stroke.unlocked) & state.locked
        if usage is not None and not (excess or missing or unlocked) and stroke.group is None:
            self._hold(usage, stroke.keycode)
            return
        if usage is not None:
            self._held[usage] = ()
        lifted = [code for code in self._down() if self._layout.holds(code) & excess] if excess & state.held else []
        group = state.group if stroke.group is None else stroke.group
        added = [code for bits, code in self._layout.shifts(group).items() if bits & missing]
        for keycode in lifted:
            self._fake(keycode, False)
            self._returned.discard(keycode)
        self._keyboard.lock(unlocked, False)
        if stroke.group is not None:
            self._keyboard.lock_group((stroke.group - state.held_group) % self._layout.groups)
        for keycode in added:
            self._fake(keycode, True)
        self._fake(stroke.keycode, True)
        self._fake(stroke.keycode, False)
        for keycode in reversed(added):
            self._fake(keycode, False)
        if stroke.group is not None:
            self._keyboard.lock_group(state.locked_group)
        self._keyboard.lock(unlocked, True)
        self._put_back(lifted)

    def _put_back(self, lifted: list[int]) -> None:
        ours = {code for codes in self._held.values() for code in codes}
        theirs = held_by_hand(self._x) - ours if set(lifted) - ours else set()
        for keycode in lifted:
            if keycode in ours:
                self._fake(keycode, True)
            elif keycode in theirs:
                self._fake(keycode, True)
                self._returned.add(keycode)

    def _hold(self, usage: int, keycode: int) -> None:
        self._held[usage] = (keycode,)
        if keycode in self._returned:
            self._returned.discard(keycode)
            self._fake(keycode, False)  # XTEST presses nothing twice.
        self._fake(keycode, True)

    def _fake(self, keycode: int, down: bool) -> None:
        self._inject(keycode, down)
        if self._layout.acts(keycode):
            self._keyboard.stir()

    # The server's own state

    def _state(self) -> KeyboardState:
        """What is in force now, with no latch left, by a layout that is up to date."""
        waited = self._keyboard.waits
        state = self._keyboard.state()
        if state.latched or state.latched_group:
            self._keyboard.unlatch()
            state = self._keyboard.state()
        if waited:
            self._follow()  # with the answer came the events before it
        return state

    def _ours(self, state: KeyboardState, modifiers: int) -> int:
        """The modifiers in force that the viewer's own keys hold, as far as the viewer says so: a key of another
        viewer, or one whose release was lost, does not count.
        """
        mask = 0
        for usage, keycodes in self._held.items():
            if usage not in MODIFIER_USAGES or MODIFIER_USAGES[usage] & modifiers:
                for keycode in keycodes:
                    mask |= self._layout.holds(keycode)
        return mask & state.held

    def _follow_locks(self, state: KeyboardState, modifiers: int, which: Modifier) -> KeyboardState:
        """Make the host's lock that matters for this key what the viewer's is."""
        self._scrolls |= bool(modifiers & Modifier.SCROLL_LOCK)
        if self._scrolls:
            which |= Modifier.SCROLL_LOCK
        for bit, keysym in _LOCKS:
            mask = self._layout.lock(keysym) if which & bit else 0
            on = bool(modifiers & bit)
            if mask and on != bool(state.locked & mask):
                self._keyboard.lock(mask, on)
                state = replace(state, locked=state.locked | mask if on else state.locked & ~mask)
        return state

    def _is_level3(self, keycode: int) -> bool:
        return self._layout.keysym(keycode, self._state().group) == XK_LEVEL3_SHIFT

    def _down(self) -> set[int]:
        """Keycodes that the server says are down."""
        return set(keycodes_in(self._x.core.QueryKeymap().reply().keys))
