"""SpareKeys: keycodes without a meaning, lent to characters that the host's layout lacks.

An application learns of a new meaning only when it handles its events, so a keycode must not be given another one
while presses of the old one may still be under way. Each rests after its last use; the least recently used is lent
first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from avl_host.input.keymap import keysym_for

#: Seconds after which applications are taken to have handled the presses before.
REST = 0.15
#: Two levels alike in one group, which counts in every group: with one level, X makes a second one of the other case.
_LEVELS = 2


class SpareKeys:
    """`later(seconds, call)` is a loop's call_later; `rested` is called when keycodes are free again after none was."""

    def __init__(
        self,
        connection: Any,
        later: Callable[[float, Callable[[], None]], object],
        rested: Callable[[], None],
    ) -> None:
        self._x = connection
        self._later = later
        self._rested = rested
        # Keycode -> the character it has now ("" none), least recently used first.
        self._meanings: OrderedDict[int, str] = OrderedDict()
        # Keycodes used since the last rest began, and those that have rested for a part of it.
        self._tired: set[int] = set()
        self._recovering: set[int] = set()
        self._resting = False

    def read(self, spares: Mapping[int, str]) -> None:
        """The server's map is new: these keycodes are spare, with the character each has."""
        known = [keycode for keycode in self._meanings if keycode in spares]
        fresh = [keycode for keycode in spares if keycode not in self._meanings]
        self._meanings = OrderedDict((keycode, spares[keycode]) for keycode in fresh + known)

    def are_ours(self, keycodes: range) -> bool:
        """Whether a change of these keys that the server tells of is one of ours."""
        return len(keycodes) == 1 and keycodes[0] in self._meanings

    @property
    def none(self) -> bool:
        """This keyboard has no spare keycode at all."""
        return not self._meanings

    def keycode(self, text: str) -> int | None:
        """A keycode that gives the character at every level; None when one must be waited for, or there is none."""
        found = next((code for code, meaning in self._meanings.items() if meaning == text), None)
        if found is None:
            found = next((code for code in self._meanings if code not in self._tired | self._recovering), None)
            if found is None:
                return None
            self._meanings[found] = text
            self._x.core.ChangeKeyboardMapping(1, found, _LEVELS, [keysym_for(text)] * _LEVELS)
        self._meanings.move_to_end(found)
        self._tired.add(found)
        self._begin_rest()
        return found

    def restore(self) -> None:
        """Take every meaning back."""
        for keycode, meaning in self._meanings.items():
            if meaning:
                self._x.core.ChangeKeyboardMapping(1, keycode, _LEVELS, [0] * _LEVELS)
        self._meanings.clear()

    def _begin_rest(self) -> None:
        if not self._resting:
            self._resting = True
            self._later(REST, self._rest)

    def _rest(self) -> None:
        self._resting = False
        rested = bool(self._recovering)
        self._recovering, self._tired = self._tired, set()
        if self._recovering:
            self._begin_rest()
        if rested or not self._recovering:
            self._rested()
