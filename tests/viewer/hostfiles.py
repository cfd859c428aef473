"""The double of HostFiles: it keeps what a window asked for; what it answers is what a test gives it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from avl_viewer.files import Folder
from avl_viewer.transfers import Problems


class MemoryHostFiles:
    """`told` hears what is asked for; `listings`: what was asked to be listed, and where the answers go."""

    def __init__(self, told: Callable[..., object] = lambda **what: None) -> None:
        self._told = told
        self.asked: list[tuple[Any, ...]] = []
        self.listings: list[tuple[str, str, Future[Folder]]] = []

    def put(self, paths: list[Path], to: str = "", problems: Problems = ()) -> None:
        self._say("put", [str(path) for path in paths], to, list(problems))

    def get(self, paths: tuple[str, ...], to: Path) -> None:
        self._say("get", list(paths), str(to))

    def pause(self, number: int, paused: bool) -> None:
        self._say("pause", number, paused)

    def cancel(self, number: int) -> None:
        self._say("cancel", number)

    def again(self, number: int) -> None:
        self._say("again", number)

    def forget(self, number: int | None) -> None:
        self._say("forget", number)

    def decide(self, number: int, file: int, replace: bool, everything: bool) -> None:
        self._say("decide", number, file, replace, everything)

    def list(self, path: str, after: str, most: int) -> Future[Folder]:
        answer: Future[Folder] = Future()
        self.listings.append((path, after, answer))
        return answer

    def _say(self, name: str, *of: Any) -> None:
        self.asked.append((name, *of))
        self._told(files=[name, *of])
