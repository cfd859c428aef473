"""What sends a connection's datagrams, alone: what waits is media's only where it is media, and what fits no packet
stays outside."""

from __future__ import annotations

import pytest
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import QuicFrameType, QuicPacketType, QuicProtocolVersion
from aioquic.quic.packet_builder import QuicDeliveryState, QuicPacketBuilder, QuicPacketBuilderStop

from avl_protocol.quic.congestion import CongestionAdapter, PacerAdapter
from avl_protocol.quic.datagrams import FEEDBACK_PRIORITY, PROBE_PRIORITY, DatagramSender
from avl_protocol.rate.hop import HopRate
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import DatagramType
from tests.protocol.fixedrate import FixedRate

PACKET = 1200
VIDEO = 2
NEVER = float("-inf")
FRAME = QuicFrameType.DATAGRAM_WITH_LENGTH


def sender() -> DatagramSender:
    congestion = CongestionAdapter(max_datagram_size=PACKET)
    made = DatagramSender(settings=RateSettings(), congestion=congestion, packet_size=PACKET, trace=None)
    made.use_controller(FixedRate(1e9))
    return made


def packet() -> QuicPacketBuilder:
    keys = CryptoPair()
    keys.setup_initial(b"12345678", is_client=True, version=QuicProtocolVersion.VERSION_1)
    builder = QuicPacketBuilder(
        host_cid=bytes(8),
        peer_cid=bytes(8),
        version=QuicProtocolVersion.VERSION_1,
        is_client=True,
        max_datagram_size=PACKET,
    )
    builder.start_packet(QuicPacketType.ONE_RTT, keys)
    return builder


def test_feedback_that_waits_is_no_media() -> None:
    """A viewer sends none: it must not probe its uplink because a report had to wait there."""
    datagrams = sender()
    datagrams.queue.add([bytes((0, 0, DatagramType.FEEDBACK, *bytes(20)))], FEEDBACK_PRIORITY, None, None)
    datagrams.prepare(5.0, open_to=True)
    assert datagrams.hop.media_at == datagrams.hop.paced_at == NEVER
    datagrams.queue.add([bytes(20)], VIDEO, None, None)
    datagrams.prepare(6.0, open_to=True)
    assert datagrams.hop.paced_at == 6.0


def test_a_probe_that_waits_is_paced_and_begins_no_further_ones() -> None:
    """Otherwise a train that does not leave at once would be followed by another, on a still screen for ever."""
    datagrams = sender()
    datagrams.hop.media_at = 5.0
    datagrams.queue.add([datagrams.hop.padding()], PROBE_PRIORITY, None, None)
    datagrams.prepare(6.0, open_to=True)
    assert (datagrams.hop.media_at, datagrams.hop.paced_at) == (5.0, 6.0)


def test_a_datagram_larger_than_a_packet_is_refused_with_all_that_came_with_it() -> None:
    datagrams = sender()
    with pytest.raises(LocalProtocolError, match="101"):
        datagrams.add([bytes(10), bytes(101)], priority=VIDEO, deadline=None, cookies=None, largest=100)
    assert not datagrams.queue


def test_before_the_peer_takes_datagrams_nothing_is_added_to_them() -> None:
    datagrams = sender()
    arrived = bytes((0, 0, DatagramType.MEDIA, 1, *bytes(20)))
    datagrams.hop.datagram_received(arrived, 1.0)
    assert not datagrams.prepare(2.0, open_to=False)
    assert not datagrams.queue, "the report on what arrived waits"
    datagrams.prepare(2.0, open_to=True)
    assert len(datagrams.queue) == 1


def test_without_a_trace_nothing_is_recorded() -> None:
    assert not sender().recorded


def test_what_is_written_gets_a_fate() -> None:
    datagrams = sender()
    datagrams.prepare(5.0, open_to=True)
    datagrams.add([bytes(300), bytes(300)], priority=VIDEO, deadline=None, cookies=["a", "b"], largest=1000)
    builder = packet()
    for _ in range(2):
        datagrams.write(builder, datagrams.queue.popleft(), FRAME)
    _, packets = builder.flush()
    for (handler, arguments), state in zip(
        packets[0].delivery_handlers, (QuicDeliveryState.ACKED, QuicDeliveryState.LOST), strict=True
    ):
        handler(state, *arguments)
    assert datagrams.hop.take_fates() == [("a", True), ("b", False)]


def test_what_has_no_room_in_a_packet_is_not_entered_as_sent() -> None:
    datagrams = sender()
    datagrams.add([bytes(700), bytes(700)], priority=VIDEO, deadline=None, cookies=["a", "b"], largest=1000)
    builder = packet()
    datagrams.write(builder, datagrams.queue.popleft(), FRAME)
    with pytest.raises(QuicPacketBuilderStop):
        datagrams.write(builder, datagrams.queue[0], FRAME)
    assert [record.cookie for record in datagrams.hop.ledger.unresolved()] == ["a"]


def test_padding_leaves_before_media_and_is_worth_nothing_later() -> None:
    datagrams = sender()
    datagrams.add([bytes(20)], priority=PROBE_PRIORITY, deadline=None, cookies=["last"], largest=100)
    datagrams.add_padding(3, 5.1)
    assert len(datagrams.queue) == 4 and datagrams.queue[0].cookie is None
    datagrams.queue.expire(5.2)
    assert len(datagrams.queue) == 1 and datagrams.queue[0].cookie == "last"


def test_another_path_is_begun_with_another_controller() -> None:
    datagrams = sender()
    before = datagrams.hop.controller
    datagrams.begin_path()
    assert datagrams.hop.controller is not before


def pacer(rate: float) -> PacerAdapter:
    congestion = CongestionAdapter(max_datagram_size=PACKET)
    hop = HopRate(FixedRate(rate))
    hop.paced_at = 10.0
    congestion.attach(hop)
    congestion.follow(10.0)
    return PacerAdapter(congestion, PACKET)


def test_the_pacer_stops_the_writer_when_another_packet_would_be_empty() -> None:
    paced, waiting = pacer(1e9), ["one"]
    with paced.while_any(waiting):
        assert paced.next_send_time(10.0) is None
        paced.update_after_send(10.0)
        assert paced.next_send_time(10.0) is None
        waiting.clear()
        with pytest.raises(QuicPacketBuilderStop):
            paced.next_send_time(10.0)
    assert paced.next_send_time(10.0) is None, "nobody says what waits any more"


def test_what_is_urgent_is_not_paced() -> None:
    paced = pacer(1000.0)
    assert paced.next_send_time(10.0) is None
    paced.update_after_send(10.0)
    later = paced.next_send_time(10.0)
    assert later is not None and later > 11.0
    paced.urgent = True
    assert paced.next_send_time(10.0) is None
