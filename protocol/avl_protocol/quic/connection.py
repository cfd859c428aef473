"""Connection: one QUIC connection as a sans-IO state machine, aioquic's with what real-time media needs.

Everything is done by subclassing, nothing is patched in place; each private name of aioquic that is touched is
listed in `quic/contract.py` and has a test. What is added: datagrams with priority, deadline and fate; control and
input streams ahead of them and bulk streams behind; receive credit returned by the application; our rate controller
and pacer; connection IDs and reset tokens of our own; key update; keepalive; a handshake deadline.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from aioquic import tls
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import (
    END_STATES,
    Limit,
    NetworkAddress,
    QuicNetworkPath,
    QuicReceiveContext,
)
from aioquic.quic.packet import QuicErrorCode, QuicFrameType
from aioquic.quic.packet_builder import QuicPacketBuilder, QuicPacketBuilderStop
from aioquic.quic.recovery import QuicPacketSpace
from aioquic.quic.stream import QuicStream
from cryptography.hazmat.primitives.serialization import Encoding

from avl_protocol.quic.congestion import RESERVE
from avl_protocol.quic.migration import MigratingConnection
from avl_protocol.quic.options import ConnectionOptions as ConnectionOptions
from avl_protocol.quic.options import reset_token
from avl_protocol.quic.payload import Payload, kind_of
from avl_protocol.wire.errors import LocalProtocolError

ONE_RTT = tls.Epoch.ONE_RTT
#: aioquic reports what strangers do wrong as warnings; without a handler those would reach the terminal.
logging.getLogger("quic").addHandler(logging.NullHandler())
#: An acknowledgement leaves at once when so many packets wait for one.
ACK_EVERY = 16
#: Seconds that the acknowledgement of feedback may wait for a datagram to ride with; 25 ms are what is promised.
FEEDBACK_ACK_DELAY = 0.020
#: Bytes of a packet that an acknowledgement may take beside a datagram.
ACK_ROOM = 64
#: How many packet numbers back a late packet is still accepted; aioquic's 128 are 25 ms at 50 Mbit/s.
REORDER_WINDOW = 1024
#: Streams a peer may have open at once, by direction.
MAX_BIDIRECTIONAL, MAX_UNIDIRECTIONAL = 64, 8

#: Stands in aioquic's place for datagrams while a pass must not send any.
NO_DATAGRAMS: tuple[()] = ()


class Connection(MigratingConnection):
    """A QUIC connection. `on_wanted` is called whenever there is something to send that a flush would take."""

    def __init__(
        self,
        *,
        configuration: QuicConfiguration,
        options: ConnectionOptions,
        new_connection_id: Callable[[], bytes],
        reset_key: bytes,
        now: float,
        original_destination_connection_id: bytes | None = None,
        retry_source_connection_id: bytes | None = None,
        destination: bytes | None = None,
    ) -> None:
        """`destination`: what a client calls the server by in its first packet, instead of random bytes."""
        super().__init__(
            configuration=configuration,
            original_destination_connection_id=original_destination_connection_id,
            retry_source_connection_id=retry_source_connection_id,
        )
        self._options = options
        self._new_connection_id = new_connection_id
        self._reset_key = reset_key
        self._ack_delay = options.ack_delay
        self._deadline = now + options.handshake_deadline
        self._expires: float | None = None
        first = self._host_cids[0]
        first.cid = self.host_cid = self._local_initial_source_connection_id = new_connection_id()
        if not self._is_client:
            first.stateless_reset_token = reset_token(reset_key, first.cid)
        if destination is not None:
            self._peer_cid.cid = self._original_destination_connection_id = destination
        self._local_max_streams_bidi = Limit(QuicFrameType.MAX_STREAMS_BIDI, "max_streams_bidi", MAX_BIDIRECTIONAL)
        self._local_max_streams_uni = Limit(QuicFrameType.MAX_STREAMS_UNI, "max_streams_uni", MAX_UNIDIRECTIONAL)
        self._begin_datagrams(options.rate)
        self._bulk: set[int] = set()
        self._key_began = 0
        self._unacknowledged = 0
        self._heard_at = self._pinged_at = now
        self._certificate: bytes | None = None

    # ---- identity

    @property
    def connection_ids(self) -> list[bytes]:
        """IDs under which the peer may send to us now."""
        return [connection_id.cid for connection_id in self._host_cids]

    @property
    def peer_reset_tokens(self) -> list[bytes]:
        """Tokens with which the peer may end this connection statelessly."""
        peers = [self._peer_cid, *self._peer_cid_available]
        return [peer.stateless_reset_token for peer in peers if peer.stateless_reset_token]

    @property
    def certificate(self) -> bytes | None:
        """DER of the server's certificate of this connection, on both sides; None before it is known."""
        if self._certificate is None and hasattr(self, "tls"):
            found = self.tls._peer_certificate if self._is_client else self.tls.certificate
            self._certificate = None if found is None else found.public_bytes(Encoding.DER)
        return self._certificate

    def trusted_for(self, name: str, authorities: str | None = None) -> bool:
        """Whether public authorities, or those of a PEM file, vouch for the server's certificate under this name."""
        found = self.tls._peer_certificate if self._is_client else None
        if found is None:
            return False
        try:
            tls.verify_certificate(found, self.tls._peer_certificate_chain, name, cafile=authorities)
        except tls.Alert:
            return False
        return True

    @property
    def is_client(self) -> bool:
        """Whether we opened the connection."""
        return self._is_client

    @property
    def handshake_complete(self) -> bool:
        """Whether TLS is done on this side."""
        return self._handshake_complete

    @property
    def ended(self) -> bool:
        """Whether the connection is closing, draining or gone."""
        return self._state in END_STATES or self._close_event is not None

    @property
    def close_event(self) -> events.ConnectionTerminated | None:
        """Why the connection ends, as soon as it is known (aioquic tells only after the draining period)."""
        return self._close_event

    # ---- figures

    @property
    def smoothed_rtt(self) -> float | None:
        """Seconds; None before the first sample."""
        return self._loss._rtt_smoothed if self._loss._rtt_initialized else None

    # ---- streams

    def open_stream(self) -> int:
        """Create a bidirectional stream, so that the next call names another one."""
        stream = self.get_next_available_stream_id()
        self._get_or_create_stream_for_send(stream)
        return stream

    def write_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        """Queue bytes. Raises LocalProtocolError for a stream that never was, or whose end was sent."""
        known = self._streams.get(stream)
        if known is None and not self._stream_is_discarded(stream):
            raise LocalProtocolError(f"no stream {stream}")
        if known is not None and known.sender._buffer_fin is not None:
            raise LocalProtocolError(f"stream {stream} has ended")
        self.send_stream_data(stream, data, end)
        self.on_wanted()

    def send_stream_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Queue bytes; what is written to a stream that the peer abandoned is forgotten, not an error."""
        known = self._streams.get(stream_id)
        if known is None:
            over = self._stream_is_discarded(stream_id)
        else:
            over = known.sender._reset_error_code is not None
        if not over:
            super().send_stream_data(stream_id, data, end_stream)

    def set_bulk(self, stream: int) -> None:
        """Let a stream leave after every datagram."""
        self._bulk.add(stream)

    def abandon_stream(self, stream: int, code: int) -> None:
        """Reset our direction of a stream and ask the peer to stop the other."""
        known = self._streams.get(stream)
        if known is None:
            return
        known.sender.reset(code)
        if not known.receiver.is_finished:
            known.receiver.stop(code)
        self.on_wanted()

    def has_stream(self, stream: int) -> bool:
        """Whether a stream's state is still kept."""
        return stream in self._streams

    def stream_backlog(self, stream: int) -> int:
        """Bytes written to a stream and not yet acknowledged."""
        known = self._streams.get(stream)
        if known is None or known.sender._reset_error_code is not None:
            return 0
        return known.sender._buffer_stop - known.sender._buffer_start

    # ---- receiving

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        self._spaces[ONE_RTT].received_packets._size = REORDER_WINDOW

    def _replenish_connection_ids(self) -> None:
        known = len(self._host_cids)
        super()._replenish_connection_ids()
        for connection_id in self._host_cids[known:]:
            connection_id.cid = self._new_connection_id()
            connection_id.stateless_reset_token = reset_token(self._reset_key, connection_id.cid)

    def receive_datagram(self, data: bytes, addr: NetworkAddress, now: float) -> None:
        """Take one UDP payload; one from yet another address is left unread while the peer moves too often."""
        if not self.accepts_from(addr, now):
            return
        super().receive_datagram(data, addr, now)
        self._heard_at = now
        self._look_at_path()
        if self._unacknowledged >= ACK_EVERY:
            space = self._spaces[ONE_RTT]
            if space.ack_at is not None:
                space.ack_at = now

    def _payload_received(
        self, context: QuicReceiveContext, plain: bytes, crypto_frame_required: bool = False
    ) -> tuple[bool, bool]:
        kind = kind_of(plain) if context.epoch == ONE_RTT else Payload.ANYTHING
        eliciting, probing = super()._payload_received(context, plain, crypto_frame_required)
        if eliciting:
            if kind is Payload.ANYTHING:
                self._must_flush = True
            if context.epoch == ONE_RTT:
                self._unacknowledged += 1
                delay = self._feedback_ack_delay if kind is Payload.FEEDBACK else self._options.ack_delay
                self._acknowledge_in(delay, context.time)
        return eliciting, probing

    def _acknowledge_in(self, delay: float, now: float) -> None:
        """Acknowledge the packet that is being read in so many seconds at the latest."""
        self._ack_delay = delay
        space = self._spaces[ONE_RTT]
        if space.ack_at is not None:
            space.ack_at = min(space.ack_at, now + delay)

    @property
    def _feedback_ack_delay(self) -> float:
        return max(self._options.ack_delay, FEEDBACK_ACK_DELAY)

    def _write_ack_frame(self, builder: QuicPacketBuilder, space: QuicPacketSpace, now: float) -> None:
        super()._write_ack_frame(builder, space, now)
        if space.is_application_data:
            self._unacknowledged = 0

    # ---- sending

    def wants_flush(self, now: float) -> bool:
        """Whether `datagrams_to_send` could do anything: after a mere acknowledgement it usually cannot."""
        if not self._network_paths:
            return False  # a first packet that could not be read
        if (
            self._must_flush
            or self._close_pending
            or not self._handshake_confirmed
            or self.queue
            or self._probe_pending
        ):
            return True
        wakes = self.hop.wakes_at()
        if wakes is not None and wakes <= now:
            return True
        due = self._spaces[ONE_RTT].ack_at
        if (due is not None and due <= now) or self._ping_pending or not self._network_paths[0].is_validated:
            return True
        return self._streams_wait()

    def _streams_wait(self) -> bool:
        """Whether a stream has something to send, or ended."""
        for stream in self._streams_queue:
            sender = stream.sender
            if not sender.buffer_is_empty or sender.reset_pending or stream.receiver.stop_pending or stream.is_finished:
                return True
        return False

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, NetworkAddress]]:
        """UDP payloads that may leave now, most urgent first, with their addresses."""
        self._prepare_datagrams(now)
        self._must_flush = False
        space = self._spaces.get(ONE_RTT)
        if space is not None and space.ack_at is not None and (space.ack_at == now or self._carries_more(now)):
            # aioquic counts an acknowledgement due at this very moment as due, yet holds it back for pacing.
            space.ack_at = math.nextafter(now, -math.inf)
        if self._packet_number - self._key_began >= self._options.key_update_after and self._handshake_confirmed:
            self._key_began = self._packet_number
            self.request_key_update()
        datagrams: list[tuple[bytes, NetworkAddress]] = []
        if self._close_pending and self._handshake_complete:
            # What was written before the end goes first: a refusal would otherwise never be read.
            self._close_pending = False
            datagrams = super().datagrams_to_send(now)
            self._close_pending = True
        return datagrams + super().datagrams_to_send(now)

    def _carries_more(self, now: float) -> bool:
        """Whether a datagram leaves now in whose packet there is room for an acknowledgement, which is not due yet."""
        if not self.queue or not self._network_paths[0].is_validated:
            return False
        if len(self.queue[0].payload) > self.max_datagram - ACK_ROOM:
            return False
        self._pace.urgent = self._pace.bulk = False
        return self._pace.next_send_time(now) is None

    def _write_application(self, builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float) -> None:
        """aioquic puts datagrams before streams: its writer runs once for each of streams, datagrams, bulk streams."""
        if self._handshake_confirmed and not self._streams_wait():
            self._write_without_streams(builder, network_path, now)
            return
        if self._bulk:
            self._bulk = {stream for stream in self._bulk if stream in self._streams}
        urgent = [stream for stream in self._streams_queue if stream.stream_id not in self._bulk]
        bulk = [stream for stream in self._streams_queue if stream.stream_id in self._bulk]
        waiting = any(not stream.sender.buffer_is_empty and not stream.is_blocked for stream in urgent)
        passes: list[tuple[list[QuicStream], bool, bool]] = []
        if waiting or not self.queue:
            passes.append((urgent, False, False))
        if self.queue:
            passes.append(([] if waiting else urgent, True, False))
        if bulk:
            passes.append((bulk, False, True))
        left: list[list[QuicStream]] = [streams for streams, _, _ in passes]
        flight = builder.max_flight_bytes
        try:
            for index, (streams, with_datagrams, is_bulk) in enumerate(passes):
                self._streams_queue = streams
                self._datagrams_pending = self.queue if with_datagrams else NO_DATAGRAMS  # type: ignore[assignment]
                self._pace.urgent, self._pace.bulk = not with_datagrams and not is_bulk, is_bulk
                if flight is not None and not self._probe_pending:
                    builder.max_flight_bytes = self._flight(flight, with_datagrams, is_bulk)
                sent = {stream.stream_id: stream.sender.highest_offset for stream in streams}
                try:
                    super()._write_application(builder, network_path, now)
                except QuicPacketBuilderStop:
                    if is_bulk or index == len(passes) - 1:
                        raise
                finally:
                    # aioquic keeps those it served in a set, whose order differs from process to process.
                    left[index] = sorted(
                        self._streams_queue,
                        key=lambda stream: (stream.sender.highest_offset > sent[stream.stream_id], stream.stream_id),
                    )
                if self._pacing_at is not None:
                    break
        finally:
            self._streams_queue = [stream for streams in left for stream in streams]

    def _write_without_streams(self, builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float) -> None:
        """What most packets of media are: nothing but datagrams and acknowledgements; one pass that ends with them."""
        media = bool(self.queue)
        if builder.max_flight_bytes is not None and not self._probe_pending:
            builder.max_flight_bytes = self._flight(builder.max_flight_bytes, media, False)
        streams, self._streams_queue = self._streams_queue, []
        self._datagrams_pending = self.queue  # type: ignore[assignment]
        self._pace.urgent, self._pace.bulk = not media, False
        try:
            with self._pace.while_any(self.queue):
                super()._write_application(builder, network_path, now)
        finally:
            self._streams_queue = streams

    def _flight(self, flight: int, with_datagrams: bool, is_bulk: bool) -> int:
        """Bytes that a pass may add to those in flight: media keeps out of what is reserved for control and input, and
        bulk leaves the path's queue alone."""
        if is_bulk:
            return min(flight - RESERVE, self._congestion.bulk_window - self._congestion.bytes_in_flight)
        return flight - RESERVE if with_datagrams else flight

    # ---- time

    def close_at(self, when: float) -> None:
        """Close without an error at a later time, unless the peer does so first."""
        self._expires = when

    def terminate(self, code: int, reason: str) -> None:
        """End at once and in silence, as after a stateless reset."""
        if self._close_event is None:
            self._close_event = events.ConnectionTerminated(code, QuicFrameType.PADDING, reason)
        self._close_end()

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called, in the caller's time; None: not at all."""
        timers = [super().get_timer()]
        if self._state not in END_STATES:
            timers.append(self._expires)
            if not self._handshake_complete:
                timers.append(self._deadline)
            else:
                timers.append(self.hop.wakes_at())
            if self._handshake_complete and self._options.keepalive is not None:
                timers.append(max(self._heard_at, self._pinged_at) + self._options.keepalive)
        return min((timer for timer in timers if timer is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`."""
        self._must_flush = True
        if self._state in END_STATES or self._close_at is None:
            if self._close_at is not None:
                super().handle_timer(now)
            return
        if not self._handshake_complete and now >= self._deadline:
            self.terminate(QuicErrorCode.CONNECTION_REFUSED, "handshake not completed in time")
            return
        if self._expires is not None and now >= self._expires:
            self._expires = None
            self.close()
        keepalive = self._options.keepalive
        if keepalive is not None and now >= max(self._heard_at, self._pinged_at) + keepalive:
            self._pinged_at = now
            self.send_ping(0)
        super().handle_timer(now)
