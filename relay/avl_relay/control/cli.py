"""avl-relay admin: what whoever runs a relay does about its people and devices, from the machine that it runs on.

A client of the relay's API, which the running relay answers over the socket in its state folder: who reaches that needs
no password (locally.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.api.calls import Api

app = typer.Typer(
    no_args_is_help=True,
    help="Look after the people and devices of a running relay, from its own machine.",
    rich_markup_mode=None,
)

State = Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")]
Login = Annotated[str, typer.Argument(help="What they sign in with.")]
#: What a person's row says.
COLUMNS = ("login", "name", "role", "state")


class Nothing(Exception):
    """What was asked for is not there; the text says what."""


@app.callback()
def group() -> None:
    """Look after the people and devices of a running relay, from its own machine."""


@app.command()
def people(state: State = None) -> None:
    """Who there is."""

    async def work(api: Api) -> str:
        rows: list[tuple[str, ...]] = [(*COLUMNS, "factors")]
        async for one in api.each("/people", {"limit": "100"}):
            rows.append((*(str(one[name]) for name in COLUMNS), ", ".join(map(str, one["factors"])) or "none"))
        return _table(rows)

    _run(work, state)


def _table(rows: list[tuple[str, ...]]) -> str:
    """Rows as columns, the first of them their heads."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


@app.command()
def invite(
    login: Login,
    name: Annotated[Optional[str], typer.Option(help="How others see them; default: the login.")] = None,
    role: Annotated[str, typer.Option(help="member, admin or owner.")] = "member",
    state: State = None,
) -> None:
    """Invite somebody: print the address where they set a password, within seven days."""

    async def work(api: Api) -> str:
        from avl_protocol.endpoint.api.calls import ApiError

        try:
            made = await api.call("POST", "/people", {"login": login, "name": name or login, "role": role})
        except ApiError as error:
            if error.kind == "conflict":
                raise Nothing(f"{login} is there already") from None
            raise
        return f"{login} is invited, for seven days. Let them open {made['url']}"

    _run(work, state)


@app.command(name="reset-mfa")
def reset_mfa(login: Login, state: State = None) -> None:
    """Forget somebody's second factors, and sign them out: who has lost them all sets up new ones."""

    async def work(api: Api) -> str:
        person = await _person(api, login)
        await api.call("DELETE", f"/people/{person['id']}/factors")
        return f"{person['login']} has no second factor any more, and is signed out"

    _run(work, state)


@app.command()
def disable(login: Login, state: State = None) -> None:
    """Shut somebody out of the relay, and sign them out, until they are enabled again."""
    _run(lambda api: _turned(api, login, "disabled"), state)


@app.command()
def enable(login: Login, state: State = None) -> None:
    """Let somebody in again who was disabled."""
    _run(lambda api: _turned(api, login, "active"), state)


async def _turned(api: Api, login: str, state: str) -> str:
    person = await _person(api, login)
    await api.call("PATCH", f"/people/{person['id']}", {"state": state})
    if state == "active":
        return f"{person['login']} may sign in again"
    return (
        f"{person['login']} is signed out, and can't sign in. What hosts were told by signature goes on until its "
        "owner takes it back: see 'avl grants'"
    )


@app.command()
def devices(state: State = None) -> None:
    """Which hosts were enrolled here."""

    async def work(api: Api) -> str:
        rows: list[tuple[str, ...]] = [("name", "state", "there", "device ID")]
        async for one in api.each("/devices", {"limit": "100"}):
            rows.append((str(one["name"]), str(one["state"]), "online" if one["online"] else "", str(one["id"])))
        return _table(rows)

    _run(work, state)


@app.command()
def permissions(
    person: Annotated[Optional[str], typer.Option(help="Only people who are called like this.")] = None,
    device: Annotated[Optional[str], typer.Option(help="Only devices that are called like this.")] = None,
    state: State = None,
) -> None:
    """Who may what where, by what owners have signed, and by which rules; a host may allow less."""

    async def work(api: Api) -> str:
        asked = {"limit": "100", "columns": "50", **({"person": person} if person else {})}
        asked |= {"device": device} if device else {}
        rows: list[tuple[str, ...]] = [("person", "device", "may", "by")]
        across: dict[str, str] = {}
        more = True
        while more:
            after: dict[str, str] = {}
            while True:
                told = await api.call("GET", "/matrix", query={**asked, **across, **after})
                rows += _permitted(told)
                if not told["next"]:
                    break
                after = {"after": told["next"]}
            more, across = bool(told["next_column"]), {"across": told["next_column"]}
        if len(rows) == 1:
            raise Nothing("nobody may anything there, as far as this relay knows")
        return _table(rows)

    _run(work, state)


