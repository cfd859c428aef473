"""Receiver: the end of a transfer that gets the files (spec 15, 15.4).

It decides what is wanted, writes it beside its place, and gives each file its name when its hash is right. Credit
follows what was written, so that nothing piles up here; the less the way carries, the less is under way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from avl_protocol.files.conflicts import Ruling, rule
from avl_protocol.files.destination import Destination
from avl_protocol.files.entries import Answer, Entry, NotARow, entry_of, known_reason
from avl_protocol.files.hashing import HASH_BYTES, FileHash, hash_of
from avl_protocol.files.job import JobEvent, Question, Settled, Tally, Task
from avl_protocol.files.names import stays
from avl_protocol.files.tree import FileTrouble, Found, Names, Tree, Writer
from avl_protocol.wire.endtoend import (
    FileAnswer,
    FileBegin,
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
    MAX_FILE_WINDOW,
    FileKind,
    FileOverwrite,
    FileReason,
    FileVerdict,
)

#: The least that may be under way, and the seconds of the present rate that may: clearly more than it takes from credit
#: until what came by it is written, on busy machines, too, since a window that is shorter than that shrinks itself.
LEAST_WINDOW = 2 * MAX_FILE_BLOCK
_AHEAD = 1.5
#: Seconds over which the rate is measured.
_MEASURED = 0.25
#: Things that one task does at most, and bytes of content among them.
_BATCH, _BATCH_BYTES = 256, 4 * MAX_FILE_BLOCK
#: Files that are whole and wait for their names, at most: each is open until then. They go to the disk together.
_TOGETHER = 64
#: What ends the whole job, wherever it is met: the next file would meet it, too.
_FATAL = frozenset((FileReason.NO_SPACE, FileReason.QUOTA, FileReason.TOO_MANY))


class _State(Enum):
    """Where an offer stands."""

    LOOKED_AT = "it is being compared with what is there"
    ASKED = "a person decides"
    WANTED = "its content comes"
    COMPARED = "the sender compares it with what is there"
    GIVEN_UP = "its content comes, and is of no use"


@dataclass(slots=True)
class _Offer:
    """Something that was offered. `replaces`: what is in its place and may go; `begun`: the beginning that is there, of
    the `version` that it was; `whole`: the hash of what seems to be it; `agreed`: a person says that what is there may
    go; `differs`: it was compared with that; `seen`: how far its content has come; `failed`: it is of no use."""

    entry: Entry
    state: _State = _State.LOOKED_AT
    replaces: tuple[int, ...] | None = None
    begun: FileHash | None = None
    version: tuple[int, ...] = ()
    whole: bytes = b""
    agreed: bool = False
    differs: bool = False
    seen: int = 0
    failed: bool = False


@dataclass(slots=True)
class _Writing:
    """The file that is being written. `writer`: None while it rests; `version`: what there was of it then."""

    offer: _Offer
    writer: Writer | None
    hash: FileHash
    version: tuple[int, ...] = ()


@dataclass(slots=True)
class _Did:
    """What came of a task: answers, files that are settled, bytes that were taken from the queue, and why the job can't
    go on."""

    answers: list[Answer] = field(default_factory=list)
    done: list[tuple[int, FileReason]] = field(default_factory=list)
    size: int = 0
    fatal: FileReason | None = None


@dataclass(frozen=True, slots=True)
class _Opened:
    """The destination was looked at; `free`: bytes that can be written there."""

    destination: Destination | None
    reason: FileReason = FileReason.DONE
    free: int = 0


@dataclass(slots=True)
class _Tight:
    """Less is free than all that comes takes; it fits only if some of it is there already. `free`: bytes that were;
    `wanted`: those that come; `there`: those that need not; `waits`: no content may come yet."""

    free: int
    wanted: int = 0
    there: int = 0
    waits: bool = True


class _Rest:
    """The file at hand is let go of."""


_Todo = _Offer | tuple[_Offer, FileStart | FileData | FileFail] | _Rest


class Receiver:
    """Takes files. `find`: finds the destination, given the bytes that are to come, on the thread of tasks; it raises
    FileTrouble. `expects`: files and bytes, where that is known (at a host). `here`: our own person decides what is
    replaced, and `first` asks for the files (at a viewer)."""

    def __init__(
        self,
        job: int,
        find: Callable[[int], Destination],
        overwrite: FileOverwrite,
        *,
        expects: tuple[int, int] | None,
        here: bool,
        first: FileMessage | None = None,
    ) -> None:
        self.tally = Tally()
        self.events: deque[JobEvent] = deque()
        self.over: FileReason | None = None
        self._job, self._find, self._overwrite, self._here = job, find, overwrite, here
        self._out: deque[FileMessage] = deque(() if first is None else (first,))
        self._destination: Destination | None = None
        self._offers: dict[int, _Offer] = {}
        self._todo: deque[_Todo] = deque()
        #: Ends of folders that wait for what is in them.
        self._ends: deque[_Offer] = deque()
        self._next = 0
        self._last = self._opening = self._paused = self._closed = False
        self._invited = False
        self._incoming: int | None = None
        self._received = self._written = self._credit = 0
        self._window = LEAST_WINDOW
        self._since, self._since_written = 0.0, 0
        self._writing: _Writing | None = None
        self._tight: _Tight | None = None
        #: Files that are whole, and have not been given their names.
        self._whole: dict[Names, tuple[_Offer, Writer]] = {}
        #: Folders that were made here and not yet ended.
        self._made: list[Names] = []
        #: What is on its way, by the names as a system sees them that takes several for one.
        self._claimed: dict[Names, Names] = {}
        if expects is not None:
            self._expect(*expects)

    def _expect(self, files: int, size: int) -> None:
        if files < 0 or size < 0 or self.tally.files is not None:
            raise NotARow("a transfer is counted once")
        self.tally.files, self.tally.size = files, size

    # messages

    def receive(self, message: FileMessage, now: float) -> None:
        """The sender says something."""
        if self.over is not None:
            return
        try:
            self._receive(message)
        except NotARow:
            self.stop(FileReason.BAD_REQUEST)

    def _receive(self, message: FileMessage) -> None:
        if isinstance(message, FileStop):
            self.stop(known_reason(message.reason), told=False)
        elif isinstance(message, FileBegin):
            self._expect(message.files, message.size)
        elif isinstance(message, FileOffer):
            self._offered(message)
        elif isinstance(message, FileDecide):
            offer = self._offers.get(message.number)
            if offer is not None and offer.state is _State.ASKED:
                self.decide(message.number, message.replace)
        elif isinstance(message, (FileStart, FileData)):
            self._content(message)
        elif isinstance(message, FileFail):
            self._failed(message)
        else:
            raise NotARow("a sender does not say this")

    def _offered(self, message: FileOffer) -> None:
        if self._last or self._destination is None:
            raise NotARow("an offer out of turn")
        for row in message.rows:
            entry = entry_of(row)
            if entry.number != self._next or len(self._offers) >= MAX_FILE_OFFERS:
                raise NotARow("offers are numbered, and bounded")
            self._next += 1
            offer = self._offers[entry.number] = _Offer(entry)
            (self._ends if entry.kind is FileKind.FOLDER_END else self._todo).append(offer)
        self._last = message.last
        self._look_whether_it_fits()
        self._give_credit()
        self._look_whether_over()

    def _content(self, message: FileStart | FileData) -> None:
        offer = self._offers.get(message.number)
        if offer is None or offer.state in (_State.LOOKED_AT, _State.ASKED):
            raise NotARow("nobody wanted this")
        if self._incoming not in (None, message.number):
            raise NotARow("files come one after the other")
        end = message.offset + (len(message.data) if isinstance(message, FileData) else 0)
        if not offer.seen <= message.offset <= end <= offer.entry.size:
            raise NotARow("content lies behind what came, and within the file")
        if isinstance(message, FileData):
            whole = len(message.data) in (MAX_FILE_BLOCK, 0) or message.hash
            if not whole or len(message.data) > MAX_FILE_BLOCK or len(message.hash) not in (0, HASH_BYTES):
                raise NotARow("content comes in blocks")
            self._received += len(message.data)
            if self._received > self._credit:
                raise NotARow("more than was allowed")
            self.tally.moved += len(message.data)
            self.tally.passed += end - offer.seen
            offer.seen = end
            if message.hash:
                self._incoming = None
                if offer.state is _State.GIVEN_UP:
                    del self._offers[message.number]
                    self._written += len(message.data)
                    self._look_whether_over()
                    return
            else:
                self._incoming = message.number
        else:
            self._incoming = message.number
            self.tally.passed += end - offer.seen
            offer.seen = end
        self._todo.append((offer, message))

    def _failed(self, message: FileFail) -> None:
        offer = self._offers.get(message.number)
        if offer is None:
            return
        if self._incoming == message.number:
            self._incoming = None
        if offer.state is _State.GIVEN_UP:
            del self._offers[message.number]
            self._look_whether_over()
            return
        self._todo.append((offer, message))

    def _look_whether_over(self) -> None:
        """A folder ends when all that was offered before is settled, since what is written in it changes its time; the
        job when all is."""
        if self._ends and next(iter(self._offers)) == self._ends[0].entry.number:
            self._todo.append(self._ends.popleft())
        if self._last and not self._offers and not self._todo and self.over is None:
            self.over = FileReason.DONE

    def next_message(self) -> FileMessage | None:
        """What to say next."""
        return self._out.popleft() if self._out else None

    # tasks

    def next_task(self) -> Task | None:
        """Open the destination, or do what has come."""
        if self.over is not None:
            if self._closed:
                return None
            self._closed = True
            return self._close
        if self._destination is None:
            if self._opening or self.tally.size is None:
                return None
            self._opening = True
            size = self.tally.size
            return lambda: self._opened(size)
        if not self._todo:
            return None
        batch: list[_Todo] = []
        size = 0
        while self._todo and len(batch) < _BATCH and size < _BATCH_BYTES:
            one = self._todo.popleft()
            if isinstance(one, tuple) and isinstance(one[1], FileData):
                size += len(one[1].data)
            batch.append(one)
        destination = self._destination
        return lambda: self._work(destination, batch)

    def task_done(self, result: Any, now: float) -> None:
        """Something was done: answer, and give credit."""
        if isinstance(result, _Opened):
            self._destination = result.destination
        if self.over is not None:
            return
        if isinstance(result, _Opened):
            if result.destination is None:
                self.stop(result.reason)
                return
            self._since = now
            if result.free < (self.tally.size or 0):
                self._tight = _Tight(result.free)
        elif isinstance(result, _Did):
            self._did(result)
            if self.over is not None:
                return
            self._measure(now)
        self._give_credit()

    def _did(self, did: _Did) -> None:
        self._written += did.size
        rows = []
        for answer in did.answers:
            offer = self._offers.get(answer.number)
            if offer is None:
                continue
            if answer.verdict is FileVerdict.EXISTS:
                offer.state = _State.ASKED
                if self._here:
                    self.events.append(Question(offer.entry, answer.size, answer.modified_us))
                    continue
            elif answer.verdict is FileVerdict.WANT:
                offer.state = _State.WANTED
                self._counts(offer.entry.size - answer.size, answer.size)
            elif answer.verdict is FileVerdict.HAVE:
                offer.state = _State.COMPARED
                self._counts(0, answer.size)
            else:
                self._settle(offer, answer.reason)
                del self._offers[answer.number]
            rows.append(answer.row())
        if rows:
            self._out.append(FileAnswer(self._job, tuple(rows)))
        told = []
        for number, reason in did.done:
            offer = self._offers.get(number)
            if offer is None or offer.state is _State.GIVEN_UP:
                continue
            self._settle(offer, reason)
            told.append((number, int(reason)))
            if self._incoming != number:
                del self._offers[number]
            else:
                offer.state = _State.GIVEN_UP
        if told:
            self._out.append(FileDone(self._job, tuple(told)))
        if did.fatal is not None:
            self.stop(did.fatal)
        self._look_whether_it_fits()
        self._look_whether_over()

    def _counts(self, wanted: int, there: int) -> None:
        """So many bytes of a file are to come, and so many are there."""
        if self._tight is not None:
            self._tight.wanted += wanted
            self._tight.there += there

    def _look_whether_it_fits(self) -> None:
        """Where too little is free for all: what is offered first shows whether an earlier attempt left some of it."""
        tight = self._tight
        if tight is None or self.over is not None:
            return
        if tight.wanted > tight.free:
            self.stop(FileReason.NO_SPACE)
        elif tight.waits and (self._last or len(self._offers) >= MAX_FILE_OFFERS) and not self._looks:
            tight.waits = False
            if not self._last and not tight.there:
                self.stop(FileReason.NO_SPACE)

    @property
    def _looks(self) -> bool:
        """Whether files that were offered have not been compared with what is there."""
        offers = self._offers.values()
        return any(offer.state is _State.LOOKED_AT and offer.entry.kind is FileKind.FILE for offer in offers)

    def _settle(self, offer: _Offer, reason: FileReason) -> None:
        if offer.entry.kind is FileKind.FILE:
            self.tally.done += reason is FileReason.DONE
            self.tally.passed += offer.entry.size - offer.seen
        self.tally.left += reason is not FileReason.DONE
        if offer.entry.kind is not FileKind.FOLDER_END:
            self.events.append(Settled(offer.entry.path, reason))

    def _measure(self, now: float) -> None:
        """Let as much be under way as leaves in _AHEAD seconds."""
        if now - self._since >= _MEASURED:
            rate = (self._written - self._since_written) / (now - self._since)
            self._window = round(min(MAX_FILE_WINDOW, max(LEAST_WINDOW, rate * _AHEAD)))
            self._since, self._since_written = now, self._written

    def _give_credit(self) -> None:
        """Let more come, as soon as it is worth a message."""
        if self._paused or self._destination is None:
            return
        if self._tight is not None and self._tight.waits:
            if not self._invited:
                self._invited = True
                self._out.append(FileCredit(self._job, 0))
            return
        credit = self._written + self._window
        if not self._credit or credit - self._credit >= self._window // 4:
            self._credit = credit
            self._out.append(FileCredit(self._job, credit))

    # on the thread of tasks

    def _opened(self, size: int) -> _Opened:
        try:
            destination = self._find(size)
            return _Opened(destination, free=destination.tree.free())
        except FileTrouble as trouble:
            return _Opened(None, trouble.reason)

    def _work(self, destination: Destination, batch: list[_Todo]) -> _Did:
        """Do what has come, in order."""
        did = _Did()
        for one in batch:
            if did.fatal is not None:
                break
            if isinstance(one, _Rest):
                self._let_rest(destination)
                continue
            if isinstance(one, _Offer):
                self._judge(destination, one, did)
                continue
            offer, message = one
            size = len(message.data) if isinstance(message, FileData) else 0
            did.size += size
            if offer.failed:
                continue
            try:
                reason = self._take(destination, offer, message, did)
            except FileTrouble as trouble:
                self._leave_off(discard=False)
                reason = trouble.reason
            if reason is not None:
                self._settled(destination, offer, reason, did)
            if len(self._whole) >= _TOGETHER:
                self._name_all(destination, did)
        self._name_all(destination, did)
        return did

    def _settled(self, destination: Destination, offer: _Offer, reason: FileReason, did: _Did) -> None:
        """It is known what became of a file."""
        self._let_go(destination, offer)
        offer.failed = reason is not FileReason.DONE
        did.done.append((offer.entry.number, reason))
        did.fatal = reason if reason in _FATAL else did.fatal

    def _name_all(self, destination: Destination, did: _Did) -> None:
        """Give the files that are whole their names."""
        whole, self._whole = self._whole, {}
        for offer, writer in whole.values():
            reason = FileReason.DONE
            try:
                writer.finish(offer.entry.mode, offer.entry.modified_us, offer.replaces)
            except FileTrouble as trouble:
                writer.close()
                reason = trouble.reason
            self._settled(destination, offer, reason, did)

    def _judge(self, destination: Destination, offer: _Offer, did: _Did) -> None:
        """Answer an offer."""
        if self._whole and destination.place(offer.entry.path) in self._whole:
            self._name_all(destination, did)  # offered twice: the second meets the first
        answer = self._answer(destination, offer)
        did.answers.append(answer)
        did.fatal = answer.reason if answer.reason in _FATAL else did.fatal

    def _answer(self, destination: Destination, offer: _Offer) -> Answer:
        """What becomes of something that is offered."""
        number = offer.entry.number
        try:
            names = destination.place(offer.entry.path)
            if isinstance(names, FileReason):
                raise FileTrouble(names)
            self._check_case(destination.tree, offer.entry, names)
            if offer.entry.kind is FileKind.FILE:
                return self._answer_file(destination.tree, names, offer)
            self._make(destination, names, offer.entry)
            return Answer(number, FileVerdict.DONE)
        except FileTrouble as trouble:
            return Answer(number, FileVerdict.LEFT, reason=trouble.reason)

    def _check_case(self, tree: Tree, entry: Entry, names: Names) -> None:
        """Names that the system takes for one must not become one file. Raises FileTrouble(CLASH)."""
        if not tree.naming.folds or entry.kind is FileKind.FOLDER_END:
            return
        if tree.look(names) is not None and tree.spelled(names) != names[-1]:
            raise FileTrouble(FileReason.CLASH)
        if entry.kind is FileKind.FILE:
            key = tuple(map(tree.naming.key, names))
            if self._claimed.setdefault(key, names) != names:
                raise FileTrouble(FileReason.CLASH)

    def _let_go(self, destination: Destination, offer: _Offer) -> None:
        """A file is settled: what is there now shows who took the name."""
        if self._claimed and not isinstance(names := destination.place(offer.entry.path), FileReason):
            self._claimed.pop(tuple(map(destination.tree.naming.key, names)), None)

    def _make(self, destination: Destination, names: Names, entry: Entry) -> None:
        """Make a folder or a link, or end a folder. Raises FileTrouble."""
        tree = destination.tree
        if entry.kind is FileKind.FOLDER_END:
            made = bool(self._made) and self._made[-1] == names
            tree.finish_folder(names, entry.mode if made else 0, entry.modified_us)
            if made:
                self._made.pop()
            return
        there = tree.look(names)
        if entry.kind is FileKind.FOLDER:
            if there is None:
                tree.make_folder(names, entry.mode or 0o755)
                self._made.append(names)
            elif there.kind is not FileKind.FOLDER:
                raise FileTrouble(FileReason.EXISTS)
        elif not stays(tuple(entry.path.split("/")), entry.link):
            raise FileTrouble(FileReason.BAD_LINK)
        elif there is None or (there.kind is FileKind.LINK and self._overwrite is FileOverwrite.ALWAYS):
            tree.make_link(names, entry.link)
        elif there.kind is not FileKind.LINK or there.link != entry.link:
            raise FileTrouble(FileReason.EXISTS)

    def _answer_file(self, tree: Tree, names: Names, offer: _Offer) -> Answer:
        number, entry = offer.entry.number, offer.entry
        there = tree.look(names)
        ruling = rule(entry, there, self._overwrite, differs=offer.differs)
        if offer.agreed and ruling in (Ruling.ASK, Ruling.LEAVE) and there is not None and there.kind is FileKind.FILE:
            ruling = Ruling.WRITE
        if ruling is Ruling.LEAVE:
            raise FileTrouble(FileReason.EXISTS)
        if ruling is Ruling.ASK and there is not None:
            return Answer(number, FileVerdict.EXISTS, there.size, there.modified_us)
        if ruling is Ruling.SAME and there is not None:
            return self._have(tree, names, offer, there)
        offer.replaces = None if there is None else there.version
        part = tree.part(names)
        if part is None:
            return Answer(number, FileVerdict.WANT)
        try:
            size = min(part.found.size, entry.size) // MAX_FILE_BLOCK * MAX_FILE_BLOCK
            if not size:
                return Answer(number, FileVerdict.WANT)
            offer.begun, offer.version = hash_of(part, size), part.found.version
            return Answer(number, FileVerdict.WANT, size, 0, offer.begun.digest())
        finally:
            part.close()

    def _have(self, tree: Tree, names: Names, offer: _Offer, there: Found) -> Answer:
        reader = tree.read(names)
        try:
            offer.whole = hash_of(reader, there.size).digest()
        finally:
            reader.close()
        return Answer(offer.entry.number, FileVerdict.HAVE, there.size, there.modified_us, offer.whole)

    def _take(
        self, destination: Destination, offer: _Offer, message: FileStart | FileData | FileFail, did: _Did
    ) -> FileReason | None:
        """Take content, or the news that none comes; why the file is settled, None while it is not. Raises
        FileTrouble."""
        if isinstance(message, FileFail):
            if self._writing is not None and self._writing.offer is offer:
                self._leave_off(discard=False)
            if message.reason == FileReason.EXISTS and offer.whole:
                offer.whole, offer.differs = b"", True
                self._judge(destination, offer, did)
                return None
            return known_reason(message.reason) or FileReason.FAILED
        if offer.whole:
            same = isinstance(message, FileData) and message.hash == offer.whole
            return FileReason.DONE if same else FileReason.DAMAGED
        if isinstance(message, FileStart):
            self._begin(destination, offer, resumed=message.offset)
            return None
        if self._writing is None or self._writing.offer is not offer:
            if self._whole and destination.place(offer.entry.path) in self._whole:
                self._name_all(destination, did)
            self._begin(destination, offer, resumed=0)
        return self._write(destination, message)

    def _begin(self, destination: Destination, offer: _Offer, *, resumed: int) -> None:
        """Open the file beside its place; with the beginning that both have, where the sender said so."""
        names = destination.place(offer.entry.path)
        assert not isinstance(names, FileReason)
        writer = destination.tree.write(names)
        begun = offer.begun
        if resumed and (begun is None or resumed != begun.size or writer.version != offer.version):
            writer.close()
            raise FileTrouble(FileReason.BUSY)
        hashed = begun if resumed and begun is not None else FileHash()
        self._writing = _Writing(offer, writer, hashed)
        writer.resize(hashed.size)

    def _write(self, destination: Destination, message: FileData) -> FileReason | None:
        writing = self._writing
        assert writing is not None
        writer, entry, hashed = self._awake(destination, writing), writing.offer.entry, writing.hash
        gap = message.offset - hashed.size
        end = message.offset + len(message.data)
        if (gap % MAX_FILE_BLOCK and message.data) or (message.hash and end != entry.size):
            self._leave_off(discard=True)
            return FileReason.DAMAGED
        hashed.zeros(gap)
        if message.data:
            writer.write(message.offset, message.data)
            hashed.block(message.data)
        if not message.hash:
            return None
        if hashed.digest() != message.hash:
            self._leave_off(discard=True)
            return FileReason.DAMAGED
        if gap and not message.data:
            writer.resize(entry.size)
        writer.write_out()
        names = destination.place(entry.path)
        assert not isinstance(names, FileReason)
        self._whole[names] = writing.offer, writer
        self._writing = None
        return None

    def _leave_off(self, *, discard: bool) -> None:
        """Write no more of the file at hand: keep it to go on with it, or remove it."""
        writing, self._writing = self._writing, None
        if writing is not None and writing.writer is not None:
            (writing.writer.discard if discard else writing.writer.close)()

    def _let_rest(self, destination: Destination) -> None:
        """Let go of the file at hand, and remember what there is of it."""
        writing = self._writing
        if writing is None or writing.writer is None:
            return
        writing.writer.close()
        writing.writer = None
        names = destination.place(writing.offer.entry.path)
        assert not isinstance(names, FileReason)
        try:
            if (part := destination.tree.part(names)) is not None:
                writing.version = part.found.version if part.found.size else ()
                part.close()
        except FileTrouble:
            self._writing = None  # somebody has it already: what comes of it will meet that

    def _awake(self, destination: Destination, writing: _Writing) -> Writer:
        """What writes the file at hand, also after a rest. Raises FileTrouble(BUSY) where another job has gone on with
        it."""
        if writing.writer is None:
            names = destination.place(writing.offer.entry.path)
            assert not isinstance(names, FileReason)
            writer = destination.tree.write(names)
            if writer.version != writing.version:
                (writer.close if writer.version else writer.discard)()
                raise FileTrouble(FileReason.BUSY)
            writing.writer = writer
        return writing.writer

    def _close(self) -> None:
        destination = self._destination
        if self.over is FileReason.CANCELLED and self._writing is not None and destination is not None:
            try:
                self._awake(destination, self._writing)
            except FileTrouble:
                pass  # it is no longer ours to remove
        self._leave_off(discard=self.over is FileReason.CANCELLED)
        for _, writer in self._whole.values():
            writer.close()  # an error that nobody foresaw came between
        if destination is not None:
            destination.tree.close()

    # what the owner does

    def decide(self, number: int, replace: bool) -> None:
        """A person has decided."""
        offer = self._offers.get(number)
        if offer is None or offer.state is not _State.ASKED or self.over is not None:
            return
        if replace:
            offer.state, offer.agreed = _State.LOOKED_AT, True
            self._todo.append(offer)
            return
        answer = Answer(number, FileVerdict.LEFT, reason=FileReason.EXISTS)
        self._settle(offer, FileReason.EXISTS)
        del self._offers[number]
        self._out.append(FileAnswer(self._job, (answer.row(),)))
        self._look_whether_over()

    def pause(self, paused: bool) -> None:
        """Let nothing more come than may already, or go on."""
        self._paused = paused
        self._give_credit()

    def rest(self) -> None:
        """There is no way to the sender for now: let go of the file at hand, so that another job may go on with it."""
        if self.over is None:
            self._todo.append(_Rest())

    def stop(self, reason: FileReason, *, told: bool = True) -> None:
        """End it."""
        if self.over is not None:
            return
        self.over = reason
        self._out.clear()
        self._todo.clear()
        if told:
            self._out.append(FileStop(self._job, int(reason)))
