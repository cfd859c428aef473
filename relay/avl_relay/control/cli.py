"""avl-relay admin: what whoever runs a relay does about its people, from the machine that it runs on.

It works on the store itself, also while the relay runs: who may read the state folder needs no password. Everything
else the API does, and its clients.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from avl_relay.store.people import Somebody

app = typer.Typer(
    no_args_is_help=True,
    help="Look after the people of a relay, from its own machine.",
    rich_markup_mode=None,
)

State = Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")]
Database = Annotated[
    Optional[str], typer.Option(metavar="FILE|URL", help="As 'serve' was given it; by default in the state folder.")
]
Login = Annotated[str, typer.Argument(help="What they sign in with.")]


@app.callback()
def group() -> None:
    """Look after the people of a relay, from its own machine."""


@app.command()
def people(state: State = None, database: Database = None) -> None:
    """Who there is."""

    async def work(db: AsyncConnection) -> str:
        from avl_relay.store.people import People

        found = await People(db).some(None, 10_000)
        rows = [("login", "name", "role", "state", "factors")]
        rows += [(one.login, one.name, one.role, one.state, ", ".join(one.factors) or "none") for one in found]
        widths = [max(len(row[at]) for row in rows) for at in range(5)]
        lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    _run(work, state, database)


@app.command()
def invite(
    login: Login,
    name: Annotated[Optional[str], typer.Option(help="How others see them; default: the login.")] = None,
    role: Annotated[str, typer.Option(help="member, admin or owner.")] = "member",
    state: State = None,
    database: Database = None,
) -> None:
    """Invite somebody: print what lets them set a password, within seven days."""

    async def work(db: AsyncConnection) -> str:
        from avl_protocol.endpoint.loop.clock import SystemClock, entropy
        from avl_protocol.rights.jws import encode
        from avl_relay.api.identity import Role
        from avl_relay.api.people import INVITATION, LOGIN
        from avl_relay.api.problems import Problem
        from avl_relay.store.cleaning import clean
        from avl_relay.store.engine import new_id
        from avl_relay.store.errors import StoreError
        from avl_relay.store.hashes import hashed
        from avl_relay.store.people import People
        from avl_relay.store.tables import people as people_table

        now, secret = int(SystemClock().wall()), encode(entropy(32))
        try:
            LOGIN.read(login, "the login")
            given = Role(role)
            if await People(db).some(people_table.c.login == login.lower(), 1):
                raise StoreError(f"{login} is there already")
            await People(db).invite(
                id=new_id(entropy),
                login=login.lower(),
                name=clean(name or login) or login,
                role=given.value,
                hash=hashed(secret),
                now=now,
                expires=now + INVITATION,
            )
        except (Problem, ValueError) as error:
            raise StoreError(str(error)) from None
        return f"{login} is invited, for seven days. On the relay's page, below /account/#invite={secret}"

    _run(work, state, database)


@app.command(name="reset-mfa")
def reset_mfa(login: Login, state: State = None, database: Database = None) -> None:
    """Forget somebody's second factors, and sign them out: who has lost them all sets up new ones."""

    async def work(db: AsyncConnection) -> str:
        from avl_relay.store.people import People

        person = await _person(db, login)
        await People(db).forget_factors(person.id)
        await People(db).sign_out(person.id)
        return f"{person.login} has no second factor any more, and is signed out"

    _run(work, state, database)


@app.command(name="setup-code")
def setup_code(state: State = None, database: Database = None) -> None:
    """A new setup code, in place of the one that the relay's first start has printed."""

    async def work() -> str:
        from avl_protocol.endpoint.loop.world import system_world
        from avl_relay.control.building import Machinery
        from avl_relay.control.settings import ControlSettings
        from avl_relay.live import Live

        world = system_world()

        async def opened() -> None:
            return

        machinery = Machinery(
            ControlSettings(state=state or default_folder("relay"), database=database),
            world,
            live=Live(wall=world.clock.wall),
            place=_Nowhere(),
            report=lambda error: None,
            opened=opened,
        )
        try:
            words = await machinery.first_words("")
        finally:
            await machinery.close()
        if words is None:
            return "somebody is here already: sign in, or invite others with 'avl-relay admin invite'"
        return f"on the relay's page, below /{words.split()[-1]}"

    _told(work, state, database)


class _Nowhere:
    """A relay that does not run."""

    quic, pin = "", ""


async def _person(db: AsyncConnection, login: str) -> Somebody:
    from avl_relay.store.errors import StoreError
    from avl_relay.store.people import People
    from avl_relay.store.tables import people

    found = await People(db).some(people.c.login == login.lower(), 1)
    if not found:
        raise StoreError(f"nobody signs in as {login}")
    return found[0]


def _run(work: Callable[[AsyncConnection], Awaitable[str]], state: Path | None, database: str | None) -> None:
    """Do it within one transaction of the store."""

    async def whole() -> str:
        from avl_relay.store.engine import Store, database_url

        store = Store(database_url(database, state or default_folder("relay")))
        await store.open(migrates=False)
        try:
            async with store.writing() as db:
                return await work(db)
        finally:
            await store.close()

    _told(whole, state, database)


def _told(work: Callable[[], Awaitable[str]], state: Path | None, database: str | None) -> None:
    """Say what came of it; errors become sentences and status 1."""
    import asyncio

    from avl_protocol.endpoint.program.state import StateError
    from avl_relay.control.lock import file_of
    from avl_relay.control.settings import ControlSettings
    from avl_relay.store.errors import StoreError

    async def whole() -> str:
        path = file_of(ControlSettings(state=state or default_folder("relay"), database=database))
        if path is not None and not path.exists():
            raise StoreError(f"there is no database at {path}; name the relay's folder with --state, or --database")
        return await work()

    try:
        told = asyncio.run(whole())
    except (StoreError, StateError, OSError) as error:
        typer.echo(for_terminal(f"avl-relay: {error}", None), err=True)
        raise typer.Exit(1) from None
    typer.echo(for_terminal(told, None, lines=True))
