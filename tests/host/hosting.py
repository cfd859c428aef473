"""A host's parts without a network: a link that writes down what is sent on it, a worker that only remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from avl_host.encode.budget import Budget, Slow
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.pipeline import Row
from avl_host.paths.hops import RelayHop
from avl_host.publish.publisher import Publisher
from avl_protocol.media.frame import Chroma
from avl_protocol.session.hop.client import HopClient, HopClientState
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage
from tests.protocol.handshakes import HOST, Seeded
from tests.protocol.memory import Connection


class RecordingHop:
    """A HopClient that is up: `sent` are its hop messages, `carrier` is in memory."""

    def __init__(self) -> None:
        self.sent: list[HopMessage] = []
        self.connection = Connection()
        self.carrier = self.connection.client
        self.state = HopClientState.UP
        self.media_handle = 9
        self.channels: list[tuple[int, int]] = []
        self.hop = RelayHop(self.as_link())

    def send(self, message: HopMessage) -> None:
        self.sent.append(message)

    def open_channel(self, handle: int, channel: int) -> int:
        self.channels.append((handle, channel))
        return self.carrier.open_stream()

    def as_link(self) -> HopClient:
        """The same, for those who want a HopClient."""
        return cast(HopClient, self)

    def of(self, kind: type[HopMessage]) -> list[HopMessage]:
        """The messages of one kind."""
        return [message for message in self.sent if isinstance(message, kind)]


def sharing_of(
    clock: Callable[[], float], ask: Callable[[], None] = lambda: None, coders: Coders | None = None
) -> Publisher:
    """A sharing of the test's host, whose figures nobody reads."""
    return Publisher(
        HOST,
        Seeded("sharing"),
        clock=clock,
        max_bitrate=8_000_000,
        on_figures=lambda told, upload: None,
        ask=ask,
        coders=coders,
    )


@dataclass
class RecordingService(Service[HostSession]):
    """A service that writes down what it is told of sessions."""

    seen: list[tuple[str, HostSession]] = field(default_factory=list)

    def admitted(self, session: HostSession, now: float) -> None:
        self.seen.append(("admitted", session))

    def moved(self, session: HostSession, now: float) -> None:
        self.seen.append(("moved", session))

    def lost(self, session: HostSession, now: float) -> None:
        self.seen.append(("lost", session))

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        self.seen.append(("ended", session))


class Unreachable:
    """A Reachability of a host that is reached through relays only."""

    def joined(self, session: HostSession) -> None:
        return

    def gone(self, session: HostSession) -> None:
        return

    def candidates(self, session: HostSession, message: Candidates, now: float) -> None:
        return


@dataclass
class RecordingWorker:
    """A Worker that makes no frames."""

    keys: int = 0
    everything: int = 0
    missing: list[tuple[Row, ...]] = field(default_factory=list)
    wakes: int = 0
    bitrates: list[int] = field(default_factory=list)
    chromas: list[Chroma] = field(default_factory=list)
    inputs: list[float] = field(default_factory=list)
    lower_keys: int = 0
    slow: list[Slow | None] = field(default_factory=list)

    def start(self) -> None:
        return

    def request_key(self) -> None:
        self.keys += 1

    def request_lower_key(self) -> None:
        self.lower_keys += 1

    def set_slow(self, slow: Slow | None) -> None:
        self.slow.append(slow)

    def request_everything(self) -> None:
        self.everything += 1

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        self.missing.append(rows)
        tell(rows, 7)

    def set_budget(self, budget: Budget) -> None:
        self.bitrates.append(budget.bitrate)
        assert budget.frame_bytes is not None and budget.frame_bytes <= budget.bitrate / 8 * 0.1 + 1

    def set_chroma(self, chroma: Chroma) -> None:
        self.chromas.append(chroma)

    def input_applied(self, when: float) -> None:
        self.inputs.append(when)

    def wake(self) -> None:
        self.wakes += 1

    async def close(self) -> None:
        return
