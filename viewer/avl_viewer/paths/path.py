"""Path: one hop of a viewer's session, to a relay or to the host itself, from dialling to its loss."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.path.plan import PathState
from avl_protocol.path.selector import PATH_NAMES, PathKind
from avl_protocol.path.silence import Silence, Verdict
from avl_protocol.session.hop.client import HopClient, HopClientSettings, HopClientState
from avl_protocol.session.hop.clientevents import (
    ChannelEvent,
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    HopClientEvent,
    HopLost,
    HopSaid,
    HopUp,
)
from avl_protocol.session.hop.mediaevents import MediaReceived
from avl_protocol.session.pipes import Attachment
from avl_protocol.wire.errors import Refused, known_code
from avl_protocol.wire.messages import Attach, Attached, Close, Detach, Welcome
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import T_PATH_BUSY, T_PATH_PARTING, CloseCode
from avl_protocol.wire.target import RelayAddress


@dataclass(frozen=True, slots=True)
class PathUp:
    """The right one is at the other end; `attach` may be called."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class PathAttached:
    """There is a place for the session on the path."""

    attachment: Attachment


@dataclass(frozen=True, slots=True)
class PathLeft:
    """The relay says that the session is over. Answer with `Path.part` to wait for the host's own word, or with
    `Path.lose`."""

    reason: Refused


@dataclass(frozen=True, slots=True)
class PathLost:
    """It is over, or never came to be; nothing follows."""

    reason: Refused


#: Hop messages, channels and media are told as the link tells them, as far as they are the session's.
PathEvent = PathUp | PathAttached | PathLeft | PathLost | HopSaid | ChannelEvent | MediaReceived


