"""Somebody goes away: a relay that restarts, a viewer that vanishes, a display that dies, a viewer that is sent out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from avl_host.capture.cells import Cells
from avl_host.capture.source import SourceLost
from avl_protocol.crypto.sframe import UnknownKey
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_INPUT_SILENCE, T_PATH_HOST_LAST_RETRY, CloseCode, InputKind, ObjectFlag
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_viewer.api import Desktop
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, system
from tests.system.seen import behind, number, online, run, sealed, until

A_DOWN = (int(InputKind.KEY), 4, True, 0, "a")


def sessions(host: Any) -> list[Any]:
    """The sessions that a host has admitted."""
    return [subscriber.session for subscriber in host.agent.subscribers.subscribers()]


async def hold(desktop: Desktop, *events: tuple[Any, ...]) -> None:
    """Press something and keep it."""
    await desktop.client.send_input(list(events))


@pytest.mark.parametrize("gentle", [True, False], ids=["goodbye", "crash"])
def test_a_relay_restarts_and_everybody_comes_back_by_themselves(gentle: bool) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                await hold(desktop, A_DOWN)
                assert s.relay_instance is not None
                if gentle:
                    await s.relay_instance.close()
                else:
                    simulation.network.change(RELAY, HOST, loss=1.0)
                    simulation.network.change(RELAY, VIEWER, loss=1.0)
                    await s.relay_instance.close()  # nobody hears it
                    simulation.network.change(RELAY, HOST, loss=0.0)
                    simulation.network.change(RELAY, VIEWER, loss=0.0)
                await asyncio.sleep(3)
                assert host.sink.held == set()
                start = simulation.clock.monotonic()
                await s.start_relay()
                (session,) = sessions(host)
                mine = desktop.client.session
                assert mine is not None
                await until(lambda: not session.detached and not mine.stale and mine.moving is None)
                assert simulation.clock.monotonic() - start <= 2.0
                await asyncio.sleep(0.5)
                assert await behind(desktop, host.source) <= 4
                await desktop.type("back again")
                assert host.sink.typed == "aback again" and sessions(host) == [session]

    run(main, seed=2)


def test_a_viewer_that_does_not_come_back_is_told_why() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                assert s.relay_instance is not None
                await s.relay_instance.close()
                await asyncio.sleep(1)
                with pytest.raises(Refused, match="was not sent") as caught:
                    await desktop.type("x")
                assert caught.value.exit_status == 4
                start = simulation.clock.monotonic()
                assert (await desktop.ended()).code is CloseCode.SESSION_LOST
                assert simulation.clock.monotonic() - start < 10  # as long as it was told to wait
                assert host.sink.typed == ""

    run(main)


def test_a_host_finds_a_relay_that_comes_up_late() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            assert s.relay_instance is not None
            await s.relay_instance.close()
            async with s.host() as host:
                await asyncio.sleep(60)
                told = [line for line in host.said if "Trying again" in line]
                assert len(told) == 1, told
                await s.start_relay()
                await until(lambda: any("desktop" in line for line in host.said), 20)
                async with s.viewer(host) as desktop:
                    await number(desktop)

    run(main)


class Enrolled:
    """Access of a relay that takes enrolled hosts alone: none, until `here` is true."""

    def __init__(self) -> None:
        self.here, self.asked = False, list[float]()

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        if isinstance(question, MayRegister):
            self.asked.append(now)
            return ALLOWED if self.here else Decision(CloseCode.FORBIDDEN)
        return ALLOWED

    def forget(self, question: MayRegister | MayAttach) -> None:
        """Every question was answered at once."""


def test_a_host_that_a_relay_does_not_take_says_how_to_enrol_it_and_comes_in_once_it_is() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            assert s.relay_instance is not None
            await s.relay_instance.close()
            s.access = access = Enrolled()
            await s.start_relay()
            async with s.host() as host:
                await asyncio.sleep(60)
                told = [line for line in host.said if "enroll" in line]
                assert len(told) == 1 and f"avl-host enroll '{s.relay}'" in told[0], host.said
                assert len(access.asked) <= 60 / T_PATH_HOST_LAST_RETRY + 1, "it asks slowly"
                access.here, asked = True, len(access.asked)
                host.agent.owner_changed()  # as avl-host enroll has it do
                await until(lambda: any("desktop" in line for line in host.said), 1)
                assert len(access.asked) == asked + 1
                async with s.viewer(host) as desktop:
                    await number(desktop)

    run(main)


def test_a_viewer_that_vanishes_mid_drag_leaves_nothing_pressed(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host(resume=20.0) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                await hold(desktop, (1, 10, 10), (2, 1, True), A_DOWN, (1, 50, 50))
                assert host.sink.held == {("button", 1), ("key", 4)}
                await asyncio.sleep(10)
                assert host.sink.held == {("button", 1), ("key", 4)}  # held on purpose
                for other in (RELAY, HOST):
                    simulation.network.change(other, VIEWER, loss=1.0)
                gone = simulation.clock.monotonic()
                await until(lambda: not host.sink.held)
                assert simulation.clock.monotonic() - gone <= T_INPUT_SILENCE + 0.1
                host.source.set_still(True)
                await until(lambda: not sessions(host), 60)
                assert any("has left" in line for line in host.said)
                for other in (RELAY, HOST):
                    simulation.network.change(other, VIEWER, loss=0.0)
            assert host.agent.publisher.audience == 0

    run(main)


def test_a_viewer_that_leaves_releases_everything_at_once(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await hold(desktop, (2, 1, True), A_DOWN)
            await asyncio.sleep(0.2)
            assert host.sink.held == set() and not sessions(host)
            assert s.relay_instance is not None and s.relay_instance.snapshot().part("router")["sessions"] == 0

    run(main)


def test_a_host_that_stops_says_so_and_holds_nothing(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s:
            async with s.host() as host:
                await online(host)
                client: Any = None
                async with s.viewer(host) as desktop:
                    client = desktop.client
                    await hold(desktop, A_DOWN)
                    host.agent.subscribers.end_all(CloseCode.ENDED, simulation.clock.monotonic())
                    reason = await client.ended
                    assert reason.code is CloseCode.ENDED and reason.exit_status == 1
            assert host.sink.held == set() and host.sink.closed

    run(main)


def test_a_display_that_dies_ends_the_sessions_with_that_reason(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                await hold(desktop, A_DOWN)

                def die(whole: bool = False, moving: Cells | None = None) -> None:
                    raise SourceLost("the display is gone: start it again")

                host.source.grab = die  # type: ignore[method-assign]
                reason = await desktop.ended()
                assert reason.code is CloseCode.DISPLAY_LOST and reason.exit_status == 1
                assert host.sink.held == set()
                with pytest.raises(Refused) as caught:
                    await desktop.type("x")
                assert caught.value.exit_status in (1, 4)

    run(main)


def test_an_evicted_viewer_sees_no_more_and_its_keys_open_nothing_new(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with (
                s.viewer(host, address="10.0.0.7", name="stays") as stays,
                s.viewer(host, address="10.0.0.8", name="goes") as goes,
            ):
                await number(stays)
                last = await number(goes)
                opener = goes.client.session.media.opener  # type: ignore[union-attr]
                made, senders = sealed(host), host.agent.publisher.publications[0].senders
                generation = senders[1].current_key.generation
                subscribers = host.agent.subscribers
                subscriber = max(subscribers.subscribers(), key=lambda one: one.number)  # who came last
                subscribers.end(subscriber.session, CloseCode.EVICTED, simulation.clock.monotonic())
                reason = await goes.ended()
                assert reason.code is CloseCode.EVICTED and reason.exit_status == 3
                await asyncio.sleep(1)
                assert senders[1].current_key.generation > generation
                assert await behind(stays, host.source) <= 4
                assert await number(goes) <= last + 4
                fresh = [one for one in made if one.flags & ObjectFlag.KEY]
                assert fresh
                for one in made[made.index(fresh[0]) :]:
                    with pytest.raises(UnknownKey):
                        opener.open(one.track.id, one.number, one.flags, one.data)
                assert stays.stats()["loss"] == 0

    run(main)
