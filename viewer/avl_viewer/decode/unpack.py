"""Pixels of an object of exact pixels, decompressed into no more than its rectangles need (spec 05-media, 5.7.1)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import zstandard
from numpy.typing import NDArray

from avl_protocol.media.exact import Exact, ExactRect, index_bits
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode, ExactCoding

#: One pixel: blue, green, red and a byte that means nothing, as a little-endian word.
Words = NDArray[np.uint32]

_contexts = threading.local()


def blocks(exact: Exact) -> list[Words | None]:
    """For each rectangle its pixels, uint32 of shape (height, width); None for one that is copied.

    Raises RemoteProtocolError(SESSION_PROTOCOL) where the frame is not what the rectangles need.
    """
    data = _decompressed(exact)
    return list(_cut(exact, data))


def _cut(exact: Exact, data: bytes) -> Iterator[Words | None]:
    at = 0
    for one in exact.rects:
        size = one.size
        if one.coding is ExactCoding.COPY:
            yield None
        elif one.coding is ExactCoding.SOLID:
            colour = int.from_bytes(one.colours, "little")
            yield np.broadcast_to(np.uint32(colour), (one.rect.height, one.rect.width))
        elif one.coding is ExactCoding.PLAIN:
            yield np.frombuffer(data, "<u4", size // 4, at).reshape(one.rect.height, one.rect.width)
        else:
            yield _coloured(one, np.frombuffer(data, np.uint8, size, at).reshape(one.rect.height, one.stride))
        at += size


def _coloured(one: ExactRect, rows: NDArray[np.uint8]) -> Words:
    """The pixels of a PALETTE rectangle."""
    colours = np.zeros((len(one.colours) // 3, 4), np.uint8)
    colours[:, :3] = np.frombuffer(one.colours, np.uint8).reshape(-1, 3)
    bits = index_bits(len(colours))
    if bits < 8:
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        rows = (rows[:, :, None] >> shifts & np.uint8((1 << bits) - 1)).reshape(len(rows), -1)
    indices = rows[:, : one.rect.width]
    if int(indices.max()) >= len(colours):
        raise _damaged("an index without a colour")
    found: Words = colours.view(np.uint32)[:, 0][indices]
    return found


def _decompressed(exact: Exact) -> bytes:
    expected = exact.size
    if not expected:
        return b""
    if (context := getattr(_contexts, "zstd", None)) is None:
        context = _contexts.zstd = zstandard.ZstdDecompressor()
    try:
        # What the frame says of itself is what the decompressor allocates.
        if zstandard.frame_content_size(exact.pixels) != expected:
            raise _damaged("a frame of another size")
        data: bytes = context.decompress(exact.pixels, max_output_size=expected, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _damaged(str(error)) from None
    if len(data) != expected:
        raise _damaged("a frame that gives another size")
    return data


def _damaged(text: str) -> RemoteProtocolError:
    return RemoteProtocolError(CloseCode.SESSION_PROTOCOL, f"exact pixels: {text}")
