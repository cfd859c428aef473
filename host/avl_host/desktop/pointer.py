"""The pointer's shape as it travels: whole where it fits a control record, else with fewer pixels in the same size.

Spec 03-wire, 3.4.2.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.source import CursorImage
from avl_protocol.wire.endtoend import Cursor
from avl_protocol.wire.registry import MAX_RECORD_DATA

#: Bytes that an image may take of a control record.
MOST = MAX_RECORD_DATA - 64
#: Pixels of a pointer's longer side; viewers ignore a larger one.
LARGEST = 512


def as_travels(image: CursorImage) -> Cursor:
    """The message that shows this pointer; of one with no pixels, or none to be seen, that hides it."""
    pixels = np.frombuffer(image.rgba, np.uint8).reshape(image.height, image.width, 4)
    if not pixels[..., 3].any():
        return Cursor(serial=image.serial, width=0, height=0, hot_x=0, hot_y=0, image=zlib.compress(b""))
    width, height, hot_x, hot_y = image.width, image.height, image.hot_x, image.hot_y
    if (beyond := -(-max(width, height) // LARGEST)) > 1:
        pixels = _shrunk(pixels, beyond)
        height, width = pixels.shape[:2]
        hot_x, hot_y = hot_x // beyond, hot_y // beyond
    scale, packed = 1, zlib.compress(pixels.tobytes(), 6)
    while len(packed) > MOST:
        scale += 1
        packed = zlib.compress(_shrunk(pixels, scale).tobytes(), 6)
    return Cursor(serial=image.serial, width=width, height=height, hot_x=hot_x, hot_y=hot_y, image=packed, scale=scale)


def _shrunk(pixels: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """The mean of each `scale` x `scale` pixels; what is transparent has no colour to add."""
    height, width = pixels.shape[:2]
    padding = ((0, -height % scale), (0, -width % scale), (0, 0))
    padded = np.pad(pixels.astype(np.float32), padding, mode="edge")
    blocks = padded.reshape(padded.shape[0] // scale, scale, padded.shape[1] // scale, scale, 4)
    alpha = blocks[..., 3:]
    weight = alpha.sum(axis=(1, 3))
    colour = (blocks[..., :3] * alpha).sum(axis=(1, 3)) / np.maximum(weight, 1e-6)
    mean = np.concatenate((colour, weight / (scale * scale)), axis=2)
    shrunk: NDArray[np.uint8] = np.rint(mean).astype(np.uint8)
    return shrunk
