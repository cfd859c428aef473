"""Policies: what all sessions at a device, or at a group's devices, may at most, whatever was permitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avl_viewer.commands.running import (
    USAGE,
    JsonOption,
    StateOption,
    WhereArgument,
    devices_of,
    fail,
    say,
    table,
    warn,
    with_account,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from avl_protocol.endpoint.loop.world import World
    from avl_protocol.rights.statements import Policy
    from avl_viewer.account.account import Account
    from avl_viewer.account.program import Kept

#: What takes a limit away.
ANY = "any"

policy = typer.Typer(add_completion=False, help="What all sessions at your devices may at most; 'policy set'.")


@policy.callback(invoke_without_command=True)
def list_policies(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """The policies that you have signed."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        from avl_viewer.account import words
        from avl_viewer.account.owning import key_of

        names = {one.number: one.name for one in await devices_of(account, kept)}
        found = (await account.policies(key_of(kept).public)).values()
        return [
            {
                "where": _where(one.audience, names),
                "limits": words.decided(one),
                "groups": None if one.groups is None else list(one.groups),
            }
            for one in found
        ]

    rows = with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        table(("Where", "Limits"), [(one["where"], "; ".join(one["limits"]) or "none") for one in rows])
    else:
        warn("no policy yet: what was permitted is what holds")


@policy.command("set")
def set_policy(
    context: typer.Context,
    where: WhereArgument,
    role: Annotated[
        str | None,
        typer.Option("--at-most", help="Most: viewer, assistant, operator, admin, or any."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Nor these single permissions, with commas.")
    ] = None,
    session: Annotated[str | None, typer.Option("--session", help="A session lasts: 30m, 2h, or any.")] = None,
    ask: Annotated[
        str | None, typer.Option("--ask", help="Somebody at the desktop is asked: always, first or never.")
    ] = None,
    browser: Annotated[
        bool | None, typer.Option("--browser/--no-browser", help="Whether pages in browsers may be viewers.")
    ] = None,
    stale: Annotated[
        str | None,
        typer.Option("--stale", help="How old the host's list of what was taken back may be: 6h, or any (a day)."),
    ] = None,
    state: StateOption = None,
) -> None:
    """Limit all sessions, yours too, from now on, also those that run. What is not said stays as it is."""
    change = _change(role, without, session=session, ask=ask, browser=browser, stale=stale)

    async def decide(account: Account, kept: Kept, world: World) -> list[str]:
        from avl_viewer.account import deciding, owning, words

        place = owning.place_of(where, await devices_of(account, kept), kept)
        return words.decided(await deciding.decide(account, kept, world, place, change))

    limits = with_account(state or context.obj, decide)
    say(f"at {where}: {'; '.join(limits) or 'no limit beside what was permitted'}")


def _where(audience: str, names: dict[str, str]) -> str:
    kind, _, name = audience.partition(":")
    return names.get(name, name) if kind == "device" else f"group {name}"


def _change(
    role: str | None,
    without: list[str] | None,
    *,
    session: str | None,
    ask: str | None,
    browser: bool | None,
    stale: str | None,
) -> Callable[[Policy], Policy]:
    """What becomes of a policy."""
    from dataclasses import replace

    from avl_protocol.rights.effective import OWNER, Consent
    from avl_viewer.account.terms import named, permissions_of, seconds_of

    changes: dict[str, Any] = {}
    try:
        if role is not None:
            changes["permissions"] = OWNER if role == ANY else permissions_of(role, ())
        taken = named(without or ())
        if session is not None:
            changes["longest"] = None if session == ANY else seconds_of(session)
        if ask is not None:
            if ask not in {one.value for one in Consent}:
                raise ValueError(f"--ask is always, first or never, not {ask!r}")
            changes["consent"] = Consent(ask)
        if browser is not None:
            changes["browser"] = browser
        if stale is not None:
            changes["staleness"] = None if stale == ANY else seconds_of(stale)
    except ValueError as error:
        fail(str(error), USAGE)
    if not changes and not taken:
        fail("say what to limit: --at-most, --without, --session, --ask, --no-browser or --stale", USAGE)

    def change(last: Policy) -> Policy:
        following = replace(last, **changes)
        return replace(following, permissions=following.permissions & OWNER & ~taken)

    return change
