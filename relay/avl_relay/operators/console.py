"""Console: a relay's process answers on its machine how it stands; and where a relay has several processes, the first
asks the others and answers for all. It also takes what `avl-relay admin` asks of the API (control/locally.py).

Each process has a socket in the state folder, which its user and root can reach (endpoint/program/localcontrol.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.program.localcontrol import ControlError, ask
from avl_protocol.endpoint.program.localserver import Answer
from avl_relay.control.locally import ASK
from avl_relay.operators.standing import Look, Observed, Standing, as_json, from_json, of_this_process, together
from avl_relay.operators.status import figures

#: The name of the running relay's socket in its state folder, for who looks at it from outside.
SOCKET = "control.sock"
#: What is asked: of the relay, and of one of its processes.
STATUS, STANDING = {"ask": "status"}, {"ask": "standing"}
#: Seconds that another process has to answer; one that has just crashed does not.
PATIENCE = 1.0


def socket_of(number: int) -> str:
    """The name of the socket of one of several processes."""
    return f"control-{number}.sock"


def look_at(relay: Observed, others: Sequence[Path] = ()) -> Look:
    """Looks at this process's relay and asks the `others` at their sockets; who does not answer is left out."""

    async def look() -> Standing:
        own = of_this_process(relay)
        if not others:
            return own
        answers = await asyncio.gather(*(asyncio.to_thread(_ask, path) for path in others))
        return together([own, *(answer for answer in answers if answer is not None)])

    return look


def _ask(path: Path) -> Standing | None:
    try:
        return from_json(ask(path, STANDING, PATIENCE))
    except (ControlError, KeyError, TypeError, ValueError):
        return None


class Console:
    """What is answered. `where`: the relay's address as others write it; `api(request)` answers for the API, None:
    there is none."""

    def __init__(self, look: Look, clock: Clock, where: str, api: Answer | None = None) -> None:
        self._look, self._api = look, api
        self._now = clock.monotonic
        self._where = where
        self._since = clock.monotonic()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises ControlError."""
        if request == STATUS:
            uptime = round(self._now() - self._since, 3)
            return {"address": self._where, "uptime": uptime, **figures(await self._look())}
        if request == STANDING:
            return as_json(await self._look())
        if request.get("ask") == ASK:
            if self._api is None:
                raise ControlError("this relay runs without accounts (--no-accounts): it knows no people")
            return await self._api(request)
        raise ControlError("this relay does not know what is asked; is the command of another version?")
