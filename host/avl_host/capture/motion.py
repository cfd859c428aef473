"""MotionGuess: when to believe the X server about what changed, instead of comparing pixels.

Damage over-reports: a line of text redrawn with the same pixels is told of too. A video is not: all of it differs in
every picture, and
comparing it finds that out sixty times a second. So what has differed nearly everywhere several times is believed for
a while.
"""

from __future__ import annotations

#: Smaller changes are always compared: it costs little.
LEAST_PIXELS = 1 << 17
#: Part of what was drawn that must have differed.
NEARLY_ALL = 0.85
#: How often in a row, before it is believed; and for how many pictures then.
IN_A_ROW, BELIEVED = 3, 12


class MotionGuess:
    """Counts how good the server's word was."""

    __slots__ = ("_credit", "_streak")

    def __init__(self) -> None:
        self._streak = 0
        self._credit = 0

    def believe(self, drawn: int) -> bool:
        """Whether to take `drawn` pixels of damage as changed without looking."""
        if drawn < LEAST_PIXELS:
            self._streak = self._credit = 0
            return False
        if self._credit == 0:
            return False
        self._credit -= 1
        return True

    def compared(self, drawn: int, differed: int) -> None:
        """What a comparison of `drawn` pixels found."""
        good = drawn >= LEAST_PIXELS and differed >= NEARLY_ALL * drawn
        self._streak = self._streak + 1 if good else 0
        if self._streak >= IN_A_ROW:
            self._credit = BELIEVED
