"""Ports from a router on loopback: what it speaks, forgets, refuses and does not answer."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.portmapping import pcp
from avl_protocol.endpoint.portmapping.gateway import default_gateway, read_gateway
from avl_protocol.endpoint.portmapping.portmap import LONGEST_LIFETIME, FixedMapper, GatewayMapper, PortMapper
from tests.protocol.router import Router

HERE = "127.0.0.1"
FAST = (0.05, 0.05, 0.05)
ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	FE01A8C0	0003	0	0	100	00000000	0	0	0
down0	00000000	0901A8C0	0002	0	0	1	00000000	0	0	0
ppp0	00000000	00000000	0001	0	0	2	00000000	0	0	0
half0	00000000	0801A8C0	0003	0	0	3	00000080	0	0	0
eth0	0001A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
"""


@asynccontextmanager
async def standing(
    router: Router, tries: tuple[float, ...] = FAST, gateway: Callable[[], str | None] = lambda: HERE
) -> AsyncIterator[GatewayMapper]:
    """Someone who asks a router that stands."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: router, local_addr=(HERE, 0))
    try:
        yield GatewayMapper(entropy, gateway=gateway, port=router.port, tries=tries)
    finally:
        transport.close()
        await asyncio.sleep(0)


# ----------------------------------------------------------------------------------------------------------- the router


def test_the_gateway_is_that_of_the_default_route_with_the_least_metric() -> None:
    assert default_gateway(ROUTES) == "192.168.1.254"


@pytest.mark.parametrize("table", ["", "Iface", ROUTES.splitlines()[0] + "\neth0\tx\ty\n\n", "\neth0 0 0"])
def test_without_a_default_route_there_is_no_gateway(table: str) -> None:
    assert default_gateway(table) is None


def test_this_machine_s_own_table_can_be_read() -> None:
    found = read_gateway()
    assert found is None or ipaddress.ip_address(found).version == 4


# ----------------------------------------------------------------------------------------------------------- the asking


@pytest.mark.parametrize(
    ("router", "method"),
    [
        (Router(), "PCP"),
        (Router(nat_pmp=False), "PCP"),
        (Router(pcp=False), "NAT-PMP"),
        (Router(pcp=False, says_version=False), "NAT-PMP"),
    ],
)
async def test_a_port_is_given_kept_and_given_up(router: Router, method: str) -> None:
    async with standing(router) as mapper:
        mapping = await mapper.map(5000)
        assert mapping is not None, mapper.reason
        assert (mapping.ip, mapping.port, mapping.lifetime) == ("8.8.4.4", 5000, 600.0)
        assert (mapping.internal_port, mapping.gateway, mapping.method) == (5000, HERE, method)
        assert mapping.renew_after == 300.0
        assert mapping.public
        again = await mapper.renew(mapping)
        assert again == mapping
        assert len(router.mappings) == 1
        await mapper.release(again)
        assert router.mappings == {}
        assert mapper.reason == ""


async def test_a_port_that_is_taken_outside_is_another_one() -> None:
    async with standing(Router()) as mapper:
        mapping = await mapper.map(4433)
        assert mapping is not None
        assert mapping.port == 40001
        assert mapping.internal_port == 4433


@pytest.mark.parametrize("speaks_pcp", [True, False])
async def test_a_router_that_was_started_again_is_asked_for_the_same_port(speaks_pcp: bool) -> None:
    router = Router(pcp=speaks_pcp)
    async with standing(router) as mapper:
        mapping = await mapper.map(4433)
        assert mapping is not None
        router.mappings.clear()
        assert await mapper.renew(mapping) == mapping


async def test_requests_that_are_lost_are_sent_again_and_not_forever() -> None:
    router = Router(deaf=2, nat_pmp=False)
    async with standing(router) as mapper:
        assert await mapper.map(5000) is not None
        assert router.asked[0] == router.asked[1] == router.asked[2], "a second nonce would be a second mapping"
    silent = Router(pcp=False, nat_pmp=False)
    async with standing(silent) as mapper:
        assert await mapper.map(5000) is None
        assert len(silent.asked) == 2 * len(FAST)
        assert "no answer" in mapper.reason
        assert "router's settings" in mapper.reason


async def test_where_nobody_listens_it_is_noticed_at_once() -> None:
    router = Router()
    async with standing(router, tries=(60.0,)) as mapper:
        pass
    async with asyncio.timeout(5):
        assert await mapper.map(5000) is None
    assert "no answer to PCP" in mapper.reason


async def test_answers_to_something_else_are_passed_over() -> None:
    async with standing(Router(lies=True)) as mapper:
        mapping = await mapper.map(5000)
        assert mapping is not None
        assert mapping.ip == "8.8.4.4"


@pytest.mark.parametrize(
    ("router", "words"),
    [
        (Router(result=2), "by PCP, it does not allow mappings"),
        (Router(result=99), "by PCP, result 99"),
        (Router(pcp=False, result=2), "by NAT-PMP, it does not allow mappings"),
        (Router(pcp=False, result=4), "by NAT-PMP, it has no port left"),
        (Router(lifetime=0), "leads nowhere"),
        (Router(ip="0.0.0.0"), "leads nowhere"),
    ],
)
async def test_a_refusal_says_why_and_what_to_do_instead(router: Router, words: str) -> None:
    async with standing(router) as mapper:
        assert await mapper.map(5000) is None
    assert words in mapper.reason
    assert "--listen 0.0.0.0:PORT" in mapper.reason


async def test_without_a_router_nobody_is_asked() -> None:
    router = Router()
    async with standing(router, gateway=lambda: None) as mapper:
        assert await mapper.map(5000) is None
    assert router.asked == []
    assert "No router was found" in mapper.reason


async def test_after_a_move_neither_router_hears_of_the_old_mapping() -> None:
    router = Router()
    where: list[str] = [HERE]
    async with standing(router, gateway=lambda: where[0]) as mapper:
        mapping = await mapper.map(5000)
        assert mapping is not None
        where[0] = "127.0.0.2"
        asked = len(router.asked)
        assert await mapper.renew(mapping) is None
        assert "no longer behind the router" in mapper.reason
        await mapper.release(mapping)
        assert len(router.asked) == asked


async def test_an_address_behind_another_nat_is_told_and_a_boundless_lifetime_is_not_believed() -> None:
    router = Router(ip="100.64.0.9", lifetime=1 << 31)
    async with standing(router):
        mapper = GatewayMapper(entropy, gateway=lambda: HERE, port=router.port, tries=FAST, lifetime=1 << 31)
        mapping = await mapper.map(5000)
    assert mapping is not None
    assert not mapping.public
    assert mapping.lifetime == LONGEST_LIFETIME


async def test_the_double_gives_and_takes_back() -> None:
    double = FixedMapper()
    mapper: PortMapper = double
    mapping = await mapper.map(5000)
    assert mapping is not None
    assert await mapper.renew(mapping) == mapping
    assert double.mapped == [mapping]
    await mapper.release(mapping)
    assert double.mapped == []
    double.reason = "no"
    assert await mapper.map(5000) is None
    assert replace(mapping, ip="10.0.0.1").public is False


# --------------------------------------------------------------------------------------------------------- the messages


def test_a_request_is_as_the_rfc_draws_it() -> None:
    request = pcp.pcp_request("192.0.2.7", b"n" * 12, 5000, 3600, port=6000)
    assert request.hex() == (
        "0201000000000e10" + "00" * 10 + "ffffc0000207" + "6e" * 12 + "1100000013881770" + "00" * 10 + "ffff00000000"
    )
    assert pcp.mapping_request(5000, 3600, 6000).hex() == "000100001388177000000e10"
    assert pcp.address_request() == b"\0\0"


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x02\x81\0\0", b"\x02\x81\0\x08", b"\0\x80\0\0", b"\0\x81\0\0"]))
def test_no_answer_raises(data: bytes, start: bytes) -> None:
    pcp.pcp_answer(start + data, b"n" * 12, 5000)
    pcp.address_answer(start + data)
    pcp.mapping_answer(start + data, 5000)
    pcp.speaks_nat_pmp(start + data)


def test_a_refusal_may_be_cut_short() -> None:
    assert pcp.pcp_answer(bytes([2, 0x81, 0, 8]) + bytes(20), b"n" * 12, 5000) == pcp.Grant(8)
    assert pcp.pcp_answer(bytes([2, 0x81, 0, 0]) + bytes(20), b"n" * 12, 5000) is None