def _permitted(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line for each cell of the matrix that gives anything."""
    rows: list[tuple[str, ...]] = []
    for row in told["items"]:
        for column, cell in zip(told["columns"], row["cells"], strict=True):
            rules = [told["rules"][name] for name in cell["rules"]]
            by = ", ".join(" ".join(filter(None, (one["kind"], _group(one["audience"])))) for one in rules)
            if rules:
                rows.append((str(row["name"]), str(column["name"]), _may(int(cell["every"])), by))
    return rows


def _group(audience: str) -> str:
    return audience if audience.startswith("group:") else ""


def _may(permissions: int) -> str:
    """The role that these are, or each of them."""
    from avl_protocol.wire.registry import PRESETS, Permission

    roles = {int(bits): name.lower() for name, bits in PRESETS.items() if name != "CODE"}
    each = [str(one.name).lower().replace("_", "-") for one in Permission if one & permissions]
    return roles.get(permissions) or ",".join(each) or "nothing"


@app.command(name="revoke-device")
def revoke_device(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its name, or its device ID.")], state: State = None
) -> None:
    """Send a host away: its sessions end, and it may not register here again."""

    async def work(api: Api) -> str:
        found = await _device(api, device)
        if found["state"] != "active":
            raise Nothing(f"{found['name']} was revoked before")
        await api.call("DELETE", f"/devices/{found['number']}")
        return f"{found['name']} ({found['id']}) is revoked: it may not register here"

    _run(work, state)


async def _device(api: Api, called: str) -> dict[str, Any]:
    number = called.strip().replace("-", "").upper()
    found = []
    async for one in api.each("/devices", {"limit": "100"}):
        if one["number"] == number:
            return one
        if one["name"].casefold() == called.strip().casefold():
            found.append(one)
    if len(found) > 1:
        raise Nothing(f"more than one is called {called}: write the device ID, see 'avl-relay admin devices'")
    if not found:
        raise Nothing(f"no device is called {called}: 'avl-relay admin devices' lists them")
    return found[0]


@app.command(name="setup-code")
def setup_code(state: State = None) -> None:
    """A new setup code, in place of the one that the relay's first start has printed."""

    async def work(api: Api) -> str:
        from avl_protocol.endpoint.api.calls import ApiError

        try:
            made = await api.call("POST", "/setup-code")
        except ApiError as error:
            if error.kind != "conflict":
                raise
            return "somebody is here already: sign in, or invite others with 'avl-relay admin invite'"
        return f"become the relay's owner at {made['url']}"

    _run(work, state)


async def _person(api: Api, login: str) -> dict[str, Any]:
    async for one in api.each("/people", {"limit": "100"}):
        if one["login"] == login.lower():
            return one
    raise Nothing(f"nobody signs in as {login}")


def _run(work: Callable[[Api], Awaitable[str]], state: Path | None) -> None:
    """Say what came of it; errors become sentences and status 1."""
    import asyncio

    from avl_protocol.endpoint.api.calls import Api, ApiError
    from avl_protocol.endpoint.program.localcontrol import ControlError, NobodyThere
    from avl_relay.control.locally import LocalHttp
    from avl_relay.operators.console import SOCKET

    folder = state or default_folder("relay")

    async def whole() -> str:
        return await work(Api(LocalHttp(folder / SOCKET)))

    try:
        told = asyncio.run(whole())
    except NobodyThere:
        raise _failed(
            f"no relay runs with the state folder {folder}: start it with 'avl-relay serve --state {folder}', or name "
            "that of yours with --state"
        ) from None
    except (Nothing, ApiError, ControlError, OSError) as error:
        raise _failed(str(error)) from None
    typer.echo(for_terminal(told, None, lines=True))


def _failed(text: str) -> typer.Exit:
    typer.echo(for_terminal(f"avl-relay: {text}", None), err=True)
    return typer.Exit(1)
