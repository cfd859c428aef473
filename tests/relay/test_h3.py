"""The application over HTTP/3: a large answer waits for the connection, without looking at it again and again."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from avl_protocol.quic.http3 import HttpRequest
from avl_relay.http.h3 import BACKLOG, AsgiHandler

PIECE = bytes(BACKLOG)


class Request:
    """An HttpRequest whose connection drains when the test says so."""

    version = "3"
    method, path, authority, headers, peer_address = "GET", "/large", "relay.test", (), ("192.0.2.1", 5)

    def __init__(self) -> None:
        self.backlog = self.pieces = 0
        self.over = self.wants_room = False

    def send_headers(self, status: int, headers: object = (), end: bool = False) -> None:
        return

    def send_data(self, data: bytes, end: bool = False) -> None:
        self.pieces += 1
        self.backlog += len(data)

    def tell_room(self, backlog: int) -> None:
        self.wants_room = True

    def abandon(self) -> None:
        self.over = True


class Answering:
    """A handler with an application that answers in four pieces, as far as it is let."""

    def __init__(self) -> None:
        self.request = Request()
        self.done = asyncio.Event()
        self.handler = AsgiHandler(self.app, None)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        for at in range(4):
            await send({"type": "http.response.body", "body": PIECE, "more_body": at < 3})
        self.done.set()

    async def begin(self) -> HttpRequest:
        request = cast(HttpRequest, self.request)
        self.handler.request_received(request, True, 0.0)
        await turns()
        return request


async def turns() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_is_sent_than_may_wait_until_the_connection_has_room() -> None:
    answering = Answering()
    request = await answering.begin()
    assert answering.request.pieces == 2 and answering.request.wants_room
    for sent in (3, 4):
        answering.request.backlog, answering.request.wants_room = BACKLOG, False
        answering.handler.request_writable(request, 1.0)
        await turns()
        assert answering.request.pieces == sent
    assert answering.done.is_set()


@pytest.mark.parametrize("how", ["reset", "body"])
async def test_an_answer_that_nobody_wants_waits_for_nothing(how: str) -> None:
    answering = Answering()
    request = await answering.begin()
    answering.request.over = True
    if how == "reset":
        answering.handler.request_reset(request, 1.0)
    else:
        answering.handler.body_received(request, b"unasked", True, 1.0)
    await turns()
    assert answering.done.is_set()
