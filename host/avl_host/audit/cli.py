"""avl-host audit: what whoever runs a host asks of its own log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avl_commands.audit import Audited, State, audit_commands

AUDITED = Audited(name="avl-host", folder="host", log="the host's own log", many=False)
app = audit_commands(AUDITED)


@app.command()
def compare(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="What 'avl-relay audit export' has printed.")],
    state: State = None,
) -> None:
    """Say which sessions are in this log or in a relay's, and not in the other."""
    from avl_protocol.crypto.identity import Identity
    from avl_protocol.endpoint.program import auditcommands

    def work() -> str:
        folder = AUDITED.place(state)
        try:
            device = Identity((folder / "identity.key").read_bytes()).device_id.replace("-", "")
        except (OSError, ValueError) as error:
            raise auditcommands.AuditError(f"the host's identity can't be read: {error}") from None
        return auditcommands.compared(folder, log, device, at_relay=False)

    AUDITED.told(work)
