"""Access: who may register at a relay and who may attach, a question whose answer may come later (spec 04-session,
4.3).

The relay asks and goes on; a database or another service may take its time. `OpenAccess` is the relay of everybody, and
answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from avl_protocol.rate.limits import Allowance
from avl_protocol.wire.registry import CloseCode


@dataclass(frozen=True, slots=True)
class MayRegister:
    """May a host, which has proved that it is `device`, register from this address? `id` is that of this question."""

    id: int
    device: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MayAttach:
    """May somebody at this address ask for a device? `moves`: with a session that says it runs already; `access_pass`:
    of an account at this relay, and of which visit, b"" where none was shown."""

    id: int
    device: int
    session: bytes
    address: str
    moves: bool
    access_pass: bytes = b""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `refused`: the code that the connection is closed with; None: it may. `forwards`: bytes a second
    that are forwarded of this device, or to this session; None: as the relay's limits say."""

    refused: CloseCode | None = None
    forwards: Allowance | None = None


ALLOWED = Decision()


class Access(Protocol):
    """Who decides."""

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        """The decision, or None: it is told later, with the relay's `decided(question, decision)`."""

    def forget(self, question: MayRegister | MayAttach) -> None:
        """Nobody waits for the answer any more: who was asked about is gone, or it took too long."""


class OpenAccess:
    """Everybody may, at once."""

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        """See Access."""
        return ALLOWED

    def forget(self, question: MayRegister | MayAttach) -> None:
        """See Access."""
