"""MemoryLog: a relay's audit log in memory alone, the double of Book: written and signed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.compare import Missing
from avl_protocol.audit.entry import Entry
from avl_protocol.audit.exchange import ALARM
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.messages import Logged
from avl_relay.audit.comparing import Comparing
from avl_relay.audit.heads import Heads, Shown


class MemoryLog:
    """See RelayLog. What is signed is `chain`, by `identity`, once the relay has one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.identity: Identity | None = None
        self.chain, self.entries = Chain(), list[Entry]()
        self.heads = Heads(self.ask)
        self.refuses, self.trouble = False, ""
        self._compared: dict[str, HopServer] = {}
        self.comparing = Comparing(
            say=self._say,
            found=self._missing,
            beyond=lambda device: self.record("limit_hit", limit="missing sessions of a host", count=1, device=device),
        )
        self.comparing.know((), self._now_ms(), world.clock.monotonic(), self._now_ms())

    def _now_ms(self) -> int:
        return int(self._world.clock.wall() * 1000)

    def start(
        self,
        tell: Callable[[bytes], object],
        limits: Callable[[], Mapping[str, int]],
        by_network: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """See RelayLog: there is nobody to be told."""

    def record(self, kind: str, **said: object) -> None:
        """See Auditor."""
        if kind == "host_left":
            self._compared.pop(str(said.get("device")), None)
        entry = self.chain.append(kind, said, now_ms=self._now_ms(), entropy=self._world.entropy)
        self.entries.append(entry)
        self.comparing.recorded(kind, said, entry.time_ms, self._world.clock.monotonic())
        self._look_at_due()
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

    def logged(self, peer: HopServer, device: str, message: Logged) -> None:
        """See RelayLog."""
        begins = self._compared.get(device) is not peer
        self._compared[device] = peer
        now, now_ms = self._world.clock.monotonic(), self._now_ms()
        self.comparing.hear(device, message, begins=begins, now=now, now_ms=now_ms)
        self._look_at_due()

    def _say(self, device: str, message: Logged) -> None:
        if device in self._compared:
            self._compared[device].send(message)

    def _look_at_due(self) -> None:
        due = self.comparing.next_timeout()
        if due is not None:
            asyncio.get_running_loop().call_later(max(0.0, due - self._world.clock.monotonic()), self._due)

    def _due(self) -> None:
        self.comparing.handle_timer(self._world.clock.monotonic())

    def _missing(self, device: str, missing: Missing) -> None:
        self.record("alarm", alarm=ALARM, device=device, session=missing.session, why=str(missing))

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
