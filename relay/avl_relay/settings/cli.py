"""avl-relay config: what is wrong with the settings, what holds and where it came from, and a file to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.settings.load import Loaded
    from avl_relay.settings.model import Configuration

FAILED, USAGE = 1, 2

app = typer.Typer(no_args_is_help=True, help="Settings: check them, show them, begin a file.", rich_markup_mode=None)

File = Annotated[Optional[Path], typer.Option("--config", metavar="FILE", help="The file, as 'serve' was given it.")]
State = Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")]


@app.callback()
def group() -> None:
    """Settings: check them, show them, begin a file."""


@app.command()
def check(config: File = None, state: State = None) -> None:
    """Name every fault of file and environment, with its place; flags of 'serve' are not looked at."""
    loaded = _load(config, state)
    typer.echo(for_terminal(f"{loaded.file or 'environment and defaults'}: no faults", None))


@app.command()
def show(
    config: File = None,
    state: State = None,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON array, with reasons.")] = False,
) -> None:
    """Say what holds, and where each value came from. Of secrets nothing is shown."""
    from avl_protocol.endpoint.settings.report import as_json as plain
    from avl_protocol.endpoint.settings.report import shown

    loaded = _load(config, state)
    typer.echo(json.dumps(plain(loaded)) if as_json else for_terminal(shown(loaded), None, lines=True))


@app.command()
def init(config: File = None, state: State = None) -> None:
    """Write a file that explains every setting and sets none."""
    from avl_protocol.endpoint.program.state import StateError
    from avl_protocol.endpoint.settings.report import begin
    from avl_relay.settings.model import Configuration

    path = config or (state or default_folder("relay")) / "avl-relay.toml"
    try:
        begin(Configuration, path)
    except StateError as error:
        typer.echo(for_terminal(f"avl-relay: {error}", None), err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(for_terminal(str(path), None))


def _load(config: Path | None, state: Path | None) -> Loaded[Configuration]:
    """The settings, with what is to be noted said on the way; faults end the command."""
    from avl_protocol.endpoint.settings.faults import BadSettings
    from avl_relay.settings.sources import relay_settings

    try:
        loaded = relay_settings(config, state)
    except BadSettings as error:
        typer.echo(for_terminal(str(error), None, lines=True), err=True)
        raise typer.Exit(USAGE) from None
    for note in loaded.notes:
        typer.echo(for_terminal(f"note: {note}", None), err=True)
    return loaded
