"""MigratingConnection: a connection that outlives the addresses it runs between (RFC 9000, section 9; spec 08-paths,
8.7).

A client moves: at once where its old address is gone, or by trying the new one first where it still has both. A server
follows, but not more often than addresses really change. Either way the rate controller begins anew: what it knew was
true of another path.
"""

from __future__ import annotations

import math

from aioquic.quic.connection import NetworkAddress, QuicNetworkPath

from avl_protocol.quic.datagrams import FEEDBACK_PRIORITY, DatagramConnection
from avl_protocol.rate.controller import Controller
from avl_protocol.wire.onethread import guard

#: New addresses of a peer that are listened to at once, and a second.
MIGRATIONS, MIGRATIONS_A_SECOND = 6.0, 2.0
#: Full datagrams sent ahead from a new address: a server may answer an address that is not validated with three times
#: what came from it (RFC 9000, section 8.2), and a picture is larger than an acknowledgement.
AHEAD = 4
#: Seconds after which such a datagram is worth nothing.
AHEAD_LIFE = 0.1


class MigratingConnection(DatagramConnection):
    """The half of a Connection that knows of addresses."""

    _heard_at: float
    _path: NetworkAddress | None = None
    _tokens = MIGRATIONS
    _tokens_at = 0.0
    #: Changes of address so far, of either end.
    migrations = 0

    @property
    def heard_at(self) -> float:
        """When a packet of the peer last arrived, in seconds of the caller's clock."""
        return self._heard_at

    @property
    def local_pin(self) -> str | None:
        """The local address that packets leave from, where that was chosen here."""
        address = self.get_peer_address()
        return address[2] if address is not None and len(address) > 2 else None

    def ask(self) -> None:
        """Send a PING, whatever the window says: it shows whether the peer is there."""
        self.send_ping(0)
        self._probe_pending = True
        self.on_wanted()

    def follow(self, now: float) -> None:
        """Our own address has changed already: say so, under another connection ID, so that nobody can link the two."""
        path = self._network_paths[0]
        path.addr = path.addr[:2]
        self.change_connection_id()
        if self._handshake_confirmed and self.max_datagram:
            ahead = [self.hop.padding() for _ in range(AHEAD)]
            self.queue.add(ahead, FEEDBACK_PRIORITY, now + AHEAD_LIFE, None)
        self._begin_path()
        self.ask()

    def try_from(self, current: str, local: str) -> bool:
        """Make before break: stay at the local address `current`, and move to `local` once the peer has answered there.

        False where the peer has given us no connection ID to spare.
        """
        if not self._peer_cid_available or not self._handshake_confirmed:
            return False
        path = self._network_paths[0]
        path.addr = (*path.addr[:2], current)
        self._path = path.addr
        attempt = QuicNetworkPath((*path.addr[:2], local))
        attempt.peer_cid = self._peer_cid_available.pop(0)
        self._add_network_path(attempt)
        self._must_flush = True
        self.on_wanted()
        return True

    def accepts_from(self, address: NetworkAddress, now: float) -> bool:
        """Whether a packet from this address may be looked at: a peer does not change its address all the time."""
        if any(path.addr == address for path in self._network_paths) or not self._network_paths:
            return True
        if self._is_client:
            return False
        self._tokens = min(MIGRATIONS, self._tokens + (now - self._tokens_at) * MIGRATIONS_A_SECOND)
        self._tokens_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def arriving_as(self, address: tuple[str, int], local: tuple[str, ...]) -> NetworkAddress:
        """The name under which this connection knows where a packet came from: with our address where that matters."""
        labelled: NetworkAddress = (*address, *local)
        if not self._is_client or any(path.addr == labelled for path in self._network_paths):
            return labelled
        return address

    def _look_at_path(self) -> None:
        """After packets: begin anew where the path has become another."""
        if not self._network_paths:
            return
        address = self._network_paths[0].addr
        before, self._path = self._path, address
        if before is None or before == address:
            return
        self.migrations += 1
        if before[0] != address[0] or before[2:] != address[2:]:  # a change of port alone is a NAT's doing
            self._begin_path()

    def _begin_path(self) -> None:
        """Forget what was measured (RFC 9000, section 9.4)."""
        loss = self._loss
        loss._rtt_initialized = False
        loss._rtt_min = math.inf
        loss._pto_count = 0
        self.use_controller(guard(Controller(self._settings)))
