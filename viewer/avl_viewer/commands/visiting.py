"""Sessions that run at devices of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avl_viewer.commands.running import JsonOption, StateOption, ago, table, wall, warn, with_account

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account
    from avl_viewer.account.program import Kept

sessions = typer.Typer(add_completion=False, help="Who is at your devices; 'sessions end' sends somebody away.")


@sessions.callback(invoke_without_command=True)
def list_sessions(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Who is at devices that you may see."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        from dataclasses import asdict

        return [asdict(one) for one in await account.sessions()]

    rows = with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        now = wall()
        table(
            ("Device", "Who", "From", "Since", "Session"),
            [
                (one["name"], one["who"] or "unverified", one["address"], ago(one["begun"], now), one["id"])
                for one in rows
            ],
        )
    else:
        warn("nobody is at your devices")


@sessions.command("end")
def end_session(
    context: typer.Context,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="As 'avl sessions' names it.")],
    state: StateOption = None,
) -> None:
    """Send somebody away."""

    async def end(account: Account, kept: Kept, world: World) -> None:
        await account.end_session(session)

    with_account(state or context.obj, end)
    typer.echo("ended")
