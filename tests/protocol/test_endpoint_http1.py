"""HTTP/1.1 on a relay's TCP port: requests and answers of both ends, without I/O, and what a bad client comes to."""

from __future__ import annotations

import h11
import pytest

from avl_protocol.endpoint.tcp.http1server import Http1Server
from avl_protocol.quic.http3 import MAX_HEADERS, HttpRequest


class Handler:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.told: list[tuple[str, bytes, bool]] = []

    def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
        self.requests.append(request)
        self.told.append(("request", request.path.encode(), end))

    def body_received(self, request: HttpRequest, data: bytes, end: bool, now: float) -> None:
        self.told.append(("body", data, end))

    def request_writable(self, request: HttpRequest, now: float) -> None:
        self.told.append(("writable", b"", False))

    def request_reset(self, request: HttpRequest, now: float) -> None:
        self.told.append(("reset", b"", False))


class Served:
    def __init__(self) -> None:
        self.handler, self.unsent, self.wanted = Handler(), 0, 0
        self.server = Http1Server(self.handler, ("192.0.2.1", 5), unsent=lambda: self.unsent, on_wanted=self._wanted)

    def _wanted(self) -> None:
        self.wanted += 1

    def say(self, *pieces: bytes) -> Served:
        for piece in pieces:
            self.server.receive(piece, 0.0)
        return self

    @property
    def request(self) -> HttpRequest:
        return self.handler.requests[-1]


GET = b"GET /a?b HTTP/1.1\r\nHost: relay.test:4433\r\nX-Avl-Proof: p\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: relay.test\r\ncontent-length: 6\r\n\r\n"


def test_requests_are_answered_one_after_the_other_on_one_connection() -> None:
    served = Served().say(GET[:10], GET[10:])
    request = served.request
    assert (request.method, request.path, request.authority) == ("GET", "/a?b", "relay.test:4433")
    assert request.headers == [(b"x-avl-proof", b"p")] and request.peer_address == ("192.0.2.1", 5)
    assert served.handler.told == [("request", b"/a?b", True)] and served.server.busy
    request.send_headers(200, [(b"content-length", b"2")])
    request.send_data(b"ok", True)
    assert served.server.data_to_send() == b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok"
    assert request.over and not served.server.busy and not served.server.finished and served.wanted == 2
    served.say(POST, b"abc", b"def")
    bodies = [told for told in served.handler.told if told[0] != "request"]
    assert bodies == [("body", b"abc", False), ("body", b"def", False), ("body", b"", True)]
    served.request.send_headers(204, end=True)
    assert served.server.data_to_send().startswith(b"HTTP/1.1 204 ") and not served.server.finished
    request.send_data(b"too late", True)
    assert served.server.data_to_send() == b""


def test_who_answers_before_the_body_ends_or_is_asked_to_ends_the_connection() -> None:
    served = Served().say(POST, b"abc")
    served.request.send_headers(413, [(b"content-length", b"0")], True)
    assert served.server.finished and served.server.data_to_send().startswith(b"HTTP/1.1 413 ")
    served.say(b"def")  # nobody reads it
    asked = Served().say(GET.replace(b"X-Avl-Proof: p", b"Connection: close"))
    asked.request.send_headers(200, [(b"content-length", b"0")], True)
    assert asked.server.finished and b"Connection: close" in asked.server.data_to_send()
    impatient = Served().say(GET + GET)
    impatient.request.send_headers(200, [(b"content-length", b"0")], True)
    assert impatient.server.finished and len(impatient.handler.requests) == 1


def test_a_handler_that_gives_up_or_contradicts_itself_ends_the_connection() -> None:
    served = Served().say(GET)
    served.request.abandon()
    assert served.server.finished and served.request.over
    served = Served().say(GET)
    served.request.send_headers(200, [(b"content-length", b"1")])
    served.request.send_data(b"more", True)
    assert served.server.finished


def test_a_handler_is_told_once_when_there_is_room() -> None:
    served = Served().say(GET)
    served.request.send_headers(200)
    served.unsent = 100
    assert served.request.backlog > 100
    served.request.tell_room(50)
    served.server.drained(0.0)
    assert ("writable", b"", False) not in served.handler.told
    served.server.data_to_send()
    served.unsent = 50
    served.server.drained(0.0)
    served.server.drained(0.0)
    assert served.handler.told.count(("writable", b"", False)) == 1
    served.server.lost(0.0)
    assert served.handler.told[-1] == ("reset", b"", False) and served.request.over
    served.server.lost(0.0)
    assert served.handler.told.count(("reset", b"", False)) == 1


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + bytes(MAX_HEADERS) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * (2 * MAX_HEADERS),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(said: bytes) -> None:
    served = Served().say(said)
    assert served.server.finished and served.handler.requests == []
    assert served.server.data_to_send()[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5")


def test_a_client_that_ends_is_heard_until_it_is_answered() -> None:
    served = Served().say(GET, b"")
    assert not served.server.finished
    served.request.send_headers(200, [(b"content-length", b"0")], True)
    assert served.server.finished
    assert Served().say(b"").server.finished


def test_an_answer_without_a_length_is_chunked() -> None:
    served = Served().say(GET)
    served.request.send_headers(200)
    served.request.send_data(b"ab")
    served.request.send_data(b"", True)
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/a?b", headers=[("host", "relay.test")]))
    client.send(h11.EndOfMessage())
    client.receive_data(served.server.data_to_send())
    events = [client.next_event() for _ in range(3)]
    assert isinstance(events[1], h11.Data) and events[1].data == b"ab" and isinstance(events[2], h11.EndOfMessage)
