"""Paths: all hops of one session, and which of them it is on (spec 08-paths, 8.5 and 8.6).

A relay is dialled first and kept; the direct path is sought beside it. When the path in use falls silent the session
goes to another at once, and while there is none, relays are dialled until one answers: the session itself goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.endpoint.dial.dialler import Dialler
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.headwatch import HeadWatch
from avl_protocol.path.candidate import Address, is_lan
from avl_protocol.path.plan import PathPlan, Step, StepKind
from avl_protocol.path.redial import DIALLING
from avl_protocol.path.silence import Verdict
from avl_protocol.session.hop.client import HopClientSettings
from avl_protocol.session.hop.clientevents import ChannelOpened, ChannelReceived, ChannelReset, ChannelWritable, HopSaid
from avl_protocol.session.hop.mediaevents import MediaReceived
from avl_protocol.session.pipes import Attachment
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Goaway, Head, HopMessage, Observed, OperatorSays, Welcome
from avl_protocol.wire.registry import (
    LOSSES,
    PASSING,
    T_PATH_ATTEMPT,
    T_PATH_COMPARE,
    CloseCode,
    Role,
)
from avl_protocol.wire.target import RelayAddress, Target, relays_elsewhere
from avl_viewer.paths.path import Path, PathAttached, PathEvent, PathLeft, PathLost, PathUp
from avl_viewer.paths.seeker import Punch, Seeker
from avl_viewer.paths.sentences import Switch, why

SOFTWARE = "avl 0.1"


@dataclass(frozen=True, slots=True)
class PathsReady:
    """The first place for the session: begin the handshake there."""

    attachment: Attachment


@dataclass(frozen=True, slots=True)
class PathsFailed:
    """No place could be had, or the running session is over for this reason."""

    reason: Refused


@dataclass(frozen=True, slots=True)
class PathsMessage:
    """A hop message of the path in use."""

    message: HopMessage


@dataclass(frozen=True, slots=True)
class PathsChanged:
    """Another path is in use, or none is."""


PathsEvent = PathsReady | PathsFailed | PathsMessage | PathsChanged


class Paths:
    """A session's paths. `session` is None until it was made, in answer to PathsReady; what arrives for it is given to
    it. `after` is called behind everything that arrives: there may be events to take, here and from the session.
    `heads` keeps those of relays' audit logs."""

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
        access_pass: bytes = b"",
        heads: HeadWatch | None = None,
    ) -> None:
        self._world = world
        self._heads = heads
        self._access_pass = access_pass
        self._now = world.clock.monotonic
        self._endpoint = endpoint
        self._target = target
        self._device = target.device.to_bytes(NUMBER_BYTES, "big")
        self._session_id = session_id
        #: What relays that went away have named; hints.
        self._elsewhere: tuple[RelayAddress, ...] = ()
        self._events: deque[PathsEvent] = deque()
        self._after = after
        self._direct = direct
        self._dialler = dialler or Dialler(world, endpoint)
        self._plan = PathPlan()
        self._whereabouts = Whereabouts(world.interfaces, lambda: endpoint.local_address[1])
        self._paths: list[Path] = []
        self._seeker: Seeker | None = None
        self._compare_at: float | None = None
        self._reason: Refused | None = None
        self._closed = False
        self.session: ViewerSession | None = None
        self.switch: Switch | None = None
        endpoint.on_raw = self._raw
        self._watch = world.interfaces.watch(self._network_changed)

    def next_event(self) -> PathsEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    @property
    def current(self) -> Path | None:
        """Where the session is, or goes."""
        return next((path for path in self._paths if path is self._plan.current), None)

    @property
    def nowhere_since(self) -> float | None:
        """Since when there has been no path that answers; None while there is one."""
        return self._plan.nowhere_since

    # opening and closing

    def open(self) -> None:
        """Dial the relays."""
        for relay in self._target.relays:
            self._dial(relay)

    def _dial(self, relay: RelayAddress, tcp: bool = True) -> None:
        settings = HopClientSettings(role=Role.VIEWER, software=SOFTWARE, pin=relay.pin, device=self._target.device)
        path = Path(settings, relay, is_lan(relay.host, self._whereabouts.site()))
        self._paths.append(path)
        happened = partial(self._arrived, path)
        path.dial(lambda hop: self._dialler.reach(relay, hop, happened, T_PATH_ATTEMPT, tcp=tcp), happened)

    def _redial(self) -> None:
        """Dial all relays, beside attempts that nobody has answered yet."""
        for relay in (*self._target.relays, *self._elsewhere):
            attempts = [path for path in self._paths if path.relay == relay and path.attachment is None]
            if len(attempts) >= DIALLING:
                self._drop(attempts[0])
            self._dial(relay)

    def _dial_directly(self, address: Address, destination: bytes, lan: bool) -> None:
        if any(path.relay is None for path in self._paths):
            return
        settings = HopClientSettings(
            role=Role.VIEWER, software=SOFTWARE, pin=None, device=self._target.device, only_device=True
        )
        path = Path(settings, None, lan)
        self._paths.append(path)
        happened = partial(self._arrived, path)
        path.dial(
            lambda hop: self._dialler.reach_directly(address, destination, hop, happened, T_PATH_ATTEMPT), happened
        )

    def close(self) -> None:
        """Give all up."""
        self._closed = True
        self._events.clear()
        self._watch.close()
        for path in self._paths:
            path.close()
        self._paths.clear()

    def admitted(self, now: float) -> None:
        """The session is running: seek the direct path."""
        assert self.session is not None
        if self._direct and self.current is not None and not self.current.hop.at_device:
            self._seeker = Seeker(
                key=self.session.punch_key, whereabouts=self._whereabouts, entropy=self._world.entropy
            )
            self._seeker.near = self._near
            self._seeker.start(now)
            self._sought(now)
        self._decide(now)

    def candidates(self, message: Candidates, now: float) -> None:
        """The host says where it might be reached."""
        if self._seeker is not None:
            self._seeker.candidates(message, now)
            self._sought(now)

    def _seek_again(self, now: float) -> None:
        if self._seeker is not None:
            self._seeker.again(now)
            self._sought(now)

    def _sought(self, now: float) -> None:
        """Do what follows from the search for the direct path."""
        while (
            self._seeker is not None and self.session is not None and (event := self._seeker.next_event()) is not None
        ):
            if isinstance(event, Candidates):
                self.session.send(event)
            elif isinstance(event, Punch):
                self._endpoint.send_raw(event.data, event.address)
            else:
                self._dial_directly(event.address, event.destination, event.lan)

    @property
    def _near(self) -> bool:
        """Whether a relay sees the host at our own address."""
        return any(path.attachment is not None and path.attachment.near for path in self._paths)

    # what the paths tell

    def _arrived(self, path: Path) -> None:
        """Behind everything that a path receives."""
        self._take(path, self._now())
        self._after()

    def _take(self, path: Path, now: float) -> None:
        """Do what follows from what a path tells."""
        while (event := path.next_event(now)) is not None:
            if isinstance(event, MediaReceived):  # pictures may come by any path
                if self.session is not None:
                    for data in event.datagrams:
                        self.session.datagram_received(data, now)
            elif isinstance(event, (ChannelOpened, ChannelReceived, ChannelReset, ChannelWritable)):
                self._channel(path, event, now)
            else:
                self._path_event(path, event, now)

    def _path_event(self, path: Path, event: PathEvent, now: float) -> None:
        if isinstance(event, PathUp):
            self._up(path, event.welcome, now)
        elif isinstance(event, PathAttached):
            self._attached(path, event.attachment, now)
        elif isinstance(event, HopSaid):
            self._message(path, event.message, now)
        elif isinstance(event, PathLeft):
            if self._awaits_word(path, event.reason):
                path.part(event.reason, now)
            else:
                path.lose(event.reason)
        elif isinstance(event, PathLost):
            self._lost(path, event.reason, now)

    def _up(self, path: Path, welcome: Welcome, now: float) -> None:
        """Who is there is the right one."""
        if self._whereabouts.observed(path, welcome.observed) and path.relay is not None:
            self._seek_again(now)
        if path.relay is not None:
            self._dialler.locate(path.relay, path.hop.carrier, welcome.nonce)
        if self.session is not None:
            path.attach(self._device, self._session_id, True, self._access_pass)
        elif all(other.up for other in self._paths):
            self._choose_relay(now)
        elif self._compare_at is None:
            self._compare_at = now + T_PATH_COMPARE

    def _choose_relay(self, now: float) -> None:
        """The session begins at the relay with the shortest round trip; the others are not needed."""
        self._compare_at = None
        if self.current is not None:
            return
        up = [path for path in self._paths if path.up]
        best = min(up, key=lambda path: path.rtt if path.rtt is not None else float("inf"))
        for path in self._paths:
            if path is not best:
                path.close()
        self._paths = [best]
        self._plan.current = best
        best.attach(self._device, self._session_id, False, self._access_pass)

    def _attached(self, path: Path, attachment: Attachment, now: float) -> None:
        """Another place for the session. A relay is told what is kept of its audit log."""
        if self._heads is not None and not path.hop.at_device:
            path.hop.send(self._heads.known(path.key))
        if self.session is None:
            if path is self.current:
                self._events.append(PathsReady(attachment))
            return
        if self._seeker is not None:
            self._seeker.near = self._near
            if path.relay is None:
                self._seeker.settle()
        if path.relay is not None:
            for other in [w for w in self._paths if w is not path and w.relay is not None and w.attachment is not None]:
                other.leaving = True
                if other is not self.current:
                    self._drop(other)
        self._decide(now)

    def _message(self, path: Path, message: HopMessage, now: float) -> None:
        """About addresses, or for others."""
        if isinstance(message, Observed):
            if self._whereabouts.observed(path, message.address):
                self._seek_again(now)
        elif isinstance(message, Goaway):
            path.going = "the relay goes away"
            if path.relay is not None:
                self._elsewhere = relays_elsewhere(message.elsewhere, self._target.relays)
            self._decide(now)
        elif isinstance(message, Head):
            if self._heads is not None and not path.hop.at_device:
                self._heads.hear(path.key, message)
        elif isinstance(message, OperatorSays):
            # A relay may be where the session was, and is not now.
            here = path.attachment
            if here is not None and not here.direct and here.handle == message.handle:
                self._events.append(PathsMessage(message))
        elif path is self.current:
            self._events.append(PathsMessage(message))

    def _channel(
        self, path: Path, event: ChannelOpened | ChannelReceived | ChannelReset | ChannelWritable, now: float
    ) -> None:
        """A channel of the session."""
        session, attachment = self.session, path.attachment
        if session is None or attachment is None:
            return
        if isinstance(event, ChannelReceived):
            session.channel_received(attachment, event.channel, event.stream, event.data, event.end, now)
        elif isinstance(event, ChannelReset):
            session.channel_reset(attachment, event.channel, event.stream, event.code, now)
        elif isinstance(event, ChannelOpened):
            session.channel_opened(attachment, event.channel, event.stream, now)
        elif path is self.current:
            session.channel_writable(event.channel, now)

    def _awaits_word(self, path: Path, reason: Refused) -> bool:
        """A relay can say anything: what ended a running session on purpose is the host's to tell, and why it refuses a
        chain."""
        running = self.session is not None and self.session.state is ViewerState.ADMITTED
        explained = self.session is not None and reason.code is CloseCode.GRANT_REFUSED
        return (running or explained) and reason.code not in LOSSES and path is self.current

    def _lost(self, path: Path, reason: Refused, now: float) -> None:
        """A path is gone: take another, or dial."""
        state = path.state(now)
        self._paths = [other for other in self._paths if other is not path]
        self._whereabouts.forget(path)
        if self._closed:
            return
        session = self.session
        if session is None:
            if not self._paths:
                self._events.append(PathsFailed(reason))
            elif self._compare_at is None and any(other.up for other in self._paths):
                self._compare_at = now
            return
        if path.attachment is not None:
            session.attachment_lost(path.attachment, reason, now)
        refused = reason.code not in LOSSES | PASSING and path.relay not in self._elsewhere
        if path.relay is None:
            final = refused and path.attachment is not None  # the host's own word
        else:
            final = refused and not any(other.attachment is not None for other in self._paths)
        unknown = reason.code is CloseCode.SESSION_UNKNOWN and path.relay not in self._elsewhere
        if unknown or final:
            self._events.append(PathsFailed(reason))
            return
        if path.relay is None:
            self._seek_again(now)
        if path is self._plan.current:
            self._reason = reason
        self._plan.lost(state, now)
        self._decide(now)

    def adrift(self, now: float) -> None:
        """The session has lost its streams, not its path: choose again, be it the same."""
        self._plan.adrift()
        self._decide(now)

    def nowhere(self, now: float) -> float:
        """For how many seconds there has been no path that answers."""
        return now - self.nowhere_since if self.nowhere_since is not None else 0.0

    # deciding

    def moved(self, attachment: Attachment, now: float) -> None:
        """The session has arrived at another path, be it late; those that it has left for good are closed."""
        self._plan.arrived()
        for path in self._paths:
            path.unfit = path.unfit and path.attachment is not attachment
        for path in [path for path in self._paths if (path.leaving or path.going) and path is not self.current]:
            self._drop(path)
        self._events.append(PathsChanged())

    def unmoved(self, attachment: Attachment, now: float) -> None:
        """The host refused the session on a path."""
        self._plan.refused()
        for path in self._paths:
            if path.attachment is attachment:
                path.unfit = True
        self._decide(now)

    def _drop(self, path: Path) -> None:
        self._paths.remove(path)
        self._whereabouts.forget(path)
        if path.attachment is not None and self.session is not None:
            self.session.attachment_lost(path.attachment, Refused(CloseCode.SESSION_LOST), self._now())
        path.close()

    def _decide(self, now: float) -> None:
        """Take the best path, dial where one is missing."""
        if self._closed or self.session is None or self.session.state is not ViewerState.ADMITTED:
            return
        before = self.current
        for step in self._plan.decide([path.state(now) for path in self._paths], now):
            self._do(step, before, now)

    def _do(self, step: Step, before: Path | None, now: float) -> None:
        """One step of the plan. `before`: where the session was."""
        path = next((path for path in self._paths if path is step.name), None)
        if step.kind is StepKind.MOVE and path is not None:
            self._move(before, path, now)
        elif step.kind is StepKind.LATE and path is not None:
            path.unfit = True
        elif step.kind is StepKind.GIVE_UP and path is not None:
            self._drop(path)
            self._seek_again(now)
        elif step.kind is StepKind.DIAL:
            self._redial()
        elif step.kind is StepKind.UPGRADE and self.current is not None and self.current.relay is not None:
            self._dial(self.current.relay, tcp=False)
        elif step.kind is StepKind.CHANGED:
            self._events.append(PathsChanged())

    def _move(self, before: Path | None, path: Path, now: float) -> None:
        assert self.session is not None and path.attachment is not None
        reason = why(before, path, self._reason)
        self.switch = Switch(now, before.name if before is not None else "none", path.name, reason)
        self.session.move(path.attachment, now)
        self._events.append(PathsChanged())

    # time and the network

    def _network_changed(self) -> None:
        now = self._now()
        self._endpoint.network_changed()
        self._plan.begin_anew()
        if not any(path.relay is None and path.silent_since is None for path in self._paths):
            self._seek_again(now)
        self._decide(now)
        self._after()

    def _raw(self, data: bytes, address: Address) -> None:
        if self._seeker is not None:
            self._seeker.raw(data, address, self._now())
            self._sought(self._now())
            self._after()

    @property
    def _input_waits(self) -> bool:
        return self.session is not None and self.session.input_waits

    def happened(self, now: float) -> None:
        """Something arrived or was sent: a silent path may answer again, and a busy one is to be watched."""
        silent = [path for path in self._paths if path.silent_since is not None]
        for path in list(self._paths):
            path.listen(now, path is self.current and self._input_waits)
            self._take(path, now)
        if any(path.silent_since is None for path in silent):
            self._decide(now)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self._closed:
            return None
        due = [path.next_timeout() for path in self._paths]
        due += [self._compare_at, self._plan.next_timeout()]
        if self._seeker is not None:
            due.append(self._seeker.next_timeout())
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._closed:
            return
        for path in list(self._paths):
            verdict = path.handle_timer(now, path is self.current and self._input_waits)
            self._take(path, now)
            if verdict is not Verdict.FINE and path is self.current:
                for other in self._paths:
                    if other is not path and other.up:
                        other.hop.carrier.ping(now)
        if self._compare_at is not None and now >= self._compare_at:
            self._choose_relay(now)
        if self._seeker is not None:
            self._seeker.handle_timer(now)
            self._sought(now)
        self._decide(now)
