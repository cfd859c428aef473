"""avl cp and avl ls: files between this machine and a host's (spec 15). Progress and questions go to stderr, where that
is a terminal; what was left out goes there in any case."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avl_protocol.files.job import Question
from avl_protocol.wire.foreign import for_terminal
from avl_protocol.wire.registry import FILE_REASONS, FileKind, FileOverwrite, FileReason
from avl_viewer.files import Asks, Copied, Listed, Transfer

if TYPE_CHECKING:
    from avl_viewer.api import Desktop

#: Files that were left out, of which a person is told by name.
TOLD = 20
_TARGET = re.compile(r"(?P<target>avl://[^/]+/[^:/]*)(?::(?P<path>.*))?", re.DOTALL)
_MARKS = {FileKind.FOLDER: "d", FileKind.LINK: "l"}


@dataclass(frozen=True, slots=True)
class Place:
    """A path, at a host where there is a target (or a device's name), else on this machine."""

    target: str
    path: str


def place_of(text: str) -> Place:
    """What an argument of `avl cp` means: TARGET:PATH, NAME:PATH, or a path of this machine. Raises ValueError."""
    if text.lower().startswith("avl:"):
        found = _TARGET.fullmatch(text)
        if found is None:
            raise ValueError(f"{text} is no TARGET:PATH: write avl://HOST:PORT/DEVICE-ID?pin=FP:PATH")
        return Place(found["target"], found["path"] or "")
    name, colon, path = text.partition(":")
    drive = sys.platform == "win32" and len(name) == 1
    if not colon or "/" in name or "\\" in name or not name or drive:
        return Place("", text)
    return Place(name, path)


def direction(sources: list[str], to: str) -> tuple[str, list[str], str, bool]:
    """Target, sources, destination, and whether it goes to the host. Raises ValueError with what to write."""
    there, goal = [place_of(source) for source in sources], place_of(to)
    targets = {place.target for place in there}
    paths = [place.path for place in there]
    if goal.target and targets == {""}:
        return goal.target, paths, goal.path, True
    if not goal.target and len(targets) == 1 and "" not in targets:
        return targets.pop(), paths, goal.path, False
    raise ValueError("one side is a host's, TARGET:PATH, and the other is this machine's: avl cp FILE... TARGET:FOLDER")


async def copy(
    desktop: Desktop, sources: list[str], to: str, *, put: bool, folders: bool, overwrite: FileOverwrite
) -> Copied:
    """Copy, show how it goes on, and ask. Raises FilesError, Refused, OSError, ValueError."""
    shows = sys.stderr.isatty()
    asks = Asking().ask if overwrite is FileOverwrite.ASK and sys.stdin.isatty() and shows else None
    if not shows:
        return await _copy(desktop, sources, to, put, folders, overwrite, asks, None)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        line = progress.add_task("", total=None)

        def went_on(transfer: Transfer) -> None:
            tally = transfer.tally
            files = "" if tally.files is None or tally.files == 1 else f" {tally.done}/{tally.files}"
            said = for_terminal(transfer.name, 40).replace("[", r"\[") + files
            progress.update(line, description=said, completed=tally.passed, total=tally.size)

        if asks is not None:
            asking = Asking(progress.stop, progress.start)
            asks = asking.ask
        return await _copy(desktop, sources, to, put, folders, overwrite, asks, went_on)


async def _copy(
    desktop: Desktop,
    sources: list[str],
    to: str,
    put: bool,
    folders: bool,
    overwrite: FileOverwrite,
    asks: Asks | None,
    progress: Callable[[Transfer], None] | None,
) -> Copied:
    more = {"folders": folders, "overwrite": overwrite}
    if put:
        return await desktop.files.put(sources, to, asks=asks, progress=progress, **more)  # type: ignore[arg-type]
    return await desktop.files.get(sources, to, asks=asks, progress=progress, **more)  # type: ignore[arg-type]


class Asking:
    """Asks a person about each file that is in the way, one at a time, until they say what holds for all."""

    def __init__(self, before: Callable[[], object] = lambda: None, after: Callable[[], object] = lambda: None) -> None:
        self._before, self._after = before, after
        self._all: bool | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: Question) -> bool:
        """Whether it is to be replaced."""
        async with self._turn:
            if self._all is not None:
                return self._all
            self._before()
            try:
                return self._understood(await asyncio.to_thread(self._answer, question))
            finally:
                self._after()

    def _answer(self, question: Question) -> str:
        there = f"{question.size} bytes, changed {date(question.modified_us / 1e6)}"
        offered = f"{question.entry.size} bytes, changed {date(question.entry.modified_us / 1e6)}"
        said = f"is there ({there}). Replace it by yours ({offered})? [y]es, [n]o, [a]ll, n[o]ne: "
        print(f"{for_terminal(question.entry.path)} {said}", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower()

    def _understood(self, answer: str) -> bool:
        if answer in ("a", "all", "o", "none"):
            self._all = answer in ("a", "all")
            return self._all
        return answer in ("y", "yes")


def left_out(copied: Copied, warn: Callable[[str], None]) -> None:
    """Tell what was left out, and why."""
    for path, reason in copied.left[:TOLD]:
        more = " (-r)" if reason is FileReason.IS_A_FOLDER else ""
        more = " (--overwrite newer, --overwrite always)" if reason is FileReason.EXISTS else more
        warn(f"{for_terminal(path)}: {FILE_REASONS[reason]}{more}")
    if copied.left_count > TOLD:
        warn(f"and {copied.left_count - TOLD} more")


def show(rows: Iterable[Listed], *, long: bool, roots: bool) -> None:
    """Print a listing, or the folders that are shared."""
    for one in rows:
        print(for_terminal(root_line(one) if roots else listed_line(one, long), None))


def listed_line(one: Listed, long: bool) -> str:
    """One line of `avl ls`: a folder has a slash behind it, a link what it leads to."""
    shown = for_terminal(one.name, None) + {
        FileKind.FOLDER: "/",
        FileKind.LINK: f" -> {for_terminal(one.link, None)}",
    }.get(one.kind, "")
    if not long:
        return shown
    return f"{_MARKS.get(one.kind, '-')}{_mode(one.mode)} {one.size:>14} {date(one.modified)} {shown}"


def as_json(one: Listed) -> dict[str, object]:
    """The same for programs."""
    return {
        "name": one.name,
        "kind": one.kind.name.lower(),
        "size": one.size,
        "modified": one.modified,
        "mode": one.mode,
        "link": one.link,
    }


def root_line(one: Listed) -> str:
    """One line for a folder that is shared: how, and how much a transfer may have."""
    how = {4: "read", 2: "write", 6: "read, write"}.get(one.mode & 6, "")
    limit = f", at most {one.size} bytes" if one.size else ""
    return f"{for_terminal(one.name, None)} ({how}{limit})"


def _mode(mode: int) -> str:
    return "".join(letter if mode >> 8 - at & 1 else "-" for at, letter in enumerate("rwxrwxrwx"))


def date(seconds: float) -> str:
    """A time of this machine's zone."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return "                "
