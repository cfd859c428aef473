"""Neighbours: everybody who is connected to a relay and speaks with it, by the kind of connection.

Who is there has to be known to send them elsewhere (spec 04-session, 4.3), and who came and went is what operators look
at first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum

from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.registry import ALPN, CloseCode


class Kind(Enum):
    """What a neighbour's carrier is, and how operators read it."""

    QUIC = "quic"
    WEBTRANSPORT = "webtransport"
    WEBSOCKET = "websocket"


#: By the protocol that was agreed on: ALPN, or WebSocket's subprotocol.
_KINDS = {ALPN: Kind.QUIC, "h3": Kind.WEBTRANSPORT}


def kind_of(protocol: str) -> Kind:
    """The kind of a carrier, by the protocol that was agreed on."""
    return _KINDS.get(protocol, Kind.WEBSOCKET)


class Neighbours:
    """Those that are there. `came` and `look` keep it up to date."""

    def __init__(self) -> None:
        self._kinds: dict[HopServer, Kind] = {}
        self._came: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    def __iter__(self) -> Iterator[HopServer]:
        """Those that are there now; they may go while they are looked at."""
        return iter(list(self._kinds))

    def __len__(self) -> int:
        return len(self._kinds)

    def came(self, peer: HopServer, kind: Kind) -> None:
        """Somebody has connected."""
        self._kinds[peer] = kind
        self._came[kind.value] += 1

    def kind(self, peer: HopServer) -> str:
        """What a neighbour's connection is; "" for who is none of ours."""
        kind = self._kinds.get(peer)
        return "" if kind is None else kind.value

    def look(self, peer: HopServer) -> None:
        """Forget a neighbour that is gone; safe to repeat."""
        if peer.state is HopServerState.GONE and self._kinds.pop(peer, None) is not None:
            code = peer.ended if peer.ended is not None else CloseCode.NO_ERROR
            self._ended[_name(code)] += 1

    def snapshot(self) -> Snapshot:
        """Connections now, those that came, and those that ended, by close code."""
        now = Counter(kind.value for kind in self._kinds.values())
        return Snapshot(
            "neighbours",
            {"connected": len(self._kinds)},
            (
                Snapshot("connections", {kind.value: now[kind.value] for kind in Kind}),
                Snapshot("connected so far", {kind.value: self._came[kind.value] for kind in Kind}),
                Snapshot("ended so far", dict(self._ended)),
            ),
        )


def _name(code: int) -> str:
    """A code that strangers may have made up has no name of its own: names are kept for ever."""
    return CloseCode(code).name.lower() if code in CloseCode._value2member_map_ else "unknown"
