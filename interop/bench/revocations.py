"""`./dev bench revocations`: how soon a session is dead whose grant its owner takes back.

    ./dev bench revocations [--rounds 120]

A relay and a host are programs of their own. In each round somebody comes in by a grant of theirs, and the owner, who
is signed in at the relay, hands it a revocation list, as `avl grants take-back` and the page do. The time is from that
request until the viewer knows that its session has ended: API, store, hop, the host's decision, and the way back.
Viewers have addresses of their own, so that no limit of handshakes counts them as one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import update

import avl_viewer
from avl_host.rights.owner import pin_owner
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.endpoint.udp.network import Address, DatagramSocket, Network
from avl_protocol.rights import jws
from avl_protocol.rights.statements import AccessGrant, Enrolment, RevocationList, device_audience, sign
from avl_protocol.wire import device_id
from avl_protocol.wire.registry import PRESETS, CloseCode
from avl_protocol.wire.target import parse_address
from avl_relay.live import number_text
from avl_relay.people.passwords import Argon2Hashing
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import people
from interop.programs import Programs
from interop.stage import BIN
from tests.relay.owners import key, person, settle_in

PASSWORD = "four words nobody guesses: heron violet anvil"
#: Seconds at the 99th percentile that are the goal, and for which anything is waited for.
GOAL, PATIENCE = 1.0, 30.0
OWNER = "ada"


class At:
    """The machine's network, seen from one of its addresses."""

    def __init__(self, network: Network, host: str) -> None:
        self._network, self._host = network, host

    def bind(self, address: Address) -> DatagramSocket:
        """See Network."""
        return self._network.bind((self._host, address[1]))

    def source_for(self, target: Address) -> str | None:
        """See Network."""
        return self._host

    async def resolve(self, host: str, port: int) -> list[Address]:
        """See Network."""
        return await self._network.resolve(host, port)


def world_at(number: int) -> World:
    """A world at an address of its own, in a network of its own."""
    world = system_world()
    return replace(world, network=At(world.network, f"127.{1 + number // 250 % 250}.{1 + number % 250}.1"))


async def settled(folder: Path, host: Identity) -> None:
    """A store in which the host is somebody's, who has a password."""
    folder.mkdir(mode=0o700)
    store, public, hashing = Store(database_url(None, folder)), key(OWNER).public, Argon2Hashing(entropy)
    await store.open()
    await settle_in(store)
    hashed = await hashing.hash(PASSWORD)
    hashing.close()
    async with store.writing() as db:
        await db.execute(update(people).where(people.c.id == person(OWNER)).values(password_hash=hashed))
        await Devices(db).enrol(
            number=number_text(host.number),
            name="desk",
            owner=person(OWNER),
            owner_key=jws.jwk_of(public),
            owner_thumbprint=jws.thumbprint(public),
            now=1,
        )
    await store.close()


class Owner:
    """Somebody who is signed in at the relay, and takes back what they gave."""

    def __init__(self, page: str) -> None:
        self._page = page.rstrip("/")
        self._client = httpx2.AsyncClient(base_url=f"{self._page}/api/v1", timeout=PATIENCE)
        self._csrf = ""
        self._taken: list[str] = []

    async def sign_in(self) -> None:
        """Come in by password."""
        answer = await self._client.post(
            "/session", json={"login": OWNER, "password": PASSWORD}, headers=self._headers()
        )
        answer.raise_for_status()
        self._csrf = answer.json()["csrf"]

    async def take_back(self, grant: str) -> None:
        """Hand the relay a list with this grant, and all before it."""
        self._taken.append(grant)
        revoked = RevocationList(sequence=len(self._taken), issued=int(time.time()), grants=frozenset(self._taken))
        body = {"token": sign(key(OWNER), revoked)}
        await self.post("/statements", body)

    async def post(self, path: str, body: dict[str, Any]) -> None:
        """Have the relay keep something. Raises RuntimeError where it does not."""
        answer = await self._client.post(path, json=body, headers=self._headers())
        if answer.status_code != 201:
            raise RuntimeError(f"the relay did not keep it: {answer.text}")

    async def close(self) -> None:
        """Leave."""
        await self._client.aclose()

    def _headers(self) -> dict[str, str]:
        return {"origin": self._page, "x-avl-csrf": self._csrf}


