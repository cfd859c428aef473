"""avl-relay audit: what whoever runs a relay asks of its audit log, from the machine that it runs on; also while it
runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.wire.foreign import for_terminal

app = typer.Typer(no_args_is_help=True, help="Verify, search and export the relay's audit log.", rich_markup_mode=None)

State = Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")]
Kind = Annotated[str, typer.Option(help="Only events of this kind.")]
Person = Annotated[str, typer.Option(metavar="ID", help="Only what this person did, or what was done to them.")]
Device = Annotated[str, typer.Option(metavar="ID", help="Only what is about this device.")]
Session = Annotated[str, typer.Option(metavar="ID", help="Only what is about this session.")]
Since = Annotated[Optional[str], typer.Option(metavar="TIME", help="From this day or time on, in UTC.")]
Until = Annotated[Optional[str], typer.Option(metavar="TIME", help="Before this day or time, in UTC.")]
Text = Annotated[str, typer.Option(help="Only what contains this.")]


@app.callback()
def group() -> None:
    """Verify, search and export the relay's audit log."""


@app.command()
def verify(
    state: State = None,
    head: Annotated[
        Optional[list[Path]], typer.Option(metavar="FILE", help="A head that was kept elsewhere; may be repeated.")
    ] = None,
) -> None:
    """Say whether the log is whole; if not, where it was changed."""
    from avl_protocol.endpoint.program import auditcommands

    _told(lambda: auditcommands.verify(_folder(state), head or ()))


@app.command()
def head(state: State = None) -> None:
    """Print the newest signed head: kept elsewhere, it proves later that nothing before it was changed."""
    from avl_protocol.endpoint.program import auditcommands

    _told(lambda: auditcommands.head(_folder(state)))


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
    limit: Annotated[int, typer.Option(help="So many, the newest.", min=1)] = 100,
) -> None:
    """Show what happened."""
    from avl_protocol.endpoint.program import auditcommands

    def work() -> str:
        wanted = _wanted(kind, person, device, session, since, until, text)
        return "\n".join(auditcommands.found(_folder(state), wanted, limit))

    _told(work)


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
    form: Annotated[str, typer.Option(help="jsonl, which can be verified, or csv.")] = "jsonl",
) -> None:
    """Print the log as lines of JSON or as CSV."""
    from avl_protocol.endpoint.program import auditcommands

    if form not in ("jsonl", "csv"):
        typer.echo(for_terminal(f"avl-relay: --form {form}: jsonl or csv"), err=True)
        raise typer.Exit(2)

    def work() -> str:
        wanted = _wanted(kind, person, device, session, since, until, text)
        out, shown = typer.get_binary_stream("stdout"), sys.stdout.isatty()
        for line in auditcommands.export(_folder(state), wanted, form):
            out.write((for_terminal(line, None, lines=True) if shown else line).encode())  # a program reads it as it is
        out.flush()
        return ""

    _told(work)


@app.command()
def compare(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="What 'avl-host audit export' has printed.")],
    device: Annotated[str, typer.Option(metavar="ID", help="The host's device ID.")],
    state: State = None,
) -> None:
    """Say which sessions are in this log or in a host's, and not in the other."""
    from avl_protocol.endpoint.program import auditcommands

    _told(lambda: auditcommands.compared(_folder(state), log, device.replace("-", "").upper(), at_relay=True))


def _folder(state: Path | None) -> Path:
    return state or default_folder("relay")


def _wanted(kind: str, person: str, device: str, session: str, since: str | None, until: str | None, text: str) -> Any:
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


def _told(work: Callable[[], str]) -> None:
    """Print what it says; 1 where the answer is no."""
    from avl_protocol.endpoint.program.auditcommands import AuditError

    try:
        text = work()
    except AuditError as error:
        typer.echo(for_terminal(f"avl-relay: {error}", None, lines=True), err=True)
        raise typer.Exit(1) from None
    if text:
        typer.echo(for_terminal(text, None, lines=True))
