"""What tests of the relay's store share: each of them runs on SQLite and on PostgreSQL."""

from __future__ import annotations

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


@pytest.fixture
async def store(database: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store with nothing in it."""
    opened = Store(database_url(database, tmp_path))
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
