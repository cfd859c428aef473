"""The assembled host: what it tells people and scripts, and what it does when nothing is there."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from avl_host.capture.cells import Cells
from avl_host.capture.source import SourceLost
from avl_host.paths.relays import Relays
from avl_protocol.wire.target import parse_target
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, system
from tests.system.seen import online, run, until


def test_a_ready_file_says_all_that_a_script_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ready.json"

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ready_file=file, view_code="LOOK-ONLY") as host:
            await online(host)
            ready = json.loads(file.read_text())
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert set(ready) == {"device_id", "code", "target", "url", "view_code", "view_url"}
            assert ready["code"] == CODE and ready["view_code"] == "LOOK-ONLY"
            target = parse_target(ready["target"])
            assert target == s.target(host)
            assert ready["device_id"] == host.agent.identity.device_id
            assert ready["url"] == ready["view_url"] == "", "this relay serves no page"
            monkeypatch.setattr(Relays, "page", lambda relays: "https://relay.test/")
            served = host.agent.ready()
            assert served["url"] == f"https://relay.test/#d={ready['device_id']}&c={CODE}"
            assert served["view_url"] == f"https://relay.test/#d={ready['device_id']}&c=LOOK-ONLY"
            assert any(CODE in line for line in host.said) and any(ready["target"] in line for line in host.said)

    run(main)


def test_without_a_view_code_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ready_file=file) as host:
            await online(host)
            assert "view_code" not in json.loads(file.read_text())

    run(main)


def test_a_used_code_disappears_from_the_ready_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ready.json"

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ready_file=file, code_once=True) as host:
            await online(host)
            async with s.viewer(host):
                pass
            ready = json.loads(file.read_text())
            assert ready["code"] == ""
            monkeypatch.setattr(Relays, "page", lambda relays: "https://relay.test/")
            assert host.agent.ready()["url"] == f"https://relay.test/#d={ready['device_id']}"
            assert any("(used" in line for line in host.said)

    run(main)


def test_identity_and_pin_outlive_restarts() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host() as host:
                await online(host)
                first = host.agent.identity.device_id
            assert s.relay_instance is not None
            pin = s.relay_instance.identity.pin
            await s.relay_instance.close()
            assert (await s.start_relay()).identity.pin == pin
            async with s.host() as host:
                await online(host)
                assert host.agent.identity.device_id == first
                async with s.viewer(host) as desktop:
                    await desktop.screenshot()

    run(main)


def test_a_relay_with_another_pin_is_told_once_and_never_registered_with() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            assert s.relay_instance is not None
            async with s.host(relays=(replace(s.relay, pin=bytes(32)),)) as host:
                await asyncio.sleep(120)
                assert s.relay_instance.snapshot().part("router")["hosts"] == 0
                told = [line for line in host.said if "pinned" in line]
                assert len(told) == 1 and len(host.said) == 1

    run(main)


def test_what_is_pressed_at_the_start_is_released_and_at_the_end_too() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            async with s.host() as host:
                await online(host)
                host.sink.key(4, True, 0, "a")
            assert host.sink.closed and host.sink.held == set()

    run(main)


def test_a_lost_display_ends_the_run_with_a_sentence() -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            assert host.agent.ending is None
            async with s.viewer(host) as desktop:
                await desktop.screenshot()

                def die(whole: bool = False, moving: Cells | None = None) -> None:
                    raise SourceLost("the display :1 is gone: start it again")

                host.source.grab = die  # type: ignore[method-assign]
                await until(lambda: host.agent.ending is not None, 5)
            assert host.agent.ending == "the display :1 is gone: start it again"

    run(main)


@pytest.mark.parametrize("seconds", [1, 20])
def test_a_host_can_be_stopped_at_any_time(seconds: float) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s:
            assert s.relay_instance is not None
            await s.relay_instance.close()
            async with s.host() as host:
                await asyncio.sleep(seconds)
            assert host.sink.closed

    run(main)
