"""QuicCarrier: a QUIC connection, or a WebTransport session on one, as the carrier a session asks for.

The two differ in a few places only (how a stream is opened, how codes are mapped, how the end is said), which a
Binding decides; RawBinding is that of ALPN `avl/1`. Received bytes are told in order and in the same wake-up they
arrived in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from aioquic.quic import events
from aioquic.quic.packet import QuicErrorCode

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.quic.connection import Connection
from avl_protocol.rate.control import RateState
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import CloseCode

#: A stream whose backlog exceeded this many bytes is reported writable when half of it has drained.
BACKLOG_LIMIT = 512 << 10
#: The same of a writer that holds back sooner, as input does (spec 4.6): it is told when so much is left.
ROOM = 4096
#: Reason texts are cut to so many bytes, so that a close always fits one packet.
MAX_REASON = 256

#: What a transport's own error codes mean to a session (RFC 9000, section 20.1); all others are protocol errors.
TRANSPORT_CODES = {
    QuicErrorCode.NO_ERROR: CloseCode.NO_ERROR,
    QuicErrorCode.INTERNAL_ERROR: CloseCode.INTERNAL,
    QuicErrorCode.CONNECTION_REFUSED: CloseCode.LIMIT,
    QuicErrorCode.APPLICATION_ERROR: CloseCode.INTERNAL,
    QuicErrorCode.NO_VIABLE_PATH: CloseCode.TIMEOUT,
}
IDLE_TIMEOUT = "Idle timeout"
STATELESS_RESET = "stateless reset"


class Binding(Protocol):
    """Where raw QUIC and WebTransport differ."""

    def open_stream(self) -> int:
        """A new bidirectional stream."""

    def outgoing_code(self, code: int) -> int:
        """A stream's error code as it travels."""

    def incoming_code(self, code: int) -> int:
        """The inverse of `outgoing_code`."""

    def close(self, code: int, text: str) -> None:
        """Say the end to the peer."""