class Path:
    """A link and what is known of it; what happens is taken with `next_event`.

    `relay`: whom it leads to; None where it leads to an address that punches have found.
    """

    def __init__(self, settings: HopClientSettings, relay: RelayAddress | None, lan: bool = False) -> None:
        self._events: deque[PathEvent] = deque()
        self.hop = guard(HopClient(settings))
        self.relay = relay
        self._lan = lan
        self._moves = False
        self._session = b""
        self._task: asyncio.Task[None] | None = None
        self._over = False
        self.attachment: Attachment | None = None
        #: The identity key of who is there, once it is up.
        self.key = b""
        self._silence = Silence()
        self._media_at = float("-inf")
        self._parting: tuple[Refused, float] | None = None
        #: When the path fell silent; None while it answers.
        self.silent_since: float | None = None
        #: The other end refused the session here, or did not take it in time.
        self.unfit = False
        #: To be closed once the session is elsewhere.
        self.leaving = False
        #: Why the session should leave it although it answers; empty: it should not.
        self.going = ""

    def next_event(self, now: float) -> PathEvent | None:
        """What happened next, None when all has been taken."""
        while not self._events and (event := self.hop.next_event()) is not None:
            self._receive(event, now)
        return self._events.popleft() if self._events else None

    # opening

    def dial(self, reach: Callable[[HopClient], Awaitable[None]], failed: Callable[[], None]) -> None:
        """Connect by `reach(hop)`. Where that raises Unreachable, the path is lost, and `failed` is called."""

        async def run() -> None:
            try:
                await reach(self.hop)
            except Unreachable as error:
                self.lose(Refused(CloseCode.TIMEOUT, str(error)))
                failed()

        self._task = asyncio.get_running_loop().create_task(run())

    def attach(self, device: bytes, session: bytes, moves: bool, access_pass: bytes = b"") -> None:
        """Ask for the device under a session id; `moves`: the session is running already; `access_pass`: of the
        relay's account, which the host itself is not shown."""
        self._moves = moves
        self._session = session
        self.hop.send(Attach(device, session, int(moves), b"" if self.relay is None else access_pass))

    def close(self, code: CloseCode = CloseCode.NO_ERROR) -> None:
        """Give the path up; nothing more is told."""
        self._over = True
        self._events.clear()
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self.hop.close(code)

    # what it is

    @property
    def up(self) -> bool:
        """Whether the right one has answered."""
        return self.hop.state is HopClientState.UP

    @property
    def kind(self) -> PathKind:
        """What it is."""
        if self.hop.at_device:
            return PathKind.LAN if self._lan else PathKind.DIRECT
        return PathKind.TCP if self.up and self.hop.carrier.reliable_datagrams else PathKind.RELAY

    @property
    def name(self) -> str:
        """What people call it."""
        return PATH_NAMES[self.kind]

    @property
    def rtt(self) -> float | None:
        """Round trip in seconds."""
        return self.hop.carrier.rtt if self.up else None

    @property
    def _least_rtt(self) -> float | None:
        """The smoothed round trip or the last one. A path that is not in use has a sample every few seconds, and what
        its handshake took would weigh on the smoothed one for a minute."""
        if self.rtt is None:
            return None
        return min(self.rtt, self.hop.carrier.latest_rtt or self.rtt)

    def state(self, now: float) -> PathState:
        """What the plan goes by."""
        return PathState(
            name=self,
            kind=self.kind,
            rtt=self._least_rtt,
            loss=self.hop.carrier.rate_state(now).loss if self.up else 0.0,
            direct=self.relay is None,
            attached=self.attachment is not None,
            silent_since=self.silent_since,
            unfit=self.unfit,
            going=bool(self.going),
        )

    # silence

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = [self.hop.next_timeout(), self._parting[1] if self._parting is not None else None]
        if self.up:
            carrier = self.hop.carrier
            due.append(self._silence.next_timeout(carrier.heard_at, carrier.answered_at, self.rtt))
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float, waits: bool) -> Verdict:
        """Time has passed; `waits`: something that was sent here should have been answered."""
        self.hop.handle_timer(now)
        if self._parting is not None and now >= self._parting[1]:
            self.lose(self._parting[0])
        if not self.up:
            return Verdict.FINE
        carrier = self.hop.carrier
        busy = waits or now - self._media_at < T_PATH_BUSY
        verdict = self._silence.look(now, carrier.heard_at, carrier.answered_at, busy, self.rtt)
        if verdict is not Verdict.FINE:
            carrier.ping(now)
        if not self._silence.silent:
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = now
        return verdict

    def listen(self, now: float, waits: bool) -> None:
        """Something has happened: whether the path is busy, or answers again, may have changed."""
        if self.up and self.silent_since is not None and self.hop.carrier.heard_at > self.silent_since:
            self.handle_timer(now, waits)
        elif self.up and waits:
            self._silence.busy(now)

    # what the link tells

    def _receive(self, event: HopClientEvent, now: float) -> None:
        if isinstance(event, MediaReceived):
            self._media_at = now
            self._events.append(event)
        elif isinstance(event, (ChannelReceived, ChannelOpened, ChannelReset, ChannelWritable)):
            if self.attachment is not None and event.handle == self.attachment.handle:
                self._events.append(event)
        elif isinstance(event, HopSaid):
            self._message(event)
        elif isinstance(event, HopUp):
            self.key = event.welcome.identity
            self._events.append(PathUp(event.welcome))
        elif isinstance(event, HopLost):
            self.lose(event.reason)

    def _message(self, event: HopSaid) -> None:
        message = event.message
        if isinstance(message, Attached) and message.session == self._session and self.attachment is None:
            self.attachment = Attachment(
                self.hop, message.handle, direct=self.hop.at_device, begun=not self._moves, near=bool(message.near)
            )
            self._events.append(PathAttached(self.attachment))
        elif isinstance(message, Detach):
            self._events.append(PathLeft(Refused(known_code(message.code, CloseCode.EVICTED))))
        elif isinstance(message, Close):
            self.lose(Refused(known_code(message.code, CloseCode.EVICTED)))
        else:
            self._events.append(event)

    def part(self, reason: Refused, now: float) -> None:
        """The session is said to be over: wait for the host's own word, but not for long."""
        self._parting = (reason, now + T_PATH_PARTING)

    def lose(self, reason: Refused) -> None:
        """The path is over."""
        if not self._over:
            self.close()
            self._events.append(PathLost(reason))
