"""Whereabouts: collects the addresses at which this program might be reached (spec 08-paths, 8.3).

The machine knows its own, a relay sees another, a router may have been asked for a third. All of them name one socket.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.endpoint.addresses.interfaces import Interfaces, LocalAddress
from avl_protocol.path.candidate import Address, Candidate, Site, observed_address
from avl_protocol.wire.registry import CandidateKind


class Whereabouts:
    """Candidates of one socket. `port`: where it is bound, once it is."""

    def __init__(self, interfaces: Interfaces, port: Callable[[], int]) -> None:
        self._interfaces = interfaces
        self._port = port
        self._observed: dict[object, tuple[Address, ...]] = {}
        #: The address that a router opened for us; None where it was not asked.
        self.mapped: Address | None = None

    def observed(self, by: object, text: str) -> bool:
        """A relay says where it sees us, "IP port", of either family; True when that is news."""
        address = observed_address(text)
        if address is None:
            return False
        known = self._observed.get(by, ())
        kept = tuple(other for other in known if (":" in other[0]) != (":" in address[0]))
        self._observed[by] = (*kept, address)
        return set(self._observed[by]) != set(known)

    def forget(self, by: object) -> None:
        """A relay does not see us any more."""
        self._observed.pop(by, None)

    def local(self) -> list[LocalAddress]:
        """The machine's own addresses."""
        try:
            return self._interfaces.addresses()
        except OSError:
            return []

    def candidates(self) -> list[Candidate]:
        """All of them, each once."""
        found: dict[Address, Candidate] = {}
        for local in self.local():
            found[local.ip, self._port()] = Candidate(CandidateKind.LOCAL, local.ip, self._port())
        if self.mapped is not None:
            found.setdefault(self.mapped, Candidate(CandidateKind.MAPPED, *self.mapped))
        for addresses in self._observed.values():
            for address in addresses:
                found.setdefault(address, Candidate(CandidateKind.OBSERVED, *address))
        return list(found.values())

    def site(self) -> Site:
        """Where we are, as far as we know."""
        seen = {address[0] for addresses in self._observed.values() for address in addresses}
        return Site(tuple(f"{local.ip}/{local.prefix}" for local in self.local()), tuple(sorted(seen)))
