"""What a person asks of an audit log at a terminal (spec 14): is it whole, what does it say, and what is missing next
to another. Each answers with lines to be shown, or raises AuditError."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from avl_protocol.audit.compare import compare
from avl_protocol.audit.entry import BadEntry, Entry, from_line
from avl_protocol.audit.head import TreeHead, head_of
from avl_protocol.audit.verify import Fault, verify_lines
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.auditfiles import (
    FOLDER,
    Wanted,
    dropped_leaves,
    entries_of,
    exported,
    read_head,
    said_text,
    search,
    time_text,
    verify_folder,
)
from avl_protocol.wire.foreign import for_terminal

_FORM = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?Z?")


class AuditError(Exception):
    """What was asked for cannot be answered with a yes. The text says why."""


def folder_of(state: Path) -> Path:
    """The log of a state folder. Raises AuditError where there is none."""
    folder = state / FOLDER
    if not folder.is_dir():
        raise AuditError(f"there is no audit log in {folder}; name the state folder with --state")
    return folder


def verify(state: Path, kept: Sequence[Path] = ()) -> str:
    """Verify the log of a state folder, also against heads that were kept elsewhere."""
    folder = folder_of(state)
    try:
        seed = (state / "identity.key").read_bytes()
        key = Identity(seed).public
        heads = [head for file in kept for head in heads_in(file.read_text("utf-8"), key)]
        chain = verify_folder(folder, key, heads)
        own, dropped = read_head(folder), len(dropped_leaves(folder))
    except Fault as fault:
        raise AuditError(f"the log is NOT whole: {fault}") from None
    except (OSError, ValueError) as error:
        raise AuditError(f"the log can't be verified: {error}") from None
    held = f", {len(heads)} kept head{'' if len(heads) == 1 else 's'} held" if kept else ""
    gone = f", of {dropped} only the hashes are left" if dropped else ""
    newest = "no head yet" if own is None else f"head of {own.size}, {time_text(own.time_ms)}"
    return f"{chain.size} entries are whole{gone}; {newest}{held}; root {chain.tree.root().hex()}"


def heads_in(text: str, key: bytes) -> list[TreeHead]:
    """Heads of a file: a head, a list of them, or what a witness keeps; those of other logs are left out. Raises
    ValueError."""
    read = json.loads(text)
    if isinstance(read, dict) and "heads" in read:
        found = [*read["heads"], *(head for pair in read.get("evidence", ()) for head in pair)]
    else:
        found = read if isinstance(read, list) else [read]
    return [head for head in map(head_of, found) if head.key == key]


def head(state: Path) -> str:
    """The newest head, as a line of JSON that `verify` takes."""
    try:
        found = read_head(folder_of(state))
    except ValueError as error:
        raise AuditError(f"the newest head can't be read: {error}") from None
    if found is None:
        raise AuditError("no head has been signed yet")
    return json.dumps(found.to_dict())


def export(state: Path, wanted: Wanted, form: str) -> Iterator[str]:
    """Lines of JSON or of CSV, with their ends."""
    try:
        yield from exported(folder_of(state), wanted, form)
    except (BadEntry, OSError) as error:
        raise AuditError(f"the log can't be read: {error}") from None


def found(state: Path, wanted: Wanted, limit: int) -> list[str]:
    """The newest that are wanted, oldest first, a line each, fit for a terminal."""
    try:
        entries, _ = search(folder_of(state), wanted, limit=limit)
    except (BadEntry, OSError) as error:
        raise AuditError(f"the log can't be read: {error}; 'audit verify' says more") from None
    return [shown(entry) for entry in reversed(entries)]


def shown(entry: Entry) -> str:
    """An entry on one line."""
    return for_terminal(f"{entry.seq:>8}  {time_text(entry.time_ms)}  {entry.kind:<18}  {said_text(entry)}", 1000)


def compared(state: Path, other: Path, device: str, *, at_relay: bool) -> str:
    """Compare with another's export (lines of JSON): a relay's log with a host's, or a host's with a relay's."""
    try:
        lines = other.read_bytes().splitlines(keepends=True)
        verify_if_whole(lines, str(other))
        theirs = [from_line(line.rstrip(b"\n")) for line in lines]
        ours = list(entries_of(folder_of(state)))
    except Fault as fault:
        raise AuditError(f"the other log is NOT whole: {fault}") from None
    except (BadEntry, OSError) as error:
        raise AuditError(f"the logs can't be compared: {error}") from None
    relay, host = (ours, theirs) if at_relay else (theirs, ours)
    missing = compare(relay, host, device)
    if missing:
        raise AuditError("\n".join(f"{time_text(one.time_ms)}  {one}" for one in missing))
    return "every session is in both logs"


def verify_if_whole(lines: Iterable[bytes], file: str) -> None:
    """Verify an export that begins with the first entry; of another nothing can be said. Raises Fault, BadEntry."""
    kept = list(lines)
    if kept and from_line(kept[0].rstrip(b"\n")).seq == 0:
        verify_lines(kept, file)


def milliseconds(text: str | None) -> int | None:
    """A day or a time in UTC, `2026-11-28` or `2026-11-28T20:15`, as Unix milliseconds. Raises AuditError."""
    if text is None:
        return None
    try:
        if _FORM.fullmatch(text) is None:
            raise ValueError
        read = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise AuditError(f"{text}: a day or a time in UTC, such as 2026-11-28 or 2026-11-28T20:15") from None
    return int(read.replace(tzinfo=UTC).timestamp() * 1000)
