"""Ports from a router that speaks UPnP, on loopback: given, refused, and never asked of anybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from async_upnp_client.const import HttpRequest
from async_upnp_client.exceptions import UpnpCommunicationError

from avl_protocol.endpoint.portmapping.portmap import EitherMapper, FixedMapper, PortMapper
from avl_protocol.endpoint.portmapping.upnp import LARGEST, OnlyTheRouter, UpnpMapper
from tests.protocol.igd import HERE, Igd

REDIRECTED = (
    b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.2:1/root.xml\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    '<root xmlns="urn:schemas-upnp-org:device-1-0">&b;</root>'
)


def page(text: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()


@asynccontextmanager
async def standing(igd: Igd, gateway: str | None = HERE) -> AsyncIterator[UpnpMapper]:
    """Someone who asks a router that stands."""
    await igd.stand()
    try:
        yield UpnpMapper(gateway=lambda: gateway, port=igd.port, tries=(1.0, 1.0))
    finally:
        await igd.fall()


@pytest.mark.parametrize("service", ["WANIPConnection:1", "WANIPConnection:2", "WANPPPConnection:1"])
async def test_a_port_is_given_kept_and_given_up(service: str) -> None:
    igd = Igd(service=service)
    async with standing(igd) as mapper:
        mapping = await mapper.map(5000)
        assert mapping is not None, mapper.reason
        assert (mapping.ip, mapping.port, mapping.internal_port) == ("8.8.4.4", 5000, 5000)
        assert (mapping.gateway, mapping.method, mapping.lifetime) == (HERE, "UPnP", 3600.0)
        (kept,) = igd.mappings.values()
        assert kept["NewRemoteHost"] == ""
        assert (kept["NewProtocol"], kept["NewInternalClient"]) == ("UDP", HERE)
        assert (kept["NewLeaseDuration"], kept["NewEnabled"]) == ("3600", "1")
        assert await mapper.renew(mapping) == mapping
        await mapper.release(mapping)
        assert igd.mappings == {}
        assert mapper.reason == ""
        assert igd.searches[0].startswith(b"M-SEARCH * HTTP/1.1\r\n")


async def test_a_port_that_is_taken_outside_is_another_one_and_not_without_end() -> None:
    igd = Igd(taken={5000, 5001})
    async with standing(igd) as mapper:
        mapping = await mapper.map(5000)
        assert mapping is not None
        assert (mapping.port, mapping.internal_port) == (5002, 5000)
        igd.taken = set(range(6000, 6100))
        assert await mapper.map(6000) is None
        assert igd.requests.count("/control") < 12
    assert "718" in mapper.reason


@pytest.mark.parametrize(
    ("igd", "words"),
    [
        (Igd(error=606), "606"),
        (Igd(error=725), "725"),  # OnlyPermanentLeasesSupported
        (Igd(ip="0.0.0.0"), "no connection to give ports of"),
        (Igd(ip="nonsense"), "nonsense"),
        (Igd(service="Layer3Forwarding:1"), "no connection to give ports of"),
        (Igd(control="http://127.0.0.2:1/control"), "no connection to give ports of"),
        (Igd(replaced={"/root.xml": REDIRECTED}), "302"),
        (Igd(replaced={"/root.xml": page("x" * (LARGEST + 1))}), "too long"),
        (Igd(replaced={"/root.xml": page(BOMB)}), "Entit"),
        (Igd(replaced={"/root.xml": page("<root/>")}), ""),
        (Igd(replaced={"/root.xml": page("not XML")}), ""),
        (Igd(replaced={"/scpd.xml": page("<scpd/>")}), ""),
        (Igd(replaced={"/control": page("<x/>")}), ""),
        (Igd(replaced={"/control": b"no HTTP at all\r\n\r\n"}), ""),
    ],
)
async def test_a_refusal_says_why_and_what_to_do_instead(igd: Igd, words: str) -> None:
    async with standing(igd) as mapper:
        assert await mapper.map(5000) is None
    assert mapper.reason.startswith(f"The router {HERE} gave no port by UPnP (")
    assert words in mapper.reason
    assert "--listen 0.0.0.0:PORT" in mapper.reason
    assert "\n" not in mapper.reason
    assert igd.mappings == {}


@pytest.mark.parametrize("where", ["http://127.0.0.2:1/x", "https://127.0.0.1/x", "file:///etc/passwd", "http://[", ""])
async def test_a_description_that_is_elsewhere_is_not_fetched(where: str) -> None:
    igd = Igd(elsewhere=where or " ")
    await igd.stand()
    mapper = UpnpMapper(gateway=lambda: HERE, port=igd.port, tries=(0.05, 0.05))
    try:
        assert await mapper.map(5000) is None
    finally:
        await igd.fall()
    assert "no answer" in mapper.reason
    assert len(igd.searches) == 2
    assert igd.requests == []


async def test_no_other_machine_is_called_whoever_points_to_it() -> None:
    for url in ("http://127.0.0.2:1/x", "http://localhost:1/x", "ftp://127.0.0.1/x"):
        with pytest.raises(UpnpCommunicationError, match="points to another machine"):
            await OnlyTheRouter(HERE).async_http_request(HttpRequest("GET", url, {}, None))


async def test_without_a_router_or_after_a_move_nobody_is_asked() -> None:
    igd = Igd()
    async with standing(igd, None) as mapper:
        assert await mapper.map(5000) is None
        assert "No router was found" in mapper.reason
        mapping = await FixedMapper().map(5000)
        assert mapping is not None
        assert await mapper.renew(mapping) is None
        await mapper.release(mapping)
        assert "no longer behind the router" in mapper.reason
    assert igd.searches == []


async def test_of_several_mappers_the_one_that_gave_a_port_keeps_it() -> None:
    first, second = FixedMapper(reason="It refuses."), FixedMapper("198.51.100.1")
    mapper: PortMapper = EitherMapper(first, second)
    mapping = await mapper.map(5000)
    assert mapping is not None
    assert (mapping.ip, mapper.reason) == ("198.51.100.1", "")
    assert await mapper.renew(mapping) == mapping
    await mapper.release(mapping)
    assert second.mapped == []
    second.reason = "It refuses too."
    assert await mapper.map(5000) is None
    assert mapper.reason == "It refuses too."
