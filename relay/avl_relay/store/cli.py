"""avl-relay db: the store is backed up, restored and migrated from the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

app = typer.Typer(
    no_args_is_help=True,
    help="Back up, restore and migrate what a relay keeps of people and devices.",
    rich_markup_mode=None,
)

State = Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")]
Database = Annotated[
    Optional[str],
    typer.Option(metavar="FILE|URL", help="As 'serve' was given it; default: as the settings say."),
]


@app.callback()
def group() -> None:
    """Back up, restore and migrate what a relay keeps of people and devices."""


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    state: State = None,
    database: Database = None,
) -> None:
    """Write all of it to a file, also while the relay runs."""

    async def work() -> str:
        from avl_relay.store.backup import write
        from avl_relay.store.engine import Store

        store = Store(_url(state, database, there=True))
        await store.open(migrates=False)
        try:
            return f"{await write(store, file)} rows written to {file}"
        finally:
            await store.close()

    _run(work, None)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What 'backup' has written.")],
    state: State = None,
    database: Database = None,
) -> None:
    """Put what a backup holds into a database that is empty, or not there yet. The relay must not run."""

    async def work() -> str:
        from avl_relay.store.backup import restore
        from avl_relay.store.engine import Store

        store = Store(_url(state, database, there=False))
        await store.open()
        try:
            return f"{await restore(store, file)} rows restored from {file}"
        finally:
            await store.close()

    _run(work, _file(state, database))


@app.command()
def migrate(state: State = None, database: Database = None) -> None:
    """Bring the database to this program's version, as 'serve' does of itself. The relay must not run."""

    async def work() -> str:
        from avl_relay.store.engine import Store
        from avl_relay.store.migrations import HEAD

        store = Store(_url(state, database, there=True))
        before = await store.open()
        await store.close()
        if before == HEAD:
            return f"the database {store.where} is of version {HEAD} already"
        return f"the database {store.where} is of version {HEAD} now"

    _run(work, _file(state, database))


def _url(state: Path | None, database: str | None, *, there: bool) -> URL:
    """The database's URL; `there`: it has to be there already."""
    from avl_relay.store.engine import database_url
    from avl_relay.store.errors import StoreError

    path = _file(state, database)
    if there and path is not None and not path.exists():
        raise StoreError(f"there is no database at {path}; name the relay's folder with --state, or --database")
    return database_url(_named(state, database), state or default_folder("relay"))


def _file(state: Path | None, database: str | None) -> Path | None:
    from avl_relay.control.lock import file_of
    from avl_relay.control.settings import ControlSettings

    return file_of(ControlSettings(state=state or default_folder("relay"), database=_named(state, database)))


def _named(state: Path | None, database: str | None) -> str | None:
    """The database that is named here, or in the relay's settings. Raises typer.Exit."""
    if database is not None:
        return database
    from avl_protocol.endpoint.settings.faults import BadSettings
    from avl_relay.settings.sources import relay_settings

    try:
        return relay_settings(None, state).settings.database
    except BadSettings as error:
        typer.echo(for_terminal(f"avl-relay: {error}", None, lines=True), err=True)
        raise typer.Exit(2) from None


def _run(work: Callable[[], Awaitable[str]], lock: Path | None) -> None:
    """Do it, alone with the store where `lock` is its file; errors become sentences and status 1."""
    import asyncio

    from avl_relay.control.lock import held
    from avl_relay.store.errors import StoreError

    async def whole() -> str:
        return await work()

    try:
        with held(lock):
            told = asyncio.run(whole())
    except (StoreError, OSError) as error:
        typer.echo(for_terminal(f"avl-relay: {error}", None), err=True)
        raise typer.Exit(1) from None
    typer.echo(for_terminal(told, None))
