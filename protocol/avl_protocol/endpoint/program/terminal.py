"""Terminal: whether the terminal that a program was started at is still there.

SIGHUP says either that it is not, or that settings are to be read anew: which of them, only a look tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable


class Terminal:
    """The terminal of this program's standard streams as it starts, if there is one."""

    def __init__(self, is_terminal: Callable[[int], bool] = os.isatty) -> None:
        self._is_terminal = is_terminal
        self._streams = [number for number in (0, 1, 2) if is_terminal(number)]

    @property
    def gone(self) -> bool:
        """Whether there was one, and is no more."""
        return bool(self._streams) and not any(map(self._is_terminal, self._streams))
