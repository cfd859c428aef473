"""Who may begin a connection at a host: whom a key of a session names, and browsers near by while one seeks it."""

from __future__ import annotations

from typing import Any, cast

from avl_host.reachability import Reachability
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.interfaces import LocalAddress
from avl_protocol.endpoint.whereabouts import Whereabouts
from avl_protocol.path.punch import PunchKey
from avl_protocol.session.host import HostSession
from avl_protocol.wire.endtoend import Candidates

KEY = bytes(range(32))
BROWSER = b"whatever"


class _Interfaces:
    """One network."""

    def addresses(self) -> list[LocalAddress]:
        return [LocalAddress("192.168.1.5", 24, "eth0")]


class _Session:
    """A session that is admitted."""

    punch_key = KEY

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)


class _Endpoint:
    """Where punches leave."""

    def send_raw(self, data: bytes, address: tuple[str, int]) -> None:
        raise AssertionError("nobody has named an address")


def reachability() -> Reachability:
    whereabouts = Whereabouts(cast(Any, _Interfaces()), lambda: 7000)
    endpoint = cast(Endpoint, _Endpoint())
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
