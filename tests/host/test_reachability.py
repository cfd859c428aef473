"""Who may begin a connection at a host: whom a key of a session names, and browsers near by while one seeks it."""

from __future__ import annotations

from typing import Any, cast

from avl_host.paths.reachability import Reachability
from avl_protocol.endpoint.addresses.interfaces import LocalAddress
from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.path.punch import PunchKey
from avl_protocol.path.puncher import OF_ALL
from avl_protocol.session.host import HostSession
from avl_protocol.session.pipes import Attachment
from avl_protocol.wire.endtoend import Candidates
from avl_protocol.wire.registry import CandidateKind

KEY = bytes(range(32))
BROWSER = b"whatever"


class _Interfaces:
    """One network."""

    def addresses(self) -> list[LocalAddress]:
        return [LocalAddress("192.168.1.5", 24, "eth0")]


class _Session:
    """A session that is admitted."""

    punch_key = KEY

    def __init__(self, near: bool = False) -> None:
        self.sent: list[Any] = []
        self.attachment = Attachment(cast(Any, None), 1, near=near)

    def send(self, message: Any) -> None:
        self.sent.append(message)


class _Endpoint:
    """Where punches leave."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

    def send_raw(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent.append(address)


def reachability(socket: _Endpoint | None = None) -> Reachability:
    whereabouts = Whereabouts(cast(Any, _Interfaces()), lambda: 7000)
    whereabouts.observed("relay", "203.0.113.5 7000")
    endpoint = cast(Endpoint, socket or _Endpoint())
    return Reachability(endpoint, whereabouts, bytes, lambda: (b"h" * 32,), direct=True, anybody=False)


def test_a_key_of_a_session_admits_from_anywhere() -> None:
    host = reachability()
    session = cast(HostSession, _Session())
    destination = PunchKey(KEY).connection_id(bytes(8))
    assert not host.admits(destination, ("203.0.113.9", 1))
    host.joined(session)
    assert host.admits(destination, ("203.0.113.9", 1))
    host.gone(session)
    assert not host.admits(destination, ("203.0.113.9", 1))


def test_a_browser_may_knock_from_our_own_network_while_a_viewer_looks_for_the_direct_way() -> None:
    host = reachability()
    session = _Session()
    near, far = ("192.168.1.9", 1), ("192.168.2.9", 1)
    host.joined(cast(HostSession, session))
    assert [type(message) for message in session.sent] == [Candidates]
    assert not host.admits(BROWSER, near)
    host.candidates(cast(HostSession, session), Candidates(1, (), ()), 0.0)
    assert host.admits(BROWSER, near)
    assert not host.admits(BROWSER, far)
    assert not host.admits(BROWSER, ("no address", 1))
    host.gone(cast(HostSession, session))
    assert not host.admits(BROWSER, near)


ROWS = ((int(CandidateKind.LOCAL), "10.9.9.9", 22), (int(CandidateKind.OBSERVED), "203.0.113.5", 5))


def test_a_viewer_that_claims_our_address_opens_no_private_network() -> None:
    for near, punched in ((False, {"203.0.113.5"}), (True, {"10.9.9.9", "203.0.113.5"})):
        socket = _Endpoint()
        reach, session = reachability(socket), cast(HostSession, _Session(near))
        reach.joined(session)
        reach.candidates(session, Candidates(1, ROWS), 0.0)
        assert {host for host, _ in socket.sent} == punched


def test_many_sessions_together_punch_no_more_than_a_host_may() -> None:
    socket = _Endpoint()
    reach = reachability(socket)
    rows = tuple((int(CandidateKind.LOCAL), f"198.51.100.{at}", 9) for at in range(1, 17))
    for at in range(50):
        session = _Session()
        session.punch_key = bytes([at]) * 32
        reach.joined(cast(HostSession, session))
        reach.candidates(cast(HostSession, session), Candidates(1, rows), 0.0)
    for step in range(100):
        reach.handle_timer(step / 10)
    assert OF_ALL[1] <= len(socket.sent) <= OF_ALL[1] + 10 * OF_ALL[0]
