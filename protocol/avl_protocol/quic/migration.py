"""PeerPath: between which addresses a connection runs, and how often its peer's may change (RFC 9000, section 9; spec
08-paths, 8.7).

A client moves: at once where its old address is gone, or by trying the new one first where it still has both. A server
follows, but not more often than addresses really change, since whoever forges the source of packets could otherwise
lead it about.
"""

from __future__ import annotations

from enum import Enum, auto

from avl_protocol.rate.limits import Bucket

#: (host, port), and behind them the local address that packets leave from where that was chosen here.
PathAddress = tuple[str | int, ...]

#: New addresses of a peer that are listened to at once, and a second.
MIGRATIONS, MIGRATIONS_A_SECOND = 6.0, 2.0
#: Full datagrams sent ahead from a new address: a server may answer an address that is not validated with three times
#: what came from it (RFC 9000, section 8.2), and a picture is larger than an acknowledgement.
AHEAD = 4
#: Seconds after which such a datagram is worth nothing.
AHEAD_LIFE = 0.1


class Move(Enum):
    """How a connection's path differs from what it was."""

    NONE = auto()
    #: Another port of the same host: a NAT's doing. The path is the same, and what was measured of it still holds.
    PORT = auto()
    #: Another address of either end: another path, of which nothing is known.
    ADDRESS = auto()


class PeerPath:
    """Follows the path of one connection. A client takes packets from its server's addresses alone."""

    __slots__ = ("_address", "_allowance", "_is_client", "migrations")

    def __init__(self, *, is_client: bool) -> None:
        self._is_client = is_client
        self._allowance = Bucket(MIGRATIONS_A_SECOND, MIGRATIONS, 0.0)
        self._address: PathAddress | None = None
        #: Changes of address so far, of either end.
        self.migrations = 0

    def admits_stranger(self, now: float) -> bool:
        """Whether a packet from an address that is not known may be looked at; each that may is counted."""
        return not self._is_client and self._allowance.take(now)

    def expect(self, address: PathAddress) -> None:
        """The path was named by us: it is no change when it is seen next."""
        self._address = address

    def seen(self, address: PathAddress) -> Move:
        """The path leads to this address now. The first one is no move."""
        before = self._address
        if before == address:
            return Move.NONE
        self._address = address
        if before is None:
            return Move.NONE
        self.migrations += 1
        return Move.PORT if before[0] == address[0] and before[2:] == address[2:] else Move.ADDRESS
