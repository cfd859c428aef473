"""What tests of the relay's store share: each of them runs on SQLite and on PostgreSQL.

All migrations are run once for each, by the first test that wants its result: others begin with a copy of that.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from avl_relay.store.engine import Store, database_url
from tests.relay.postgres import Postgres, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The one PostgreSQL of a run; what stops it starts it again."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database, as `--database` names it."""
    if request.param == "sqlite":
        return str(tmp_path / "relay.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


def migrate(database: str) -> str:
    """Make all tables in an empty database; returns it."""

    async def main() -> None:
        store = Store(database_url(database, Path("/nowhere")))
        await store.open()
        await store.close()

    asyncio.run(main())
    return database


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database with all tables and nothing in them, to be copied."""
    return migrate(str(tmp_path_factory.mktemp("migrated") / "relay.db"))


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> str:
    """The same of PostgreSQL: its URL."""
    return migrate(postgres.database())


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and nothing in them, as `--database` names it."""
    if request.param == "sqlite":
        return str(shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "relay.db"))
    template: str = request.getfixturevalue("migrated_database")
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(template.rpartition("/")[2])


@pytest.fixture
async def store(tables: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store with nothing in it."""
    opened = Store(database_url(tables, tmp_path))
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
