"""Coder: an encoder of libavcodec as data: what it makes, how it is opened, and how it is told how large a picture may
be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from avl_host.encode.encoder import EncoderSettings
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import MAX_PICTURE_SIDE, VideoCodec

#: For codecs whose quantisers are told from 0 to 63.
OF_64 = 51 / 63


class Steering(Enum):
    """How a size is kept to."""

    #: Each picture has a quantiser of its own, from 0 to 63: a key picture that which the encoder is opened with, the
    #: others by an offset to it.
    QUANTISER = "quantiser"
    #: The bit rate of the open encoder is changed.
    BITRATE = "bitrate"
    #: The encoder keeps to the bit rate that it was opened with; where that is far off it is opened again.
    OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """`library`: libavcodec's name of it. `formats`: libav's name of the pixels that it takes, by chroma. `options`: of
    an encoder opened for settings. `name`: the RFC 6381 string of a key picture's bitstream; empty where it lacks its
    parameter sets. `finished`: the bitstream of a packet. `hardware`: whether it may be missing although the library is
    there, which a probe finds out. `quantisers`: what one of its quantisers is in those of H.264, which the pipeline
    thinks in. `needs`: files of which one must be there on Linux; none: only trying tells. `least` and `most`: pixels
    of a side that it takes."""

    library: str
    codec: VideoCodec
    formats: Mapping[Chroma, str]
    options: Callable[[EncoderSettings], Mapping[str, str]]
    name: Callable[[bytes, EncoderSettings], str]
    steering: Steering = Steering.OPENED
    finished: Callable[[bytes], bytes] = bytes
    hardware: bool = False
    quantisers: float = 1.0
    needs: tuple[str, ...] = ()
    least: int = 1
    most: int = MAX_PICTURE_SIDE

    def codes(self, chroma: Chroma) -> bool:
        """Whether it takes pictures of this chroma."""
        return chroma in self.formats

    def fits(self, width: int, height: int) -> bool:
        """Whether it takes pictures of this size."""
        return self.least <= min(width, height) and max(width, height) <= self.most
