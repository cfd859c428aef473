"""HopServer: the serving side of one hop: a relay's, or a host's towards who came to it directly (spec 04-session, 4.2
and 4.3).

It knows what may be said when; who is online, who may come in and who meets whom is for others to say. What happened
is taken from it with `next_event`; nothing is called from within.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.crypto import identity as identities
from avl_protocol.rate.limits import DEFAULT, Bucket, Limits, bucket
from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.session.hop.serverevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    Gone,
    HopServerEvent,
    Registering,
    Said,
)
from avl_protocol.session.hop.stream import CONTROL_HEADER, HeaderReader, HopStream, hop_bytes
from avl_protocol.session.timers import Timer, Timers
from avl_protocol.wire.errors import LocalProtocolError, Refused, RemoteProtocolError
from avl_protocol.wire.messages import (
    About,
    Accept,
    Admit,
    Attach,
    Close,
    Detach,
    Evict,
    Goaway,
    HeadKnown,
    Hello,
    HopMessage,
    Incoming,
    LastPicture,
    Logged,
    NatTest,
    Observed,
    Ping,
    Pong,
    Recover,
    Register,
    Registered,
    Reject,
    Subscribe,
    Tracks,
    Viewers,
    Welcome,
)
from avl_protocol.wire.registry import HOP_VERSIONS, T_HELLO, CloseCode, Role, StreamType


class HopServerState(Enum):
    """Where a neighbour stands."""

    NEW = "has not said HELLO"
    WELCOMED = "a host that has not registered"
    ASKED = "a host that has proved who it is, and waits to be registered"
    HOST = "a registered host"
    VIEWER = "a viewer"
    LENT = "a host that is registered at another worker of this relay"
    BORROWER = "another worker of this relay, whose viewers are at a host of ours"
    GONE = "over"


#: What each state may say; anything else of a known type is a protocol error. PING, PONG and CLOSE are always allowed.
ALLOWED: dict[HopServerState, tuple[type[HopMessage], ...]] = {
    HopServerState.NEW: (Hello,),
    HopServerState.WELCOMED: (Register,),
    HopServerState.ASKED: (),
    HopServerState.HOST: (
        Accept,
        Reject,
        Tracks,
        Admit,
        Evict,
        Detach,
        NatTest,
        About,
        HeadKnown,
        Logged,
        LastPicture,
    ),
    HopServerState.VIEWER: (Attach, Detach, Subscribe, Recover, NatTest, HeadKnown),
    HopServerState.GONE: (),
}
#: The same between workers of one relay, of which nobody else ever hears. VIEWERS says how good the best of all is.
BETWEEN_WORKERS: dict[HopServerState, tuple[type[HopMessage], ...]] = {
    HopServerState.LENT: (Accept, Reject, Tracks, Admit, Evict, Detach, Viewers),
    HopServerState.BORROWER: (Incoming, Detach, Recover, Viewers),
}
_MAY_SAY = ALLOWED | BETWEEN_WORKERS
#: Seconds for which it is not told again that everything arrives at a viewer.
T_SETTLED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayIdentity:
    """What the serving side says of itself: `certificate` is the one this connection saw (DER), `endorsement` signs it;
    `serves`: roles it takes."""

    public: bytes
    certificate: bytes
    endorsement: bytes
    name: str
    page: str
    serves: tuple[Role, ...] = (Role.HOST, Role.VIEWER)


class HopServer:
    """A CarrierReceiver that speaks hop control as a relay."""

    def __init__(
        self,
        identity: RelayIdentity,
        *,
        nonce: bytes,
        wall_ms: int,
        now: float,
        limits: Limits = DEFAULT,
    ) -> None:
        self._identity = identity
        self._events: deque[HopServerEvent] = deque()
        self._nonce = nonce
        self._wall_ms = wall_ms
        self._observed: tuple[str, int] = ("", 0)
        self._carrier: Carrier | None = None
        self._control: int | None = None
        self._hop = HopStream()
        self._limits = limits
        self._allowance = limits.stranger_messages
        self._budget: Bucket | None = None
        self._headers: dict[int, HeaderReader] = {}
        self._channels: set[int] = set()
        self._timers = Timers()
        self._timers.set(Timer.HELLO, now + T_HELLO)
        self.state = HopServerState.NEW
        self._told_fates = float("-inf")
        self._quiet = False
        self.device: int | None = None
        #: The code that the connection ended with; None while it lasts.
        self.ended: int | None = None
        self._going = False

    def next_event(self) -> HopServerEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    @property
    def streams(self) -> int:
        """Streams that something is kept of: channels, and those whose header is not whole."""
        return len(self._channels) + len(self._headers)

    @property
    def carrier(self) -> Carrier:
        """The connection below. Raises LocalProtocolError before there is one."""
        if self._carrier is None:
            raise LocalProtocolError("the peer has no carrier yet")
        return self._carrier

    def attach_carrier(self, carrier: Carrier) -> None:
        """Name the carrier this peer receives from."""
        self._carrier = carrier

    def lent(self, device: int) -> None:
        """The neighbour is another worker of this relay, and stands for a host that is registered there: nothing is
        left to be proved, and we open hop control. The other end is told `borrows`."""
        self.state, self.device = HopServerState.LENT, device
        self._timers.stop(Timer.HELLO)
        self.trust()
        self._control = self.carrier.open_stream()
        self.carrier.send_stream(self._control, CONTROL_HEADER)

    def borrows(self) -> None:
        """The neighbour is another worker of this relay, and stands for its viewers at a host of ours."""
        self.state = HopServerState.BORROWER
        self._timers.stop(Timer.HELLO)
        self.trust()

    def send(self, message: HopMessage) -> None:
        """Send a hop message; silently nothing once the connection is over."""
        if self._control is None or self.state is HopServerState.GONE:
            return
        if self.carrier.stream_backlog(self._control) > self._limits.hop_unread:
            self.carrier.close(CloseCode.LIMIT, "what is sent is not read")
            return
        self.carrier.send_stream(self._control, hop_bytes(message))

    def trust(self) -> None:
        """The neighbour is no stranger any more: it may send more, and more ahead."""
        if self._allowance is not self._limits.friend_messages:
            self._allowance, self._budget = self._limits.friend_messages, None
        self.carrier.trust_peer()

    @property
    def nonce(self) -> bytes:
        """What WELCOME told this client alone: a LOCATE that holds it was sent by the client (8.2)."""
        return self._nonce

    def open_channel(self, handle: int, channel: int) -> int:
        """Open a channel's stream towards the client. Raises LocalProtocolError: only clients open channels."""
        raise LocalProtocolError("the serving side of a hop opens no channels")

    def look_at_address(self) -> None:
        """Tell the client where it is seen, if that has changed."""
        address = self.carrier.peer_address
        if self.state in (HopServerState.HOST, HopServerState.VIEWER) and address[0] and address != self._observed:
            self._observed = address
            self.send(Observed(f"{address[0]} {address[1]}"))

    def adopt(self, stream: int) -> None:
        """A stream that the relay opened towards this neighbour."""
        self._channels.add(stream)

    def forget(self, stream: int) -> None:
        """A channel's stream has ended in both directions."""
        self._channels.discard(stream)

    def abandon(self, stream: int, code: int) -> None:
        """Abandon a channel's stream; nothing more is told of it."""
        self.forget(stream)
        self.carrier.reset_stream(stream, code)

    def registered(self, media_handle: int) -> None:
        """Answer REGISTER: the host may go on. Nothing where it is gone, or waits for no answer."""
        if self.state is HopServerState.ASKED:
            self.state = HopServerState.HOST
            self.trust()
            self._timers.stop(Timer.HELLO)
            self.send(Registered(media_handle))

    def close(self, code: CloseCode, now: float) -> None:
        """End the connection; what happened before and was not taken is forgotten."""
        if self.state is not HopServerState.GONE:
            self._events.clear()
            self._end(code)

    def go_away(self, elsewhere: Sequence[str] = ()) -> None:
        """This side drains (spec 4.3): who is here is told where else to go (`HOST:PORT[?pin=FP]`) and may stay
        meanwhile; whoever says HELLO, registers or attaches from now on is refused."""
        self._going = True
        if self.state in (HopServerState.HOST, HopServerState.VIEWER):
            self.send(Goaway(tuple(elsewhere)))
        elif self.state in (HopServerState.WELCOMED, HopServerState.ASKED):
            self._end(CloseCode.GOING_AWAY)

    # timers

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._timers.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if Timer.HELLO in self._timers.expired(now):
            self._end(CloseCode.TIMEOUT)

    # CarrierReceiver

    def carrier_ready(self, now: float) -> None:
        """The client speaks first."""

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """Sort a stream's bytes to hop control or to its channel."""
        if self.state is HopServerState.GONE:
            return
        try:
            if stream == self._control:
                self._hop_received(data, end, now)
            elif stream in self._channels:
                self._events.append(ChannelReceived(stream, data, end))
            else:
                self._begin(stream, data, end, now)
        except (RemoteProtocolError, Refused) as error:
            self._end(error.code)

    def _begin(self, stream: int, data: bytes, end: bool, now: float) -> None:
        reader = self._headers.setdefault(stream, HeaderReader())
        begun = reader.feed(data)
        if begun is None:
            self.carrier.consume(stream, len(data))
            if end:
                del self._headers[stream]
                self.carrier.reset_stream(stream, CloseCode.PROTOCOL_ERROR)
            return
        del self._headers[stream]
        header, rest = begun
        self.carrier.consume(stream, len(data) - len(rest))
        if header.type == StreamType.HOP_CONTROL:
            if self._control is not None:
                raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "a second control stream")
            self._control = stream
            self._hop_received(rest, end, now)
            return
        if self.state not in (HopServerState.VIEWER, HopServerState.BORROWER):
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "only viewers open channels")
        self._channels.add(stream)
        self._events.append(ChannelOpened(stream, header))
        if rest or end:
            self._events.append(ChannelReceived(stream, rest, end))

    def _hop_received(self, data: bytes, end: bool, now: float) -> None:
        assert self._control is not None
        self.carrier.consume(self._control, len(data))
        for message in self._hop.messages(data, lambda: self._spend(now)):
            if self.state is HopServerState.GONE:
                return
            self._message(message)
        if end:
            self._end(CloseCode.NO_ERROR)

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """A stream was abandoned; without control the hop is over."""
        self._headers.pop(stream, None)
        if stream == self._control:
            self._end(CloseCode.NO_ERROR)
        elif stream in self._channels:
            self._channels.discard(stream)
            self._events.append(ChannelReset(stream, code))

    def stream_writable(self, stream: int, now: float) -> None:
        """A channel has drained."""
        if stream in self._channels:
            self._events.append(ChannelWritable(stream))

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        """Media of a host; viewers send none."""
        if self.state in (HopServerState.HOST, HopServerState.LENT):
            self._events.append(MediaReceived(datagrams))

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """Media's fate. That all of it arrived at a viewer is told now and then only: nothing follows from it."""
        if self.state is HopServerState.VIEWER and now - self._told_fates < T_SETTLED and _all_arrived(fates):
            self._quiet = True
        elif self.state is not HopServerState.GONE:
            self._told_fates = now
            self._events.append(MediaFates(fates))

    def nothing_new(self) -> bool:
        """Whether nothing follows from what the carrier told last; to be asked once after each time."""
        quiet, self._quiet = self._quiet, False
        return quiet

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """The connection is gone."""
        self._gone(code)

    # inside

    def _spend(self, now: float) -> None:
        """Each message costs something, even one that is not understood."""
        if self._budget is None:
            self._budget = bucket(self._allowance, now)
        if not self._budget.take(now):
            raise RemoteProtocolError(CloseCode.LIMIT, "too many messages")

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Ping):
            self.send(Pong(message.token))
        elif isinstance(message, Pong):
            return
        elif isinstance(message, Close):
            self._end(CloseCode.NO_ERROR)
        elif not isinstance(message, _MAY_SAY[self.state]):
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, f"{type(message).__name__} in state {self.state.name}")
        elif self._going and isinstance(message, (Hello, Attach)):
            raise Refused(CloseCode.GOING_AWAY)
        elif isinstance(message, Hello):
            self._hello(message)
        elif isinstance(message, Register):
            self._register(message)
        else:
            self._events.append(Said(message))

    def _hello(self, hello: Hello) -> None:
        common = set(hello.versions) & set(HOP_VERSIONS)
        if not common or hello.required:
            raise Refused(CloseCode.VERSION)
        own = self._identity
        if hello.role not in own.serves:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "a role that is not served here")
        host, port = self._observed = self.carrier.peer_address
        self.send(
            Welcome(
                version=max(common),
                nonce=self._nonce,
                observed=f"{host} {port}",
                identity=own.public,
                endorsement=own.endorsement,
                time_ms=self._wall_ms,
                name=own.name,
                page=own.page,
            )
        )
        if hello.role == Role.VIEWER:
            self.state = HopServerState.VIEWER
            self._timers.stop(Timer.HELLO)
        else:
            self.state = HopServerState.WELCOMED

    def _register(self, message: Register) -> None:
        own = self._identity
        self.device = identities.check_registration(
            message.identity,
            message.record,
            message.signature,
            message.proof,
            self._nonce,
            own.certificate,
            own.name,
            self._wall_ms // 1000,
        )
        self.state = HopServerState.ASKED
        self._events.append(Registering(self.device, bool(message.yields)))

    def _end(self, code: CloseCode) -> None:
        """End the connection for a reason of this hop's; what happened before is told."""
        if self.state is not HopServerState.GONE:
            self.carrier.close(code, code.name.lower())
            self._gone(code)

    def _gone(self, code: int) -> None:
        if self.state is not HopServerState.GONE:
            self.ended = code
            self.state = HopServerState.GONE
            self._timers.stop_all()
            self._events.append(Gone())


def _all_arrived(fates: Sequence[tuple[object, bool]]) -> bool:
    return all(arrived for _, arrived in fates)
