"""Frames and the desktop they show: what capture makes and what a viewer needs (spec 05-media, 5.3 and 5.7).

A key object carries all that a decoder must know, so that it can be joined, recorded or stored alone. Colour is BT.709,
limited range, sRGB transfer.
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
    """One monitor's place in the desktop, in desktop pixels. `number` is what it is called by as long as its host runs
    (0: it has none yet), `scale` how many hundredths as large as usual things are drawn on it, `rotation` by how many
    degrees it is turned."""

    name: str
    x: int
    y: int
    width: int
    height: int
    primary: bool = False
    number: int = 0
    scale: int = 100
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds spent in each stage of the host's pipeline for one frame."""

    grab: float = 0.0
    compare: float = 0.0
    convert: float = 0.0
    encode: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedFrame:
    """One encoded picture of a part of the desktop: `data` is an H.264 access unit in Annex B form.

    Times are seconds of the host's clock. `input_echo` is when the newest input applied before this capture was
    applied (0: none yet). `width` and `height` are the picture's own; `place` is the part of the desktop that it is of,
    and `dirty` what of that is to be shown from it, both in desktop pixels. `lower`: it is one of those with fewer
    bits, for who cannot follow the others.
    """

    key: bool
    data: bytes
    captured: float
    input_echo: float
    codec: str
    width: int
    height: int
    chroma: Chroma
    desktop: tuple[int, int]
    place: Rect
    dirty: tuple[Rect, ...] = ()
    stages: StageTimes = field(default_factory=StageTimes)
    lower: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactFrame:
    """Exact pixels of some rectangles: `data` is the plaintext of an object (5.7.1).

    Times as in EncodedFrame. `settled`: with this, all of the desktop was sent as it is.
    """

    data: bytes
    captured: float
    input_echo: float
    settled: bool = False
    stages: StageTimes = field(default_factory=StageTimes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFrame:
    """Sound: `data` is the plaintext of an object (16.2), `captured` as in EncodedFrame."""

    data: bytes
    captured: float


#: What a host makes of its desktop, to be seen.
Frame = EncodedFrame | ExactFrame
