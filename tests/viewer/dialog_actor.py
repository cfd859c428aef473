"""The connect dialog in a process of its own: sessions that refuse every code but one. Prints what was asked for."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipformats import Copy
from avl_viewer.app import run_dialog
from avl_viewer.present.presenter import Presenter, Status
from avl_viewer.recent import Recent
from tests.viewer.hostfiles import MemoryHostFiles

RIGHT_CODE = "aaaa"


class Session:
    """Satisfies Remote: is refused, or runs and is ended by the host at once."""

    permissions = 31

    def __init__(self, code: str, presenter: Presenter) -> None:
        self._presenter = presenter
        self._right = code == RIGHT_CODE
        threading.Thread(target=self._answer).start()

    def _answer(self) -> None:
        if self._right:
            self._presenter.status(Status("running"))
            self._presenter.status(Status("ended", "The session ended.", 0))
        else:
            self._presenter.status(Status("ended", "Refused: the code is wrong.", 3))

    def send_input(self, events: list[tuple[Any, ...]]) -> None:
        raise AssertionError(f"nobody typed {events}")

    def point(self, x: int, y: int, laser: bool) -> None:
        """Nobody sees it."""

    def draw(self, points: list[tuple[int, int]], begins: bool) -> None:
        raise AssertionError(f"nobody drew {points}")

    def wipe(self, everybody: bool) -> None:
        raise AssertionError("nobody wiped anything away")

    def control(self, act: int, to: int = 0) -> None:
        raise AssertionError(f"nobody asked for control: {act}")

    def fit(self, width: int, height: int, scale: int) -> None:
        raise AssertionError(f"nobody wanted {width} x {height}")

    def watch_monitors(self, names: tuple[str, ...]) -> None:
        raise AssertionError(f"nobody chose {names}")

    @property
    def files(self) -> MemoryHostFiles:
        return MemoryHostFiles()

    def set_clipboard(self, text: str) -> None:
        raise AssertionError(f"nobody copied {text}")

    def listen(self, muted: bool, volume: float) -> None:
        raise AssertionError(f"nobody listens: {muted}, {volume}")

    def speak(self, on: bool) -> None:
        raise AssertionError(f"nobody speaks: {on}")

    def offer_copy(self, copy: Copy, read: Callable[[str], Future[Fetched]]) -> None:
        raise AssertionError(f"nobody copied {copy}")

    def fetch_copy(self, stamp: int, format: str) -> Future[bytes]:
        raise AssertionError(f"nobody pasted {format}")

    def stats(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """There is nobody to leave."""


def start(target: str, code: str, presenter: Presenter) -> Session:
    """Begin a session and say so."""
    sys.stdout.write(json.dumps({"target": target, "code": code}) + "\n")
    sys.stdout.flush()
    return Session(code, presenter)


if __name__ == "__main__":
    sys.exit(run_dialog(start, Recent(Path(sys.argv[1])), False, None, time.monotonic))