class RawBinding:
    """ALPN `avl/1`: everything is QUIC's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open_stream(self) -> int:
        return self._connection.open_stream()

    def outgoing_code(self, code: int) -> int:
        return code

    def incoming_code(self, code: int) -> int:
        return code

    def close(self, code: int, text: str) -> None:
        self._connection.close(error_code=code, reason_phrase=text)
        self._connection.on_wanted()


class QuicCarrier:
    """Carrier over a Connection; `receiver` is set by whoever makes the carrier, before anything is told."""

    reliable_datagrams = False

    def __init__(self, connection: Connection, binding: Binding) -> None:
        self.receiver: CarrierReceiver
        self._connection = connection
        self._binding = binding
        self._ready = self._lost = False
        self._ending: tuple[int, str] | None = None
        #: Streams that will be reported writable, and whether their backlog exceeded BACKLOG_LIMIT since it last was.
        self._full: dict[int, bool] = {}
        self._abandoned: set[int] = set()
        self._arrived: list[bytes] = []

    # ---- what a session asks for

    @property
    def connection(self) -> Connection:
        """What the carrier stands on, for those who look at it from the side: instruments and tests."""
        return self._connection

    @property
    def max_datagram(self) -> int:
        """Largest datagram payload in bytes."""
        return self._connection.max_datagram

    @property
    def rtt(self) -> float | None:
        """Smoothed round-trip time in seconds."""
        return self._connection.smoothed_rtt

    @property
    def latest_rtt(self) -> float | None:
        """The last sample of the round-trip time in seconds."""
        return self._connection.latest_rtt

    @property
    def heard_at(self) -> float:
        """When a packet last arrived."""
        return self._connection.heard_at

    @property
    def answered_at(self) -> float:
        """When a packet of ours was last acknowledged."""
        return self._connection.answered_at

    def ping(self, now: float) -> None:
        """Ask for a sign of life."""
        if self._ending is None:
            self._connection.ask()

    @property
    def rate(self) -> float | None:
        """Bits per second that an encoder may use."""
        return self._connection.hop.media_rate

    def parity(self, fragments: int) -> int:
        """Parity fragments worth sending with so many."""
        return self._connection.hop.controller.parity(fragments)

    def hold(self, now: float) -> bool:
        """Whether the next picture should wait."""
        return self._connection.hop.hold(now, self._connection.queue.bytes)

    def offer_spare(self, spare: Callable[[int, float], Sequence[bytes]]) -> None:
        """Where useful probes come from."""
        self._connection.hop.spare = spare

    def rate_state(self, now: float) -> RateState:
        """What the controller thinks."""
        return self._connection.hop.state(now)

    @property
    def datagram_backlog(self) -> int:
        """Bytes of datagrams not yet sent."""
        return self._connection.queue.bytes

    @property
    def next_datagram(self) -> object | None:
        """Cookie of the datagram that leaves next."""
        queue = self._connection.queue
        return queue[0].cookie if queue else None

    @property
    def peer_certificate(self) -> bytes | None:
        """DER of the server's certificate, on the client's side."""
        return self._connection.certificate if self._connection.configuration.is_client else None

    @property
    def server_certificate(self) -> bytes | None:
        """DER of the certificate the server presented on this very connection, on both sides."""
        return self._connection.certificate

    def trusted_for(self, name: str, authorities: str | None = None) -> bool:
        """Whether public authorities vouch for the server under this name."""
        return self._connection.trusted_for(name, authorities)

    @property
    def peer_address(self) -> tuple[str, int]:
        """The neighbour's address; it changes when the neighbour migrates."""
        address = self._connection.get_peer_address()
        return (address[0], address[1]) if address else ("", 0)

    def open_stream(self) -> int:
        """Open a bidirectional stream."""
        return self._binding.open_stream()

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        """Queue bytes on a stream; ignored once the peer abandoned it or the carrier ended."""
        if self._ending is not None or stream in self._abandoned:
            return
        self._connection.write_stream(stream, data, end)
        backlog = self._connection.stream_backlog(stream)
        if backlog > ROOM:
            self._full[stream] = backlog > BACKLOG_LIMIT or self._full.get(stream, False)

    def set_stream_bulk(self, stream: int) -> None:
        """Let a stream leave after every datagram."""
        self._connection.set_bulk(stream)

    def reset_stream(self, stream: int, code: int) -> None:
        """Abandon both directions; nothing more is told of the stream."""
        self._abandon(stream)
        self._connection.abandon_stream(stream, self._binding.outgoing_code(code))

    def consume(self, stream: int, size: int) -> None:
        """Return credit for received bytes."""
        self._connection.consume(stream, size)

    def stream_backlog(self, stream: int) -> int:
        """Bytes queued and not acknowledged."""
        return self._connection.stream_backlog(stream)

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        """Queue datagram payloads, each with its leading zero byte. Dropped once the carrier ended."""
        if self._ending is not None:
            return
        if not self._ready:
            raise LocalProtocolError("the carrier is not ready")
        self._connection.send_datagrams(payloads, priority, deadline, cookies)

    def drop_datagrams(self, priority: int, useless: Callable[[bytes], bool] | None = None) -> int:
        """Forget unsent datagrams of a priority, or those of them that are `useless`."""
        return self._connection.queue.clear(priority, useless)

    def close(self, code: int, text: str) -> None:
        """Say the end; `carrier_lost` is told with the same code from the next wake-up, not from within this call."""
        if self._ending is None:
            text = text.encode()[:MAX_REASON].decode(errors="ignore")
            self._ending = code, text
            self._binding.close(code, text)

    def trust_peer(self) -> None:
        """Widen the receive windows from a stranger's to a friend's; servers call it once the peer is admitted."""
        self._connection.trust_peer()

    # ---- what drives it

    def ready(self, now: float) -> None:
        """The connection or the WebTransport session is established."""
        self._ready = True
        self.receiver.carrier_ready(now)

    def received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """Stream bytes arrived; those of an abandoned stream are consumed unseen."""
        if stream in self._abandoned or self._ending is not None:
            self._connection.consume(stream, len(data))
        else:
            self.receiver.stream_received(stream, data, end, now)

    def reset(self, stream: int, code: int, now: float) -> None:
        """The peer reset a stream or asked us to stop sending on it: both directions end, and it is told once."""
        if stream not in self._abandoned and self._ending is None:
            self._abandon(stream)
            self._connection.abandon_stream(stream, code)
            self.receiver.stream_reset(stream, self._binding.incoming_code(code), now)

    def datagram(self, data: bytes, now: float) -> None:
        """A DATAGRAM frame arrived; `settle` tells of it, with all others of the wake-up."""
        if self._ready and self._ending is None and not self._connection.hop.datagram_received(data, now):
            self._arrived.append(data)

    def settle(self, now: float) -> None:
        """Tell what follows from a batch of packets: datagrams, fates, drained streams, the end."""
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self.receiver.datagrams_received(arrived, now)
        if fates := self._connection.take_fates():
            self.receiver.datagrams_settled(fates, now)
        for stream, exceeded in list(self._full.items()):
            backlog = self._connection.stream_backlog(stream)
            if backlog <= (BACKLOG_LIMIT // 2 if exceeded else ROOM):
                self._full[stream] = False
                if backlog <= ROOM:
                    del self._full[stream]
                if stream not in self._abandoned and self._ending is None:
                    self.receiver.stream_writable(stream, now)
        if self._ending is not None:
            self.lose(*self._ending, now)
        elif (event := self._connection.close_event) is not None:
            self.lose(*close_reason(event), now)

    def lose(self, code: int, text: str, now: float) -> None:
        """Tell the end, once."""
        if self._ending is None:
            self._ending = code, text
        if not self._lost:
            self._lost = True
            self.receiver.carrier_lost(code, text, now)

    def _abandon(self, stream: int) -> None:
        self._full.pop(stream, None)
        if len(self._abandoned) > 64:
            self._abandoned = {known for known in self._abandoned if self._connection.has_stream(known)}
        self._abandoned.add(stream)


class RawApplication:
    """What lives on a connection of ALPN `avl/1`: one carrier."""

    def __init__(self, connection: Connection, on_carrier: Callable[[QuicCarrier], CarrierReceiver]) -> None:
        self._connection = connection
        self._on_carrier = on_carrier
        self.carrier = guard(QuicCarrier(connection, RawBinding(connection)))

    def event_received(self, event: events.QuicEvent, now: float) -> None:
        """Take one event of the connection."""
        carrier = self.carrier
        if isinstance(event, events.DatagramFrameReceived):
            carrier.datagram(event.data, now)
        elif isinstance(event, events.StreamDataReceived):
            if event.stream_id & 2:
                carrier.close(CloseCode.PROTOCOL_ERROR, "unidirectional stream")
            else:
                carrier.received(event.stream_id, event.data, event.end_stream, now)
        elif isinstance(event, (events.StreamReset, events.StopSendingReceived)):
            carrier.reset(event.stream_id, event.error_code, now)
        elif isinstance(event, events.HandshakeCompleted):
            carrier.receiver = self._on_carrier(carrier)
            carrier.ready(now)

    def settle(self, now: float) -> None:
        """After a batch of events."""
        if hasattr(self.carrier, "receiver"):
            self.carrier.settle(now)

    def shut(self, code: int, text: str) -> None:
        """Say the end to the peer."""
        self.carrier.close(code, text)


def close_reason(event: events.ConnectionTerminated) -> tuple[int, str]:
    """The close code and text of a connection that ended: an application's own, or what the transport's code means."""
    if event.frame_type is None:
        return event.error_code, event.reason_phrase
    if event.reason_phrase == IDLE_TIMEOUT:
        return CloseCode.TIMEOUT, "no answer for too long"
    if event.reason_phrase == STATELESS_RESET:
        return CloseCode.GOING_AWAY, "the other side restarted"
    known = TRANSPORT_CODES.get(event.error_code) if event.error_code < QuicErrorCode.CRYPTO_ERROR else None  # type: ignore[call-overload]
    return CloseCode.PROTOCOL_ERROR if known is None else known, event.reason_phrase
