"""Writer: packets of acknowledgements, pieces of streams and datagrams, written without aioquic's generality.

aioquic looks at a dozen things for each packet, and begins one more in vain to see that nothing is left. Once a
handshake is over hardly any packet holds more than these three, so they are written here, as aioquic would: the same
frames in the same order, and the same entries for loss recovery. What else there may be to say, aioquic writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aioquic.quic.connection import NetworkAddress, QuicConnection
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet_builder import QuicDeliveryState
from aioquic.quic.recovery import QuicPacketSpace
from aioquic.quic.stream import QuicStream
from aioquic.tls import CipherSuite

from avl_protocol.quic.congestion import RESERVE, CongestionAdapter
from avl_protocol.quic.datagrams import FEEDBACK_PRIORITY, DatagramSender
from avl_protocol.quic.pathmtu import BASE
from avl_protocol.quic.sentpackets import SentDatagram, SentPacket, SentProbe
from avl_protocol.quic.shortheader import overhead, protect, protect_all
from avl_protocol.quic.turns import Turn, order
from avl_protocol.rate.hop import OVERHEAD
from avl_protocol.wire import varint
from avl_protocol.wire.registry import DatagramType

_ACK, _STREAM, _DATAGRAM = b"\x02", 0x08, b"\x31"
_OFFSET, _LENGTH, _END = 0x04, 0x02, 0x01
#: How a length of two bytes begins (RFC 9000, section 16).
_TWO_BYTES = 0x4000
_PING = b"\x01"
#: Bytes of a DATAGRAM frame before the data, where its length takes two.
_DATAGRAM_HEAD = 3
_REPAIR = int(DatagramType.REPAIR)
#: Bytes of a packet that an acknowledgement may take beside a datagram.
ACK_ROOM = 64
#: aioquic has every so manieth packet with several ranges acknowledged, lest they grow.
_ACKNOWLEDGED = 8


def carries(datagram: int, room: int) -> bool:
    """Whether an acknowledgement that is not due yet leaves before a datagram of so many bytes, in a packet with so
    much room: later it would need a packet, and perhaps a wake-up, of its own."""
    return _DATAGRAM_HEAD + datagram + ACK_ROOM <= room


class _Packet:
    """One packet being written: its frames, what becomes of them, and the room left."""

    __slots__ = ("eliciting", "frames", "handlers", "room")

    def __init__(self, room: int) -> None:
        self.frames: list[bytes] = []
        self.handlers: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.room = room
        self.eliciting = False

    def add(self, frame: bytes, handler: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
        """One more frame, of which `handler(state, *arguments)` is told what became of it."""
        self.frames.append(frame)
        self.room -= len(frame)
        if handler is not None:
            self.handlers.append((handler, arguments))


class Writer:
    """Writes for one connection, from its streams and the datagrams of `sender`, whose pacer is asked.

    `on_acknowledged` is called for each acknowledgement that leaves.
    """

    __slots__ = (
        "_congestion",
        "_connection",
        "_keys",
        "_on_acknowledged",
        "_pace",
        "_packets",
        "_payloads",
        "_sender",
        "_space",
    )

    def __init__(self, connection: QuicConnection, sender: DatagramSender, on_acknowledged: Callable[[], None]) -> None:
        self._connection = connection
        self._sender = sender
        self._pace = sender.pacer
        congestion = connection._loss._cc
        assert isinstance(congestion, CongestionAdapter)
        self._congestion = congestion
        self._on_acknowledged = on_acknowledged
        self._packets: list[SentPacket | SentDatagram | SentProbe] = []
        self._payloads: list[bytes] = []
        self._space: QuicPacketSpace
        self._keys: CryptoPair

    def begin(self, space: QuicPacketSpace, keys: CryptoPair) -> None:
        """The packets and the keys of application data, once there are any."""
        self._space, self._keys = space, keys

    def asks_for_more(self, now: float) -> bool:
        """Whether aioquic would write a PING behind the acknowledgement that is due, or may do so behind one that rides
        with some datagram of those that wait."""
        connection, space = self._connection, self._space
        if space.ack_at is None or len(space.ack_queue) < 2:
            return False
        before = -connection._packet_number % _ACKNOWLEDGED
        if space.ack_at <= now:
            return before == 0
        return bool(self._sender.queue) and before < len(self._sender.queue)

    def write(self, now: float, turns: Sequence[Turn[QuicStream]]) -> list[tuple[bytes, NetworkAddress]]:
        """UDP payloads that may leave now, with their addresses. `turns`: where a stream has something to send, who may
        send when; else there are but datagrams."""
        connection, space = self._connection, self._space
        self._packets, self._payloads = [], []
        connection._pacing_at = None
        self._pace.urgent, self._pace.bulk = True, False
        window = connection._loss.congestion_window - connection._loss.bytes_in_flight
        if turns:
            self._write_turns(turns, space, window, now)
        elif self._sender.queue:
            self._write_datagrams(space, window, now)
        if space.ack_at is not None and space.ack_at <= now:
            packet = self._begin(space, 0, now)
            self._end(packet, now)
        return self._leave(space, now)

    def _write_turns(self, turns: Sequence[Turn[QuicStream]], space: QuicPacketSpace, window: int, now: float) -> None:
        """One turn after the other, until one has to wait for its time."""
        connection, congestion, whole = self._connection, self._congestion, window
        left: list[Sequence[QuicStream]] = [turn.streams for turn in turns]
        for index, turn in enumerate(turns):
            if turn.bulk:
                bulk = congestion.bulk_window - congestion.bytes_in_flight - (whole - window)
                self._write_bulk(turn.streams, space, min(window - RESERVE, bulk), now)
            elif turn.served is not None:
                window = self._write_streams(turn.streams, space, window, now)
            if turn.datagrams:
                window = self._write_datagrams(space, window, now)
                if turn.streams and (space.ack_at is None or space.ack_at >= now):
                    connection._pacing_at = self._pace.next_send_time(now)  # bulk waits for the time of media
            if not turn.bulk and space.ack_at is not None and space.ack_at <= now:
                self._end(self._begin(space, 0, now), now)  # it does not wait for the time of bulk
            left[index] = order(turn, turn.streams)
            if connection._pacing_at is not None:
                break
        connection._streams_queue = [stream for streams in left for stream in streams]

    def _write_streams(self, streams: Sequence[QuicStream], space: QuicPacketSpace, window: int, now: float) -> int:
        """Packets of streams, unpaced; the window that is left."""
        self._pace.urgent, self._pace.bulk = True, False
        while True:
            packet = self._begin(space, window, now)
            streams = self._fill(packet, streams)
            if not packet.frames:
                break
            window -= self._end(packet, now)
            if all(stream.sender.buffer_is_empty for stream in streams):
                break
        return window

    def _fill(self, packet: _Packet, streams: Sequence[QuicStream]) -> Sequence[QuicStream]:
        """Pieces of streams into a packet, as far as there is room; the streams, those behind that were served."""
        fed = [stream for stream in streams if not stream.is_blocked and self._write_stream(packet, stream)]
        return [stream for stream in streams if stream not in fed] + fed

    def _write_bulk(self, streams: Sequence[QuicStream], space: QuicPacketSpace, window: int, now: float) -> None:
        """Packets of bulk streams, paced, as large as the path carries; and where that is not known yet, a probe."""
        connection, congestion, pace = self._connection, self._congestion, self._pace
        largest = congestion.bulk_size
        if (probe := congestion.mtu.probe(now)) is not None:
            self._write_probe(probe, now)
        pace.urgent, pace.bulk = False, True
        while True:
            if space.ack_at is None or space.ack_at >= now:
                at = connection._pacing_at = pace.next_send_time(now)
                if at is not None:
                    break
            if largest > window and largest > BASE and congestion.bytes_in_flight:
                break  # a whole packet soon, rather than a piece of one now
            packet = self._begin(space, window, now, largest=largest)
            streams = self._fill(packet, streams)
            if not packet.frames:
                break
            size = self._end(packet, now)
            congestion.mtu.carried(size)
            window -= size

    def _write_probe(self, size: int, now: float) -> None:
        """A packet of this size that carries nothing: PING and PADDING (RFC 9000, section 14.4)."""
        number = self._connection._packet_number + len(self._packets)
        self._payloads.append(_PING.ljust(size - overhead(self._connection._peer_cid.cid), b"\0"))
        fate = (self._answered, (self._congestion.mtu.probing(), size))
        self._packets.append(SentProbe(number, size, now, fate))

    def _answered(self, state: QuicDeliveryState, probe: int, size: int) -> None:
        """What became of a probe."""
        connection, arrived = self._connection, state is QuicDeliveryState.ACKED
        self._congestion.mtu.answered(probe, size, arrived, connection._packet_number, self._sender.now)

    def _write_stream(self, packet: _Packet, stream: QuicStream) -> bool:
        """A piece of a stream, where there is one and it has room; whether new bytes leave with it."""
        sender, connection = stream.sender, self._connection
        if sender.buffer_is_empty:
            return False
        number: int = stream.stream_id  # type: ignore[assignment]
        next_offset: int = sender.next_offset
        head = 3 + varint.size(number) + (varint.size(next_offset) if next_offset else 0)
        if packet.room - head >= _TWO_BYTES:
            head += 2  # its length may take four bytes
        before: int = sender.highest_offset
        allowed = before + connection._remote_max_data - connection._remote_max_data_used
        frame = sender.get_frame(packet.room - head, min(allowed, stream.max_stream_data_remote))
        if frame is None:
            return False
        if not self._pace.bulk and not len(sender._pending) and not sender._pending_eof:
            sender.buffer_is_empty = True  # as aioquic finds out when it asks for one more; of bulk, in its own time
        kind = _STREAM | _LENGTH | (_OFFSET if frame.offset else 0) | (_END if frame.fin else 0)
        start, size = frame.offset, len(frame.data)
        parts = (
            bytes((kind,)),
            varint.encode(number),
            varint.encode(start) if start else b"",
            (size | _TWO_BYTES).to_bytes(2, "big") if size < _TWO_BYTES else varint.encode(size),
            frame.data,
        )
        packet.add(b"".join(parts), sender.on_data_delivery, (start, start + size, frame.fin))
        packet.eliciting = True
        new: int = sender.highest_offset - before
        connection._remote_max_data_used += new
        return new > 0

    def _write_datagrams(self, space: QuicPacketSpace, window: int, now: float) -> int:
        """Packets of datagrams; media among them are paced, and keep out of the reserve. The window that is left."""
        queue, pace, sender = self._sender.queue, self._pace, self._sender
        media = queue.holds_behind(FEEDBACK_PRIORITY)
        reserve = RESERVE if media else 0
        window -= reserve
        pace.urgent, pace.bulk = not media, False
        while queue:
            if media and not sender.hop.probing and (space.ack_at is None or space.ack_at > now):
                window -= self._write_burst(window, now)
                if not queue:
                    break
            if space.ack_at is None or space.ack_at >= now:
                at = self._connection._pacing_at = pace.next_send_time(now)
                if at is not None:
                    break
            packet = self._begin(space, window, now, len(queue[0].payload))
            while queue:
                waiting = queue[0]
                size = len(waiting.payload)
                head = _DATAGRAM + varint.encode(size)
                if len(head) + size > packet.room:
                    break
                record = sender.leaves(waiting)
                packet.add(head + waiting.payload, None if record is None else sender.fate, (record,))
                packet.eliciting = True
                queue.popleft()
            if not packet.frames:
                break
            window -= self._end(packet, now)
        return window + reserve

    def _write_burst(self, window: int, now: float) -> int:
        """Packets of one datagram each, as long as one leaves no room for another or for an acknowledgement, and pace
        and window allow: what nearly all of media are. The bytes in flight that they add."""
        connection, sender = self._connection, self._sender
        around = overhead(connection._peer_cid.cid) + _DATAGRAM_HEAD
        most = connection._max_datagram_size - around
        leaving = sender.queue.take(
            least=connection._max_datagram_size // 2 if self._space.ack_at is None else most - ACK_ROOM,
            most=most,
            room=window,
            granted=self._pace.granted(now),
            around=around,
            paced=OVERHEAD,
        )
        if not leaving:
            return 0
        number, fate = connection._packet_number + len(self._packets), sender.fate
        made: list[SentDatagram] = []
        size = 0
        for waiting in leaving:
            payload = waiting.payload
            size += len(payload)
            if (framed := waiting.framed) is None:
                framed = b"".join((_DATAGRAM, (len(payload) | _TWO_BYTES).to_bytes(2, "big"), payload))
                waiting.framed = framed
            self._payloads.append(framed)
            named = waiting.named
            made.append(SentDatagram(number, now, waiting, around, named is not None and named[0] == _REPAIR, fate))
            number += 1
        self._packets += made
        sender.hop.media_sent(leaving, made, now)
        self._pace.spend(now, size + len(made) * OVERHEAD)
        return size + len(made) * around

    def _begin(
        self, space: QuicPacketSpace, window: int, now: float, datagram: int | None = None, *, largest: int = BASE
    ) -> _Packet:
        """A packet of what may be in flight within `window`, with the acknowledgement that is due, or that may ride
        with a `datagram` of so many bytes. `largest`: bytes that it may have."""
        connection = self._connection
        packet = _Packet(min(largest, window) - overhead(connection._peer_cid.cid))
        rides = datagram is not None and carries(datagram, packet.room)
        if space.ack_at is not None and (rides or space.ack_at <= now):
            space.ack_at = None
            self._on_acknowledged()
            frame = self._acknowledgement(space, now)
            packet.add(frame, connection._on_ack_delivery, (space, space.largest_received_packet))
        return packet

    def _acknowledgement(self, space: QuicPacketSpace, now: float) -> bytes:
        """An ACK frame of all that came and is not known to be acknowledged (RFC 9000, section 19.3)."""
        received = space.largest_received_time
        delay = 0 if received is None else int((now - received) * 1_000_000)
        ranges: list[range] = list(space.ack_queue)
        newest = ranges.pop()
        fields = [
            newest.stop - 1,
            delay >> self._connection._local_ack_delay_exponent,
            len(ranges),
            newest.stop - 1 - newest.start,
        ]
        start = newest.start
        for older in reversed(ranges):
            fields += (start - older.stop - 1, older.stop - older.start - 1)
            start = older.start
        return _ACK + b"".join(map(varint.encode, fields))

    def _end(self, packet: _Packet, now: float) -> int:
        """A packet is complete; the bytes in flight that it adds."""
        connection = self._connection
        payload = b"".join(packet.frames)
        size = len(payload) + overhead(connection._peer_cid.cid)
        number = connection._packet_number + len(self._packets)
        self._payloads.append(payload)
        self._packets.append(SentPacket(number, size, now, packet.eliciting, packet.handlers))
        if size > BASE:
            self._pace.size = size
        self._pace.update_after_send(now)
        return size if packet.eliciting else 0

    def _leave(self, space: QuicPacketSpace, now: float) -> list[tuple[bytes, NetworkAddress]]:
        """Protect what was written, and enter it for loss recovery."""
        packets = self._packets
        if not packets:
            return []
        connection, path = self._connection, self._connection._network_paths[0]
        written = self._protected()
        eliciting = flying = 0
        sent = space.sent_packets
        for packet in packets:
            sent[packet.packet_number] = packet  # type: ignore[assignment]
            if packet.is_ack_eliciting:
                eliciting += 1
                if packet.in_flight:
                    flying += packet.sent_bytes
        if eliciting:
            space.ack_eliciting_in_flight += eliciting
            connection._loss._time_of_last_sent_ack_eliciting_packet = now
            self._congestion.on_packets_sent(now, flying)
            if not connection._ack_eliciting_sent_since_receipt:
                connection._close_at = now + connection._idle_timeout()
                connection._ack_eliciting_sent_since_receipt = True
        connection._packet_number += len(packets)
        path.bytes_sent += sum(map(len, written))
        address = path.addr
        return [(data, address) for data in written]

    def _protected(self) -> list[bytes]:
        connection, payloads = self._connection, self._payloads
        destination, spin, number = connection._peer_cid.cid, connection._spin_bit, connection._packet_number
        if len(payloads) > 1 and self._keys.send.cipher_suite is not CipherSuite.CHACHA20_POLY1305_SHA256:
            return protect_all(self._keys, destination, spin=spin, number=number, payloads=payloads)
        return [
            protect(self._keys, destination, spin=spin, number=one, payload=payload)
            for one, payload in enumerate(payloads, number)
        ]
