"""Heads for neighbours (spec 14, 14.6): each that has said what it keeps is shown the log's head, with the proof that
it goes on from there, and again when the log has grown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avl_protocol.audit.head import TreeHead
from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.wire.messages import Head

#: Called with a head, and the proof that leads to it; an older client than the log is led from nowhere.
Shown = Callable[[TreeHead, Sequence[bytes]], None]
#: Asks for the newest head, and the proof from a size.
Ask = Callable[[int, Shown], bool]


class Heads:
    """`ask(known, shown)` calls `shown` now, or later; or is False, since there is no head."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        #: What each neighbour keeps.
        self._kept: dict[HopServer, int] = {}
        self._asked: set[HopServer] = set()

    def __len__(self) -> int:
        """Neighbours that are shown heads."""
        return len(self._kept)

    def known(self, peer: HopServer, size: int) -> None:
        """A neighbour keeps a head of this size, 0 for none."""
        if peer not in self._asked:
            self._show([peer], max(0, size))

    def grown(self) -> None:
        """There is a new head."""
        by_size: dict[int, list[HopServer]] = {}
        for peer, size in list(self._kept.items()):
            if peer.state is HopServerState.GONE:
                del self._kept[peer]
            elif peer not in self._asked:
                by_size.setdefault(size, []).append(peer)
        for size, peers in by_size.items():
            self._show(peers, size)

    def _show(self, peers: Sequence[HopServer], known: int) -> None:
        self._asked.update(peers)

        def shown(head: TreeHead, proof: Sequence[bytes]) -> None:
            self._asked.difference_update(peers)
            message = Head(
                size=head.size,
                root=head.root,
                chain=head.chain,
                time_ms=head.time_ms,
                key=head.key,
                signature=head.signature,
                proof=tuple(proof),
            )
            for peer in peers:
                if peer.state is not HopServerState.GONE:
                    self._kept[peer] = head.size
                    peer.send(message)

        if not self._ask(known, shown):  # there is none yet: they are told of the first
            self._asked.difference_update(peers)
            self._kept.update(dict.fromkeys(peers, known))

    def lost(self) -> None:
        """Who was asked is gone: ask again when there is a new head."""
        self._asked.clear()
