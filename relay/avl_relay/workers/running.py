"""Running: a relay of several workers from its start to its end, around what each of them does."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.program.state import StateFolder, write_ready
from avl_relay.config import RelaySettings
from avl_relay.operators.notify import READY, STOPPING, notify
from avl_relay.relay import reset_key
from avl_relay.workers.ports import bind
from avl_relay.workers.supervisor import Supervisor
from avl_relay.workers.worker import SECRET_BYTES, Worker


def supervise(
    settings: RelaySettings,
    workers: int,
    *,
    live: Callable[[Worker, socket.socket], int],
    started: Callable[[str, str, str], None],
    again: Callable[[], bool],
    warn: Callable[[str], None],
) -> int:
    """Run so many workers until a signal ends them; the exit status. `live(worker, lifeline)` is the life of one, in a
    process of its own. `started(quic, pin, page)` is called once all can be reached; `again()` reads settings anew, and
    says whether the workers are to do so; `warn` is for a person. Raises OSError, StateError."""
    clock = SystemClock()
    state = StateFolder(settings.state)  # what all of them read is made before there are several
    state.identity(entropy)
    reset_key(state, entropy)
    secret, begun = entropy(SECRET_BYTES), clock.wall()

    def ready(told: dict[str, Any]) -> None:
        page = told.pop("page")
        write_ready(settings.ready_file, told)
        started(told["quic"], told["pin"], page)
        notify(READY, f"STATUS=at {told['quic']}, {workers} workers")

    with tempfile.TemporaryDirectory(prefix="avl-relay-") as folder:
        made = [
            Worker(
                number=number,
                of=workers,
                secret=secret,
                begun=begun,
                folder=Path(folder),
                udp=udp,
                twin=twin,
                page=page,
            )
            for number, (udp, twin, page) in enumerate(bind(settings.listen, settings.http, workers, warn))
        ]
        supervisor = Supervisor(
            made,
            run=live,
            ready=ready,
            ending=lambda: notify(STOPPING, "STATUS=draining"),
            tell=warn,
            now=clock.monotonic,
            again=again,
        )
        try:
            return supervisor.serve()
        finally:
            for worker in made:
                for port in worker.ports:
                    port.close()
