"""Addresses of a machine and the call when they change: bursts in virtual time, real changes in a network of ours."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avl_protocol.endpoint.addresses import interfaces as interfaces_module
from avl_protocol.endpoint.addresses.interfaces import (
    LONGEST,
    POLL,
    QUIET,
    FixedInterfaces,
    InterfaceWatcher,
    LocalAddress,
    Settling,
    SystemInterfaces,
)
from avl_protocol.endpoint.addresses.netlink import DELADDR, IFA_ADDRESS, NEWADDR, NEWLINK, NEWROUTE, News, messages
from interop.bench.rig.netns import FAR, NEAR, NEAR_DEVICE, Cable, LinkImpossible
from tests.simulator.loop import VirtualLoop

HOME = LocalAddress("192.168.1.7", 24, "eth0")
CAFE = LocalAddress("10.0.0.3", 16, "wlan0")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Two networks of our own; where the system allows none the test is skipped, or fails where CI=true."""
    try:
        laid = Cable()
    except LinkImpossible as impossible:
        text = f"no network namespaces here: {impossible}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    with laid:
        yield laid


# -------------------------------------------------------------------------------------------------------- the addresses


def test_loopback_and_link_local_are_left_out_unless_asked_for() -> None:
    usual = SystemInterfaces().addresses()
    asked = SystemInterfaces(loopback=True, link_local=True).addresses()
    assert LocalAddress("127.0.0.1", 8, "lo") in asked
    assert set(usual) <= set(asked)
    assert asked == sorted(asked)
    assert not [address for address in usual if address.ip.startswith(("127.", "fe80:")) or address.ip == "::1"]


def test_an_address_knows_what_it_reaches_without_a_router() -> None:
    assert str(HOME.network) == "192.168.1.0/24"
    assert str(LocalAddress("fe80::1%eth0", 64, "eth0").network) == "fe80::/64"


def test_the_double_calls_its_watchers_until_they_are_closed() -> None:
    interfaces = FixedInterfaces([HOME])
    seen: list[list[LocalAddress]] = []
    watch = interfaces.watch(lambda: seen.append(interfaces.addresses()))
    interfaces.change([HOME, CAFE])
    interfaces.change([])
    watch.close()
    watch.close()
    interfaces.change([HOME])
    assert seen == [[CAFE, HOME], []]


def test_a_watcher_that_another_one_closes_is_not_called() -> None:
    interfaces = FixedInterfaces()
    called: list[str] = []

    def close_the_other() -> None:
        called.append("first")
        second.close()

    interfaces.watch(close_the_other)
    second = interfaces.watch(lambda: called.append("second"))
    interfaces.change([HOME])
    assert called == ["first"]


# ----------------------------------------------------------------------------------------------------------- the bursts


def settle(signs: list[float], seconds: float = 5.0) -> list[float]:
    """When it is called for signs at these times."""
    loop = VirtualLoop()
    calls: list[float] = []
    begin = loop.time()
    settling = Settling(loop, lambda: calls.append(round(loop.time() - begin, 6)))

    async def play() -> None:
        for at in signs:
            await asyncio.sleep(begin + at - loop.time())
            settling.sign()
        await asyncio.sleep(seconds)

    try:
        loop.run_until_complete(play())
    finally:
        loop.close()
    return calls


def test_one_change_is_one_call_at_once() -> None:
    assert settle([0.0]) == [0.0]


def test_a_burst_is_called_for_at_its_first_sign_and_when_it_has_settled() -> None:
    assert settle([0.0, 0.01, 0.03]) == [0.0, pytest.approx(0.03 + QUIET)]


def test_a_network_that_never_rests_is_not_waited_for_longer_than_the_longest() -> None:
    calls = settle([number * 0.02 for number in range(40)])
    assert calls[:2] == [0.0, pytest.approx(LONGEST)]


