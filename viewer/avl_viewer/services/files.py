"""Files: transfers and listings, a job a lane; what a lost session interrupted goes on in the next one (spec 15)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.files.conveyor import Conveyor, Workshop
from avl_protocol.files.job import Question, Settled
from avl_protocol.files.listing import Looking
from avl_protocol.files.receiver import Receiver
from avl_protocol.files.sender import Sender
from avl_protocol.files.walk import Source
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import FileGet, FileMessage, FilePut
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import LANES, MAX_FILE_SOURCES, FileOverwrite, FileReason, Permission
from avl_viewer.files import (
    MOST_LEFT,
    Asks,
    FilesError,
    Folder,
    State,
    Transfer,
    listed,
    local_destination,
    local_sources,
)
from avl_viewer.services.running import running

EITHER = Permission.FILES_IN | Permission.FILES_OUT


@dataclass(slots=True)
class _Lane:
    """A lane of a session. It is opened by what is sent first."""

    session: ViewerSession
    number: int
    begun: bool = False

    def flows(self) -> bool:
        """See Lane."""
        return not self.begun or self.session.flows(self.number)

    def send(self, message: FileMessage) -> None:
        """See Lane. What is no longer permitted is over anyway."""
        self.begun = True
        try:
            self.session.send(message, self.number)
        except Refused:
            return


@dataclass(frozen=True, slots=True)
class _Running:
    """A transfer on its lane."""

    transfer: Transfer
    number: int
    conveyor: Conveyor


class FilesService(Service[ViewerSession]):
    """All transfers of a viewer: at most as many at a time as there are lanes. `start`: begins a coroutine."""

    def __init__(
        self,
        workshop: Workshop,
        clock: Callable[[], float],
        start: Callable[[Coroutine[Any, Any, None]], None],
        changed: Callable[[], None],
    ) -> None:
        self._workshop, self._clock, self._start, self._changed = workshop, clock, start, changed
        self._session: ViewerSession | None = None
        self._waiting: deque[Transfer] = deque()
        self._lanes: dict[int, _Running] = {}
        self._newest = 0

    @property
    def up(self) -> bool:
        """Whether there is a session now."""
        return self._session is not None

    # sessions

    def admitted(self, session: ViewerSession, now: float) -> None:
        """There is a session: what waits for one begins, what was interrupted begins again."""
        self._session = session
        self._fill()

    def opened(self, session: ViewerSession, channel: int, now: float) -> None:
        """A lane has a path."""
        if (found := self._lanes.get(channel)) is not None:
            found.conveyor.go_on()

    def allowed(self, session: ViewerSession, now: float) -> None:
        """Where neither direction is permitted the lanes are gone; else the host says what is over."""
        if not permits(session.permissions, EITHER):
            for found in list(self._lanes.values()):
                found.conveyor.leave(FileReason.NOT_PERMITTED)

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """What was under way waits for the next session."""
        self._session = None
        interrupted, self._lanes = list(self._lanes.values()), {}
        for found in reversed(interrupted):
            found.conveyor.leave(FileReason.FAILED)
            if not found.transfer.over.done():
                found.transfer.state = State.WAITING
                self._waiting.appendleft(found.transfer)
                found.transfer.changed(found.transfer)

    def give_up(self, reason: Refused) -> None:
        """There will be no other session."""
        waiting, self._waiting = list(self._waiting), deque()
        for transfer in waiting:
            transfer.state = State.OVER
            if not transfer.over.done():
                transfer.over.set_exception(reason)
                transfer.over.exception()  # somebody may no longer be waiting, which is no error
            transfer.changed(transfer)
        self._workshop.close()

    # what people do

    def put(
        self,
        paths: list[Path],
        to: str = "",
        *,
        folders: bool = True,
        overwrite: FileOverwrite = FileOverwrite.ASK,
        asks: Asks | None = None,
    ) -> Transfer:
        """Begin to push files and folders into a folder of the host, or one of them under a name there. Raises Refused,
        FilesError, FileNotFoundError, ValueError."""
        self._check(Permission.FILES_IN)
        return self.push(local_sources(paths), to, folders=folders, overwrite=overwrite, asks=asks)

    def push(
        self,
        sources: tuple[Source, ...],
        to: str = "",
        *,
        folders: bool = True,
        overwrite: FileOverwrite = FileOverwrite.ASK,
        asks: Asks | None = None,
    ) -> Transfer:
        """The same for what was found already; without a session it waits for the next."""

        def make(job: int) -> Sender:
            def begin(files: int, size: int) -> FilePut:
                return FilePut(job, to, len(sources) == 1, int(overwrite), files, size)

            return Sender(job, sources, folders, begin)

        self._check(Permission.FILES_IN, waits=True)
        name = ", ".join(source.called for source in sources[:3])
        return self._begin(Transfer(name, True, make, Permission.FILES_IN, asks))

    def get(
        self,
        paths: list[str],
        to: str,
        *,
        folders: bool = True,
        overwrite: FileOverwrite = FileOverwrite.ASK,
        asks: Asks | None = None,
        waits: bool = False,
    ) -> Transfer:
        """Begin to fetch files and folders of the host into a folder here, or one of them under a name; without a
        session that `waits` for the next. Raises Refused, FilesError, ValueError."""
        self._check(Permission.FILES_OUT, waits=waits)
        if not 0 < len(paths) <= MAX_FILE_SOURCES:
            raise ValueError(f"between 1 and {MAX_FILE_SOURCES} paths can be fetched at a time")

        def make(job: int) -> Receiver:
            return Receiver(
                job,
                lambda _size: local_destination(to, len(paths) == 1),
                overwrite,
                expects=None,
                here=True,
                first=FileGet(job, tuple(paths), folders),
            )

        name = ", ".join(path.rstrip("/").rsplit("/", 1)[-1] for path in paths[:3])
        return self._begin(Transfer(name, False, make, Permission.FILES_OUT, asks))

    async def list(self, path: str = "", after: str = "", most: int | None = None) -> Folder:
        """What is in a folder of the host; what is shared, for an empty path. Of more than `most` rows only those
        behind the name `after`. Raises Refused, FilesError."""
        self._check(EITHER)
        looking: list[Looking] = []

        def make(job: int) -> Looking:
            looking.append(Looking(job, path, after, most))
            return looking[-1]

        transfer = self._begin(Transfer(path, False, make, EITHER))
        await transfer.done()
        return Folder(looking[-1].path, tuple(listed(row) for row in looking[-1].rows), looking[-1].more)

    def _check(self, needs: Permission, *, waits: bool = False) -> None:
        """Raises Refused where there is no session and it does not wait for one, FilesError where it may not."""
        if waits and not self.up:
            return
        if not permits(running(self._session).permissions, needs):
            raise FilesError(FileReason.NOT_PERMITTED, needs=needs)

    # jobs

    def _begin(self, transfer: Transfer) -> Transfer:
        transfer.act = self._act
        self._waiting.append(transfer)
        self._fill()
        return transfer

    def _act(self, transfer: Transfer) -> None:
        """A person wants it to pause, to go on, or to end."""
        found = next((one for one in self._lanes.values() if one.transfer is transfer), None)
        if transfer.wants_end and transfer in self._waiting:
            self._waiting.remove(transfer)
            self._settle(transfer, FileReason.CANCELLED)
        if found is None:
            return
        if transfer.wants_end:
            found.conveyor.job.stop(FileReason.CANCELLED)
        else:
            found.conveyor.job.pause(transfer.wants_pause)
            transfer.state = State.PAUSED if transfer.wants_pause else State.RUNNING
        found.conveyor.go_on()
        transfer.changed(transfer)

    def _fill(self) -> None:
        """Give free lanes to what waits."""
        session = self._session
        while session is not None and self._waiting and len(self._lanes) < len(LANES):
            lane = next(int(lane) for lane in LANES if lane not in self._lanes)
            transfer = self._waiting.popleft()
            if permits(session.permissions, transfer.needs):
                self._run(session, lane, transfer)
            else:  # another session than the one that it was begun in
                self._settle(transfer, FileReason.NOT_PERMITTED)

    def _run(self, session: ViewerSession, lane: int, transfer: Transfer) -> None:
        self._newest += 1
        number = self._newest
        job = transfer.job = transfer.make(number)
        transfer.left.clear()
        transfer.state = State.RUNNING

        def changed() -> None:
            self._attend(transfer, conveyor)
            self._changed()

        def over() -> None:
            self._attend(transfer, conveyor)
            found = self._lanes.get(lane)
            if found is not None and found.conveyor is conveyor:
                del self._lanes[lane]
                self._finish(transfer)
                self._fill()

        conveyor = Conveyor(
            job,
            _Lane(session, lane),
            self._workshop,
            start=self._start,
            clock=self._clock,
            changed=changed,
            over=over,
        )
        self._lanes[lane] = _Running(transfer, number, conveyor)
        if transfer.wants_pause:
            job.pause(True)
            transfer.state = State.PAUSED
        conveyor.go_on()

    def _settle(self, transfer: Transfer, reason: FileReason) -> None:
        """It ends without a lane."""
        transfer.job = transfer.make(0)
        transfer.job.stop(reason, told=False)
        self._finish(transfer)

    def _finish(self, transfer: Transfer) -> None:
        assert transfer.job is not None
        transfer.state = State.OVER
        transfer.reason = transfer.job.over
        if not transfer.over.done():
            transfer.over.set_result(transfer.job)
        transfer.changed(transfer)

    def _attend(self, transfer: Transfer, conveyor: Conveyor) -> None:
        """Hear what a job tells."""
        events = conveyor.job.events
        while events:
            event = events.popleft()
            if isinstance(event, Settled):
                if event.reason is not FileReason.DONE and len(transfer.left) < MOST_LEFT:
                    transfer.left.append((event.path, event.reason))
            elif transfer.asks is None:
                conveyor.job.decide(event.entry.number, False)
            else:
                self._start(self._ask(transfer.asks, event, conveyor))
        transfer.changed(transfer)

    async def _ask(self, asks: Asks, question: Question, conveyor: Conveyor) -> None:
        replace = await asks(question)
        conveyor.job.decide(question.entry.number, replace)
        conveyor.go_on()
        self._changed()

    # messages

    def said(self, session: ViewerSession, message: FileMessage, now: float, lane: int) -> None:
        """The host says something about a job; what is about another than the lane's is late (R-SESS-261)."""
        found = self._lanes.get(lane)
        if session is self._session and found is not None and found.number == message.job:
            found.conveyor.receive(message, now)
            self._attend(found.transfer, found.conveyor)


__all__ = ["FilesError", "FilesService"]
