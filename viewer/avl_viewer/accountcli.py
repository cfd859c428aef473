"""Commands of an account, added to `avl`. What one needs is loaded when it runs."""

from __future__ import annotations

import typer

from avl_viewer.commands.granting import grants, share
from avl_viewer.commands.grouping import groups
from avl_viewer.commands.limiting import policy
from avl_viewer.commands.signing import login, logout
from avl_viewer.commands.visiting import sessions


def register(app: typer.Typer) -> None:
    """Add the commands to `avl`."""
    app.command()(login)
    app.command()(logout)
    app.command()(share)
    app.add_typer(grants, name="grants")
    app.add_typer(groups, name="groups")
    app.add_typer(policy, name="policy")
    app.add_typer(sessions, name="sessions")
