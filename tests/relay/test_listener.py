"""The private listener: metrics, health and readiness over HTTP, on this machine alone."""

from __future__ import annotations

import asyncio
import http.client

import pytest
from typer.testing import CliRunner

from avl_protocol.session.snapshot import Snapshot
from avl_relay.cli import app
from avl_relay.operators.console import look_at
from avl_relay.operators.listener import Listener, build, names_of
from avl_relay.settings.loopback import is_private


class Relay:
    """One that is ready or not."""

    accepting = True

    def snapshot(self) -> Snapshot:
        return Snapshot("relay", {})


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={} if host is None else {"host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


async def test_health_says_alive_and_ready_says_whether_newcomers_are_taken() -> None:
    relay = Relay()
    listener = Listener(build(look_at(relay), lambda standing: b"figures\n", names_of("127.0.0.1")), ("127.0.0.1", 0))
    await listener.start()
    port = listener.address[1]
    try:
        assert await asyncio.to_thread(ask, port, "/health") == (200, "alive\n")
        assert await asyncio.to_thread(ask, port, "/ready") == (200, "ready\n")
        assert await asyncio.to_thread(ask, port, "/metrics") == (200, "figures\n")
        relay.accepting = False
        assert await asyncio.to_thread(ask, port, "/ready") == (503, "not ready\n")
        assert await asyncio.to_thread(ask, port, "/health") == (200, "alive\n"), "it lives while it drains"
        assert (await asyncio.to_thread(ask, port, "/metrics", "POST"))[0] == 405
        assert (await asyncio.to_thread(ask, port, "/"))[0] == 404
        for stranger in ("evil.example", f"evil.example:{port}", ""):  # a name that leads here for a page's sake
            assert (await asyncio.to_thread(ask, port, "/metrics", "GET", stranger))[0] in (400, 421)
        assert (await asyncio.to_thread(ask, port, "/metrics", "GET", f"localhost:{port}"))[0] == 200
    finally:
        await listener.close()


async def test_where_others_may_ask_any_name_will_do() -> None:
    assert names_of("192.0.2.1") is None
    listener = Listener(build(look_at(Relay()), lambda standing: b"figures\n", None), ("127.0.0.1", 0))
    await listener.start()
    try:
        answer = await asyncio.to_thread(ask, listener.address[1], "/metrics", "GET", "relay.internal")
        assert answer == (200, "figures\n")
    finally:
        await listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_is_private(host: str) -> None:
    assert is_private(host)
    names = names_of(host)
    assert names is not None and host in names


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "relay.example", "fe80::1"])
def test_an_address_that_others_reach_is_refused_unless_that_is_said(host: str) -> None:
    assert not is_private(host)
    address = f"[{host}]:9433" if ":" in host else f"{host}:9433"
    refused = CliRunner().invoke(app, ["serve", "--metrics", address])
    assert refused.exit_code == 2 and "--metrics-for-others" in refused.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--log-format", "xml"), "'text' or 'json'"),
        (("--metrics", "nowhere"), "HOST:PORT"),
        (("--elsewhere", "no address"), "HOST:PORT"),
        (tuple(part for at in range(5) for part in ("--elsewhere", f"r{at}.test:1")), "at most 4"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_starts(options: tuple[str, ...], says: str) -> None:
    refused = CliRunner().invoke(app, ["serve", *options])
    assert refused.exit_code == 2 and says in refused.output
