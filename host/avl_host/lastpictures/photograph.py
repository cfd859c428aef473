"""Photograph: one look at the desktop, as a small JPEG.

It opens a source of its own and lets go of it, so that nothing is captured between two looks, whoever is here.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avl_host.capture.source import CaptureSource, SourceLost
from avl_protocol.rights.lastpicture import MOST_IMAGE

#: Pixels of the longer side, and how coarse it is (2 to 31, as JPEG's encoder has it): what is finer is tried first.
SIDES, COARSENESS = (480, 320), (4, 8, 16, 31)


class Unpictured(Exception):
    """There is no picture now; the text says why."""


def photograph(open_source: Callable[[], CaptureSource]) -> bytes:
    """The desktop as it is now, in at most MOST_IMAGE bytes. Blocks; call it on a thread. Raises Unpictured."""
    try:
        source = open_source()
    except (SourceLost, ValueError) as error:
        raise Unpictured(str(error)) from error
    try:
        picture = source.grab(whole=True)
        if picture is None:
            raise Unpictured("the source gave no picture")
        return jpeg(picture.pixels)
    except SourceLost as error:
        raise Unpictured(str(error)) from error
    finally:
        source.close()


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels (BGRA, uint8, shape (height, width, 4)) as a small JPEG. Raises Unpictured."""
    height, width = pixels.shape[:2]
    for side in SIDES:
        scale = min(1.0, side / max(width, height))
        # 4:2:0 has even sides.
        size = max(2, round(width * scale) & ~1), max(2, round(height * scale) & ~1)
        try:
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgra").reformat(
                *size, format="yuvj420p", interpolation="AREA"
            )
            for coarseness in COARSENESS:
                if len(made := _encoded(frame, coarseness)) <= MOST_IMAGE:
                    return made
        except av.error.FFmpegError as error:
            raise Unpictured(f"the picture cannot be encoded: {error}") from error
    raise Unpictured("no picture is small enough")


def _encoded(frame: VideoFrame, coarseness: int) -> bytes:
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuvj420p"
    context.time_base = Fraction(1, 1)
    context.options = {"qmin": str(coarseness), "qmax": str(coarseness), "threads": "1"}
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
