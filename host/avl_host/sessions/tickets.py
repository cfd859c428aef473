"""Tickets: what brings a viewer back after a loss without asking anybody again (spec 06-security, 6.2.3).

A ticket works once, for the identity it was given to, for as long as this host's policy says. The host keeps no more of
it than its hash, so that whoever reads the file can't come in with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.hosting import Agreed, Returned
from avl_protocol.wire import packing
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode, Permission

_FILE = "tickets.bin"
TICKET_BYTES = 32
#: Tickets at a time; the oldest are forgotten first.
MOST = 64


@dataclass(slots=True)
class _Issued:
    """The ticket's owner, its session, its permissions, and its end in Unix seconds. `begun`: when the session began,
    in Unix seconds, if it came by a chain of statements, and `basis` what that stands on; 0 and "": it did not.
    `agreed`: what a person decided about it."""

    viewer: bytes
    session: bytes
    permissions: int
    until: float
    begun: float = 0.0
    basis: str = ""
    agreed: Agreed | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The session that a ticket beside a chain goes on with: when it began, in Unix seconds, and what a person decided
    about it; None where nobody was asked."""

    begun: float
    agreed: Agreed | None


class TicketBook:
    """The tickets of one host. `lifetime` in seconds; 0: none are given."""

    def __init__(
        self, state: StateFolder, lifetime: float, entropy: Callable[[int], bytes], wall: Callable[[], float]
    ) -> None:
        self._state = state
        self.lifetime = lifetime
        self._entropy = entropy
        self._wall = wall
        self._issued: dict[bytes, _Issued] = {}
        #: Told of the session whose ticket is taken: another takes its place (R-SEC-88).
        self.on_redeemed: Callable[[bytes], None] = lambda session: None
        self._load()

    def issue(
        self,
        viewer: bytes,
        session: bytes,
        permissions: Permission,
        *,
        begun: float = 0.0,
        basis: str = "",
        agreed: Agreed | None = None,
    ) -> bytes | None:
        """A ticket for a session that was admitted, instead of its last one; None where this host gives none. `begun`,
        `basis` and `agreed`: see _Issued."""
        if self.lifetime <= 0:
            return None
        self.revoke(session)
        ticket = self._entropy(TICKET_BYTES)
        until = self._wall() + self.lifetime
        self._issued[_hash(ticket)] = _Issued(viewer, session, int(permissions), until, begun, basis, agreed)
        while len(self._issued) > MOST:
            del self._issued[next(iter(self._issued))]
        self._save()
        return ticket

    def redeem(self, ticket: bytes, viewer: bytes) -> Returned | None:
        """What a ticket admits this viewer to; it is void then, and so it is when somebody else presents it, or when it
        is worth something beside a chain alone (R-SEC-207)."""
        issued = self._taken(ticket, viewer)
        if issued is None or issued.begun:
            return None
        self.on_redeemed(issued.session)
        return Returned(Permission(issued.permissions & sum(Permission)), issued.agreed)

    def redeem_beside_chain(self, ticket: bytes, viewer: bytes, basis: str) -> Resumed | None:
        """The session of which this ticket is; it is void then. None where it is no ticket of a session of this viewer
        that came by a chain of this basis."""
        issued = self._taken(ticket, viewer)
        if issued is None or not issued.begun or issued.basis != basis:
            return None
        self.on_redeemed(issued.session)
        return Resumed(issued.begun, issued.agreed)

    def _taken(self, ticket: bytes, viewer: bytes) -> _Issued | None:
        """What is known of a ticket, which is void from now on; None where it is not good for this viewer now."""
        issued = self._issued.pop(_hash(ticket), None)
        if issued is None:
            return None
        self._save()
        ends = min(issued.until, (issued.agreed and issued.agreed.until) or issued.until)
        return issued if issued.viewer == viewer and self._wall() <= ends else None

    def change(self, session: bytes, permissions: Permission, agreed: Agreed | None = None) -> None:
        """The session may something else now, and so will it when it comes back."""
        for issued in self._issued.values():
            if issued.session == session:
                issued.permissions, issued.agreed = int(permissions), agreed
        self._save()

    def keep(self, session: bytes) -> None:
        """The session goes on, or was lost only now: its ticket counts from here."""
        for issued in self._issued.values():
            if issued.session == session:
                issued.until = self._wall() + self.lifetime
        self._save()

    def revoke(self, session: bytes) -> None:
        """The session was ended on purpose, by whichever side."""
        kept = {key: issued for key, issued in self._issued.items() if issued.session != session}
        if len(kept) < len(self._issued):
            self._issued = kept
            self._save()

    def _load(self) -> None:
        try:
            rows = packing.unpack(self._state.read(_FILE) or b"\x90", CloseCode.INTERNAL)
            now = self._wall()
            for key, viewer, session, permissions, until, begun, basis, *agreed in rows:
                if {type(key), type(viewer), type(session)} != {bytes}:
                    raise ValueError("no ticket")
                if now <= until <= now + self.lifetime:
                    self._issued[key] = _Issued(
                        viewer,
                        session,
                        int(permissions),
                        float(until),
                        float(begun),
                        str(basis),
                        _agreed(*agreed) if agreed else None,
                    )
        except (ValueError, TypeError, RemoteProtocolError):
            self._issued.clear()  # a damaged file costs a viewer its code, no more

    def _save(self) -> None:
        rows = [
            [
                *(key, one.viewer, one.session, one.permissions, int(one.until), int(one.begun), one.basis),
                *(() if one.agreed is None else (int(one.agreed.asked), int(one.agreed.allowed), one.agreed.until)),
            ]
            for key, one in self._issued.items()
        ]
        self._state.keep(
            _FILE, packing.pack(rows), "after a restart of this host viewers that come back may need the code again"
        )


def _agreed(asked: object, allowed: object, until: object = 0) -> Agreed:
    if type(until) is not int:
        raise ValueError("no time")
    return Agreed(_permission(asked), _permission(allowed), until)


def _permission(bits: object) -> Permission:
    if type(bits) is not int:
        raise ValueError("no permissions")
    return Permission(bits & sum(Permission))


def _hash(ticket: bytes) -> bytes:
    return hashlib.sha256(ticket).digest()
