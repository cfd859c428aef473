"""Approving: a person approves this program in a browser, when it signs in and when the relay wants to see their second
factor in the middle of a command: the page that approves asks for it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World
    from avl_protocol.wire.target import RelayAddress
    from avl_viewer.account.login import Asked
    from avl_viewer.account.program import Kept
    from avl_viewer.account.signin import SignIn

T = TypeVar("T")


async def approved(world: World, kept: Kept, address: RelayAddress, name: str = "", person: str = "") -> SignIn:
    """Sign in by a code that is shown here. `name`: how this program is called there; `person`: the one who has to
    approve it, "" for anybody. Raises as `account.login.login` does."""
    import asyncio

    from avl_viewer.account.login import login

    return await login(
        world,
        kept,
        address,
        name=name or platform.node(),
        software=f"avl on {platform.python_implementation()} {platform.python_version()}",
        tell=_show_code,
        sleep=asyncio.sleep,
        person=person,
    )


async def with_a_factor(action: Callable[[], Awaitable[T]], prove: Callable[[], Awaitable[object]]) -> T:
    """Do something; where the relay wants a second factor of just now, and somebody is there to show one, have it shown
    and do it again. Raises as `action` and `prove` do."""
    from avl_protocol.endpoint.api.calls import ApiError

    try:
        return await action()
    except ApiError as error:
        if error.kind != "step-up" or not sys.stdin.isatty():
            raise
    typer.echo("avl: this needs your second factor: the page asks for it, and the command goes on.", err=True)
    await prove()
    return await action()


def _show_code(asked: Asked) -> None:
    """What a person has to do."""
    from avl_protocol.endpoint.program.qrcode import drawn

    typer.echo(
        for_terminal(f"Open this address where you are signed in, or scan it:\n\n  {asked.url}\n", None, lines=True)
    )
    typer.echo(for_terminal(drawn(asked.url), None, lines=True))
    typer.echo(for_terminal(f"  code: {asked.code}"))
    sys.stdout.flush()
