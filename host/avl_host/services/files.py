"""Files: what viewers push, fetch and list, a job a lane (spec 15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_host.files.roots import Roots
from avl_host.services.audience import Audience
from avl_protocol.endpoint.files.conveyor import Conveyor, Workshop
from avl_protocol.files.job import Job, Tally
from avl_protocol.files.listing import Listing
from avl_protocol.files.receiver import Receiver
from avl_protocol.files.sender import Sender
from avl_protocol.files.tree import FileTrouble
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import FileBegin, FileGet, FileList, FileMessage, FilePut, FileStop
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_FILE_SOURCES, FileOverwrite, FileReason, Permission

#: Jobs of all viewers at a time.
MOST_JOBS = 64
EITHER = Permission.FILES_IN | Permission.FILES_OUT


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer is over: which way, how it ended, and how long it took, in seconds."""

    session: HostSession
    inward: bool
    reason: FileReason
    tally: Tally
    seconds: float


@dataclass(frozen=True, slots=True)
class _Lane:
    """A lane of a session."""

    session: HostSession
    number: int

    def flows(self) -> bool:
        """See Lane."""
        return self.session.flows(self.number)

    def send(self, message: FileMessage) -> None:
        """See Lane."""
        self.session.send(message, self.number)


@dataclass(frozen=True, slots=True)
class _Running:
    """A job, the number that its viewer gave it, and what it needs."""

    number: int
    needs: Permission
    conveyor: Conveyor


class FilesService(Service[HostSession]):
    """All jobs of all viewers. `finished`: told of each transfer that ended."""

    def __init__(self, audience: Audience, roots: Roots, workshop: Workshop, clock: Callable[[], float]) -> None:
        self._audience, self._roots, self._workshop, self._clock = audience, roots, workshop, clock
        self._jobs: dict[HostSession, dict[int, _Running]] = {}
        #: The newest job of each lane that had one.
        self._newest: dict[HostSession, dict[int, int]] = {}
        self.finished: Callable[[Moved], None] = lambda moved: None

    # sessions

    def opened(self, session: HostSession, channel: int, now: float) -> None:
        """A lane has a path again: what waited for it goes on."""
        if (running := self._jobs.get(session, {}).get(channel)) is not None:
            running.conveyor.go_on()

    def allowed(self, session: HostSession, now: float) -> None:
        """Jobs that the session may not go on with are over (R-SESS-262)."""
        for running in list(self._jobs.get(session, {}).values()):
            if not permits(session.permissions, EITHER):
                running.conveyor.leave(FileReason.NOT_PERMITTED)  # its lane was abandoned
            elif not permits(session.permissions, running.needs):
                running.conveyor.job.stop(FileReason.NOT_PERMITTED)
                running.conveyor.go_on()

    def lost(self, session: HostSession, now: float) -> None:
        """Its viewer may never come back, and begin anew as another one: no file is kept from that."""
        for running in list(self._jobs.get(session, {}).values()):
            if isinstance(running.conveyor.job, Receiver):
                running.conveyor.job.rest()
                running.conveyor.go_on()

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """Its jobs are over; what has come of files is kept for who comes again."""
        for running in list(self._jobs.get(session, {}).values()):
            running.conveyor.leave(FileReason.FAILED)
        self._jobs.pop(session, None)
        self._newest.pop(session, None)

    # messages

    def put(self, session: HostSession, message: FilePut, now: float, lane: int) -> None:
        """A viewer wants to push files."""
        known = message.overwrite in FileOverwrite._value2member_map_
        if not known or message.files < 0 or message.size < 0:
            self._refuse(session, message.job, lane, FileReason.BAD_REQUEST)
            return
        job = Receiver(
            message.job,
            lambda size: self._roots.destination(message.path, message.single, size),
            FileOverwrite(message.overwrite),
            expects=(message.files, message.size),
            here=False,
        )
        self._begin(session, lane, message.job, job, Permission.FILES_IN)

    def get(self, session: HostSession, message: FileGet, now: float, lane: int) -> None:
        """A viewer wants to fetch files."""
        try:
            if not 0 < len(message.paths) <= MAX_FILE_SOURCES:
                raise FileTrouble(FileReason.BAD_REQUEST)
            sources, limit = self._roots.sources(message.paths)
        except FileTrouble as trouble:
            self._refuse(session, message.job, lane, trouble.reason)
            return

        def begin(files: int, size: int) -> FileBegin:
            if limit and size > limit:
                raise FileTrouble(FileReason.TOO_LARGE)
            return FileBegin(message.job, files, size)

        self._begin(
            session, lane, message.job, Sender(message.job, sources, message.folders, begin), Permission.FILES_OUT
        )

    def list(self, session: HostSession, message: FileList, now: float, lane: int) -> None:
        """A viewer wants to know what is in a folder."""
        if message.path and not permits(session.permissions, Permission.FILES_OUT):
            self._refuse(session, message.job, lane, FileReason.NOT_PERMITTED)
            return
        job = Listing(message.job, lambda: self._roots.rows(message.path, message.after))
        self._begin(session, lane, message.job, job, EITHER)

    def refused(self, session: HostSession, message: FilePut | FileGet | FileList, now: float, lane: int) -> None:
        """A viewer wants what it may not."""
        self._refuse(session, message.job, lane, FileReason.NOT_PERMITTED)

    def said(self, session: HostSession, message: FileMessage, now: float, lane: int) -> None:
        """Something about a job; what is about another than the lane's is late (R-SESS-261)."""
        running = self._jobs.get(session, {}).get(lane)
        if running is not None and running.number == message.job:
            running.conveyor.receive(message, now)

    # jobs

    def _refuse(self, session: HostSession, number: int, lane: int, reason: FileReason) -> None:
        session.send(FileStop(number, int(reason)), lane)

    def _begin(self, session: HostSession, lane: int, number: int, job: Job, needs: Permission) -> None:
        """Begin a job on a lane, in the place of what was there."""
        newest = self._newest.setdefault(session, {})
        if number <= newest.get(lane, 0):
            return
        newest[lane] = number
        jobs = self._jobs.setdefault(session, {})
        if (before := jobs.pop(lane, None)) is not None:
            before.conveyor.leave(FileReason.FAILED)
        if sum(map(len, self._jobs.values())) >= MOST_JOBS:
            self._refuse(session, number, lane, FileReason.TOO_MANY)
            return
        begun = self._clock()

        def over() -> None:
            if (running := jobs.get(lane)) is not None and running.conveyor is conveyor:
                del jobs[lane]
            if not isinstance(job, Listing):
                reason = FileReason.FAILED if job.over is None else job.over
                seconds = self._clock() - begun
                self.finished(Moved(session, isinstance(job, Receiver), reason, job.tally, seconds))

        def changed() -> None:
            job.events.clear()  # what became of each file is the viewer's business
            self._audience.changed()

        conveyor = Conveyor(
            job,
            _Lane(session, lane),
            self._workshop,
            start=self._audience.start,
            clock=self._clock,
            changed=changed,
            over=over,
        )
        jobs[lane] = _Running(number, needs, conveyor)
        conveyor.go_on()
