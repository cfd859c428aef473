"""A connection between two sans-IO ends: what is urgent leaves first, what is late never, what is lost is known."""

from __future__ import annotations

import pytest
from aioquic.quic import events
from aioquic.quic.packet import QuicErrorCode

from avl_protocol.quic.connection import MAX_OF_SERVER, Connection
from avl_protocol.quic.flow import FRIEND, STRANGER
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.rate.ledger import Sent
from avl_protocol.wire.datagram import MediaHeader, encode
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import DatagramType, Priority
from tests.protocol.fixedrate import FixedRate
from tests.protocol.pair import Pair

VIDEO, AUDIO = Priority.VIDEO, Priority.AUDIO
FULL = bytes(1152)


def test_the_fate_of_every_datagram_is_told() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9))
    numbered = [bytes([0, 0, 0, 1]) + number.to_bytes(4, "big") + bytes(800) for number in range(40)]
    pair.server.send_datagrams(numbered, VIDEO, None, list(range(40)))
    packets = pair.flush(pair.server)
    assert len(packets) == 40
    pair.deliver(pair.server, [packet for index, packet in enumerate(packets) if index not in (7, 23)])
    pair.run(0.2)
    fates = pair.server.take_fates()
    assert {cookie for cookie, acked in fates if not acked} == {7, 23}
    assert {cookie for cookie, acked in fates if acked} == set(range(40)) - {7, 23}
    assert pair.server.take_fates() == []
    assert len(pair.received(pair.client)) == 38


def test_a_stream_leaves_before_a_backlog_of_video() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(10e6 / 8))
    pair.server.send_datagrams([FULL] * 260, VIDEO, None, None)
    began = pair.now
    pair.run(0.02)
    stream = pair.server.open_stream()
    pair.server.write_stream(stream, b"a key press")
    asked = pair.now
    pair.run(1.0, until=lambda: pair.stream_bytes(pair.client, stream) == b"a key press")
    assert pair.now - asked - pair.delay < 0.002, "input behind a keyframe at 10 Mbit/s"
    pair.run(1.0, until=lambda: len(pair.received(pair.client)) == 260)
    assert 0.2 < pair.now - began < 0.35, "the pacer spreads 300 kB over a quarter second at 10 Mbit/s"


def test_audio_overtakes_video_and_bulk_streams_come_last() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9))
    bulk, urgent = pair.server.open_stream(), pair.server.open_stream()
    pair.server.set_bulk(bulk)
    pair.server.write_stream(bulk, b"b" * 3000)
    pair.server.send_datagrams([b"\0v" + bytes(1000)] * 3, VIDEO, None, None)
    pair.server.send_datagrams([b"\0a" + bytes(1000)] * 2, AUDIO, None, None)
    pair.server.write_stream(urgent, b"u" * 100)
    pair.deliver(pair.server, pair.flush(pair.server))
    order = []
    for event in pair.events[pair.client]:
        if isinstance(event, events.DatagramFrameReceived):
            order.append(chr(event.data[1]))
        elif isinstance(event, events.StreamDataReceived):
            order.append(chr(event.data[0]))
    assert "".join(order).rstrip("b") == "uaavvv"
    assert order[-1] == "b"


def test_input_leaves_though_media_has_filled_the_window() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9, window=20_000))
    pair.server.send_datagrams([FULL] * 100, VIDEO, None, None)
    pair.flush(pair.server)  # nothing is answered any more
    assert pair.server.queue.bytes > 0
    stream = pair.server.open_stream()
    pair.server.write_stream(stream, b"a key press")
    packets = pair.flush(pair.server)
    assert 1 <= len(packets) <= 2, "and next to no media"
    pair.deliver(pair.server, packets[:1])
    assert pair.stream_bytes(pair.client, stream) == b"a key press"


def test_bulk_gets_what_media_leaves_and_fills_no_queue() -> None:
    """A window of 40 kB for media, 10 kB for bulk: that is all it may have in flight."""
    pair = Pair()
    controller = FixedRate(1e9, window=40_000)
    controller.bulk_window = 10_000
    pair.server.use_controller(controller)
    pair.server.send_datagrams([FULL], VIDEO, None, None)
    pair.run(0.02)
    bulk = pair.server.open_stream()
    pair.server.set_bulk(bulk)
    pair.server.send_datagrams([FULL], VIDEO, None, None)
    pair.server.write_stream(bulk, bytes(60_000))
    assert sum(map(len, pair.flush(pair.server))) <= 12_000


def test_what_is_late_is_dropped_silently_and_what_is_not_still_leaves() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e6 / 8))
    pair.server.send_datagrams([FULL] * 30, VIDEO, pair.now + 0.05, list(range(30)))
    pair.server.send_datagrams([b"\0last"], VIDEO, None, ["last"])
    pair.run(1.0)
    got = pair.received(pair.client)
    assert got[-1] == b"\0last"
    assert 3 < len(got) < 12
    fates = dict(pair.server.take_fates())
    assert fates["last"] is True
    assert len(fates) == len(got), "what was dropped before it left has no fate"
    assert pair.server.queue.bytes == 0


