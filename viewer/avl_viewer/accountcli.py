"""Commands of an account: login, logout, devices, share, grants and sessions. What one needs is loaded when it runs."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account
    from avl_viewer.account.devices import Device
    from avl_viewer.account.login import Asked
    from avl_viewer.account.program import Kept

T = TypeVar("T")

#: Exit codes (spec 01-overview, 1.6).
FAILED, USAGE, REFUSED, INTERRUPTED = 1, 2, 3, 130

StateOption = Annotated[Path | None, typer.Option(help="Folder of this viewer's identity and account.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A device, as 'avl devices' names it.")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, assistant, operator or admin.")]
ForOption = Annotated[str, typer.Option("--for", help="How long: 30m, 12h, 7d, 2w.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]

grants = typer.Typer(add_completion=False, help="Who may what at your devices; 'grants give', 'grants take-back'.")
sessions = typer.Typer(add_completion=False, help="Who is at your devices; 'sessions end' sends somebody away.")


def register(app: typer.Typer) -> None:
    """Add the commands to `avl`."""
    app.command()(login)
    app.command()(logout)
    app.command()(share)
    app.add_typer(grants, name="grants")
    app.add_typer(sessions, name="sessions")


def login(
    relay: Annotated[
        str | None, typer.Argument(metavar="[RELAY]", help="HOST:PORT[?pin=FP], as the relay prints it.")
    ] = None,
    key: Annotated[
        bool, typer.Option("--key", help="Bring your key here, with its recovery key: this program acts as its owner.")
    ] = False,
    state: StateOption = None,
    name: Annotated[str | None, typer.Option(help="How this program is called at the relay.")] = None,
) -> None:
    """Sign in to a relay: approve the code that is shown, in a browser where you are signed in."""
    from avl_protocol.wire.target import parse_relay

    if relay is None and not key:
        _fail("say where: avl login HOST:PORT?pin=FP, as the relay prints it", USAGE)
    try:
        address = None if relay is None else parse_relay(relay)
    except ValueError as error:
        _fail(str(error), USAGE)

    async def sign_in(world: World, kept: Kept) -> str:
        import asyncio

        from avl_viewer.account.login import login as begin
        from avl_viewer.account.signin import load

        if address is None:
            return load(kept.state).login
        signed = await begin(
            world,
            kept,
            address,
            name=name or platform.node(),
            software=f"avl on {platform.python_implementation()} {platform.python_version()}",
            tell=_show_code,
            sleep=asyncio.sleep,
        )
        return signed.login

    who = _run(state, sign_in)
    typer.echo(for_terminal(f"signed in as {who}"))
    if key:
        _bring_key(state)


def _bring_key(state: Path | None) -> None:
    if not sys.stdin.isatty():
        recovery = sys.stdin.readline().strip()
    else:
        recovery = typer.prompt("Recovery key", hide_input=True, err=True)

    async def bring(account: Account, kept: Kept, world: World) -> None:
        from avl_viewer.account.login import bring_key

        await bring_key(account, kept, recovery)

    _with_account(state, bring)
    typer.echo("this program has your key now: it opens your devices as their owner")


def _show_code(asked: Asked) -> None:
    """What a person has to do."""
    from avl_protocol.endpoint.program.qrcode import drawn

    typer.echo(
        for_terminal(f"Open this address where you are signed in, or scan it:\n\n  {asked.url}\n", None, lines=True)
    )
    typer.echo(for_terminal(drawn(asked.url), None, lines=True))
    typer.echo(for_terminal(f"  code: {asked.code}"))
    sys.stdout.flush()


def logout(state: StateOption = None) -> None:
    """Sign out, and forget the account here: its devices, permissions and key."""
    from avl_protocol.endpoint.api.calls import ApiError
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_protocol.wire.errors import Refused
    from avl_viewer.account import program
    from avl_viewer.account.signin import NotSignedIn

    async def leave(world: World, kept: Kept) -> None:
        try:
            async with program.account_of(world, kept) as account:
                await account.sign_out()
        except (ApiError, Refused, OSError) as error:
            _warn(f"the relay was not told ({error}); end this sign-in at its page, too")

    try:
        _run(state, leave)
    finally:
        try:
            program.forget(StateFolder(state or default_folder("viewer")))
        except (StateError, NotSignedIn) as error:
            _fail(str(error), FAILED)
    typer.echo("signed out")


def own_devices(state: Path | None, as_json: bool) -> None:
    """List the devices of the account."""

    async def listed(account: Account, kept: Kept, world: World) -> tuple[Device, ...]:
        found = await account.devices()
        kept.devices.save(found)
        return found

    found = _with_account(state, listed)
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(one) for one in found]))
    elif found:
        wall = _wall()
        rows = [
            (
                one.name,
                "online" if one.online else f"seen {_ago(one.seen, wall)}",
                one.system,
                ", ".join(one.labels),
                one.id,
            )
            for one in found
        ]
        _table(("Name", "There", "System", "Labels", "Device ID"), rows)
    else:
        _warn("no device yet: on a machine to be seen, run avl-host enroll RELAY")


def share(
    name: NameArgument,
    role: RoleOption = "viewer",
    span: ForOption = "1d",
    uses: Annotated[int | None, typer.Option(help="Sessions that the link is good for.", min=1)] = None,
    state: StateOption = None,
) -> None:
    """Print a link that opens one desktop for whoever has it."""
    terms = _terms(role, span, uses=uses)

    async def make(account: Account, kept: Kept, world: World) -> str:
        from avl_viewer.account import owning, signin

        page = signin.load(kept.state).page
        if not page:
            raise ValueError("this relay has no page for the link to lead to")
        device = await _device(account, kept, name)
        return await owning.share(account, kept, world, device, terms, page)

    typer.echo(for_terminal(_with_account(state, make), None))


@grants.callback(invoke_without_command=True)
def list_grants(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """What you have permitted, and what was permitted to you."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        from avl_viewer.account.owning import described

        people = {one.id: one.name or one.login for one in await account.people()}
        devices = {one.number: one.name for one in await account.devices()}
        return [described(one, people, devices) for one in await account.grants() if one.revoked is None]

    rows = _with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        wall = _wall()
        shown = [
            (one["who"], one["role"], one["where"], f"ends {_ago(one['expires'], wall)}", one["id"]) for one in rows
        ]
        _table(("Who", "What", "Where", "Until", "Grant"), shown)
    else:
        _warn("nobody else may do anything at your devices")


