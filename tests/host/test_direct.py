"""Viewers that come straight to the host: what it demands of them before anything is theirs (spec 08-paths, 8.4)."""

from __future__ import annotations

from typing import Any, cast

import pytest

from avl_host.paths.directlistener import HANDLE, MOST, DirectListener
from avl_protocol.crypto.identity import HOST_CERTIFICATE, check_relay, device_number, pin
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.stream import CONTROL_HEADER, HopStream, channel_header, hop_bytes
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import (
    Attach,
    Attached,
    Detach,
    Hello,
    HopMessage,
    Recover,
    Register,
    Subscribe,
    Welcome,
)
from avl_protocol.wire.registry import CloseCode, Role
from tests.host.hosting import RecordingWorker, sharing_of
from tests.protocol.handshakes import HOST, VIEWER, WALL, Seeded
from tests.protocol.memory import Connection, Deaf, settle

DEVICE = HOST.number.to_bytes(17, "big")
CERTIFICATE = b"certificate"


class Desk:
    """A table of subscribers that lets everybody come and writes down who did."""

    def __init__(self) -> None:
        self.came: list[tuple[bytes, bytes, bool]] = []
        self.bytes: list[tuple[int, bytes]] = []
        self.opened: list[int] = []
        self.gone = self.lost = 0

    def incoming(self, hop: Any, handle: int, session_id: bytes, source: bytes, moves: bool, now: float) -> None:
        self.came.append((session_id, source, moves))
        hop.accept(handle, session_id)

    def channel_opened(self, hop: Any, handle: int, channel: int, stream: int, now: float) -> None:
        self.opened.append(channel)

    def left(self, hop: Any, handle: int, now: float) -> None:
        self.gone += 1

    def channel_received(
        self, hop: Any, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        self.bytes.append((channel, data))

    def hop_lost(self, hop: Any, now: float) -> None:
        self.lost += 1


class Doorstep:
    """A direct door."""

    def __init__(self, *, strangers: bool = False) -> None:
        self.desk, self.worker = Desk(), RecordingWorker()
        self.publisher = sharing_of(lambda: 100.0)
        self.publisher.start(self.worker)
        self.admission = DirectListener(
            identity=HOST,
            subscribers=cast(Any, self.desk),
            publisher=self.publisher,
            entropy=Seeded("door"),
            wall=lambda: float(WALL),
            strangers=strangers,
        )

    def comes(self, role: Role = Role.VIEWER, address: str = "192.0.2.7") -> Caller:
        return Caller(self, role, address)


class Caller:
    """One direct connection, played by the test."""

    def __init__(self, step: Doorstep, role: Role, address: str) -> None:
        self.told, self.connection = Deaf(), Connection((address, 7))
        self.peer: HopServer = step.admission.accept(cast(Any, self.connection.server), 100.0)
        self.driven = Driven(
            self.peer, lambda: step.admission.take(self.peer, 100.0), Faults(), self.connection.server.close
        )
        self.connection.join(self.told, self.driven)
        self._streams = iter(range(4, 400, 4))
        self.raw(CONTROL_HEADER, 0)
        self.say(Hello((1,), role, "test"))

    def raw(self, data: bytes, stream: int) -> None:
        self.connection.client.send_stream(stream, data)
        settle(100.0, self.connection)

    def say(self, message: HopMessage) -> None:
        self.raw(hop_bytes(message), 0)

    def open(self, handle: int, channel: int, data: bytes) -> int:
        stream = next(self._streams)
        self.raw(channel_header(handle, channel) + data, stream)
        return stream

    def heard(self, kind: type[HopMessage]) -> list[Any]:
        got = HopStream().receive(bytes(self.told.streams.get(0, b"")))
        return [message for message in got if isinstance(message, kind)]

    @property
    def closed(self) -> int | None:
        return self.connection.server.closed[0] if self.connection.server.closed else None


def test_the_host_says_who_it_is_and_endorses_the_certificate_of_this_connection() -> None:
    (welcome,) = Doorstep().comes().heard(Welcome)
    assert device_number(welcome.identity) == HOST.number
    check_relay(pin(HOST.public), welcome.identity, welcome.endorsement, CERTIFICATE, HOST_CERTIFICATE)
    with pytest.raises(Refused):
        check_relay(pin(HOST.public), welcome.identity, welcome.endorsement, CERTIFICATE)  # it is no relay


def test_a_running_session_may_come_and_its_channels_with_it() -> None:
    step = Doorstep()
    caller = step.comes()
    early = caller.open(HANDLE, 0, b"too early")
    caller.say(Attach(DEVICE, b"s" * 16, 1))
    ((session, source, moves),) = step.desk.came
    assert (session, len(source), moves) == (b"s" * 16, 8, True) and b"192" not in source
    assert caller.heard(Attached) == [Attached(b"s" * 16, HANDLE, 0)]
    other = caller.open(HANDLE + 1, 0, b"another handle")
    caller.open(HANDLE, 0, b"resume")
    assert step.desk.bytes == [(0, b"resume")]
    assert caller.told.resets == [(early, CloseCode.FORBIDDEN), (other, CloseCode.FORBIDDEN)]


@pytest.mark.parametrize("strangers", [True, False])
def test_a_session_begins_here_only_where_the_host_listens_for_anybody(strangers: bool) -> None:
    step = Doorstep(strangers=strangers)
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16))
    assert len(step.desk.came) == strangers and caller.closed == (None if strangers else CloseCode.FORBIDDEN)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Attach(VIEWER.number.to_bytes(17, "big"), b"s" * 16, 1), CloseCode.UNAVAILABLE),
        (Attach(DEVICE[1:], b"s" * 16, 1), CloseCode.PROTOCOL_ERROR),
        (Attach(DEVICE, b"s" * 15, 1), CloseCode.PROTOCOL_ERROR),
        (Register(identity=VIEWER.public, record=b"", signature=b"", proof=b""), CloseCode.PROTOCOL_ERROR),
    ],
)
def test_what_is_not_for_this_host_ends_the_connection(message: HopMessage, code: CloseCode) -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    caller.say(message)
    assert caller.closed == code and step.desk.came == []


