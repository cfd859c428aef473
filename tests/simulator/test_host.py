"""A simulated host's addresses come and go, its sockets stay, and it can be put to sleep."""

from __future__ import annotations

import pytest

from tests.simulator.port import Port, at
from tests.simulator.run import Simulation, run

#: A public host, the public addresses of boxes, and private ones: of a laptop, its neighbour, and another network's.
RELAY, OTHER, BOX, FAR_BOX = "198.51.100.1", "198.51.100.2", "203.0.113.1", "203.0.113.2"
LAPTOP, NEIGHBOUR, DISTANT = "192.168.1.10", "192.168.1.11", "192.168.2.10"


def test_a_socket_of_every_address_follows_the_preferred_one_and_hears_on_all() -> None:
    async def main(sim: Simulation) -> None:
        host, relay = sim.network.at(LAPTOP), at(sim, RELAY, 1)
        laptop, changes = Port(host), []
        host.on_change.append(lambda: changes.append(host.local_addresses()))
        await laptop.say((RELAY, 1))
        host.set_addresses([NEIGHBOUR, LAPTOP])
        await laptop.say((RELAY, 1))
        assert relay.sources() == [(LAPTOP, laptop.number), (NEIGHBOUR, laptop.number)]
        assert laptop.socket.local_address == (NEIGHBOUR, laptop.number)
        await relay.say((LAPTOP, laptop.number), (NEIGHBOUR, laptop.number))
        assert laptop.sources() == [(RELAY, 1)] * 2
        host.set_addresses([NEIGHBOUR])
        await relay.say((LAPTOP, laptop.number), (NEIGHBOUR, laptop.number))
        assert laptop.sources() == [(RELAY, 1)]
        host.set_addresses([])
        await laptop.say((RELAY, 1))
        assert relay.sources() == []
        assert changes == [[NEIGHBOUR, LAPTOP], [NEIGHBOUR], []]
        assert sim.network.at(LAPTOP) is host
        sim.network.at(OTHER).set_addresses([LAPTOP])  # which is free again
        with pytest.raises(ValueError, match="somebody else"):
            host.set_addresses([LAPTOP])

    run(main)


def test_a_datagram_leaves_from_the_address_it_is_pinned_to_or_not_at_all() -> None:
    async def main(sim: Simulation) -> None:
        host, relay = sim.network.at(LAPTOP), at(sim, RELAY, 1)
        laptop = Port(host)
        host.set_addresses([LAPTOP, NEIGHBOUR])
        await laptop.say((RELAY, 1, NEIGHBOUR), (RELAY, 1, LAPTOP), (RELAY, 1, DISTANT))
        assert relay.sources() == [(NEIGHBOUR, laptop.number), (LAPTOP, laptop.number)]
        host.set_addresses([LAPTOP])
        await laptop.say((RELAY, 1, NEIGHBOUR))
        assert relay.sources() == []

    run(main)


def test_a_socket_of_one_address_ends_with_it() -> None:
    async def main(sim: Simulation) -> None:
        host, relay = sim.network.at(LAPTOP), at(sim, RELAY, 1)
        host.set_addresses([LAPTOP, NEIGHBOUR])
        second = Port(host, NEIGHBOUR)
        await second.say((RELAY, 1))
        await relay.say((NEIGHBOUR, second.number), (LAPTOP, second.number))
        assert (relay.sources(), second.sources()) == ([(NEIGHBOUR, second.number)], [(RELAY, 1)])
        for taken in ("", NEIGHBOUR):
            with pytest.raises(OSError, match="in use"):
                host.bind((taken, second.number))
        Port(host, LAPTOP, second.number)
        host.set_addresses([LAPTOP])
        await second.say((RELAY, 1))
        assert relay.sources() == []
        with pytest.raises(OSError, match="no address"):
            host.bind((NEIGHBOUR, 0))

    run(main)


def test_the_preferred_source_is_the_first_that_the_target_can_be_reached_from() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP])
        sim.network.nat(FAR_BOX, [DISTANT, "192.168.2.11"])
        host = sim.network.at(LAPTOP)
        host.set_addresses([LAPTOP, "192.168.2.11", "2001:db8::1"])
        assert host.preferred_source(RELAY) == LAPTOP
        assert host.preferred_source(DISTANT) == "192.168.2.11"
        assert host.preferred_source("2001:db8::9") == "2001:db8::1"
        host.set_addresses([LAPTOP])
        with pytest.raises(OSError, match="no route"):
            host.preferred_source("2001:db8::9")

    run(main)


def test_changing_the_network_changes_the_box() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP])
        sim.network.nat(FAR_BOX, [DISTANT])
        host, relay = sim.network.at(LAPTOP), at(sim, RELAY, 1)
        laptop = Port(host)
        await laptop.say((RELAY, 1))
        host.set_addresses([DISTANT])
        await laptop.say((RELAY, 1))
        old, new = relay.sources()
        assert (old[0], new[0]) == (BOX, FAR_BOX)
        await relay.say(old, new)
        assert laptop.sources() == [(RELAY, 1)]

    run(main)


def test_a_sleeping_host_neither_sends_nor_receives_while_its_timers_go_on() -> None:
    async def main(sim: Simulation) -> None:
        host, relay = sim.network.at(LAPTOP), at(sim, RELAY, 1)
        laptop = Port(host)
        fired: list[float] = []
        host.asleep = True
        sim.loop.call_later(0.05, lambda: fired.append(sim.clock.monotonic()))
        await laptop.say((RELAY, 1))
        await relay.say((LAPTOP, laptop.number))
        assert (relay.sources(), laptop.sources(), len(fired)) == ([], [], 1)
        host.asleep = False
        await laptop.say((RELAY, 1))
        await relay.say((LAPTOP, laptop.number))
        assert (relay.sources(), laptop.sources()) == ([(LAPTOP, laptop.number)], [(RELAY, 1)])

    run(main)
