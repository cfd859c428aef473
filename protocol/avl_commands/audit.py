"""`audit`: what whoever runs a program asks of its audit log, on the machine that it runs on; also while it runs.

Annotations are read where they stand, not later: which options there are depends on the program.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_protocol.endpoint.program.auditfiles import Wanted

State = Annotated[Optional[Path], typer.Option(help="The program's state folder, as it is given that.")]
Head = Annotated[
    Optional[list[Path]], typer.Option(metavar="FILE", help="A head that was kept elsewhere; may be repeated.")
]
Kind = Annotated[str, typer.Option(help="Only events of this kind.")]
Session = Annotated[str, typer.Option(metavar="ID", help="Only what is about this session.")]
Since = Annotated[Optional[str], typer.Option(metavar="TIME", help="From this day or time on, in UTC.")]
Until = Annotated[Optional[str], typer.Option(metavar="TIME", help="Before this day or time, in UTC.")]
Text = Annotated[str, typer.Option(help="Only what contains this.")]
Limit = Annotated[int, typer.Option(help="So many, the newest.", min=1)]
Form = Annotated[str, typer.Option(help="jsonl, which can be verified, or csv.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A program with a log. `name` as it is called, `folder` as its state is (program/folders.py), `log` as the log is
    called. `many`: it is about people and devices, and not about one device alone."""

    name: str
    folder: str
    log: str
    many: bool

    def place(self, state: Path | None) -> Path:
        """The folder of its state."""
        return state or default_folder(self.folder)

    def told(self, work: Callable[[], str]) -> None:
        """Print what it says; 1 where the answer is no. Raises typer.Exit."""
        from avl_protocol.endpoint.program.auditcommands import AuditError

        try:
            text = work()
        except AuditError as error:
            typer.echo(for_terminal(f"{self.name}: {error}", None, lines=True), err=True)
            raise typer.Exit(1) from None
        if text:
            typer.echo(for_terminal(text, None, lines=True))


def audit_commands(program: Audited) -> typer.Typer:
    """`audit` of a program, but for `compare`, which asks each for something else."""
    about = f"Verify, search and export {program.log}."
    app = typer.Typer(no_args_is_help=True, help=about, rich_markup_mode=None)
    hidden = not program.many
    Person = Annotated[
        str,
        typer.Option(metavar="ID", help="Only what this person did, or what was done to them.", hidden=hidden),
    ]
    Device = Annotated[str, typer.Option(metavar="ID", help="Only what is about this device.", hidden=hidden)]

    @app.callback()
    def group() -> None:
        pass

    group.__doc__ = about

    @app.command()
    def verify(state: State = None, head: Head = None) -> None:
        """Say whether the log is whole; if not, where it was changed."""
        from avl_protocol.endpoint.program import auditcommands

        program.told(lambda: auditcommands.verify(program.place(state), head or ()))

    @app.command()
    def head(state: State = None) -> None:
        """Print the newest signed head: kept elsewhere, it proves later that nothing before it was changed."""
        from avl_protocol.endpoint.program import auditcommands

        program.told(lambda: auditcommands.head(program.place(state)))

    @app.command()
    def search(
        state: State = None,
        kind: Kind = "",
        person: Person = "",
        device: Device = "",
        session: Session = "",
        since: Since = None,
        until: Until = None,
        text: Text = "",
        limit: Limit = 100,
    ) -> None:
        """Show what happened."""
        from avl_protocol.endpoint.program import auditcommands

        def work() -> str:
            wanted = _wanted(kind, person, device, session, since, until, text)
            return "\n".join(auditcommands.found(program.place(state), wanted, limit))

        program.told(work)

    @app.command()
    def export(
        state: State = None,
        kind: Kind = "",
        person: Person = "",
        device: Device = "",
        session: Session = "",
        since: Since = None,
        until: Until = None,
        text: Text = "",
        form: Form = "jsonl",
    ) -> None:
        """Print the log as lines of JSON or as CSV."""
        from avl_protocol.endpoint.program import auditcommands

        if form not in ("jsonl", "csv"):
            typer.echo(for_terminal(f"{program.name}: --form {form}: jsonl or csv"), err=True)
            raise typer.Exit(2)

        def work() -> str:
            wanted = _wanted(kind, person, device, session, since, until, text)
            out, shown = typer.get_binary_stream("stdout"), sys.stdout.isatty()
            for line in auditcommands.export(program.place(state), wanted, form):
                # A program reads it as it is.
                out.write((for_terminal(line, None, lines=True) if shown else line).encode())
            out.flush()
            return ""

        program.told(work)

    return app


def _wanted(
    kind: str, person: str, device: str, session: str, since: str | None, until: str | None, text: str
) -> "Wanted":
    from avl_protocol.endpoint.program.auditcommands import milliseconds
    from avl_protocol.endpoint.program.auditfiles import Wanted

    return Wanted(
        kind=kind,
        person=person,
        device=device.replace("-", "").upper(),
        session=session,
        since_ms=milliseconds(since),
        until_ms=milliseconds(until),
        text=text,
    )
