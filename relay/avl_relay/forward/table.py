"""The rows of the router's table: hosts that are registered, and sessions of viewers at them."""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.endpoint.accept.sources import same_source
from avl_protocol.session.hop.server import HopServer
from avl_protocol.wire.messages import Tracks
from avl_protocol.wire.registry import Channel
from avl_relay.forward.caps import FREE, Cap, Caps
from avl_relay.forward.fanout import Fanout


@dataclass(slots=True, kw_only=True)
class Session:
    """One viewer at one host."""

    handle: int
    session_id: bytes
    viewer: HopServer
    host: Publisher
    source: bytes
    begun: float
    rate_told: float = float("-inf")
    accepted: bool = False
    admitted: bool = False
    channels: frozenset[int] = frozenset((int(Channel.CONTROL),))
    streams: dict[int, int] = field(default_factory=dict)
    moves: bool = False
    caps: Caps = FREE

    @property
    def known(self) -> bool:
        """Whether the host has admitted it, or knows it from elsewhere: it is no stranger's, and may wait here."""
        return self.admitted or (self.moves and self.accepted)

    @property
    def near(self) -> bool:
        """Whether both ends are seen at one address."""
        return same_source(self.viewer.carrier.peer_address[0], self.host.peer.carrier.peer_address[0])


@dataclass(slots=True, kw_only=True)
class Publisher:
    """One registered host. `number`: that of the question whether it may register; later ones have higher ones.
    `borrowed`: it is registered at another worker of this relay. `tracks`: its latest description of them."""

    device: int
    peer: HopServer
    number: int
    media_handle: int
    fanout: Fanout
    borrowed: bool = False
    tracks: Tracks | None = None
    cap: Cap | None = None
    sessions: dict[int, Session] = field(default_factory=dict)
