"""Reader: the packets that most packets are, read without aioquic's generality.

A packet with a short header, of the present keys, on the one path, that holds acknowledgements, datagrams and pieces of
known streams, changes exactly what aioquic's `receive_datagram` would have changed; of any other nothing is touched,
and aioquic reads it. That halves what the usual packet costs. Where a qlog is written, aioquic reads all, since it
writes the log.
"""

from __future__ import annotations

from collections.abc import Callable

from aioquic.quic import events
from aioquic.quic.connection import NetworkAddress, QuicConnection, QuicConnectionState
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.recovery import MAX_ACK_RANGES, QuicPacketSpace

from avl_protocol.quic.acknowledged import Acknowledged
from avl_protocol.quic.payload import Contents, Payload, Piece, read
from avl_protocol.quic.shortheader import Damaged, spins, unprotect


class Reader:
    """Reads for one connection; `acknowledged` enters acknowledgements. `on_eliciting(kind, size, now)` is told of each
    packet that asks for one, before its number is entered."""

    __slots__ = ("_acknowledged", "_connection", "_is_client", "_keys", "_on_eliciting", "_space")

    def __init__(
        self,
        connection: QuicConnection,
        acknowledged: Acknowledged,
        on_eliciting: Callable[[Payload, int, float], None],
    ) -> None:
        self._connection = connection
        self._acknowledged = acknowledged
        self._is_client: bool = connection._is_client
        self._on_eliciting = on_eliciting
        self._space: QuicPacketSpace
        self._keys: CryptoPair

    def begin(self, space: QuicPacketSpace, keys: CryptoPair) -> None:
        """The packets and the keys of application data, once there are any."""
        self._space, self._keys = space, keys

    def take(self, data: bytes, address: NetworkAddress, now: float) -> bool:
        """Read one UDP payload; False, with nothing changed, where aioquic has to."""
        connection = self._connection
        paths = connection._network_paths
        if (
            not connection._handshake_confirmed
            or not data
            or data[0] & 0x80
            or len(paths) != 1
            or paths[0].addr != address
            or not paths[0].is_validated
            or not self._is_ours(data)
            or connection._state is not QuicConnectionState.CONNECTED
            or connection._close_pending
            or connection._quic_logger is not None
        ):
            return False
        space = self._space
        try:
            opened = unprotect(
                self._keys, data, cid_length=len(connection.host_cid), expected=space.expected_packet_number
            )
        except Damaged:
            return True
        if opened is None:
            return False
        first, number, plain = opened
        if number in space.received_packets:
            return True
        contents = read(plain)
        if contents is None or (contents.pieces and not self._all_fit(contents.pieces)):
            return False
        if number > space.expected_packet_number:
            space.expected_packet_number = number + 1
        if number > connection._spin_highest_pn:
            connection._spin_bit = spins(first) is not self._is_client
            connection._spin_highest_pn = number
        self._apply(contents, space, now)
        connection._close_at = now + connection._idle_timeout()
        connection._ack_eliciting_sent_since_receipt = False
        self._enter(number, contents, len(data), space, now)
        return True

    def _is_ours(self, data: bytes) -> bool:
        """Whether a packet is addressed to the connection ID in use. A client may be called by any of its own; that a
        server is called by another begins a migration."""
        connection = self._connection
        if data.startswith(connection.host_cid, 1):
            return True
        return self._is_client and any(data.startswith(known.cid, 1) for known in connection._host_cids)

    def _all_fit(self, pieces: list[Piece]) -> bool:
        """Whether all come next on streams that are known, within their limits."""
        limit = self._connection._local_max_data
        return limit.used + sum(len(piece.data) for piece in pieces) <= limit.value and all(map(self._fits, pieces))

    def _fits(self, piece: Piece) -> bool:
        """Whether bytes come next on a stream that is known, and do not end it."""
        stream = self._connection._streams.get(piece.stream)
        if stream is None or piece.end or not piece.data:
            return False
        receiver = stream.receiver
        return (
            not receiver.is_finished
            and receiver._final_size is None
            and not receiver._buffer
            and piece.offset == receiver._buffer_start
            and piece.offset + len(piece.data) <= stream.max_stream_data_local
        )

    def _apply(self, contents: Contents, space: QuicPacketSpace, now: float) -> None:
        connection = self._connection
        for acknowledgement in contents.acknowledgements:
            self._acknowledged.take(acknowledgement, space, now)
        for payload in contents.datagrams:
            connection._events.append(events.DatagramFrameReceived(data=payload))
        for piece in contents.pieces:
            receiver = connection._streams[piece.stream].receiver
            receiver._buffer_start = piece.offset + len(piece.data)
            connection._local_max_data.used += max(0, receiver._buffer_start - receiver.highest_offset)
            receiver.highest_offset = max(receiver.highest_offset, receiver._buffer_start)
            connection._events.append(
                events.StreamDataReceived(data=piece.data, end_stream=False, stream_id=piece.stream)
            )

    def _enter(self, number: int, contents: Contents, size: int, space: QuicPacketSpace, now: float) -> None:
        """Note that a packet has come, and when it has to be acknowledged."""
        if contents.eliciting:
            self._on_eliciting(contents.kind, size, now)
        if number > space.largest_received_packet:
            space.largest_received_packet = number
            space.largest_received_time = now
        space.ack_queue.add(number)
        space.received_packets.add(number)
        if len(space.ack_queue) > MAX_ACK_RANGES:
            space.ack_queue.shift()
        if contents.eliciting and space.ack_at is None:
            space.ack_at = now + self._connection._ack_delay
