"""A thousand hops and all that lives on them are opened and closed at a relay, and nothing of it stays."""

from __future__ import annotations

import asyncio
import weakref
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.tcp.websocket import connect_websocket
from avl_protocol.endpoint.tls import TrustPinned
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.messages import Accept, Admit, Attach, Incoming, NatTest, Recover, Subscribe
from avl_relay.config import RelaySettings
from avl_relay.forward import sessions as tables
from avl_relay.relay import Relay
from tests.leaks import kept, nothing_stays
from tests.protocol.handshakes import identity
from tests.relay.stand import Stand
from tests.relay.test_websocket import Dialled
from tests.simulator.run import Simulation
from tests.simulator.world import RELAY, system
from tests.system.seen import run

HOST = identity("host")
#: Of a host and two viewers each.
ROUNDS = 350


def live(stand: Stand, number: int) -> list[weakref.ref[Any]]:
    """A host and two viewers come, do all that there is to do, and go in one of three ways."""
    session = number.to_bytes(16, "big")
    host = stand.host(HOST)
    viewer, mover = stand.viewer(f"10.1.{number % 3}.1"), stand.viewer(f"10.2.{number % 3}.1")
    handle = stand.meet(host, viewer, session=session)
    streams = [viewer.open(handle, channel, b"some bytes") for channel in (0, 1, 2)]
    viewer.say(NatTest(session), Subscribe(handle, 1, 0), Subscribe(handle, 1, 1), Recover(handle, 1, 0))
    mover.say(Attach(HOST.number.to_bytes(17, "big"), session, 1))
    moved = host.last(Incoming)
    assert isinstance(moved, Incoming)
    host.say(Accept(moved.handle))
    mover.open(moved.handle, 1, b"parked")
    if number % 2:
        host.say(Admit(moved.handle, (1,), (0, 1)))
    viewer.raw(b"", streams[0], end=True)
    watched = [weakref.ref(thing) for thing in (host.peer, viewer.peer, mover.peer)]
    for neighbour in {0: (host, viewer, mover), 1: (viewer, mover, host), 2: (mover, host, viewer)}[number % 3]:
        neighbour.lost()
    stand.now += 60
    stand.router.handle_timer(stand.now)
    stand.clear()
    return watched


def test_registrations_sessions_streams_moves_and_nat_tests_leave_nothing_at_the_router(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "CARRIED", 16)  # what it remembers of sessions is full before we count
    stand = Stand()
    for number in range(30):
        live(stand, number)
    before = kept()
    watched = [ref for number in range(ROUNDS) for ref in live(stand, number)]
    alive = len(watched)
    del watched
    after = kept()
    assert alive == 3 * ROUNDS >= 1000
    nothing_stays(before, after, ROUNDS)
    counts = dict(stand.router.snapshot().counts)
    assert counts.pop("sources of NAT tests") <= 6 and counts.pop("remembered sessions") == 16
    assert set(counts.values()) == {0}


def test_a_closed_hop_is_not_kept_for_having_asked_for_a_nat_test() -> None:
    stand = Stand()
    peers = []
    for _ in range(150):
        viewer = stand.viewer()
        viewer.say(NatTest(b"t" * 16))
        viewer.lost()
        peers.append(weakref.ref(viewer.peer))
        del viewer
        stand.clear()
    kept()
    assert sum(ref() is not None for ref in peers) == 0


def test_hops_by_quic_leave_nothing_at_a_relay() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            endpoint = simulation.endpoint("10.0.0.7")
            await endpoint.bind(("10.0.0.7", 0))

            async def visit(number: int) -> None:
                dialled = Dialled(s.relay.pin)
                hop = dialled.hop
                carrier = await endpoint.connect((RELAY, 4433), trust=TrustPinned(), on_carrier=dialled.receiver)
                await dialled.settled
                hop.send(NatTest(number.to_bytes(16, "big")))
                await asyncio.sleep(0.1)
                if number % 2:
                    hop.close(0)  # type: ignore[arg-type]
                else:
                    carrier.connection.terminate(0, "")  # it breaks without a word
                    carrier.connection.on_wanted()
                await asyncio.sleep(1)

            for number in range(10):
                await visit(number)
            await asyncio.sleep(60)
            before = kept()
            for number in range(60):
                await visit(number)
            await asyncio.sleep(60)
            nothing_stays(before, kept(), 60, 10.0)  # one connection is thousands
            assert s.relay_instance is not None
            assert set(s.relay_instance.snapshot().part("endpoint").counts.values()) == {0}
            await endpoint.close()

    run(main)


async def test_hops_by_websocket_leave_nothing_at_a_relay(tmp_path: Path) -> None:
    settings = RelaySettings(
        state=tmp_path / "relay", listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1"
    )
    rounds = 250  # asyncio keeps up to a hundred cancelled timers with a context each: more than that is a leak
    relay = Relay(system_world(), settings)
    await relay.start()
    host, port = relay.quic.split(":")

    def web() -> Snapshot:
        return relay.snapshot().part("WebSockets")

    async def visit(number: int) -> None:
        dialled = Dialled(relay.identity.pin)
        hop = dialled.hop
        await connect_websocket(
            (host, int(port)),
            trust=TrustPinned(),
            on_carrier=dialled.receiver,
            clock=SystemClock(),
            loop=asyncio.get_running_loop(),
        )
        await dialled.settled
        hop.close(0)  # type: ignore[arg-type]
        while web()["connections"]:
            await asyncio.sleep(0.001)

    try:
        async with asyncio.timeout(60):
            for number in range(20):
                await visit(number)
            await asyncio.sleep(0.1)
            before = kept()
            for number in range(rounds):
                await visit(number)
            await asyncio.sleep(0.1)
            nothing_stays(before, kept(), rounds, 10.0)
            assert set(web().counts.values()) == {0}
    finally:
        await relay.close()
