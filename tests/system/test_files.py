"""Files between both programs, in virtual time: pushed, fetched and listed, whatever happens to the way (spec 15)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from avl_protocol.endpoint.udp.network import Batch
from avl_protocol.files.job import Question
from avl_protocol.files.memory import MemoryTree
from avl_protocol.session.services import ReceivesOnLanes
from avl_protocol.wire.endtoend import FileCredit, FileData, FileGet, FileMessage, FilePut, FileStop
from avl_protocol.wire.registry import (
    LANES,
    MAX_FILE_BLOCK,
    FileKind,
    FileOverwrite,
    FileReason,
    Permission,
)
from avl_viewer.files import FilesError, State
from tests.simulator.host import SimulatedSocket
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


def test_what_the_hosts_network_card_refuses_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[int] = []
    send = SimulatedSocket.send_batch

    def noted(bound: SimulatedSocket, batch: Batch) -> Sequence[int]:
        indexes = send(bound, batch)
        refused.extend(len(batch[index][0]) for index in indexes)
        return indexes

    monkeypatch.setattr(SimulatedSocket, "send_batch", noted)

    async def main(simulation: Simulation) -> None:
        simulation.network.at(HOST).card = 1472
        async with system(simulation, via="direct") as s, s.host() as host:
            await online(host)
            host.files.put("large", bytes(range(256)) * (1 << 14))
            async with s.viewer(host) as desktop:
                await desktop.files.get("large", tmp_path)
                assert (tmp_path / "large").read_bytes() == host.files.get("large")
        assert refused == [65_488, 16_336, 8_952], "to the viewer, once each"

    run(main)


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


def test_what_is_said_of_a_job_that_is_over_or_never_was_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                assert (await desktop.files.put(tmp_path / "x")).files == 1
                session, lane = desktop.client.session, LANES[0]
                assert session is not None
                late: list[FileMessage] = [
                    FilePut(1, "", True, 0, 1, 1),
                    FileCredit(1, 1 << 40),
                    FileData(1, 0, 0, b"x"),
                    FileStop(1, 1),
                ]
                for message in late:
                    session.send(message, lane)
                for refused in FilePut(7, "", True, 99, 1, 1), FileGet(8, (), True):
                    session.send(refused, LANES[1])
                await asyncio.sleep(0.5)
                assert not desktop.client.ended.done() and host.files.files == {"x": b"x"}
                assert (await desktop.files.put(tmp_path / "x", "y")).files == 1
                assert host.files.files == {"x": b"x", "y": b"x"}

    run(main)


def test_who_breaks_the_protocol_of_files_loses_the_job_and_not_the_session(tmp_path: Path) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                session = desktop.client.session
                assert session is not None
                heard: list[FileMessage] = []
                desktop.client.services._rows[FileStop] = ReceivesOnLanes(
                    FileStop, lambda session, message, now, lane: heard.append(message)
                )
                session.send(FilePut(5, "", True, 0, 1, 10), LANES[3])
                session.send(FileData(5, 0, 0, b"unasked", bytes(32)), LANES[3])
                await until(lambda: heard != [])
                assert heard == [FileStop(5, FileReason.BAD_REQUEST)]
                await desktop.type("still here")
                assert host.sink.typed == "still here"

    run(main)


def test_more_transfers_than_lanes_wait_their_turn_and_can_be_cancelled(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / str(number)).write_bytes(bytes([number + 1]) * 40_000)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host) as desktop:
                files = desktop.client.features.files
                begun = [files.put([tmp_path / str(number)]) for number in range(12)]
                assert [one.state for one in begun] == [State.RUNNING] * 8 + [State.WAITING] * 4
                begun[11].cancel()
                begun[0].cancel()
                for number in (0, 11):
                    with pytest.raises(FilesError) as caught:
                        await begun[number].done()
                    assert caught.value.reason is FileReason.CANCELLED
                for one in begun[1:11]:
                    assert (await one.done()).files == 1
                assert sorted(host.files.files) == sorted(map(str, range(1, 11))) and not host.files.parts

    run(main)


def test_a_person_is_asked_about_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ours")
    (tmp_path / "b").write_bytes(b"ours")

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            host.files.put("a", b"theirs")
            host.files.put("b", b"theirs")
            asked: list[str] = []

            async def asks(question: Question) -> bool:
                asked.append(question.entry.path)
                await asyncio.sleep(1.0)
                return question.entry.path == "a"

            async with s.viewer(host) as desktop:
                both = [tmp_path / "a", tmp_path / "b"]
                copied = await desktop.files.put(both, overwrite=FileOverwrite.ASK, asks=asks)
                assert sorted(asked) == ["a", "b"] and copied.left == (("b", FileReason.EXISTS),)
                assert host.files.files == {"a": b"ours", "b": b"theirs"}
                assert (await desktop.files.put(both, overwrite=FileOverwrite.ASK)).left_count == 1, "nobody to ask"

    run(main)
