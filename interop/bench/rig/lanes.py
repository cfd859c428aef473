"""Ways to code a rectangle exactly, and contents to code: what `./dev bench lanes` measures.

A lane takes a picture, BGRX of shape (height, width, 4), to bytes and back. It declines what it is not for: a picture
of many colours has no palette, and one that moved from nowhere is no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import zstandard
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from interop.bench.rig.layout import LINE, SIZE
from interop.bench.rig.pictures import PAPER, Film, Pixels, bgrx, text, texture

#: Width and height: a letter, a tile, a widget, a window, a screen.
SIZES = ((16, 32), (64, 64), (512, 256), (1280, 720), SIZE)
LEVELS = (-5, -1, 1, 3)
_COLOURS = 256
#: Levels of the palette's lane: what is left after it is small.
_PALETTE_LEVEL = 1
#: Rows in a row that a copy has to agree in, at least; a smaller rectangle is not looked at.
_LEAST_ROWS = 64
Words = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be coded: a rectangle as it is, and what was there before."""

    pixels: Pixels
    before: Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """`encode` gives None for what the lane is not for; `decode` gives the pixels, X byte included or not, from the
    bytes and what was there before."""

    encode: Callable[[Change], bytes | None]
    decode: Callable[[bytes, Pixels], Pixels]


# ------------------------------------------------------------------------------------------------------------- contents


def code(width: int, height: int) -> Change:
    """Lines of code that have scrolled up by one."""
    rows = text(width, height + LINE, seed=5)
    return Change(np.ascontiguousarray(rows[LINE:]), np.ascontiguousarray(rows[:-LINE]))


def glyph(width: int, height: int) -> Change:
    """One letter on paper that was empty."""
    paper = np.full((height, width, 3), PAPER, np.uint8)
    image = Image.fromarray(paper)
    ImageDraw.Draw(image).text((2, 4), "g", (214, 220, 240), font_size=height * 0.7)
    return Change(bgrx(np.asarray(image)), bgrx(paper))


