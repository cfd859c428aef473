"""Bench of the API: how long a page of a hundred devices of ten thousand takes, on SQLite and on PostgreSQL.

    ./dev bench accounts [--devices 10000] [--rounds 3]

Whoever asks is signed in with a password and owns all the devices; each answer takes who asks, the page, groups and
labels from the store. Times are of the API in one process, without a network: from the request to its whole answer.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import httpx2
from sqlalchemy import insert, text

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.wire.device_id import to_text
from avl_relay.control.building import Machinery
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Live
from avl_relay.people.passwords import Argon2Hashing
from avl_relay.store.engine import Store, new_id
from avl_relay.store.tables import devices, groups, labels, members, people
from tests.relay.postgres import PLACES, running

PAGE, NOW = 100, 1_800_000_000
LOGIN, PASSWORD = "ada", "four words nobody guesses: heron violet anvil"
#: Milliseconds at the 95th percentile that are the goal.
GOALS = {"sqlite": 20.0, "postgresql": 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Milliseconds of one answer: the median, the 95th percentile, the longest; and of CPU of this process."""

    median: float
    p95: float
    longest: float
    cpu: float
    pages: int


class Here:
    """Where a relay would be."""

    quic, pin, page = "127.0.0.1:4433", "pin", "http://localhost:8080/"


async def filled(store: Store, count: int) -> None:
    """A person with a password, and so many devices of hers, in groups and with labels."""
    hashing = Argon2Hashing(entropy)
    password, person = await hashing.hash(PASSWORD), new_id(entropy)
    hashing.close()
    numbers = [to_text(int.from_bytes(entropy(16), "big")).replace("-", "") for _ in range(count)]
    async with store.writing() as db:
        who = {"id": person, "login": LOGIN, "name": "Ada", "role": "member", "state": "active"}
        await db.execute(insert(people).values(**who, password_hash=password, created=NOW))
        names = [new_id(entropy) for _ in range(20)]
        await db.execute(
            insert(groups), [{"id": id, "kind": "devices", "name": f"group {id}", "created": NOW} for id in names]
        )
        rows = [
            {
                "number": number,
                "name": f"device {at:05}",
                "reported": f"host-{at}",
                "search": f"device {at:05}\nhost-{at}",
                "owner": person,
                "owner_key": {"kty": "OKP", "crv": "Ed25519", "x": "x" * 43},
                "owner_thumbprint": "t" * 43,
                "software": "avl 0.1.0",
                "system": "Linux 6.1",
                "state": "active",
                "enrolled": NOW,
                "seen": NOW,
            }
            for at, number in enumerate(numbers)
        ]
        for at in range(0, count, 500):
            part = rows[at : at + 500]
            await db.execute(insert(devices), part)
            placed = [{"group": names[(at + n) % 20], "member": row["number"]} for n, row in enumerate(part)]
            await db.execute(insert(members), placed)
            await db.execute(insert(labels), [{"device": row["number"], "label": f"floor {at % 7}"} for row in part])

    async with store.writing() as db:
        await db.execute(text("ANALYZE"))  # as PostgreSQL does of itself within a minute


async def measured(database: str, *, count: int, rounds: int) -> Figures:
    """All pages, so many times."""
    world = system_world()
    with tempfile.TemporaryDirectory() as folder:
        settings = ControlSettings(state=Path(folder), database=database)
        live = Live(wall=world.clock.wall)

        async def opened() -> None:
            return

        def report(error: BaseException) -> None:
            raise error

        machinery = Machinery(settings, world, live=live, place=Here(), report=report, opened=opened)
        try:
            await filled(await machinery.store(), count)
            transport = httpx2.ASGITransport(app=machinery.frame)
            async with httpx2.AsyncClient(transport=transport, base_url="https://relay.test/api/v1") as client:
                signed = await client.post("/session", json={"login": LOGIN, "password": PASSWORD})
                signed.raise_for_status()
                await walk(client, count)  # statements are compiled once
                took: list[float] = []
                cpu = process_time()
                for _ in range(rounds):
                    took += await walk(client, count)
                cpu = process_time() - cpu
        finally:
            await machinery.close()
    return summed(took, cpu)


async def walk(client: httpx2.AsyncClient, count: int) -> list[float]:
    """Read all pages, one after the other; seconds for each."""
    took, seen, after = list[float](), 0, ""
    while True:
        begun = perf_counter()
        answer = await client.get(f"/devices?limit={PAGE}{after}")
        took.append(perf_counter() - begun)
        answer.raise_for_status()
        page = answer.json()
        seen += len(page["items"])
        if page["next"] is None:
            assert seen == count
            return took
        after = f"&after={page['next']}"


def summed(took: Sequence[float], cpu: float) -> Figures:
    """The figures of many answers, given in seconds."""
    ordered = sorted(1000 * one for one in took)
    return Figures(
        median=ordered[len(ordered) // 2],
        p95=ordered[int(0.95 * (len(ordered) - 1))],
        longest=ordered[-1],
        cpu=1000 * cpu / len(ordered),
        pages=len(ordered),
    )


async def run(count: int, rounds: int) -> dict[str, Figures]:
    """Both databases, PostgreSQL where this machine has it."""
    found: dict[str, Figures] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        places = {"sqlite": str(Path(folder) / "relay.db")}
        if any(PLACES.glob("*/bin/initdb")):
            places["postgresql"] = stack.enter_context(running()).database()
        for name, database in places.items():
            found[name] = await measured(database, count=count, rounds=rounds)
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="./dev bench accounts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for name, one in asyncio.run(run(chosen.devices, chosen.rounds)).items():
        print(
            f"{name:11} page of {PAGE} of {chosen.devices} devices: median {one.median:.1f} ms, p95 {one.p95:.1f} ms "
            f"(goal {GOALS[name]:.0f}), longest {one.longest:.1f} ms, CPU {one.cpu:.1f} ms; {one.pages} pages"
        )


if __name__ == "__main__":
    main()
