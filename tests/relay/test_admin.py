"""avl-relay admin: a client of the API of a relay that runs, over the socket in its state folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.wire.device_id import from_text, to_text
from avl_relay.cli import app
from avl_relay.config import RelaySettings
from avl_relay.control.locally import ASK, answered
from avl_relay.control.plane import ControlPlane
from avl_relay.control.settings import ControlSettings
from avl_relay.http.bounds import BODY
from avl_relay.operators.console import SOCKET
from avl_relay.operators.service import Ending, ServiceSettings, serve
from avl_relay.relay import Relay
from avl_relay.store.engine import Store, database_url
from avl_relay.store.hashes import hashed
from avl_relay.store.tables import factors, invitations, people
from tests.relay.owners import number, person, settle_in
from tests.relay.test_workers import relay as relay_of_workers


class Place:
    """A relay that runs here, its store as a test sees it, and its operator's commands."""

    def __init__(self, folder: Path, page: str, store: Store) -> None:
        self.folder, self.page, self.store = folder, page, store

    async def admin(self, *arguments: str) -> tuple[int, str]:
        """The exit status of a command, and what it says."""
        return await asyncio.to_thread(admin, self.folder, *arguments)


def admin(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["admin", *arguments, "--state", str(folder)])
    return done.exit_code, done.output


@asynccontextmanager
async def running(
    folder: Path, *, database: str | None = None, accounts: bool = True, looks: bool = True
) -> AsyncIterator[Place]:
    """A relay as `serve` runs it; `looks`: the test opens its store."""
    world, reached, ending = system_world(), asyncio.Event(), Ending()
    settings = RelaySettings(state=folder, listen=("127.0.0.1", 0), http=("127.0.0.1", 0), public="127.0.0.1")
    plane = ControlPlane(world, ControlSettings(state=folder, database=database), tell=lambda line: None)
    relay = Relay(world, settings, control=plane if accounts else None)
    service = ServiceSettings(folder=folder, drain=0.0)
    serving = asyncio.ensure_future(serve(relay, world.clock, service, started=reached.set, ending=ending))
    store = Store(database_url(database, folder))
    try:
        async with asyncio.timeout(30):
            await reached.wait()
            if accounts and looks:
                await store.open()
            yield Place(folder, relay.page, store)
    finally:
        await store.close()
        ending.at_once()
        await serving


async def test_people_are_listed_and_invited(tmp_path: Path, tables: str) -> None:
    async with running(tmp_path, database=tables) as place:
        assert await place.admin("people") == (0, "login  name  role  state  factors\n")
        status, output = await place.admin("invite", "New.One", "--name", "New \u202eone", "--role", "owner")
        assert status == 0
        before, _, secret = output.strip().rpartition("=")
        assert before.endswith(f" {place.page}account/#invite") and place.page.startswith("http://localhost:")
        async with place.store.reading() as db:
            assert await db.scalar(select(invitations.c.hash)) == hashed(secret)
        assert "new.one  New one  owner  invited  none" in (await place.admin("people"))[1]
        assert await place.admin("invite", "new.one") == (1, "avl-relay: new.one is there already\n")
        status, output = await place.admin("invite", "not a login")
        assert status == 1 and "a login of letters, digits and ._@+- is expected" in output
        assert (await place.admin("invite", "other", "--role", "king"))[0] == 1


