"""What a person is told of transfers, and can do about them, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_FILE_ROWS, CloseCode, Permission
from avl_viewer.api import Desktop
from avl_viewer.transfers import Shown, Stage, Transfers, usable
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.seen import online, run, until

SLOW = LinkShape(rate=8e6)


@dataclass
class Panel:
    """What was told, and who tells it."""

    desktop: Desktop
    host: Any
    transfers: Transfers
    told: list[tuple[Shown, ...]] = field(default_factory=list)

    @property
    def shown(self) -> Shown:
        """The first of them, now."""
        return self.told[-1][0]

    def put(self, *paths: Path) -> None:
        self.transfers.put(*_found(list(paths)))

    async def stage(self, stage: Stage) -> Shown:
        await until(lambda: bool(self.told and self.told[-1]) and self.shown.stage is stage)
        return self.shown


def _found(paths: list[Path]) -> tuple[Any, str, Any]:
    sources, problems = usable(paths)
    return sources, "", problems


@asynccontextmanager
async def watched(simulation: Simulation, **more: Any) -> AsyncIterator[Panel]:
    async with system(simulation) as s, s.host() as host:
        await online(host)
        async with s.viewer(host, **more) as desktop:
            told: list[tuple[Shown, ...]] = []
            service, clock = desktop.client.features.files, simulation.clock.monotonic
            transfers = Transfers(service, clock, asyncio.get_running_loop().call_later, told.append)
            yield Panel(desktop, host, transfers, told)


def test_a_transfer_is_followed_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 800_000)
    (tmp_path / "small").write_bytes(b"y")

    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            panel.put(tmp_path / "big", tmp_path / "small", tmp_path / "gone")
            shown = await panel.stage(Stage.DONE)
            assert (shown.title, shown.out, shown.done, shown.size) == ("big and 1 other", True, 2, 800_001)
            assert [path for path, _ in shown.problems] == ["gone"] and "no such file" in shown.problems[0][1]
            passed = [shown.passed for (shown,) in panel.told]
            assert passed == sorted(passed) and len(set(passed)) > 1
            assert max(shown.rate for (shown,) in panel.told) > 10_000 and shown.rate == 0
            panel.transfers.forget(shown.id)
            assert panel.told[-1] == ()

    run(main, shape=SLOW)


def test_it_pauses_goes_on_is_cancelled_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 800_000)

    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            panel.put(tmp_path / "big")
            await until(lambda: panel.shown.passed > 0)
            panel.transfers.pause(1, True)
            assert panel.shown.stage is Stage.PAUSED
            await asyncio.sleep(0.6)
            still = panel.shown.passed
            await asyncio.sleep(0.6)
            assert panel.shown.passed == still and panel.shown.rate == 0
            panel.transfers.forget()
            assert len(panel.told[-1]) == 1, "it is under way"
            panel.transfers.cancel(1)
            await panel.stage(Stage.CANCELLED)
            await until(lambda: not panel.host.files.parts)
            assert panel.host.files.files == {}
            panel.transfers.again(1)
            panel.transfers.pause(1, True)
            await asyncio.sleep(0.6)
            assert panel.shown.stage is Stage.PAUSED
            panel.transfers.pause(1, False)
            await panel.stage(Stage.DONE)
            assert len(panel.host.files.files["big"]) == 800_000

    run(main, shape=SLOW)


@pytest.mark.parametrize("everything", [False, True])
def test_a_person_is_asked_about_one_after_the_other_or_once_for_all(everything: bool, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(b"ours!")

    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            for path in paths:
                panel.host.files.put(path.name, b"theirs")
            panel.put(*paths)
            asked = []
            while True:
                await until(lambda: panel.shown.stage.over or panel.shown.asked is not None)
                if panel.shown.stage.over:
                    break
                question = panel.shown.asked
                assert question is not None and (question.size, question.new_size) == (6, 5)
                asked.append(question.path)
                panel.transfers.decide(1, question.number, question.path != "b", everything)
            assert panel.shown.stage is Stage.DONE
            assert asked == (["a"] if everything else ["a", "b", "c"])
            left = {path for path, _ in panel.shown.problems}
            assert left == (set() if everything else {"b"}) and panel.shown.left == len(left)
            assert [panel.host.files.files[path.name] == b"ours!" for path in paths] == [True, everything, True]

    run(main, shape=SLOW)


def test_a_session_that_is_lost_is_waited_for_and_what_was_asked_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ours")
    (tmp_path / "b").write_bytes(b"ours")

    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            panel.host.files.put("a", b"theirs")
            panel.put(tmp_path / "a")
            await until(lambda: panel.shown.asked is not None)
            service, session = panel.desktop.client.features.files, panel.desktop.client.session
            assert session is not None
            service.ended(session, Refused(CloseCode.SESSION_LOST), simulation.clock.monotonic())
            shown = await panel.stage(Stage.LOST)
            assert "goes on by itself" in shown.text and shown.asked is None
            panel.put(tmp_path / "b")
            assert panel.told[-1][1].stage is Stage.LOST
            service.admitted(session, simulation.clock.monotonic())
            await until(lambda: panel.shown.asked is not None)
            panel.transfers.decide(1, 0, True, False)
            await panel.stage(Stage.DONE)
            assert panel.host.files.files == {"a": b"ours", "b": b"ours"}

    run(main, shape=SLOW)


def test_what_may_not_be_is_told_with_the_permission_that_lacks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ours")

    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            (session,) = panel.host.agent.subscribers.sessions
            panel.host.files.put("theirs", b"theirs")
            panel.transfers.get(("/shared/theirs",), tmp_path / "here")
            assert "no such file" in (await panel.stage(Stage.FAILED)).text, "a folder that is not there"
            rest = session.permissions & ~Permission.FILES_IN
            panel.host.agent.subscribers.allow(session, rest, simulation.clock.monotonic())
            await asyncio.sleep(1.0)
            panel.put(tmp_path / "a")
            assert panel.told[-1][1].text == (
                "This session may not send files to the host. Who gave you access can permit it."
            )

    run(main, shape=SLOW)


def test_a_folder_is_listed_a_part_at_a_time(tmp_path: Path) -> None:
    async def main(simulation: Simulation) -> None:
        async with watched(simulation) as panel:
            for number in range(3 * MAX_FILE_ROWS):
                panel.host.files.put(f"{number:04}", b"")
            service = panel.desktop.client.features.files
            first = await service.list("/shared", most=300)
            assert first.more and len(first.rows) == 2 * MAX_FILE_ROWS
            rest = await service.list("/shared", first.rows[-1].name, 300)
            assert not rest.more and len(rest.rows) == MAX_FILE_ROWS and rest.rows[-1].name == "0767"

    run(main, shape=SLOW)
