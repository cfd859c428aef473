"""Who is online, who meets whom, and what a handle is worth."""

from __future__ import annotations

import pytest

from avl_protocol.session.hop.stream import channel_header
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attach,
    Attached,
    Close,
    Detach,
    Evict,
    Incoming,
    Recover,
    Reject,
    Subscribe,
    Viewers,
)
from avl_protocol.wire.registry import T_CONSENT, T_UNADMITTED, CloseCode
from tests.protocol.handshakes import identity
from tests.relay.stand import Stand, codes


def test_a_viewer_and_a_host_meet() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    attached = viewer.last(Attached)
    assert attached == Attached(b"s" * 16, handle, host.media_handle)
    assert viewer.connection.server.trusted
    assert stand.router.hosts == 1 and stand.router.sessions == 1


def test_an_unknown_device_and_one_that_is_offline_get_one_answer() -> None:
    stand = Stand()
    stranger = stand.viewer()
    stand.attach(stranger, device=identity("nobody ever heard of"))
    host = stand.host()
    host.lost()
    late = stand.viewer()
    stand.attach(late)
    assert stranger.closed == late.closed == CloseCode.UNAVAILABLE
    assert stranger.heard == late.heard
    assert stranger.connection.server.closed == late.connection.server.closed


@pytest.mark.parametrize(("device", "session"), [(b"", b"s" * 16), (b"d" * 16, b"s" * 16), (b"d" * 17, b"s" * 15)])
def test_a_malformed_attach_is_a_protocol_error(device: bytes, session: bytes) -> None:
    stand = Stand()
    stand.host()
    viewer = stand.viewer()
    viewer.say(Attach(device, session))
    assert viewer.closed == CloseCode.PROTOCOL_ERROR


def test_a_host_can_reject_and_the_viewer_is_told_why() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.attach(viewer)
    incoming = host.last(Incoming)
    assert isinstance(incoming, Incoming)
    host.say(Reject(incoming.handle, CloseCode.LIMIT))
    assert viewer.heard[0] == Close(CloseCode.LIMIT)
    assert stand.router.sessions == 0


def test_the_same_identity_again_replaces_the_older_connection() -> None:
    stand = Stand()
    old, viewer = stand.host(), stand.viewer()
    stand.meet(old, viewer)
    new = stand.host(address="10.0.0.7")
    assert old.closed == CloseCode.REPLACED
    assert CloseCode.SESSION_LOST in codes(viewer)
    assert stand.router.hosts == 1 and stand.router.sessions == 0
    assert stand.meet(new, stand.viewer()) > 0
    old.lost()
    assert stand.router.hosts == 1


def test_a_host_that_yields_leaves_the_older_registration_and_its_sessions_alone() -> None:
    stand = Stand()
    old, viewer = stand.host(), stand.viewer()
    stand.meet(old, viewer)
    newcomer = stand.neighbour("10.0.0.7")
    stand.register(newcomer, yields=1)
    assert newcomer.closed == CloseCode.TAKEN
    assert old.closed is None and stand.router.hosts == 1 and stand.router.sessions == 1
    old.lost()
    later = stand.neighbour("10.0.0.7")
    stand.register(later, yields=1)
    assert later.closed is None and stand.router.hosts == 1


def test_one_device_replaces_its_registration_ten_times_at_once_and_six_times_a_minute() -> None:
    stand = Stand()
    kept = stand.host()
    for _ in range(10):
        before, kept = kept, stand.host()
        assert before.closed == CloseCode.REPLACED
    refused = stand.neighbour("10.0.0.7")
    stand.register(refused)
    assert refused.closed == CloseCode.LIMIT and kept.closed is None
    assert stand.host(identity("another")).closed is None, "other devices are not concerned"
    stand.now += 10.0
    stand.host()
    assert kept.closed == CloseCode.REPLACED


def test_sources_are_told_to_hosts_without_their_address() -> None:
    stand = Stand()
    host = stand.host()
    sources = []
    for address in ("10.0.0.3", "10.0.0.4", "10.0.0.3"):
        stand.attach(stand.viewer(address))
        incoming = host.last(Incoming)
        assert isinstance(incoming, Incoming)
        sources.append(incoming.source)
    assert sources[0] == sources[2] != sources[1]
    assert all(len(source) == 8 and b"10.0" not in source for source in sources)


