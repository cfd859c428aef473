"""Decoder: H.264 access units in, pictures out."""

from __future__ import annotations

from typing import Any, Protocol

from avl_protocol.media.frame import Chroma


class DecodeError(Exception):
    """The bitstream could not be decoded; a key frame is needed."""


class Decoder(Protocol):
    """An open decoder; driven by one thread."""

    def decode(self, data: bytes) -> Any:
        """The picture (a PyAV VideoFrame) of one access unit, with no delay. Raises DecodeError."""

    def close(self) -> None:
        """Flush and let go."""


#: Chroma samplings that the native decoder can do.
DECODES: tuple[int, ...] = (int(Chroma.YUV420), int(Chroma.YUV444))
