"""Decoder: bitstreams of objects in, pictures out."""

from __future__ import annotations

from typing import Any, Protocol

from avl_protocol.wire import endtoend
from avl_protocol.wire.registry import Chroma, VideoCodec


class DecodeError(Exception):
    """The bitstream could not be decoded; a key frame is needed."""


class Decoder(Protocol):
    """An open decoder; driven by one thread."""

    @property
    def device(self) -> str | None:
        """The hardware that decodes, as libav calls it; None: software does."""

    def decode(self, data: bytes) -> Any:
        """The picture (a PyAV VideoFrame) of one object's bitstream, with no delay. Raises DecodeError."""

    def close(self) -> None:
        """Flush and let go."""


_EITHER = (int(Chroma.YUV420), int(Chroma.YUV444))
#: What the native decoder can do.
DECODES = endtoend.Decoder(
    _EITHER,
    (
        (int(VideoCodec.H265), *_EITHER),
        (int(VideoCodec.VP9), *_EITHER),
        (int(VideoCodec.AV1), int(Chroma.YUV420)),
    ),
)