def test_nobody_registers_at_a_host() -> None:
    assert Doorstep().comes(Role.HOST).closed is not None


def test_a_connection_has_one_session() -> None:
    step = Doorstep()
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16, 1))
    caller.say(Attach(DEVICE, b"t" * 16, 1))
    assert caller.closed == CloseCode.LIMIT and len(step.desk.came) == 1 and step.desk.lost == 1


@pytest.mark.parametrize("message", [Recover(HANDLE, 1, 0), Subscribe(HANDLE, 1, 1)], ids=["recover", "subscribe"])
def test_who_gets_no_pictures_asks_for_no_key_object(message: HopMessage) -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    for _ in range(10):
        caller.say(message)
    caller.say(Attach(DEVICE, b"s" * 16))
    caller.say(message)
    assert step.worker.keys == 0 and caller.closed is None
    (hop,) = step.admission.watcher
    hop.upload.sessions = 1
    hop.admit(HANDLE, (0,), {1: 0})
    caller.say(Subscribe(HANDLE, 1, 0))
    caller.say(message)
    assert step.worker.keys == 1


def test_there_are_so_many_connections_at_a_time() -> None:
    step = Doorstep()
    callers = [step.comes() for _ in range(MOST + 1)]
    assert [caller.closed for caller in callers] == [CloseCode.LIMIT] + [None] * MOST, (
        "who asked for nothing makes room"
    )
    for caller in callers[1:]:
        caller.say(Attach(DEVICE, b"s" * 16, 1))
    assert step.comes().closed == CloseCode.LIMIT
    callers[1].driven.carrier_lost(0, "", 100.0)
    assert step.comes().closed is None


