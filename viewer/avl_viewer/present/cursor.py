"""The host's pointer as it travels, made into a shape; what claims to be one and is not, is none (spec 03-wire,
3.4)."""

from __future__ import annotations

import zlib

from avl_protocol.wire.endtoend import Cursor
from avl_protocol.wire.registry import MAX_CURSOR_SIDE
from avl_viewer.present.presenter import CursorShape


def cursor_shape(message: Cursor) -> CursorShape | None:
    """The shape, or None when the message does not hold exactly the image that it announces."""
    width, height, scale = message.width, message.height, message.scale
    longer = max(width, height)
    if longer > MAX_CURSOR_SIDE or min(width, height) < 0 or not 1 <= scale <= max(1, longer):
        return None
    columns, rows = -(-width // scale), -(-height // scale)
    size = columns * rows * 4
    try:
        rgba = zlib.decompressobj().decompress(message.image, size + 1)
    except zlib.error:
        return None
    if len(rgba) != size:
        return None
    if scale > 1:
        rgba = b"".join(
            _enlarged(rgba[row * columns * 4 : (row + 1) * columns * 4], scale, width)
            * min(scale, height - row * scale)
            for row in range(rows)
        )
    hot_x, hot_y = (max(0, min(hot, side - 1)) for hot, side in ((message.hot_x, width), (message.hot_y, height)))
    return CursorShape(serial=message.serial, width=width, height=height, hot_x=hot_x, hot_y=hot_y, rgba=rgba)


def _enlarged(row: bytes, scale: int, width: int) -> bytes:
    """A row in which each pixel stands `scale` times, up to the pointer's width."""
    return b"".join(row[at : at + 4] * scale for at in range(0, len(row), 4))[: width * 4]