# -- what a handle is worth --------------------------------------------------------------------------------------------


def test_a_handle_is_not_a_capability() -> None:
    stand = Stand()
    host, viewer, thief = stand.host(), stand.viewer(), stand.viewer("10.0.0.66")
    handle = stand.meet(host, viewer)
    before = len(host.heard), dict(host.told.streams)
    stream = thief.open(handle, 1, b"input")
    assert (stream, CloseCode.FORBIDDEN) in thief.told.resets
    thief.say(Detach(handle, 0), Subscribe(handle, 1, 0), Recover(handle, 1, 0))
    assert (len(host.heard), dict(host.told.streams)) == before
    assert stand.router.sessions == 1 and thief.closed is None and viewer.told.resets == []


def test_a_host_can_not_rule_over_another_hosts_session() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    other = stand.host(identity("other host"), "10.0.0.8")
    stand.attach(viewer)
    incoming = host.last(Incoming)
    assert isinstance(incoming, Incoming)
    handle = incoming.handle
    other.say(Accept(handle), Admit(handle, (1,), (0, 1)), Evict(handle, 0), Reject(handle, 0), Detach(handle, 0))
    assert not any(isinstance(message, Attached) for message in viewer.heard)
    assert stand.router.sessions == 1


@pytest.mark.parametrize("handle", [0, 999, (1 << 62) - 1])
def test_an_unknown_handle_is_refused(handle: int) -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.meet(host, viewer)
    stream = viewer.open(handle, 0, b"x")
    assert viewer.told.resets == [(stream, CloseCode.FORBIDDEN)]
    viewer.say(Subscribe(handle, 1, 0), Recover(handle, 1, 0), Detach(handle, 0))
    host.say(Admit(handle, (1,), (0,)), Evict(handle, 0))
    assert viewer.closed is None and host.closed is None and stand.router.sessions == 1


# -- channels ----------------------------------------------------------------------------------------------------------


def test_before_acceptance_there_is_no_channel() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.attach(viewer)
    incoming = host.last(Incoming)
    assert isinstance(incoming, Incoming)
    stream = viewer.open(incoming.handle, 0, b"x")
    assert viewer.told.resets == [(stream, CloseCode.FORBIDDEN)]


def test_before_admission_there_is_channel_0_only() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer, admit=False)
    assert not viewer.connection.server.trusted
    viewer.open(handle, 0, b"hello")
    for channel in (1, 2, 3):
        viewer.open(handle, channel, b"x")
    assert host.received(1) == channel_header(handle, 0) + b"hello"
    assert len(host.told.streams) == 2  # hop control, and channel 0


def test_a_viewer_that_may_only_look_gets_no_input_channel_from_the_relay() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer, channels=(0,))
    stream = viewer.open(handle, 1, b"input")
    assert viewer.told.resets == [(stream, CloseCode.FORBIDDEN)]
    assert len(host.told.streams) == 1  # hop control alone


def test_a_channel_that_is_opened_again_takes_the_place_of_the_older() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    first = viewer.open(handle, 1, b"first")
    second = viewer.open(handle, 1, b"second")
    assert viewer.told.resets == [(first, CloseCode.NO_ERROR)]
    assert [code for _, code in host.told.resets] == [CloseCode.NO_ERROR]
    (twin,) = (at for at, data in host.told.streams.items() if bytes(data).endswith(b"second"))
    assert (twin, CloseCode.NO_ERROR) not in host.told.resets
    host.raw(b"answer", twin)
    assert viewer.received(second) == b"answer"
    viewer.raw(b" and more", first)
    assert b"and more" not in b"".join(bytes(data) for data in host.told.streams.values())
    assert stand.router.snapshot()["spliced ends"] == 2


def test_taking_a_channel_back_cuts_it() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    stream = viewer.open(handle, 1, b"first")
    host.say(Admit(handle, (1,), (0,)))
    assert (stream, CloseCode.FORBIDDEN) in viewer.told.resets
    assert len(host.told.resets) == 1


# -- limits ------------------------------------------------------------------------------------------------------------


