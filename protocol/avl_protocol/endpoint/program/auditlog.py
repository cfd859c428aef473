"""AuditLog: writes a program's audit log (spec 14) into a folder.

Whoever opens it verifies all of it. What a crash has left of a last line is cut; after any other fault the log is only
read, since what came after would seem to follow from what is false. A head is signed only of what the disk holds, so
that a crash never looks like a log that somebody has cut.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from avl_protocol.audit.chain import Chain
from avl_protocol.audit.entry import Entry, Opened, from_line, to_line
from avl_protocol.audit.head import TreeHead
from avl_protocol.audit.verify import Fault
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.auditfiles import (
    DROPPED,
    HEAD,
    dropped_leaves,
    read_head,
    read_lines,
    segment_file,
    segments_of,
    verify_folder,
)
from avl_protocol.endpoint.program.state import StateError, StateFolder, write_whole

#: Entries of a segment, and milliseconds that it lasts: what is dropped is dropped by segments.
SEGMENT, SEGMENT_MS = 10_000, 24 * 3_600_000
#: Bytes that wait while the disk takes nothing: what comes after is counted, and lost.
MOST_WAITING = 8 << 20


class AuditLog:
    """The log in `folder`, signed by `identity`. `program` and `software` are what its first entry says. Nothing is
    read before `open`, which may be called in another thread, once, before anything else."""

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        *,
        entropy: Callable[[int], bytes],
        program: str,
        software: str,
    ) -> None:
        #: Where it is.
        self.folder = folder
        self._identity, self._entropy = identity, entropy
        self._program, self._software = program, software
        self._chain = Chain()
        self._waiting = bytearray()
        self._file: int | None = None
        #: Full segments whose files the disk may not hold yet.
        self._files: list[int] = []
        self._first, self._begun_ms = 0, 0
        #: Entries that the disk holds, and that a head is signed of.
        self._kept = self._signed = 0
        self._lost = 0
        #: The newest head that was signed: of entries that the disk holds.
        self.head: TreeHead | None = None
        #: The place from which on the log is false; it is only read then.
        self.fault: Fault | None = None
        #: Why nothing can be written now; "": it can.
        self.trouble = ""

    # opening

    def open(self, now_ms: int) -> None:
        """Verify what is there, cut what a crash has left of a last line, and say that the log goes on. Raises
        StateError where the folder can't be used."""
        StateFolder(self.folder)
        try:
            lost = self._cut()
            self._chain = verify_folder(self.folder, self._identity.public)
            self.head = read_head(self.folder)
            self._resume()
        except Fault as fault:
            self.fault, self.trouble = fault, str(fault)
            return
        except OSError as error:
            raise StateError(f"can't read the audit log in {self.folder}: {error.strerror}") from None
        if not self._chain.size:
            self.append("log_begun", {"program": self._program, "software": self._software}, now_ms)
        else:
            self.append("log_resumed", {"lost_bytes": lost, "software": self._software}, now_ms)
        self.sync(now_ms)

    def _cut(self) -> int:
        """Bytes after the last line feed of the last segment, which are cut."""
        segments = segments_of(self.folder)
        if not segments:
            return 0
        with segments[-1][1].open("r+b") as stream:
            data = stream.read()
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                stream.truncate(whole)
                stream.flush()
                os.fsync(stream.fileno())
        return len(data) - whole

    def _resume(self) -> None:
        """Go on in the last segment; and end a dropping that a crash has cut short."""
        dropped = len(dropped_leaves(self.folder))
        for first, file in segments_of(self.folder):
            if first < dropped:
                file.unlink()
            else:
                self._first = first
        self._first = max(self._first, dropped)
        line = next(iter(read_lines(self._current)), None) if self._current.exists() else None
        self._begun_ms = 0 if line is None else from_line(line).time_ms

    @property
    def _current(self) -> Path:
        return segment_file(self.folder, self._first)

    # writing

    @property
    def size(self) -> int:
        """Entries, dropped ones included."""
        return self._chain.size

    def append(self, kind: str, said: Mapping[str, object], now_ms: int) -> Entry | None:
        """Add an event (Unix milliseconds); it is written by the next `flush`. None where the log takes nothing any
        more: it is counted. Raises NotLogged for what no log takes."""
        if self.fault is not None or len(self._waiting) > MOST_WAITING:
            self._lost += 1
            return None
        if self._lost:
            lost, self._lost = self._lost, 0
            self._take("events_lost", {"count": lost, "why": "disk"}, now_ms)
        return self._take(kind, said, now_ms)

    def _take(self, kind: str, said: Mapping[str, object], now_ms: int) -> Entry:
        full = self._chain.size - self._first >= SEGMENT or now_ms - self._begun_ms >= SEGMENT_MS
        if full and self._chain.size > self._first and self.flush():
            self._close_file()
            self._first = self._chain.size
        if self._chain.size == self._first:
            self._begun_ms = now_ms
        entry = self._chain.append(kind, said, now_ms=now_ms, entropy=self._entropy)
        self._waiting += to_line(entry).encode()
        self._waiting += b"\n"
        return entry

    def flush(self) -> bool:
        """Hand what waits to the system; whether it took all."""
        try:
            while self._waiting:
                if self._file is None:
                    self._file = os.open(self._current, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                written = os.write(self._file, self._waiting)
                del self._waiting[:written]
        except OSError as error:
            self._failed(error)
            return False
        return True

    def begin_keeping(self, now_ms: int, *, sign: bool) -> Keeping | None:
        """Hand what waits to the system. What is left to do takes time: `run` of what is returned, in whichever thread,
        and then `end_keeping`; one at a time. None: there is nothing to do, or it can't be. `sign`: a new head, too."""
        if self.fault is not None or not self.flush():
            return None
        if self._kept == self._chain.size and (not sign or self._signed == self._chain.size):
            return None
        files, self._files = self._files, []
        if self._file is not None:
            files.append(os.dup(self._file))
        head = self._chain.head(self._identity, now_ms) if sign else None
        return Keeping(self.folder, tuple(files), self._chain.size, head)

    def end_keeping(self, keeping: Keeping) -> None:
        """It has run."""
        if keeping.why:
            self.trouble = f"can't write the audit log in {self.folder}: {keeping.why}"
            return
        self.trouble = ""
        self._kept = keeping.size
        if keeping.head is not None:
            self.head, self._signed = keeping.head, keeping.size

    def sync(self, now_ms: int) -> bool:
        """All of that at once, with a new head; whether the disk holds it all."""
        if (keeping := self.begin_keeping(now_ms, sign=True)) is not None:
            keeping.run()
            self.end_keeping(keeping)
        return self._kept == self._chain.size and self.fault is None

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the first `new` entries begin with the first `old`. Raises ValueError."""
        return self._chain.tree.consistency(old, new)

    def close(self, now_ms: int) -> None:
        """Write and sign what there is, and let go."""
        self.sync(now_ms)
        self._close_file()

    # what is old

    def drop(self, cut: int, now_ms: int) -> int:
        """Drop the entries below `cut`, which auditfiles.droppable has found; their hashes stay. How many were dropped.
        The log says so. Raises OSError, StateError."""
        dropped = len(dropped_leaves(self.folder))
        if self.fault is not None or cut <= dropped:
            return 0
        self.append("entries_dropped", {"before": cut}, now_ms)
        if not self.sync(now_ms):
            return 0
        write_whole(self.folder / DROPPED, b"".join(self._chain.tree.leaf(number) for number in range(cut)))
        for first, file in segments_of(self.folder):
            if first < cut:
                file.unlink()
        return cut - dropped

    def forget(self, person: str, now_ms: int) -> int:
        """Remove what could name a person from all entries about her; how many were changed. The log says so. Raises
        OSError, StateError."""

        changed = without_person(self.begin_forgetting(now_ms), person)
        self.append("personal_removed", {"person": person, "entries": changed}, now_ms)
        return changed

    def begin_forgetting(self, now_ms: int) -> list[Path]:
        """The files of all entries so far, which are written to no more; `without_person` then takes its time with
        them, in whichever thread."""
        if self.fault is not None or not self.sync(now_ms):
            return []
        self._close_file()
        self._first, self._begun_ms = self._chain.size, now_ms
        return [file for _, file in segments_of(self.folder)]

    # within

    def _failed(self, error: OSError) -> None:
        self.trouble = f"can't write the audit log in {self.folder}: {error.strerror}"

    def _close_file(self) -> None:
        """What was written to it is kept by who keeps the rest."""
        if self._file is not None:
            self._files.append(self._file)
            self._file = None


class Keeping:
    """What is left to be done so that a crash takes nothing: the disk is waited for. `size`: entries that it then
    holds; `head`: of them, to be kept too."""

    __slots__ = ("_files", "_folder", "head", "size", "why")

    def __init__(self, folder: Path, files: tuple[int, ...], size: int, head: TreeHead | None) -> None:
        self._folder, self._files = folder, files
        self.size, self.head = size, head
        #: Why it was not done; "": it was.
        self.why = ""

    def run(self) -> None:
        """Do it."""
        try:
            for file in self._files:
                os.fsync(file)
            if self._files:
                _sync_folder(self._folder)
            if self.head is not None:
                write_whole(self._folder / HEAD, json.dumps(self.head.to_dict()).encode())
        except OSError as error:
            self.why = error.strerror or str(error)
        except StateError as error:
            self.why = str(error)
        finally:
            for file in self._files:
                with contextlib.suppress(OSError):
                    os.close(file)


def rewrite(files: Sequence[Path], change: Callable[[Entry], Entry]) -> int:
    """Change what stands beside entries, `opened`, and nothing else, in files that nobody writes meanwhile; how many
    were changed. Raises BadEntry, OSError, StateError."""
    total = 0
    for file in files:
        after, changed = [], 0
        for line in read_lines(file):
            entry = from_line(line)
            opened = change(entry).opened
            if opened != entry.opened:
                changed += 1
                line = to_line(replace(entry, opened=opened)).encode()
            after.append(line + b"\n")
        if changed:
            write_whole(file, b"".join(after))
            total += changed
    return total


def without_person(files: Sequence[Path], person: str) -> int:
    """Remove what could name a person from entries about her, or by her, in files that nobody writes meanwhile; how
    many were changed. Who tried to sign in by a name of hers is one of them. Raises BadEntry, OSError, StateError."""
    mine = {person}
    logins = {
        entry.text("login").lower()
        for file in files
        for entry in map(from_line, read_lines(file))
        if entry.text("person") in mine and entry.text("login")
    }

    def without(entry: Entry) -> Entry:
        person = entry.text("person")
        guessed = not person and entry.text("login").lower() in logins
        about = person in mine or entry.text("by") in mine
        return replace(entry, opened={}) if about or guessed else entry

    return rewrite(files, without)


def shorten(folder: Path, before_ms: int) -> int:
    """Shorten the addresses of entries that are older than this (Unix milliseconds), in segments that are full; how
    many entries were changed. What is chained stays as it is. Raises BadEntry, OSError, StateError."""
    files = [file for _, file in segments_of(folder)[:-1]]
    return rewrite(files, lambda entry: _shortened(entry) if entry.time_ms < before_ms else entry)


def _sync_folder(path: Path) -> None:
    """A new file is one that a crash does not take away."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _shortened(entry: Entry) -> Entry:
    opened = {
        name: Opened(shortened(one.text), None) if name == "address" and one.salt is not None else one
        for name, one in entry.opened.items()
    }
    return replace(entry, opened=opened)


def shortened(address: str) -> str:
    """The network of an address or a network: /24 or /48; "" for what is none."""
    try:
        read = ip_address(address.partition("%")[0].partition("/")[0])
    except ValueError:
        return ""
    return str(ip_network((read, 24 if read.version == 4 else 48), strict=False))
