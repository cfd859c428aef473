"""The API of a relay of two workers, as real processes on loopback, on both stores: what one of them was told the other
knows, and what happens at one is seen, and ended, from the other."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
from sqlalchemy import update

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.rights import jws
from avl_protocol.wire.messages import Detach
from avl_relay.live import number_text
from avl_relay.people.passwords import Argon2Hashing
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import people
from tests.relay.owners import key, person, settle_in
from tests.relay.test_workers import HERE, Relay, relay, until

PASSWORD = "correct horse battery staple"
BASE = "/api/v1"
#: Seconds until a revocation has reached everybody: the goal is one, on a machine that does nothing else.
SOON = 3.0


class Answer:
    """One answer over HTTP/1.1. `cookies`: those that it sets."""

    def __init__(self, told: bytes) -> None:
        head, _, self.body = told.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        pairs = [line.partition(": ") for line in lines[1:]]
        self.cookies = dict(
            value.partition(";")[0].split("=", 1) for name, _, value in pairs if name.lower() == "set-cookie"
        )

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Asking:
    """Somebody who asks the page's port, each time the worker that a test names."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.here = f"http://localhost:{relay.page}"
        self.csrf, self.cookies = "", dict[str, str]()

    async def connection(self, worker: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The system spreads connections: others are given up."""
        async with asyncio.timeout(20):
            while True:
                reader, writer = await asyncio.open_connection(HERE, self.relay.page)
                if await self._is_at(writer, self.relay.worker_of(worker)):
                    return reader, writer
                writer.close()

    async def _is_at(self, writer: asyncio.StreamWriter, process: int) -> bool:
        """Whether it is this process that has accepted a connection."""
        ours, theirs = (f":{writer.get_extra_info(name)[1]:04X}" for name in ("sockname", "peername"))
        inode = "0"
        while inode == "0":
            await asyncio.sleep(0.002)
            rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
            found = (row[9] for row in rows if row[1].endswith(theirs) and row[2].endswith(ours))
            inode = next(found, "0")
        opened = Path(f"/proc/{process}/fd")
        return any(_target(entry) == f"socket:[{inode}]" for entry in opened.iterdir())

    async def send(
        self, worker: int, method: str, path: str, body: Any = None, **more: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.connection(worker)
        data = b"" if body is None else json.dumps(body).encode()
        given = {"host": f"localhost:{self.relay.page}", "connection": "close", "content-length": str(len(data))}
        given |= {"content-type": "application/json"} if data else {}
        given |= {name.replace("_", "-"): value for name, value in more.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"{method} {BASE}{path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        return reader, writer

    async def ask(self, worker: int, method: str, path: str, body: Any = None, **more: str) -> Answer:
        """The answer to a request without any sign of who asks."""
        reader, writer = await self.send(worker, method, path, body, **more)
        try:
            async with asyncio.timeout(20):
                return Answer(await reader.read())
        finally:
            writer.close()

    def shown(self) -> dict[str, str]:
        """What a browser shows that is signed in."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"cookie": cookies, "origin": self.here, "x-avl-csrf": self.csrf}

    async def browse(self, worker: int, method: str, path: str, body: Any = None) -> Answer:
        """As a browser."""
        answer = await self.ask(worker, method, path, body, **self.shown())
        self.cookies |= answer.cookies
        if answer.status == 200 and isinstance(answer.json, dict):
            self.csrf = answer.json.get("csrf") or self.csrf
        return answer

    async def sign_in(self, worker: int) -> None:
        """With a password, and a second factor that is set up."""
        answer = await self.browse(worker, "POST", "/session", {"login": "root", "password": PASSWORD})
        assert answer.json["stage"] == "full"
        made = (await self.browse(worker, "POST", "/me/factors/totp", {"name": "Phone"})).json
        said = {"id": made["id"], "code": pyotp.TOTP(made["secret"]).now()}
        assert (await self.browse(worker, "POST", "/me/factors/totp/confirm", said)).status == 200


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except FileNotFoundError:  # closed meanwhile
        return ""


DESK = Identity(entropy(32))
NUMBER = number_text(DESK.number)


@asynccontextmanager
async def office(folder: Path, database: str) -> AsyncIterator[Asking]:
    """A relay of two workers, with people and a device."""
    store = Store(database_url(database, folder))
    await store.open()
    hashing = Argon2Hashing(entropy)
    try:
        await settle_in(store)
        kept = await hashing.hash(PASSWORD)
        owner = key("root").public
        async with store.writing() as db:
            await db.execute(update(people).where(people.c.login == "root").values(password_hash=kept))
            await Devices(db).enrol(
                number=NUMBER,
                name="Desk",
                owner=person("root"),
                owner_key=jws.jwk_of(owner),
                owner_thumbprint=jws.thumbprint(owner),
                now=int(time.time()),
            )
    finally:
        hashing.close()
        await store.close()
    async with relay(folder, "--database", database, "--second-factor", "none") as running:
        yield Asking(running)


async def test_who_signed_in_at_one_worker_is_known_at_the_other(tmp_path: Path, tables: str) -> None:
    async with office(tmp_path, tables) as asking:
        await asking.sign_in(0)
        assert (await asking.browse(1, "GET", "/me")).json["login"] == "root"
        assert (await asking.browse(1, "POST", "/groups", {"kind": "people", "name": "Crew"})).status == 201
        assert [one["name"] for one in (await asking.browse(0, "GET", "/groups")).json["items"]] == ["Crew"]

        program = Identity(entropy(32))

        def proof(method: str, path: str, token: str = "") -> str:
            bound = {"ath": jws.digest(token)} if token else {}
            said = {"htm": method, "htu": BASE + path, "iat": int(time.time()), "jti": jws.encode(entropy(16)), **bound}
            return jws.sign(program, "avl-proof+jwt", said, with_key=True)

        about = {"kind": "program", "jkt": jws.thumbprint(program.public)}
        sent = {"x-avl-proof": proof("POST", "/device-authorizations")}
        code = (await asking.ask(0, "POST", "/device-authorizations", about, **sent)).json
        approved = await asking.browse(1, "POST", f"/device-authorizations/{code['user_code']}/approve", {})
        assert approved.status == 204
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        wanted = {"grant_type": grant, "device_code": code["device_code"]}
        token = (await asking.ask(1, "POST", "/token", wanted, **{"x-avl-proof": proof("POST", "/token")})).json
        access = token["access_token"]
        shown = {"authorization": f"Bearer {access}", "x-avl-proof": proof("GET", "/me", access)}
        assert (await asking.ask(0, "GET", "/me", **shown)).json["login"] == "root"
        for worker in (0, 1):  # neither takes it again
            replayed = await asking.ask(worker, "GET", "/me", **shown)
            assert replayed.status == 401 and "used before" in replayed.json["detail"]

        assert (await asking.browse(1, "DELETE", "/session")).status == 204
        assert (await asking.browse(0, "GET", "/me")).status == 401


async def test_what_happens_at_one_worker_is_seen_and_ended_from_the_other(tmp_path: Path, tables: str) -> None:
    async with office(tmp_path, tables) as asking:
        running = asking.relay
        await asking.sign_in(0)
        reader, writer = await asking.send(0, "GET", "/events", **asking.shown())
        heard = bytearray()

        async def listen() -> None:
            while piece := await reader.read(4096):
                heard.extend(piece)

        listening = asyncio.ensure_future(listen())
        try:
            await until("events", lambda: b"retry: " in heard)
            desk = await running.desk(1, DESK)
            await until("its presence", lambda: b"event: presence" in heard and NUMBER.encode() in heard)
            for worker in (0, 1):
                shown = (await asking.browse(worker, "GET", f"/devices/{NUMBER}")).json
                assert shown["online"] and shown["since"] is not None

            near, far = await running.guest(0), await running.guest(1)
            for guest in (near, far):
                await desk.attach(guest)
                await desk.seen_by(guest)
            await until("its sessions", lambda: heard.count(b"event: session") == 2)
            for worker in (0, 1):
                told = (await asking.browse(worker, "GET", "/sessions")).json["items"]
                assert len(told) == 2 and all(one["figures"]["way"] for one in told)  # of the other worker's, too
                plane = (await asking.browse(worker, "GET", "/health")).json["plane"]
                assert (plane["processes"], plane["expected"], plane["sessions"]) == (2, 2, 2)

            both = (await asking.browse(0, "GET", "/sessions")).json["items"]
            await asking.browse(0, "DELETE", f"/sessions/{both[0]['id']}")
            await until("the first one's end", lambda: near.of(Detach) or far.of(Detach), SOON)
            assert (await asking.browse(1, "DELETE", f"/sessions/{both[1]['id']}")).status == 204
            await until("the other's end", lambda: near.of(Detach) and far.of(Detach), SOON)
            assert not desk.hop.lost.done()

            for guest in (near, far):
                await desk.attach(guest)
                await desk.seen_by(guest)
            assert (await asking.browse(0, "DELETE", f"/devices/{NUMBER}")).status == 204
            await until("their ends", lambda: len(near.of(Detach)) == len(far.of(Detach)) == 2, SOON)
            async with asyncio.timeout(SOON):
                await desk.hop.lost
            await until("its absence", lambda: heard.count(b"event: presence") == 2, SOON)
            for worker in (0, 1):
                assert not (await asking.browse(worker, "GET", f"/devices/{NUMBER}")).json["online"]
        finally:
            listening.cancel()
            writer.close()
