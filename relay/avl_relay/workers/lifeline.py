"""Lifeline: a worker's end of the socket to its supervisor (supervisor.py)."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping


def hold(lifeline: socket.socket, reached_at: Mapping[str, str], end: asyncio.Event) -> None:
    """Say where this worker can be reached, and set `end` when the supervisor closes its side, or is no more."""
    loop = asyncio.get_running_loop()

    def closed() -> None:
        loop.remove_reader(lifeline)
        end.set()

    lifeline.sendall(json.dumps(dict(reached_at)).encode() + b"\n")
    loop.add_reader(lifeline, closed)  # it says nothing: what can be read is its end