def test_a_datagram_that_fits_no_packet_is_refused_and_blocks_nothing() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9))
    assert pair.server.max_datagram == 1152
    with pytest.raises(LocalProtocolError, match="1153"):
        pair.server.send_datagrams([b"\0", bytes(1153)], VIDEO, None, None)
    assert pair.server.queue.bytes == 0
    pair.server.send_datagrams([FULL], VIDEO, None, None)
    pair.run(0.02)
    assert pair.received(pair.client) == [FULL]


def test_sparse_offsets_pin_no_more_than_a_window() -> None:
    """Of everything that the client sends only the ends arrive: the server keeps the gaps before them."""
    pair = Pair()
    pair.client.use_controller(FixedRate(1e9))
    pair.drop = lambda sender, data: sender is pair.client and len(data) > 1000
    stream = pair.client.open_stream()
    pair.client.write_stream(stream, bytes(1 << 20))
    for _ in range(10):
        pair.client.send_datagrams([bytes(20)], VIDEO, None, None)  # while media flows, its window is all of ours
        pair.run(0.05)
    victim = pair.server.stream_credit(stream)
    assert 0.9 * STRANGER.stream < victim.buffered <= STRANGER.stream
    assert victim.limit <= STRANGER.stream
    assert pair.server.credit.limit <= STRANGER.connection


def test_a_stream_that_nobody_reads_stops_at_its_window_and_goes_on_when_read() -> None:
    pair = Pair()
    stream = pair.client.open_stream()
    payload = bytes(range(256)) * 4096
    pair.client.write_stream(stream, payload, end=True)
    pair.run(0.5)
    got = len(pair.stream_bytes(pair.server, stream))
    assert got == STRANGER.stream
    pair.server.trust_peer()
    pair.run(0.5)
    assert len(pair.stream_bytes(pair.server, stream)) == FRIEND.stream
    assert pair.client.stream_backlog(stream) == len(payload) - FRIEND.stream == 0


def test_consuming_keeps_a_stream_flowing_within_a_strangers_window() -> None:
    pair = Pair()
    stream = pair.client.open_stream()
    payload = bytes(range(256)) * 4096
    pair.client.write_stream(stream, payload, end=True)
    consumed = 0
    for _ in range(400):
        pair.run(0.002)
        got = len(pair.stream_bytes(pair.server, stream))
        assert got - consumed <= STRANGER.stream
        pair.server.consume(stream, got - consumed)
        consumed = got
        if got == len(payload):
            break
    assert pair.stream_bytes(pair.server, stream) == payload


def test_a_reset_stream_gives_its_credit_back() -> None:
    pair = Pair()
    for _ in range(20):
        stream = pair.client.open_stream()
        pair.client.write_stream(stream, bytes(60_000))
        pair.run(0.03)
        pair.client.abandon_stream(stream, 5)
        pair.run(0.03)
    resets = [event for event in pair.events[pair.server] if isinstance(event, events.StreamReset)]
    assert [event.error_code for event in resets] == [5] * 20
    assert pair.server.credit.consumed == pair.server.credit.used > 0


def test_keys_are_updated_and_traffic_goes_on() -> None:
    pair = Pair(options=ConnectionOptions(key_update_after=50))
    pair.server.use_controller(FixedRate(1e9))
    phases = set()
    for _ in range(200):
        pair.server.send_datagrams([b"\0x"], VIDEO, None, None)
        pair.run(0.003)
        phases.add(pair.server.key_phase)
    assert phases == {0, 1}
    assert len(pair.received(pair.client)) == 200


def test_packets_reordered_far_are_still_delivered() -> None:
    pair = Pair()
    pair.server.use_controller(FixedRate(1e9))
    packets: list[bytes] = []
    for number in range(300):
        pair.server.send_datagrams([b"\0" + number.to_bytes(2, "big")], VIDEO, None, None)
        packets += pair.flush(pair.server)
    pair.deliver(pair.server, packets[-150:] + packets[:-150])
    assert len(pair.received(pair.client)) == 300


def test_many_packets_are_acknowledged_before_the_delay_is_over() -> None:
    pair = Pair(options=ConnectionOptions(ack_delay=0.025))
    pair.server.use_controller(FixedRate(1e9))
    pair.server.send_datagrams([FULL] * 40, VIDEO, None, None)
    pair.deliver(pair.server, pair.flush(pair.server))
    assert len(pair.flush(pair.client)) == 1
    pair.run(0.1)
    pair.server.send_datagrams([FULL] * 3, VIDEO, None, None)
    pair.deliver(pair.server, pair.flush(pair.server))
    assert pair.flush(pair.client) == []


def test_a_handshake_that_stalls_is_forgotten_in_silence() -> None:
    pair = Pair(handshake=False, options=ConnectionOptions(handshake_deadline=5.0))
    began = pair.now
    pair.drop = lambda sender, _data: sender is pair.server
    pair.run(6.0, until=lambda: pair.server.ended)
    assert 4.9 < pair.now - began < 5.2
    assert pair.flush(pair.server) == []


