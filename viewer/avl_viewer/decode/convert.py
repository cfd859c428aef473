"""Converter: parts of decoded pictures in the canvas' own pixel format.

Colour is BT.709 limited range (spec 05-media). Measured at 1920x1080 on two cores: 4:4:4 whole 1.5 ms, 4:2:0 whole
0.7 ms, a line of text in either 0.1 ms. The 4:4:4 figures need libswscale's new code path: its old one takes 16 ms,
and its fast bilinear one ruins the chroma. The new path dithers over a few pixels, hence the alignment of what is
converted: a pixel gets the same value whether it was converted alone or with the whole picture.
"""

from __future__ import annotations

from collections import OrderedDict

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
#: Converting a region costs copies in: above this part of the picture all is converted.
WHOLE_PART = 0.25
#: From so many pixels on a second thread is worth waking.
THREADED_PIXELS = 300_000
#: Contexts kept for the sizes seen last.
CONTEXTS = 12

_FORMATS = ("yuv420p", "yuv444p", "yuvj420p", "yuvj444p")


class Converter:
    """Planar 8-bit 4:2:0 and 4:4:4 to BGRA, with the contexts of recent sizes. Driven by one thread at a time."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[tuple[int, int, str, int, int], VideoReformatter] = OrderedDict()

    def region(self, frame: VideoFrame, size: tuple[int, int], region: Rect) -> NDArray[np.uint32]:
        """A region, in whole blocks from the top left, of a picture stretched to `size`; uint32 of shape (height,
        width), which may be read until the next call.

        Raises ValueError for a picture in another format, or one that is smaller than its own region.
        """
        if frame.format.name not in _FORMATS:
            raise ValueError(f"a picture of format {frame.format.name} can't be shown")
        width, height = size
        # The bitstream may have one column or row more than the picture (5.3): what is larger by more is no stretching.
        if not (0 <= frame.width - width <= 1 and 0 <= frame.height - height <= 1):
            words = self._words(self._convert(frame, width, height), width, height)
            return words[region.y : region.y + region.height, region.x : region.x + region.width]
        whole = region.width * region.height > WHOLE_PART * width * height and frame.width >= NARROWEST
        if whole and width % BLOCK == 0:
            words = self._words(self._convert(frame), width, height)
            return words[region.y : region.y + region.height, region.x : region.x + region.width]
        return self._words(self._convert(_part(frame, region)), region.width, region.height)

    @staticmethod
    def _words(converted: VideoFrame, width: int, height: int) -> NDArray[np.uint32]:
        return _rows(converted.planes[0]).view(np.uint32)[:height, :width]

    def _convert(self, frame: VideoFrame, width: int = 0, height: int = 0) -> VideoFrame:
        width, height = width or frame.width, height or frame.height
        key = (frame.width, frame.height, frame.format.name, width, height)
        context = self._contexts.pop(key, None) or VideoReformatter()
        self._contexts[key] = context
        if len(self._contexts) > CONTEXTS:
            self._contexts.popitem(last=False)
        stretched = (width, height) != (frame.width, frame.height)
        return context.reformat(
            frame,
            width=width,
            height=height,
            format="bgra",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=int(Interpolation.BILINEAR) | (0 if stretched else NEW_PATH),
            threads=2 if width * height >= THREADED_PIXELS else 1,
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
