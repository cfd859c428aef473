"""The host's pointer as it travels, made into a shape; what claims to be one and is not, is none (spec 03-wire,
3.4)."""

from __future__ import annotations

import zlib

from avl_protocol.wire.endtoend import Cursor
from avl_viewer.present.presenter import CursorShape

#: Largest image, in bytes: a hostile host must not make us unpack more.
LARGEST = 1 << 20


def cursor_shape(message: Cursor) -> CursorShape | None:
    """The shape, or None when the message does not hold exactly the image that it announces."""
    size = message.width * message.height * 4
    if size > LARGEST or min(message.width, message.height) < 0:
        return None
    try:
        rgba = zlib.decompressobj().decompress(message.image, size + 1)
    except zlib.error:
        return None
    if len(rgba) != size:
        return None
    return CursorShape(message.serial, message.width, message.height, message.hot_x, message.hot_y, rgba)
