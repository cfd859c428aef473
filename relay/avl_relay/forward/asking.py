"""Asking: the questions of a relay that have no answer yet, each with who waits for it and until when.

A question leaves the table once: by its answer, because it took too long, or because nobody waits any more. What comes
afterwards finds nothing here, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from avl_protocol.rate.limits import Allowance
from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.serverevents import Registering
from avl_protocol.wire.messages import Attach
from avl_relay.access import MayAttach, MayRegister
from avl_relay.directory import WhereIs

Key = TypeVar("Key")
Question = MayRegister | MayAttach | WhereIs


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, whom it is about, what that neighbour wants, when it is too late, and how much may be
    forwarded to it."""

    question: Question
    peer: HopServer
    wish: Registering | Attach
    until: float
    forwards: Allowance | None = None


class Asking:
    """All open questions of a relay."""

    def __init__(self) -> None:
        self._asked: dict[int, Asked] = {}
        self._of_peer: dict[HopServer, set[int]] = {}
        self._registrations: dict[int, set[int]] = {}
        self._deadlines: Deadlines[int] = Deadlines()
        self._last = 0

    def __len__(self) -> int:
        return len(self._asked)

    def number(self) -> int:
        """The id of the next question: later ones have higher ones."""
        self._last += 1
        return self._last

    def add(self, asked: Asked) -> None:
        """Wait for an answer."""
        number = asked.question.id
        self._asked[number] = asked
        self._of_peer.setdefault(asked.peer, set()).add(number)
        if isinstance(asked.wish, Registering):
            self._registrations.setdefault(asked.wish.device, set()).add(number)
        self._deadlines.set(number, asked.until)

    def answered(self, question: Question) -> Asked | None:
        """Who waits for this answer; None where nobody does."""
        found = self._asked.get(question.id)
        if found is None or found.question != question:
            return None
        del self._asked[question.id]
        self._deadlines.drop(question.id)
        _discard(self._of_peer, found.peer, question.id)
        if isinstance(found.wish, Registering):
            _discard(self._registrations, found.wish.device, question.id)
        return found

    def peer(self, question: Question) -> HopServer | None:
        """Whom an open question is about."""
        found = self._asked.get(question.id)
        return None if found is None else found.peer

    def waiting(self, peer: HopServer) -> int:
        """Questions that a neighbour waits for."""
        return len(self._of_peer.get(peer, ()))

    def about(self, peer: HopServer) -> list[Asked]:
        """The questions about a neighbour."""
        return [self._asked[number] for number in sorted(self._of_peer.get(peer, ()))]

    def registrations(self, device: int, before: int) -> list[Asked]:
        """Registrations of a device that wait and were asked about before the question of this number."""
        return [self._asked[number] for number in sorted(self._registrations.get(device, ())) if number < before]

    def next_timeout(self) -> float | None:
        """When the earliest question takes too long."""
        return self._deadlines.next_timeout()

    def expired(self, now: float) -> list[Asked]:
        """Questions that have taken too long by now; they are still to be taken with `answered`."""
        return [self._asked[number] for number, _ in self._deadlines.expired(now)]


def _discard(table: dict[Key, set[int]], key: Key, number: int) -> None:
    numbers = table.get(key, set())
    numbers.discard(number)
    if not numbers:
        table.pop(key, None)
