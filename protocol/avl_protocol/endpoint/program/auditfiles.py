"""Files of an audit log (spec 14): segments of JSON lines, the hashes of dropped entries, and the newest signed head;
how they are read, verified, searched and exported. Who writes them is auditlog.py."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry, from_line
from avl_protocol.audit.head import TreeHead, head_of
from avl_protocol.audit.merkle import HASH
from avl_protocol.audit.verify import Fault, Place, follow, verify_heads
from avl_protocol.endpoint.program.state import StateError

#: The log's folder in a state folder.
FOLDER = "audit"
DROPPED, HEAD, ENDING = "dropped.leaves", "head.json", ".jsonl"
#: What a spreadsheet would take for a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for; what is None or "" is not looked at. Times are Unix milliseconds, the second exclusive;
    `text` is looked for in what can still be read, whatever its case."""

    kind: str = ""
    person: str = ""
    device: str = ""
    session: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    text: str = ""

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is one."""
        if self.kind and entry.kind != self.kind:
            return False
        if self.since_ms is not None and entry.time_ms < self.since_ms:
            return False
        if self.until_ms is not None and entry.time_ms >= self.until_ms:
            return False
        if self.person and self.person not in (entry.text("person"), entry.text("by"), entry.text("member")):
            return False
        if self.device and entry.text("device") != self.device:
            return False
        if self.session and entry.text("session") != self.session:
            return False
        if not self.text:
            return True
        looked_for = self.text.casefold()
        read = (entry.kind, *(str(value) for value in entry.said().values() if value is not None))
        return any(looked_for in one.casefold() for one in read)


def segments_of(folder: Path) -> list[tuple[int, Path]]:
    """The segments of a log: number of the first entry, and file; in order."""
    found = [(int(file.stem), file) for file in folder.glob(f"*{ENDING}") if file.stem.isdecimal()]
    return sorted(found)


def segment_file(folder: Path, first: int) -> Path:
    """The file of the segment that begins with this entry."""
    return folder / f"{first:012d}{ENDING}"


def read_lines(file: Path) -> Iterator[bytes]:
    """Lines that are whole, without their line feeds. Raises OSError."""
    with file.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield line[:-1]


def read_head(folder: Path) -> TreeHead | None:
    """The newest head that was signed; None where there is none. Raises ValueError where it can't be read."""
    try:
        return head_of(json.loads((folder / HEAD).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from None


def dropped_leaves(folder: Path) -> list[bytes]:
    """The hashes that are left of dropped entries. Raises OSError."""
    try:
        data = (folder / DROPPED).read_bytes()
    except FileNotFoundError:
        return []
    return [data[at : at + HASH] for at in range(0, len(data) - len(data) % HASH, HASH)]


def entries_of(folder: Path) -> Iterator[Entry]:
    """All that are left, in order, unverified. Raises BadEntry, OSError."""
    for _, file in segments_of(folder):
        for line in read_lines(file):
            yield from_line(line)


def verify_folder(folder: Path, key: bytes, heads: Iterable[TreeHead] = ()) -> Chain:
    """All of a log against itself, its own newest head, and others that somebody has kept. Raises Fault, OSError."""
    chain, dropped = Chain(), dropped_leaves(folder)
    chain.drop(dropped)
    for first, file in segments_of(folder):
        size = chain.size
        if first < len(dropped):  # dropped, and the program ended before the file was gone
            continue
        if first != size:
            raise Fault(f"entries {size} to {first - 1} are missing", size, Place(str(file), 1, 0))
        follow(chain, list(read_lines(file)), str(file))
    try:
        own = read_head(folder)
    except ValueError as error:
        raise Fault(f"the newest head can't be read: {error}", chain.size, Place(str(folder / HEAD), 1, 0)) from None
    known = [*heads, *(() if own is None else (own,))]
    for head in known:
        if head.key != key:
            raise Fault("a head is signed by another key than the log's", head.size, None)
    verify_heads(chain, known)
    return chain


def search(folder: Path, wanted: Wanted, *, limit: int, before: int | None = None) -> tuple[list[Entry], int | None]:
    """The newest entries that are wanted, newest first, of those below `before`; and where the next page begins, None:
    there is none. Raises BadEntry, OSError."""
    found: list[Entry] = []
    for first, file in reversed(segments_of(folder)):
        if before is not None and first >= before:
            continue
        here = [from_line(line) for line in read_lines(file)]
        for entry in reversed(here):
            if (before is None or entry.seq < before) and wanted.takes(entry):
                if len(found) == limit:
                    return found, found[-1].seq
                found.append(entry)
    return found, None


def exported(folder: Path, wanted: Wanted, form: str) -> Iterator[str]:
    """Entries in order, line by line, as `jsonl` (what can be verified) or `csv`. Raises BadEntry, OSError."""
    if form == "csv":
        yield _row(("seq", "time", "kind", "what"))
    for _, file in segments_of(folder):
        for line in read_lines(file):
            entry = from_line(line)
            if not wanted.takes(entry):
                continue
            if form == "csv":
                yield _row((str(entry.seq), time_text(entry.time_ms), entry.kind, said_text(entry)))
            else:
                yield line.decode() + "\n"


def said_text(entry: Entry) -> str:
    """What an event says, on one line."""
    return " ".join(
        f"{name}={'(removed)' if value is None else json.dumps(value, ensure_ascii=False)}"
        for name, value in entry.said().items()
    )


def recent(folder: Path, since_ms: int, kinds: Collection[str]) -> tuple[list[Entry], int]:
    """Entries of these kinds of a whole log that are not older, in order; and from when on it has all of them (Unix
    milliseconds). Raises StateError."""
    words = [kind.encode() for kind in kinds]
    parts: list[list[Entry]] = []
    begun = since_ms
    try:
        for _, file in reversed(segments_of(folder)):
            lines = list(read_lines(file))
            likely = (from_line(line) for line in lines if any(word in line for word in words))
            parts.append([entry for entry in likely if entry.kind in kinds and entry.time_ms >= since_ms])
            begun = from_line(lines[0]).time_ms if lines else begun
            if begun < since_ms:
                break
    except OSError as error:
        raise StateError(f"can't read the audit log in {folder}: {error.strerror}") from None
    return list(itertools.chain(*reversed(parts))), max(since_ms, begun)


def droppable(folder: Path, before_ms: int) -> int:
    """The entry below which all are in full segments and older than this. Raises BadEntry, OSError."""
    segments, cut = segments_of(folder), 0
    for (_, file), (following, _) in itertools.pairwise(segments):
        if max((from_line(line).time_ms for line in read_lines(file)), default=0) >= before_ms:
            break
        cut = following
    return cut


def time_text(time_ms: int) -> str:
    """Unix milliseconds as ISO 8601, in UTC."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return str(time_ms)


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return out.getvalue()
