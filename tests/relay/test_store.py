"""The store: its tables, its migrations, and what it says of a database that is not as it should be."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select, text

from avl_relay.people.delay import Schedule
from avl_relay.store import migrating
from avl_relay.store.engine import Store, database_url
from avl_relay.store.errors import Conflict, StoreError, Unavailable
from avl_relay.store.limits import Limits
from avl_relay.store.migrations import HEAD
from avl_relay.store.tables import METADATA, people
from tests.relay.postgres import Postgres

ADA = {"id": "a", "login": "ada", "name": "Ada", "role": "owner", "state": "active", "created": 1}


async def add(store: Store, **changes: str) -> None:
    async with store.writing() as connection:
        await connection.execute(people.insert().values({**ADA, **changes}))


async def count(store: Store) -> int:
    async with store.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(people))).scalar_one()


def at(database: str) -> Store:
    return Store(database_url(database, Path("/nowhere")))


async def test_migrations_make_the_tables_that_the_program_knows(store: Store) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with store.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(migrating.version) == HEAD


def test_the_newest_migration_is_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating.FOLDER))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_a_transaction_counts_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.writing() as connection:
            await connection.execute(people.insert().values(ADA))
            _ = 1 / 0
    assert await count(store) == 0
    await add(store)
    with pytest.raises(Conflict):
        await add(store, id="b")
    assert await count(store) == 1


async def test_a_database_is_opened_again_as_it_was_left(database: str) -> None:
    first, second = at(database), at(database)
    assert await first.open() is None
    await add(first)
    await first.close()
    with pytest.raises(Unavailable, match="not open"):
        await count(first)
    assert await second.open() == HEAD
    assert await count(second) == 1
    await second.close()


async def test_several_that_begin_at_once_migrate_once(database: str) -> None:
    stores = [at(database) for _ in range(4)]
    before = await asyncio.gather(*(store.open() for store in stores))
    assert sorted(before, key=str) == [HEAD, HEAD, HEAD, None]
    for store in stores:
        await store.close()


async def test_a_newer_database_is_refused_with_a_sentence(database: str) -> None:
    first, second = at(database), at(database)
    await first.open()
    async with first.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await first.close()
    with pytest.raises(StoreError, match=r"written by a newer avl-relay .*9999"):
        await second.open()


async def test_a_database_of_somebody_else_is_left_alone(database: str) -> None:
    first, second = at(database), at(database)
    await first.open()
    async with first.writing() as connection:
        await connection.execute(text("DROP TABLE alembic_version"))
    await first.close()
    with pytest.raises(StoreError, match="somebody else's"):
        await second.open()


async def test_an_interrupted_migration_has_changed_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the tables are made when the migration ends: none of them is there, and the next start makes all."""
    made = 0

    def failing(self: object, *arguments: object, **settings: object) -> object:
        nonlocal made
        made += 1
        if made > 8:
            raise RuntimeError("the power is gone")
        return real(self, *arguments, **settings)  # type: ignore[arg-type]

    from alembic.ddl.impl import DefaultImpl

    real = DefaultImpl.create_table
    monkeypatch.setattr(DefaultImpl, "create_table", failing)
    first, second = at(database), at(database)
    with pytest.raises(RuntimeError):
        await first.open()
    assert made > 8
    monkeypatch.undo()
    assert await second.open() is None
    async with second.reading() as connection:
        names = await connection.run_sync(lambda synchronous: inspect(synchronous).get_table_names())
    assert set(names) == {*METADATA.tables, "alembic_version"}
    await second.close()


# ------------------------------------------------------------------------------------------- what is wrong with a file


async def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    store = Store(database_url(None, tmp_path))
    await store.open()
    await add(store)
    for path in tmp_path.glob("relay.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    await store.close()


async def test_a_locked_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_relay.store.engine.PRAGMAS", ("busy_timeout=50", "journal_mode=WAL"))
    store = Store(database_url(None, tmp_path))
    await store.open()
    other = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="is locked by another program"):
        await add(store)
    assert await count(store) == 0  # who reads goes on
    other.execute("ROLLBACK")
    other.close()
    await add(store)
    await store.close()


async def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(database_url(None, tmp_path))
    await store.open()
    await add(store)
    async with store.writing() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    await store.close()
    monkeypatch.setattr("avl_relay.store.engine.PRAGMAS", (f"max_page_count={pages}",))
    await store.open()
    with pytest.raises(Unavailable, match="the disk is full"):
        for number in range(1000):
            await add(store, id=str(number), login=str(number), name="x" * 100)
    assert await count(store) >= 1
    await store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
async def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "relay.db").mkdir()
    with pytest.raises(Unavailable, match=r"cannot be written: Is a directory"):
        await Store(database_url(None, tmp_path)).open()


async def test_a_file_that_only_opens_for_reading_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_relay.store.engine.PRAGMAS", ("query_only=ON",))
    store = Store(database_url(None, tmp_path))
    with pytest.raises(Unavailable, match="read-only"):
        await store.open()


async def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"these are the notes of a person, and no database at all\n" * 100)
    before = (tmp_path / "relay.db").read_bytes()
    with pytest.raises(Unavailable, match="is no SQLite database"):
        await Store(database_url(None, tmp_path)).open()
    assert (tmp_path / "relay.db").read_bytes() == before


async def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written: No such file"):
        await Store(database_url(None, tmp_path / "gone")).open()


# ------------------------------------------------------------------------------------------------------ a server's way


async def test_a_server_that_is_gone_is_named_and_used_again_when_it_is_back(postgres: Postgres) -> None:
    store = at(postgres.database())
    await store.open()
    await add(store)
    postgres.stop()
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            await count(store)
    finally:
        postgres.start()
    assert await count(store) == 1
    await store.close()


async def test_a_database_that_does_not_exist_is_named(postgres: Postgres) -> None:
    with pytest.raises(Unavailable, match="createdb"):
        await at(postgres.url("nowhere")).open()


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in at("postgresql://relay:hidden@127.0.0.1/avl").where


@pytest.mark.parametrize("named", ["mysql://a/b", "http://a/b"])
def test_other_databases_are_refused(named: str) -> None:
    with pytest.raises(StoreError):
        database_url(named, Path("/nowhere"))


async def test_tries_that_come_at_once_are_all_counted(store: Store) -> None:
    schedule = Schedule(free=3, first=60, most=60, forgotten=600)

    async def one() -> int:
        async with store.writing() as connection:
            wait = await Limits(connection).spend("name", schedule, 1000.0)
            await asyncio.sleep(0.05)
            return wait

    waits = await asyncio.gather(*(one() for _ in range(5)))
    assert sorted(waits) == [0, 0, 0, 60, 60], "nobody fails, and nobody is forgotten"
