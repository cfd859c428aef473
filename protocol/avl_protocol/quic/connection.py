"""Connection: one QUIC connection as a sans-IO state machine, aioquic's with what real-time media needs.

aioquic can only be changed by overriding its methods, so this is the one class that does; nothing is patched in place.
Each hook asks a collaborator that has one subject and knows no connection: datagrams with priority, deadline and fate
(`datagrams`), the order of streams and datagrams (`turns`), receive credit returned by the application (`flow`), our
rate controller and pacer (`congestion`), addresses that change (`migration`), signs of life and deadlines (`liveness`),
acknowledgements (`acknowledging`), key updates (`keys`), connection IDs (`identifiers`). Packets of the usual kind are
read and written without aioquic (`reading`, `writing`), and are the same as if it had done so. Each private name of
aioquic that is touched is listed in `quic/contract.py` and has a test.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from operator import attrgetter

from aioquic import tls
from aioquic.buffer import Buffer  # type: ignore[attr-defined]
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import (
    END_STATES,
    Limit,
    NetworkAddress,
    QuicConnection,
    QuicNetworkPath,
    QuicReceiveContext,
)
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import QuicErrorCode, QuicFrameType, pull_quic_transport_parameters
from aioquic.quic.packet_builder import QuicPacketBuilder, QuicPacketBuilderStop
from aioquic.quic.recovery import QuicPacketSpace
from aioquic.quic.stream import QuicStream
from cryptography.hazmat.primitives.serialization import Encoding

from avl_protocol.quic.acknowledged import Acknowledged
from avl_protocol.quic.acknowledging import Acknowledging
from avl_protocol.quic.congestion import RESERVE, CongestionAdapter
from avl_protocol.quic.datagrams import FEEDBACK_PRIORITY, DatagramSender
from avl_protocol.quic.flow import FRIEND, ConnectionCredit, Credit, StreamCredit, Windows
from avl_protocol.quic.identifiers import ConnectionIds
from avl_protocol.quic.keys import KeyUpdate
from avl_protocol.quic.liveness import Liveness
from avl_protocol.quic.migration import AHEAD, AHEAD_LIFE, Move, PeerPath
from avl_protocol.quic.options import ConnectionOptions as ConnectionOptions
from avl_protocol.quic.payload import Payload, read, too_many
from avl_protocol.quic.qlog import Trace
from avl_protocol.quic.reading import Reader
from avl_protocol.quic.turns import Turns, order
from avl_protocol.quic.writing import ACK_ROOM, Writer, carries
from avl_protocol.rate.control import RateController
from avl_protocol.rate.sendqueue import Waiting
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, CloseCode

ONE_RTT = tls.Epoch.ONE_RTT
#: aioquic reports what strangers do wrong as warnings; without a handler those would reach the terminal.
logging.getLogger("quic").addHandler(logging.NullHandler())
#: How many packet numbers back a late packet is still accepted; aioquic's 128 are 25 ms at 50 Mbit/s.
REORDER_WINDOW = 1024
#: Streams a peer may have open at once, by direction.
MAX_BIDIRECTIONAL, MAX_UNIDIRECTIONAL = 64, 8
#: What a server may open towards its client: a relay has some for each of a host's viewers.
MAX_OF_SERVER = 1024

_was_sent = attrgetter("was_sent")
#: Stands in aioquic's place for datagrams while a turn must not send any.
NO_DATAGRAMS: tuple[()] = ()


class Connection(QuicConnection):
    """A QUIC connection. `on_wanted` is called whenever there is something to send that a flush would take.

    Time is an argument everywhere, in seconds of one monotonic clock.
    """

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
        self.on_wanted: Callable[[], None] = _nobody
        #: Whether the peer has proved who it is; a server has towards its client.
        self.trusted = self._is_client
        self._ids = ConnectionIds(new_connection_id, reset_key)
        self._credit = Credit(Windows(configuration.max_stream_data, configuration.max_data))
        self._liveness = Liveness(now=now, handshake_deadline=options.handshake_deadline, keepalive=options.keepalive)
        self._peer = PeerPath(is_client=self._is_client)
        self._acks = Acknowledging(options.ack_delay)
        self._keys = KeyUpdate(options.key_update_after)
        self._turns = Turns()
        congestion = self._loss._cc
        assert isinstance(congestion, CongestionAdapter)
        self._congestion = congestion
        self._datagrams = DatagramSender(
            settings=options.rate,
            congestion=congestion,
            packet_size=self._max_datagram_size,
            trace=self.trace,
        )
        self._pace = self._datagrams.pacer
        self._reader = Reader(self, Acknowledged(self, self._datagrams), self._elicited)
        self._writer = Writer(self, self._datagrams, self._acks.sent)
        #: The hop's rate, and the datagrams that wait.
        self.hop, self.queue = self._datagrams.hop, self._datagrams.queue
        #: Whether the peer may have issued or retired connection IDs since `tokens_changed` was asked.
        self._names_changed = True
        self._must_flush = True
        self._timer: float | None = None
        self._timer_known = False
        self._space: QuicPacketSpace | None = None
        self._pair: CryptoPair
        self._crypto: QuicStream | None = None
        self._certificate: bytes | None = None
        self._take_aioquics_place(options, destination)

    def _take_aioquics_place(self, options: ConnectionOptions, destination: bytes | None) -> None:
        """Put our own where aioquic has set something of its own."""
        self._ack_delay = options.ack_delay
        self._loss._pacer = self._pace  # type: ignore[assignment]
        issued, first = self._ids.issue(), self._host_cids[0]
        first.cid = self.host_cid = self._local_initial_source_connection_id = issued.connection_id
        if not self._is_client:
            first.stateless_reset_token = issued.reset_token
        if destination is not None:
            self._peer_cid.cid = self._original_destination_connection_id = destination
        self._local_max_streams_bidi = Limit(
            QuicFrameType.MAX_STREAMS_BIDI, "max_streams_bidi", MAX_OF_SERVER if self._is_client else MAX_BIDIRECTIONAL
        )
        self._local_max_streams_uni = Limit(QuicFrameType.MAX_STREAMS_UNI, "max_streams_uni", MAX_UNIDIRECTIONAL)

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

    def tokens_changed(self) -> bool:
        """Whether `peer_reset_tokens` may be others than when this was last asked."""
        changed, self._names_changed = self._names_changed, False
        return changed

    @property
    def peer_connection_id(self) -> bytes:
        """The ID that our packets carry now."""
        return self._peer_cid.cid

    @property
    def spare_connection_ids(self) -> int:
        """How many more IDs the peer has given us, to be used from other addresses."""
        return len(self._peer_cid_available)

    @property
    def key_phase(self) -> int:
        """The key phase bit of what we send: it changes with each update of the keys."""
        return self._cryptos[ONE_RTT].key_phase

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

    @property
    def latest_rtt(self) -> float | None:
        """Seconds; None before the first sample."""
        return self._loss._rtt_latest if self._loss._rtt_initialized else None

    @property
    def heard_at(self) -> float:
        """When a packet of the peer last arrived, in seconds of the caller's clock."""
        return self._liveness.heard_at

    @property
    def answered_at(self) -> float:
        """When the peer last acknowledged a packet, in seconds of the caller's clock."""
        return self._congestion.answered_at

    @property
    def migrations(self) -> int:
        """Changes of address so far, of either end."""
        return self._peer.migrations

    @property
    def trace(self) -> Trace | None:
        """What writes the qlog file; None where there is none, and once the connection is over."""
        trace = self._quic_logger
        return trace if isinstance(trace, Trace) else None

    @property
    def credit(self) -> ConnectionCredit:
        """What the peer may send on all streams together."""
        limit = self._local_max_data
        return ConnectionCredit(limit=limit.value, used=limit.used, consumed=self._credit.consumed)

    def stream_credit(self, stream: int) -> StreamCredit:
        """What the peer may send on a stream; its limit is 0 when the stream is no longer kept."""
        known, held = self._streams.get(stream), self._credit.held(stream)
        if known is None:
            return StreamCredit(limit=0, buffered=0, held=held)
        return StreamCredit(limit=known.max_stream_data_local, buffered=len(known.receiver._buffer), held=held)

    # ---- addresses

    @property
    def local_pin(self) -> str | None:
        """The local address that packets leave from, where that was chosen here."""
        address = self.get_peer_address()
        return address[2] if address is not None and len(address) > 2 else None

    def ask(self) -> None:
        """Send a PING, whatever the window says: it shows whether the peer is there."""
        self.send_ping(0)
        self._probe_pending = True
        self.on_wanted()

    def follow(self, now: float) -> None:
        """Our own address has changed already: say so, under another connection ID, so that nobody can link the two."""
        path = self._network_paths[0]
        path.addr = path.addr[:2]
        self.change_connection_id()
        self._names_changed = True
        if self._handshake_confirmed and self.max_datagram:
            self._datagrams.add_padding(AHEAD, now + AHEAD_LIFE)
        self._begin_path()
        self.ask()

    def try_from(self, current: str, local: str) -> bool:
        """Make before break: stay at the local address `current`, and move to `local` once the peer has answered there.

        False where the peer has given us no connection ID to spare.
        """
        if not self._peer_cid_available or not self._handshake_confirmed:
            return False
        path = self._network_paths[0]
        path.addr = (*path.addr[:2], current)
        self._peer.expect(path.addr)
        attempt = QuicNetworkPath((*path.addr[:2], local))
        attempt.peer_cid = self._peer_cid_available.pop(0)
        self._add_network_path(attempt)
        self._names_changed = True
        self._must_flush = True
        self.on_wanted()
        return True

    def accepts_from(self, address: NetworkAddress, now: float) -> bool:
        """Whether a packet from this address may be looked at: a peer does not change its address all the time."""
        paths = self._network_paths
        return not paths or self._knows(address) or self._peer.admits_stranger(now)

    def arriving_as(self, address: tuple[str, int], local: tuple[str, ...]) -> NetworkAddress:
        """The name under which this connection knows where a packet came from: with our address where that matters."""
        labelled: NetworkAddress = (*address, *local) if local else address
        return labelled if not self._is_client or self._knows(labelled) else address

    def _knows(self, address: NetworkAddress) -> bool:
        paths = self._network_paths
        return bool(paths) and (paths[0].addr == address or any(path.addr == address for path in paths[1:]))

    def _begin_path(self) -> None:
        """Forget what was measured (RFC 9000, section 9.4)."""
        loss = self._loss
        loss._rtt_initialized = False
        loss._rtt_min = math.inf
        loss._pto_count = 0
        self._datagrams.begin_path()
        self._congestion.mtu.begin_path()
        self._timer_known = False

    # ---- datagrams

    @property
    def max_datagram(self) -> int:
        """Largest DATAGRAM payload that fits one packet and that the peer takes; 0 when it takes none."""
        accepted = self._remote_max_datagram_frame_size
        if accepted is None:
            return 0
        header, tag, frame = 3 + len(self._peer_cid.cid), 16, 3
        return max(0, min(MAX_DATAGRAM_PAYLOAD, self._max_datagram_size - header - tag - frame, accepted - frame))

    def use_controller(self, controller: RateController) -> None:
        """Let another rate controller decide from now on."""
        self._datagrams.use_controller(controller)

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None
    ) -> None:
        """Queue datagrams; raises LocalProtocolError when one is larger than `max_datagram`."""
        self._datagrams.add(payloads, priority=priority, deadline=deadline, cookies=cookies, largest=self.max_datagram)
        self.on_wanted()

    def take_fates(self) -> list[tuple[object, bool]]:
        """Cookies of datagrams whose fate became known since the last call; True: acknowledged."""
        return self.hop.take_fates()

    def end_log(self) -> None:
        """Nothing more will happen here: finish the qlog file, where there is one."""
        self._datagrams.end_log()

    def _write_datagram_frame(self, builder: QuicPacketBuilder, data: Waiting, frame_type: QuicFrameType) -> bool:  # type: ignore[override]
        space = self._space
        first = space is not None and space.ack_at is not None and builder.packet_is_empty
        if first and space is not None and carries(len(data.payload), builder.remaining_flight_space):
            self._write_ack_frame(builder, space, self._datagrams.now)
        self._datagrams.write(builder, data, frame_type)
        return True

    # ---- size of packets

    @property
    def mtu(self) -> int:
        """Bytes of a UDP payload that the path is known to carry; bulk streams alone make use of it."""
        return self._congestion.mtu.size

    def discover_mtu(self) -> None:
        """Find out what the path carries: packets leave here undivided (RFC 9000, section 14)."""
        self._congestion.mtu.enable()

    def refused(self, size: int, address: NetworkAddress, now: float) -> None:
        """A packet of this size to this address did not leave: it is too large for this machine's own network card."""
        if self._network_paths and self._network_paths[0].addr[:2] == address[:2]:
            self._congestion.mtu.refused(size, now)

    def _parse_transport_parameters(self, data: bytes, from_session_ticket: bool = False) -> None:
        super()._parse_transport_parameters(data, from_session_ticket)
        largest = pull_quic_transport_parameters(Buffer(data=data)).max_udp_payload_size
        if largest is not None:
            self._congestion.mtu.limit(largest)

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
        self._turns.set_bulk(stream)

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

    def receives(self, stream: int) -> bool:
        """Whether more may come on a stream: neither its end nor a reset of the peer's has arrived."""
        known = self._streams.get(stream)
        return known is not None and not known.receiver.is_finished

    # ---- receive credit

    def trust_peer(self) -> None:
        """The peer proved who it is: give it the windows of a friend."""
        self.trusted = True
        self._credit.widen(FRIEND)
        self.on_wanted()

    def consume(self, stream: int, size: int) -> None:
        """The application is done with `size` bytes of a stream."""
        self._credit.consume(stream, size)
        limit = self._local_max_data.value
        known = self._streams.get(stream)
        if self._credit.raised_connection_limit(limit) != limit or (known and self._raised(known)):
            self._must_flush = True
            self.on_wanted()

    def next_event(self) -> events.QuicEvent | None:
        """The next event of aioquic's, counted against the receive credit."""
        if not self._events:
            return None
        event = self._events.popleft()
        if isinstance(event, events.StreamDataReceived):
            self._credit.delivered(event.stream_id, len(event.data))
        elif isinstance(event, events.StreamReset):
            known = self._streams.get(event.stream_id)
            missing = 0 if known is None else known.receiver.highest_offset - known.receiver._buffer_start
            self._credit.forget(event.stream_id, missing)
        return event

    @property
    def has_events(self) -> bool:
        """Whether `next_event` would return one."""
        return bool(self._events)

    def _raised(self, stream: QuicStream) -> int | None:
        """A stream's new limit if it should be announced now."""
        limit, receiver = stream.max_stream_data_local, stream.receiver
        if not limit or receiver.is_finished or stream.stream_id is None:
            return None
        raised = self._credit.raised_stream_limit(stream.stream_id, receiver._buffer_start, limit)
        return raised if raised != limit else None

    def _limits_to_tell(self) -> bool:
        """Raise the connection's limit where that is due. True: it, or the number of streams, has to be told."""
        limit = self._local_max_data
        limit.value = self._credit.raised_connection_limit(limit.value)
        return (
            limit.value != limit.sent or _is_low(self._local_max_streams_bidi) or _is_low(self._local_max_streams_uni)
        )

    def _write_stream_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace, stream: QuicStream) -> None:
        number = stream.stream_id
        if stream.is_blocked:
            return  # the peer is not to hear of it yet
        if number not in self._credit.settled and number is not None:
            raised = self._raised(stream)
            if raised is not None:
                stream.max_stream_data_local = raised
            self._credit.settle(number, self._streams.keys())
        if stream.max_stream_data_local_sent == stream.max_stream_data_local:
            return
        receiver = stream.receiver
        # aioquic doubles the window by what was received; nothing received, nothing doubled.
        highest, receiver.highest_offset = receiver.highest_offset, 0
        try:
            super()._write_stream_limits(builder, space, stream)
        finally:
            receiver.highest_offset = highest

    def _write_connection_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace) -> None:
        if not self._limits_to_tell():
            return
        limit = self._local_max_data
        used, limit.used = limit.used, 0
        try:
            super()._write_connection_limits(builder, space)
        finally:
            limit.used = used

    # ---- receiving

    def connect(self, addr: NetworkAddress, now: float) -> None:
        """Begin the handshake (clients)."""
        self._timer_known = False
        super().connect(addr, now)

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        self._space, self._crypto = self._spaces[ONE_RTT], self._crypto_streams[ONE_RTT]
        self._space.received_packets._size = REORDER_WINDOW
        self._pair = self._cryptos[ONE_RTT]
        self._reader.begin(self._space, self._pair)
        self._writer.begin(self._space, self._pair)

    def _replenish_connection_ids(self) -> None:
        known = len(self._host_cids)
        super()._replenish_connection_ids()
        for made in self._host_cids[known:]:
            made.cid, made.stateless_reset_token = self._ids.issue()

    def receive_datagram(self, data: bytes, addr: NetworkAddress, now: float) -> None:
        """Take one UDP payload; one from yet another address is left unread while the peer moves too often."""
        if not self._reader.take(data, addr, now):
            if not self.accepts_from(addr, now):
                return
            self._names_changed = True
            super().receive_datagram(data, addr, now)
        self._timer_known = False
        self._liveness.heard_at = now
        if self._network_paths and self._peer.seen(self._network_paths[0].addr) is Move.ADDRESS:
            self._begin_path()
        if self._acks.due:
            space = self._space
            if space is not None and space.ack_at is not None:
                space.ack_at = now

    def _payload_received(
        self, context: QuicReceiveContext, plain: bytes, crypto_frame_required: bool = False
    ) -> tuple[bool, bool]:
        contents = read(plain) if context.epoch is ONE_RTT else None
        if contents is None and too_many(plain):
            self.close(error_code=CloseCode.LIMIT, reason_phrase="too many frames")
            return False, False
        eliciting, probing = super()._payload_received(context, plain, crypto_frame_required)
        if eliciting and context.epoch is ONE_RTT:
            self._elicited(Payload.ANYTHING if contents is None else contents.kind, len(plain), context.time)
        elif eliciting:
            self._must_flush = True
        return eliciting, probing

    def _elicited(self, kind: Payload, size: int, now: float) -> None:
        """The packet that is being read asks for an acknowledgement, which should leave soon."""
        if kind is Payload.ANYTHING:
            self._must_flush = True
        self._ack_delay = delay = self._acks.received(kind, size, now)
        space = self._space
        if space is not None and space.ack_at is not None:
            space.ack_at = min(space.ack_at, now + delay)

    def _write_ack_frame(self, builder: QuicPacketBuilder, space: QuicPacketSpace, now: float) -> None:
        super()._write_ack_frame(builder, space, now)
        if space is self._space:
            self._acks.sent()

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
        due = None if self._space is None else self._space.ack_at
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
        if self._datagrams.prepare(now, open_to=self._handshake_confirmed and self.max_datagram > 0):
            self._probe_pending = True
        self._must_flush = self._timer_known = False
        self._pace.waited = self._pacing_at is not None
        space = self._space
        if space is not None and space.ack_at is not None and (space.ack_at == now or self._carries_more(now)):
            # aioquic counts an acknowledgement due at this very moment as due, yet holds it back for pacing.
            space.ack_at = math.nextafter(now, -math.inf)
        if self._handshake_confirmed and self._keys.take(self._packet_number):
            self.request_key_update()
        waiting = self._usual_streams() if self._is_usual() else None
        if waiting is not None:
            if not waiting and not self.queue and (space is None or space.ack_at is None or space.ack_at > now):
                self._pacing_at = None
                return []
            if self._quic_logger is None and not self._writer.asks_for_more(now):
                turns = self._turns.plan(self._streams_queue, self._streams, bool(self.queue)) if waiting else ()
                return self._writer.write(now, turns)
        if self._close_pending and self._handshake_complete:
            # What was written before the end goes first: a refusal would otherwise never be read.
            self._close_pending = False
            before = super().datagrams_to_send(now)
            self._close_pending = True
            return before + super().datagrams_to_send(now)
        return super().datagrams_to_send(now)

    def _is_usual(self) -> bool:
        """Whether the connection has nothing to say of itself: of what aioquic's `_write_application` may write, at
        most acknowledgements, datagrams and bytes of streams. Without any of them a packet would be empty, which is as
        dear to find out by building it as a full one is to build."""
        if (
            not self._handshake_confirmed
            or self._close_pending
            or self._probe_pending
            or self._ping_pending
            or self._handshake_done_pending
            or self._streams_blocked_pending
            or self._retire_connection_ids
            or self._remote_preferred_address is not None
            or self._state in END_STATES
            or self._pair._update_key_requested
        ):
            return False
        crypto, paths = self._crypto, self._network_paths
        if len(paths) > 1 or not paths[0].is_validated or paths[0].remote_challenges:
            return False
        if crypto is None or not crypto.sender.buffer_is_empty or self._limits_to_tell():
            return False
        return all(map(_was_sent, self._host_cids))

    def _usual_streams(self) -> bool | None:
        """Whether streams have bytes to send now; None where there is more to say of one."""
        settled, waits = self._credit.settled, False
        for number, stream in self._streams.items():
            sender, receiver = stream.sender, stream.receiver
            if stream.max_stream_data_local_sent != stream.max_stream_data_local:
                return None
            if sender.reset_pending or receiver.stop_pending or stream.is_finished:
                return None
            if number not in settled:
                if self._raised(stream) is not None:
                    return None
                self._credit.settle(number, self._streams.keys())
            if not sender.buffer_is_empty and not stream.is_blocked:
                waits = True
        return waits

    def _carries_more(self, now: float) -> bool:
        """Whether a datagram leaves now in whose packet there is room for an acknowledgement, which is not due yet."""
        if not self.queue or not self._network_paths[0].is_validated:
            return False
        if len(self.queue[0].payload) > self.max_datagram - ACK_ROOM:
            return False
        self._pace.urgent = self._pace.bulk = False
        return self._pace.next_send_time(now) is None

    def _write_application(self, builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float) -> None:
        """aioquic puts datagrams before streams: its writer runs once for each turn."""
        if self._handshake_confirmed and not self._streams_wait():
            self._write_without_streams(builder, network_path, now)
            return
        turns = self._turns.plan(self._streams_queue, self._streams, bool(self.queue))
        left: list[Sequence[QuicStream]] = [turn.streams for turn in turns]
        flight, last = builder.max_flight_bytes, len(turns) - 1
        try:
            for index, turn in enumerate(turns):
                self._streams_queue = turn.streams  # type: ignore[assignment]
                self._datagrams_pending = self.queue if turn.datagrams else NO_DATAGRAMS  # type: ignore[assignment]
                media = turn.datagrams and self._media_waits()
                self._pace.urgent, self._pace.bulk = not media and not turn.bulk, turn.bulk
                if flight is not None and not self._probe_pending:
                    builder.max_flight_bytes = self._flight(flight, media=media, bulk=turn.bulk)
                    if index and self._handshake_confirmed:
                        builder._datagram_init = True  # the turn before began a packet in vain, by its own measure
                try:
                    with self._pace.while_any(None if turn.streams else self.queue):
                        super()._write_application(builder, network_path, now)
                except QuicPacketBuilderStop:
                    if turn.bulk or index == last:
                        raise
                finally:
                    # aioquic keeps those it served in a set, whose order differs from process to process.
                    left[index] = order(turn, self._streams_queue)
                if self._pacing_at is not None:
                    break
        finally:
            self._streams_queue = [stream for streams in left for stream in streams]

    def _write_without_streams(self, builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float) -> None:
        """What most packets of media are: nothing but datagrams and acknowledgements; one turn that ends with them."""
        media = self._media_waits()
        if builder.max_flight_bytes is not None and not self._probe_pending:
            builder.max_flight_bytes = self._flight(builder.max_flight_bytes, media=media, bulk=False)
        streams, self._streams_queue = self._streams_queue, []
        self._datagrams_pending = self.queue  # type: ignore[assignment]
        self._pace.urgent, self._pace.bulk = not media, False
        try:
            with self._pace.while_any(self.queue):
                super()._write_application(builder, network_path, now)
        finally:
            self._streams_queue = streams

    def _media_waits(self) -> bool:
        """Whether datagrams wait other than feedback, which is as urgent as input: what the peer sends hangs on it."""
        return self.queue.holds_behind(FEEDBACK_PRIORITY)

    def _flight(self, flight: int, *, media: bool, bulk: bool) -> int:
        """Bytes that a turn may add to those in flight: media keeps out of what is reserved for control, input and
        feedback, and bulk leaves the path's queue alone."""
        if bulk:
            return min(flight - RESERVE, self._congestion.bulk_window - self._congestion.bytes_in_flight)
        return flight - RESERVE if media else flight

    # ---- time

    def close_at(self, when: float) -> None:
        """Close without an error at a later time, unless the peer does so first."""
        self._liveness.end_at(when)
        self._timer_known = False

    def terminate(self, code: int, reason: str) -> None:
        """End at once and in silence, as after a stateless reset."""
        self._timer_known = False
        if self._close_event is None:
            self._close_event = events.ConnectionTerminated(code, QuicFrameType.PADDING, reason)
        self._close_end()

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called, in the caller's time; None: not at all.

        The connection's own time is found once after each change; only the hop's is asked for every time, since what
        the application hands to it changes that too.
        """
        if not self._timer_known:
            self._timer_known = True
            self._timer = self._usual_timer() if self._handshake_confirmed else super().get_timer()
            if self._state not in END_STATES:
                due = self._liveness.next_timeout(handshake_complete=self._handshake_complete)
                self._timer = _earlier(self._timer, due)
        if not self._handshake_confirmed or self._state in END_STATES:
            return self._timer  # the hop is not asked before the peer takes datagrams (see `datagrams_to_send`)
        return _earlier(self._timer, self.hop.wakes_at())

    def _usual_timer(self) -> float | None:
        """aioquic's `get_timer` once a handshake is confirmed: of its packets those of application data are left."""
        space, loss = self._space, self._loss
        if space is None or self._state in END_STATES or not self._network_paths[0].is_validated:
            return super().get_timer()
        at = self._close_at
        lost: float | None = space.loss_time
        if lost is None and (space.ack_eliciting_in_flight or not loss.peer_completed_address_validation):
            lost = loss._time_of_last_sent_ack_eliciting_packet + loss.get_probe_timeout() * 2**loss._pto_count
        self._loss_at = lost
        for due in (lost, space.ack_at, self._pacing_at):
            at = _earlier(at, due)
        return at

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`."""
        self._must_flush = True
        self._timer_known = False
        if self._state in END_STATES or self._close_at is None:
            if self._close_at is not None:
                super().handle_timer(now)
            return
        liveness = self._liveness
        if not self._handshake_complete and liveness.handshake_overdue(now):
            self.terminate(QuicErrorCode.CONNECTION_REFUSED, "handshake not completed in time")
            return
        if liveness.take_end(now):
            self.close()
        if liveness.take_ping(now):
            self.send_ping(0)
        super().handle_timer(now)


def _earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two times, of which each may be never."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _is_low(streams: Limit) -> bool:
    """Whether the peer has fewer streams left to open than it could be given: aioquic tells it not before."""
    return streams.sent - streams.used < streams.value - streams.sent


def _nobody() -> None:
    """Nobody waits for this connection yet."""
