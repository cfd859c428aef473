"""Monitors: which of the host's monitors are seen by themselves (spec 04-session, 4.11)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.media.frame import Monitor
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Watch, Watched
from avl_protocol.wire.registry import MAX_WATCHED
from avl_viewer.present.presenter import Presenter

#: What stands for the whole desktop where monitors are named.
WHOLE = 0


class MonitorsService(Service[ViewerSession]):
    """Says what is to be seen, by the names of monitors, again to each session. `arranged` is called when the session's
    tracks are others."""

    def __init__(self, presenter: Presenter, arranged: Callable[[], None]) -> None:
        self._presenter = presenter
        self._arranged = arranged
        self._session: ViewerSession | None = None
        #: The names of the monitors to be seen, the first of them first; none: the whole desktop. None: nobody chose.
        self._wanted: tuple[str, ...] | None = None
        self._said: tuple[int, ...] = ()
        self.monitors: tuple[Monitor, ...] = ()
        #: Of each desktop that we get, by its first track, the number of its monitor; 0: the whole.
        self.watched: dict[int, int] = {}

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Of another session the whole desktop is seen at first."""
        self._session = session
        self._said, self.monitors, self.watched = (), (), {}
        self._presenter.watched({})

    def laid_out(self, monitors: tuple[Monitor, ...]) -> None:
        """The desktop has these monitors now: one that is to be seen may be there at last."""
        before = {monitor.name for monitor in self.monitors}
        self.monitors = monitors
        gone = before - {monitor.name for monitor in monitors}
        for name in self._wanted or ():
            if name in gone:
                self._presenter.remark(f"The monitor {name} is gone: you see the whole desktop.")
        self._say()

    @property
    def chosen(self) -> tuple[int, ...]:
        """The numbers of what was asked for last; 0 is the whole desktop."""
        return self._said or (WHOLE,)

    def choose(self, names: tuple[str, ...]) -> None:
        """See these monitors, at most four, each by itself; without any the whole desktop. Raises LookupError for a
        name that no monitor has."""
        for name in names:
            self._number(name)
        self._wanted = names[:MAX_WATCHED]
        self._say()

    def prefer(self, names: tuple[str, ...]) -> None:
        """See these once they are there."""
        self._wanted = names[:MAX_WATCHED] or None
        self._say()

    def _number(self, name: str) -> int:
        """By its name, or by its place in the list from 1 on."""
        for at, monitor in enumerate(self.monitors, 1):
            if name in (monitor.name, str(at)):
                return monitor.number
        there = ", ".join(monitor.name for monitor in self.monitors) or "none"
        raise LookupError(f"this desktop has no monitor {name}: it has {there}")

    def _say(self) -> None:
        session, wanted = self._session, self._wanted
        if session is None or wanted is None or session.state is not ViewerState.ADMITTED or not self.monitors:
            return
        numbers = []
        for name in wanted:
            try:
                numbers.append(self._number(name))
            except LookupError as error:
                if not self._said:
                    self._presenter.remark(f"You see the whole desktop: {error}.")
        chosen = tuple(numbers) or (WHOLE,)
        if chosen != (self._said or (WHOLE,)):
            session.send(Watch(chosen))
        self._said = chosen

    def told(self, session: ViewerSession, message: Watched, now: float) -> None:
        """The host gives us these from now on. Raises RemoteProtocolError for tracks that are none."""
        session.arrange(message.tracks)
        known = {track.id for track in session.tracks}
        self.watched = {row[1]: row[0] for row in message.monitors if len(row) >= 2 and row[1] in known}
        self._arranged()
        self._presenter.watched(self.watched)
