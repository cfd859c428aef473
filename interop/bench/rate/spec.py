"""What a case is made of: links, sources, media flows, TCP flows, and which figures mean something there.

Plain values, so that a case can be sent to another process and written into a report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

#: Half-open stretches of time in seconds: ((from, to), ...).
Spans = tuple[tuple[float, float], ...]
#: Piecewise constant capacity: ((from second, bit/s), ...), the first at 0, the last holds on.
Steps = tuple[tuple[float, float], ...]


class Queue(StrEnum):
    """How a queue deals with too much."""

    TAIL = "tail"  # drops what does not fit
    CODEL = "codel"  # RFC 8289 before that
    MARK = "mark"  # drops what does not fit, counts a mark above a threshold of delay


@dataclass(frozen=True, slots=True)
class Jitter:
    """Truncated Gaussian delay variation that keeps the order of packets (RFC 8868, NR-RBPDV). Seconds."""

    mean: float
    deviation: float
    limit: float


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """One direction of the path.

    `capacity` in steps, or the name of a generated `trace`, or neither: then there is no queue at all. `limit` is the
    queue's size in bytes. `burst` is Gilbert-Elliott: probabilities of entering and of leaving, per packet, the state
    in which everything is lost.
    """

    capacity: Steps = ()
    trace: str | None = None
    limit: int = 1 << 40
    queue: Queue = Queue.TAIL
    threshold: float = 0.005
    jitter: Jitter | None = None
    loss: float = 0.0
    burst: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """What the encoder is given to do.

    `fps` pictures a second, log-normal sizes of deviation `sigma`, a scene change about every `scene_every` seconds (0:
    none) of `scene_factor` times the usual size, `key_factor` for key frames; during `idle` the screen is still, but
    for a pointer of `cursor_size` bytes about every `cursor_every` seconds.
    """

    fps: int = 60
    sigma: float = 0.25
    scene_every: float = 0.0
    scene_factor: tuple[float, float] = (5.0, 8.0)
    key_factor: float = 5.0
    idle: Spans = ()
    cursor_every: float = 1.0
    cursor_size: int = 300


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """One media flow. Rates in bit/s, `delay` in seconds one way, the same in both directions.

    `stalls`: its receiver's time stamps are those of a browser (0.1-ms steps, an event loop that stalls). `reverse`:
    its media take the backward link and its feedback the forward one.
    """

    start: float = 0.0
    stop: float = 1e9
    pauses: Spans = ()
    delay: float = 0.020
    rmin: float = 0.3e6
    rstart: float = 2e6
    rmax: float = 30e6
    profile: SourceProfile = field(default_factory=SourceProfile)
    stalls: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSpec:
    """One TCP flow on the forward link: long from `start` to `stop`, or, with `short`, transfers of that many bytes.

    `short` is (least, most) bytes of a transfer; pauses between transfers are exponential with mean `off` seconds.
    `reverse`: it takes the backward link, where the media's feedback meets it.
    """

    start: float
    stop: float
    delay: float = 0.020
    segment: int = 1500
    short: tuple[int, int] | None = None
    off: float = 10.0
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One condition under which a controller is judged. Times in seconds from the start.

    `drops` and `rises`: when capacity falls and grows, each judged until the next entry of `changes` (all of them) or
    the end. `outages`: when the link returned. `fair`: where Jain's index is taken. `share`: where the share against
    the long TCP flows is taken, and use of the link, there of half of it.
    """

    name: str
    group: str
    duration: float
    forward: LinkSpec
    flows: tuple[FlowSpec, ...]
    backward: LinkSpec = LinkSpec()
    tcp: tuple[TcpSpec, ...] = ()
    drops: tuple[float, ...] = ()
    rises: tuple[float, ...] = ()
    outages: tuple[float, ...] = ()
    fair: tuple[float, float] | None = None
    share: tuple[float, float] | None = None
    note: str = ""

    @property
    def changes(self) -> tuple[float, ...]:
        """Every moment at which a drop or rise stops being judged."""
        return tuple(sorted({*self.drops, *self.rises, self.duration}))
