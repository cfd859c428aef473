"""The WebSocket carrier without a socket: order, credit, urgency, drops, ends, and what a hostile peer may try."""

from __future__ import annotations

import pytest

from avl_protocol.carrier.carrier import Carrier, CarrierReceiver
from avl_protocol.websocket.carrier import MAX_WAITING, WebSocketCarrier
from avl_protocol.websocket.frames import (
    CloseFrame,
    CreditFrame,
    DatagramFrame,
    Frame,
    PingFrame,
    PongFrame,
    ResetFrame,
    StreamFrame,
)
from avl_protocol.websocket.streams import BACKLOG_LIMIT, MAX_OPEN, ROOM
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import MAX_WEBSOCKET_CREDIT, MAX_WEBSOCKET_DATA, T_IDLE, CloseCode, Priority
from tests.protocol.wsjoin import Joined, Listener


def is_carrier(carrier: WebSocketCarrier, receiver: Listener) -> tuple[Carrier, CarrierReceiver]:
    """The type checker sees here that our classes are what a session asks for."""
    return carrier, receiver


def test_it_has_everything_that_a_session_asks_for() -> None:
    both = Joined()
    assert [name for name in vars(Carrier) if not name.startswith("_") and not hasattr(both.client, name)] == []
    assert both.at_client.ready and both.at_server.ready
    assert both.client.peer_certificate == b"certificate" and both.server.peer_certificate is None
    assert both.client.server_certificate == both.server.server_certificate == b"certificate"
    assert both.client.reliable_datagrams and both.client.parity(10) == 0
    assert both.client.rate_state(both.now).loss == 0.0


def test_streams_arrive_whole_and_in_order_both_ways() -> None:
    both = Joined()
    one, two, back = both.client.open_stream(), both.client.open_stream(), both.server.open_stream()
    assert (one, two, back) == (0, 2, 1)
    long = bytes(range(256)) * 300
    both.client.send_stream(one, long, end=True)
    both.client.send_stream(two, b"hello ")
    both.server.send_stream(back, b"and back")
    both.run()
    both.client.send_stream(two, b"there", end=True)
    both.server.send_stream(one, b"answer", end=True)
    both.run()
    assert {stream: bytes(data) for stream, data in both.at_server.streams.items()} == {one: long, two: b"hello there"}
    assert both.at_server.ended == {one, two}
    assert bytes(both.at_client.streams[one]) == b"answer" and bytes(both.at_client.streams[back]) == b"and back"
    with pytest.raises(LocalProtocolError):
        both.client.send_stream(two, b"more")


def test_two_streams_take_turns() -> None:
    both = Joined()
    streams = [both.client.open_stream() for _ in range(2)]
    for stream in streams:
        both.client.send_stream(stream, bytes(4 * MAX_WEBSOCKET_DATA))
    order = [frame.stream for frame in both.pull(both.client) if isinstance(frame, StreamFrame)]
    assert order == streams * 4


