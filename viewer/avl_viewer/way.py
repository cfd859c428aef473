"""Way: one hop of a viewer's session, to a relay or to the host itself, from dialling to its loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from avl_protocol.endpoint.dial import Unreachable
from avl_protocol.path.selector import WAY_NAMES, WayFigures, WayKind
from avl_protocol.path.silence import Silence, Verdict
from avl_protocol.session.link import LinkSettings, LinkState, RelayLink
from avl_protocol.session.pipes import Route
from avl_protocol.wire.errors import Refused, known_code
from avl_protocol.wire.messages import Attach, Attached, Close, Detach, HopMessage, Welcome
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import T_PATH_BUSY, T_PATH_PARTING, CloseCode
from avl_protocol.wire.target import RelayAddress


class WayOwner(Protocol):
    """What the owner of a way is told."""

    def way_up(self, way: Way, welcome: Welcome, now: float) -> None:
        """The right one is at the other end; `attach` may be called."""

    def way_attached(self, way: Way, now: float) -> None:
        """`way.route` is a place for the session."""

    def way_message(self, way: Way, message: HopMessage, now: float) -> None:
        """A hop message that is not the way's own business."""

    def way_opened(self, way: Way, channel: int, stream: int, now: float) -> None:
        """The other end opened a channel."""

    def way_channel(
        self, way: Way, channel: int, stream: int, data: bytes | None, end: bool, code: int, now: float
    ) -> None:
        """Bytes of a channel, or (None) its stream was abandoned with a code."""

    def way_writable(self, way: Way, channel: int, now: float) -> None:
        """A channel's backlog on this hop has drained."""

    def way_media(self, way: Way, data: bytes, now: float) -> None:
        """A media datagram."""

    def way_left(self, way: Way, reason: Refused, now: float) -> bool:
        """The relay says that the session is over. True: the host's own word is waited for."""

    def way_lost(self, way: Way, reason: Refused, now: float) -> None:
        """It is over, or never came to be."""


class WaysOwner(Protocol):
    """What the owner of the ways is told."""

    def ways_ready(self, route: Route, now: float) -> None:
        """The first place for the session: begin the handshake there."""

    def ways_failed(self, reason: Refused, now: float) -> None:
        """No place could be had, or the running session is over for this reason."""

    def ways_message(self, message: HopMessage, now: float) -> None:
        """A hop message of the way in use."""

    def ways_changed(self, now: float) -> None:
        """Another way is in use, or none is."""


class Way:
    """A LinkOwner. `relay`: whom it leads to; None where it leads to an address that punches have found."""

    def __init__(self, owner: WayOwner, settings: LinkSettings, relay: RelayAddress | None, lan: bool = False) -> None:
        self._owner = owner
        self.link = guard(RelayLink(settings, self))
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

    # opening

    def dial(self, reach: Callable[[RelayLink], Awaitable[None]], now: Callable[[], float]) -> None:
        """Connect by `reach(link)`, which raises Unreachable."""

        async def run() -> None:
            try:
                await reach(self.link)
            except Unreachable as error:
                self._lose(Refused(CloseCode.TIMEOUT, str(error)), now())

        self._task = asyncio.get_running_loop().create_task(run())

    def attach(self, device: bytes, session: bytes, moves: bool) -> None:
        """Ask for the device under a session id; `moves`: the session is running already."""
        self._moves = moves
        self._session = session
        self.link.send(Attach(device, session, int(moves)))

    def close(self, code: CloseCode = CloseCode.NO_ERROR) -> None:
        """Give the way up; its owner is told nothing more."""
        self._over = True
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
            self._lose(self._parting[0], now)
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

    # LinkOwner

    def link_up(self, welcome: Welcome, now: float) -> None:
        """See LinkOwner."""
        self._owner.way_up(self, welcome, now)

    def link_message(self, message: HopMessage, now: float) -> None:
        """See LinkOwner."""
        if isinstance(message, Attached) and message.session == self._session and self.route is None:
            self.route = Route(
                self.link, message.handle, direct=self.link.at_device, begun=not self._moves, near=bool(message.near)
            )
            self._owner.way_attached(self, now)
        elif isinstance(message, (Detach, Close)):
            reason = Refused(known_code(message.code, CloseCode.EVICTED))
            if isinstance(message, Detach) and self._owner.way_left(self, reason, now):
                self._parting = (reason, now + T_PATH_PARTING)
            else:
                self._lose(reason, now)
        else:
            self._owner.way_message(self, message, now)

    def channel_opened(self, handle: int, channel: int, stream: int, now: float) -> None:
        """See LinkOwner."""
        if self.route is not None and handle == self.route.handle:
            self._owner.way_opened(self, channel, stream, now)

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        """See LinkOwner."""
        if self.route is not None and handle == self.route.handle:
            self._owner.way_channel(self, channel, stream, data, end, 0, now)

    def channel_reset(self, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """See LinkOwner."""
        if self.route is not None and handle == self.route.handle:
            self._owner.way_channel(self, channel, stream, None, False, code, now)

    def channel_writable(self, handle: int, channel: int, stream: int, now: float) -> None:
        """See LinkOwner."""
        if self.route is not None and handle == self.route.handle:
            self._owner.way_writable(self, channel, now)

    def media_received(self, data: bytes, now: float) -> None:
        """See LinkOwner."""
        self._media_at = now
        self._owner.way_media(self, data, now)

    def media_fate(self, cookie: object, acked: bool, now: float) -> None:
        """Viewers send no datagrams."""

    def link_lost(self, reason: Refused, now: float) -> None:
        """See LinkOwner."""
        self._lose(reason, now)

    def _lose(self, reason: Refused, now: float) -> None:
        if not self._over:
            self.close()
            self._owner.way_lost(self, reason, now)
