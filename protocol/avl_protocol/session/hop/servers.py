"""HopServers: the events of all hops that one program serves, applied one after the other, and the hops' timers.

What is done about one neighbour's event may end another's connection. That is told by itself afterwards, so that
nothing is ever applied within something else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from avl_protocol.session.deadlines import Deadlines
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.serverevents import HopServerEvent
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode


class HopServers:
    """`apply(peer, event, now)` does what follows from an event; the Refused or RemoteProtocolError that it raises ends
    that connection."""

    def __init__(self, apply: Callable[[HopServer, HopServerEvent, float], None]) -> None:
        self._apply = apply
        self._telling: deque[HopServer] = deque()
        self._deadlines: Deadlines[HopServer] = Deadlines()
        self._taking = False

    def take(self, peer: HopServer, now: float) -> None:
        """Apply what a neighbour tells, and whatever follows from it at others; also once for a new one, whose timer is
        looked after from then on."""
        self._telling.append(peer)
        self.settle(now)

    def close(self, peer: HopServer, code: CloseCode, now: float) -> None:
        """End a connection; that it is gone is applied when what is being done is done, or by `settle`."""
        peer.close(code, now)
        self._telling.append(peer)

    def look_again(self, peer: HopServer) -> None:
        """Something was told to a peer from outside: its timer may have changed. Looked after by `settle`."""
        self._telling.append(peer)

    def settle(self, now: float) -> None:
        """Apply all that is told, unless that is what is being done already."""
        if self._taking:
            return
        self._taking = True
        try:
            while self._telling:
                peer = self._telling.popleft()
                while (event := peer.next_event()) is not None:
                    try:
                        self._apply(peer, event, now)
                    except (Refused, RemoteProtocolError) as error:
                        self.close(peer, error.code, now)
                self._deadlines.set(peer, peer.next_timeout())
        finally:
            self._taking = False

    @property
    def timers(self) -> int:
        """Hops whose timer is set."""
        return len(self._deadlines)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._deadlines.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for peer, _ in self._deadlines.expired(now):
            peer.handle_timer(now)
            self._telling.append(peer)
        self.settle(now)
