"""Roots: the folders that a host shares, each for reading, for writing or both, and where a viewer's path leads there
(spec 15, 15.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from avl_protocol.files.destination import Destination, placed
from avl_protocol.files.listing import Row, rows_of
from avl_protocol.files.memory import MemoryTree
from avl_protocol.files.names import names_of
from avl_protocol.files.tree import FileTrouble, Names, Tree
from avl_protocol.files.walk import Source
from avl_protocol.wire.registry import MAX_FILE_PATH, FileKind, FileReason

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
#: What is shared where nothing is said: viewers leave something where it is looked for, and read nothing.
DEFAULT = ("~/Downloads:w",)
#: Bits of a root's mode in a listing.
READS, WRITES = 4, 2


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that is shared. `limit`: bytes of one transfer, 0: as many as there is room for."""

    path: Path
    reads: bool
    writes: bool
    limit: int = 0


def parse_root(text: str) -> Root:
    """What `PATH[:r|w|rw][:SIZE]` shares. Raises ValueError with what to write."""
    found = re.fullmatch(r"(?P<path>.+?)(?::(?P<how>r|w|rw))?(?::(?P<limit>\d+[kKmMgGtT]?))?", text)
    wrong = (
        f"--files takes PATH:r, PATH:w or PATH:rw, with :SIZE behind it if there is a limit, such as 10G; not {text!r}"
    )
    if found is None:
        raise ValueError(wrong)
    path = Path(found["path"]).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{wrong}: the path has to begin with / or ~")
    how, limit = found["how"] or "rw", (found["limit"] or "0").lower()
    unit = limit[-1] if limit[-1] in _UNITS else ""
    return Root(path, "r" in how, "w" in how, int(limit.removesuffix(unit)) * _UNITS[unit])


def parse_roots(texts: tuple[str, ...]) -> tuple[Root, ...]:
    """What several share; "none" alone: nothing; none at all: what is shared by default. Raises ValueError."""
    if texts == ("none",):
        return ()
    return tuple(parse_root(text) for text in texts or DEFAULT)


@dataclass(frozen=True, slots=True)
class Located:
    """A place in a root."""

    root: Root
    tree: Tree
    names: Names

    @property
    def shown(self) -> str:
        """Its whole path."""
        return "/".join((self.root.path.as_posix().rstrip("/"), *self.names))


class Roots:
    """All that is shared. `open_tree`: opens a folder of this machine; the flag says that it may be made first. `home`:
    what `~` stands for."""

    def __init__(
        self,
        roots: tuple[Root, ...] = (),
        open_tree: Callable[[Path, bool], Tree] = lambda path, makes: MemoryTree(),
        home: Path | None = None,
    ) -> None:
        self._roots = roots
        self._open = open_tree
        self._home = home

    def locate(self, path: str, *, writes: bool) -> Located:
        """Where a path leads that may be written, or read. Raises FileTrouble: NOT_SHARED whatever is there, or
        BAD_NAME."""
        allowed = [root for root in self._roots if (root.writes if writes else root.reads)]
        if len(path) > MAX_FILE_PATH:
            raise FileTrouble(FileReason.BAD_NAME)
        path = path.replace("\\", "/") if re.match(r"[A-Za-z]:[\\/]", path) else path
        if path == "~" or path.startswith("~/"):
            path = ((self._home or Path.home()) / path[2:]).as_posix() + ("/" if path.endswith("/") else "")
        if not path.startswith("/") and not re.match(r"[A-Za-z]:/", path):
            if not allowed:
                raise FileTrouble(FileReason.NOT_SHARED)
            return self._located(allowed[0], path.strip("/"), writes)
        best: tuple[Root, str] | None = None
        for root in allowed:
            for prefix in {root.path.as_posix(), root.path.resolve().as_posix()}:
                within = path.rstrip("/") == prefix or path.startswith(prefix.rstrip("/") + "/")
                if within and (best is None or len(prefix) > len(path) - len(best[1])):
                    best = root, path[len(prefix) :].strip("/")
        if best is None:
            raise FileTrouble(FileReason.NOT_SHARED)
        return self._located(*best, writes)

    def _located(self, root: Root, rest: str, writes: bool) -> Located:
        if ".." in rest.split("/"):
            raise FileTrouble(FileReason.NOT_SHARED)  # it need not lead out: nobody is told whether it does
        names = names_of(rest) if rest else ()
        if isinstance(names, FileReason):
            raise FileTrouble(names)
        return Located(root, self._open(root.path, writes), names)

    def shares(self, *, writes: bool) -> bool:
        """Whether anything may be written, or read."""
        return any(root.writes if writes else root.reads for root in self._roots)

    def shown(self, path: str, *, writes: bool) -> str:
        """The whole path of what is there and may be written, or read; "" for what may not, or is not there."""
        try:
            there = self.locate(path, writes=writes)
            found = there.tree.look(there.names)
        except FileTrouble:
            return ""
        return there.shown if found is not None and found.kind is not FileKind.LINK else ""

    def rows(self, path: str, after: str) -> tuple[str, Iterator[Row]]:
        """What is in a folder, and its whole path; what is shared, for an empty one. Raises FileTrouble."""
        if not path:
            rows = [
                (
                    root.path.as_posix(),
                    int(FileKind.FOLDER),
                    root.limit,
                    0,
                    READS * root.reads | WRITES * root.writes,
                    "",
                )
                for root in self._roots
            ]
            return "", iter(sorted(row for row in rows if row[0] > after))
        there = self.locate(path, writes=False)
        try:
            found = there.tree.look(there.names)
        finally:
            there.tree.close()
        if found is None:
            raise FileTrouble(FileReason.NOT_FOUND)
        if found.kind is not FileKind.FOLDER:
            raise FileTrouble(FileReason.NOT_A_FOLDER)
        return there.shown, rows_of(there.tree, there.names, after)

    def sources(self, paths: tuple[str, ...]) -> tuple[tuple[Source, ...], int]:
        """What is to be sent, and the most bytes of it (0: any). Raises FileTrouble."""
        located = [self.locate(path, writes=False) for path in paths]
        limits = [there.root.limit for there in located if there.root.limit]
        made = (Source(there.tree, there.names, (*there.root.path.parts[-1:], *there.names)[-1]) for there in located)
        return tuple(made), min(limits, default=0)

    def destination(self, path: str, single: bool, size: int) -> Destination:
        """Where so many bytes go. Raises FileTrouble."""
        there = self.locate(path, writes=True)
        if there.root.limit and size > there.root.limit:
            raise FileTrouble(FileReason.TOO_LARGE)
        return placed(there.tree, there.names, single, into=path.endswith("/") or not path)
