"""Monitors: tracks of single monitors, for viewers that want to see one by itself (spec 04-session, 4.11).

The whole desktop is always published. A monitor is captured only while somebody watches it: the first who wants it
starts it, and with the last who does it stops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_host.capture.source import SourceLost
from avl_host.encode.worker import Worker
from avl_host.publish.publication import Publication
from avl_host.publish.publisher import Publisher
from avl_host.services.audience import Audience
from avl_host.services.layout import LayoutService
from avl_protocol.media.frame import Monitor
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Watch, Watched
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_WATCHED

#: What stands for the whole desktop where monitors are named.
WHOLE = 0
#: Given a monitor, where its frames go, and whom to tell that it is lost: what captures it. Raises SourceLost.
OpenMonitor = Callable[[Monitor, Publication, Callable[[str], None]], Worker]


@dataclass(slots=True, eq=False)
class _Slot:
    """Tracks that a monitor has for as long as somebody watches it, and another one later. Their objects are counted
    on: no number is ever used twice."""

    publication: Publication
    monitor: int = WHOLE
    worker: Worker | None = None
    #: Whether what captured the last one is still about to end.
    ends: bool = False


class MonitorsService(Service[HostSession]):
    """Starts and stops monitors, and tells viewers which tracks they have. `open_monitor` None: there are none."""

    def __init__(
        self,
        audience: Audience,
        publisher: Publisher,
        layout: LayoutService,
        open_monitor: OpenMonitor | None,
        tell: Callable[[str], None],
    ) -> None:
        self._audience = audience
        self._publisher = publisher
        self._layout = layout
        self._open = open_monitor
        self._tell = tell
        self._slots: list[_Slot] = []
        #: What each viewer wants that has ever chosen, and what it was told that it has.
        self._wanted: dict[HostSession, tuple[int, ...]] = {}
        self._told: dict[HostSession, Watched] = {}
        self._closed = False
        layout.on_change = self.settle

    @property
    def watched(self) -> tuple[int, ...]:
        """The monitors that are captured by themselves, by number."""
        return tuple(slot.monitor for slot in self._slots if slot.worker is not None)

    # sessions

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed what it has."""
        if (told := self._told.get(session)) is not None:
            session.send(told)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It watches nothing any more."""
        self._told.pop(session, None)
        if self._wanted.pop(session, None) is not None:
            self.settle()

    def asked(self, session: HostSession, message: Watch, now: float) -> None:
        """A viewer wants these, 0 for the whole desktop; what is no monitor is left out."""
        self._wanted[session] = tuple(dict.fromkeys(message.monitors))[: MAX_WATCHED + 1]
        self.settle()

    # starting and stopping

    def settle(self) -> None:
        """Let what is captured be what is wanted and there, and everybody know."""
        there = {monitor.number: monitor for monitor in self._layout.monitors}
        wanted = {number for numbers in self._wanted.values() for number in numbers if number in there}
        for slot in self._slots:
            if slot.worker is not None and slot.monitor not in wanted:
                self._stop(slot)
        for number in sorted(wanted.difference(self.watched)):
            self._start(there[number])
        begun = {slot.monitor: slot.publication for slot in self._slots if slot.worker is not None}
        for session, numbers in list(self._wanted.items()):
            self._give(session, numbers, begun)

    def _start(self, monitor: Monitor) -> None:
        """Capture a monitor, where there are tracks for it."""
        if self._open is None or self._closed:
            return
        slot = next((one for one in self._slots if one.worker is None and not one.ends), None)
        if slot is None and len(self._slots) < MAX_WATCHED and (publication := self._publisher.add()) is not None:
            slot = _Slot(publication)
            self._slots.append(slot)
        if slot is None:
            return
        try:
            worker = self._open(monitor, slot.publication, lambda text: self._lost(slot, worker, text))
        except SourceLost as error:
            self._tell(f"the monitor {monitor.name} can't be shown by itself: {error}")
            return
        slot.monitor, slot.worker = monitor.number, worker
        slot.publication.resume(worker)
        worker.start()

    def _lost(self, slot: _Slot, worker: Worker, text: str) -> None:
        """What captured a monitor has ended: it is not there any more, most likely."""
        if slot.worker is worker:
            lost = slot.monitor
            self._wanted = {
                session: tuple(number for number in numbers if number != lost)
                for session, numbers in self._wanted.items()
            }
            self.settle()

    def _stop(self, slot: _Slot) -> None:
        """Capture it no more; its tracks are free once what captured it has ended."""
        worker, slot.worker, slot.monitor = slot.worker, None, WHOLE
        slot.publication.stop()
        self._publisher.look()
        if worker is not None:
            slot.ends = True
            self._audience.start(self._end(slot, worker))

    async def _end(self, slot: _Slot, worker: Worker) -> None:
        await worker.close()
        slot.ends = False
        if not self._closed:
            self.settle()  # somebody may wait for tracks

    async def close(self) -> None:
        """Capture nothing any more."""
        self._closed = True
        for slot in self._slots:
            worker, slot.worker = slot.worker, None
            if worker is not None:
                await worker.close()

    # telling

    def _give(self, session: HostSession, numbers: tuple[int, ...], begun: dict[int, Publication]) -> None:
        """Let a viewer have what it wants of what there is, and the whole desktop where that is nothing."""
        whole = self._publisher.publications[0]
        given = {number: whole if number == WHOLE else begun[number] for number in numbers if number in (WHOLE, *begun)}
        given = given or {WHOLE: whole}
        rows = tuple((number, publication.pictures.track.id) for number, publication in given.items())
        before = self._told.get(session)
        if before is not None and before.monitors == rows:
            return

        def tell(since: dict[int, int]) -> None:
            tracks = tuple(
                track.row_from(since[track.id]) for publication in given.values() for track in publication.tracks
            )
            self._told[session] = told = Watched(rows, tracks)
            session.send(told)

        known = set() if before is None else {row[1] for row in before.monitors}
        self._audience.shows(session, [publication.tracks for publication in given.values()], tell)
        for publication in given.values():
            if publication.pictures.track.id not in known:
                publication.request_everything()
                publication.request_key()
