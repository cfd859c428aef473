"""A running session that asks for a place at a relay: what is carried before its host has verified it, and what not."""

from __future__ import annotations

import pytest

from avl_protocol.session.hop.stream import channel_header
from avl_protocol.wire.messages import Accept, Admit, Attach, Close, Detach, Evict, Incoming, Reject
from avl_protocol.wire.registry import T_CONSENT, T_UNADMITTED, CloseCode
from avl_relay.forward.parking import PARKED
from tests.protocol.handshakes import HOST
from tests.protocol.memory import WINDOW
from tests.relay.stand import Neighbour, Stand, codes

DEVICE = HOST.number.to_bytes(17, "big")
TIMEOUT = CloseCode.TIMEOUT


class Moving:
    """A session that moves to this relay, as far as ACCEPT."""

    def __init__(self, *, accept: bool = True, moves: int = 1) -> None:
        self.stand = Stand()
        self.host, self.viewer = self.stand.host(), self.stand.viewer()
        self.viewer.say(Attach(DEVICE, b"s" * 16, moves))
        incoming = self.host.last(Incoming)
        assert isinstance(incoming, Incoming)
        self.incoming, self.handle = incoming, incoming.handle
        if accept:
            self.host.say(Accept(self.handle))

    def admit(self, *channels: int) -> None:
        self.host.say(Admit(self.handle, (), channels))

    def carried(self, channel: int, data: bytes) -> bool:
        """Whether the host got exactly this on a stream of its own for the channel."""
        wanted = channel_header(self.handle, channel) + data
        return [bytes(each) for each in self.host.told.streams.values()].count(wanted) == 1


def bytes_at(host: Neighbour) -> int:
    return sum(len(data) for at, data in host.told.streams.items() if at)


@pytest.mark.parametrize("moves", [0, 1])
def test_the_host_is_told_whether_a_session_moves(moves: int) -> None:
    moving = Moving(accept=False, moves=moves)
    assert moving.incoming.moves == moves and moving.incoming.session == b"s" * 16


def test_a_host_that_does_not_know_the_session_says_so_to_the_viewer() -> None:
    moving = Moving(accept=False)
    moving.host.say(Reject(moving.handle, CloseCode.SESSION_UNKNOWN))
    assert moving.viewer.heard[0] == Close(CloseCode.SESSION_UNKNOWN)
    assert moving.stand.router.sessions == 0


def test_channel_0_goes_through_at_once_and_the_others_once_the_host_admits() -> None:
    moving = Moving()
    moving.viewer.open(moving.handle, 0, b"resume 0")
    streams = [moving.viewer.open(moving.handle, channel, b"resume %d" % channel) for channel in (1, 2)]
    moving.viewer.raw(b" and records", streams[0])
    assert moving.carried(0, b"resume 0") and len(moving.host.told.streams) == 2
    assert moving.viewer.told.resets == [] and not moving.viewer.connection.server.trusted
    moving.admit(0, 1, 2)
    assert moving.carried(1, b"resume 1 and records") and moving.carried(2, b"resume 2")
    moving.viewer.raw(b" and more", streams[0])
    assert moving.carried(1, b"resume 1 and records and more")
    twin = next(at for at, data in moving.host.told.streams.items() if b"resume 2" in data)
    moving.host.raw(b"answer", twin)
    assert moving.viewer.received(streams[1]) == b"answer"
    assert moving.viewer.connection.server.trusted


def test_what_the_host_does_not_admit_is_refused_then() -> None:
    moving = Moving()
    stream = moving.viewer.open(moving.handle, 2, b"resume")
    moving.admit(0, 1)
    assert moving.viewer.told.resets == [(stream, CloseCode.FORBIDDEN)]
    assert bytes_at(moving.host) == 0


def test_channels_that_overtake_the_first_admit_are_held_for_it() -> None:
    """GRANT is sealed and travels on another stream than ADMIT, so that a viewer may know of its admission first."""
    early = Moving(moves=0)
    held = early.viewer.open(early.handle, 1, b"input")
    refused = early.viewer.open(early.handle, 2, b"bulk")
    assert early.viewer.told.resets == [] and bytes_at(early.host) == 0
    early.admit(0, 1)
    assert early.carried(1, b"input") and not early.carried(2, b"bulk")
    assert early.viewer.told.resets == [(refused, CloseCode.FORBIDDEN)]
    early.viewer.raw(b" goes on", held)
    assert early.carried(1, b"input goes on")


def test_once_the_first_admit_has_come_nothing_is_held() -> None:
    early = Moving(moves=0)
    early.admit(0)
    stream = early.viewer.open(early.handle, 1, b"x")
    assert early.viewer.told.resets == [(stream, CloseCode.FORBIDDEN)]


def test_before_acceptance_nothing_is_held() -> None:
    moving = Moving(accept=False)
    refused = [moving.viewer.open(moving.handle, channel, b"x") for channel in (0, 1)]
    assert moving.viewer.told.resets == [(stream, CloseCode.FORBIDDEN) for stream in refused]


def test_an_end_of_a_held_stream_is_passed_on_with_it() -> None:
    moving = Moving()
    stream = moving.viewer.open(moving.handle, 2, b"resume")
    moving.viewer.raw(b"", stream, end=True)
    moving.admit(0, 2)
    twin = next(at for at, data in moving.host.told.streams.items() if b"resume" in data)
    assert twin in moving.host.told.ended


