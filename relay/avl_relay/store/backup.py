"""Backup: everything that a store keeps, in one file, and back.

The file is one object of JSON a line: the first says which version it is, each other one row. So it is of neither
database, and what was kept in one may be restored to the other. It holds what a store holds, hashes of passwords among
it: it is written for its owner alone.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.engine import Store
from avl_relay.store.errors import StoreError
from avl_relay.store.migrations import HEAD
from avl_relay.store.tables import METADATA

FORMAT = "avl-relay backup"
#: Rows that are read, or written, at once.
ROWS = 500


async def write(store: Store, path: Path) -> int:
    """Write all of a store, as it is at one moment, to a file that is new; the number of rows. Raises StoreError."""
    partly = path.with_name(path.name + ".partly")
    count = 0
    try:
        descriptor = os.open(partly, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps({"format": FORMAT, "version": HEAD}) + "\n")
            async with store.reading() as db:
                async for line in _lines(db):
                    file.write(line)
                    count += 1
            file.write(json.dumps({"rows": count}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(partly, path)  # a file that is there stays
    except FileExistsError:
        raise StoreError(f"{path} is there already: name another file") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        partly.unlink(missing_ok=True)
    return count


async def restore(store: Store, path: Path) -> int:
    """Put what a backup holds into a store that holds nothing yet, all of it or nothing; the number of rows. Raises
    StoreError."""
    try:
        with open(path, encoding="utf-8") as file:
            head = _object(file.readline(), path)
            if head.get("format") != FORMAT:
                raise StoreError(f"{path} is no backup of avl-relay")
            if head.get("version") != HEAD:
                raise StoreError(
                    f"{path} is of version {head.get('version')}, this program's is {HEAD}: restore it with the "
                    "version that wrote it, then run this one"
                )
            async with store.writing() as db:
                for table in METADATA.sorted_tables:
                    if (await db.execute(select(table).limit(1))).first() is not None:
                        raise StoreError(f"the database {store.where} is not empty: restore into a new one")
                return await _fill(db, file, path)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None


async def _lines(db: AsyncConnection) -> AsyncIterator[str]:
    for table in METADATA.sorted_tables:
        order = list(table.primary_key.columns)
        at = 0
        while rows := (await db.execute(select(table).order_by(*order).limit(ROWS).offset(at))).mappings().all():
            for row in rows:
                values = {name: _written(value) for name, value in row.items()}
                yield json.dumps({"table": table.name, "row": values}, ensure_ascii=False) + "\n"
            at += len(rows)


async def _fill(db: AsyncConnection, lines: Iterable[str], path: Path) -> int:
    waiting, of = list[dict[str, Any]](), ""
    for count, line in enumerate(lines):
        item = _object(line, path)
        if "rows" in item:
            if item["rows"] != count:
                break
            await _insert(db, of, waiting)
            return count
        if item.get("table") != of or len(waiting) >= ROWS:
            await _insert(db, of, waiting)
            waiting, of = [], str(item.get("table"))
        table = METADATA.tables.get(of)
        row = item.get("row")
        if table is None or not isinstance(row, dict) or not set(row) <= set(table.columns.keys()):
            raise StoreError(f"{path} holds what this program does not know")
        waiting.append({name: _read(table, name, value) for name, value in row.items()})
    raise StoreError(f"{path} ends too early: a part of it is missing")


async def _insert(db: AsyncConnection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        await db.execute(insert(METADATA.tables[table]), rows)


def _object(line: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StoreError(f"{path} is no backup of avl-relay, or a part of it is missing")
    return found


def _written(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _read(table: Table, name: str, value: Any) -> Any:
    binary = isinstance(table.columns[name].type, LargeBinary) and isinstance(value, str)
    return base64.b64decode(value) if binary else value
