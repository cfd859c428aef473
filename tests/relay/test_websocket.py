"""A whole relay on loopback: programs and pages reach it by WebSocket, and only by its own names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from avl_protocol.endpoint import tls
from avl_protocol.endpoint.loop.clock import Clock, SystemClock
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.tcp.websocket import SUBPROTOCOL, connect_websocket, same_origin
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.session.hop.client import HopClient, HopClientSettings
from avl_protocol.session.hop.clientevents import HopLost, HopUp
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Welcome
from avl_protocol.wire.registry import CloseCode, Role
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay


@asynccontextmanager
async def relay(folder: Path, clock: Clock | None = None) -> AsyncIterator[Relay]:
    running = Relay(
        replace(system_world(), clock=clock or SystemClock()),
        RelaySettings(state=folder / "relay", listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1"),
    )
    await running.start()
    try:
        yield running
    finally:
        await running.close()


class Dialled:
    """A viewer's link whose events are applied: two futures that wait for it."""

    def __init__(self, pin: bytes | None) -> None:
        self.hop = HopClient(HopClientSettings(role=Role.VIEWER, software="test", pin=pin))
        self.settled: asyncio.Future[Welcome | Refused] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[Refused] = asyncio.get_running_loop().create_future()

    def receiver(self, carrier: Any) -> Driven:
        """Receives what a carrier tells."""
        self.hop.attach_carrier(carrier)
        return Driven(self.hop, self._take, Faults(), carrier.close)

    def _take(self) -> None:
        while (event := self.hop.next_event()) is not None:
            if isinstance(event, HopUp):
                self.settled.set_result(event.welcome)
            elif isinstance(event, HopLost):
                if not self.settled.done():
                    self.settled.set_result(event.reason)
                self.lost.set_result(event.reason)


async def dial(running: Relay, pin: bytes) -> Dialled:
    """A viewer's link by WebSocket, at the port of QUIC."""
    dialled = Dialled(pin)
    host, port = running.quic.split(":")
    await connect_websocket(
        (host, int(port)),
        trust=TrustPinned(),
        on_carrier=dialled.receiver,
        clock=SystemClock(),
        loop=asyncio.get_running_loop(),
    )
    return dialled


class FastForward(SystemClock):
    """Its wall is some seconds `ahead`."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


async def test_the_relay_vouches_for_the_certificate_of_the_very_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LONGEST_PAUSE", 0.02)
    clock = FastForward()
    async with relay(tmp_path, clock) as running, asyncio.timeout(10):
        owner = await dial(running, running.identity.pin)
        assert isinstance(await owner.settled, Welcome)
        clock.ahead = tls.RENEW_AFTER + 1
        again = owner
        while again.hop.carrier.peer_certificate == owner.hop.carrier.peer_certificate:
            await asyncio.sleep(0.01)
            again = await dial(running, running.identity.pin)
            assert isinstance(await again.settled, Welcome)
        other = await dial(running, bytes(32))
        refused = await other.settled
        assert isinstance(refused, Refused) and refused.code is CloseCode.WRONG_RELAY
        await running.close()
        assert (await owner.lost).code is CloseCode.GOING_AWAY


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost", "http://localhost:{}", "101"),
        ("127.0.0.1", "http://127.0.0.1:{}", "101"),
        ("localhost", None, "101"),
        ("localhost", "http://elsewhere.test", "403"),
        ("localhost", "null", "403"),
        ("localhost", "http://localhost:1", "403"),
        ("localhost", "http://localhost", "403"),
        ("localhost", "https://127.0.0.1:{}", "403"),
        ("elsewhere.test", "http://localhost:{}", "421"),
    ],
)
async def test_a_page_s_websocket_is_taken_by_our_names_alone(
    host: str, origin: str | None, status: str, tmp_path: Path
) -> None:
    async with relay(tmp_path) as running, asyncio.timeout(10):
        port = int(running.page.rstrip("/").rsplit(":", 1)[1])
        http = ClientProtocol(
            parse_uri(f"ws://{host}:{port}/avl/1"),
            origin=None if origin is None else origin.format(port),  # type: ignore[arg-type]
            subprotocols=[SUBPROTOCOL],
        )
        http.send_request(http.connect())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(http.data_to_send()))
        assert (await reader.readline()).decode().split()[1] == status
        writer.transport.abort()


@pytest.mark.parametrize(
    ("origin", "authority", "same"),
    [
        ("https://relay.test", "relay.test", True),
        ("https://relay.test", "relay.test:443", True),
        ("https://RELAY.test:443", "relay.test", True),
        ("http://relay.test", "relay.test:80", True),
        ("http://[::1]:4480", "[::1]:4480", True),
        ("https://relay.test:8443", "relay.test:8443", True),
        ("https://relay.test:8443", "relay.test", False),
        ("https://relay.test", "relay.test:8443", False),
        ("http://relay.test", "relay.test:443", False),
        ("null", "relay.test", False),
        ("", "", False),
    ],
)
def test_a_page_of_another_port_is_of_another_origin(origin: str, authority: str, same: bool) -> None:
    assert same_origin(origin, authority) is same


async def test_the_page_may_open_a_websocket_to_where_it_came_from(tmp_path: Path) -> None:
    async with relay(tmp_path) as running, asyncio.timeout(10):
        port = int(running.page.rstrip("/").rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /health HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert f"connect-src 'self' https: data: ws://localhost:{port};" in head
        writer.transport.abort()
