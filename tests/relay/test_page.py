"""The page over TCP under abuse: connections have a place and a time, requests no body, and honest people get in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from avl_protocol.endpoint.accept.hits import BY_NETWORK, LIMITS
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.rate.limits import Allowance, Limits, Places
from avl_relay import descriptors
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay


@asynccontextmanager
async def serving(folder: Path, **limits: object) -> AsyncIterator[Relay]:
    """A relay that serves its page within these limits."""
    chosen = replace(Limits(), **limits)  # type: ignore[arg-type]
    settings = RelaySettings(
        state=folder / "relay", listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1", limits=chosen
    )
    running = Relay(system_world(), settings)
    await running.start()
    try:
        async with asyncio.timeout(20):
            yield running
    finally:
        await running.close()


def port_of(running: Relay) -> int:
    """Where its page is."""
    return int(running.page.rstrip("/").rsplit(":", 1)[1])


@asynccontextmanager
async def page(folder: Path, **limits: object) -> AsyncIterator[int]:
    """The port of a page that is served within these limits."""
    async with serving(folder, **limits) as running:
        yield port_of(running)


async def opened(
    port: int, data: bytes, source: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(data)
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that came until the end."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def get(port: int, method: str = "GET", more: str = "") -> bytes:
    return f"{method} /health HTTP/1.1\r\nHost: localhost:{port}\r\n{more}\r\n".encode()


async def test_a_connection_that_never_asks_is_dropped_even_if_its_request_drips(tmp_path: Path) -> None:
    async with page(tmp_path, request_seconds=0.4) as port:
        for begun in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
            reader, writer = await opened(port, begun)
            assert await ended(reader) == b""
            writer.close()
        reader, writer = await opened(port, b"GET /health HTTP/1.1\r\nX: ")
        end = asyncio.ensure_future(ended(reader))
        while not end.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert end.result() == b""
        writer.close()


async def test_whoever_does_not_read_an_answer_is_dropped(tmp_path: Path) -> None:
    async with page(tmp_path, answer_seconds=0.3, requests=Allowance(1e6, 1e6)) as port:
        _, writer = await opened(port, b"")
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        gone = asyncio.Event()
        asking = f"GET /app.js HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        while not gone.is_set() and not writer.transport.is_closing():
            try:
                writer.write(asking * 1000)
                await asyncio.wait_for(writer.drain(), 1.0)
            except (ConnectionError, TimeoutError):
                gone.set()
        writer.close()
        answer, other = await opened(port, get(port))
        assert b" 200 " in await answer.readline()
        other.close()


async def test_a_connection_may_ask_again_and_again(tmp_path: Path) -> None:
    async with page(tmp_path, request_seconds=0.5) as port:
        reader, writer = await opened(port, b"")
        for _ in range(4):
            await asyncio.sleep(0.2)
            writer.write(get(port))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head
            await reader.readexactly(3)
        writer.close()


async def test_no_body_is_read(tmp_path: Path) -> None:
    cases = [
        ("POST", "Transfer-Encoding: chunked\r\n", b"405"),
        ("GET", "Transfer-Encoding: chunked\r\n", b"413"),
        ("GET", "Content-Length: 1000000000\r\n", b"413"),
        ("OPTIONS", "", b"405"),
        ("GET", "Content-Length: 0\r\n", b"200"),
        ("HEAD", "Connection: close\r\n", b"200"),
    ]
    async with page(tmp_path) as port:
        for method, more, status in cases:
            reader, writer = await opened(port, get(port, method, more))
            assert (await reader.readline()).split()[1] == status
            if status != b"200":
                writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                await ended(reader)
            writer.transport.abort()


async def test_a_source_has_so_many_connections_and_others_get_in(tmp_path: Path) -> None:
    async with page(tmp_path, pages=Places(5, 50, 500)) as port:
        held = [await opened(port, b"GET /", "127.5.0.1") for _ in range(5)]
        reader, writer = await opened(port, b"", "127.5.0.1")
        assert await ended(reader) == b""
        honest, other = await opened(port, get(port))
        assert b" 200 " in await honest.readline()
        for _, one in [*held, (reader, writer), (honest, other)]:
            one.transport.abort()


async def test_a_source_that_opens_very_many_waits_and_others_do_not(tmp_path: Path) -> None:
    async with serving(tmp_path, proved=Allowance(0.001, 20.0)) as running:
        port, dropped = port_of(running), 0
        for _ in range(25):
            reader, writer = await opened(port, b"", "127.5.0.1")
            writer.write(get(port, more="Connection: close\r\n"))
            dropped += await ended(reader) == b""
            writer.close()
        assert dropped == 5
        assert running.snapshot().total(LIMITS)["connections to the page"] == 5
        assert running.snapshot().total(BY_NETWORK)["connections to the page 127.5.0.0/24"] == 5
        honest, other = await opened(port, get(port))
        assert b" 200 " in await honest.readline()
        other.transport.abort()


async def test_when_descriptors_run_out_whoever_holds_many_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "of_system", lambda: 64 + 80)
    async with page(tmp_path) as port:
        held = [await opened(port, b"GET /", f"127.5.{n % 4}.{1 + n // 30}") for n in range(120)]
        honest, writer = await opened(port, get(port))
        assert b" 200 " in await honest.readline()
        for _, one in [*held, (honest, writer)]:
            one.transport.abort()


async def test_who_asks_too_often_is_told_and_others_are_answered(tmp_path: Path) -> None:
    async with page(tmp_path, requests=Allowance(0.001, 3)) as port:
        statuses = []
        for _ in range(4):
            reader, writer = await opened(port, get(port), "127.5.0.1")
            statuses.append((await reader.readline()).split()[1])
            writer.close()
        assert statuses == [b"200", b"200", b"200", b"429"]
        reader, writer = await opened(port, get(port))
        assert b" 200 " in await reader.readline()
        writer.close()


@pytest.mark.parametrize(
    ("soft", "hard", "becomes"),
    [(1024, 4096, 4096), (4096, 4096, 4096), (1024, -1, 65536), (-1, -1, 65536), (1024, 1 << 20, 65536)],
)
def test_as_many_descriptors_are_asked_for_as_there_may_be(soft: int, hard: int, becomes: int) -> None:
    asked: list[tuple[int, int]] = []
    assert descriptors.raised(lambda: (soft, hard), lambda *given: asked.append(given)) == becomes
    assert asked == ([] if soft in (becomes, -1) else [(becomes, hard)])


def test_what_the_system_refuses_is_done_without() -> None:
    def refuse(soft: int, hard: int) -> None:
        raise ValueError("not allowed")

    assert descriptors.raised(lambda: (1024, 4096), refuse) == 1024


async def test_a_relay_whose_page_is_not_whole_serves_all_else_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avl_relay.http.app.FROM_NPM", "vendor/nothing.mjs")
    async with page(tmp_path) as port:
        answers = []
        for path in ("/", "/health"):
            request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request.encode())
            answers.append(await reader.read())
            writer.close()
    assert answers[0].startswith(b"HTTP/1.1 503") and b"install npm" in answers[0]
    assert answers[1].startswith(b"HTTP/1.1 200")
