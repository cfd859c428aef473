"""Files between both programs, in virtual time: pushed, fetched and listed, whatever happens to the way (spec 15)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from avl_protocol.files.memory import MemoryTree
from avl_protocol.wire.registry import (
    MAX_FILE_BLOCK,
    FileKind,
    FileOverwrite,
    FileReason,
    Permission,
)
from avl_viewer.files import FilesError
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, VIEWER, system
from tests.system.seen import online, run, until

BLOCK = MAX_FILE_BLOCK


SIZES = (0, 1, 1000, 20_000, 60_000, BLOCK, BLOCK + 1)


def some_folder(at: Path, seed: int = 0, many: int = 8) -> dict[str, bytes]:
    """Files of many sizes; what they hold, by their paths from the folder's name on."""
    chance = random.Random(seed)
    made = {}
    for number in range(many):
        path = at / f"f{number % 3}" / f"Größe {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = chance.randbytes(SIZES[number % len(SIZES)])
        path.write_bytes(data)
        made[f"{at.name}/f{number % 3}/Größe {number}"] = data
    return made


def hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def on_disk(at: Path) -> dict[str, bytes]:
    found = (path for path in at.rglob("*") if path.is_file())
    return {path.relative_to(at).as_posix(): path.read_bytes() for path in found}


def test_files_and_folders_go_there_and_come_back(via: str, tmp_path: Path) -> None:
    made = some_folder(tmp_path / "out")

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via=via) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                seen: list[int] = []
                copied = await desktop.files.put(tmp_path / "out", progress=lambda one: seen.append(one.tally.passed))
                assert hashes(host.files.files) == hashes(made)
                assert (copied.files, copied.left) == (8, ()) and copied.size == sum(map(len, made.values()))
                assert seen == sorted(seen) and seen[-1] == copied.size
                (tmp_path / "back").mkdir()
                back = await desktop.files.get("out", tmp_path / "back")
                assert hashes(on_disk(tmp_path / "back")) == hashes(made) and back.files == 8
                roots = await desktop.files.list()
                assert [(one.name, one.mode) for one in roots] == [("/shared", 6)]
                listed = await desktop.files.list("/shared/out")
                assert [(one.name, one.kind) for one in listed] == [(f"f{n}", FileKind.FOLDER) for n in range(3)]
                await desktop.files.get("/shared/out/f1/Größe 1", tmp_path / "renamed")
                assert (tmp_path / "renamed").read_bytes() == made["out/f1/Größe 1"]

    run(main)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_interrupts_the_way_every_byte_arrives_once(seed: int, tmp_path: Path) -> None:
    chaos(seed, tmp_path)


@pytest.mark.skipif("AVL_CHAOS" not in os.environ, reason="AVL_CHAOS=N runs so many seeds, of which three run always")
def test_many_interruptions(tmp_path: Path) -> None:
    for seed in range(int(os.environ["AVL_CHAOS"])):
        chaos(1000 + seed, tmp_path / str(seed))


def chaos(seed: int, tmp_path: Path) -> None:
    """Both ways at once, while the way sleeps, transfers pause, and the host's program dies and is started anew."""
    chance = random.Random(seed)
    made = some_folder(tmp_path / "out", seed, 14)
    shared = MemoryTree()
    for number in range(10):
        shared.put(f"there/{number % 4}/{number}", chance.randbytes(chance.choice((0, 7, 30_000, BLOCK))))
    there = shared.files
    (tmp_path / "back").mkdir()

    async def main(simulation: Simulation) -> None:
        async with system(simulation, via="moved" if seed % 2 else "relay") as s, AsyncExitStack() as hosts:
            host = await hosts.enter_async_context(s.host(files=shared))
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                files = desktop.client.features.files
                put = files.put([tmp_path / "out"], overwrite=FileOverwrite.NEVER)
                get = files.get(["there"], str(tmp_path / "back"), overwrite=FileOverwrite.NEVER)
                for _ in range(chance.randrange(1, 4)):
                    await asyncio.sleep(chance.uniform(0.01, 0.3))
                    what = chance.random()
                    if what < 0.5:
                        await sleeps(simulation, VIEWER, chance.uniform(0.05, 3.0))
                    elif what < 0.7:
                        put.pause()
                        await asyncio.sleep(chance.uniform(0.0, 0.3))
                        put.resume()
                    else:
                        simulation.network.at(HOST).asleep = True
                        await hosts.aclose()
                        for node in shared.parts.values():
                            node.busy = False  # a lock dies with its program
                        simulation.network.at(HOST).asleep = False
                        host = await hosts.enter_async_context(s.host(files=shared))
                copied, fetched = await put.done(), await get.done()
                assert copied.left == fetched.left == ()
                arrived = {path: data for path, data in shared.files.items() if path.startswith("out/")}
                assert hashes(arrived) == hashes(made) and not shared.parts
                assert hashes(on_disk(tmp_path / "back")) == hashes(there)

    run(main, seed=seed)


async def sleeps(simulation: Simulation, address: str, seconds: float) -> None:
    """A machine hears and says nothing for a while."""
    simulation.network.at(address).asleep = True
    await asyncio.sleep(seconds)
    simulation.network.at(address).asleep = False


def test_what_a_viewer_may_not_is_refused_at_once_and_taken_away_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(range(256)) * 40_000)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                (session,) = host.agent.subscribers.sessions
                now = simulation.clock.monotonic
                transfer = desktop.client.features.files.put([tmp_path / "big"])
                await until(lambda: transfer.tally.moved > BLOCK)
                everything = session.permissions
                host.agent.subscribers.allow(session, everything & ~Permission.FILES_IN, now())
                with pytest.raises(FilesError) as caught:
                    await transfer.done()
                assert caught.value.reason is FileReason.NOT_PERMITTED
                assert await desktop.files.list("/shared") == []
                await asyncio.sleep(1)
                host.agent.subscribers.allow(session, everything & ~(Permission.FILES_IN | Permission.FILES_OUT), now())
                await asyncio.sleep(1)
                with pytest.raises(FilesError):
                    await desktop.files.list("/shared")

    run(main)
