"""Chapter 4 of the specification, 4.2 and 4.3, and 6.6: who may say what on a hop, and what a relay refuses."""

from __future__ import annotations

from typing import Any

import pytest

from avl_protocol.session.hopstream import CONTROL_HEADER, hop_bytes
from avl_protocol.session.link import LinkSettings, LinkState, RelayLink
from avl_protocol.session.relay import PeerState
from avl_protocol.wire import messages, registry
from avl_protocol.wire.codec import registry_name
from avl_protocol.wire.datagram import MediaHeader, encode
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import (
    Accept,
    Admit,
    Attach,
    Close,
    Detach,
    Evict,
    Goaway,
    Hello,
    HopMessage,
    Incoming,
    Ping,
    Pong,
    Recover,
    Register,
    Registered,
    Reject,
    Subscribe,
    Tracks,
    Viewers,
    Welcome,
)
from avl_protocol.wire.registry import CloseCode, Role
from tests.protocol.handshakes import HOST, identity
from tests.protocol.hops import Hop, Relaying, attached, channel, hello, hosting, number, register, viewing
from tests.protocol.memory import Connection, Deaf

#: What each state allows (4.2), and the code with which such a message ends the hop when there is nothing in it.
SAID_ANYWHERE: dict[type[HopMessage], CloseCode | None] = {Ping: None, Pong: None, Close: CloseCode.NO_ERROR}
ALLOWED: dict[PeerState, dict[type[HopMessage], CloseCode | None]] = {
    PeerState.NEW: {Hello: CloseCode.VERSION},
    PeerState.WELCOMED: {Register: CloseCode.BAD_RECORD},
    PeerState.HOST: dict.fromkeys((Accept, Reject, Tracks, Admit, Evict, Detach)),
    PeerState.VIEWER: {Attach: CloseCode.UNAVAILABLE, Detach: None, Subscribe: None, Recover: None},
}
ZERO: dict[str, Any] = {"int": 0, "str": "", "bytes": b"", "int[]": (), "str[]": (), "int[][]": ()}
TRACK = 1


def made(kind: type[HopMessage]) -> HopMessage:
    """A message of a kind, with nothing in it."""
    return kind(**{name: ZERO[type_] for _, name, type_ in registry.HOP_MESSAGES[registry_name(kind)][1]})


# -- the hop -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("greeting", [Hello((2, 3), Role.VIEWER), Hello((), Role.HOST), Hello((1,), 1, "", ("x",))])
def test_a_hello_that_can_not_be_met_is_answered_with_version(greeting: Hello) -> None:
    hop = Hop(Relaying())
    hop.open(CONTROL_HEADER + hop_bytes(greeting))
    assert hop.code == CloseCode.VERSION


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("kind", messages.HOP, ids=lambda kind: kind.__name__)
def test_what_a_state_does_not_allow_ends_the_hop(state: PeerState, kind: type[HopMessage]) -> None:
    relaying = Relaying()
    hop = Hop(relaying)
    if state is PeerState.NEW:
        hop.open(CONTROL_HEADER)
    else:
        hop.open(hello(Role.VIEWER if state is PeerState.VIEWER else Role.HOST))
    if state is PeerState.HOST:
        hop.say(register(HOST))
    assert hop.peer.state is state
    hop.say(Attach(number(HOST), bytes(16)) if kind is Attach else made(kind))
    assert hop.code == {**SAID_ANYWHERE, **ALLOWED[state]}.get(kind, CloseCode.PROTOCOL_ERROR)