def test_a_held_stream_that_the_viewer_gives_up_is_forgotten() -> None:
    moving = Moving()
    stream = moving.viewer.open(moving.handle, 1, b"resume")
    moving.viewer.connection.client.reset_stream(stream, CloseCode.NO_ERROR)
    moving.stand.settle()
    moving.admit(0, 1)
    assert bytes_at(moving.host) == 0
    again = moving.viewer.open(moving.handle, 1, b"again")
    assert moving.carried(1, b"again") and moving.viewer.received(again) == b""


def test_a_held_channel_that_is_opened_again_is_held_anew() -> None:
    moving = Moving()
    older = moving.viewer.open(moving.handle, 1, b"older")
    moving.viewer.open(moving.handle, 1, b"newer")
    assert moving.viewer.told.resets == [(older, CloseCode.NO_ERROR)]
    moving.admit(0, 1)
    assert moving.carried(1, b"newer") and not moving.carried(1, b"older")


def test_what_is_held_is_bounded_in_streams_and_bytes() -> None:
    moving = Moving()
    streams = [moving.viewer.open(moving.handle, channel, b"x") for channel in range(1, PARKED + 4)]
    assert moving.viewer.told.resets == [(stream, CloseCode.FORBIDDEN) for stream in streams[PARKED:]]
    moving.viewer.raw(bytes(3 * WINDOW), streams[0])
    assert len(streams) > PARKED == moving.stand.router.holding
    assert moving.stand.router.snapshot()["held bytes"] <= WINDOW + PARKED, (
        "nobody gives credit for what nobody has verified"
    )
    moving.admit(0, 1)
    assert bytes_at(moving.host) == WINDOW, "as far as a host that does not read gives credit"


@pytest.mark.parametrize("how", ["evicted", "the host is gone", "the viewer is gone"])
def test_nothing_of_a_move_that_came_to_nothing_is_kept(how: str) -> None:
    moving = Moving()
    moving.viewer.open(moving.handle, 0, b"resume")
    stream = moving.viewer.open(moving.handle, 1, b"resume")
    if how == "evicted":
        moving.host.say(Evict(moving.handle, CloseCode.SESSION_UNKNOWN))
        assert codes(moving.viewer) == [CloseCode.SESSION_UNKNOWN]
    else:
        (moving.host if how == "the host is gone" else moving.viewer).lost()
    if how != "the viewer is gone":
        assert stream in [at for at, _ in moving.viewer.told.resets]
    assert moving.stand.router.sessions == 0 and not moving.stand.router.holding


def test_a_stranger_that_has_a_session_id_reaches_no_more_than_channel_0() -> None:
    moving = Moving()
    moving.admit(0, 1, 2)
    thief = moving.stand.viewer("10.0.0.66")
    thief.say(Attach(DEVICE, b"s" * 16, 1))
    incoming = moving.host.last(Incoming)
    assert isinstance(incoming, Incoming) and incoming.handle != moving.handle
    moving.host.say(Accept(incoming.handle))
    before = bytes_at(moving.host)
    thief.open(incoming.handle, 1, b"not the viewer")
    assert bytes_at(moving.host) == before
    thief.say(Detach(incoming.handle, 0))
    assert codes(moving.viewer) == [] and moving.stand.router.sessions == 1


def test_a_place_that_the_host_knows_may_stay_unused_and_one_that_it_does_not_ends_in_time() -> None:
    spare, unknown = Moving(), Moving(accept=False)
    for moving in (spare, unknown):
        moving.stand.now += T_UNADMITTED + T_CONSENT
        moving.stand.router.handle_timer(moving.stand.now)
        moving.stand.settle()
    assert TIMEOUT in codes(unknown.viewer) and unknown.stand.router.sessions == 0
    assert codes(spare.viewer) == [] and spare.stand.router.next_timeout() is None
    spare.viewer.open(spare.handle, 0, b"resume")
    assert spare.carried(0, b"resume")


def test_spare_places_of_running_sessions_keep_no_newcomer_out() -> None:
    stand = Stand()
    host = stand.host()
    for at in range(30):
        viewer = stand.viewer("10.0.0.3")
        viewer.say(Attach(DEVICE, bytes([at]) * 16, 1))
        incoming = host.last(Incoming)
        assert isinstance(incoming, Incoming)
        host.say(Accept(incoming.handle))
        assert viewer.closed is None
    stranger = stand.viewer("10.0.0.3")
    stand.attach(stranger)
    assert stranger.closed is None


def test_sessions_that_the_host_does_not_know_count_as_any_stranger() -> None:
    stand = Stand()
    host = stand.host()
    closed = []
    for at in range(7):
        viewer = stand.viewer("10.0.0.3")
        viewer.say(Attach(DEVICE, bytes([at]) * 16, 1))
        if viewer.closed is None:
            incoming = host.last(Incoming)
            assert isinstance(incoming, Incoming)
            host.say(Reject(incoming.handle, CloseCode.SESSION_UNKNOWN))
            assert viewer.heard[0] == Close(CloseCode.SESSION_UNKNOWN)
        closed.append(viewer.closed)
    assert closed == [None] * 5 + [CloseCode.LIMIT] * 2
