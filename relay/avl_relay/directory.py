"""Directory: where a device is, a question whose answer may come later (spec 04-session, 4.3).

`LocalDirectory` knows the devices of this relay alone, and answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WhereIs:
    """Where is a device? `id` is that of this question."""

    id: int
    device: int


class Place(Enum):
    """The answers."""

    HERE = "it is registered at this relay"
    NOWHERE = "it is not, or nobody ever heard of it; nobody is told which"


class Directory(Protocol):
    """Who knows."""

    def find(self, question: WhereIs, now: float) -> Place | None:
        """The place, or None: it is told later, with the relay's `located(question, place)`."""

    def forget(self, question: WhereIs) -> None:
        """Nobody waits for the answer any more."""

    def elsewhere(self, device: int) -> bool:
        """Whether a device is known to be registered, though not at this process of the relay."""

    def arrived(self, device: int, now: float) -> None:
        """A device has registered at this relay."""

    def left(self, device: int, now: float) -> None:
        """A device is not registered at this relay any more."""


class LocalDirectory:
    """What is registered here."""

    def __init__(self) -> None:
        self._devices: set[int] = set()

    def find(self, question: WhereIs, now: float) -> Place | None:
        """See Directory."""
        return Place.HERE if question.device in self._devices else Place.NOWHERE

    def forget(self, question: WhereIs) -> None:
        """See Directory."""

    def elsewhere(self, device: int) -> bool:
        """See Directory."""
        return False

    def arrived(self, device: int, now: float) -> None:
        """See Directory."""
        self._devices.add(device)

    def left(self, device: int, now: float) -> None:
        """See Directory."""
        self._devices.discard(device)
