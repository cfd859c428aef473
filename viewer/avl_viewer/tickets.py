"""The resume ticket that a host gave this viewer, in a file so that it outlives a restart (spec 06-security, 6.2.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.wire import device_id, packing
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

#: The consequence of a file that can't be written.
_COSTS = "if this viewer is started again it needs the code"


class Tickets(Protocol):
    """Where the ticket of one device is kept."""

    def save(self, ticket: bytes, seconds: int) -> None:
        """The host gave us a ticket that it honours for so long after a loss."""

    def keep(self) -> None:
        """The session goes on: its ticket counts from now."""

    def take(self) -> bytes:
        """The ticket, if it may still be good; it is forgotten here, since it works once."""

    def forget(self) -> None:
        """The session has ended on purpose."""


class TicketMemory:
    """Keeps it for as long as the program runs."""

    def __init__(self) -> None:
        self._ticket = b""

    def save(self, ticket: bytes, seconds: int) -> None:
        """See Tickets. How long it is good is the host's to say, while we live."""
        self._ticket = ticket

    def keep(self) -> None:
        """See Tickets."""

    def take(self) -> bytes:
        """See Tickets."""
        ticket, self._ticket = self._ticket, b""
        return ticket

    def forget(self) -> None:
        """See Tickets."""
        self._ticket = b""


class TicketFile:
    """A file of the viewer's state folder for each device."""

    def __init__(self, state: StateFolder, device: int, wall: Callable[[], float]) -> None:
        self._state = state
        self._name = f"ticket-{device_id.to_text(device)}"
        self._wall = wall
        #: The ticket of a session that goes on, where the file can't be written.
        self._unwritten: bytes | None = None

    @property
    def waiting(self) -> bool:
        """Whether there is a ticket that may be good."""
        found = self._read()
        return found is not None and self._good(found)

    def save(self, ticket: bytes, seconds: int) -> None:
        """See Tickets."""
        data = packing.pack([ticket, int(self._wall()), seconds])
        self._unwritten = None if self._state.keep(self._name, data, _COSTS) else data

    def keep(self) -> None:
        """See Tickets."""
        if (found := self._read()) is not None:
            self.save(found[0], found[2])

    def take(self) -> bytes:
        """See Tickets."""
        found = self._read()
        self.forget()
        return found[0] if found is not None and self._good(found) else b""

    def forget(self) -> None:
        """See Tickets."""
        self._unwritten = None
        try:
            (self._state.path / self._name).unlink(missing_ok=True)
        except OSError:
            return  # it works once, and the host counts

    def _good(self, found: tuple[bytes, int, int]) -> bool:
        _, since, seconds = found
        return since <= self._wall() + 1 and self._wall() - since <= seconds

    def _read(self) -> tuple[bytes, int, int] | None:
        try:
            data = self._unwritten or self._state.read(self._name)
        except StateError:
            return None
        if data is None:
            return None
        try:
            ticket, since, seconds = packing.unpack(data, CloseCode.INTERNAL)
        except (RemoteProtocolError, ValueError, TypeError):
            return None
        if (type(ticket), type(since), type(seconds)) != (bytes, int, int):
            return None  # damaged: the code will be asked for
        return ticket, since, seconds