@grants.command("give")
def give_grant(
    context: typer.Context,
    name: NameArgument,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whom, by the name they sign in with.")],
    role: RoleOption = "operator",
    span: ForOption = "4w",
    ask: Annotated[bool, typer.Option("--ask", help="Somebody at the desktop is asked each time.")] = False,
    state: StateOption = None,
) -> None:
    """Permit somebody something at a device of yours."""
    terms = _terms(role, span, ask=ask)

    async def give(account: Account, kept: Kept, world: World) -> None:
        from avl_viewer.account import owning

        people = [one for one in await account.people() if person in (one.login, one.name)]
        if len(people) != 1:
            known = ", ".join(one.login for one in await account.people())
            raise ValueError(f"{'nobody' if not people else 'more than one'} is called {person!r}; there are: {known}")
        device = await _device(account, kept, name)
        await owning.give(account, kept, world, device, people[0], terms)

    _with_account(state or context.obj, give)
    typer.echo(for_terminal(f"{person} may now, as {role}"))


@grants.command("take-back")
def take_back(
    context: typer.Context,
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="As 'avl grants' names it.")],
    state: StateOption = None,
) -> None:
    """Take a permission back; sessions that stand on it end."""

    async def take(account: Account, kept: Kept, world: World) -> None:
        from avl_viewer.account import owning

        await owning.take_back(account, kept, world, grant)

    _with_account(state or context.obj, take)
    typer.echo("taken back")


@sessions.callback(invoke_without_command=True)
def list_sessions(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Who is at devices that you may see."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        from dataclasses import asdict

        return [asdict(one) for one in await account.sessions()]

    rows = _with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        wall = _wall()
        _table(
            ("Device", "From", "Since", "Session"),
            [(one["name"], one["address"], _ago(one["begun"], wall), one["id"]) for one in rows],
        )
    else:
        _warn("nobody is at your devices")


@sessions.command("end")
def end_session(
    context: typer.Context,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="As 'avl sessions' names it.")],
    state: StateOption = None,
) -> None:
    """Send somebody away."""

    async def end(account: Account, kept: Kept, world: World) -> None:
        await account.end_session(session)

    _with_account(state or context.obj, end)
    typer.echo("ended")


# ---- inside


def _warn(text: str) -> None:
    typer.echo(for_terminal(f"avl: {text}", None), err=True)


def _fail(text: str, status: int) -> NoReturn:
    _warn(text)
    raise typer.Exit(status)


def _terms(role: str, span: str, *, uses: int | None = None, ask: bool = False) -> Any:
    from avl_viewer.account.owning import ROLES, Terms, seconds_of

    if role not in ROLES:
        _fail(f"{role!r} is no role: {', '.join(ROLES)}", USAGE)
    try:
        return Terms(role=role, seconds=seconds_of(span), uses=uses, ask=ask)
    except ValueError as error:
        _fail(str(error), USAGE)


async def _device(account: Account, kept: Kept, name: str) -> Device:
    from avl_viewer.account.devices import meant

    found = await account.devices()
    kept.devices.save(found)
    return meant(name, found)


def _with_account(state: Path | None, action: Callable[[Account, Kept, World], Awaitable[T]]) -> T:
    async def act(world: World, kept: Kept) -> T:
        from avl_viewer.account.program import account_of

        async with account_of(world, kept) as account:
            return await action(account, kept, world)

    return _run(state, act)


def _run(state: Path | None, action: Callable[[World, Kept], Awaitable[T]]) -> T:
    """Run a command's part; every failure becomes one line and an exit code."""
    import asyncio

    from avl_protocol.endpoint.api.calls import ApiError
    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.endpoint.loop.world import system_world
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_protocol.wire.errors import Refused
    from avl_viewer.account.owning import NotOwner
    from avl_viewer.account.program import kept_in
    from avl_viewer.account.signin import NotSignedIn

    async def act() -> T:
        world = system_world()
        kept = kept_in(StateFolder(state or default_folder("viewer")), world)
        return await action(world, kept)

    try:
        return run(act())
    except Refused as refused:
        _fail(str(refused), refused.exit_status)
    except (ApiError, NotOwner) as error:
        _fail(str(error), REFUSED)
    except (ValueError, NotSignedIn) as error:
        _fail(str(error), USAGE)
    except (StateError, OSError) as error:
        _fail(str(error), FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None


def _wall() -> float:
    from avl_protocol.endpoint.loop.clock import SystemClock

    return SystemClock().wall()


def _ago(when: int | None, wall: float) -> str:
    """A time as people say it; `when` in Unix seconds."""
    if not when:
        return "never"
    size = abs(when - wall)
    for name, seconds in (("d", 86_400), ("h", 3600), ("min", 60)):
        if size >= seconds:
            text = f"{size / seconds:.0f} {name}"
            break
    else:
        text = f"{size:.0f} s"
    return f"in {text}" if when > wall else f"{text} ago"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of texts that others chose."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(for_terminal(cell, 80), no_wrap=True, overflow="ignore") for cell in row))
    Console().print(table, crop=False, soft_wrap=True)
