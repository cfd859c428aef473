"""Audience: all sessions of a host, as its services see them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from avl_host.outlets import Outlet
from avl_protocol.session.host import HostSession


class Audience(Protocol):
    """Who is in. An error about one of them ends that session, and no other."""

    def everybody(self, call: Callable[[HostSession], object], outlet: Outlet | None = None) -> None:
        """Call for each session that was admitted; with `outlet`, for those that get their pictures there."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what takes time in the background."""

    def changed(self) -> None:
        """Something was sent, or waits for another time than before."""