async def test_all_pages_of_people_are_read(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        values = {"name": "Somebody", "role": "member", "state": "active", "created": 1}
        async with place.store.writing() as db:
            await db.execute(
                insert(people), [{"id": f"{number:022}", "login": f"p{number}", **values} for number in range(250)]
            )
        assert len((await place.admin("people"))[1].splitlines()) == 1 + 250
        assert (await place.admin("reset-mfa", "p249"))[0] == 0


async def test_who_has_lost_all_factors_gets_new_ones(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await settle_in(place.store)
        values = {"id": "f", "person": person("ada"), "kind": "totp", "name": "", "data": {}, "confirmed": True}
        async with place.store.writing() as db:
            await db.execute(insert(factors).values(**values, created=1))
        assert "totp" in (await place.admin("people"))[1]
        assert await place.admin("reset-mfa", "ADA") == (0, "ada has no second factor any more, and is signed out\n")
        assert "totp" not in (await place.admin("people"))[1]
        assert await place.admin("reset-mfa", "nobody") == (1, "avl-relay: nobody signs in as nobody\n")
        assert "somebody is here already" in (await place.admin("setup-code"))[1]


async def test_somebody_is_shut_out_and_let_in_again(tmp_path: Path, tables: str) -> None:
    async with running(tmp_path, database=tables) as place:
        await settle_in(place.store)
        status, output = await place.admin("disable", "Ada")
        assert status == 0 and output.startswith("ada is signed out, and can't sign in")
        assert "ada    Ada   member  disabled" in (await place.admin("people"))[1]
        assert await place.admin("enable", "ada") == (0, "ada may sign in again\n")
        assert "ada    Ada   member  active" in (await place.admin("people"))[1]
        assert await place.admin("disable", "nobody") == (1, "avl-relay: nobody signs in as nobody\n")
        assert await place.admin("disable", "root") == (1, "avl-relay: then nobody would own this relay\n")


async def test_a_device_is_revoked_by_its_name_or_id(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await settle_in(place.store, ("desk", "ada"), ("shed", "ada"))
        assert await place.admin("revoke-device", "Desk") == (
            0,
            f"desk ({to_text(from_text(number('desk')))}) is revoked: it may not register here\n",
        )
        rows = (await place.admin("devices"))[1].splitlines()
        assert rows[0].split() == ["name", "state", "there", "device", "ID"]
        assert [row.split()[:2] for row in rows[1:]] == [["desk", "revoked"], ["shed", "active"]]
        assert await place.admin("revoke-device", "desk") == (1, "avl-relay: desk was revoked before\n")
        assert (await place.admin("revoke-device", number("shed").lower()))[0] == 0
        status, output = await place.admin("revoke-device", "lab")
        assert status == 1 and "'avl-relay admin devices' lists them" in output


async def test_a_new_setup_code_is_made_while_nobody_is_here(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        first, second = (await place.admin("setup-code"))[1], (await place.admin("setup-code"))[1]
        assert f" {place.page}account/#setup=" in first and first != second


async def test_where_no_relay_runs_or_knows_people_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    status, output = await asyncio.to_thread(admin, tmp_path / "nowhere", "setup-code")
    assert status == 1 and "no relay runs with the state folder" in output and "avl-relay serve --state" in output
    async with running(tmp_path / "state", accounts=False) as place:
        assert await place.admin("people") == (
            1,
            "avl-relay: this relay runs without accounts (--no-accounts): it knows no people\n",
        )
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"no database at all" * 100)
    async with running(tmp_path / "other", database=str(wrong), looks=False) as place:
        status, output = await place.admin("people")
        assert status == 1 and "avl-relay: the store cannot be used now: " in output
        assert "is no SQLite database" in output


async def test_only_the_relays_user_reaches_the_socket(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        assert (place.folder / SOCKET).stat().st_mode & 0o777 == 0o600
        if os.geteuid() == 0:  # another user is refused by the mode of the socket
            asked = await asyncio.to_thread(
                subprocess.run,
                [
                    "python3",
                    "-c",
                    f"import socket; socket.socket(socket.AF_UNIX).connect({str(place.folder / SOCKET)!r})",
                ],
                user="nobody",
                capture_output=True,
                text=True,
                check=False,
            )
            assert "PermissionError" in asked.stderr


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"method": "GET", "path": "/health", "headers": []},
        {"method": "TRACE", "path": "/api/v1/people", "headers": []},
        {"method": "GET", "path": "/api/v1/people", "headers": {}},
        {"method": "GET", "path": "/api/v1/people", "headers": [["a"]]},
        {"method": "GET", "path": "/api/v1/people", "headers": [["a", "\u20ac"]]},
        {"method": "POST", "path": "/api/v1/people", "headers": [], "body": "x" * (BODY + 1)},
        {"method": "POST", "path": "/api/v1/people", "headers": [], "body": 5},
    ],
)
async def test_what_no_command_of_ours_asks_is_refused(request_: dict[str, object]) -> None:
    async def never(scope: object, receive: object, send: object) -> None:
        raise AssertionError("it was asked")

    with pytest.raises(ControlError):
        await answered(never, {"ask": ASK, **request_})


async def test_the_commands_work_with_several_workers(tmp_path: Path) -> None:
    async with relay_of_workers(tmp_path) as relay:
        folder = tmp_path / "relay"
        status, output = await asyncio.to_thread(admin, folder, "invite", "new.one")
        assert status == 0 and f"http://localhost:{relay.page}/account/#invite=" in output
        status, output = await asyncio.to_thread(admin, folder, "people")
        assert status == 0 and "new.one  new.one  member  invited  none" in output


async def test_who_may_what_is_listed_with_its_rules(tmp_path: Path, tables: str) -> None:
    async with running(tmp_path, database=tables) as place:
        await settle_in(place.store, ("desk", "ada"), ("lab", "ben"))
        status, output = await place.admin("permissions")
        assert (status, [line.split() for line in output.splitlines()]) == (
            0,
            [["person", "device", "may", "by"], ["Ada", "desk", "owner", "owner"], ["Ben", "lab", "owner", "owner"]],
        )
        assert "lab" not in (await place.admin("permissions", "--device", "des"))[1]
        none = (1, "avl-relay: nobody may anything there, as far as this relay knows\n")
        assert await place.admin("permissions", "--person", "eve") == none
