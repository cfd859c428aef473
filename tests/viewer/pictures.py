"""Pictures for the viewer's tests: what a host would send, without a host, and how alike two pictures are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avl_protocol.media.frame import Chroma, Rect
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


def picture(
    number: int,
    rgb: Rgb,
    dirty: Iterable[Rect] | None = None,
    chroma: Chroma = Chroma.YUV444,
    frame: Any = None,
    track: int = 1,
) -> Picture:
    """A decoded picture as a presenter gets it."""
    height, width = rgb.shape[:2]
    listed = None if dirty is None else tuple(dirty)
    return Picture(
        track=track,
        number=number,
        width=width,
        height=height,
        chroma=chroma,
        frame=frame or yuv(rgb, chroma),
        dirty=listed,
        captured=0.0,
        received=0.0,
        decoded=0.0,
    )


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
