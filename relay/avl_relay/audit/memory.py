"""MemoryLog: a relay's audit log in memory alone, the double of Book: written and signed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.snapshot import Snapshot
from avl_relay.audit.heads import Heads, Shown


class MemoryLog:
    """See RelayLog. What is signed is `chain`, by `identity`, once the relay has one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.identity: Identity | None = None
        self.chain, self.entries = Chain(), list[Entry]()
        self.heads = Heads(self.ask)
        self.refuses, self.trouble = False, ""

    def _now_ms(self) -> int:
        return int(self._world.clock.wall() * 1000)

    def start(self, tell: Callable[[bytes], object], limits: Callable[[], Mapping[str, int]]) -> None:
        """See RelayLog: there is nobody to be told."""

    def record(self, kind: str, **said: object) -> None:
        """See Auditor."""
        entry = self.chain.append(kind, said, now_ms=self._now_ms(), entropy=self._world.entropy)
        self.entries.append(entry)
        self.heads.grown()

    def ask(self, known: int, shown: Shown) -> bool:
        """Have the head shown now."""
        if self.identity is None:
            return False
        head = self.chain.head(self.identity, self._now_ms())
        shown(head, self.chain.tree.consistency(known, head.size) if known <= head.size else ())
        return True

    def known(self, peer: HopServer, size: int) -> None:
        """See RelayLog."""
        self.heads.known(peer, size)

    def told(self, worker: int, news: bytes) -> None:
        """See Readers."""

    def all_news(self) -> list[bytes]:
        """See Readers."""
        return []

    def lost(self, worker: int) -> None:
        """See Readers."""

    def snapshot(self) -> Snapshot:
        """See RelayLog."""
        return Snapshot("audit", {"entries": self.chain.size})

    async def close(self) -> None:
        """See RelayLog."""