@pytest.mark.parametrize("told", [False, True])
def test_where_the_kernel_does_not_tell_the_addresses_are_compared(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    def refuse() -> socket.socket:
        raise PermissionError("a sandbox")

    monkeypatch.setattr(interfaces_module, "open_socket", refuse)
    loop = VirtualLoop()
    interfaces = FixedInterfaces([HOME])
    calls: list[float] = []

    async def play() -> None:
        watcher = InterfaceWatcher(loop, interfaces.addresses, lambda: calls.append(loop.time()), told=told)
        await asyncio.sleep(POLL * 2.5)
        assert calls == []
        interfaces.change([CAFE])
        await asyncio.sleep(POLL * 2)
        assert len(calls) == 1
        watcher.close()
        interfaces.change([HOME])
        await asyncio.sleep(POLL * 3)
        assert len(calls) == 1

    try:
        loop.run_until_complete(play())
    finally:
        loop.close()


async def test_a_kernel_that_stops_telling_is_a_reason_to_look_and_to_compare_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, kernel = socket.socketpair()
    monkeypatch.setattr(interfaces_module, "open_socket", lambda: ours)
    monkeypatch.setattr(interfaces_module, "drain", stopped)
    monkeypatch.setattr(interfaces_module, "POLL", 0.02)
    interfaces = FixedInterfaces([HOME])
    called = asyncio.Event()
    watcher = InterfaceWatcher(asyncio.get_running_loop(), interfaces.addresses, called.set, told=True)
    try:
        async with asyncio.timeout(5):
            kernel.send(b"news that can't be read")
            await called.wait()
            assert ours.fileno() == -1, "it is not listened to any more"
            called.clear()
            interfaces.change([CAFE])
            await called.wait()
    finally:
        watcher.close()
        kernel.close()


def stopped(*_: object) -> bool:
    raise OSError("the socket is gone")


# ------------------------------------------------------------------------------------------------------------- the news


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(index: int, flags: int) -> bytes:
    return message(NEWLINK, struct.pack("=BxHiII", 0, 1, index, flags, 0))


def address(kind: int, ip: str, flags: int = 0x80) -> bytes:
    value = struct.pack("=HH", 8, IFA_ADDRESS) + socket.inet_aton(ip)
    lifetime = struct.pack("=HHIIII", 20, 6, 3600, 3600, 1, 1)
    return message(kind, struct.pack("=BBBBI", socket.AF_INET, 24, flags, 0, 2) + lifetime + value)


def test_what_the_kernel_repeats_is_no_news() -> None:
    news = News()
    assert news.feed(address(NEWADDR, "10.0.0.1"))
    assert not news.feed(address(NEWADDR, "10.0.0.1"))
    assert news.feed(address(NEWADDR, "10.0.0.2"))
    assert news.feed(address(NEWADDR, "10.0.0.1", flags=0xA0))
    assert news.feed(address(DELADDR, "10.0.0.1"))
    assert news.feed(address(NEWADDR, "10.0.0.1"))


def test_a_link_is_news_when_it_begins_or_ceases_to_carry() -> None:
    news = News()
    assert news.feed(link(2, 0x1043))
    assert not news.feed(link(2, 0x1143))  # promiscuous: somebody captures packets
    assert news.feed(link(2, 0x1003))
    assert news.feed(link(3, 0x1043))


def test_every_route_is_news_also_behind_other_messages() -> None:
    news = News()
    news.feed(link(2, 0x1043))
    assert news.feed(link(2, 0x1043) + message(NEWROUTE, bytes(12)))


@pytest.mark.parametrize("cut", range(1, 16))
def test_a_message_cut_short_is_left_out(cut: int) -> None:
    whole = link(2, 0x1043)
    assert list(messages(whole + whole[:-cut])) == list(messages(whole))
    assert not News().feed(whole[:-cut])
    assert not News().feed(message(NEWADDR, b"\0" * 4))


# ------------------------------------------------------------------------------------------------------ the real thing


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_real_change_of_address_link_and_route_is_told(cable: Cable, loop: str) -> None:
    actor = subprocess.Popen(
        cable.near.command([sys.executable, "-m", "tests.protocol.interfaces_actor", loop]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert actor.stdout is not None
    lines = iter(actor.stdout.readline, "")

    def until(condition: Callable[[list[str]], bool]) -> list[str]:
        for line in lines:
            found = [str(row[0]) for row in json.loads(line)]
            if condition(found):
                return found
        pytest.fail("the watcher ended")

    try:
        assert until(lambda found: True) == [NEAR]
        cable.near.run("ip", "address", "add", "10.78.0.1/24", "dev", NEAR_DEVICE)
        until(lambda found: "10.78.0.1" in found)
        cable.near.run("ip", "address", "del", "10.78.0.1/24", "dev", NEAR_DEVICE)
        until(lambda found: "10.78.0.1" not in found)
        cable.near.run("ip", "route", "add", "default", "via", FAR)
        until(lambda found: found == [NEAR])
        cable.near.run("ip", "link", "set", NEAR_DEVICE, "down")
        until(lambda found: True)
    finally:
        actor.communicate(timeout=10)
    assert actor.returncode == 0
