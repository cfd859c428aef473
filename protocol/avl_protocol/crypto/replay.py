"""A sliding window that accepts each number once (RFC 6479)."""

from __future__ import annotations


class ReplayWindow:
    """Remembers which of the last `size` numbers were accepted; whatever is older is refused."""

    __slots__ = ("_bits", "_mask", "_size", "_top")

    def __init__(self, size: int) -> None:
        self._size = size
        self._mask = (1 << size) - 1
        self._top = -1
        self._bits = 0

    def fresh(self, number: int) -> bool:
        """Whether `accept` would accept it; changes nothing, for use before what carries it is authenticated."""
        behind = self._top - number
        return behind < 0 or (behind < self._size and not self._bits >> behind & 1)

    def accept(self, number: int) -> bool:
        """Accept a number that is authentic: False when it was accepted before or is too old."""
        if not self.fresh(number):
            return False
        ahead = number - self._top
        if ahead > 0:
            self._bits = (self._bits << ahead & self._mask if ahead < self._size else 0) | 1
            self._top = number
        else:
            self._bits |= 1 << -ahead
        return True
