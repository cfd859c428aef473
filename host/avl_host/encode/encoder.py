"""Encoder: pictures in, H.264 access units out; what is replaced when another codec or hardware does it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avl_host.encode.scaling import coded_size
from avl_protocol.media.frame import Chroma, Rect


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """What an encoder is opened with.

    `width` and `height` of the pictures that go in; each edge is coded at `scale` of its length. `bitrate` in bits per
    second is what is to be expected, `rate` the most pictures per second. `light`: at the price of bits, coding and
    decoding shall take as little of a machine as they can.
    """

    width: int
    height: int
    chroma: Chroma
    bitrate: int
    rate: int = 60
    threads: int = 2
    scale: Fraction = Fraction(1)
    light: bool = False

    @property
    def coded(self) -> tuple[int, int]:
        """Width and height of the pictures that come out."""
        return coded_size(self.width, self.height, self.scale)


@dataclass(frozen=True, slots=True)
class Part:
    """What an encoder codes of a desktop. `pixels` is BGRA, uint8, shape (height, width, 4), rows may lie apart; only
    `damage` differs from the part before, in pixels from its own top left. Without damage it is the same again."""

    pixels: NDArray[np.uint8]
    damage: tuple[Rect, ...]


class EncoderFailed(Exception):
    """The encoder cannot be opened or cannot go on; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One access unit (Annex B; parameter sets included in every key frame). `qp` is the picture's mean quantiser
    where the encoder tells it."""

    data: bytes
    key: bool
    qp: float | None
    convert_seconds: float
    encode_seconds: float


class Encoder(Protocol):
    """An open encoder for one size, scale and chroma."""

    @property
    def codec(self) -> str:
        """RFC 6381 codec string, e.g. `avc1.F40034`; known once the first picture was encoded, empty before."""

    def encode(self, picture: Part, size: int, key: bool = False) -> Encoded:
        """Encode the picture now, with no delay, into `size` bytes at most as far as that is possible.

        `key` begins a new group. A picture without damage is a refinement: the same pixels again, finer. Raises
        EncoderFailed.
        """

    def close(self) -> None:
        """Flush and let go."""
