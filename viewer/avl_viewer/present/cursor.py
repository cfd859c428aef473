"""The host's pointer as it travels, made into a shape; what claims to be one and is not, is none (spec 03-wire,
3.4)."""

from __future__ import annotations

import zlib

from avl_protocol.wire.endtoend import Cursor
from avl_protocol.wire.registry import MAX_CURSOR_SIDE
from avl_viewer.present.presenter import CursorShape


def cursor_shape(message: Cursor) -> CursorShape | None:
    """The shape, or None when the message does not hold exactly the image that it announces."""
    width, height = message.width, message.height
    if not (0 <= width <= MAX_CURSOR_SIDE and 0 <= height <= MAX_CURSOR_SIDE):
        return None
    size = width * height * 4
    try:
        rgba = zlib.decompressobj().decompress(message.image, size + 1)
    except zlib.error:
        return None
    if len(rgba) != size:
        return None
    hot_x, hot_y = (max(0, min(hot, side - 1)) for hot, side in ((message.hot_x, width), (message.hot_y, height)))
    return CursorShape(message.serial, width, height, hot_x, hot_y, rgba)
