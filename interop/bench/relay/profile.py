"""Where a relay's time goes: stacks that `sampler.py` has seen, added up by function and by what the work was for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from interop.bench.relay.figures import Measured

#: Pieces of stack frames by which a stack is told apart: the first kind any of whose pieces it holds. Passing an object
#: on to each viewer is sending, though it happens while the host's packet is being received; what else is received are
#: acknowledgements and reports, and packets of the host.
KINDS = {
    "send": (
        "forward/fanout.py",
        "quic/writing.py",
        "quic/datagrams.py",
        "quic/seal.py",
        "rate/pacer.py",
        "rate/sendqueue.py",
        "quic/packet_builder.py",
        "send_batch",
        "datagrams_to_send",
    ),
    "ACKs": ("receive_datagram", "Endpoint._received", "_readable", "rate/ledger.py", "rate/controller.py"),
}
REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Shares of all looks, 0 to 1: by kind of work, and by function, its own time and with what it called."""

    looks: int
    kinds: dict[str, float]
    own: dict[str, float]
    within: dict[str, float]


def split(few: Measured, of_few: Profile, many: Measured, of_many: Profile) -> dict[str, float]:
    """CPU microseconds by kind of work, of one more viewer for each of its datagrams: what the host costs is in both
    measurements alike."""
    more, sent = many.viewers - few.viewers, many.datagrams / many.viewers
    return {
        kind: 1e6 * (many.cores * of_many.kinds.get(kind, 0) - few.cores * of_few.kinds.get(kind, 0)) / more / sent
        for kind in (*KINDS, REST)
    }


def kind_of(frames: Iterable[str]) -> str:
    """What a stack's work was for."""
    text = ";".join(frames)
    return next((kind for kind, pieces in KINDS.items() if any(piece in text for piece in pieces)), REST)


def read(raw: str) -> Profile:
    """Add up lines of `frame;frame;.. count`."""
    kinds: Counter[str] = Counter()
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    looks = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        number = int(count)
        looks += number
        kinds[kind_of(frames)] += number
        own[frames[-1]] += number
        for frame in set(frames):
            within[frame] += number
    total = max(looks, 1)
    return Profile(
        looks=looks,
        kinds={kind: count / total for kind, count in kinds.most_common()},
        own={name: count / total for name, count in own.most_common()},
        within={name: count / total for name, count in within.most_common()},
    )
