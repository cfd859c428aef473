"""A backup holds all of a store, and goes back into either database, whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from avl_relay.cli import app
from avl_relay.control.lock import held
from avl_relay.store.backup import restore, write
from avl_relay.store.engine import Store, database_url
from avl_relay.store.errors import StoreError
from avl_relay.store.tables import METADATA, secrets
from tests.relay.apis import BEGUN
from tests.relay.owners import settle_in
from tests.relay.postgres import Postgres


async def everything(store: Store) -> dict[str, list[object]]:
    async with store.reading() as db:
        found = {}
        for table in METADATA.sorted_tables:
            order = list(table.primary_key.columns)
            found[table.name] = [tuple(row) for row in await db.execute(select(table).order_by(*order))]
        return found  # type: ignore[return-value]


async def filled(store: Store) -> None:
    await settle_in(store, *((f"device {number}", "ada") for number in range(520)))
    async with store.writing() as db:
        await db.execute(insert(secrets).values(name="key", data=bytes(range(256)), created=BEGUN))


async def test_a_backup_goes_into_either_database(store: Store, postgres: Postgres, tmp_path: Path) -> None:
    await filled(store)
    before = await everything(store)
    rows = sum(map(len, before.values()))
    assert await write(store, tmp_path / "backup") == rows > 520
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
    for named in (str(tmp_path / "again.db"), postgres.database()):
        other = Store(database_url(named, tmp_path))
        await other.open()
        try:
            assert await restore(other, tmp_path / "backup") == rows
            assert await everything(other) == before
            with pytest.raises(StoreError, match="is not empty"):
                await restore(other, tmp_path / "backup")
        finally:
            await other.close()


async def test_a_backup_that_is_not_whole_restores_nothing(store: Store, tmp_path: Path) -> None:
    source = Store(database_url(str(tmp_path / "source.db"), tmp_path))
    await source.open()
    await filled(source)
    await write(source, tmp_path / "whole")
    await source.close()
    lines = (tmp_path / "whole").read_text("utf-8").splitlines(keepends=True)
    cases = {
        "short": lines[:-5],
        "cut": [*lines[:300], lines[300][:10]],
        "missing": [*lines[:50], *lines[51:]],
        "strange": [lines[0], '{"table": "nothing", "row": {}}\n', *lines[1:]],
        "other": ["{}\n"],
        "newer": ['{"format": "avl-relay backup", "version": "9999"}\n', *lines[1:]],
        "nothing": [],
    }
    for name, content in cases.items():
        (tmp_path / name).write_text("".join(content), "utf-8")
        with pytest.raises(StoreError, match=name):
            await restore(store, tmp_path / name)
        assert not any((await everything(store)).values()), name
    with pytest.raises(StoreError, match="cannot be read"):
        await restore(store, tmp_path / "absent")


async def test_a_file_that_is_there_is_not_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        await write(store, tmp_path / "mine")
    with pytest.raises(StoreError, match="cannot be written"):
        await write(store, tmp_path / "nowhere" / "mine")
    assert (tmp_path / "mine").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if "partly" in path.name] == []


def test_the_commands_back_up_restore_and_migrate(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["db", *arguments])
        return done.exit_code, done.output

    old, new = ("--state", str(tmp_path / "old")), ("--state", str(tmp_path / "new"))
    for option in (old, new):
        Path(option[1]).mkdir()
    file = str(tmp_path / "file")
    assert "there is no database" in run("backup", file, *old)[1]
    (tmp_path / "old" / "relay.db").touch()
    assert "run 'avl-relay db migrate'" in run("backup", file, *old)[1]
    assert "is of version 0003 now" in run("migrate", *old)[1]
    assert "already" in run("migrate", *old)[1]
    assert "0 rows written" in run("backup", file, *old)[1]
    assert "0 rows restored" in run("restore", file, *new)[1]
    with held(tmp_path / "new" / "relay.db"):
        for command in (("restore", file), ("migrate",)):
            status, output = run(*command, *new)
            assert status == 1 and "another relay uses" in output
        assert run("backup", str(tmp_path / "second"), *new)[0] == 0  # also while it runs
