"""Canvas: the desktop's picture as BGRA, kept up to date by converting only what changed.

Colour is BT.709 limited range (spec 05-media). Measured at 1920x1080 on two cores: 4:4:4 whole 1.5 ms, 4:2:0 whole
0.7 ms, a line of text in either 0.1 ms. The 4:4:4 figures need libswscale's new code path: its old one takes 16 ms,
and its fast bilinear one ruins the chroma. The new path dithers over a few pixels, hence the alignment of what is
converted: a pixel gets the same value whether it was converted alone or with the whole picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from avl_protocol.media.frame import Rect

#: SWS_UNSTABLE: libswscale 9's new implementation, which PyAV passes on but does not name.
NEW_PATH = 1 << 20
#: Regions are converted in whole blocks of this many pixels: covers chroma sampling and the dither's period.
BLOCK = 16
#: libswscale 9 jumps into the void with 4:4:4 of up to 12 columns, and leaves out the last columns of 4:2:0 that make
#: no whole block. So what is narrower than this is converted as a picture so wide, and parts in whole blocks.
NARROWEST = 64
#: Converting a region costs copies in and out: above this part of the picture, or so many regions, all is converted.
WHOLE_PART = 0.25
WHOLE_COUNT = 12
#: From so many pixels on a second thread is worth waking.
THREADED_PIXELS = 300_000
#: Contexts kept for the sizes seen last: a typed line changes the same size again and again.
CONTEXTS = 12

_FORMATS = ("yuv420p", "yuv444p")


class Canvas:
    """The newest picture of one desktop. Driven by one thread."""

    def __init__(self) -> None:
        self._pixels: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self._stride = 0
        self._contexts: OrderedDict[tuple[int, int, str], VideoReformatter] = OrderedDict()
        self._buffer = memoryview(b"")
        #: Counts the replacements of `pixels` and `buffer` by others.
        self.generation = 0

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (height, width, 4) BGRA with opaque alpha; its rows need not adjoin. Replaced now and then."""
        return self._pixels

    @property
    def buffer(self) -> memoryview:
        """The memory that `pixels` lies in: rows of `stride` bytes."""
        return self._buffer

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        return self._stride

    def show(self, frame: VideoFrame, width: int, height: int, dirty: Iterable[Rect] | None) -> tuple[Rect, ...]:
        """Take over a picture of which `width` x `height` pixels count and only `dirty` differ (None: all may).

        Returns what was changed on the canvas, in desktop pixels. Raises ValueError for a picture that is no planar
        8-bit 4:2:0 or 4:4:4 or is smaller than said.
        """
        if frame.format.name not in _FORMATS and frame.format.name not in ("yuvj420p", "yuvj444p"):
            raise ValueError(f"a picture of format {frame.format.name} can't be shown")
        if frame.width < width or frame.height < height:
            raise ValueError(f"a picture of {frame.width}x{frame.height} is smaller than {width}x{height}")
        everything = (Rect(0, 0, width, height),)
        if dirty is None or self._pixels.shape[:2] != (height, width):
            self._whole(frame, width, height)
            return everything
        regions = blocks(dirty, width, height)
        if len(regions) > WHOLE_COUNT or sum(r.width * r.height for r in regions) > WHOLE_PART * width * height:
            self._whole(frame, width, height)
            return regions
        for region in regions:
            self._region(frame, region)
        return regions

    def rgb(self) -> NDArray[np.uint8]:
        """A copy of the picture, (height, width, 3) RGB."""
        return np.ascontiguousarray(self._pixels[:, :, 2::-1])

    def _whole(self, frame: VideoFrame, width: int, height: int) -> None:
        # what libswscale allocated becomes the canvas: copying 8 MB would cost as much as converting them
        source = frame if frame.width >= NARROWEST else _part(frame, Rect(0, 0, width, height))
        plane = self._convert(source).planes[0]
        rows = _rows(plane)
        self._buffer, self._stride = memoryview(plane), plane.line_size
        self._pixels = rows[:height, : width * 4].reshape(height, width, 4, copy=False)
        if source is frame and width % BLOCK:
            self._region(frame, Rect(width // BLOCK * BLOCK, 0, width % BLOCK, height))
        self.generation += 1

    def _region(self, frame: VideoFrame, region: Rect) -> None:
        plane = self._convert(_part(frame, region)).planes[0]
        out = _rows(plane)
        # 32-bit pixels: rows are copied as words, and a row of the canvas need not begin where the last one ended
        words = self._pixels.view(np.uint32)[:, :, 0]
        words[region.y : region.y + region.height, region.x : region.x + region.width] = out.view(np.uint32)[
            : region.height, : region.width
        ]

    def _convert(self, frame: VideoFrame) -> VideoFrame:
        key = (frame.width, frame.height, frame.format.name)
        context = self._contexts.pop(key, None) or VideoReformatter()
        self._contexts[key] = context
        if len(self._contexts) > CONTEXTS:
            self._contexts.popitem(last=False)
        return context.reformat(
            frame,
            format="bgra",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=int(Interpolation.BILINEAR) | NEW_PATH,
            threads=2 if frame.width * frame.height >= THREADED_PIXELS else 1,
        )


def _part(frame: VideoFrame, region: Rect) -> VideoFrame:
    """A region as a picture of its own, since libswscale reads whole frames only; its last column and row repeated
    until it is as wide as libswscale needs, and of even height."""
    name = frame.format.name
    across = max(NARROWEST, -(-region.width // BLOCK) * BLOCK)
    part = VideoFrame(across, region.height + region.height % 2, name)
    for index, (source, target) in enumerate(zip(frame.planes, part.planes, strict=True)):
        shift = int(index > 0 and "420" in name)
        x, y = region.x >> shift, region.y >> shift
        wide, high = (region.width + shift) >> shift, (region.height + shift) >> shift
        into = _rows(target)
        into[:high, :wide] = _rows(source)[y : y + high, x : x + wide]
        into[:high, wide:] = into[:high, wide - 1 : wide]
        into[high:] = into[high - 1]
    return part


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """A plane's memory, row by row, padding included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def blocks(dirty: Iterable[Rect], width: int, height: int) -> tuple[Rect, ...]:
    """Regions enlarged to whole blocks within `width` x `height`, without empty ones and repetitions."""
    found: dict[Rect, None] = {}
    for rect in dirty:
        left, top = max(0, rect.x) // BLOCK * BLOCK, max(0, rect.y) // BLOCK * BLOCK
        right = min(width, -(-(rect.x + rect.width) // BLOCK) * BLOCK)
        bottom = min(height, -(-(rect.y + rect.height) // BLOCK) * BLOCK)
        if rect.width > 0 and rect.height > 0 and right > left and bottom > top:
            found[Rect(left, top, right - left, bottom - top)] = None
    return tuple(found)
