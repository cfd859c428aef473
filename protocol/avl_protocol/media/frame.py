"""Frames and the desktop they show: what capture makes, what a decoder needs, and the preamble that travels inside
the seal.

Spec 05-media, "Preamble". A key object carries all that a decoder must know, so that it can be joined, recorded or
stored alone. Colour is BT.709, limited range, sRGB transfer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.wire.registry import Chroma as Chroma


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels, from the top left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor's place in the desktop, in desktop pixels."""

    name: str
    x: int
    y: int
    width: int
    height: int
    primary: bool = False


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds spent in each stage of the host's pipeline for one frame."""

    grab: float = 0.0
    compare: float = 0.0
    convert: float = 0.0
    encode: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFrame:
    """One encoded picture: `data` is an H.264 access unit in Annex B form.

    Times are seconds of the host's clock. `input_echo` is when the newest input applied before this capture was
    applied (0: none yet).
    `dirty` is what changed since the frame before (empty for a refinement: then the whole picture may have changed
    slightly).
    `settled`: nothing better will follow until the screen changes.
    """

    key: bool
    data: bytes
    captured: float
    input_echo: float
    codec: str
    width: int
    height: int
    chroma: Chroma
    dirty: tuple[Rect, ...] = ()
    settled: bool = False
    stages: StageTimes = field(default_factory=StageTimes)
