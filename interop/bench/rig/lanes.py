"""Ways to code a rectangle exactly, and contents to code: what `./dev bench lanes` measures.

A lane takes a picture, BGRX of shape (height, width, 4), to bytes and back. It declines what it is not for: one that
moved from nowhere is no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import zstandard
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from avl_host.capture.cells import changed_cells, rectangles
from avl_host.encode import shift
from avl_host.encode.exactcoder import Copy, ExactCoder
from avl_protocol.media import exact as exacts
from avl_protocol.media.frame import Rect
from avl_viewer.decode.unpack import blocks
from interop.bench.rig.layout import LINE, SIZE
from interop.bench.rig.pictures import PAPER, Film, Pixels, bgrx, text, texture

#: Width and height: a letter, a tile, a widget, a window, a screen.
SIZES = ((16, 32), (64, 64), (512, 256), (1280, 720), SIZE)
LEVELS = (-5, -1, 1, 3)
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
    """Four bytes a pixel, compressed, and nothing around them."""
    compressor, decompressor = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()

    def decode(data: bytes, before: Pixels) -> Pixels:
        return np.frombuffer(decompressor.decompress(data), np.uint8).reshape(before.shape)

    return Lane(encode=lambda change: compressor.compress(np.ascontiguousarray(change.pixels).data), decode=decode)


def coder(*, small: bool = False, copies: bool = False) -> Lane:
    """An object of exact pixels by the host's own coder, and back by the viewer's; with `copies` the host looks for
    what was shifted, and where nothing was, the lane is not for that."""
    made = ExactCoder()

    def encode(change: Change) -> bytes | None:
        height, width = change.pixels.shape[:2]
        rects: tuple[Rect, ...] = (Rect(0, 0, width, height),)
        copied: list[Copy] = []
        if copies:
            changed = changed_cells(change.before, change.pixels, [(0, height)])
            found = shift.ShiftFinder().find(change.before, change.pixels, changed)
            if found is None:
                return None
            rects, copied = (
                rectangles(changed & ~found.cells, width, height),
                shift.copies(found, found.cells, width, height),
            )
        coded = made.code(change.pixels, rects, copied, small=small)
        return coded.encode((width, height), captured=0.0, input_echo=0.0, settled=True)

    def decode(data: bytes, before: Pixels) -> Pixels:
        exact = exacts.decode(data)
        shown = words(before).copy()
        for one, block in zip(exact.rects, blocks(exact), strict=True):
            x, y, width, height = one.rect.x, one.rect.y, one.rect.width, one.rect.height
            if block is None:
                left, top = one.source
                block = shown[top : top + height, left : left + width].copy()
            shown[y : y + height, x : x + width] = block
        return shown.view(np.uint8).reshape(before.shape)

    return Lane(encode=encode, decode=decode)


def lanes() -> dict[str, Lane]:
    """All of them, by name."""
    made = {f"zstd {level}": zstd(level) for level in LEVELS}
    return made | {"host": coder(), "host, small": coder(small=True), "host, copies": coder(copies=True)}