def test_one_source_has_five_handshakes_a_minute() -> None:
    stand = Stand()
    stand.host()
    viewers = [stand.viewer() for _ in range(7)]
    for viewer in viewers:
        stand.attach(viewer)
    assert [viewer.closed for viewer in viewers] == [None] * 5 + [CloseCode.LIMIT] * 2
    stand.now += 12.1
    again = stand.viewer()
    stand.attach(again)
    assert again.closed is None


def test_who_is_admitted_does_not_count() -> None:
    stand = Stand()
    host = stand.host()
    for _ in range(20):
        viewer = stand.viewer()
        handle = stand.meet(host, viewer)
        viewer.say(Detach(handle, 0))
        assert viewer.closed is None


def test_one_connection_has_eight_sessions_at_most() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    for at in range(8):
        stand.meet(host, viewer, session=bytes([at]) * 16)
    stand.attach(viewer, b"x" * 16)
    assert viewer.closed == CloseCode.LIMIT
    assert stand.router.sessions == 0


def test_a_session_that_nobody_admits_ends() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    stand.meet(host, viewer, admit=False)
    due = stand.router.next_timeout() or 0.0
    assert due == pytest.approx(stand.now + T_UNADMITTED + T_CONSENT)
    stand.now = due
    stand.router.handle_timer(stand.now)
    stand.settle()
    assert codes(viewer) == codes(host) == [CloseCode.TIMEOUT]
    assert stand.router.sessions == 0 and stand.router.next_timeout() is None


# -- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [CloseCode.EVICTED, CloseCode.DISPLAY_LOST, 4711])
def test_an_evicted_session_is_over_for_both(code: int) -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    host.say(Evict(handle, code))
    told = code if isinstance(code, CloseCode) else CloseCode.ENDED
    assert codes(viewer) == codes(host) == [told]
    stream = viewer.open(handle, 1)
    assert (stream, CloseCode.FORBIDDEN) in viewer.told.resets
    assert stand.router.sessions == 0
    assert host.last(Viewers) == Viewers(0)


def test_a_sealed_goodbye_still_arrives_behind_an_eviction() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    stream = viewer.open(handle, 0, b"hello")
    host.connection.client.send_stream(1, b"sealed END", True)
    host.say(Evict(handle, CloseCode.EVICTED))
    assert viewer.received(stream) == b"sealed END"
    assert stream in viewer.told.ended


def test_an_end_that_a_viewer_sent_before_it_went_still_reaches_the_host() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    stream = viewer.open(handle, 0, b"hello")
    other = viewer.open(handle, 1, b"input")
    twin = next(at for at, data in host.told.streams.items() if data.endswith(b"hello"))
    viewer.connection.client.send_stream(stream, b"sealed END", True)
    viewer.connection.client.deliver(stand.now)  # to the relay, and no further
    viewer.lost()
    assert host.received(twin).endswith(b"sealed END") and twin in host.told.ended
    assert [code for _, code in host.told.resets] == [CloseCode.SESSION_LOST] and other != stream
    host.raw(b"", twin, end=True)
    assert stand.router.snapshot()["spliced ends"] == 0 and host.peer.streams == 0


@pytest.mark.parametrize("who", ["host", "viewer"])
def test_a_neighbour_that_is_gone_ends_its_sessions_and_streams(who: str) -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    handle = stand.meet(host, viewer)
    viewer.open(handle, 0, b"hello")
    viewer.open(handle, 1, b"input")
    gone, stays = (host, viewer) if who == "host" else (viewer, host)
    gone.lost()
    assert codes(stays) == [CloseCode.SESSION_LOST]
    assert len(stays.told.resets) == 2
    assert stand.router.sessions == 0
    assert stand.router.snapshot()["spliced ends"] == 0
    assert stand.router.hosts == (0 if who == "host" else 1)


def test_nothing_is_remembered_of_a_thousand_sessions() -> None:
    stand = Stand()
    host = stand.host()
    for at in range(200):
        viewer = stand.viewer()
        handle = stand.meet(host, viewer)
        viewer.open(handle, 0, b"x")
        viewer.open(handle, 1, b"y")
        if at % 2:
            host.say(Evict(handle, 0))
        viewer.lost()
        stand.forget(viewer)
    assert stand.router.sessions == 0
    assert stand.router.snapshot()["spliced ends"] == 0
    assert host.peer.streams == 0
    assert stand.router.next_timeout() is None