class Told:
    """A LinkOwner that writes down how its link ended."""

    def __init__(self) -> None:
        self.lost: Refused | None = None
        self.up = False

    def link_up(self, welcome: Welcome, now: float) -> None:
        self.up = True

    def link_message(self, message: HopMessage, now: float) -> None:
        return

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        return

    def channel_reset(self, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        return

    def channel_writable(self, handle: int, channel: int, stream: int, now: float) -> None:
        return

    def media_received(self, data: bytes, now: float) -> None:
        return

    def media_fate(self, cookie: object, acked: bool, now: float) -> None:
        return

    def link_lost(self, reason: Refused, now: float) -> None:
        self.lost = reason


def linked(role: Role) -> tuple[RelayLink, Told, Connection]:
    """A link that has said HELLO to a relay played by the test."""
    told = Told()
    link = RelayLink(LinkSettings(role, "test", None, HOST, b""), told)
    connection = Connection()
    link.attach_carrier(connection.client)
    connection.join(link, Deaf())
    link.carrier_ready(0.0)
    connection.run(0.0)
    return link, told, connection


@pytest.mark.parametrize("registering", [False, True])
@pytest.mark.parametrize("kind", messages.HOP, ids=lambda kind: kind.__name__)
def test_a_relay_that_speaks_too_early_is_left(kind: type[HopMessage], registering: bool) -> None:
    link, told, connection = linked(Role.HOST)
    stream = 0
    if registering:
        connection.server.send_stream(stream, hop_bytes(Welcome(1, b"nonce", "", b"", b"")))
        connection.run(0.0)
        assert link.state is LinkState.REGISTERING
    connection.server.send_stream(stream, hop_bytes(made(kind)))
    connection.run(0.0)
    allowed = (Registered, Ping, Goaway) if registering else ()
    if kind in allowed:
        assert told.lost is None
    elif kind is Close:
        assert told.lost is not None and told.lost.code == CloseCode.NO_ERROR
    elif kind is Welcome and not registering:
        assert told.lost is not None and told.lost.code == CloseCode.VERSION, "version 0 is none of ours"
    else:
        assert told.lost is not None and told.lost.code == CloseCode.PROTOCOL_ERROR
        assert connection.client.closed is not None and connection.client.closed[0] == CloseCode.PROTOCOL_ERROR


def test_both_ends_give_up_after_ten_seconds_of_hello() -> None:
    link, told, _ = linked(Role.VIEWER)
    link.handle_timer(9.9)
    assert told.lost is None
    link.handle_timer(10.0)
    assert told.lost is not None and told.lost.code == CloseCode.TIMEOUT
    for greeting, stays in ((None, False), (Role.HOST, False), (Role.VIEWER, True)):
        hop = Hop(Relaying())
        if greeting is not None:
            hop.open(hello(greeting))
        hop.peer.handle_timer(9.9)
        assert hop.code is None
        hop.peer.handle_timer(10.0)
        assert hop.code == (None if stays else CloseCode.TIMEOUT)


# -- the relay ---------------------------------------------------------------------------------------------------------


def test_a_device_that_registers_again_replaces_its_older_connection() -> None:
    relaying = Relaying()
    old, _ = hosting(relaying, HOST)
    other, _ = hosting(relaying, identity("another host"))
    new, _ = hosting(relaying, HOST)
    assert (old.code, other.code, new.code) == (CloseCode.REPLACED, None, None)
    attached(viewing(relaying), new, HOST)


def test_a_handle_is_no_permission() -> None:
    relaying = Relaying()
    host, _ = hosting(relaying, HOST)
    mine, theirs = viewing(relaying), viewing(relaying, "10.0.0.10")
    handle = attached(theirs, host, HOST)
    host.say(Admit(handle, (TRACK,), (0, 1)))
    stream = channel(mine, handle, 0, b"let me in")
    assert mine.told.resets == [(stream, CloseCode.FORBIDDEN)]
    mine.say(Detach(handle, 0))
    mine.say(Recover(handle, TRACK, 0))
    assert [type(message) for message in host.heard()] == [Viewers], "the admission's, and nothing of the stranger's"
    assert relaying.router.sessions == 1
    assert channel(theirs, handle, 0, b"hello") not in [stream for stream, _ in theirs.told.resets]
    stranger, _ = hosting(relaying, identity("another host"))
    stranger.say(Evict(handle, CloseCode.EVICTED))
    stranger.say(Admit(handle, (), ()))
    assert relaying.router.sessions == 1
    channel(theirs, handle, 1)
    assert theirs.told.resets == []


def test_a_connection_has_eight_sessions_at_most() -> None:
    relaying = Relaying()
    viewer = viewing(relaying)
    devices = [identity(f"host {at}") for at in range(3)]
    hosts = [hosting(relaying, device)[0] for device in devices]
    for at in range(8):
        attached(viewer, hosts[at // 4], devices[at // 4], bytes([at]) * 16)
    assert viewer.code is None
    viewer.say(Attach(number(devices[2]), bytes(16)))
    assert viewer.code == CloseCode.LIMIT
    assert [m for m in hosts[2].heard() if isinstance(m, Incoming)] == []


def test_channels_open_when_the_host_has_said_so_and_once() -> None:
    relaying = Relaying()
    host, _ = hosting(relaying, HOST)
    viewer = viewing(relaying)
    viewer.say(Attach(number(HOST), bytes(16)))
    (handle,) = [message.handle for message in host.heard() if isinstance(message, Incoming)]

    def refused(channel_number: int) -> bool:
        stream = channel(viewer, handle, channel_number, b"x")
        return (stream, CloseCode.FORBIDDEN) in viewer.told.resets

    assert refused(0), "not before ACCEPT"
    host.say(Accept(handle))
    assert [refused(each) for each in (0, 1, 2)] == [False, True, True]
    host.say(Admit(handle, (), (0, 1)))
    assert [refused(each) for each in (0, 1, 2)] == [True, False, True], "0 is open already, 2 was not named"


def test_media_goes_to_admitted_tracks_of_admitted_sessions_alone() -> None:
    relaying = Relaying()
    host, media = hosting(relaying, HOST)
    viewers = [viewing(relaying, f"10.0.1.{at}") for at in range(3)]
    handles = [attached(viewer, host, HOST, bytes([at]) * 16) for at, viewer in enumerate(viewers)]
    host.say(Admit(handles[0], (TRACK,), (0,)))
    host.say(Admit(handles[1], (TRACK + 1,), (0,)))
    data = encode(MediaHeader(media, 0, TRACK, 0, 1, 0, 5), b"12345")
    host.client.send_datagrams([data], 2, None)
    relaying.settle()
    assert [viewer.told.datagrams for viewer in viewers] == [[data], [], []]
    host.say(Evict(handles[0], CloseCode.EVICTED))
    host.client.send_datagrams([encode(MediaHeader(media, 0, TRACK, 1, 1, 0, 5), b"12345")], 2, None)
    relaying.settle()
    assert viewers[0].told.datagrams == [data], "an eviction stops media at once"
    assert Detach(handles[0], CloseCode.EVICTED) in viewers[0].heard()


def test_a_side_that_does_not_read_holds_the_other_back() -> None:
    relaying = Relaying()
    host, _ = hosting(relaying, HOST)
    viewer = viewing(relaying)
    stream = channel(viewer, attached(viewer, host, HOST), 0)
    (twin,) = [each for each in host.told.streams if each % 4 == 1]
    sent = 8 << 20
    viewer.client.send_stream(stream, bytes(sent))
    relaying.settle()
    waiting = host.relay.stream_backlog(twin)
    assert waiting <= (512 << 10) + (1 << 20), "no more than its own limit and what was under way"
    assert viewer.client.stream_backlog(stream) >= sent - (3 << 20)
    given = 0
    while (arrived := len(host.told.streams[twin])) > given:
        host.client.consume(twin, arrived - given)
        given = arrived
        relaying.settle()
    assert bytes(host.told.streams[twin])[-sent:] == bytes(sent), "what was held back arrives once there is room"


# -- what strangers can cost -------------------------------------------------------------------------------------------


def test_an_unknown_device_and_an_offline_one_are_answered_alike() -> None:
    relaying = Relaying()
    host, _ = hosting(relaying, HOST)
    host.client.close(0, "")
    relaying.settle()
    answers = []
    for device in (HOST, identity("nobody")):
        viewer = viewing(relaying)
        viewer.say(Attach(number(device), bytes(16)))
        answers.append((viewer.relay.closed, viewer.heard()))
    assert answers[0] == answers[1]
    assert answers[0][0] is not None and answers[0][0][0] == CloseCode.UNAVAILABLE


def test_the_relay_bounds_handshakes_by_source_by_host_and_by_how_many_wait() -> None:
    def attempts(addresses: list[str], admit: bool, now: float = 0.0) -> list[bool]:
        relaying = Relaying()
        host, _ = hosting(relaying, HOST)
        went = []
        for at, address in enumerate(addresses):
            viewer = viewing(relaying, address)
            viewer.say(Attach(number(HOST), bytes([at]) * 16), now)
            incoming = [message.handle for message in host.heard() if isinstance(message, Incoming)]
            went.append(bool(incoming))
            assert incoming or viewer.code == CloseCode.LIMIT
            for handle in incoming:
                host.say(Accept(handle))
                host.say(Admit(handle, (), (0,)) if admit else Evict(handle, CloseCode.REFUSED))
        return went

    one, many = ["10.0.0.9"] * 7, [f"10.0.1.{at}" for at in range(32)]
    assert attempts(one, admit=False) == [True] * 5 + [False] * 2
    assert attempts(one, admit=True) == [True] * 7, "what ended in admission does not count"
    assert attempts(many, admit=False) == [True] * 30 + [False] * 2
    relaying = Relaying()
    hosting(relaying, HOST)
    codes = []
    for address in many[:10]:
        viewer = viewing(relaying, address)
        viewer.say(Attach(number(HOST), bytes(16)))
        codes.append(viewer.code)
    assert codes == [None] * 8 + [CloseCode.LIMIT] * 2
