"""Acknowledged: the usual acknowledgement, of many packets of one datagram each, entered at once.

aioquic looks at each packet by itself, and tells each that it has arrived. Here the packets of an acknowledgement are
taken out together, all but the newest: by that one aioquic measures the round trip, and looks for what is lost.
"""

from __future__ import annotations

from aioquic.quic.connection import QuicConnection
from aioquic.quic.rangeset import RangeSet
from aioquic.quic.recovery import QuicPacketSpace

from avl_protocol.quic.congestion import CongestionAdapter
from avl_protocol.quic.datagrams import DatagramSender
from avl_protocol.quic.payload import Acknowledgement
from avl_protocol.quic.sentpackets import SentDatagram

#: Units of an acknowledgement's delay in a second, before its exponent.
_MICROSECONDS = 1_000_000
#: With more ranges, to look for each packet's would cost more than it spares.
MOST_RANGES = 4


class Acknowledged:
    """Enters acknowledgements for one connection."""

    __slots__ = ("_congestion", "_connection", "_sender")

    def __init__(self, connection: QuicConnection, sender: DatagramSender) -> None:
        self._connection = connection
        self._sender = sender
        congestion = connection._loss._cc
        assert isinstance(congestion, CongestionAdapter)
        self._congestion = congestion

    def take(self, acknowledgement: Acknowledgement, space: QuicPacketSpace, now: float) -> None:
        """The peer has these packets of application data (RFC 9000, section 19.3)."""
        connection, ranges = self._connection, acknowledgement.ranges
        loss = connection._loss
        loss.peer_completed_address_validation = True
        newest = space.sent_packets.get(ranges[0].stop - 1)
        if len(ranges) <= MOST_RANGES and newest is not None and newest.is_ack_eliciting:
            self._take_older(ranges, space, now)
        loss.on_ack_received(
            ack_rangeset=RangeSet(reversed(ranges)),
            ack_delay=(acknowledgement.delay << connection._remote_ack_delay_exponent) / _MICROSECONDS,
            now=now,
            space=space,
        )

    def _take_older(self, ranges: list[range], space: QuicPacketSpace, now: float) -> None:
        """The packets of datagrams before the first other one, and before the newest that is acknowledged. Packets are
        kept in the order they left in."""
        newest, floor = ranges[0].stop - 1, ranges[0].start
        sent = space.sent_packets
        records: list[SentDatagram] = []
        sizes: list[int] = []
        for number in list(sent):
            if number >= newest:
                break
            if number >= floor or any(number in one for one in ranges):
                packet = sent[number]
                if not isinstance(packet, SentDatagram):
                    break  # what follows is told after it, as the packets left
                del sent[number]
                sizes.append(packet.sent_bytes)
                records.append(packet)
        if records:
            space.ack_eliciting_in_flight -= len(records)
            self._congestion.on_datagrams_acked(now, sizes)
            self._sender.hop.arrived(records)
