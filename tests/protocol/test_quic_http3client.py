"""The asking side of HTTP/3 against the answering one, on two connections in memory."""

from __future__ import annotations

import pytest

from avl_protocol.quic.http3 import Headers, Http3Application, HttpRequest
from avl_protocol.quic.http3client import Http3Client
from avl_protocol.wire.errors import LocalProtocolError
from tests.protocol.pair import Pair

GET: Headers = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"relay.test"), (b":path", b"/x")]
POST: Headers = [(b":method", b"POST"), *GET[1:]]
LARGE = bytes(range(256)) * 10_000


class Answer:
    """What one receiver was told."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.whole = False
        self.failure = ""

    def answer_begun(self, status: int, headers: Headers, now: float) -> None:
        self.status, self.headers = status, headers

    def answer_data(self, data: bytes, end: bool, now: float) -> None:
        self.body += data
        self.whole = end

    def answer_failed(self, text: str, now: float) -> None:
        self.failure = text


class Server:
    """Keeps what it is asked; the test answers."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.bodies: dict[HttpRequest, bytes] = {}
        self.reset: list[HttpRequest] = []

    def request_received(self, request: HttpRequest, end: bool, now: float) -> None:
        self.requests.append(request)

    def body_received(self, request: HttpRequest, data: bytes, end: bool, now: float) -> None:
        self.bodies[request] = self.bodies.get(request, b"") + data

    def request_writable(self, request: HttpRequest, now: float) -> None:
        """Nothing waits for room."""

    def request_reset(self, request: HttpRequest, now: float) -> None:
        self.reset.append(request)


class Line:
    """A client and a server application."""

    def __init__(self) -> None:
        self.pair = Pair(alpn="h3", handshake=False)
        self.ready: list[Http3Client] = []
        self.client = Http3Client(self.pair.client, self.ready.append)
        self.handler = Server()
        self.server: Http3Application | None = None
        self.go(0.1)

    def go(self, seconds: float = 0.05) -> None:
        end = self.pair.now + seconds
        while self.pair.now < end:
            self.pair.run(0.002)
            if self.server is None and self.pair.server.handshake_complete:
                self.server = Http3Application(
                    self.pair.server,
                    on_carrier=lambda carrier: pytest.fail("no session was asked for"),
                    handler=self.handler,
                    origin_allowed=lambda origin, authority: False,
                )
            for application, connection in ((self.server, self.pair.server), (self.client, self.pair.client)):
                kept = self.pair.events[connection]
                while application is not None and kept:
                    application.event_received(kept.pop(0), self.pair.now)
                if application is not None:
                    application.settle(self.pair.now)

    def ask(self, headers: Headers = GET, body: bytes | None = None) -> tuple[Answer, HttpRequest]:
        answer = Answer()
        self.client.ask(headers, body, answer)
        self.go()
        return answer, self.handler.requests[-1]


def test_it_says_when_it_can_be_asked() -> None:
    line = Line()
    assert line.ready == [line.client] and line.client.certificate


def test_a_body_goes_and_a_large_answer_comes() -> None:
    line = Line()
    answer, request = line.ask(POST, LARGE)
    line.go(0.4)
    assert line.handler.bodies[request] == LARGE
    request.send_headers(103, [(b"link", b"early")])
    request.send_headers(201, [(b"content-type", b"text/plain")])
    request.send_data(LARGE, end=True)
    line.go(0.4)
    assert (answer.status, answer.headers) == (201, [(b"content-type", b"text/plain")])
    assert answer.whole and answer.body == LARGE


def test_an_answer_without_a_body_is_whole() -> None:
    line = Line()
    answer, request = line.ask()
    request.send_headers(204, end=True)
    line.go()
    assert (answer.status, answer.whole, answer.body) == (204, True, b"")


def test_an_answer_that_is_broken_off_is_told() -> None:
    line = Line()
    answer, request = line.ask()
    request.send_headers(200)
    request.send_data(b"half")
    line.go()
    request.abandon()
    line.go()
    assert answer.body == b"half" and "broke off" in answer.failure and not answer.whole


def test_what_is_given_up_is_told_to_the_server_and_to_nobody_else() -> None:
    line = Line()
    answer = Answer()
    stream = line.client.ask(GET, None, answer)
    line.go()
    line.client.give_up(stream)
    line.go()
    assert line.handler.reset == line.handler.requests
    assert (answer.status, answer.failure) == (0, "")


def test_the_end_of_the_connection_ends_what_was_asked_and_nothing_can_be_asked_then() -> None:
    line = Line()
    answer, _ = line.ask()
    assert line.server is not None
    line.server.shut(0, "")
    line.go()
    assert answer.failure == "the connection ended" and line.client.ended
    with pytest.raises(LocalProtocolError):
        line.client.ask(GET, None, Answer())
