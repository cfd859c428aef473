"""Tree: what a transfer needs of a file system beneath one folder, and what goes wrong there.

Paths are tuples of names, relative to that folder; nothing beneath it is reached by a link. Every method may block: a
transfer calls them on a thread of its own (`endpoint/files/disk.py` is the real one, `memory.py` the double).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from avl_protocol.files.names import Naming
from avl_protocol.wire.registry import FILE_REASONS, FileKind, FileReason

Names = tuple[str, ...]


class FileTrouble(Exception):
    """Something can't be read or written, because of `reason`."""

    def __init__(self, reason: FileReason, about: str = "") -> None:
        super().__init__(f"{about}: {FILE_REASONS[reason]}" if about else FILE_REASONS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a place. `version`: changes when it is another file or has other content."""

    kind: FileKind
    size: int = 0
    modified_us: int = 0
    mode: int = 0
    link: str = ""
    version: tuple[int, ...] = ()


class Reader(Protocol):
    """A file that is open for reading."""

    @property
    def found(self) -> Found:
        """What it was when it was opened."""

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on: fewer only at the end. Raises FileTrouble."""

    def next_data(self, offset: int) -> int:
        """Where the next bytes are that may not be zero, from an offset on; the size where none follow."""

    def unchanged(self) -> bool:
        """Whether it still is what it was when it was opened."""

    def close(self) -> None:
        """Be done with it."""


class Writer(Protocol):
    """A file that is being written beside its place, and nobody else writes."""

    @property
    def version(self) -> tuple[int, ...]:
        """What was there of it when it was opened; () where nothing was."""

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes at an offset; what is skipped is zero. Raises FileTrouble."""

    def resize(self, size: int) -> None:
        """Cut it there, or let it end there in zeros. Raises FileTrouble."""

    def write_out(self) -> None:
        """Begin to bring it to the disk, so that `finish` waits less."""

    def finish(self, mode: int, modified_us: int, replaces: tuple[int, ...] | None) -> None:
        """Bring it to the disk, and give it mode, time and its name, in one step. `replaces`: the version of what it
        takes the place of; None: nothing may be there. Raises FileTrouble: EXISTS where something else is there by
        now."""

    def discard(self) -> None:
        """Remove it."""

    def close(self) -> None:
        """Keep what there is, to go on with it later."""


class Tree(Protocol):
    """Everything beneath one folder. All methods raise FileTrouble."""

    @property
    def naming(self) -> Naming:
        """What the system there thinks of names."""

    def look(self, names: Names) -> Found | None:
        """What is there; None: nothing. A link is not followed."""

    def spelled(self, names: Names) -> str:
        """How the last of these names, which is there, is really spelled."""

    def names(self, folder: Names) -> Iterator[str]:
        """The names in a folder, in any order."""

    def read(self, names: Names) -> Reader:
        """Open a file."""

    def part(self, names: Names) -> Reader | None:
        """What there is of a file that was being written; None: nothing. BUSY where somebody writes it."""

    def write(self, names: Names) -> Writer:
        """Begin to write a file, or go on with it. BUSY where somebody else writes it."""

    def make_folder(self, names: Names, mode: int) -> None:
        """Make a folder, in one that is there; its maker may write in it, whatever `mode` says."""

    def finish_folder(self, names: Names, mode: int, modified_us: int) -> None:
        """Give a folder its mode (0: as it is) and time, and make sure that its names last."""

    def make_link(self, names: Names, text: str) -> None:
        """Make a link, in the place of no other thing but a link."""

    def free(self) -> int:
        """Bytes that can still be written."""

    def close(self) -> None:
        """Keep nothing open until it is used again."""
