"""YuvPicture: the desktop in the encoder's own pixel format, kept up to date from what changed.

Converting a whole 1080p picture takes a few milliseconds; a changed line of text takes hundredths of one. So one
converted picture is kept, and changed rectangles are converted into it; where much has changed the whole is converted
afresh. A picture made smaller is always converted as a whole (2.5 ms from 1080p): its parts would not fit together.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from avl_host.encode.scaling import coded_size
from avl_protocol.media.frame import Chroma, Rect

PIXEL_FORMATS = {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"}

#: ISO/IEC 23091-2: BT.709 matrix and primaries, IEC 61966-2-1 (sRGB) transfer; 1 is limited, 2 is full range in libav.
BT709, SRGB, LIMITED, FULL = 1, 13, 1, 2

#: SWS_UNSTABLE: libswscale 9's new implementation, which PyAV passes on but does not name. To 4:4:4 it takes a third
#: of the
#: time, and dithers: wrong by at most 1, which is good enough for a picture that moves, and not for one that is
#: refined.
ROUGH = int(Interpolation.BILINEAR) | 1 << 20
#: From this part of the picture on a change is motion.
ROUGH_PART = 0.125

# Colours of 4:2:0 are the mean of four pixels: it takes 1.9 ms where libswscale's own choice takes 2.5, and parts that
# are converted by themselves fit together.

#: libswscale reads pixels in blocks of so many: beyond the end of a narrower picture, and by its rough path beyond the
#: end of every row that is no multiple of it, or jumps into the void.
_BLOCK = 16

# What a conversion costs, in seconds: measured at 1080p, 4:4:4, on two cores.
_EACH_RECT = 80e-6
_EACH_PIXEL = 1.6e-9


class YuvPicture:
    """One picture of width x height, scaled, in 4:2:0 or 4:4:4, BT.709, limited range; with 4:2:0 coded at even size,
    padded by black.
    """

    def __init__(self, *, width: int, height: int, chroma: Chroma, threads: int, scale: Fraction = Fraction(1)) -> None:
        self._width, self._height = coded_size(width, height, scale)
        self._scaled = (self._width, self._height) != (width, height)
        self._threads = threads
        self._shift = 1 if chroma is Chroma.YUV420 else 0
        self.format = PIXEL_FORMATS[chroma]
        self.coded_width = self._width + (self._width & self._shift)
        self.coded_height = self._height + (self._height & self._shift)
        self._whole = VideoReformatter()
        self._part = VideoReformatter()
        self._rough_part = VideoReformatter()
        #: Whether something in the picture was converted roughly.
        self._rough = False
        self._frame: VideoFrame | None = None
        self._planes: list[NDArray[np.uint8]] = []

    def update(self, pixels: NDArray[np.uint8], damage: tuple[Rect, ...]) -> VideoFrame:
        """The frame of `pixels` (BGRA, uint8, (height, width, 4)); only `damage` differs from the call before.

        Large changes are converted roughly; a call without damage converts the whole exactly if that was so.
        """
        if self._scaled:
            if self._frame is None or damage:
                self._keep(self._converted(self._whole, pixels, self._threads, Interpolation.AREA))
            assert self._frame is not None
            return self._frame
        area = sum(rect.width * rect.height for rect in damage)
        rough = not self._shift and area > ROUGH_PART * self._width * self._height
        if self._frame is None or (self._rough and not damage):
            self._convert_whole(pixels)
            self._rough = False
        elif rough:
            self._rough = True
            for rect in damage:
                self._convert(pixels, rect, rough)
        elif self._seconds(damage) > _EACH_PIXEL * self._width * self._height:
            self._convert_whole(pixels)
        else:
            for rect in damage:
                self._convert(pixels, rect)
        assert self._frame is not None
        return self._frame

    def _seconds(self, damage: Iterable[Rect]) -> float:
        # Copying into place adds a third to what converting costs, and one thread does it.
        return sum(_EACH_RECT + _EACH_PIXEL * 1.6 * r.width * r.height for r in damage)

    def _convert_whole(self, pixels: NDArray[np.uint8]) -> None:
        if (self.coded_width, self.coded_height) == (self._width, self._height) and self._width >= _BLOCK:
            self._keep(self._converted(self._whole, pixels, self._threads))
            return
        if self._frame is None:
            self._keep(VideoFrame(self.coded_width, self.coded_height, self.format))
            for plane, black in zip(self._planes, (16, 128, 128), strict=True):
                plane[:] = black
        self._convert(pixels, Rect(0, 0, self._width, self._height))

    def _convert(self, pixels: NDArray[np.uint8], rect: Rect, rough: bool = False) -> None:
        # Damage is tile-aligned, so the chroma samples of a rectangle belong to it alone.
        even = rect.width // _BLOCK * _BLOCK
        if rough and even < rect.width:
            self._convert(pixels, Rect(rect.x + even, rect.y, rect.width - even, rect.height))
            if not even:
                return
            rect = Rect(rect.x, rect.y, even, rect.height)
        part = pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        if rect.width < _BLOCK:
            part = np.pad(part, ((0, 0), (0, _BLOCK - rect.width), (0, 0)), "edge")
        if rough:
            converted = self._converted(self._rough_part, part, 1, ROUGH)
        else:
            converted = self._converted(self._part, part, 2 if rect.width * rect.height > 1 << 18 else 1)
        source = _planes(converted)
        for at, (target, plane) in enumerate(zip(self._planes, source, strict=True)):
            shift = self._shift if at else 0
            y, x = rect.y >> shift, rect.x >> shift
            high, wide = plane.shape[0], (rect.width + shift) >> shift
            target[y : y + high, x : x + wide] = plane[:, :wide]

    def _converted(
        self, reformatter: VideoReformatter, pixels: NDArray[np.uint8], threads: int, interpolation: int | None = None
    ) -> VideoFrame:
        if interpolation is None and self._shift:
            interpolation = Interpolation.AREA
        return reformatter.reformat(
            VideoFrame.from_numpy_buffer(pixels, "bgra"),
            width=self._width if self._scaled else None,
            height=self._height if self._scaled else None,
            format=self.format,
            src_colorspace=BT709,
            dst_colorspace=BT709,
            src_color_range=FULL,
            dst_color_range=LIMITED,
            threads=threads,
            interpolation=interpolation,
        )

    def _keep(self, frame: VideoFrame) -> None:
        self._frame = frame
        self._planes = _planes(frame)


def _planes(frame: VideoFrame) -> list[NDArray[np.uint8]]:
    """The planes of a frame as arrays over its own memory, without the padding at the end of rows."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]
