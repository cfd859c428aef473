"""Bench of a restart: how soon a thousand enrolled hosts are back at a relay that knows accounts, and how long a person
who connects meanwhile has to wait.

    ./dev bench comeback [--hosts 1000] [--processes 2]

The relay takes enrolled hosts alone (`--require-account`). Hosts are hops of processes of their own, and dial again as
hosts do: after a quarter of a second, doubling. All of it shares the cores of this machine, so that hosts and persons,
which are elsewhere in life, cost more here than the relay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from time import monotonic

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.rights import jws
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.target import parse_address, parse_pin
from avl_relay.live import number_text
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store, database_url
from interop.bench.attack.hops import endpoint_at, host, viewer
from tests.relay.owners import key, person, settle_in

#: Seconds: the first wait of a host, the longest; between two persons; the goals for hosts and for persons (p95).
FIRST, LONGEST, BETWEEN, GOAL_HOSTS, GOAL_PERSON = 0.25, 10.0, 0.3, 10.0, 1.5
FAILURES = (Refused, Unreachable, TimeoutError, OSError)
#: How long anything may take.
PATIENCE = 120.0


async def enrolled(folder: Path, hosts: list[Identity]) -> None:
    """A store in which all these belong to somebody."""
    store = Store(database_url(None, folder))
    await store.open()
    await settle_in(store)
    public = key("ada").public
    async with store.writing() as db:
        for at, one in enumerate(hosts):
            await Devices(db).enrol(
                number=number_text(one.number),
                name=f"host {at}",
                owner=person("ada"),
                owner_key=jws.jwk_of(public),
                owner_thumbprint=jws.thumbprint(public),
                now=1,
            )
    await store.close()


async def stays(at: int, relay: Address, pin: bytes, own: Identity, came: asyncio.Queue[float]) -> None:
    """A host that dials until it is in, and again whenever it is out."""
    endpoint = await endpoint_at(f"127.{1 + at // 200}.{at // 4 % 50}.{1 + at % 250}")
    wait = FIRST
    while True:
        try:
            hop = host(pin, own)
            await hop.dial(relay, endpoint)
            came.put_nowait(monotonic())
            wait = FIRST
            await hop.lost
        except FAILURES:
            pass
        await asyncio.sleep(wait * random.uniform(0.75, 1.25))
        wait = min(LONGEST, 2 * wait)


async def hosts_of(relay: Address, pin: bytes, seeds: list[str], first: int) -> None:
    """One process of hosts: a line of JSON each time that all are in, with the moment of the last."""
    came: asyncio.Queue[float] = asyncio.Queue()
    staying = [
        asyncio.ensure_future(stays(first + number, relay, pin, Identity(bytes.fromhex(seed)), came))
        for number, seed in enumerate(seeds)
    ]
    while True:
        moments = [await came.get() for _ in staying]
        print(json.dumps(max(moments)), flush=True)


class Relay:
    """The program, which can be restarted at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ready = folder, folder / "ready"
        self._process: asyncio.subprocess.Process | None = None
        self.address: Address = ("127.0.0.1", 0)
        self.pin = b""

    async def start(self) -> None:
        """Ready to be reached."""
        self._ready.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "avl-relay"),
            *("serve", "--state", str(self._folder), "--listen", f"127.0.0.1:{self.address[1]}"),
            *("--http", "127.0.0.1:0", "--require-account", "--drain", "0", "--ready-file", str(self._ready)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE):
            while not self._ready.exists():
                await asyncio.sleep(0.02)
        told = json.loads(self._ready.read_text())
        self.address, self.pin = parse_address(told["quic"]), parse_pin(told["pin"])

    async def stop(self) -> None:
        """Gone."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()


async def persons(relay: Relay, until: asyncio.Event) -> list[float]:
    """Seconds that each person waited, one after the other, until the hosts are back."""
    took: list[float] = []
    while not until.is_set():
        endpoint = await endpoint_at(f"127.99.{len(took) // 200}.{1 + len(took) % 200}")
        begun = monotonic()
        while True:
            try:
                await viewer(relay.pin).dial(relay.address, endpoint)
                break
            except FAILURES:
                continue
        took.append(monotonic() - begun)
        await endpoint.close()
        await asyncio.sleep(BETWEEN)
    return sorted(took)


async def run(count: int, processes: int) -> dict[str, float]:
    """One restart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = [entropy(32) for _ in range(count)]
        await enrolled(folder, [Identity(seed) for seed in seeds])
        relay = Relay(folder)
        await relay.start()
        crowds = []
        try:
            for number in range(processes):
                first, last = count * number // processes, count * (number + 1) // processes
                crowd = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "interop.bench.comeback", "--first", str(first)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                crowds.append(crowd)
                told = [relay.address[1], relay.pin.hex(), [seed.hex() for seed in seeds[first:last]]]
                assert crowd.stdin is not None
                crowd.stdin.write(json.dumps(told).encode() + b"\n")
                await crowd.stdin.drain()

            async def all_in() -> float:
                async with asyncio.timeout(PATIENCE):
                    lines = [await crowd.stdout.readline() for crowd in crowds if crowd.stdout is not None]
                return max(float(json.loads(line)) for line in lines)

            await all_in()
            await asyncio.sleep(3)
            await relay.stop()
            begun = monotonic()
            await relay.start()
            ready, back = monotonic(), asyncio.Event()
            waiting = asyncio.ensure_future(persons(relay, back))
            last_in = await all_in()
            back.set()
            waits = await waiting
        finally:
            for crowd in crowds:
                crowd.kill()
                await crowd.wait()
            await relay.stop()
    p95 = waits[int(0.95 * (len(waits) - 1))]
    return {"ready": ready - begun, "back": last_in - ready, "person_p95": p95, "persons": len(waits)}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="./dev bench comeback", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2, help="that the hosts are in")
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.first is not None:
        port, pin, seeds = json.loads(sys.stdin.readline())
        asyncio.run(hosts_of(("127.0.0.1", port), bytes.fromhex(pin), seeds, chosen.first))
        return
    found = asyncio.run(run(chosen.hosts, chosen.processes))
    print(
        f"{chosen.hosts} hosts: the relay is ready after {found['ready']:.2f} s, and all are back {found['back']:.2f} s "
        f"later (goal {GOAL_HOSTS:.0f}); of {found['persons']} persons meanwhile 95 % waited for at most "
        f"{found['person_p95']:.2f} s (goal {GOAL_PERSON})"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
