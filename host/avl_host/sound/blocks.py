"""Blocks: what a system gives of its sound, in pieces of any length, as blocks of 10 ms."""

from __future__ import annotations

from collections.abc import Iterator

from avl_protocol.endpoint.sound.opus import RATE, SAMPLES

#: Bytes of a frame: two channels of floats of 32 bits.
FRAME = 8
#: Seconds by which a piece may seem to come too late: beyond that something was not heard, and what waits is let go of.
GAP = 0.02


class Blocks:
    """One stream's. Times are seconds of the host's clock."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        #: When the first of what waits was heard.
        self._heard = 0.0

    def put(self, frames: bytes, heard: float) -> Iterator[tuple[bytes, float]]:
        """Frames of which the first was heard then; each block that is whole, and when its first frame was heard."""
        expected = self._heard + len(self._waiting) / FRAME / RATE
        if not self._waiting or abs(heard - expected) > GAP:
            self._waiting.clear()
            self._heard = heard
        self._waiting += frames
        size = SAMPLES * FRAME
        while len(self._waiting) >= size:
            block = bytes(self._waiting[:size])
            del self._waiting[:size]
            yield block, self._heard
            self._heard += SAMPLES / RATE
