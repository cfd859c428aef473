"""The API as a relay serves it: over TCP and HTTP/3 alike, bounded, checked against other sites, beside a data plane
that goes on without it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.quic.http3 import HttpRequest
from avl_relay.config import RelaySettings
from avl_relay.control.plane import ControlPlane
from avl_relay.control.settings import ControlSettings
from avl_relay.http.bounds import BODY
from avl_relay.http.h3 import AsgiHandler
from avl_relay.relay import Relay

PROBLEM = "application/problem+json"


@asynccontextmanager
async def relay(folder: Path, *, database: str | None = None, accounts: bool = True) -> AsyncIterator[int]:
    """The port of a relay's page."""
    world = system_world()
    settings = RelaySettings(state=folder, listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1")
    plane = ControlPlane(world, ControlSettings(state=folder, database=database), tell=lambda line: None)
    running = Relay(world, settings, control=plane if accounts else None)
    await running.start()
    try:
        async with asyncio.timeout(20):
            yield int(running.page.rstrip("/").rsplit(":", 1)[1])
    finally:
        await running.close()


class Answer:
    """One answer over HTTP/1.1."""

    def __init__(self, head: bytes, body: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        pairs = (line.partition(": ") for line in lines[1:] if line)
        self.headers = {name.lower(): value for name, _, value in pairs}
        self.body = body

    @property
    def code(self) -> str:
        """The name of a problem."""
        assert self.headers["content-type"] == PROBLEM
        said = json.loads(self.body)
        assert said["status"] == self.status
        return str(said["code"])


class Asking:
    """One connection of HTTP/1.1, kept."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        given = {"host": f"localhost:{self.port}", "connection": "close", "content-length": str(len(body))}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        try:
            answer = await reader.read()
        finally:
            writer.close()
        head_of, _, rest = answer.partition(b"\r\n\r\n")
        return Answer(head_of, rest)


async def test_what_comes_from_elsewhere_or_is_too_much_is_refused_as_a_problem(tmp_path: Path) -> None:
    async with relay(tmp_path) as port:
        asking = Asking(port)
        assert (await asking.ask("GET", "/api/v1/devices")).code == "not-signed-in"
        assert (await asking.ask("GET", "/api/v1/devices", host="evil.test")).code == "misdirected"
        assert (await asking.ask("POST", "/api/v1/groups", origin="https://evil.test")).code == "misdirected"
        assert (await asking.ask("POST", "/api/v1/groups", origin="null")).code == "misdirected"
        assert (await asking.ask("POST", "/api/v1/groups", content_length=str(BODY + 1))).code == "too-large"
        assert (await asking.ask("POST", "/api/v1/groups", content_length="-1")).status == 400
        chunked = await asking.ask("POST", "/api/v1/groups", content_length="", transfer_encoding="chunked")
        assert chunked.code == "length"
        assert (await asking.ask("OPTIONS", "/api/v1/groups")).code == "method"
        assert (await asking.ask("TRACE", "/api/v1/groups")).code == "method"
        assert (await asking.ask("GET", "/api/v2/devices")).code == "not-found"
        assert (await asking.ask("POST", "/api/v1/groups", b"[" * 1000)).code == "not-signed-in"
        described = await asking.ask("GET", "/api/v1/openapi.json")
        assert described.status == 200 and "/api/v1/devices" in json.loads(described.body)["paths"]
        assert described.headers["cache-control"] == "no-store" and "content-security-policy" in described.headers
        assert (await asking.ask("POST", "/health")).status == 405  # elsewhere nothing has changed
        assert (await asking.ask("GET", "/health")).body == b"ok\n"


async def test_a_relay_without_accounts_has_no_api(tmp_path: Path) -> None:
    async with relay(tmp_path, accounts=False) as port:
        assert (await Asking(port).ask("GET", "/api/v1/devices")).status == 404
    assert not (tmp_path / "relay.db").exists()


async def test_a_store_that_cannot_be_opened_stops_the_api_alone_and_is_used_when_it_can(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"no database at all" * 100)
    async with relay(tmp_path / "state", database=str(wrong)) as port:
        asking = Asking(port)
        refused = await asking.ask("GET", "/api/v1/devices")
        assert refused.code == "unavailable" and b"is no SQLite database" in refused.body
        assert (await asking.ask("GET", "/health")).status == 200
        wrong.unlink()
        while (answer := await asking.ask("GET", "/api/v1/devices")).status == 503:
            await asyncio.sleep(0.2)
        assert answer.code == "not-signed-in"


# ---------------------------------------------------------------------------------------- HTTP/3


class Request:
    """An HttpRequest with a body."""

    version = "3"
    authority, headers, peer_address = "relay.test", (), ("192.0.2.1", 5)
    backlog = 0

    def __init__(self, path: str, method: str = "POST") -> None:
        self.path, self.method = path, method
        self.over = False
        self.status = 0
        self.answer = b""

    def send_headers(self, status: int, headers: object = (), end: bool = False) -> None:
        self.status = status

    def send_data(self, data: bytes, end: bool = False) -> None:
        self.answer += data

    def abandon(self) -> None:
        self.over = True


async def told(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with what it was sent."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})
            return


@pytest.mark.parametrize(
    ("path", "pieces", "answer"),
    [
        ("/api/v1/%67roups", [b"one", b"two"], b"/api/v1/groups onetwo"),
        ("/api/v1/groups", [bytes(BODY)], b"/api/v1/groups " + bytes(BODY)),
        ("/api/v1/groups", [bytes(BODY), b"x"], None),
        ("/page", [b"x"], None),
        ("/%61pi/v1/groups", [b"x"], None),
    ],
)
async def test_over_http3_a_body_is_counted_as_it_comes(path: str, pieces: list[bytes], answer: bytes | None) -> None:
    handler, request = AsgiHandler(told, None), Request(path)
    asked = cast(HttpRequest, request)
    handler.request_received(asked, False, 0.0)
    for number, piece in enumerate(pieces, 1):
        handler.body_received(asked, piece, number == len(pieces), 0.0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert request.over is (answer is None)
    assert request.answer == (answer or b"")


async def test_over_http3_head_has_no_body() -> None:
    handler, request = AsgiHandler(told, None), Request("/api/v1/groups", "HEAD")
    handler.request_received(cast(HttpRequest, request), True, 0.0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (request.status, request.answer) == (200, b"")
