"""Way: one hop of a viewer's session, to a relay or to the host itself, from dialling to its loss."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from avl_protocol.endpoint.dial import Unreachable
from avl_protocol.path.selector import WAY_NAMES, WayFigures, WayKind
from avl_protocol.path.silence import Silence, Verdict
from avl_protocol.session.link import LinkSettings, LinkState, RelayLink
from avl_protocol.session.linkevents import (
    ChannelEvent,
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    LinkEvent,
    LinkLost,
    LinkMessage,
    LinkUp,
    MediaReceived,
)
from avl_protocol.session.pipes import Route
from avl_protocol.wire.errors import Refused, known_code
from avl_protocol.wire.messages import Attach, Attached, Close, Detach, Welcome
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import T_PATH_BUSY, T_PATH_PARTING, CloseCode
from avl_protocol.wire.target import RelayAddress


@dataclass(frozen=True, slots=True)
class WayUp:
    """The right one is at the other end; `attach` may be called."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class WayAttached:
    """There is a place for the session on the way."""

    route: Route


@dataclass(frozen=True, slots=True)
class WayLeft:
    """The relay says that the session is over. Answer with `Way.part` to wait for the host's own word, or with
    `Way.lose`."""

    reason: Refused


@dataclass(frozen=True, slots=True)
class WayLost:
    """It is over, or never came to be; nothing follows."""

    reason: Refused


#: Hop messages, channels and media are told as the link tells them, as far as they are the session's.
WayEvent = WayUp | WayAttached | WayLeft | WayLost | LinkMessage | ChannelEvent | MediaReceived


class Way:
    """A link and what is known of it; what happens is taken with `next_event`.

    `relay`: whom it leads to; None where it leads to an address that punches have found.
    """

    def __init__(self, settings: LinkSettings, relay: RelayAddress | None, lan: bool = False) -> None:
        self._events: deque[WayEvent] = deque()
        self.link = guard(RelayLink(settings))
        self.relay = relay
        self._lan = lan
        self._moves = False
        self._session = b""
        self._task: asyncio.Task[None] | None = None
        self._over = False
        self.route: Route | None = None
        self._silence = Silence()
        self._media_at = float("-inf")
        self._parting: tuple[Refused, float] | None = None
        #: When the way fell silent; None while it answers.
        self.silent_since: float | None = None
        #: The other end refused the session here, or did not take it in time.
        self.unfit = False
        #: To be closed once the session is elsewhere.
        self.leaving = False

    def next_event(self, now: float) -> WayEvent | None:
        """What happened next, None when all has been taken."""
        while not self._events and (event := self.link.next_event()) is not None:
            self._receive(event, now)
        return self._events.popleft() if self._events else None

    # opening

    def dial(self, reach: Callable[[RelayLink], Awaitable[None]], failed: Callable[[], None]) -> None:
        """Connect by `reach(link)`. Where that raises Unreachable, the way is lost, and `failed` is called."""

        async def run() -> None:
            try:
                await reach(self.link)
            except Unreachable as error:
                self.lose(Refused(CloseCode.TIMEOUT, str(error)))
                failed()

        self._task = asyncio.get_running_loop().create_task(run())

    def attach(self, device: bytes, session: bytes, moves: bool) -> None:
        """Ask for the device under a session id; `moves`: the session is running already."""
        self._moves = moves
        self._session = session
        self.link.send(Attach(device, session, int(moves)))

    def close(self, code: CloseCode = CloseCode.NO_ERROR) -> None:
        """Give the way up; nothing more is told."""
        self._over = True
        self._events.clear()
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self.link.close(code)

    # what it is

    @property
    def up(self) -> bool:
        """Whether the right one has answered."""
        return self.link.state is LinkState.UP

    @property
    def kind(self) -> WayKind:
        """What it is."""
        if self.link.at_device:
            return WayKind.LAN if self._lan else WayKind.DIRECT
        return WayKind.TCP if self.up and self.link.carrier.reliable_datagrams else WayKind.RELAY

    @property
    def name(self) -> str:
        """What people call it."""
        return WAY_NAMES[self.kind]

    @property
    def rtt(self) -> float | None:
        """Round trip in seconds."""
        return self.link.carrier.rtt if self.up else None

    def figures(self, now: float) -> WayFigures:
        """What the choice of a way is made from."""
        loss = self.link.carrier.rate_state(now).loss if self.up else 0.0
        return WayFigures(self, self.kind, self.rtt, loss, self.silent_since is not None or self.unfit)

    # silence

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = [self.link.next_timeout(), self._parting[1] if self._parting is not None else None]
        if self.up:
            carrier = self.link.carrier
            due.append(self._silence.next_timeout(carrier.heard_at, carrier.answered_at, self.rtt))
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float, waits: bool) -> Verdict:
        """Time has passed; `waits`: something that was sent here should have been answered."""
        self.link.handle_timer(now)
        if self._parting is not None and now >= self._parting[1]:
            self.lose(self._parting[0])
        if not self.up:
            return Verdict.FINE
        carrier = self.link.carrier
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
        """Something has happened: whether the way is busy, or answers again, may have changed."""
        if self.up and self.silent_since is not None and self.link.carrier.heard_at > self.silent_since:
            self.handle_timer(now, waits)
        elif self.up and waits:
            self._silence.busy(now)

    # what the link tells

    def _receive(self, event: LinkEvent, now: float) -> None:
        if isinstance(event, MediaReceived):
            self._media_at = now
            self._events.append(event)
        elif isinstance(event, (ChannelReceived, ChannelOpened, ChannelReset, ChannelWritable)):
            if self.route is not None and event.handle == self.route.handle:
                self._events.append(event)
        elif isinstance(event, LinkMessage):
            self._message(event)
        elif isinstance(event, LinkUp):
            self._events.append(WayUp(event.welcome))
        elif isinstance(event, LinkLost):
            self.lose(event.reason)

    def _message(self, event: LinkMessage) -> None:
        message = event.message
        if isinstance(message, Attached) and message.session == self._session and self.route is None:
            self.route = Route(
                self.link, message.handle, direct=self.link.at_device, begun=not self._moves, near=bool(message.near)
            )
            self._events.append(WayAttached(self.route))
        elif isinstance(message, Detach):
            self._events.append(WayLeft(Refused(known_code(message.code, CloseCode.EVICTED))))
        elif isinstance(message, Close):
            self.lose(Refused(known_code(message.code, CloseCode.EVICTED)))
        else:
            self._events.append(event)

    def part(self, reason: Refused, now: float) -> None:
        """The session is said to be over: wait for the host's own word, but not for long."""
        self._parting = (reason, now + T_PATH_PARTING)

    def lose(self, reason: Refused) -> None:
        """The way is over."""
        if not self._over:
            self.close()
            self._events.append(WayLost(reason))
