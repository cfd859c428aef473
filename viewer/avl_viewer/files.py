"""Files of a viewer: what is pushed and fetched, as programs and people follow it (spec 15)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from avl_protocol.endpoint.files.disk import DiskTree
from avl_protocol.files.destination import Destination
from avl_protocol.files.job import Job, Question, Tally
from avl_protocol.files.listing import Row
from avl_protocol.files.names import is_name
from avl_protocol.files.tree import FileTrouble
from avl_protocol.files.walk import Source
from avl_protocol.session.services import NONE
from avl_protocol.wire.errors import lacking
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import FILE_REASONS, FileKind, FileReason, Permission

#: Files that were left out, of which a transfer tells by name; the others it counts.
MOST_LEFT = 1000


class FilesError(Exception):
    """A transfer, or a listing, came to nothing; the text says why and what to do. `reason`: of `file_reasons`."""

    exit_status = 1

    def __init__(self, reason: FileReason, about: str = "", needs: Permission = NONE) -> None:
        sentence = lacking(needs) if reason is FileReason.NOT_PERMITTED and needs else FILE_REASONS[reason]
        super().__init__(f"{about}: {sentence}" if about else sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listed:
    """Something in a folder of the host. `size` in bytes; `modified`: seconds since 1970; `mode`: the nine bits of
    permissions, of a root 4 where it may be read and 2 where it may be written; `link`: a link's text."""

    name: str
    kind: FileKind
    size: int
    modified: float
    mode: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """What is in a folder of the host, or the folders that it shares (`path` is empty then). `more`: others follow the
    last of the rows."""

    path: str
    rows: tuple[Listed, ...]
    more: bool = False


def listed(row: Row) -> Listed:
    """What a row says."""
    name, kind, size, modified_us, mode, link = row[:6]
    known = FileKind(kind) if kind in FileKind._value2member_map_ else FileKind.FILE
    return Listed(name, known, size, modified_us / 1e6, mode, link)


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of a transfer: files that are in place, bytes that travelled, and what was left out and why."""

    files: int
    size: int
    left: tuple[tuple[str, FileReason], ...]
    left_count: int


class State(Enum):
    """How a transfer stands."""

    WAITING = "waits for a lane, or for the host"
    RUNNING = "is under way"
    PAUSED = "pauses"
    OVER = "is over"


#: Asked whether what is there is to be replaced.
Asks = Callable[[Question], Awaitable[bool]]


class Transfer:
    """One transfer, from when it was asked for until it is over, over whatever sessions that takes. `name`: for people;
    `inward`: it writes at the host; `make`: makes its job anew, under a number; `changed`: told when there is something
    new."""

    def __init__(
        self, name: str, inward: bool, make: Callable[[int], Job], needs: Permission, asks: Asks | None = None
    ) -> None:
        self.name, self.inward, self.needs, self.make, self.asks = name, inward, needs, make, asks
        self.state = State.WAITING
        self.left: list[tuple[str, FileReason]] = []
        self.reason: FileReason | None = None
        self.changed: Callable[[Transfer], None] = lambda transfer: None
        self.job: Job | None = None
        self.over: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        #: Set by the service: what pause, resume and cancel do.
        self.act: Callable[[Transfer], None] = lambda transfer: None
        self.wants_pause = self.wants_end = False

    @property
    def tally(self) -> Tally:
        """How far it has come."""
        return self.job.tally if self.job is not None else Tally()

    def pause(self) -> None:
        """Let nothing more come or go."""
        self._want(pause=True)

    def resume(self) -> None:
        """Go on."""
        self._want(pause=False)

    def cancel(self) -> None:
        """End it; what is half written is removed."""
        self.wants_end = True
        self.act(self)

    def _want(self, *, pause: bool) -> None:
        if self.state is not State.OVER:
            self.wants_pause = pause
            self.act(self)

    async def done(self) -> Copied:
        """Wait until it is over. Raises FilesError where it came to nothing as a whole, Refused where the session ended
        for good; who waits no more cancels it."""
        try:
            job = await asyncio.shield(self.over)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if job.over is not FileReason.DONE:
            raise FilesError(job.over or FileReason.FAILED, for_dialog(self.name), self.needs)
        return Copied(job.tally.done, job.tally.moved, tuple(self.left), job.tally.left)


def local_sources(paths: list[Path]) -> tuple[Source, ...]:
    """What is to be sent of this machine. A link that is named itself is followed, those beneath are not. Raises
    FileNotFoundError, ValueError for what has no name."""
    sources = []
    for path in paths:
        whole = path.expanduser().absolute()
        real = whole.resolve(strict=True)
        called = whole.name if is_name(whole.name) else real.name
        if not real.name:
            raise ValueError(f"{path} has no name under which it could be sent: name what is in it")
        sources.append(Source(DiskTree(real.parent), (real.name,), called))
    return tuple(sources)


def local_destination(to: str, single: bool) -> Destination:
    """Where on this machine something goes. Raises FileTrouble."""
    path = Path(to).expanduser()
    if path.is_dir():
        return Destination(DiskTree(path.resolve()), ())
    if not single or to.endswith(("/", "\\")) or not is_name(path.name):
        raise FileTrouble(FileReason.NOT_A_FOLDER if path.exists() else FileReason.NOT_FOUND)
    parent = path.absolute().parent
    if not parent.is_dir():
        raise FileTrouble(FileReason.NOT_FOUND)
    return Destination(DiskTree(parent.resolve()), (), path.name)
