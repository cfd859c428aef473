"""Permitting: share links, grants to people and groups of them with all their limits, and taking them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avl_viewer.commands.running import (
    USAGE,
    JsonOption,
    NameArgument,
    StateOption,
    WhereArgument,
    ago,
    device_called,
    devices_of,
    fail,
    say,
    table,
    wall,
    warn,
    with_account,
)

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account, Person
    from avl_viewer.account.program import Kept
    from avl_viewer.account.terms import Terms

RoleOption = Annotated[str | None, typer.Option("--role", help="viewer, assistant, operator or admin.")]
PermitOption = Annotated[
    list[str] | None,
    typer.Option("--permit", help="Single permissions, with commas: beside --role, or these alone. 'none' lists them."),
]
ForOption = Annotated[str | None, typer.Option("--for", help="How long: 30m, 12h, 7d, 2w.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Until when: 2030-01-31, or 2030-01-31T18:00.")]
HoursOption = Annotated[
    list[str] | None,
    typer.Option("--hours", help="At these times only: 'mon-fri 9:00-17:00', 'daily 22:00-2:00'; may be repeated."),
]
ZoneOption = Annotated[str | None, typer.Option("--zone", help="Where the hours are: Europe/Berlin.")]
SessionOption = Annotated[str | None, typer.Option("--session", help="How long one session lasts: 30m, 2h.")]
UsesOption = Annotated[int | None, typer.Option("--uses", help="How many sessions.", min=1, max=1_000_000)]
AskOption = Annotated[bool, typer.Option("--ask", help="Somebody at the desktop is asked each time.")]
AskFirstOption = Annotated[bool, typer.Option("--ask-first", help="Somebody at the desktop is asked the first time.")]

grants = typer.Typer(add_completion=False, help="Who may what at your devices; 'grants add', 'grants take-back'.")


def share(
    name: NameArgument,
    role: RoleOption = None,
    permit: PermitOption = None,
    span: ForOption = None,
    until: UntilOption = None,
    hours: HoursOption = None,
    zone: ZoneOption = None,
    session: SessionOption = None,
    uses: UsesOption = None,
    ask: AskOption = False,
    ask_first: AskFirstOption = False,
    state: StateOption = None,
) -> None:
    """Print a link that opens one desktop for whoever has it: to see it, unless more is said."""
    terms = _terms(
        _given(role, permit, "viewer"),
        _ends(span, until, "1d"),
        hours=hours,
        zone=zone,
        session=session,
        uses=uses,
        ask=ask,
        ask_first=ask_first,
    )

    async def make(account: Account, kept: Kept, world: World) -> str:
        from avl_viewer.account import owning, signin

        page = signin.load(kept.state).page
        if not page:
            raise ValueError("this relay has no page for the link to lead to")
        device = await device_called(account, kept, name)
        return await owning.share(account, kept, world, device, terms, page)

    say(with_account(state, make))


@grants.callback(invoke_without_command=True)
def list_grants(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """What you have permitted, and what was permitted to you."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        from avl_viewer.account.owning import described

        people = {one.id: one.name or one.login for one in await account.people()}
        devices = {one.number: one.name for one in await devices_of(account, kept)}
        return [described(one, people, devices) for one in await account.grants() if one.revoked is None]

    rows = with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        now = wall()
        shown = [
            (
                one["who"],
                one["role"],
                one["where"],
                "; ".join(one["limits"]),
                f"ends {ago(one['expires'], now)}" if one["expires"] > now else f"ended {ago(one['expires'], now)}",
                one["id"],
            )
            for one in rows
        ]
        table(("Who", "What", "Where", "Limits", "Until", "Grant"), shown)
    else:
        warn("nobody else may do anything at your devices")


