"""Onlooker: who is told what happens at a relay, as it happens: hosts that come and go, sessions that begin and end.

It is told within the router's turn: it notes, and does the rest later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from avl_protocol.wire.registry import CloseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that a host has admitted. `handle` numbers it among all of the relay; `session` is what its ends call
    it; `address` is the viewer's, as it is seen here."""

    handle: int
    device: int
    session: bytes
    address: str


class Onlooker(Protocol):
    """What it is told. Times are those of the router."""

    def host_came(self, device: int, now: float) -> None:
        """A host has registered here."""

    def host_left(self, device: int, now: float) -> None:
        """It is not registered here any more."""

    def session_began(self, begun: Begun, now: float) -> None:
        """A host has admitted a session of a viewer that is here."""

    def session_ended(self, handle: int, code: CloseCode, now: float) -> None:
        """It is over, for this reason."""


class Blind:
    """An onlooker that looks away."""

    def host_came(self, device: int, now: float) -> None:
        """See Onlooker."""

    def host_left(self, device: int, now: float) -> None:
        """See Onlooker."""

    def session_began(self, begun: Begun, now: float) -> None:
        """See Onlooker."""

    def session_ended(self, handle: int, code: CloseCode, now: float) -> None:
        """See Onlooker."""
