"""Audience: all sessions of a host, as its services see them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from avl_host.publish.upload import Upload
from avl_protocol.media.track import Track
from avl_protocol.session.host import HostSession
from avl_protocol.wire.registry import CloseCode, Permission


class Audience(Protocol):
    """Who is in. An error about one of them ends that session, and no other."""

    def everybody(self, call: Callable[[HostSession], object], upload: Upload | None = None) -> None:
        """Call for each session that was admitted; with `upload`, for those that get their pictures there."""

    def end(self, session: HostSession, code: CloseCode, now: float) -> None:
        """End a session, and tell its viewer why."""

    def allow(self, session: HostSession, permissions: Permission, now: float) -> None:
        """From now on a session may this."""

    def shows(
        self, session: HostSession, desktops: Sequence[Sequence[Track]], tell: Callable[[dict[int, int]], None]
    ) -> None:
        """From now on a session gets of pictures and exact pixels these desktops' alone. `tell(since)` is called before
        the first leaves: of each track the first object that it gets."""

    def number(self, session: HostSession) -> int:
        """What a person at the host calls a session that was admitted: a number that no other has."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what takes time in the background."""

    def changed(self) -> None:
        """Something was sent, or waits for another time than before."""
