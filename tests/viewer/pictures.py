"""Pictures for the viewer's tests: what a host would send, without a host, and how alike two pictures are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import zstandard
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame
from avl_protocol.wire.registry import ExactCoding
from avl_viewer.decode.canvas import Canvas
from avl_viewer.present.presenter import Picture

Rgb = NDArray[np.uint8]
_FORMATS = {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"}


@lru_cache(maxsize=16)
def card(width: int, height: int, seed: int = 0) -> Rgb:
    """A test card: gradients, saturated blocks and one-pixel lines; another for each seed."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x * 255 // width, y * 255 // height, (x + y + 40 * seed) * 255 // (width + height) % 256], -1)
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 32 + 1, width // 64 + 1, 3))
    picture[:, width // 2 :] = blocks.repeat(32, 0).repeat(64, 1)[:height, width // 2 : width]
    picture[height // 4 : height // 3 : 2, : width // 3] = 255
    picture[height // 4 + 1 : height // 3 : 2, : width // 3] = 0
    made = picture.astype(np.uint8)
    made.setflags(write=False)
    return made


def flat(width: int, height: int, colour: tuple[int, int, int]) -> Rgb:
    """One colour everywhere."""
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


def yuv(rgb: Rgb, chroma: Chroma = Chroma.YUV444) -> VideoFrame:
    """The picture as BT.709 limited range planes, by the matrix of ITU-R BT.709 in floating point."""
    height, width = rgb.shape[:2]
    red, green, blue = (rgb[..., i].astype(np.float64) for i in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [16 + luma * 219 / 255, 128 + (blue - luma) / 1.8556 * 224 / 255, 128 + (red - luma) / 1.5748 * 224 / 255]
    frame = VideoFrame(width + width % 2, height + height % 2, _FORMATS[chroma])
    for index, values in enumerate(planes):
        if index and chroma is Chroma.YUV420:
            values = np.pad(values, ((0, height % 2), (0, width % 2)), "edge")
            values = (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) / 4
        plane = frame.planes[index]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[: values.shape[0], : values.shape[1]] = np.rint(values)
    return frame


class Desk:
    """A desktop's canvas, and pictures of all of it that come one after the other."""

    def __init__(self) -> None:
        self.canvas = Canvas()
        self._captured = 0

    def picture(
        self,
        number: int,
        rgb: Rgb,
        dirty: Iterable[Rect] | None = None,
        chroma: Chroma = Chroma.YUV444,
        frame: Any = None,
        track: int = 1,
    ) -> Picture:
        """A decoded picture on the canvas, as a presenter gets it; `dirty`, at cells, is shown of it (None: all)."""
        height, width = rgb.shape[:2]
        self._captured += 1
        shown = (Rect(0, 0, width, height),) if dirty is None else tuple(dirty)
        one = received(number, (width, height), shown, captured_us=self._captured, chroma=chroma, track=track)
        changed = self.canvas.stage(frame or yuv(rgb, chroma), one).changed
        return self._shown(number, changed, track)

    def exact(self, number: int, rgb: Rgb, rects: Iterable[Rect] | None = None, track: int = 2) -> Picture:
        """Pixels that have come as they are, on the canvas; `rects`, at cells, are shown of them (None: all)."""
        height, width = rgb.shape[:2]
        self._captured += 1
        places = (Rect(0, 0, width, height),) if rects is None else tuple(rects)
        words = np.zeros((height, width, 4), np.uint8)
        words[..., :3] = rgb[..., ::-1]
        plain = b"".join(words[one.y : one.y + one.height, one.x : one.x + one.width].tobytes() for one in places)
        whole = Exact(
            captured_us=self._captured,
            input_echo_us=0,
            width=width,
            height=height,
            rects=tuple(ExactRect(one, ExactCoding.PLAIN) for one in places),
            pixels=zstandard.compress(plain, 1),
        )
        received = ReceivedExact(track=track, number=number, exact=whole, size=0, complete=True, first=0.0, last=0.0)
        return self._shown(number, self.canvas.show(received).changed, track)

    def _shown(self, number: int, changed: tuple[Rect, ...], track: int) -> Picture:
        return Picture(
            desktop=track,
            track=track,
            number=number,
            canvas=self.canvas,
            dirty=changed,
            captured=0.0,
            received=0.0,
            decoded=0.0,
        )


def received(
    number: int,
    size: tuple[int, int],
    dirty: tuple[Rect, ...],
    *,
    captured_us: int,
    chroma: Chroma = Chroma.YUV444,
    track: int = 1,
    data: bytes = b"",
    key: bool = False,
) -> ReceivedFrame:
    """What a host says of a picture of the whole of a desktop."""
    return ReceivedFrame(
        track=track,
        number=number,
        preamble=Preamble(
            group=1,
            captured_us=captured_us,
            input_echo_us=0,
            depends=None if key else number - 1,
            dirty=dirty,
        ),
        data=data,
        size=len(data),
        codec="avc1.F40034",
        width=size[0],
        height=size[1],
        chroma=chroma,
        desktop=size,
        place=Rect(0, 0, *size),
        first=0.0,
        last=0.0,
    )


def picture(
    number: int, rgb: Rgb, dirty: Iterable[Rect] | None = None, chroma: Chroma = Chroma.YUV444, track: int = 1
) -> Picture:
    """A decoded picture on a canvas of its own."""
    return Desk().picture(number, rgb, dirty, chroma, track=track)


def rgb_of(frame: Any, width: int, height: int, chroma: Chroma = Chroma.YUV444) -> Rgb:
    """What a canvas makes of a decoded picture."""
    shown = flat(width, height, (0, 0, 0))
    return Desk().picture(1, shown, chroma=chroma, frame=frame).canvas.rgb()


def psnr(one: Rgb, other: Rgb) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def encode(pictures: Iterable[Rgb], chroma: Chroma = Chroma.YUV444, qp: int = 4) -> list[bytes]:
    """Access units as a host makes them: no delay, BT.709, a key picture first."""
    units: list[bytes] = []
    context: Any = None
    for rgb in pictures:
        if context is None:
            context = VideoCodecContext.create("libx264", "w")
            context.height, context.width = rgb.shape[:2]
            context.pix_fmt = _FORMATS[chroma]
            context.time_base = Fraction(1, 60)
            context.options = {"preset": "superfast", "tune": "zerolatency", "qp": str(qp), "x264-params": "annexb=1"}
        frame = yuv(rgb, chroma)
        frame.pts = len(units)
        units += [bytes(packet) for packet in context.encode(frame)]
    if context is not None:
        context.encode(None)
    return units