def test_a_stranger_makes_room_for_another_and_nobody_who_was_admitted_does() -> None:
    step = Doorstep(strangers=True)
    callers = [step.comes(address=f"10.0.{at}.1" if at else "192.0.2.7") for at in range(MOST)]
    for caller in callers:
        caller.say(Attach(DEVICE, b"s" * 16))
    step.admission.watcher[0].admit(HANDLE, (0,), {})
    twice = step.comes(address="10.0.7.1")
    assert callers[1].closed == CloseCode.LIMIT, "each has one place: the oldest goes"
    twice.say(Attach(DEVICE, b"s" * 16))
    assert step.comes(address="203.0.113.1").closed is None
    assert callers[7].closed == CloseCode.LIMIT and callers[2].closed is None, "now one source has two"
    assert callers[0].closed is None and twice.closed is None
    for hop in step.admission.watcher:
        hop.admit(HANDLE, (0,), {})
    assert step.comes(address="203.0.113.2").closed == CloseCode.LIMIT


@pytest.mark.parametrize("addresses", [10, 100, 1000])
def test_a_new_viewer_comes_in_directly_while_many_addresses_connect(addresses: int) -> None:
    step = Doorstep(strangers=True)
    attackers = [step.comes(address=f"10.{at // 250}.{at % 250}.1") for at in range(addresses)]
    for attacker in attackers:
        attacker.say(Attach(DEVICE, b"a" * 16))
    honest = step.comes(address="203.0.113.1")
    for at in range(MOST // 2):
        step.comes(address=f"10.{at // 250}.{at % 250}.1")
    honest.say(Attach(DEVICE, b"h" * 16))
    for at in range(MOST // 4):
        step.comes(address=f"10.{at // 250}.{at % 250}.1")
    assert honest.closed is None and step.desk.came[-1][0] == b"h" * 16


def test_the_session_is_told_that_a_channel_is_open_before_it_carries_a_byte() -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16))
    caller.open(HANDLE, 2, b"")
    assert (step.desk.opened, step.desk.bytes) == ([2], [])
    caller.open(HANDLE, 1, b"record")
    assert (step.desk.opened, step.desk.bytes) == ([2, 1], [(1, b"record")])


@pytest.mark.parametrize(
    "message",
    [Recover(HANDLE + 1, 1, 0), Subscribe(HANDLE + 1, 1, 0), Detach(HANDLE + 1, 0)],
    ids=["recover", "subscribe", "detach"],
)
def test_what_names_another_session_is_ignored(message: HopMessage) -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16))
    (hop,) = step.admission.watcher
    hop.upload.sessions = 1
    hop.admit(HANDLE, (0,), {1: 0})
    caller.say(message)
    assert (step.worker.keys, step.desk.gone, hop.upload.watches()) == (0, 0, True)


def test_who_wants_no_pictures_is_not_watched_and_asks_for_a_key_object_when_it_comes_back() -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16))
    (hop,) = step.admission.watcher
    hop.upload.sessions = 1
    hop.admit(HANDLE, (0,), {1: 0})
    caller.say(Subscribe(HANDLE, 1, 0))
    assert not hop.upload.watches() and step.worker.keys == 0
    for _ in range(3):
        caller.say(Subscribe(HANDLE, 1, 1))
    assert hop.upload.watches() and step.worker.keys == 1, "only a change asks"


def test_detach_ends_pictures_at_once_and_no_channel_opens_behind_it() -> None:
    step = Doorstep(strangers=True)
    caller = step.comes()
    caller.say(Attach(DEVICE, b"s" * 16))
    (hop,) = step.admission.watcher
    hop.upload.sessions = 1
    hop.admit(HANDLE, (0,), {1: 0})
    known = caller.open(HANDLE, 0, b"")
    for _ in range(2):
        caller.say(Detach(HANDLE, CloseCode.ENDED))
    assert step.desk.gone == 1 and not hop.upload.watches()
    assert caller.heard(Detach) == [Detach(HANDLE, CloseCode.ENDED)]
    caller.raw(b"the end", known)
    assert step.desk.bytes == [(0, b"the end")], "what is open stays until it is ended"
    late = caller.open(HANDLE, 2, b"")
    assert caller.told.resets == [(late, CloseCode.FORBIDDEN)] and step.desk.opened == [0]
