"""`config`: what is wrong with a program's settings, what holds and where it came from, and a file to begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.settings.load import Loaded
    from avl_protocol.endpoint.settings.model import ProgramSettings

S = TypeVar("S", bound="ProgramSettings")

FAILED, USAGE = 1, 2
ABOUT = "Settings: check them, show them, begin a file."

File = Annotated[Optional[Path], typer.Option("--config", metavar="FILE", help="The file, as the program is given it.")]
State = Annotated[Optional[Path], typer.Option(help="The program's state folder, as it is given that.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A program. `name` as it is called, `folder` as its state is (program/folders.py). `load(file, state)` reads its
    settings and raises BadSettings; `model` is what describes them. Both are asked when a command runs."""

    name: str
    folder: str
    load: Callable[[Path | None, Path | None], Loaded[Any]]
    model: Callable[[], type[ProgramSettings]]


def settings_commands(program: Configured) -> typer.Typer:
    """`config` of a program."""
    app = typer.Typer(no_args_is_help=True, help=ABOUT, rich_markup_mode=None)

    @app.callback()
    def group() -> None:
        pass

    group.__doc__ = ABOUT

    @app.command()
    def check(config: File = None, state: State = None) -> None:
        """Name every fault of file and environment, with its place; flags are not looked at."""
        loaded = _asked(program, config, state)
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

        loaded = _asked(program, config, state)
        typer.echo(json.dumps(plain(loaded)) if as_json else for_terminal(shown(loaded), None, lines=True))

    @app.command()
    def init(config: File = None, state: State = None) -> None:
        """Write a file that explains every setting and sets none."""
        from avl_protocol.endpoint.program.state import StateError
        from avl_protocol.endpoint.settings.report import begin

        path = config or (state or default_folder(program.folder)) / f"{program.name}.toml"
        try:
            begin(program.model(), path)
        except StateError as error:
            typer.echo(for_terminal(f"{program.name}: {error}", None), err=True)
            raise typer.Exit(FAILED) from None
        typer.echo(for_terminal(str(path), None))

    return app


def _asked(program: Configured, config: Path | None, state: Path | None) -> Loaded[Any]:
    return loaded(lambda: program.load(config, state), lambda text: typer.echo(for_terminal(text, None), err=True))


def loaded(load: Callable[[], Loaded[S]], warn: Callable[[str], None]) -> Loaded[S]:
    """The settings, with what is to be noted said on the way; faults are told, each by itself, and end the command.
    Raises typer.Exit."""
    from avl_protocol.endpoint.settings.faults import BadSettings

    try:
        found = load()
    except BadSettings as error:
        for fault in error.faults:
            warn(str(fault))
        raise typer.Exit(USAGE) from None
    for note in found.notes:
        warn(note)
    return found