def silent(pair: Pair, seconds: float) -> list[Connection]:
    pair.run(seconds)
    return [connection for connection in (pair.client, pair.server) if connection.ended]


def test_an_idle_connection_ends_and_a_kept_one_does_not() -> None:
    idle = Pair(delay=0.05)
    assert silent(idle, 29) == []
    assert len(silent(idle, 3)) == 2
    closed = idle.client.close_event
    assert closed is not None
    assert closed.reason_phrase == "Idle timeout"
    kept = Pair(delay=0.05, options=ConnectionOptions(keepalive=10.0))
    assert silent(kept, 90) == []


def test_a_peer_that_vanished_is_noticed_in_spite_of_keepalives() -> None:
    pair = Pair(delay=0.05, options=ConnectionOptions(keepalive=10.0))
    pair.drop = lambda _sender, _data: True
    began = pair.now
    pair.run(60, until=lambda: pair.client.ended)
    assert 29 < pair.now - began < 42


def test_both_ends_learn_why_a_connection_was_closed_at_once() -> None:
    pair = Pair()
    pair.client.close(error_code=9, reason_phrase="bad record")
    pair.deliver(pair.client, pair.flush(pair.client))
    closed = pair.server.close_event
    assert closed is not None
    assert (closed.error_code, closed.frame_type, closed.reason_phrase) == (9, None, "bad record")


def test_a_terminated_connection_says_nothing() -> None:
    pair = Pair()
    pair.server.terminate(QuicErrorCode.NO_ERROR, "stateless reset")
    assert pair.flush(pair.server) == []
    assert pair.server.ended


def test_writing_to_a_stream_that_ended_or_never_was_is_our_bug() -> None:
    pair = Pair()
    stream = pair.client.open_stream()
    pair.client.write_stream(stream, b"x", end=True)
    with pytest.raises(LocalProtocolError):
        pair.client.write_stream(stream, b"y")
    with pytest.raises(LocalProtocolError):
        pair.client.write_stream(400, b"y")
    pair.run(0.05)
    pair.server.abandon_stream(stream, 1)
    pair.run(0.1)
    pair.server.write_stream(stream, b"ignored: it was abandoned")


def test_sound_that_waits_does_not_delay_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends sound receives media too, perhaps: its reports leave before all that it has to say itself."""
    pair = Pair()
    pair.client.use_controller(FixedRate(1e6 / 8))
    left: list[tuple[float, int]] = []
    plain = pair.client.hop.datagram_sent

    def noted(payload: bytes, cookie: object, now: float) -> Sent | None:
        left.append((pair.now, payload[2]))
        return plain(payload, cookie, now)

    monkeypatch.setattr(pair.client.hop, "datagram_sent", noted)
    pair.client.send_datagrams([bytes((0, 0, 0x80)) + bytes(1000)] * 60, AUDIO, None, None)
    pair.run(0.05)
    began = pair.now
    for number in range(24):
        media = encode(
            MediaHeader(handle=0, type=DatagramType.MEDIA, track=1, object=number, flags=0, fragment=0, length=500),
            bytes(500),
        )
        pair.client.hop.datagram_received(media, pair.now)
    pair.run(0.2)
    reported = next(at for at, kind in left if kind == DatagramType.FEEDBACK)
    assert reported - began < 0.012, "behind the one datagram that the pacer was at, of 50 that take 400 ms"
    assert [kind for at, kind in left if at > reported].count(0x80) >= 10, "sound was waiting"


def test_a_client_whose_handshake_is_not_confirmed_does_not_ask_to_be_called_in_the_past() -> None:
    pair = Pair(handshake=False)
    for sender in (pair.client, pair.server, pair.client):
        pair.now += 0.01
        pair.deliver(sender, pair.flush(sender))
    assert pair.client.handshake_complete and pair.server.handshake_complete
    pair.client.send_datagrams([bytes((0, 1, DatagramType.MEDIA)) + bytes(12)], 2, None, None)
    for _ in range(200):  # what the server says of it is lost
        pair.now += 0.01
        pair.flush(pair.client)
        due = pair.client.get_timer()
        assert due is not None
        if due <= pair.now:
            pair.client.handle_timer(pair.now)
            pair.flush(pair.client)
            due = pair.client.get_timer()
        assert due is not None and due > pair.now


@pytest.mark.parametrize(("limit", "opened"), [(MAX_OF_SERVER, 150), (128, 128)], ids=["room", "no more room"])
def test_a_server_opens_streams_for_each_viewer_of_a_host_and_those_beyond_wait(
    monkeypatch: pytest.MonkeyPatch, limit: int, opened: int
) -> None:
    monkeypatch.setattr("avl_protocol.quic.connection.MAX_OF_SERVER", limit)
    pair = Pair()
    streams = [pair.server.open_stream() for _ in range(150)]
    for at, stream in enumerate(streams):
        pair.server.write_stream(stream, b"x", False)
        if at % 10 == 9:  # viewers come one after the other
            pair.run(0.2)
    pair.run(1.0)
    assert not pair.server.ended and not pair.client.ended
    assert sum(pair.client.has_stream(stream) for stream in streams) == opened