def widgets(width: int, height: int) -> Change:
    """A program's window: plain areas, slopes, edges, buttons with labels; before, its plain background."""
    image = Image.new("RGB", (width, height), (240, 240, 243))
    draw = ImageDraw.Draw(image)
    for y in range(min(40, height)):
        draw.line((0, y, width, y), (226 - y, 228 - y, 232 - y))
    draw.rectangle((0, 40, min(220, width // 3), max(height, 40)), (250, 250, 252), (200, 200, 206))
    for number, (x, y) in enumerate((x, y) for y in range(8, height - 24, 60) for x in range(8, width - 40, 140)):
        draw.rounded_rectangle((x, y, x + 110, y + 26), 6, (255, 255, 255), (150, 156, 170))
        draw.text((x + 12, y + 6), f"Button {number}", (30, 34, 40))
    return Change(bgrx(np.asarray(image)), bgrx(np.full((height, width, 3), (240, 240, 243), np.uint8)))


def photo(width: int, height: int) -> Change:
    """A natural picture where another one was."""
    return Change(*(_photo(seed)[:height, :width].copy() for seed in (21, 22)))


@cache
def _photo(seed: int) -> Pixels:
    return bgrx(np.clip(texture(*SIZE, seed), 0, 255).astype(np.uint8))


def film(width: int, height: int) -> Change:
    """A frame of the film, and the one before."""
    return Change(*(np.tile(_frame(number), (2, 2, 1))[:height, :width].copy() for number in (8, 7)))


@cache
def _frame(number: int) -> Pixels:
    return _film().frame(number)


@cache
def _film() -> Film:
    return Film()


def plain(width: int, height: int) -> Change:
    """One colour, where another one was."""
    return Change(*(bgrx(np.full((height, width, 3), shade, np.uint8)) for shade in (PAPER, (255, 255, 255))))


CONTENTS: Mapping[str, Callable[[int, int], Change]] = {
    "code": code,
    "glyph": glyph,
    "widgets": widgets,
    "photo": photo,
    "film": film,
    "plain": plain,
}


# ---------------------------------------------------------------------------------------------------------------- lanes


def words(pixels: Pixels) -> Words:
    """A picture as one number a pixel: shape (height, width)."""
    return np.ascontiguousarray(pixels).view(np.uint32)[:, :, 0]


def zstd(level: int) -> Lane:
    """Four bytes a pixel, compressed."""
    compressor, decompressor = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()

    def decode(data: bytes, before: Pixels) -> Pixels:
        return np.frombuffer(decompressor.decompress(data), np.uint8).reshape(before.shape)

    return Lane(encode=lambda change: compressor.compress(np.ascontiguousarray(change.pixels).data), decode=decode)


def palette() -> Lane:
    """The colours, and a byte a pixel (half of one for sixteen colours, an eighth for two), compressed."""
    compressor, decompressor = zstandard.ZstdCompressor(level=_PALETTE_LEVEL), zstandard.ZstdDecompressor()

    def encode(change: Change) -> bytes | None:
        found = words(change.pixels)
        if len(np.unique(found[::4, ::4])) > _COLOURS:
            return None
        colours, places = np.unique(found, return_inverse=True)
        if len(colours) > _COLOURS:
            return None
        indices = _packed(places.reshape(-1).astype(np.uint8), len(colours))
        return bytes((len(colours) - 1,)) + colours.tobytes() + compressor.compress(indices.data)

    def decode(data: bytes, before: Pixels) -> Pixels:
        count = data[0] + 1
        colours = np.frombuffer(data, np.uint32, count, 1)
        packed = np.frombuffer(decompressor.decompress(data[1 + 4 * count :]), np.uint8)
        pixels = before.shape[0] * before.shape[1]
        found: Words = colours[_unpacked(packed, count, pixels)]
        return found.view(np.uint8).reshape(before.shape)

    return Lane(encode=encode, decode=decode)


def _packed(indices: NDArray[np.uint8], colours: int) -> NDArray[np.uint8]:
    if colours <= 2:
        return np.packbits(indices)
    if colours <= 16:
        padded = np.pad(indices, (0, len(indices) % 2))
        return np.bitwise_or(np.left_shift(padded[0::2], np.uint8(4)), padded[1::2])
    return indices


def _unpacked(packed: NDArray[np.uint8], colours: int, pixels: int) -> NDArray[np.uint8]:
    if colours <= 2:
        return np.unpackbits(packed)[:pixels]
    if colours <= 16:
        return np.stack([packed >> 4, packed & 15], axis=1).reshape(-1)[:pixels]
    return packed


def solid() -> Lane:
    """One colour."""

    def encode(change: Change) -> bytes | None:
        found = words(change.pixels)
        return found[0, 0].tobytes() if (found == found[0, 0]).all() else None

    def decode(data: bytes, before: Pixels) -> Pixels:
        colour = np.frombuffer(data, np.uint32)
        return np.broadcast_to(colour, before.shape[:2]).copy().view(np.uint8).reshape(before.shape)

    return Lane(encode=encode, decode=decode)


def copy() -> Lane:
    """Rows that stood some rows further down: by how many, and what came in below as it is."""
    whole = zstd(1)

    def encode(change: Change) -> bytes | None:
        down = _moved(words(change.before), words(change.pixels))
        if down is None:
            return None
        fresh = change.pixels[-down:]
        rest = whole.encode(Change(fresh, fresh))
        return None if rest is None else down.to_bytes(2, "big") + rest

    def decode(data: bytes, before: Pixels) -> Pixels:
        down = int.from_bytes(data[:2], "big")
        return np.concatenate([before[down:], whole.decode(data[2:], before[-down:])])

    return Lane(encode=encode, decode=decode)


def _moved(before: Words, after: Words) -> int | None:
    """By how many rows `after` is further up than `before`, if it is so in every pixel that both have."""
    if len(after) < _LEAST_ROWS:
        return None
    sums = [picture.sum(axis=1, dtype=np.uint64) for picture in (before, after)]
    distances = [int(place) for place in np.flatnonzero(sums[0] == sums[1][0]) if 0 < place <= len(after) - _LEAST_ROWS]
    for down in distances:
        if (sums[0][down:] == sums[1][:-down]).all() and (before[down:] == after[:-down]).all():
            return down
    return None


def lanes() -> dict[str, Lane]:
    """All of them, by name."""
    made = {f"zstd {level}": zstd(level) for level in LEVELS}
    return made | {"palette, zstd 1": palette(), "solid": solid(), "copy, zstd 1": copy()}
