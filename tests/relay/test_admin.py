"""avl-relay admin, on a store that a relay may be using."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from avl_relay.cli import app
from avl_relay.store.engine import Store, database_url
from avl_relay.store.hashes import hashed
from avl_relay.store.tables import factors, invitations
from tests.relay.owners import person, settle_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder of a relay that has been used."""

    async def made() -> None:
        store = Store(database_url(None, tmp_path))
        await store.open()
        await store.close()

    asyncio.run(made())
    return tmp_path


def admin(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["admin", *arguments, "--state", str(folder)])
    return done.exit_code, done.output


def within(folder: Path, work: object) -> object:
    async def whole() -> object:
        store = Store(database_url(None, folder))
        await store.open()
        try:
            return await work(store)  # type: ignore[operator]
        finally:
            await store.close()

    return asyncio.run(whole())


def test_people_are_listed_and_invited(folder: Path) -> None:
    assert admin(folder, "people") == (0, "login  name  role  state  factors\n")
    status, output = admin(folder, "invite", "New.One", "--name", "New \u202eone", "--role", "owner")
    assert status == 0 and "#invite=" in output
    secret = output.strip().rpartition("=")[2]

    async def kept(store: Store) -> object:
        async with store.reading() as db:
            return await db.scalar(select(invitations.c.hash))

    assert within(folder, kept) == hashed(secret)
    assert "new.one  New one  owner  invited  none" in admin(folder, "people")[1]
    assert admin(folder, "invite", "new.one") == (1, "avl-relay: new.one is there already\n")
    assert admin(folder, "invite", "not a login")[0] == 1
    assert admin(folder, "invite", "other", "--role", "king")[0] == 1


def test_who_has_lost_all_factors_gets_new_ones(folder: Path) -> None:
    async def lost(store: Store) -> object:
        await settle_in(store)
        values = {"id": "f", "person": person("ada"), "kind": "totp", "name": "", "data": {}, "confirmed": True}
        async with store.writing() as db:
            return await db.execute(insert(factors).values(**values, created=1))

    within(folder, lost)
    assert "totp" in admin(folder, "people")[1]
    assert admin(folder, "reset-mfa", "ADA") == (0, "ada has no second factor any more, and is signed out\n")
    assert "totp" not in admin(folder, "people")[1]
    assert admin(folder, "reset-mfa", "nobody") == (1, "avl-relay: nobody signs in as nobody\n")
    assert "somebody is here already" in admin(folder, "setup-code")[1]


def test_a_new_setup_code_is_made_while_nobody_is_here(folder: Path, tmp_path: Path) -> None:
    first, second = admin(folder, "setup-code")[1], admin(folder, "setup-code")[1]
    assert "/account/#setup=" in first and first != second
    status, output = admin(tmp_path / "nowhere", "setup-code")
    assert status == 1 and "there is no database" in output
