"""Listing: what is in a folder, told in the order of names, however many there are (spec 15, 15.3)."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from avl_protocol.files.entries import known_reason
from avl_protocol.files.job import JobEvent, Tally, Task
from avl_protocol.files.names import PART
from avl_protocol.files.tree import FileTrouble, Names, Tree
from avl_protocol.wire.endtoend import FileList, FileMessage, FileRows, FileStop
from avl_protocol.wire.registry import MAX_FILE_ROWS, FileReason

Row = tuple[Any, ...]
#: Names that are held at a time.
_HELD = 64 * MAX_FILE_ROWS


def rows_of(tree: Tree, folder: Names, after: str) -> Iterator[Row]:
    """Rows of (name, kind, size, modified_us, mode, link) behind a name. What is neither file, folder nor link, and
    what can't be looked at, is left out. The tree is closed behind them. Raises FileTrouble."""
    try:
        while True:
            names = heapq.nsmallest(_HELD, (name for name in tree.names(folder) if name > after and _shown(name)))
            for name in names:
                try:
                    found = tree.look((*folder, name))
                except FileTrouble:
                    continue
                if found is not None:
                    yield (name, int(found.kind), found.size, found.modified_us, found.mode, found.link)
            if len(names) < _HELD:
                return
            after = names[-1]
    finally:
        tree.close()


def _shown(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not name.endswith(PART)


class Listing:
    """Tells what is in a folder. `find`: gives its whole path and its rows, on the thread of tasks; raises
    FileTrouble."""

    def __init__(self, job: int, find: Callable[[], tuple[str, Iterator[Row]]]) -> None:
        self.tally = Tally()
        self.events: deque[JobEvent] = deque()
        self.over: FileReason | None = None
        self._job, self._find = job, find
        self._path = ""
        self._rows: Iterator[Row] | None = None
        self._out: deque[FileMessage] = deque()

    def receive(self, message: FileMessage, now: float) -> None:
        """The viewer wants no more, or says what it may not."""
        if isinstance(message, FileStop):
            self.stop(known_reason(message.reason), told=False)
        else:
            self.stop(FileReason.BAD_REQUEST)

    def next_message(self) -> FileMessage | None:
        """The next rows."""
        return self._out.popleft() if self._out else None

    def next_task(self) -> Task | None:
        """Read on, once what was read has been told."""
        return None if self.over is not None or self._out else self._read

    def _read(self) -> list[Row] | FileReason:
        try:
            if self._rows is None:
                self._path, self._rows = self._find()
            rows: list[Row] = []
            for row in self._rows:
                rows.append(row)
                if len(rows) == MAX_FILE_ROWS:
                    break
            return rows
        except FileTrouble as trouble:
            return trouble.reason

    def task_done(self, result: Any, now: float) -> None:
        """Tell what was read."""
        if self.over is not None:
            return
        if isinstance(result, FileReason):
            self.stop(result)
            return
        last = len(result) < MAX_FILE_ROWS
        self._out.append(FileRows(self._job, self._path, tuple(result), last))
        self.over = FileReason.DONE if last else None

    def decide(self, number: int, replace: bool) -> None:
        """Nothing is to be decided."""

    def pause(self, paused: bool) -> None:
        """A listing does not pause."""

    def stop(self, reason: FileReason, *, told: bool = True) -> None:
        """End it."""
        if self.over is not None:
            return
        self.over = reason
        self._out.clear()
        if told:
            self._out.append(FileStop(self._job, int(reason)))


class Looking:
    """The viewer's side of a listing: asks for a folder, and keeps its `rows` behind the name `after`; `path`: the
    folder's whole path; `most`: rows after which it has had enough (there may be some more than that), and `more` says
    whether others follow."""

    def __init__(self, job: int, path: str, after: str = "", most: int | None = None) -> None:
        self.tally = Tally()
        self.events: deque[JobEvent] = deque()
        self.over: FileReason | None = None
        self.path = path
        self.rows: list[Row] = []
        self._job = job
        self.more = False
        self._most = most
        self._out: deque[FileMessage] = deque([FileList(job, path, after)])

    def receive(self, message: FileMessage, now: float) -> None:
        """The host tells what is there."""
        if self.over is not None:
            return
        if isinstance(message, FileStop):
            self.stop(known_reason(message.reason), told=False)
        elif isinstance(message, FileRows) and all(_is_row(row) for row in message.rows):
            self.path = message.path
            self.rows += message.rows
            self.over = FileReason.DONE if message.last else None
            if self.over is None and self._most is not None and len(self.rows) >= self._most:
                self.stop(FileReason.CANCELLED)
                self.over, self.more = FileReason.DONE, True
        else:
            self.stop(FileReason.BAD_REQUEST)

    def next_message(self) -> FileMessage | None:
        """The question, or that there is enough."""
        return self._out.popleft() if self._out else None

    def next_task(self) -> Task | None:
        """Nothing blocks here."""
        return None

    def task_done(self, result: Any, now: float) -> None:
        """There are no tasks."""

    def decide(self, number: int, replace: bool) -> None:
        """Nothing is to be decided."""

    def pause(self, paused: bool) -> None:
        """A listing does not pause."""

    def stop(self, reason: FileReason, *, told: bool = True) -> None:
        """End it."""
        if self.over is None:
            self.over = reason
            self._out.clear()
            if told:
                self._out.append(FileStop(self._job, int(reason)))


def _is_row(row: Row) -> bool:
    types = (str, int, int, int, int, str)
    return len(row) >= len(types) and all(type(value) is kind for value, kind in zip(row, types, strict=False))
