"""A program that asks a real relay, over HTTP/3 and, where UDP is blocked, over TCP of the same port: it is sure of the
relay before it asks anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from avl_protocol.endpoint.api.http import RelayHttp, relay_http
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.endpoint.tls import TrustPinned, client_context
from avl_protocol.endpoint.udp.network import Address, Batch, DatagramSocket, Network
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import RelayAddress, parse_relay
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay
from interop.bench.attack.hops import viewer


@asynccontextmanager
async def running(folder: Path, port: int = 0) -> AsyncIterator[Relay]:
    folder.mkdir(exist_ok=True)
    settings = RelaySettings(
        state=folder / "relay", listen=("127.0.0.1", port), http=("127.0.0.1", 0), public="127.0.0.1"
    )
    relay = Relay(system_world(), settings)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.close()


def address(relay: Relay) -> RelayAddress:
    return parse_relay(relay.announced["quic"], relay.announced["pin"])


class Blocked:
    """A network whose UDP goes nowhere."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.sent = 0

    def bind(self, where: Address) -> DatagramSocket:
        """See Network."""
        bound = self._network.bind(where)

        def dropped(batch: Batch) -> Sequence[int]:
            self.sent += len(batch)
            return ()

        bound.send_batch = dropped  # type: ignore[method-assign]
        return bound

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._network.source_for(target)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)


def by_tcp() -> World:
    """A machine whose network lets TCP alone pass."""
    world = system_world()
    return replace(world, network=Blocked(world.network))


def by_udp() -> World:
    """One whose network lets UDP alone pass."""
    return replace(system_world(), dial_http=None)


Way = Callable[[], World]
WAYS = pytest.mark.parametrize("way", [by_udp, by_tcp])


@asynccontextmanager
async def asking(folder: Path, way: Way) -> AsyncIterator[RelayHttp]:
    async with running(folder) as relay:
        async with relay_http(way(), address(relay)) as http:
            yield http


@WAYS
async def test_a_relay_shows_who_it_is_and_answers(tmp_path: Path, way: Way) -> None:
    async with running(tmp_path) as relay:
        async with relay_http(way(), address(relay)) as http:
            assert http.facts.page == relay.page
            answer = await http.ask("GET", "/.well-known/avl.json")
            assert (answer.status, json.loads(answer.body)["quic"]) == (200, relay.quic)
            assert json.loads(answer.body)["accounts"] is False, "there are none: pages lead to no account"
            assert answer.headers["content-type"] == "application/json"
            assert (await http.ask("GET", "/nowhere")).status == 404


@WAYS
async def test_answers_come_to_those_who_asked_and_large_ones_whole(tmp_path: Path, way: Way) -> None:
    async with asking(tmp_path, way) as http:
        paths = ["/app.js", "/health", "/index.html", "/wire/registry.js"] * 5
        answers = await asyncio.gather(*(http.ask("GET", path) for path in paths))
        by_path = {path: answer.body for path, answer in zip(paths, answers, strict=True)}
        assert all(by_path[path] == answer.body for path, answer in zip(paths, answers, strict=True))
        assert by_path["/health"] == b"ok\n" and len(by_path["/app.js"]) > 4000


@WAYS
async def test_another_relay_than_the_pinned_one_is_asked_nothing(tmp_path: Path, way: Way) -> None:
    async with running(tmp_path) as relay:
        there = address(relay)
        with pytest.raises(Refused) as caught:
            async with relay_http(way(), RelayAddress(there.host, there.port, bytes(32))):
                pytest.fail("it was asked")
        assert caught.value.code is CloseCode.WRONG_RELAY


async def test_without_a_pin_somebody_public_has_to_vouch_for_the_relay(tmp_path: Path) -> None:
    async with running(tmp_path) as relay:
        there = address(relay)
        with pytest.raises(Refused, match="pin=FP"):
            async with relay_http(system_world(), RelayAddress(there.host, there.port)):
                pytest.fail("it was asked")
        with pytest.raises(Unreachable, match="certificate"):
            async with relay_http(by_tcp(), RelayAddress(there.host, there.port)):
                pytest.fail("it was asked")


async def test_nobody_there_is_said_in_time() -> None:
    with pytest.raises(Unreachable, match="did not answer within"):
        async with relay_http(system_world(), RelayAddress("127.0.0.1", 9, bytes(32)), timeout=0.3):
            pytest.fail("somebody answered")


@WAYS
async def test_a_relay_that_goes_away_is_noticed(tmp_path: Path, way: Way) -> None:
    async with running(tmp_path) as relay:
        async with relay_http(way(), address(relay), timeout=5.0) as http:
            await relay.close()
            with pytest.raises(Unreachable):
                await http.ask("GET", "/health")


