"""Auditor: who is told what concerns security. Kinds and fields are those of avl_protocol/audit/events.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.messages import Logged


class Auditor(Protocol):
    """Takes events; it writes them later."""

    def record(self, kind: str, **said: object) -> None:
        """Something has happened; fields that are None or "" are left out. Raises NotLogged for what no log takes."""


class Unwritten:
    """The double of Auditor, and that of a relay without a log: it remembers what it is told if it is asked to."""

    def __init__(self, *, remembers: bool = False) -> None:
        self._remembers = remembers
        #: What it was told: (kind, fields).
        self.told: list[tuple[str, dict[str, object]]] = []

    def record(self, kind: str, **said: object) -> None:
        """See Auditor."""
        if self._remembers:
            self.told.append((kind, {name: value for name, value in said.items() if value not in (None, "")}))


class RelayLog(Auditor, Protocol):
    """What a relay asks of its log (book.py; memory.py is the double)."""

    @property
    def refuses(self) -> bool:
        """Whether new sessions are refused, since they could not be logged."""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; "": it can."""

    def start(
        self,
        tell: Callable[[bytes], object],
        limits: Callable[[], Mapping[str, int]],
        by_network: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """The relay runs; `tell(news)` reaches its other processes, `limits()` is how often each limit was hit here,
        `by_network()` the same of each network (avl_protocol/audit/limits.py)."""

    def known(self, peer: HopServer, size: int) -> None:
        """A neighbour has said which head it keeps."""

    def logged(self, peer: HopServer, device: str, message: Logged) -> None:
        """A host that is registered says what its own log has (spec 14, 14.7)."""

    def told(self, worker: int, news: bytes) -> None:
        """See Readers (workers/siblings.py)."""

    def all_news(self) -> list[bytes]:
        """See Readers."""

    def lost(self, worker: int) -> None:
        """See Readers."""

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""

    async def close(self) -> None:
        """Write what is left."""
