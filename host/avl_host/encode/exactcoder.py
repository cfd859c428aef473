"""ExactCoder: rectangles of the desktop as an object of exact pixels (spec 05-media, 5.7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import zstandard
from numpy.typing import NDArray

from avl_protocol.media import exact as exacts
from avl_protocol.media.exact import Exact, ExactRect, index_bits
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import ExactCoding

#: Of a page of code level 3 takes a third less than level 1, in the same time; level 5 a sixth less than that, in three
#: times the time.
LEVEL, SMALL_LEVEL = 3, 5
#: Rectangles of fewer pixels take one datagram either way; a palette helps those that have more.
PALETTE_PIXELS = 4096
#: Every so many pixels across and down one is looked at, to see that there are too many colours.
SAMPLED = 4
_COLOURS = 256
_HASH, _BUCKETS = np.uint32(2654435761), 1 << 16

Words = NDArray[np.uint32]
Copy = tuple[Rect, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Coded:
    """Rectangles and the frame that holds their pixels."""

    rects: tuple[ExactRect, ...]
    pixels: bytes

    def encode(self, size: tuple[int, int], *, captured: float, input_echo: float, settled: bool) -> bytes:
        """The plaintext of an object. `size`: the desktop's; times in seconds of the host's clock."""
        return exacts.encode(
            Exact(
                captured_us=round(captured * 1e6),
                input_echo_us=round(input_echo * 1e6),
                width=size[0],
                height=size[1],
                rects=self.rects,
                pixels=self.pixels,
                settled=settled,
            )
        )


class ExactCoder:
    """Keeps a compressor."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=LEVEL)
        self._small = zstandard.ZstdCompressor(level=SMALL_LEVEL)

    def code(self, pixels: NDArray[np.uint8], rects: Sequence[Rect], copies: Sequence[Copy], *, small: bool) -> Coded:
        """What is copied, then all else as it is in `pixels` (BGRA, uint8, (height, width, 4)). `small`: take time
        for few bytes, by palettes among others, which take a third less of text in few colours."""
        words = pixels.view(np.uint32)[:, :, 0]
        coded = [ExactRect(rect, ExactCoding.COPY, source=source) for rect, source in copies]
        parts: list[NDArray[np.uint8]] = []
        for rect in rects:
            one, part = self._coded(words[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width], rect, small)
            coded.append(one)
            if part is not None:
                parts.append(part)
        return Coded(tuple(coded), self._compressed(parts, self._small if small else self._zstd))

    @staticmethod
    def _compressed(parts: list[NDArray[np.uint8]], compressor: zstandard.ZstdCompressor) -> bytes:
        if not parts:
            return b""
        data = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return compressor.compress(data.data)

    @staticmethod
    def _coded(words: Words, rect: Rect, palettes: bool) -> tuple[ExactRect, NDArray[np.uint8] | None]:
        """A rectangle's coding, and its part of what is compressed."""
        first = words[0, 0]
        if words[-1, -1] == first and words[0, -1] == first and (words == first).all():
            return ExactRect(rect, ExactCoding.SOLID, _bgr(words[:1, 0])), None
        if palettes and words.size >= PALETTE_PIXELS and (found := _palette(words)) is not None:
            colours, indices = found
            return ExactRect(rect, ExactCoding.PALETTE, _bgr(colours)), _packed(indices, index_bits(len(colours)))
        return ExactRect(rect, ExactCoding.PLAIN), np.ascontiguousarray(words).view(np.uint8).reshape(-1)


def _bgr(colours: Words) -> bytes:
    return np.ascontiguousarray(colours).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _palette(words: Words) -> tuple[Words, NDArray[np.uint8]] | None:
    """At most 256 colours and an index for each pixel; None where there are more, or two fall into one bucket."""
    if len(np.unique(words[::SAMPLED, ::SAMPLED])) > _COLOURS // 2:
        return None
    buckets = (words * _HASH) >> np.uint32(16)
    colours = np.zeros(_BUCKETS, np.uint32)
    colours[buckets] = words
    if not (colours[buckets] == words).all():
        return None
    used = np.zeros(_BUCKETS, np.bool_)
    used[buckets] = True
    places = np.flatnonzero(used)
    if len(places) > _COLOURS:
        return None
    numbers = np.zeros(_BUCKETS, np.uint8)
    numbers[places] = np.arange(len(places), dtype=np.uint8)
    return colours[places], numbers[buckets]


def _packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Indices of `bits` bits, the first in the highest bits; each row begins with a byte."""
    if bits == 8:
        return indices.reshape(-1)
    each = 8 // bits
    height, width = indices.shape
    padded = np.zeros((height, -(-width // each) * each), np.uint8)
    padded[:, :width] = indices
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(padded.reshape(height, -1, each) << shifts, axis=2)
    return packed.reshape(-1)
