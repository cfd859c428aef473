"""Running a command of an account: every failure becomes one line and an exit code; and how results are shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account
    from avl_viewer.account.devices import Device
    from avl_viewer.account.program import Kept

T = TypeVar("T")

#: Exit codes (spec 01-overview, 1.6).
FAILED, USAGE, REFUSED, INTERRUPTED = 1, 2, 3, 130

#: Said where the relay wants a second factor of just now, and nobody is at a terminal to approve the program anew.
STEP_UP = (
    "this needs your second factor, shown in the last 5 minutes: sign in again with avl login RELAY, approve that on "
    "the page, and repeat the command; or do it on the page"
)

StateOption = Annotated[Path | None, typer.Option(help="Folder of this viewer's identity and account.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A device, as 'avl devices' names it.")]
WhereArgument = Annotated[
    str, typer.Argument(metavar="WHERE", help="A device, as 'avl devices' names it, or group:NAME, a group of them.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


def warn(text: str) -> None:
    """Say something beside the result."""
    typer.echo(for_terminal(f"avl: {text}", None), err=True)


def fail(text: str, status: int) -> NoReturn:
    """End with a sentence."""
    warn(text)
    raise typer.Exit(status)


def say(text: str) -> None:
    """A result of one line, which may hold what others chose."""
    typer.echo(for_terminal(text, None))


async def device_called(account: Account, kept: Kept, name: str) -> Device:
    """The device that a person calls so. Raises NoSuchName, ApiError, OSError."""
    from avl_viewer.account.devices import meant

    return meant(name, await devices_of(account, kept))


async def devices_of(account: Account, kept: Kept) -> tuple[Device, ...]:
    """The devices, which are kept here, too. Raises ApiError, OSError."""
    found = await account.devices()
    kept.devices.save(found)
    return found


def with_account(state: Path | None, action: Callable[[Account, Kept, World], Awaitable[T]]) -> T:
    """Run a command's part as who is signed in. It is run again where the relay wants a second factor first."""

    async def act(world: World, kept: Kept) -> T:
        from avl_viewer.account import signin
        from avl_viewer.account.program import account_of
        from avl_viewer.commands.approving import approved, with_a_factor

        async def once() -> T:
            async with account_of(world, kept) as account:
                return await action(account, kept, world)

        async def prove() -> None:
            signed = signin.load(kept.state)
            await approved(world, kept, signed.address, person=signed.person)

        return await with_a_factor(once, prove)

    return run(state, act)


def run(state: Path | None, action: Callable[[World, Kept], Awaitable[T]]) -> T:
    """Run a command's part."""
    import asyncio

    from avl_protocol.endpoint.api.calls import ApiError
    from avl_protocol.endpoint.loop.runtime import run as run_loop
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
        return run_loop(act())
    except Refused as refused:
        fail(str(refused), refused.exit_status)
    except ApiError as error:
        fail(STEP_UP if error.kind == "step-up" else str(error), REFUSED)
    except NotOwner as error:
        fail(str(error), REFUSED)
    except (ValueError, NotSignedIn) as error:
        fail(str(error), USAGE)
    except (StateError, OSError) as error:
        fail(str(error), FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None


def wall() -> float:
    """Unix seconds."""
    from avl_protocol.endpoint.loop.clock import SystemClock

    return SystemClock().wall()


def ago(when: int | None, now: float) -> str:
    """A time as people say it; `when` in Unix seconds."""
    if not when:
        return "never"
    size = abs(when - now)
    for name, seconds in (("d", 86_400), ("h", 3600), ("min", 60)):
        if size >= seconds:
            text = f"{size / seconds:.0f} {name}"
            break
    else:
        text = f"{size:.0f} s"
    return f"in {text}" if when > now else f"{text} ago"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of texts that others chose."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*head, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(Text(for_terminal(cell, 160), no_wrap=True, overflow="ignore") for cell in row))
    Console().print(shown, crop=False, soft_wrap=True)
