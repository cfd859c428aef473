"""Health: how a running relay stands, for who administers it from elsewhere: what `avl-relay status` says, with the
reasons of what was dropped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from avl_relay.operators.console import look_at, socket_of
from avl_relay.operators.standing import Observed
from avl_relay.operators.status import figures


def health_of(
    relay: Callable[[], Observed], *, folder: Path, number: int, of: int, monotonic: Callable[[], float]
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What tells it, at any of `of` processes of a relay: this is `number`, and asks the others at their sockets in the
    state folder. `relay()` is the one of this process; `uptime` counts from now."""
    began = monotonic()
    others = [folder / socket_of(other) for other in range(of) if other != number]

    async def told() -> dict[str, Any]:
        standing = await look_at(relay(), others)()
        drops = {name: count for name, count in standing.whole.total("dropped so far").items() if count}
        uptime = round(monotonic() - began, 3)
        return {**figures(standing), "drops": dict(sorted(drops.items())), "uptime": uptime, "expected": of}

    return told
