"""Settings of a host that change while viewers are there."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

from avl_protocol.wire.registry import PRESETS, ControlMode, Permission
from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.seen import online, run, until


def test_what_is_forbidden_is_taken_from_who_is_there_and_given_back() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host, AsyncExitStack() as stack:
            await online(host)
            desktop = await stack.enter_async_context(s.viewer(host))
            before = host.agent.settings
            await until(lambda: desktop.permissions == PRESETS["CODE"], 1)
            host.agent.change(replace(before, forbid=Permission.KEYBOARD))
            await until(lambda: desktop.permissions == PRESETS["CODE"] & ~Permission.KEYBOARD, 1)
            host.agent.change(before)
            await until(lambda: desktop.permissions == PRESETS["CODE"], 1)

    run(main)


def test_who_acts_changes_while_viewers_are_there() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host, AsyncExitStack() as stack:
            await online(host)
            desktop = await stack.enter_async_context(s.viewer(host))
            before = host.agent.settings
            assert before.control is ControlMode.SHARED
            host.agent.change(replace(before, control=ControlMode.ONE, max_bitrate=1_000_000))
            assert host.agent.features.control.mode is ControlMode.ONE
            assert host.agent.settings.max_bitrate == 1_000_000
            assert desktop.permissions == PRESETS["CODE"]

    run(main)
