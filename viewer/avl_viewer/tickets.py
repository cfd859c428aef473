"""TicketStore: the resume tickets that hosts gave this viewer, kept over restarts (spec 06-security, 6.2.3)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.endpoint.state import StateFolder
from avl_protocol.wire import device_id, packing
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode


class TicketStore:
    """One file for each device, in the viewer's state folder."""

    def __init__(self, state: StateFolder, wall: Callable[[], float]) -> None:
        self._state = state
        self._wall = wall

    def save(self, device: int, ticket: bytes, seconds: int) -> None:
        """A host gave us a ticket that it honours for so long after a loss."""
        self._state.write(self._name(device), packing.pack([ticket, int(self._wall()), seconds]))

    def keep(self, device: int) -> None:
        """The session goes on: its ticket counts from now."""
        found = self._read(device)
        if found is not None:
            self.save(device, found[0], found[2])

    def take(self, device: int) -> bytes:
        """The ticket for a device, if it may still be good; it is forgotten here, since it works once."""
        found = self._read(device)
        if found is None:
            return b""
        self.forget(device)
        ticket, since, seconds = found
        return ticket if since <= self._wall() + 1 and self._wall() - since <= seconds else b""

    def forget(self, device: int) -> None:
        """The session has ended on purpose."""
        (self._state.path / self._name(device)).unlink(missing_ok=True)

    def _read(self, device: int) -> tuple[bytes, int, int] | None:
        data = self._state.read(self._name(device))
        if data is None:
            return None
        try:
            ticket, since, seconds = packing.unpack(data, CloseCode.INTERNAL)
        except (RemoteProtocolError, ValueError, TypeError):
            return None
        if (type(ticket), type(since), type(seconds)) != (bytes, int, int):
            return None  # damaged: the code will be asked for
        return ticket, since, seconds

    @staticmethod
    def _name(device: int) -> str:
        return f"ticket-{device_id.to_text(device)}"
