"""avl-relay audit: what whoever runs a relay asks of its audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avl_commands.audit import Audited, State, audit_commands

AUDITED = Audited(name="avl-relay", folder="relay", log="the relay's audit log", many=True)
app = audit_commands(AUDITED)


@app.command()
def compare(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="What 'avl-host audit export' has printed.")],
    device: Annotated[str, typer.Option(metavar="ID", help="The host's device ID.")],
    state: State = None,
) -> None:
    """Say which sessions are in this log or in a host's, and not in the other."""
    from avl_protocol.endpoint.program import auditcommands

    number = device.replace("-", "").upper()
    AUDITED.told(lambda: auditcommands.compared(AUDITED.place(state), log, number, at_relay=True))
