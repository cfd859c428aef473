"""The client on a thread of its own: what a window asks of it is done there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from avl_viewer import background
from avl_viewer.background import PATIENCE, BackgroundRemote
from avl_viewer.present.headless import HeadlessPresenter


class Client:
    """A DesktopClient that knows who counts."""

    def __init__(self, *_parts: object) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.counted = 0
        self.features = SimpleNamespace(clipboard=None, files=None)

    async def connect(self) -> None:
        """At once."""

    async def close(self) -> None:
        """At once."""
        self.ended.set_result(None)

    def listen(self, player: object) -> None:
        """Nothing is to be heard."""

    def stats(self) -> dict[str, Any]:
        """Where it was made, and how often."""
        self.counted += 1
        return {"thread": threading.current_thread().name, "count": self.counted}


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[BackgroundRemote]:
    """One that is connected."""
    monkeypatch.setattr(background, "DesktopClient", Client)
    remote = BackgroundRemote(cast(Any, None), HeadlessPresenter(time.monotonic))
    while not remote.stats():
        assert remote.alive
        time.sleep(0.01)
    yield remote
    remote.close()
    remote.join(5.0)
    assert not remote.alive


def test_figures_are_made_where_they_are_counted(remote: BackgroundRemote) -> None:
    assert remote.stats()["thread"] == "avl-network"
    assert remote.stats()["count"] == remote.stats()["count"] - 1


def test_a_busy_network_does_not_hold_the_window_up(remote: BackgroundRemote) -> None:
    before = remote.stats()
    idle, seen = threading.Event(), threading.Event()
    remote.on_loop(lambda _client: idle.wait(10.0))
    begun = time.monotonic()
    assert remote.stats() == before
    assert time.monotonic() - begun < 10 * PATIENCE
    idle.set()
    remote.on_loop(lambda _client: seen.set())
    assert seen.wait(10.0)
    assert remote.stats()["count"] > before["count"]


def test_the_last_figures_stay_when_it_has_ended(remote: BackgroundRemote) -> None:
    before = remote.stats()
    remote.close()
    remote.join(5.0)
    assert remote.stats() == before
