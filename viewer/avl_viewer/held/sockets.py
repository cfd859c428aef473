"""Held sessions: `avl connect` keeps one, and the commands that follow act in it instead of coming in anew.

Whoever holds a session (holder.py) listens at a socket in the state folder. A command finds it by its target, hands its
arguments over, and the holder runs the same command in its own process (entry.py asks). Nothing here loads more than
that needs.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from avl_protocol.wire.device_id import from_text

if TYPE_CHECKING:
    from avl_viewer.api import Desktop

T = TypeVar("T")

#: File of the devices of an account.
DEVICES = "devices.json"
#: Commands that act in a session.
ACTIONS = ("screenshot", "type", "press", "click", "move", "drag", "scroll", "clipboard", "stats")


class Held(Protocol):
    """A session that goes on when the command is done."""

    def act(self, action: Callable[[Desktop], Awaitable[T]]) -> T:
        """Act on its desktop, from the command's thread. Raises the errors of the action, and KeyboardInterrupt if
        its caller interrupted the command."""


_current: contextvars.ContextVar[Held | None] = contextvars.ContextVar("held session", default=None)


def current() -> Held | None:
    """The session that the command running here acts in; None: it has to come in by itself."""
    return _current.get()


@contextlib.contextmanager
def within(session: Held) -> Iterator[None]:
    """Commands act in this session while the block lasts."""
    token = _current.set(session)
    try:
        yield
    finally:
        _current.reset(token)


def device_called(folder: Path, name: str) -> int | None:
    """The number of the device that is called so, as far as the state folder knows (account/devices.py): read here with
    next to nothing loaded. None for nobody, and for several."""
    try:
        rows = json.loads((folder / DEVICES).read_bytes())
        found = {row["number"] for row in rows if name.strip().casefold() in (row["name"].casefold(), row["number"])}
        return from_text(found.pop()) if len(found) == 1 else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def socket_of(folder: Path, device: int) -> Path:
    """Where the holder of a session with a device listens, in a state folder."""
    return folder / "held" / f"{device:x}.sock"
