"""Sender: the end of a transfer that has the files (spec 15, 15.4).

It offers what a walk meets, and sends what is wanted, a block at a time, as far as the receiver's credit reaches.
Offers, files that are read and blocks that wait are bounded, however large the tree is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from avl_protocol.files.entries import Answer, Entry, NotARow, answer_of, known_reason
from avl_protocol.files.hashing import ZEROS, FileHash, hash_of
from avl_protocol.files.job import JobEvent, Question, Settled, Tally, Task
from avl_protocol.files.tree import FileTrouble, Reader
from avl_protocol.files.walk import Place, Source, count, walk
from avl_protocol.wire.endtoend import (
    FileAnswer,
    FileCredit,
    FileData,
    FileDecide,
    FileDone,
    FileFail,
    FileMessage,
    FileOffer,
    FileStart,
    FileStop,
)
from avl_protocol.wire.registry import (
    MAX_FILE_BLOCK,
    MAX_FILE_OFFERS,
    MAX_FILE_ROWS,
    FileKind,
    FileReason,
    FileVerdict,
)

#: Bytes that are read ahead of what was sent.
AHEAD = 4 * MAX_FILE_BLOCK
#: Files that one task reads at most.
_FILES = 64


@dataclass(slots=True)
class _Reading:
    """The file that is being sent, and the hash of what was."""

    offer: _Offer
    reader: Reader
    hash: FileHash = field(default_factory=FileHash)


@dataclass(slots=True)
class _Offer:
    """Something that was offered, and what was answered."""

    entry: Entry
    place: Place
    answer: Answer | None = None


@dataclass(slots=True)
class _Pulled:
    """What a reading task has made, and the offers that it did not come to."""

    messages: list[FileMessage] = field(default_factory=list)
    size: int = 0
    left: list[_Offer] = field(default_factory=list)


class Sender:
    """Sends what `sources` are. `begin`: makes the message that tells how many files and bytes there are; it may raise
    FileTrouble."""

    def __init__(
        self, job: int, sources: tuple[Source, ...], folders: bool, begin: Callable[[int, int], FileMessage]
    ) -> None:
        self.tally = Tally()
        self.events: deque[JobEvent] = deque()
        self.over: FileReason | None = None
        self._job, self._sources, self._folders, self._begin = job, sources, folders, begin
        self._out: deque[FileMessage] = deque()
        self._ahead = 0
        self._walk: Iterator[Place] = iter(())
        self._walked = False
        self._numbers = 0
        self._offered: dict[int, _Offer] = {}
        self._wanted: deque[_Offer] = deque()
        self._reading: _Reading | None = None
        #: How far the file is dealt with whose content leaves now.
        self._position = 0
        self._credit = self._pulled = 0
        self._credited = self._paused = self._closed = False

    # messages

    def receive(self, message: FileMessage, now: float) -> None:
        """The receiver says something."""
        if self.over is not None:
            return
        try:
            self._receive(message)
        except NotARow:
            self.stop(FileReason.BAD_REQUEST)

    def _receive(self, message: FileMessage) -> None:
        if isinstance(message, FileStop):
            self.stop(known_reason(message.reason), told=False)
        elif isinstance(message, FileCredit):
            self._credited = True
            self._credit = max(self._credit, message.size)
        elif isinstance(message, FileAnswer):
            for row in message.rows:
                self._answered(answer_of(row))
        elif isinstance(message, FileDone):
            for row in message.rows:
                if len(row) < 2:
                    raise NotARow("what was done has two columns")
                self._settle(row[0], known_reason(row[1]))
        else:
            raise NotARow("a receiver does not say this")

    def _answered(self, answer: Answer) -> None:
        offer = self._offered.get(answer.number)
        if offer is None:
            return
        offer.answer = answer
        if answer.verdict is FileVerdict.LEFT:
            self._settle(answer.number, answer.reason)
        elif answer.verdict is FileVerdict.DONE:
            self._settle(answer.number, FileReason.DONE)
        elif answer.verdict is FileVerdict.EXISTS:
            self.events.append(Question(offer.entry, answer.size, answer.modified_us))
        elif offer.entry.kind is FileKind.FILE:
            self._wanted.append(offer)
        else:
            raise NotARow("only files have content")

    def _settle(self, number: int, reason: FileReason) -> None:
        offer = self._offered.pop(number, None)
        if offer is None:
            return
        if offer.entry.kind is FileKind.FILE:
            self.tally.done += reason is FileReason.DONE
            self.tally.left += reason is not FileReason.DONE
            if offer.answer is None or offer.answer.verdict not in (FileVerdict.WANT, FileVerdict.HAVE):
                self.tally.passed += offer.entry.size
        elif reason is not FileReason.DONE:
            self.tally.left += 1
        if offer.entry.kind is not FileKind.FOLDER_END:
            self.events.append(Settled(offer.entry.path, reason))
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self._walked and not self._offered and not self._out and self.over is None:
            self.over = FileReason.DONE

    def next_message(self) -> FileMessage | None:
        """What to say next; nothing while it pauses."""
        if not self._out or (self._paused and self.over is None):
            return None
        message = self._out.popleft()
        if isinstance(message, FileData):
            self._ahead -= len(message.data)
            self.tally.moved += len(message.data)
            self._passed(message.offset + len(message.data), last=bool(message.hash))
        elif isinstance(message, FileStart):
            self._passed(message.offset)
        elif isinstance(message, FileFail):
            self._position = 0
        self._look_whether_over()
        return message

    def _passed(self, position: int, *, last: bool = False) -> None:
        self.tally.passed += position - self._position
        self._position = 0 if last else position

    # tasks

    def next_task(self) -> Task | None:
        """Count, read or walk."""
        if self.over is not None:
            if self._closed:
                return None
            self._closed = True
            return self._close
        if self.tally.files is None:
            return self._count
        if not self._credited or self._paused:
            return None
        room = min(self._credit - self._pulled, AHEAD - self._ahead)
        if (self._reading is not None or self._wanted) and room >= MAX_FILE_BLOCK:
            wanted = [self._wanted.popleft() for _ in range(min(_FILES, len(self._wanted)))]
            given_up = self._reading is not None and self._reading.offer.entry.number not in self._offered
            return lambda: self._pull(deque(wanted), room, given_up)
        more = min(MAX_FILE_ROWS, MAX_FILE_OFFERS - len(self._offered))
        if not self._walked and more > 0 and len(self._out) < MAX_FILE_ROWS:
            return lambda: self._look(more)
        return None

    def task_done(self, result: Any, now: float) -> None:
        """Something was counted, read or met."""
        if self.over is not None:
            return
        if isinstance(result, _Pulled):
            self._out.extend(result.messages)
            self._ahead += result.size
            self._pulled += result.size
            self._wanted.extendleft(reversed(result.left))
            for message in result.messages:
                if isinstance(message, FileFail) and message.reason != FileReason.EXISTS:
                    self._settle(message.number, FileReason(message.reason))
        elif isinstance(result, list):
            self._met(result)
        elif isinstance(result, tuple):
            self.tally.files, self.tally.size = result
            self._walk = walk(self._sources, self._folders)
            try:
                self._out.append(self._begin(*result))
            except FileTrouble as trouble:
                self.stop(trouble.reason)

    def _count(self) -> tuple[int, int]:
        return count(self._sources, self._folders)

    def _look(self, most: int) -> list[Place]:
        met: list[Place] = []
        for place in self._walk:
            met.append(place)
            if len(met) == most:
                break
        return met

    def _met(self, places: list[Place]) -> None:
        rows, failed = [], []
        for place in places:
            found = place.found
            entry = Entry(self._numbers, found.kind, place.path, found.size, found.modified_us, found.mode, found.link)
            self._numbers += 1
            self._offered[entry.number] = _Offer(entry, place)
            rows.append(entry.row())
            if place.trouble is not None:
                failed.append((entry.number, place.trouble))
        self._walked = not places
        self._out.append(FileOffer(self._job, tuple(rows), self._walked))
        for number, reason in failed:
            self._out.append(FileFail(self._job, number, int(reason)))
            self._settle(number, reason)

    # on the thread of tasks

    def _pull(self, wanted: deque[_Offer], room: int, given_up: bool) -> _Pulled:
        """Read up to `room` bytes of the file at hand, unless the receiver gave it up, and of those that are wanted
        next."""
        pulled = _Pulled()
        while self._reading is not None or wanted:
            reading = self._reading
            if reading is None:
                self._begin_reading(wanted.popleft(), pulled)
            elif given_up:
                given_up = False
                reading.reader.close()
                self._reading = None
                pulled.messages.append(FileFail(self._job, reading.offer.entry.number, int(FileReason.CANCELLED)))
            elif room - pulled.size < MAX_FILE_BLOCK:
                break
            else:
                self._read(reading, pulled)
        pulled.left = list(wanted)
        return pulled

    def _begin_reading(self, offer: _Offer, pulled: _Pulled) -> None:
        """Open a file; where the receiver has the beginning of it, or all, compare that."""
        number, answer = offer.entry.number, offer.answer
        assert answer is not None
        reader: Reader | None = None
        try:
            reader = offer.place.tree.read(offer.place.names)
            found = reader.found
            if (found.size, found.modified_us) != (offer.entry.size, offer.entry.modified_us):
                raise FileTrouble(FileReason.CHANGED)
            reading = _Reading(offer, reader)
            have = answer.verdict is FileVerdict.HAVE
            size = found.size if have else answer.size
            if have or (0 < size <= found.size and size % MAX_FILE_BLOCK == 0):
                hashed = hash_of(reader, size)
                agrees = hashed.digest() == answer.hash
                if have:
                    if agrees and not reader.unchanged():
                        raise FileTrouble(FileReason.CHANGED)
                    same = FileData(self._job, number, size, b"", answer.hash)
                    pulled.messages.append(same if agrees else FileFail(self._job, number, int(FileReason.EXISTS)))
                    reader.close()
                    return
                if agrees:
                    pulled.messages.append(FileStart(self._job, number, size))
                    reading.hash = hashed
            self._reading = reading
        except FileTrouble as trouble:
            if reader is not None:
                reader.close()
            pulled.messages.append(FileFail(self._job, number, int(trouble.reason)))

    def _read(self, reading: _Reading, pulled: _Pulled) -> None:
        """Read the next block that is not zero, and the end with it where it is the last."""
        number, size, hashed = reading.offer.entry.number, reading.reader.found.size, reading.hash
        try:
            if not reading.reader.unchanged():
                raise FileTrouble(FileReason.CHANGED)  # now, and not when all the rest has travelled in vain
            data = b""
            offset = hashed.size
            while offset < size and not data:
                ahead = min(size, reading.reader.next_data(offset)) // MAX_FILE_BLOCK * MAX_FILE_BLOCK
                if ahead > offset:
                    hashed.zeros(ahead - offset)
                    offset = ahead
                    continue
                data = reading.reader.read(offset, min(MAX_FILE_BLOCK, size - offset))
                if len(data) < min(MAX_FILE_BLOCK, size - offset):
                    raise FileTrouble(FileReason.CHANGED)
                hashed.block(data)
                if len(data) == MAX_FILE_BLOCK and data == ZEROS and offset + len(data) < size:
                    offset, data = offset + len(data), b""
            digest = b""
            if hashed.size >= size:
                if not reading.reader.unchanged():
                    raise FileTrouble(FileReason.CHANGED)
                digest = hashed.digest()
            pulled.messages.append(FileData(self._job, number, offset, data, digest))
            pulled.size += len(data)
            if not digest:
                return
        except FileTrouble as trouble:
            pulled.messages.append(FileFail(self._job, number, int(trouble.reason)))
        reading.reader.close()
        self._reading = None

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.reader.close()
            self._reading = None
        for source in self._sources:
            source.tree.close()

    # what the owner does

    def decide(self, number: int, replace: bool) -> None:
        """A person has decided what becomes of what EXISTS at the receiver."""
        offer = self._offered.get(number)
        if offer is not None and offer.answer is not None and offer.answer.verdict is FileVerdict.EXISTS:
            offer.answer = None
            self._out.append(FileDecide(self._job, number, replace))

    def pause(self, paused: bool) -> None:
        """Send nothing more, or go on."""
        self._paused = paused

    def stop(self, reason: FileReason, *, told: bool = True) -> None:
        """End it."""
        if self.over is not None:
            return
        self.over = reason
        self._out.clear()
        if told:
            self._out.append(FileStop(self._job, int(reason)))
