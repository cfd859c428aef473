"""Signing in and out, and the devices of who is signed in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal
from avl_viewer.commands.running import (
    FAILED,
    USAGE,
    StateOption,
    ago,
    devices_of,
    fail,
    run,
    table,
    wall,
    warn,
    with_account,
)

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account
    from avl_viewer.account.devices import Device
    from avl_viewer.account.program import Kept


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
        fail("say where: avl login HOST:PORT?pin=FP, as the relay prints it", USAGE)
    try:
        address = None if relay is None else parse_relay(relay)
    except ValueError as error:
        fail(str(error), USAGE)

    async def sign_in(world: World, kept: Kept) -> str:
        from avl_viewer.account.signin import load
        from avl_viewer.commands.approving import approved

        if address is None:
            return load(kept.state).login
        return (await approved(world, kept, address, name or "")).login

    who = run(state, sign_in)
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

    with_account(state, bring)
    typer.echo("this program has your key now: it opens your devices as their owner")


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
            warn(f"the relay was not told ({error}); end this sign-in at its page, too")

    try:
        run(state, leave)
    finally:
        try:
            program.forget(StateFolder(state or default_folder("viewer")))
        except (StateError, NotSignedIn) as error:
            fail(str(error), FAILED)
    typer.echo("signed out")


def own_devices(state: Path | None, as_json: bool) -> None:
    """List the devices of the account."""

    async def listed(account: Account, kept: Kept, world: World) -> tuple[Device, ...]:
        return await devices_of(account, kept)

    found = with_account(state, listed)
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(one) for one in found]))
    elif found:
        now = wall()
        rows = [
            (
                one.name,
                "online" if one.online else f"seen {ago(one.seen, now)}",
                one.system,
                ", ".join(one.groups),
                ", ".join(one.labels),
                one.id,
            )
            for one in found
        ]
        table(("Name", "There", "System", "Groups", "Labels", "Device ID"), rows)
    else:
        warn("no device yet: on a machine to be seen, run avl-host enroll RELAY")
