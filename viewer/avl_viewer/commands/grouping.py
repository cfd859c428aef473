"""Groups: of one's devices, which the owner's key signs and hosts believe, and of people, which the relay keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avl_viewer.commands.granting import people_called
from avl_viewer.commands.running import JsonOption, StateOption, devices_of, say, table, warn, with_account

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_viewer.account.account import Account, Group
    from avl_viewer.account.program import Kept

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name.")]
MembersArgument = Annotated[list[str], typer.Argument(metavar="NAME...", help="Devices, or with --people people.")]
PeopleOption = Annotated[bool, typer.Option("--people", help="A group of people: for who administers the relay.")]

groups = typer.Typer(
    add_completion=False, help="Groups of devices and of people; 'groups add', 'groups remove', 'groups delete'."
)


@groups.callback(invoke_without_command=True)
def list_groups(context: typer.Context, state: StateOption = None, as_json: JsonOption = False) -> None:
    """The groups, and who is in them."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return

    async def listed(account: Account, kept: Kept, world: World) -> list[dict[str, Any]]:
        names = {one.number: one.name for one in await devices_of(account, kept)}
        names |= {one.id: one.name or one.login for one in await account.people()}
        return [
            {
                "name": one.name,
                "kind": one.kind,
                "members": [names[each] for each in one.members if each in names],
                "others": sum(each not in names for each in one.members),
            }
            for one in await account.groups()
        ]

    rows = with_account(state, listed)
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        table(("Group", "Of", "In it"), [(one["name"], one["kind"], _inside(one)) for one in rows])
    else:
        warn("no group yet: avl groups add GROUP DEVICE makes one")


@groups.command("add")
def add(
    context: typer.Context,
    group: GroupArgument,
    members: MembersArgument,
    people: PeopleOption = False,
    state: StateOption = None,
) -> None:
    """Put devices of yours in a group, or people with --people. A group that is not there is made."""

    async def put(account: Account, kept: Kept, world: World) -> None:
        if not people:
            await _regroup(account, kept, world, group, members, True)
            return
        from avl_protocol.rights.jws import encode

        found = [one for name in members for one in await people_called(account, name)]
        known = await _of_people(account, group) or await account.add_group(group, encode(world.entropy(16)))
        for one in found:
            await account.join(known.id, one.id)

    with_account(state or context.obj, put)
    say(f"in {group}: {', '.join(members)}")


@groups.command("remove")
def remove(
    context: typer.Context,
    group: GroupArgument,
    members: MembersArgument,
    people: PeopleOption = False,
    state: StateOption = None,
) -> None:
    """Take devices, or people with --people, out of a group. What people were permitted stays: take it back apart."""

    async def take(account: Account, kept: Kept, world: World) -> None:
        if not people:
            await _regroup(account, kept, world, group, members, False)
            return
        known = await _of_people(account, group)
        if known is None:
            raise ValueError(f"no group of people is called {group!r}: 'avl groups' lists them")
        for one in [one for name in members for one in await people_called(account, name)]:
            await account.leave(known.id, one.id)

    with_account(state or context.obj, take)
    say(f"not in {group} any more: {', '.join(members)}")


@groups.command("delete")
def delete(
    context: typer.Context, group: GroupArgument, people: PeopleOption = False, state: StateOption = None
) -> None:
    """Take all devices of yours out of a group; with --people there is no such group of people any more."""

    async def gone(account: Account, kept: Kept, world: World) -> None:
        if people:
            known = await _of_people(account, group)
            if known is None:
                raise ValueError(f"no group of people is called {group!r}: 'avl groups' lists them")
            await account.remove_group(known.id)
            return
        from avl_protocol.rights.jws import thumbprint
        from avl_viewer.account.owning import key_of

        own = thumbprint(key_of(kept).public)
        mine = [one for one in await devices_of(account, kept) if one.owner == own and group in one.groups]
        if not mine:
            raise ValueError(f"no device of yours is in a group called {group!r}: 'avl groups' lists them")
        await _regroup(account, kept, world, group, [one.id for one in mine], False)

    with_account(state or context.obj, gone)
    say(f"{group} is gone")


def _inside(row: dict[str, Any]) -> str:
    others = f"{row['others']} that you don't see" if row["others"] else ""
    return ", ".join([*row["members"], *([others] if others else [])]) or "nothing"


async def _of_people(account: Account, name: str) -> Group | None:
    return next((one for one in await account.groups() if one.kind == "people" and one.name == name), None)


async def _regroup(account: Account, kept: Kept, world: World, group: str, members: list[str], inside: bool) -> None:
    """Put devices in a group, or take them out. All are found before any is changed."""
    from avl_viewer.account.deciding import regroup
    from avl_viewer.account.devices import meant
    from avl_viewer.account.owning import owner_of
    from avl_viewer.account.terms import checked_group

    checked_group(group)
    known = await devices_of(account, kept)
    found = [meant(name, known) for name in members]
    for one in found:
        owner_of(kept, one)

    def change(now: tuple[str, ...]) -> tuple[str, ...]:
        others = tuple(name for name in now if name != group)
        return tuple(sorted((*others, group))) if inside else others

    for one in found:
        if not await regroup(account, kept, world, one, change) and not inside:
            warn(f"{one.name} is in no group called {group}")
