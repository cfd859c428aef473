"""NAT boxes of the simulator map, filter and forget as their shapes say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import product
from typing import Any, get_args

import pytest

from avl_protocol.endpoint.udp.network import Address
from tests.simulator.nat import Filtering, Mapping, NatShape
from tests.simulator.network import LinkShape
from tests.simulator.port import at
from tests.simulator.run import Simulation, run

#: Two public hosts, and the public addresses of boxes.
RELAY, OTHER, BOX, FAR_BOX, OUTER = "198.51.100.1", "198.51.100.2", "203.0.113.1", "203.0.113.2", "203.0.113.3"
#: A laptop and its neighbour in one home network, and a host in another.
LAPTOP, NEIGHBOUR, DISTANT = "192.168.1.10", "192.168.1.11", "192.168.2.10"
SYMMETRIC = NatShape("symmetric")


def played(main: Callable[[Simulation], Coroutine[Any, Any, None]], seed: int = 3) -> str:
    """Play a scene; its trace."""
    return run(main, seed)[1]


# ------------------------------------------------------------------------------------------------ mapping and filtering


@pytest.mark.parametrize(("mapping", "filtering"), list(product(get_args(Mapping), get_args(Filtering))))
def test_each_mapping_and_each_filtering_is_what_rfc_4787_calls_so(mapping: Mapping, filtering: Filtering) -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP], NatShape(mapping, filtering))
        laptop = at(sim, LAPTOP)
        there = [at(sim, RELAY, 1), at(sim, RELAY, 2), at(sim, OTHER, 1)]
        await laptop.say((RELAY, 1))
        (seen,) = there[0].sources()
        assert seen[0] == BOX
        assert seen[1] != laptop.number
        for port in there:
            await port.say(seen)
        passed = {"endpoint-independent": 3, "address-dependent": 2, "port-restricted": 1}[filtering]
        assert laptop.sources() == [(RELAY, 1), (RELAY, 2), (OTHER, 1)][:passed]
        await laptop.say((RELAY, 1), (RELAY, 2), (OTHER, 1))
        again = [source for port in there for source in port.sources()]
        assert again[0] == seen
        assert len(set(again)) == {"endpoint-independent": 1, "address-dependent": 2, "symmetric": 3}[mapping]
        assert (again[0] == again[1]) == (mapping != "symmetric")
        for port, source in zip(there, again, strict=True):
            await port.say(source)
        assert laptop.sources() == [(RELAY, 1), (RELAY, 2), (OTHER, 1)]

    played(main)


@pytest.mark.parametrize(("far", "direct"), [(NatShape(), True), (SYMMETRIC, False)])
def test_holes_are_punched_through_independent_mappings_and_not_through_symmetric_ones(
    far: NatShape, direct: bool
) -> None:
    async def main(sim: Simulation) -> None:
        near_box, far_box = sim.network.nat(BOX, [LAPTOP]), sim.network.nat(FAR_BOX, [DISTANT], far)
        relay, one, other = at(sim, RELAY, 1), at(sim, LAPTOP), at(sim, DISTANT)
        await one.say((RELAY, 1))
        await other.say((RELAY, 1))
        of_one, of_other = relay.sources()
        one.socket.send_batch([(b"punch", of_other)])
        await other.say(of_one)
        assert (other.sources(), one.sources()) == (([of_one], [of_other]) if direct else ([], []))
        assert (near_box.dropped + far_box.dropped == 0) == direct

    played(main)


def test_who_arrives_before_the_hole_is_open_is_dropped() -> None:
    async def main(sim: Simulation) -> None:
        box, relay, laptop, other = sim.network.nat(BOX, [LAPTOP]), at(sim, RELAY, 1), at(sim, LAPTOP), at(sim, OTHER)
        await laptop.say((RELAY, 1))
        (seen,) = relay.sources()
        other.socket.send_batch([(b"early", seen)])
        await asyncio.sleep(0.011)
        assert (box.dropped, laptop.heard) == (1, [])
        other.socket.send_batch([(b"in time", seen)])
        await asyncio.sleep(0.005)
        await laptop.say((OTHER, other.number))
        assert laptop.heard == [(b"in time", (OTHER, other.number))]

    played(main)


# --------------------------------------------------------------------------------------------------- idle and rebinding


def test_a_mapping_lives_as_long_as_something_goes_out_within_the_idle_time() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP], NatShape(idle=30.0))
        relay, laptop = at(sim, RELAY, 1), at(sim, LAPTOP)
        for _ in range(3):
            await laptop.say((RELAY, 1))
            await asyncio.sleep(29)
            await relay.say(relay.heard[-1][1])
        assert len(laptop.sources()) == 3
        (seen,) = set(relay.sources())
        await asyncio.sleep(15)
        await relay.say(seen)  # what comes in does not prolong it
        assert laptop.sources() == []
        await laptop.say((RELAY, 1))
        assert relay.sources() != [seen]

    played(main)


def test_the_permission_of_one_outside_address_ends_without_the_mapping_of_another() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP], NatShape(idle=30.0))
        relay, other, laptop = at(sim, RELAY, 1), at(sim, OTHER, 1), at(sim, LAPTOP)
        await laptop.say((RELAY, 1), (OTHER, 1))
        await asyncio.sleep(20)
        await laptop.say((RELAY, 1))
        await asyncio.sleep(20)
        (seen,) = set(relay.sources())
        await relay.say(seen)
        await other.say(seen)
        assert laptop.sources() == [(RELAY, 1)]

    played(main)


@pytest.mark.parametrize("shape", [NatShape(), SYMMETRIC])
def test_after_a_rebinding_what_goes_out_has_another_port_and_the_old_one_is_dead(shape: NatShape) -> None:
    async def main(sim: Simulation) -> None:
        box, relay, laptop = sim.network.nat(BOX, [LAPTOP], shape), at(sim, RELAY, 1), at(sim, LAPTOP)
        await laptop.say((RELAY, 1))
        (old,) = relay.sources()
        box.rebind()
        await relay.say(old)
        assert laptop.sources() == []
        await laptop.say((RELAY, 1))
        (new,) = relay.sources()
        assert new[0] == old[0]
        assert new[1] != old[1]
        await relay.say(new)
        assert laptop.sources() == [(RELAY, 1)]

    played(main)


def test_a_box_that_moves_takes_its_network_along() -> None:
    async def main(sim: Simulation) -> None:
        inner = sim.network.nat(BOX, [LAPTOP])
        sim.network.nat(OUTER, [BOX, FAR_BOX])
        relay, laptop = at(sim, RELAY, 1), at(sim, LAPTOP)
        await laptop.say((RELAY, 1))
        inner.move("203.0.113.77")
        await relay.say(relay.heard[-1][1])
        assert laptop.sources() == []
        await laptop.say((RELAY, 1))
        await relay.say(relay.heard[-1][1])
        assert laptop.sources() == [(RELAY, 1)]
        assert {ip for ip, _ in relay.sources()} == {OUTER}
        with pytest.raises(ValueError, match=RELAY):
            inner.move(RELAY)

    played(main)


def test_a_firewall_without_udp_lets_nothing_through_and_can_be_lifted() -> None:
    async def main(sim: Simulation) -> None:
        box, relay, laptop = sim.network.nat(BOX, [LAPTOP]), at(sim, RELAY, 1), at(sim, LAPTOP)
        await laptop.say((RELAY, 1))
        (seen,) = relay.sources()
        box.block_udp = True
        await laptop.say((RELAY, 1))
        await relay.say(seen)
        assert (relay.sources(), laptop.sources(), box.dropped) == ([], [], 2)
        box.block_udp = False
        await relay.say(seen)
        assert laptop.sources() == [(RELAY, 1)]

    played(main)


# --------------------------------------------------------------------------------------------------------- private nets


def test_neighbours_meet_directly_and_over_the_public_address_only_where_there_is_hairpinning() -> None:
    async def main(sim: Simulation) -> None:
        box = sim.network.nat(BOX, [LAPTOP, NEIGHBOUR], NatShape(hairpin=True))
        relay, laptop, neighbour = at(sim, RELAY, 1), at(sim, LAPTOP), at(sim, NEIGHBOUR, 7)
        await laptop.say((NEIGHBOUR, 7))
        assert neighbour.sources() == [(LAPTOP, laptop.number)]
        await laptop.say((RELAY, 1))
        await neighbour.say((RELAY, 1))
        of_laptop, of_neighbour = relay.sources()
        await laptop.say(of_neighbour)  # filtered, but it opens the way back
        await neighbour.say(of_laptop)
        await laptop.say(of_neighbour)
        assert (laptop.sources(), neighbour.sources()) == ([of_neighbour], [of_laptop])
        assert sim.network.link(LAPTOP, NEIGHBOUR).sent == 3
        box.shape = NatShape(hairpin=False)
        await laptop.say(of_neighbour)
        assert neighbour.sources() == []

    played(main)


def test_private_addresses_are_unreachable_from_everywhere_else() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP])
        sim.network.nat(FAR_BOX, [DISTANT])
        laptop, distant, relay = at(sim, LAPTOP, 7), at(sim, DISTANT), at(sim, RELAY)
        await distant.say((LAPTOP, 7))
        await relay.say((LAPTOP, 7))
        assert laptop.sources() == []

    played(main)


def test_two_layers_translate_twice_and_meet_at_the_outer_box() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP])
        sim.network.nat(OUTER, [BOX, FAR_BOX, NEIGHBOUR])
        sim.network.nat(FAR_BOX, [DISTANT])
        relay, laptop, distant, between = at(sim, RELAY, 1), at(sim, LAPTOP), at(sim, DISTANT), at(sim, NEIGHBOUR, 7)
        await laptop.say((RELAY, 1))
        await distant.say((RELAY, 1))
        of_laptop, of_distant = relay.sources()
        assert {of_laptop[0], of_distant[0]} == {OUTER}
        await relay.say(of_laptop)
        assert laptop.sources() == [(RELAY, 1)]
        laptop.socket.send_batch([(b"punch", of_distant)])
        await distant.say(of_laptop)
        assert (laptop.sources(), distant.sources()) == ([of_distant], [of_laptop])
        await laptop.say((NEIGHBOUR, 7))
        ((seen_from, _),) = between.sources()
        assert seen_from == BOX
        assert sim.network.link(LAPTOP, DISTANT).sent == 1

    played(main)


def test_boxes_that_cannot_be_are_refused() -> None:
    async def main(sim: Simulation) -> None:
        at(sim, RELAY)
        sim.network.nat(BOX, [LAPTOP, OUTER])
        for public, inside in ((RELAY, []), (BOX, []), (FAR_BOX, [LAPTOP]), (FAR_BOX, [FAR_BOX]), (OUTER, [BOX])):
            with pytest.raises(ValueError, match=r"in use|behind itself"):
                sim.network.nat(public, inside)
        with pytest.raises(ValueError, match="somebody else"):
            sim.network.at(BOX)

    played(main)


def test_a_link_is_met_once_between_the_hosts_own_addresses() -> None:
    async def main(sim: Simulation) -> None:
        sim.network.nat(BOX, [LAPTOP])
        sim.network.shape(LAPTOP, RELAY, LinkShape(delay=0.04))
        relay, laptop = at(sim, RELAY, 1), at(sim, LAPTOP)
        laptop.socket.send_batch([(b"?", (RELAY, 1))])
        await asyncio.sleep(0.0401)
        (seen,) = relay.sources()
        relay.socket.send_batch([(b"!", seen)])
        await asyncio.sleep(0.039)
        assert laptop.sources() == []
        await asyncio.sleep(0.0011)
        assert laptop.sources() == [(RELAY, 1)]
        assert [sim.network.link(*path).sent for path in ((LAPTOP, RELAY), (RELAY, LAPTOP))] == [1, 1]

    played(main)


# ----------------------------------------------------------------------------------------------------------- the seed


def test_the_same_seed_gives_the_same_ports_and_the_same_trace() -> None:
    def story(seed: int) -> tuple[list[Address], str]:
        seen: list[Address] = []

        async def main(sim: Simulation) -> None:
            sim.network.nat(BOX, [LAPTOP], SYMMETRIC)
            sim.network.change(LAPTOP, RELAY, loss=0.3, jitter=0.02)
            laptop, there = at(sim, LAPTOP), [at(sim, RELAY, number) for number in range(1, 30)]
            await laptop.say(*((RELAY, port.number) for port in there))
            for port in there:
                await port.say((BOX, 5), *port.sources()[:1])
            seen.extend(source for port in there for source in [*laptop.sources(), (BOX, port.number)])
            await laptop.say(*((RELAY, port.number) for port in there))
            seen.extend(source for port in there for source in port.sources())

        return seen, played(main, seed)

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert story(1)[1] != story(2)[1]