@WAYS
async def test_a_relay_that_starts_again_is_asked_by_another_connection_and_another_relay_never(
    tmp_path: Path, way: Way
) -> None:
    async with running(tmp_path) as first:
        async with relay_http(way(), address(first), timeout=5.0) as http:
            assert (await http.ask("GET", "/health")).status == 200
            port = address(first).port
            await first.close()
            async with running(tmp_path, port):
                answers = await asyncio.gather(*(http.ask("GET", "/health") for _ in range(3)))
                assert [answer.status for answer in answers] == [200] * 3
            async with running(tmp_path / "another", port):
                with pytest.raises(Refused) as caught:
                    await http.ask("GET", "/health")
                assert caught.value.code is CloseCode.WRONG_RELAY


async def test_the_account_pages_can_make_no_script_of_text_and_reach_this_relay_alone(tmp_path: Path) -> None:
    await strict(tmp_path, ("/account/", "/account/main.js"))


async def test_the_console_is_served_and_can_make_no_script_of_text_either(tmp_path: Path) -> None:
    await strict(tmp_path, ("/console/", "/console/main.js", "/console/words/de.json", "/console/pages/devices.js"))
    async with asking(tmp_path, by_udp) as http:
        moved = await http.ask("GET", "/console")
        assert moved.status == 307 and moved.headers["location"].endswith("/console/")
        assert (await http.ask("GET", "/console/nothing.js")).status == 404


async def strict(folder: Path, paths: Sequence[str]) -> None:
    """All of these are there, and under a policy that lets nothing in."""
    async with asking(folder, by_udp) as http:
        for path in paths:
            answer = await http.ask("GET", path)
            assert answer.status == 200
            policy = answer.headers["content-security-policy"]
            assert "require-trusted-types-for 'script'" in policy and "connect-src 'self';" in policy
            assert "unsafe" not in policy and "data:" not in policy and "https:" not in policy


async def test_tcp_is_not_tried_where_udp_answers(tmp_path: Path) -> None:
    world, tried = system_world(), list[object]()

    async def noted(*arguments: object, **settings: object) -> object:
        tried.append(arguments)
        raise Unreachable("not here")

    async with running(tmp_path) as relay:
        async with relay_http(replace(world, dial_http=noted), address(relay)) as http:
            assert (await http.ask("GET", "/health")).body == b"ok\n"
    assert tried == []


async def test_over_tcp_what_is_given_up_ends_the_connection_and_the_rest_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as relay:
        async with relay_http(by_tcp(), address(relay)) as http:
            asked = [asyncio.ensure_future(http.ask("GET", "/health")) for _ in range(3)]
            await asyncio.sleep(0)
            asked[1].cancel()  # it waits for its turn: the others are answered
            done = await asyncio.gather(*asked, return_exceptions=True)
            assert [isinstance(one, BaseException) for one in done] == [False, True, False]
            asked = [asyncio.ensure_future(http.ask("GET", "/app.js")) for _ in range(2)]
            await asyncio.sleep(0)
            asked[0].cancel()
            assert isinstance((await asyncio.gather(*asked, return_exceptions=True))[1], Unreachable)
            assert (await http.ask("GET", "/health")).status == 200, "the next question opens another"


async def test_sessions_and_requests_share_the_port(tmp_path: Path) -> None:
    async with running(tmp_path) as relay:
        there = address(relay)
        hop = viewer(relay.identity.pin)
        await hop.dial((there.host, there.port), None)
        async with relay_http(by_tcp(), there) as http:
            assert (await http.ask("GET", "/health")).body == b"ok\n"
            assert not hop.lost.done()
        hop.hop.carrier.close(0, "")
        # what is asked by another name, or by a page of another site, is refused there as anywhere
        async with relay_http(by_tcp(), there) as http:
            assert (await http.ask("GET", "/health", [("origin", "https://evil.test")])).status == 421
            assert (await http.ask("POST", "/health")).status == 405


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
        (b"G\r\n\r\n", b"400"),
        (b"GET /avl/2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /avl/1 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"426"),
        (b"POST /api/v1/groups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n", b"413"),
        (b"GET /health HTTP/1.1\r\nHost: evil.test\r\n\r\n", b"421"),
    ],
)
async def test_what_a_client_wants_is_known_however_its_bytes_come(
    tmp_path: Path, request_: bytes, status: bytes
) -> None:
    async with running(tmp_path) as relay:
        there = address(relay)
        reader, writer = await asyncio.open_connection(
            there.host, there.port, ssl=client_context(TrustPinned()), server_hostname="localhost"
        )
        try:
            for at in range(len(request_)):
                writer.write(request_[at : at + 1])
                await writer.drain()
            async with asyncio.timeout(10):
                assert (await reader.readline()).split()[1] == status
        finally:
            writer.close()
