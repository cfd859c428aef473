"""Drift: whether an encoder that keeps to the bit rate that it was opened with is still opened with the right one."""

from __future__ import annotations

#: Pictures that are looked at together.
PICTURES = 60
#: They are too large where they are so many times what they may be, and could be larger where they may be so many times
#: what they are while they take all of the encoder's rate but so little.
TOO_LARGE, TOO_SMALL, FULL_PART = 1.3, 2.0, 0.7
#: What a change of rate is at least and at most.
LEAST, MOST = 0.4, 2.0
LEAST_BITRATE = 100_000


class Drift:
    """`bitrate`: what the encoder is to be opened with, in bits per second."""

    def __init__(self, bitrate: int) -> None:
        self.bitrate = bitrate
        #: Whether it is worth a key picture to open the encoder again.
        self.off = False
        self._count = self._made = self._may = 0

    def coded(self, size: int, most: int, rate: int) -> None:
        """A picture has `size` bytes and may have `most`; `rate`: pictures per second, at most."""
        self._count += 1
        self._made += size
        self._may += most
        if self._count < PICTURES:
            return
        full = self._made >= FULL_PART * self._count * self.bitrate / 8 / rate
        part = self._may / max(1, self._made)
        if part < 1 / TOO_LARGE:
            self._set(max(LEAST, part))
        elif part > TOO_SMALL and full:
            self._set(MOST)
        self._count = self._made = self._may = 0

    def halve(self) -> None:
        """A picture was far too large."""
        self._set(0.5)

    def begin(self) -> None:
        """The encoder was opened with `bitrate`, or has begun another group."""
        self.off = False
        self._count = self._made = self._may = 0

    def _set(self, factor: float) -> None:
        self.bitrate = max(LEAST_BITRATE, round(self.bitrate * factor))
        self.off = True
