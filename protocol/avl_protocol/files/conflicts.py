"""Conflicts: what becomes of a file in whose place there is something (spec 15, 15.4; R-SESS-268)."""

from __future__ import annotations

from enum import Enum

from avl_protocol.files.entries import Entry
from avl_protocol.files.tree import Found
from avl_protocol.wire.registry import FileKind, FileOverwrite


class Ruling(Enum):
    """What to do."""

    WRITE = "nothing is there, or it is to be replaced"
    SAME = "it seems to be there already"
    LEAVE = "what is there stays"
    ASK = "a person decides"


def rule(entry: Entry, there: Found | None, overwrite: FileOverwrite, *, differs: bool = False) -> Ruling:
    """What becomes of a file that is offered. `differs`: it was compared with what is there."""
    if there is None:
        return Ruling.WRITE
    if there.kind is not FileKind.FILE or entry.kind is not FileKind.FILE:
        return Ruling.LEAVE
    if not differs and (there.size, there.modified_us) == (entry.size, entry.modified_us):
        return Ruling.SAME
    if overwrite is FileOverwrite.ALWAYS:
        return Ruling.WRITE
    if overwrite is FileOverwrite.NEWER:
        return Ruling.WRITE if entry.modified_us > there.modified_us else Ruling.LEAVE
    return Ruling.LEAVE if overwrite is FileOverwrite.NEVER else Ruling.ASK
