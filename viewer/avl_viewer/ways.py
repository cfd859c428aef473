"""Ways: all hops of one session, and which of them it is on (spec 08-paths, 8.5 and 8.6).

A relay is dialled first and kept; the direct way is sought beside it. When the way in use falls silent the session goes
to another at once, and while there is none, relays are dialled until one answers: the session itself goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from avl_protocol.endpoint.dialler import Dialler
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.whereabouts import Whereabouts
from avl_protocol.endpoint.world import World
from avl_protocol.path.candidate import Address, is_lan
from avl_protocol.path.selector import Selector, WayKind
from avl_protocol.path.silence import Verdict
from avl_protocol.session.link import LinkSettings
from avl_protocol.session.linkevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    LinkMessage,
    MediaReceived,
)
from avl_protocol.session.pipes import Route
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, Observed, Welcome
from avl_protocol.wire.registry import (
    LOSSES,
    PASSING,
    T_PATH_ATTEMPT,
    T_PATH_ATTEMPT_AGAIN,
    T_PATH_COMPARE,
    T_PATH_FIRST_RETRY,
    T_PATH_GIVE_UP,
    T_PATH_MOVE,
    T_PATH_REDIAL,
    T_PATH_UPGRADES,
    T_PATH_URGENT_RETRY,
    CloseCode,
    Role,
)
from avl_protocol.wire.target import RelayAddress, Target
from avl_viewer.seeker import Seeker
from avl_viewer.sentences import Switch, why
from avl_viewer.way import Way, WayAttached, WayEvent, WayLeft, WayLost, WayUp

SOFTWARE = "avl 0.1"


@dataclass(frozen=True, slots=True)
class WaysReady:
    """The first place for the session: begin the handshake there."""

    route: Route


@dataclass(frozen=True, slots=True)
class WaysFailed:
    """No place could be had, or the running session is over for this reason."""

    reason: Refused


@dataclass(frozen=True, slots=True)
class WaysMessage:
    """A hop message of the way in use."""

    message: HopMessage


@dataclass(frozen=True, slots=True)
class WaysChanged:
    """Another way is in use, or none is."""


WaysEvent = WaysReady | WaysFailed | WaysMessage | WaysChanged


class Ways:
    """A session's ways. `session` is None until it was made, in answer to WaysReady; what arrives for it is given to
    it. `after` is called behind everything that arrives: there may be events to take, here and from the session."""

    def __init__(
        self,
        *,
        world: World,
        endpoint: Endpoint,
        target: Target,
        session_id: bytes,
        after: Callable[[], None],
        direct: bool = True,
        dialler: Dialler | None = None,
    ) -> None:
        self._world = world
        self._now = world.clock.monotonic
        self._endpoint = endpoint
        self._target = target
        self._device = target.device.to_bytes(NUMBER_BYTES, "big")
        self._session_id = session_id
        self._events: deque[WaysEvent] = deque()
        self._after = after
        self._direct = direct
        self._dialler = dialler or Dialler(world, endpoint)
        self._selector = Selector()
        self._whereabouts = Whereabouts(world.interfaces, lambda: endpoint.local_address[1])
        self._ways: list[Way] = []
        self._seeker: Seeker | None = None
        self._compare_at: float | None = None
        self._retry_at: float | None = None
        self._pause = T_PATH_FIRST_RETRY
        self._upgrade_at: float | None = None
        self._upgrades = 0
        self._moved_by: float | None = None
        self._check_at: float | None = None
        self._reason: Refused | None = None
        self._closed = False
        self.session: ViewerSession | None = None
        #: Where the session is, or goes.
        self.current: Way | None = None
        self.switch: Switch | None = None
        #: Since when there has been no way that answers; None while there is one.
        self.nowhere_since: float | None = None
        endpoint.on_raw = self._raw
        self._watch = world.interfaces.watch(self._network_changed)

    def next_event(self) -> WaysEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    # opening and closing

    def open(self) -> None:
        """Dial the relays."""
        for relay in self._target.relays:
            self._dial(relay)

    def _dial(self, relay: RelayAddress, tcp: bool = True) -> None:
        settings = LinkSettings(Role.VIEWER, SOFTWARE, relay.pin, device=self._target.device)
        way = Way(settings, relay, is_lan(relay.host, self._whereabouts.site()))
        self._ways.append(way)
        limit = T_PATH_ATTEMPT if self.session is None else T_PATH_ATTEMPT_AGAIN
        happened = partial(self._arrived, way)
        way.dial(lambda link: self._dialler.reach(relay, link, happened, limit, tcp=tcp), happened)

    def _dial_directly(self, address: Address, destination: bytes, lan: bool, now: float) -> None:
        if any(way.relay is None for way in self._ways):
            return
        settings = LinkSettings(Role.VIEWER, SOFTWARE, None, device=self._target.device, only_device=True)
        way = Way(settings, None, lan)
        self._ways.append(way)
        happened = partial(self._arrived, way)
        way.dial(
            lambda link: self._dialler.reach_directly(address, destination, link, happened, T_PATH_ATTEMPT), happened
        )

    def close(self) -> None:
        """Give all up."""
        self._closed = True
        self._events.clear()
        self._watch.close()
        for way in self._ways:
            way.close()
        self._ways.clear()

    def admitted(self, now: float) -> None:
        """The session is running: seek the direct way."""
        assert self.session is not None
        if self._direct and self.current is not None and not self.current.link.at_device:
            self._seeker = Seeker(
                self.session.punch_key, self._endpoint, self._whereabouts, self._world.entropy,
                self.session.send, self._dial_directly,
                lambda: any(way.route is not None and way.route.near for way in self._ways),
            )  # fmt: skip
            self._seeker.start(now)

    def candidates(self, message: Candidates, now: float) -> None:
        """The host says where it might be reached."""
        if self._seeker is not None:
            self._seeker.candidates(message, now)

    def _seek_again(self, now: float) -> None:
        if self._seeker is not None:
            self._seeker.again(now)

    # what the ways tell

    def _arrived(self, way: Way) -> None:
        """Behind everything that a way receives."""
        self._take(way, self._now())
        self._after()

    def _take(self, way: Way, now: float) -> None:
        """Do what follows from what a way tells."""
        while (event := way.next_event(now)) is not None:
            if isinstance(event, MediaReceived):  # pictures may come by any way
                if self.session is not None:
                    self.session.datagram_received(event.data, now)
            elif isinstance(event, (ChannelOpened, ChannelReceived, ChannelReset, ChannelWritable)):
                self._channel(way, event, now)
            else:
                self._way_event(way, event, now)

    def _way_event(self, way: Way, event: WayEvent, now: float) -> None:
        if isinstance(event, WayUp):
            self._up(way, event.welcome, now)
        elif isinstance(event, WayAttached):
            self._attached(way, event.route, now)
        elif isinstance(event, LinkMessage):
            self._message(way, event.message, now)
        elif isinstance(event, WayLeft):
            if self._awaits_word(way, event.reason):
                way.part(event.reason, now)
            else:
                way.lose(event.reason)
        elif isinstance(event, WayLost):
            self._lost(way, event.reason, now)

    def _up(self, way: Way, welcome: Welcome, now: float) -> None:
        """Who is there is the right one."""
        if self._whereabouts.observed(way, welcome.observed) and way.relay is not None:
            self._seek_again(now)
        if way.relay is not None:
            self._dialler.locate(way.relay, way.link.carrier, welcome.nonce)
        if self.session is not None:
            way.attach(self._device, self._session_id, True)
        elif all(other.up for other in self._ways):
            self._choose_relay(now)
        elif self._compare_at is None:
            self._compare_at = now + T_PATH_COMPARE

    def _choose_relay(self, now: float) -> None:
        """The session begins at the relay with the shortest round trip; the others are not needed."""
        self._compare_at = None
        if self.current is not None:
            return
        up = [way for way in self._ways if way.up]
        best = min(up, key=lambda way: way.rtt if way.rtt is not None else float("inf"))
        for way in self._ways:
            if way is not best:
                way.close()
        self._ways = [best]
        self.current = best
        best.attach(self._device, self._session_id, False)

    def _attached(self, way: Way, route: Route, now: float) -> None:
        """Another place for the session."""
        self._pause = T_PATH_FIRST_RETRY
        if self.session is None:
            if way is self.current:
                self._events.append(WaysReady(route))
            return
        if way.relay is None and self._seeker is not None:
            self._seeker.settle()
        if way.relay is not None:
            for other in [w for w in self._ways if w is not way and w.relay is not None and w.route is not None]:
                other.leaving = True
                if other is not self.current:
                    self._drop(other)
        self._decide(now)

    def _message(self, way: Way, message: HopMessage, now: float) -> None:
        """About addresses, or for others."""
        if isinstance(message, Observed):
            if self._whereabouts.observed(way, message.address):
                self._seek_again(now)
        elif way is self.current:
            self._events.append(WaysMessage(message))

    def _channel(
        self, way: Way, event: ChannelOpened | ChannelReceived | ChannelReset | ChannelWritable, now: float
    ) -> None:
        """A channel of the session."""
        session, route = self.session, way.route
        if session is None or route is None:
            return
        if isinstance(event, ChannelReceived):
            session.channel_received(route, event.channel, event.stream, event.data, event.end, now)
        elif isinstance(event, ChannelReset):
            session.channel_reset(route, event.channel, event.stream, event.code, now)
        elif isinstance(event, ChannelOpened):
            session.channel_opened(route, event.channel, event.stream, now)
        elif way is self.current:
            session.channel_writable(event.channel, now)

    def _awaits_word(self, way: Way, reason: Refused) -> bool:
        """A relay can say anything: what ended a running session on purpose is the host's to tell."""
        running = self.session is not None and self.session.state is ViewerState.ADMITTED
        return running and reason.code not in LOSSES and way is self.current

    def _lost(self, way: Way, reason: Refused, now: float) -> None:
        """A way is gone: take another, or dial."""
        self._ways = [other for other in self._ways if other is not way]
        self._whereabouts.forget(way)
        if self._closed:
            return
        session = self.session
        if session is None:
            if not self._ways:
                self._events.append(WaysFailed(reason))
            elif self._compare_at is None and any(other.up for other in self._ways):
                self._compare_at = now
            return
        if way.route is not None:
            session.route_lost(way.route, reason, now)
        final = reason.code not in LOSSES | PASSING and not any(other.route is not None for other in self._ways)
        if reason.code is CloseCode.SESSION_UNKNOWN or final:
            self._events.append(WaysFailed(reason))
            return
        if way.relay is None:
            self._seek_again(now)
        if way is self.current:
            self._selector.failed(way.kind, now)
            self._reason = reason
            self.current = None
        self._decide(now)

    def adrift(self, now: float) -> None:
        """The session has lost its streams, not its way: choose again, be it the same."""
        self.current = None
        self._decide(now)

    def nowhere(self, now: float) -> float:
        """For how many seconds there has been no way that answers."""
        return now - self.nowhere_since if self.nowhere_since is not None else 0.0

    # deciding

    def moved(self, route: Route, now: float) -> None:
        """The session has arrived at another way, be it late; those that it has left for good are closed."""
        self._moved_by = None
        self.nowhere_since = None
        for way in self._ways:
            way.unfit = way.unfit and way.route is not route
        for way in [way for way in self._ways if way.leaving and way is not self.current]:
            self._drop(way)
        self._events.append(WaysChanged())

    def unmoved(self, route: Route, now: float) -> None:
        """The host refused the session on a way."""
        self._moved_by = None
        for way in self._ways:
            if way.route is route:
                way.unfit = True
        self._decide(now)

    def _drop(self, way: Way) -> None:
        self._ways.remove(way)
        self._whereabouts.forget(way)
        if way.route is not None and self.session is not None:
            self.session.route_lost(way.route, Refused(CloseCode.SESSION_LOST), self._now())
        way.close()

    def _decide(self, now: float) -> None:
        """Take the best way, dial where one is missing."""
        session = self.session
        if session is None or self._closed:
            return
        attached = [way for way in self._ways if way.route is not None]
        chosen = self._selector.choose(self.current, [way.figures(now) for way in attached], now)
        if isinstance(chosen, Way) and chosen is not self.current:
            self._move(chosen, now)
        answering = any(way.silent_since is None and not way.unfit for way in attached)
        if not answering:
            self.nowhere_since = now if self.nowhere_since is None else self.nowhere_since
        elif self.nowhere_since is not None and self._moved_by is None:  # who is on the way there has not arrived
            self.nowhere_since = None
            self._events.append(WaysChanged())
        self._want_relay(now)
        tcp = self.current is not None and self.current.kind is WayKind.TCP
        if tcp and self._upgrade_at is None:
            self._upgrade_at = now + T_PATH_UPGRADES[min(self._upgrades, len(T_PATH_UPGRADES) - 1)]
            self._upgrades += 1
        elif not tcp:
            self._upgrade_at = None
        limits = [
            w.silent_since + (T_PATH_REDIAL if w.relay else T_PATH_GIVE_UP)
            for w in self._ways
            if w.silent_since is not None
        ]
        self._check_at = min((at for at in limits if at > now), default=None)

    def _move(self, way: Way, now: float) -> None:
        assert self.session is not None and way.route is not None
        before, self.current = self.current, way
        reason = why(before, way, self._reason)
        if before is not None and before.silent_since is not None:
            self._selector.failed(before.kind, now)
        self.switch = Switch(now, before.name if before is not None else "none", way.name, reason)
        self._moved_by = now + T_PATH_MOVE + 4 * (way.rtt or 0.2)
        self.session.move(way.route, now)
        self._events.append(WaysChanged())

    def _want_relay(self, now: float) -> None:
        """Have a relay at hand: dial when there is none, or when the one there is does not answer."""
        at_hand = [way for way in self._ways if way.relay is not None]
        if any(way.route is None or not (way.unfit or self._dead(way, now)) for way in at_hand):
            self._retry_at = None
        elif self._retry_at is None:
            self._retry_at = now + (0.0 if not at_hand and self._pause == T_PATH_FIRST_RETRY else self._pause)
            self._pause = min(T_PATH_URGENT_RETRY, self._pause * 2)

    @staticmethod
    def _dead(way: Way, now: float) -> bool:
        return way.silent_since is not None and now - way.silent_since >= T_PATH_REDIAL

    # time and the network

    def _network_changed(self) -> None:
        now = self._now()
        self._endpoint.network_changed()
        self._pause = T_PATH_FIRST_RETRY
        if self._retry_at is not None:
            self._retry_at = now
        if not any(way.relay is None and way.silent_since is None for way in self._ways):
            self._seek_again(now)
        self._after()

    def _raw(self, data: bytes, address: Address) -> None:
        if self._seeker is not None:
            self._seeker.raw(data, address, self._now())
            self._after()

    @property
    def _input_waits(self) -> bool:
        return self.session is not None and self.session.input_waits

    def happened(self, now: float) -> None:
        """Something arrived or was sent: a silent way may answer again, and a busy one is to be watched."""
        silent = [way for way in self._ways if way.silent_since is not None]
        for way in list(self._ways):
            way.listen(now, way is self.current and self._input_waits)
            self._take(way, now)
        if any(way.silent_since is None for way in silent):
            self._decide(now)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self._closed:
            return None
        due = [way.next_timeout() for way in self._ways]
        due += [self._compare_at, self._retry_at, self._upgrade_at, self._moved_by, self._check_at]
        if self._seeker is not None:
            due.append(self._seeker.next_timeout())
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._closed:
            return
        for way in list(self._ways):
            verdict = way.handle_timer(now, way is self.current and self._input_waits)
            self._take(way, now)
            if verdict is not Verdict.FINE and way is self.current:
                for other in self._ways:
                    if other is not way and other.up:
                        other.link.carrier.ping(now)
        if self._compare_at is not None and now >= self._compare_at:
            self._choose_relay(now)
        if self._seeker is not None:
            self._seeker.handle_timer(now)
        for way in [way for way in self._ways if way.relay is None and way is not self.current]:
            if way.silent_since is not None and now - way.silent_since >= T_PATH_GIVE_UP:
                self._drop(way)
                self._seek_again(now)
        if self._moved_by is not None and now >= self._moved_by:
            self._moved_by = None
            if self.current is not None:
                self.current.unfit = True
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            for relay in self._target.relays:
                self._dial(relay)
        if self._upgrade_at is not None and now >= self._upgrade_at:
            self._upgrade_at = None
            if self.current is not None and self.current.relay is not None:
                self._dial(self.current.relay, tcp=False)
        self._decide(now)