@grants.command("add")
@grants.command("give", hidden=True)
def add_grant(
    context: typer.Context,
    where: WhereArgument,
    whom: Annotated[
        str, typer.Argument(metavar="WHOM", help="A person, by the name they sign in with, or group:NAME, all in it.")
    ],
    role: RoleOption = None,
    permit: PermitOption = None,
    delegate: Annotated[bool, typer.Option("--delegate", help="They may hand it on, or part of it.")] = False,
    span: ForOption = None,
    until: UntilOption = None,
    hours: HoursOption = None,
    zone: ZoneOption = None,
    session: SessionOption = None,
    uses: UsesOption = None,
    ask: AskOption = False,
    ask_first: AskFirstOption = False,
    state: StateOption = None,
) -> None:
    """Permit somebody something at a device of yours, or at a group of them: as an operator, unless something else is
    said. A group of people is everybody who is in it now."""
    terms = _terms(
        _given(role, [*(permit or ()), *(("delegate",) if delegate else ())], "operator", delegate),
        _ends(span, until, "4w"),
        hours=hours,
        zone=zone,
        session=session,
        uses=uses,
        ask=ask,
        ask_first=ask_first,
    )

    async def give(account: Account, kept: Kept, world: World) -> list[Person]:
        from avl_viewer.account import owning

        place = owning.place_of(where, await devices_of(account, kept), kept)
        able = await people_called(account, whom)
        for person in able:
            await owning.give(account, kept, world, place, person, terms)
        return able

    from avl_viewer.account import words

    for person in with_account(state or context.obj, give):
        say(f"{person.login or person.name} may now: {words.permitted(terms.permissions)}, at {where}")


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

    with_account(state or context.obj, take)
    typer.echo("taken back")


async def people_called(account: Account, whom: str) -> list[Person]:
    """One person, or those of a group who have a key. Raises ValueError, ApiError, OSError."""
    from avl_viewer.account.owning import GROUP

    people = await account.people()
    if not whom.startswith(GROUP):
        found = [one for one in people if whom in (one.login, one.name)]
        if len(found) != 1:
            known = ", ".join(one.login or one.name for one in people)
            raise ValueError(f"{'nobody' if not found else 'more than one'} is called {whom!r}; there are: {known}")
        return found
    groups = [one for one in await account.groups() if one.kind == "people"]
    group = next((one for one in groups if one.name == whom.removeprefix(GROUP)), None)
    if group is None:
        known = ", ".join(one.name for one in groups) or "none yet"
        raise ValueError(f"no group of people is called {whom.removeprefix(GROUP)!r}; there are: {known}")
    me = (await account.me()).id
    inside = [one for one in people if one.id in group.members and one.id != me]
    for one in inside:
        if one.key is None:
            warn(f"{one.login or one.name} has made no key yet, and is left out")
    able = [one for one in inside if one.key is not None]
    if not able:
        raise ValueError(f"nobody else with a key is in the group {group.name}")
    return able


def _given(role: str | None, permit: list[str] | None, default: str, only_more: bool = False) -> tuple[Any, str]:
    """Permissions, and what they are called. `only_more`: what is named is beside the default role."""
    from avl_viewer.account.terms import NAMES, ROLES, permissions_of

    names = permit or []
    if names == ["none"]:
        fail(f"permissions are: {', '.join(NAMES)}", USAGE)
    if only_more and role is None and names == ["delegate"]:
        role = default
    try:
        permissions = permissions_of(role, names, default=default)
    except ValueError as error:
        fail(str(error), USAGE)
    return permissions, next((name.capitalize() for name, preset in ROLES.items() if preset == permissions), "")


def _ends(span: str | None, until: str | None, default: str) -> int:
    from avl_viewer.account.terms import expiry_of

    try:
        return expiry_of(span, until, wall(), default)
    except ValueError as error:
        fail(str(error), USAGE)


def _terms(
    given: tuple[Any, str],
    expires: int,
    *,
    hours: list[str] | None,
    zone: str | None,
    session: str | None,
    uses: int | None,
    ask: bool,
    ask_first: bool,
) -> Terms:
    from avl_protocol.rights.effective import Consent
    from avl_viewer.account.terms import Terms, hours_of, seconds_of

    try:
        return Terms(
            permissions=given[0],
            role=given[1],
            expires=expires,
            hours=hours_of(hours or (), zone),
            longest=None if session is None else seconds_of(session),
            uses=uses,
            consent=Consent.ALWAYS if ask else Consent.FIRST if ask_first else Consent.NEVER,
        )
    except ValueError as error:
        fail(str(error), USAGE)
