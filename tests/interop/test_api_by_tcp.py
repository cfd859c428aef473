"""Real programs on a network that lets TCP alone pass: signing in, listing devices, and enrolling a host work there as
well, each with a person who approves in a browser elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.rights import jws
from avl_protocol.rights.statements import Enrolment, sign
from avl_relay.config import RelaySettings
from avl_relay.control.plane import ControlPlane
from avl_relay.control.settings import ControlSettings
from avl_relay.people import opaque
from avl_relay.people.sessions import WebSession, csrf_token
from avl_relay.people.stages import Proof, Stage
from avl_relay.relay import Relay
from avl_relay.store.engine import Store, database_url
from avl_relay.store.websessions import WebSessions
from interop.stage import BIN
from tests.relay.owners import key, person, settle_in
from tests.relay.test_api_http import Asking

HERE = "127.0.0.1"


class Wall:
    """A firewall in front of a relay: what comes by TCP reaches it, what comes by UDP is dropped without a word."""

    def __init__(self, relay: tuple[str, int]) -> None:
        self._relay = relay
        self._server: asyncio.Server
        self._deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.connections = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass, HERE, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._deaf.bind((HERE, self.port))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        inner, outer = await asyncio.open_connection(*self._relay)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while piece := await source.read(65536):
                    target.write(piece)
                    await target.drain()
            target.close()

        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    async def heard_by_udp(self) -> bytes:
        """The first datagram that came, which nobody answered."""
        self._deaf.setblocking(False)
        return await asyncio.get_running_loop().sock_recv(self._deaf, 2048)

    def close(self) -> None:
        self._server.close()
        self._deaf.close()


class Approver:
    """The relay's owner, signed in with a second factor in a browser that reaches the page."""

    def __init__(self, port: int, cookie: str) -> None:
        self._asking = Asking(port)
        self._shown = {
            "cookie": f"avl-session={cookie}",
            "origin": f"http://localhost:{port}",
            "x_avl_csrf": csrf_token(cookie),
            "content_type": "application/json",
        }

    async def look(self, code: str) -> dict[str, str]:
        answer = await self._asking.ask("GET", f"/api/v1/device-authorizations/{code}", b"", **self._shown)
        found: dict[str, str] = json.loads(answer.body)
        return found

    async def approve(self, code: str, **statements: str) -> None:
        body = json.dumps(statements).encode()
        path = f"/api/v1/device-authorizations/{code}/approve"
        answer = await self._asking.ask("POST", path, body, **self._shown)
        assert answer.status == 204, answer.body


@asynccontextmanager
async def walled(folder: Path) -> AsyncIterator[tuple[str, Wall, Approver]]:
    """The relay's address behind the wall, with its pin; the wall; and who approves."""
    world, state = system_world(), folder / "relay"
    state.mkdir()
    store = Store(database_url(None, state))
    await store.open()
    cookie, now = opaque.new_token(entropy), int(time.time())
    await settle_in(store)
    async with store.writing() as db:
        await WebSessions(db).add(
            WebSession(
                id=opaque.new_id(entropy),
                hash=opaque.digest(cookie),
                person=person("root"),
                stage=Stage.FULL,
                proofs=frozenset({Proof.PASSWORD, Proof.TOTP}),
                created=now,
                seen=now,
                proved=now,
                strong=now,
            )
        )
    await store.close()
    settings = RelaySettings(state=state, listen=(HERE, 0), http=(HERE, 0), public=HERE)
    plane = ControlPlane(world, ControlSettings(state=state), tell=lambda line: None)
    relay = Relay(world, settings, control=plane)
    await relay.start()
    wall = Wall((HERE, int(relay.quic.rpartition(":")[2])))
    await wall.start()
    try:
        page = int(relay.page.rstrip("/").rpartition(":")[2])
        async with asyncio.timeout(90):
            yield f"{HERE}:{wall.port}?pin={relay.pin}", wall, Approver(page, cookie)
    finally:
        wall.close()
        await relay.close()


async def begun(*command: str | Path) -> tuple[asyncio.subprocess.Process, str, str]:
    """A program that asks for approval; what it has said, and its code."""
    program = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert program.stdout is not None
    said = ""
    while (found := re.search(r"#code=([A-Z]{4}-[A-Z]{4})", said)) is None:
        piece = await program.stdout.read(4096)
        assert piece, said
        said += piece.decode()
    return program, said, found[1]


async def ended(program: asyncio.subprocess.Process) -> str:
    """What a program says until it ends, in good order."""
    said = (await program.communicate())[0].decode()
    assert program.returncode == 0, said
    return said


async def test_programs_sign_in_enrol_and_list_devices_where_udp_is_blocked(tmp_path: Path) -> None:
    async with walled(tmp_path) as (relay, wall, approver):
        viewer, host = tmp_path / "viewer", tmp_path / "host"
        program, _, code = await begun(BIN / "avl", "login", relay, "--state", viewer)
        await approver.approve(code)
        assert "root" in await ended(program)
        assert await wall.heard_by_udp(), "it tries UDP first"

        owner = jws.thumbprint(key("root").public)
        program, _, code = await begun(
            BIN / "avl-host", "enroll", relay, "--state", host, "--owner", owner, "--name", "Far desk"
        )
        device = (await approver.look(code))["device"]
        statement = Enrolment(audience=f"device:{device}", issued=int(time.time()), groups=(), name="Far desk")
        await approver.approve(code, enrolment=sign(key("root"), statement))
        await ended(program)

        program = await asyncio.create_subprocess_exec(
            BIN / "avl", "devices", "--json", "--state", viewer, stdout=asyncio.subprocess.PIPE
        )
        listed = json.loads(await ended(program))
        assert [one["name"] for one in listed] == ["Far desk"]
        assert wall.connections >= 3
