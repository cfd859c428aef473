"""A line of black and white blocks that says which frame it belongs to and when that was drawn.

64 blocks over the pane's width: 16 bits of frame number, 40 bits of microseconds, 8 bits of checksum. Blocks are larger
than a macroblock, and only their middles are read, so that lossy coding leaves them legible; a half-drawn or blurred
strip fails its checksum or has greys, and is no reading.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from interop.bench.rig.layout import PANE

HEIGHT = 24
BLOCKS = 64
BLOCK = PANE.width // BLOCKS
#: Rows of the upper and of the lower strip to read, from the pane's top.
UPPER, LOWER = HEIGHT // 2, PANE.height - HEIGHT // 2
#: Pixels at each end of a block that its neighbour may have coloured.
MARGIN = 6
#: Shades between black and white that neither of them becomes by coding.
DOUBTFUL = (90, 165)
#: The film's share of a strip is one in so many.
_THROUGH = 4
_NUMBERS, _TIMES = 1 << 16, 1 << 40


class Reading(NamedTuple):
    """What a strip says: the frame's number modulo 65536, and when it was drawn, in microseconds modulo 2**40."""

    number: int
    microseconds: int


def _checksum(word: int) -> int:
    return zlib.crc32(word.to_bytes(7, "big")) & 0xFF


def encode(number: int, microseconds: int) -> NDArray[np.uint8]:
    """The strip's pixels: shape (PANE.width,), 0 or 255."""
    word = (number % _NUMBERS) << 40 | microseconds % _TIMES
    word = word << 8 | _checksum(word)
    bits = np.unpackbits(np.frombuffer(word.to_bytes(8, "big"), np.uint8))
    return np.repeat(bits * np.uint8(255), BLOCK)


def under(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What of a frame of the film shows through its strips: shape (2, HEIGHT, PANE.width, 4), 0 to 63.

    Strips of two colours are cheap to send exactly, ahead of the picture that they speak for; with the film in them
    they travel as the film does.
    """
    return np.stack([frame[:HEIGHT], frame[-HEIGHT:]]) // np.uint8(_THROUGH)


def paint(pane: NDArray[np.uint8], number: int, microseconds: int, film: NDArray[np.uint8] | None = None) -> None:
    """Draw both strips into a pane: uint8, shape (PANE.height, PANE.width, 4). `film`: what `under` says of the frame;
    without it they are black and white alone, as text is."""
    row = encode(number, microseconds)[None, :, None]
    if film is None:
        pane[:HEIGHT] = pane[-HEIGHT:] = row
    else:
        row = row - row // np.uint8(_THROUGH)
        np.add(film[0], row, out=pane[:HEIGHT])
        np.add(film[1], row, out=pane[-HEIGHT:])


def decode(row: NDArray[np.uint8]) -> Reading | None:
    """What a row of pixels says: uint8, shape (PANE.width, 4), BGRX; None where it is not legible."""
    shades = row[:, 1].reshape(BLOCKS, BLOCK)[:, MARGIN:-MARGIN].mean(axis=1)
    if ((shades > DOUBTFUL[0]) & (shades < DOUBTFUL[1])).any():
        return None
    word = int.from_bytes(np.packbits(shades > 127).tobytes(), "big")
    word, check = word >> 8, word & 0xFF
    return Reading(word >> 40, word % _TIMES) if _checksum(word) == check else None
