"""One session through real NATs: real programs, the kernel's gateways, a real terminal. No key is doubled, and
none is lost but those that had waited too long, of which the viewer says so."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

from interop.natnet import Machine
from tests.interop.trials import OLD, SOON, accounted, trial


async def test_a_session_survives_everything_that_happens_to_a_laptop(tmp_path: Path) -> None:
    async with trial(tmp_path) as t:
        await t.start()
        await t.on("direct")
        first, second = t.net.viewer.uplinks

        first.gateway.rebind()  # the NAT forgets
        assert await t.watch(3) < SOON
        await t.on("direct")

        t.net.viewer.prefer(1)  # another network is preferred, then the first one is gone
        assert await t.watch(2) < SOON
        t.net.viewer.take_down(0)
        assert await t.watch(3) < SOON
        await t.on("direct", "relay")

        second.gateway.drop_udp(True)  # a firewall
        await t.on("tcp")
        second.gateway.drop_udp(False)
        await t.on("relay", "direct")

        t.kill_relay()  # and the relay's power
        await t.watch(1)
        await t.start_relay()
        await t.watch(2)
        await t.on("relay", "direct")
        await accounted(t)


async def test_under_a_relay_that_restarts_no_key_is_lost_but_those_that_waited_too_long(tmp_path: Path) -> None:
    async with trial(tmp_path, host="symmetric") as t:
        await t.start()
        await t.watch(1.5)
        assert t.typist.read()["path"] == "relay"
        for away in (0.0, OLD + 0.5):
            t.kill_relay()
            await asyncio.sleep(away)
            await t.start_relay()
            back = time.monotonic()
            await t.on("relay")
            assert time.monotonic() - back < 2.0 + SOON
        account = await accounted(t)
        assert account.dropped > 0, "nothing that was typed at first can have been in time"


async def test_where_udp_is_blocked_tcp_carries_the_session_and_leaves_it_when_udp_works(tmp_path: Path) -> None:
    async with trial(tmp_path) as t:
        await t.start(viewer=False)
        gateway = t.net.viewer.uplinks[0].gateway
        gateway.drop_udp(True)
        await t.start_typist()
        said = t.typist.said[0]
        assert said["after"] < 1.0 + SOON
        await t.on("tcp")
        await t.watch(1)
        gateway.drop_udp(False)
        await t.on("relay", "direct")
        await accounted(t)


def connections(machine: Machine) -> int:
    """TCP connections that a machine has open (proc(5): state 01)."""
    rows = subprocess.run(machine.command(["cat", "/proc/net/tcp"]), capture_output=True, text=True, check=True).stdout
    return sum(row.split()[3] == "01" for row in rows.splitlines()[1:])


async def test_a_host_whose_network_lets_udp_through_again_leaves_tcp_and_loses_no_key(tmp_path: Path) -> None:
    async with trial(tmp_path) as t:
        gateway = t.net.host.uplinks[0].gateway
        gateway.drop_udp(True)
        await t.start(relayed=True)
        await t.on("relay")
        assert connections(t.net.host) == 1
        gateway.drop_udp(False)
        end = time.monotonic() + 25
        while connections(t.net.host) and time.monotonic() < end:
            await t.watch(0.5)
        assert connections(t.net.host) == 0
        await t.watch(2)
        await t.on("relay")
        await accounted(t)