def test_an_unread_stream_stops_at_its_credit_and_goes_on_when_read() -> None:
    both = Joined()
    both.at_server.deaf = True
    slow, quick = both.client.open_stream(), both.client.open_stream()
    both.client.send_stream(slow, bytes(MAX_WEBSOCKET_CREDIT + 5000))
    both.run()
    assert len(both.at_server.streams[slow]) == MAX_WEBSOCKET_CREDIT
    assert both.client.stream_backlog(slow) == 5000
    both.client.send_stream(quick, b"another stream goes on")
    both.run()
    assert quick in both.at_server.streams
    both.server.consume(slow, MAX_WEBSOCKET_CREDIT // 2)
    both.run()
    assert both.client.stream_backlog(slow) == 0
    assert len(both.at_server.streams[slow]) == MAX_WEBSOCKET_CREDIT + 5000


def test_a_friend_may_send_more_ahead() -> None:
    both = Joined()
    both.at_server.deaf = True
    stream = both.client.open_stream()
    both.server.trust_peer()
    both.client.send_stream(stream, bytes(1 << 20))
    both.run()
    assert len(both.at_server.streams[stream]) == 1 << 20


def test_a_large_backlog_is_told_once_when_it_has_halved() -> None:
    both = Joined()
    stream = both.client.open_stream()
    both.client.send_stream(stream, bytes(BACKLOG_LIMIT + 1))
    both.carry(both.client, BACKLOG_LIMIT // 4)
    assert both.at_client.writable == []
    both.run()
    assert both.at_client.writable == [stream]
    assert len(both.at_server.streams[stream]) == BACKLOG_LIMIT + 1


def test_a_small_backlog_is_told_when_it_has_left() -> None:
    both = Joined()
    stream = both.client.open_stream()
    both.client.send_stream(stream, bytes(ROOM + 1))
    both.run()
    both.client.send_stream(stream, bytes(ROOM))
    both.run()
    assert both.at_client.writable == [stream]


def test_input_leaves_before_video_that_waits_and_bulk_behind_it() -> None:
    both = Joined()
    bulk, input_ = both.client.open_stream(), both.client.open_stream()
    both.client.set_stream_bulk(bulk)
    both.client.send_stream(bulk, bytes(10_000))
    both.client.send_datagrams([b"\0video"] * 3, Priority.VIDEO, None)
    both.client.send_datagrams([b"\0audio"], Priority.AUDIO, None)
    assert both.pull(both.client, 1) == [DatagramFrame(b"\0audio")]
    both.client.send_stream(input_, b"key")
    rest = both.pull(both.client)
    assert rest[:4] == [StreamFrame(input_, b"key"), *[DatagramFrame(b"\0video")] * 3]
    assert sum(len(frame.data) for frame in rest[4:] if isinstance(frame, StreamFrame)) == 10_000


def test_a_datagram_past_its_deadline_is_not_sent_and_every_fate_is_told() -> None:
    both = Joined()
    both.client.send_datagrams([b"\0old", b"\0fresh"], Priority.VIDEO, None, ["a", "b"])
    both.client.send_datagrams([b"\0late"], Priority.VIDEO, both.now + 0.5, ["late"])
    both.carry(both.client, 1)
    both.now += 1.0
    both.run()
    assert both.at_server.datagrams == [b"\0old", b"\0fresh"]
    assert sorted(both.at_client.fates) == [("a", True), ("b", True), ("late", False)]
    both.client.send_datagrams([b"\0never"] * 2, Priority.VIDEO, None, ["c", "d"])
    assert both.client.datagram_backlog == 12
    assert both.client.drop_datagrams(Priority.VIDEO) == 2
    both.run()
    assert both.client.datagram_backlog == 0 and len(both.at_server.datagrams) == 2
    with pytest.raises(LocalProtocolError):
        both.client.send_datagrams([bytes(both.client.max_datagram + 1)], Priority.VIDEO, None)


def test_a_reset_ends_both_directions_and_is_told_once() -> None:
    both = Joined()
    stream = both.client.open_stream()
    both.client.send_stream(stream, b"begun")
    both.run()
    both.client.send_stream(stream, bytes(1000))
    both.server.send_stream(stream, b"on the way")
    both.client.reset_stream(stream, CloseCode.FORBIDDEN)
    both.run()
    assert both.at_server.resets == [(stream, CloseCode.FORBIDDEN)]
    assert bytes(both.at_server.streams[stream]) == b"begun"
    assert both.at_client.streams == {} and both.at_client.resets == []
    both.server.send_stream(stream, b"into the void")
    both.client.reset_stream(stream, CloseCode.FORBIDDEN)
    both.run()
    assert both.client.stream_backlog(stream) == 0 and both.at_client.lost == []


def test_streams_beyond_the_limit_wait_until_others_are_over() -> None:
    both = Joined()
    streams = [both.client.open_stream() for _ in range(MAX_OPEN + 3)]
    for stream in streams:
        both.client.send_stream(stream, b"x", end=True)
    both.client.reset_stream(streams[MAX_OPEN], CloseCode.ENDED)
    both.run()
    assert len(both.at_server.streams) == MAX_OPEN
    both.server.send_stream(streams[5], b"", end=True)
    both.server.reset_stream(streams[7], CloseCode.ENDED)
    both.run()
    assert set(both.at_server.streams) == {*streams} - {streams[MAX_OPEN]}
    assert both.at_server.lost == both.at_client.lost == []


def test_a_server_may_open_streams_for_each_viewer_of_a_host() -> None:
    both = Joined()
    streams = [both.server.open_stream() for _ in range(3 * 200)]
    for stream in streams:
        both.server.send_stream(stream, b"x")
    both.run()
    assert len(both.at_client.streams) == len(streams)
    assert both.at_server.lost == both.at_client.lost == []


def test_the_end_is_said_and_told_once_to_both() -> None:
    both = Joined()
    both.client.close(CloseCode.ENDED, "é" * 200)
    assert both.at_client.lost == []
    assert not both.client.finished
    both.run()
    assert both.client.finished and both.server.finished
    text = "é" * 128
    assert both.at_client.lost == both.at_server.lost == [(CloseCode.ENDED, text)]
    both.client.close(CloseCode.INTERNAL, "")
    both.server.send_datagrams([b"\0"], Priority.VIDEO, None)
    both.server.connection_lost()
    both.run()
    assert len(both.at_client.lost) == len(both.at_server.lost) == 1
    assert both.client.next_timeout() is None


def test_round_trips_are_measured_each_second_while_anything_is_carried() -> None:
    both = Joined()
    stream = both.client.open_stream()
    both.client.send_stream(stream, b"x")
    asked = both.pull(both.client)
    both.now += 0.05
    for frame in asked:
        both.hear(both.server, frame)
    both.run()
    both.now += 1.0
    both.client.handle_timer(both.now)
    (ping,) = both.pull(both.client)
    assert isinstance(ping, PingFrame)
    both.now += 0.08
    both.hear(both.client, PongFrame(ping.token))
    assert both.client.rtt == pytest.approx(0.01, abs=0.001)  # an eighth of it, behind a first of nothing
    assert both.client.heard_at == both.now
    both.client.ping(both.now)
    assert isinstance(both.pull(both.client)[0], PingFrame)


def test_a_silent_peer_is_noticed_and_a_quiet_one_is_kept() -> None:
    both = Joined()
    both.wait(3 * T_IDLE)
    assert both.at_client.lost == both.at_server.lost == []
    heard = both.client.heard_at
    both.now = heard + T_IDLE - 0.1
    both.client.handle_timer(both.now)
    both.pull(both.client)
    assert both.at_client.lost == []
    both.now = heard + T_IDLE
    both.client.handle_timer(both.now)
    both.client.settle(both.now)
    assert [code for code, _ in both.at_client.lost] == [CloseCode.TIMEOUT]


def test_a_path_that_never_makes_anything_wait_has_no_rate_and_holds_nobody() -> None:
    both = Joined()
    for _ in range(50):
        both.client.send_datagrams([bytes(1000)] * 10, Priority.VIDEO, None)
        both.run()
        both.now += 0.02
    assert both.client.rate is None and not both.client.hold(both.now)


def test_the_rate_is_what_the_socket_takes_and_a_queue_makes_the_next_picture_wait() -> None:
    both = Joined()
    for _ in range(400):  # 4 Mbit/s pass, twice as much is offered
        if not both.client.hold(both.now):
            both.client.send_datagrams([bytes(1000)] * 10, Priority.VIDEO, both.now + 0.5)
        both.now += 0.01
        both.carry(both.client, 5000)
        both.carry(both.server)
        assert both.client.datagram_backlog <= 40_000
    assert both.client.rate == pytest.approx(0.9 * 4e6, rel=0.2)
    before = both.client.rate
    for _ in range(500):
        both.client.send_datagrams([bytes(1000)] * 4, Priority.VIDEO, None)
        both.now += 0.01
        both.run()
    grown = both.client.rate
    assert before is not None and grown is not None and grown > 1.1 * before
    assert not both.client.hold(both.now)


def test_a_round_trip_that_does_not_end_makes_the_next_picture_wait() -> None:
    both = Joined()
    both.client.ping(both.now)
    asked = both.pull(both.client)
    both.now += 0.3
    assert both.client.hold(both.now)
    for frame in asked:
        both.hear(both.server, frame)
    both.run()
    assert not both.client.hold(both.now)


HOSTILE: dict[str, list[Frame | bytes]] = {
    "nothing at all": [b""],
    "an unknown kind": [b"\x07"],
    "unknown flags": [b"\x00\x00\x02x"],
    "a datagram too long": [b"\x03" + bytes(1153)],
    "too much in one frame": [b"\x00\x00\x00" + bytes(MAX_WEBSOCKET_DATA + 1)],
    "text that is none": [b"\x04\x00\xff"],
    "a token too short": [b"\x05" + bytes(7)],
    "bytes behind a frame": [b"\x01\x00\x05x"],
    "a stream of ours that is not open": [StreamFrame(1, b"x")],
    "credit for a stream of ours that is not open": [CreditFrame(1, 5)],
    "bytes behind an end": [StreamFrame(0, b"x", True), StreamFrame(0, b"y")],
    "too many streams": [StreamFrame(2 * number, b"x") for number in range(MAX_OPEN + 1)],
    "too many streams at once": [ResetFrame(2 * MAX_OPEN, 0)],
    "more than the credit": [
        *[StreamFrame(0, bytes(MAX_WEBSOCKET_DATA))] * (MAX_WEBSOCKET_CREDIT // MAX_WEBSOCKET_DATA),
        StreamFrame(0, b"x"),
    ],
}


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_violation_ends_the_carrier_with_a_protocol_error(frames: list[Frame | bytes]) -> None:
    both = Joined()
    both.at_server.deaf = True
    for frame in frames[:-1]:
        both.hear(both.server, frame)
        assert both.at_server.lost == []
    both.hear(both.server, frames[-1])
    assert [code for code, _ in both.at_server.lost] == [CloseCode.PROTOCOL_ERROR]
    said = both.pull(both.server)[-1]
    assert isinstance(said, CloseFrame) and said.code == CloseCode.PROTOCOL_ERROR


def test_pings_of_a_peer_that_reads_no_answers_end_the_carrier() -> None:
    both = Joined()
    for number in range(MAX_WAITING + 1):
        assert both.at_server.lost == []
        both.hear(both.server, PingFrame(number.to_bytes(8, "big")))
    assert [code for code, _ in both.at_server.lost] == [CloseCode.LIMIT]


def test_a_lower_stream_may_come_after_a_higher_one() -> None:
    both = Joined()
    low, high = both.client.open_stream(), both.client.open_stream()
    both.client.set_stream_bulk(low)
    both.client.send_stream(low, b"bulk")
    both.client.send_stream(high, b"input")
    both.run()
    assert list(both.at_server.streams) == [high, low]
