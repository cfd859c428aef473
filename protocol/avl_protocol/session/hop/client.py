"""HopClient: a host's or viewer's side of the hop to its relay, or a viewer's to a host itself (spec 04-session, 4.2).

It checks who is there before anything else is sent, then registers or attaches, and sorts streams and datagrams by
session. What has happened is taken from it with `next_event`; nothing is called from within.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.crypto import identity as identities
from avl_protocol.crypto.identity import Identity
from avl_protocol.session.hop.clientevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    ChannelWritable,
    HopClientEvent,
    HopLost,
    HopSaid,
    HopUp,
)
from avl_protocol.session.hop.mediaevents import MediaFates, MediaReceived
from avl_protocol.session.hop.stream import CONTROL_HEADER, HeaderReader, HopStream, channel_header, hop_bytes
from avl_protocol.session.timers import Timer, Timers
from avl_protocol.wire.errors import LocalProtocolError, Refused, RemoteProtocolError, known_code
from avl_protocol.wire.messages import Close, Goaway, Hello, HopMessage, Ping, Pong, Register, Registered, Welcome
from avl_protocol.wire.registry import HOP_VERSIONS, T_HELLO, CloseCode, Role


class HopClientState(Enum):
    """Where the hop is."""

    CONNECTING = "no carrier yet"
    GREETING = "HELLO sent"
    REGISTERING = "REGISTER sent (hosts)"
    UP = "the relay is the right one, and answers"
    DOWN = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class HopClientSettings:
    """Who we are on this hop.

    `pin`: SHA-256 of the relay's identity key. `device`: number of the device that may be there itself instead of a
    relay; `only_device`: nobody else may. `record`: what a host signs.
    """

    role: Role
    software: str
    pin: bytes | None = None
    identity: Identity | None = None
    record: bytes = b""
    device: int | None = None
    only_device: bool = False
    yields: bool = False


class HopClient:
    """A CarrierReceiver that speaks hop control as a client."""

    def __init__(self, settings: HopClientSettings) -> None:
        self._settings = settings
        self._events: deque[HopClientEvent] = deque()
        self._carrier: Carrier | None = None
        self._control: int | None = None
        self._hop = HopStream()
        self._headers: dict[int, HeaderReader] = {}
        self._channels: dict[int, tuple[int, int]] = {}
        self._timers = Timers()
        self._welcome: Welcome | None = None
        self._trusted: Callable[[], bool] = _untrusted
        self._wall: float | None = None
        self.state = HopClientState.CONNECTING
        self.media_handle = 0
        #: Whether the device itself is there, not a relay.
        self.at_device = False

    def next_event(self) -> HopClientEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    @property
    def beginning(self) -> int:
        """Streams that the neighbour has opened and whose header is not whole."""
        return len(self._headers)

    @property
    def carrier(self) -> Carrier:
        """The connection below. Raises LocalProtocolError before there is one."""
        if self._carrier is None:
            raise LocalProtocolError("the link has no carrier yet")
        return self._carrier

    def attach_carrier(
        self, carrier: Carrier, trusted: Callable[[], bool] | None = None, wall: float | None = None
    ) -> None:
        """Name the carrier this link receives from.

        `trusted` says whether its certificate is good for everybody; `wall`: Unix seconds at which it has to be valid
        (None: it is not looked at).
        """
        self._carrier = carrier
        self._wall = wall
        self._trusted = trusted or _untrusted

    # what the owner asks for

    def send(self, message: HopMessage) -> None:
        """Send a hop message; silently nothing once the link is down."""
        if self._control is not None and self.state is not HopClientState.DOWN:
            self.carrier.send_stream(self._control, hop_bytes(message))

    def open_channel(self, handle: int, channel: int) -> int:
        """Open a stream for a channel of a session and return its id."""
        stream = self.carrier.open_stream()
        self._channels[stream] = (handle, channel)
        self.carrier.send_stream(stream, channel_header(handle, channel))
        return stream

    def close(self, code: CloseCode, text: str = "") -> None:
        """End the hop; what happened before and was not taken is forgotten."""
        self._events.clear()
        if self.state is not HopClientState.DOWN:
            self.state = HopClientState.DOWN
            self._timers.stop_all()
            if self._carrier is not None:
                self._carrier.close(code, text)

    # timers

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._timers.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if Timer.HELLO in self._timers.expired(now):
            self._fail(Refused(CloseCode.TIMEOUT, "the relay did not answer in time"))

    # CarrierReceiver

    def carrier_ready(self, now: float) -> None:
        """Open the control stream and say HELLO."""
        self._control = self.carrier.open_stream()
        self.state = HopClientState.GREETING
        self._timers.set(Timer.HELLO, now + T_HELLO)
        hello = Hello(HOP_VERSIONS, self._settings.role, self._settings.software)
        self.carrier.send_stream(self._control, CONTROL_HEADER + hop_bytes(hello))

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """Sort a stream's bytes to hop control or to a channel."""
        if self.state is HopClientState.DOWN:
            return
        try:
            if stream == self._control:
                self.carrier.consume(stream, len(data))
                for message in self._hop.receive(data):
                    self._message(message)
                if end:
                    raise Refused(CloseCode.GOING_AWAY)
                return
            if stream not in self._channels:
                known = self._begin(stream, data, end)
                if known is None:
                    return
                data = known
                self._events.append(ChannelOpened(*self._channels[stream], stream))
                if not data and not end:
                    return
            handle, channel = self._channels[stream]
            self._events.append(ChannelReceived(handle=handle, channel=channel, stream=stream, data=data, end=end))
            if end:
                self._channels.pop(stream, None)
        except RemoteProtocolError as error:
            self._fail(Refused(error.code, error.text))
        except Refused as error:
            self._fail(error)

    def _begin(self, stream: int, data: bytes, end: bool) -> bytes | None:
        reader = self._headers.setdefault(stream, HeaderReader())
        header = reader.feed(data)
        if header is None:
            self.carrier.consume(stream, len(data))
            if end:
                del self._headers[stream]
                self.carrier.reset_stream(stream, CloseCode.PROTOCOL_ERROR)
            return None
        del self._headers[stream]
        begun, rest = header
        self.carrier.consume(stream, len(data) - len(rest))
        self._channels[stream] = (begun.handle, begun.channel)
        return rest

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """A stream was abandoned; without control the hop is over."""
        self._headers.pop(stream, None)
        if stream == self._control:
            self._fail(Refused(CloseCode.GOING_AWAY))
        elif (found := self._channels.pop(stream, None)) is not None:
            self._events.append(ChannelReset(*found, stream, code))

    def stream_writable(self, stream: int, now: float) -> None:
        """A channel has drained."""
        if (found := self._channels.get(stream)) is not None:
            self._events.append(ChannelWritable(*found, stream))

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        """Media."""
        if self.state is HopClientState.UP:
            self._events.append(MediaReceived(datagrams))

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """Media's fate."""
        self._events.append(MediaFates(fates))

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """The connection is gone."""
        if self.state is not HopClientState.DOWN:
            known = known_code(code, CloseCode.SESSION_LOST)
            if known is CloseCode.NO_ERROR:
                known = CloseCode.GOING_AWAY
            if known is CloseCode.CLOCK and self._welcome is not None and self._wall is not None:
                self._down(identities.clocks_differ(self._welcome.time_ms / 1000, self._wall, "relay"))
            else:
                self._down(Refused(known))

    # inside

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Welcome) and self.state is HopClientState.GREETING:
            self._welcomed(message)
        elif isinstance(message, Close):
            raise Refused(known_code(message.code, CloseCode.SESSION_LOST))
        elif self.state is HopClientState.GREETING:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, "the relay spoke before WELCOME")
        elif isinstance(message, Registered) and self.state is HopClientState.REGISTERING and self._welcome:
            self.media_handle = message.media_handle
            self._up(self._welcome)
        elif isinstance(message, Ping):
            self.send(Pong(message.token))
        elif isinstance(message, Goaway) or self.state is HopClientState.UP:
            self._events.append(HopSaid(message))
        else:
            raise RemoteProtocolError(CloseCode.PROTOCOL_ERROR, f"{type(message).__name__} came too early")

    def _welcomed(self, welcome: Welcome) -> None:
        certificate = self.carrier.peer_certificate or b""
        self._check_identity(welcome, certificate)
        if welcome.version not in HOP_VERSIONS:
            raise Refused(CloseCode.VERSION)
        self._welcome = welcome
        if self._settings.role is not Role.HOST:
            self._up(welcome)
            return
        own = self._settings.identity
        if own is None:
            raise LocalProtocolError("a host registers with an identity")
        record = self._settings.record
        proof = identities.prove_registration(own, welcome.nonce, certificate, welcome.name, record)
        self.state = HopClientState.REGISTERING
        self.send(
            Register(
                identity=own.public,
                record=record,
                signature=identities.sign_record(own, record),
                proof=proof,
                yields=int(self._settings.yields),
            )
        )

    def _check_identity(self, welcome: Welcome, certificate: bytes) -> None:
        """R-SEC-2, R-SEC-3: the pinned relay, the device itself, or who has a publicly trusted certificate."""
        wanted = self._settings
        if wanted.pin is not None:
            identities.check_relay(wanted.pin, welcome.identity, welcome.endorsement, certificate)
            self._check_time(welcome, certificate, "relay")
        elif wanted.device is not None and identities.device_number(welcome.identity) == wanted.device:
            own_pin = identities.pin(welcome.identity)
            identities.check_relay(
                own_pin, welcome.identity, welcome.endorsement, certificate, identities.HOST_CERTIFICATE
            )
            self._check_time(welcome, certificate, "host")
            self.at_device = True
        elif wanted.only_device:
            raise Refused(CloseCode.WRONG_HOST)
        elif not self._trusted():
            self._check_time(welcome, certificate, "relay")
            raise Refused(CloseCode.WRONG_RELAY, "Nobody vouches for this relay. Add its pin to the target: ?pin=FP.")

    def _check_time(self, welcome: Welcome, certificate: bytes, whose: str) -> None:
        """R-SEC-87. Raises Refused: it says how far the clocks are apart, where the other side has told its time."""
        if self._wall is None:
            return
        try:
            identities.check_certificate_time(certificate, self._wall)
        except Refused as error:
            theirs = welcome.time_ms / 1000
            if error.code is CloseCode.CLOCK and theirs and abs(theirs - self._wall) > identities.CLOCK_TOLERANCE:
                raise identities.clocks_differ(theirs, self._wall, whose) from None
            raise

    def _up(self, welcome: Welcome) -> None:
        self._timers.stop(Timer.HELLO)
        self.state = HopClientState.UP
        self._events.append(HopUp(welcome))

    def _fail(self, reason: Refused) -> None:
        if self.state is HopClientState.DOWN:
            return
        if self._carrier is not None:
            self._carrier.close(reason.code, str(reason))
        self._down(reason)

    def _down(self, reason: Refused) -> None:
        self.state = HopClientState.DOWN
        self._timers.stop_all()
        self._events.append(HopLost(reason))


def _untrusted() -> bool:
    return False
