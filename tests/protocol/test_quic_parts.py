"""What a connection asks, each alone: whose turn it is, whether a peer may move, is there, and may send more."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import pytest

from avl_protocol.quic.acknowledging import ACK_EVERY, ALONE_ACK_DELAY, FEEDBACK_ACK_DELAY, Acknowledging
from avl_protocol.quic.flow import FRIEND, SETTLED, STRANGER, Credit
from avl_protocol.quic.identifiers import ConnectionIds, reset_token
from avl_protocol.quic.keys import KeyUpdate
from avl_protocol.quic.liveness import Liveness
from avl_protocol.quic.migration import MIGRATIONS, Move, PeerPath
from avl_protocol.quic.payload import Payload
from avl_protocol.quic.turns import Turns, order

# -- turns -------------------------------------------------------------------------------------------------------------


@dataclass
class Half:
    """The sending half of a stream that has `waiting` bytes to send."""

    waiting: int = 0
    highest_offset: int = 0

    @property
    def buffer_is_empty(self) -> bool:
        return self.waiting == 0


@dataclass(eq=False)
class Line:
    """A stream."""

    stream_id: int | None
    sender: Half = field(default_factory=Half)
    is_blocked: bool = False


def lines(*waiting: int) -> list[Line]:
    return [Line(4 * number, Half(size)) for number, size in enumerate(waiting)]


def planned(turns: Turns, streams: list[Line], datagrams: bool) -> list[tuple[list[int | None], bool, bool]]:
    known = [stream.stream_id or 0 for stream in streams]
    plan = turns.plan(streams, known, datagrams)
    return [([stream.stream_id for stream in turn.streams], turn.datagrams, turn.bulk) for turn in plan]


def test_streams_with_something_to_say_come_before_datagrams() -> None:
    assert planned(Turns(), lines(0, 5), True) == [([0, 4], False, False), ([], True, False)]
    assert planned(Turns(), lines(0, 5), False) == [([0, 4], False, False)]


def test_streams_that_say_nothing_need_no_turn_of_their_own() -> None:
    assert planned(Turns(), lines(0, 0), True) == [([0, 4], True, False)]
    assert planned(Turns(), [], False) == [([], False, False)]


def test_a_stream_that_must_wait_is_no_reason_for_datagrams_to_wait() -> None:
    streams = lines(5)
    streams[0].is_blocked = True
    assert planned(Turns(), streams, True) == [([0], True, False)]


def test_bulk_comes_last_and_is_forgotten_with_its_stream() -> None:
    turns = Turns()
    turns.set_bulk(0)
    turns.set_bulk(4)
    assert planned(turns, lines(5, 5, 5), True) == [([8], False, False), ([], True, False), ([0, 4], False, True)]
    assert planned(turns, lines(5), True) == [([], True, False), ([0], False, True)]
    assert planned(turns, lines(5, 5), False) == [([4], False, False), ([0], False, True)], "4 was forgotten"


def test_bulk_that_has_nothing_to_send_takes_no_turn_of_its_own() -> None:
    turns = Turns()
    turns.set_bulk(0)
    assert planned(turns, lines(0, 5), True) == [([0, 4], False, False), ([], True, False)]


def test_streams_that_were_served_come_behind_the_others() -> None:
    streams = lines(5, 5, 5)
    (turn,) = Turns().plan(streams, [0, 4, 8], False)
    streams[0].sender.highest_offset = 5
    assert [stream.stream_id for stream in order(turn, reversed(streams))] == [4, 8, 0]
    idle = lines(0, 0)
    (turn,) = Turns().plan(idle, [0, 4], False)
    assert [stream.stream_id for stream in order(turn, reversed(idle))] == [0, 4]


# -- the peer's address ------------------------------------------------------------------------------------------------

HERE, PORT, THERE = ("10.0.0.1", 1), ("10.0.0.1", 2), ("192.0.2.7", 1)


def test_another_port_is_no_other_path() -> None:
    peer = PeerPath(is_client=False)
    assert [peer.seen(at) for at in (HERE, HERE, PORT, THERE)] == [Move.NONE, Move.NONE, Move.PORT, Move.ADDRESS]
    assert peer.migrations == 2


def test_another_address_of_ours_is_another_path() -> None:
    peer = PeerPath(is_client=True)
    peer.seen(HERE)
    peer.expect((*HERE, "wifi"))
    assert peer.seen((*HERE, "wifi")) is Move.NONE and peer.migrations == 0
    assert peer.seen((*HERE, "lte")) is Move.ADDRESS and peer.migrations == 1


def test_a_server_is_not_led_about_and_a_client_not_at_all() -> None:
    server, client = PeerPath(is_client=False), PeerPath(is_client=True)
    assert [server.admits_stranger(100.0) for _ in range(8)] == [True] * int(MIGRATIONS) + [False] * 2
    assert [server.admits_stranger(101.0) for _ in range(3)] == [True, True, False]
    assert not client.admits_stranger(100.0)


# -- signs of life -----------------------------------------------------------------------------------------------------


def test_before_the_handshake_is_done_its_deadline_is_all_there_is() -> None:
    alive = Liveness(now=100.0, handshake_deadline=5.0, keepalive=1.0)
    assert alive.next_timeout(handshake_complete=False) == 105.0
    assert not alive.handshake_overdue(104.9) and alive.handshake_overdue(105.0)


def test_silence_is_asked_about_once_a_keepalive() -> None:
    alive = Liveness(now=100.0, handshake_deadline=5.0, keepalive=10.0)
    assert alive.next_timeout(handshake_complete=True) == 110.0
    alive.heard_at = 103.0
    assert not alive.take_ping(112.9)
    assert alive.take_ping(113.0) and not alive.take_ping(113.0)
    assert alive.next_timeout(handshake_complete=True) == 123.0


def test_without_keepalive_nothing_is_asked() -> None:
    alive = Liveness(now=100.0, handshake_deadline=5.0, keepalive=None)
    assert alive.next_timeout(handshake_complete=True) is None and not alive.take_ping(1e9)


@pytest.mark.parametrize("keepalive", [None, 10.0])
def test_an_end_that_was_set_comes_once(keepalive: float | None) -> None:
    alive = Liveness(now=100.0, handshake_deadline=5.0, keepalive=keepalive)
    alive.end_at(104.0)
    assert alive.next_timeout(handshake_complete=True) == alive.next_timeout(handshake_complete=False) == 104.0
    assert not alive.take_end(103.9)
    assert alive.take_end(104.0) and not alive.take_end(104.0)


# -- counts ------------------------------------------------------------------------------------------------------------


def test_an_acknowledgement_is_due_after_a_burst() -> None:
    acks = Acknowledging(0.005)
    for _ in range(ACK_EVERY):
        assert not acks.due
        assert acks.received(Payload.CARRIED, 100, 1.0) == 0.005
    assert acks.due
    acks.sent()
    assert not acks.due


def test_the_acknowledgement_of_feedback_may_wait_longer_than_others() -> None:
    assert Acknowledging(0.005).received(Payload.FEEDBACK, 100, 1.0) == FEEDBACK_ACK_DELAY
    assert Acknowledging(0.025).received(Payload.FEEDBACK, 100, 1.0) == 0.025


def test_what_comes_alone_on_a_stream_is_acknowledged_with_its_answer_and_what_follows_it_is_gathered() -> None:
    acks = Acknowledging(0.005)
    assert acks.received(Payload.PIECES, 100, 1.0) == ALONE_ACK_DELAY
    assert acks.received(Payload.PIECES, 100, 1.004) == acks.received(Payload.PIECES, 100, 1.008) == 0.005
    assert acks.received(Payload.PIECES, 100, 1.014) == ALONE_ACK_DELAY
    assert acks.received(Payload.CARRIED, 100, 1.1) == 0.005, "feedback comes soon, and takes it along"
    assert acks.received(Payload.PIECES, 100, 1.102) == 0.005
    assert acks.received(Payload.ANYTHING, 100, 2.0) == 0.005


def test_keys_are_changed_after_so_many_packets_each() -> None:
    keys = KeyUpdate(50)
    assert [number for number in range(160) if keys.take(number)] == [50, 100, 150]


def test_each_connection_id_comes_with_its_token() -> None:
    numbers = iter([b"first...", b"second.."])
    ids = ConnectionIds(lambda: next(numbers), b"k" * 32)
    assert [tuple(ids.issue()) for _ in range(2)] == [
        (made, reset_token(b"k" * 32, made)) for made in (b"first...", b"second..")
    ]


# -- receive credit ----------------------------------------------------------------------------------------------------


def test_a_limit_is_raised_by_no_less_than_a_quarter_window() -> None:
    credit, window = Credit(STRANGER), STRANGER.stream
    credit.delivered(4, window)
    credit.consume(4, window // 4 - 1)
    assert credit.raised_stream_limit(4, window, window) == window
    credit.consume(4, 1)
    assert credit.raised_stream_limit(4, window, window) == window + window // 4
    assert credit.held(4) == window - window // 4 and credit.consumed == window // 4
    assert credit.raised_connection_limit(STRANGER.connection) == STRANGER.connection
    credit.forget(4, 0)
    assert credit.raised_connection_limit(STRANGER.connection) == STRANGER.connection + window


def test_no_more_is_given_back_than_was_handed_out() -> None:
    credit = Credit(STRANGER)
    credit.delivered(4, 10)
    credit.consume(4, 1000)
    assert (credit.consumed, credit.held(4)) == (10, 0)
    credit.delivered(8, 10)
    credit.forget(8, 5)
    assert (credit.consumed, credit.held(8)) == (25, 0)


def test_a_limit_is_looked_at_again_after_whatever_may_have_raised_it() -> None:
    credit = Credit(STRANGER)
    credit.delivered(4, 10)
    changes = [partial(credit.consume, 4, 1), partial(credit.forget, 4, 0), partial(credit.widen, FRIEND)]
    for change in changes:
        credit.settle(4, [4])
        assert 4 in credit.settled
        change()
        assert 4 not in credit.settled
    assert credit.raised_stream_limit(4, 0, STRANGER.stream) == FRIEND.stream


def test_streams_that_are_gone_are_not_remembered_without_end() -> None:
    credit = Credit(STRANGER)
    for stream in range(0, 4000, 4):
        credit.settle(stream, [0, stream])
        assert len(credit.settled) <= SETTLED + 5
