"""Entries: what is offered of a tree, and what is answered; how both travel as rows (spec 15, 15.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from avl_protocol.files.hashing import HASH_BYTES
from avl_protocol.wire.registry import MAX_FILE_PATH, FileKind, FileReason, FileVerdict

#: Above every size and time that is believed.
_MOST = 1 << 53


class NotARow(ValueError):
    """What came is no such row: the other side does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link that is offered under a number. `path`: relative, as it travels; `modified_us`:
    microseconds since 1970; `mode`: the nine bits of permissions, 0: not known; `link`: a link's text."""

    number: int
    kind: FileKind
    path: str
    size: int = 0
    modified_us: int = 0
    mode: int = 0
    link: str = ""

    def row(self) -> tuple[Any, ...]:
        """As it travels."""
        return (self.number, int(self.kind), self.path, self.size, self.modified_us, self.mode, self.link)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """The entry that a row says. Raises NotARow."""
    if len(row) < 7:
        raise NotARow("an offer has seven columns")
    number, kind, path, size, modified_us, mode, link = row[:7]
    whole = all(type(value) is int and 0 <= value < _MOST for value in (number, kind, size, mode))
    if not whole or type(modified_us) is not int or abs(modified_us) >= _MOST or type(path) is not str:
        raise NotARow("an offer is of numbers and a path")
    if type(link) is not str or len(link) > MAX_FILE_PATH or kind not in FileKind._value2member_map_:
        raise NotARow("an offer is of a kind and a link")
    return Entry(number, FileKind(kind), path, size, modified_us, mode & 0o777, link)


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of an offer. WANT and HAVE: `hash` of the `size` bytes that are there; EXISTS: size and time of what
    is there; LEFT: `reason`."""

    number: int
    verdict: FileVerdict
    size: int = 0
    modified_us: int = 0
    hash: bytes = b""
    reason: FileReason = FileReason.DONE

    def row(self) -> tuple[Any, ...]:
        """As it travels."""
        told = int(self.reason) if self.verdict is FileVerdict.LEFT else self.modified_us
        return (self.number, int(self.verdict), self.size, told, self.hash)


def answer_of(row: tuple[Any, ...]) -> Answer:
    """The answer that a row says. Raises NotARow."""
    if len(row) < 5:
        raise NotARow("an answer has five columns")
    number, verdict, size, told, digest = row[:5]
    if any(type(value) is not int or not -_MOST < value < _MOST for value in (number, verdict, size, told)):
        raise NotARow("an answer is of numbers")
    if verdict not in FileVerdict._value2member_map_ or type(digest) is not bytes or len(digest) not in (0, HASH_BYTES):
        raise NotARow("an answer is of a verdict and a hash")
    if verdict == FileVerdict.LEFT:
        return Answer(number, FileVerdict.LEFT, size, 0, digest, known_reason(told))
    return Answer(number, FileVerdict(verdict), size, told, digest)


def known_reason(number: int) -> FileReason:
    """The reason of this number; FAILED for one that this version does not know."""
    return FileReason(number) if number in FileReason._value2member_map_ else FileReason.FAILED
