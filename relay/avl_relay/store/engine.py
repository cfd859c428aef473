"""Store: the one database of a relay, opened on demand and never waited for by whoever forwards.

SQLite lies in the state folder, in write-ahead mode: readers and a writer do not wait for each other. PostgreSQL is
named by a URL. What goes wrong is told in sentences (errors.py), whichever of them it is.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from avl_relay.store.errors import Conflict, StoreError, Unavailable
from avl_relay.store.migrating import current, migrate

#: Milliseconds that a writer waits for another; then the store is locked.
BUSY = 2_000
#: Seconds that anything may take with PostgreSQL, and that a connection of the pool is waited for.
PATIENCE = 5.0
#: Connections: SQLite's are threads.
CONNECTIONS = 4
#: What a connection of SQLite is set to: durable against a crash of the program; a crash of the machine may lose the
#: last moment.
PRAGMAS = ("synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY}", "temp_store=MEMORY")

FILE = "relay.db"


def new_id(entropy: Callable[[int], bytes]) -> str:
    """An id that nobody guesses: 16 random bytes as base64url."""
    return base64.urlsafe_b64encode(entropy(16)).rstrip(b"=").decode()


def database_url(database: str | None, state: Path) -> URL:
    """Where the store is: `database` names it (a path, or postgresql://...), by default it lies in the state folder.
    Raises StoreError."""
    if database is None:
        return URL.create("sqlite+aiosqlite", database=str(state / FILE))
    if "://" not in database:
        return URL.create("sqlite+aiosqlite", database=database)
    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        raise StoreError("--database is a file, or postgresql://USER:PASSWORD@HOST/NAME") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    if kind == "postgresql":
        return url.set(drivername="postgresql+asyncpg")
    raise StoreError(f"--database {kind}://...: SQLite and PostgreSQL are known here")


class Store:
    """One database. `open` before anything else; `reading` and `writing` are transactions."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine: AsyncEngine | None = None

    @property
    def where(self) -> str:
        """How messages name it: without its password."""
        return self.url.database or "" if self.is_sqlite else self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours."""
        return self.url.get_backend_name() == "sqlite"

    async def open(self, *, migrates: bool = True) -> str | None:
        """Connect, and migrate where the database is older, or refuse it where not `migrates`; the version it had.
        Raises StoreError."""
        engine = self._made()
        try:
            async with _told(self.where):
                if self.is_sqlite:
                    await _write_ahead(self.where)
                async with engine.connect() as connection:
                    await connection.execution_options(writes=migrates)
                    async with connection.begin():
                        before = await connection.run_sync(migrate if migrates else current, self.where)
            self._engine = engine
        finally:
            if self._engine is not engine:
                await engine.dispose()
        return before

    def _made(self) -> AsyncEngine:
        if self.is_sqlite:
            assert self.url.database
            _private(Path(self.url.database))
            engine = create_async_engine(self.url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=PATIENCE)
            event.listen(engine.sync_engine, "connect", _set_up)
            event.listen(engine.sync_engine, "begin", _begin)
            return engine
        return create_async_engine(
            self.url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,  # who restarts the database need not restart the relay
            connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE},
        )

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, all of it from one moment. Raises StoreError."""
        async with _told(self.where), self._open().connect() as connection:
            async with connection.begin():
                yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes: what it has done counts when it ends without an error. Raises StoreError."""
        async with _told(self.where), self._open().connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    def _open(self) -> AsyncEngine:
        if self._engine is None:
            raise Unavailable(f"the database {self.where} is not open")
        return self._engine

    async def close(self) -> None:
        """Let go of it."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.dispose()


def _private(path: Path) -> None:
    """Make a file that only its owner reads. Raises Unavailable."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(f"the database {path} cannot be written: {error.strerror}") from None


async def _write_ahead(path: str) -> None:
    """Have a file written ahead, which it remembers. Whoever changes that is refused at once while another does, and
    is not made to wait as with anything else: programs that begin together try again. Raises sqlite3.Error."""
    for left in reversed(range(BUSY // 10)):
        try:
            await asyncio.to_thread(_set_write_ahead, path)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not left:
                raise
            await asyncio.sleep(0.01)


def _set_write_ahead(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _set_up(connection: Any, record: object) -> None:
    """Each new connection of SQLite. Transactions are begun by `_begin`: the driver's own leave out tables."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    """A writer says so at once: a reader that becomes one may have to be refused."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.asynccontextmanager
async def _told(where: str) -> AsyncIterator[None]:
    """Errors of the database become ours."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("it is there already, or what it belongs to is gone") from error
    except DBAPIError as error:
        raise Unavailable(f"the database {where} {_what(error.orig)}") from error
    except SQLAlchemyError as error:
        raise Unavailable(f"the database {where} gave no connection: too much is asked of it, or it is gone") from error
    except (TimeoutError, sqlite3.Error, OSError) as error:
        raise Unavailable(f"the database {where} {_what(error)}") from error


#: What drivers say, and what it means.
MEANINGS = {
    "is locked": "is locked by another program; end that one, or try again",
    "is full": "cannot be written: the disk is full",
    "readonly": "cannot be written: it, or its folder, is read-only",
    "not a database": "is no SQLite database, or a damaged one; restore a backup with 'avl-relay db restore'",
    "malformed": "is damaged; restore a backup with 'avl-relay db restore'",
    "unable to open": "cannot be opened: does its folder exist, and may this user write there?",
    "no such table": "lacks tables: it was replaced while the relay runs; restart the relay",
    "relation": "lacks tables: it was replaced while the relay runs; restart the relay",
    "does not exist": "does not exist: make it with 'createdb'",
    "authentication": "refuses this user or password",
    "disk I/O error": "cannot be read or written: its disk reports an error",
}


def _what(error: BaseException | None) -> str:
    text = str(error)
    for said, means in MEANINGS.items():
        if said in text:
            return means
    return f"does not answer: {text.splitlines()[0] if text else type(error).__name__}"
