"""Way: where a desktop is, and what opens it: a code, which a person types, or statements and a pass of an account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from avl_protocol.wire.target import Target

if TYPE_CHECKING:
    from avl_protocol.endpoint.loop.world import World

#: What a target begins with; anything else is a name.
SCHEME = "avl:"


class NoWay(ValueError):
    """A name leads nowhere; the text says what to do. `exit_status`: the command's exit code."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.exit_status = exit_status


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a desktop. `chain`: statements that the host is shown; `access_pass`: what a relay that asks for
    accounts is shown, good for one visit; `name`: what its people call it, "" where that is not known; `again`: asks
    anew what opens it, where that may be something else by now (raises NoWay, Refused, StateError, OSError)."""

    target: Target
    chain: tuple[str, ...] = ()
    access_pass: bytes = b""
    name: str = ""
    again: Callable[[World], Awaitable[Way]] | None = field(default=None, compare=False)


def is_name(text: str) -> bool:
    """Whether this is the name of a device, and no target."""
    return not text.strip().lower().startswith(SCHEME)