async def once(at: int, target: str, audience: str, owner: Owner, folder: Path) -> float:
    """One session and its end; seconds from the request until the viewer knows."""
    world, wall = world_at(at), int(time.time())
    viewer = Identity(entropy(32))
    grant = AccessGrant(
        audience=audience,
        permissions=PRESETS["OPERATOR"],
        not_before=wall - 60,
        expires=wall + 3600,
        id=jws.encode(entropy(16)),
        holder=viewer.public,
    )
    async with avl_viewer.connect(
        target,
        chain=[sign(key(OWNER), grant)],
        identity=viewer,
        state=folder,
        pictures=False,
        direct=False,
        timeout=PATIENCE,
        world=world,
    ) as desktop:
        await desktop.type("here")
        ended = asyncio.ensure_future(asyncio.shield(desktop.client.ended))
        over: list[float] = []
        ended.add_done_callback(lambda _: over.append(time.perf_counter()))
        begun = time.perf_counter()
        asked: asyncio.Future[Any] = asyncio.ensure_future(owner.take_back(grant.id))
        await asyncio.wait([asked, ended], timeout=PATIENCE, return_when=asyncio.FIRST_EXCEPTION)
        await asked
        async with asyncio.timeout(PATIENCE):
            reason = await ended
        if reason.code is not CloseCode.REVOKED:
            raise RuntimeError(f"the session ended for another reason: {reason}")
        return over[0] - begun


async def run(rounds: int) -> list[float]:
    """Seconds of each round, in order of length."""
    with tempfile.TemporaryDirectory(prefix="avl-bench-revocations-") as name:
        folder, programs = Path(name), Programs(Path(name))
        state = StateFolder(folder / "host")
        host = state.identity(entropy)
        audience = device_audience(host.number)
        pin_owner(state, sign(key(OWNER), Enrolment(audience=audience, issued=int(time.time()))))
        await settled(folder / "relay", host)
        try:
            here = ("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--public", "127.0.0.1")
            ready = folder / "relay.json"
            programs.start(
                "relay", [BIN / "avl-relay", "serve", "--state", folder / "relay", *here, "--ready-file", ready]
            )
            relay = await programs.ready_file(ready, PATIENCE)
            where = ("--relay", f"{relay['quic']}?pin={relay['pin']}", "--source", "pattern")
            ready = folder / "host.json"
            programs.start("host", [BIN / "avl-host", "run", "--state", folder / "host", *where, "--ready-file", ready])
            told = await programs.ready_file(ready, PATIENCE)
            assert device_id.from_text(told["device_id"]) == host.number
            owner = Owner(f"http://localhost:{parse_address(relay['http'])[1]}")
            try:
                await owner.sign_in()
                return sorted(
                    [await once(at, told["target"], audience, owner, folder / "viewer") for at in range(rounds)]
                )
            finally:
                await owner.close()
        finally:
            programs.end()


def quantile(times: list[float], share: float) -> float:
    """The time that this share of them does not exceed."""
    return times[min(len(times) - 1, int(share * len(times)))]


def main() -> int:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(prog="./dev bench revocations", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=120, help="sessions that are ended")
    parser.add_argument("--json", action="store_true", help="the figures as one object")
    options = parser.parse_args()
    times = asyncio.run(run(options.rounds))
    found = {f"p{round(100 * share)}": quantile(times, share) for share in (0.5, 0.95, 0.99)}
    if options.json:
        print(json.dumps({"rounds": len(times), **found, "max": times[-1]}))
    else:
        shown = "  ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in found.items())
        print(f"{len(times)} sessions ended: {shown}, longest {1000 * times[-1]:.0f} ms (goal: {GOAL:g} s at p99)")
    return 0 if found["p99"] <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
