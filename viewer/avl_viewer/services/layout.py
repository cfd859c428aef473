"""Layout: size and monitors of the host's desktop (spec 03-wire, 3.4.2), and the size that our input means (04-session,
4.11)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.media.frame import Monitor
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Aim, Layout
from avl_protocol.wire.errors import Refused
from avl_viewer.present.presenter import Presenter


class LayoutService(Service[ViewerSession]):
    """Tells the presenter, and the host what we see: places in our input are places of the desktop that is shown here,
    which has another size by now, perhaps."""

    def __init__(self, presenter: Presenter, laid_out: Callable[[tuple[Monitor, ...]], None]) -> None:
        self._presenter = presenter
        self._laid_out = laid_out
        self._layout: Layout | None = None
        self.monitors: tuple[Monitor, ...] = ()
        self._session: ViewerSession | None = None
        self._aimed: tuple[int, int] | None = None

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Nothing is shown of it."""
        self._session, self._aimed, self._layout = session, None, None

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nothing is aimed at."""
        self._session = None

    def shown(self, size: tuple[int, int], now: float, monitor: int = 0) -> None:
        """The desktop is on the screen in this size from now on, or a monitor of it by itself: of a desktop as it was
        told of, if that monitor has this size there."""
        if monitor:
            place = next((one for one in self.monitors if one.number == monitor), None)
            if self._layout is None or place is None or (place.width, place.height) != size:
                return
            size = (self._layout.width, self._layout.height)
        session = self._session
        if session is None or size == self._aimed or session.state is not ViewerState.ADMITTED:
            return
        self._aimed = size
        session.send(Aim(*size, round(session.clock.to_host(now) * 1e6)))

    def told(self, session: ViewerSession, message: Layout, now: float) -> None:
        """The desktop looks like this; rows that are no monitor are left out."""
        rows = zip(message.names, message.monitors, strict=False)
        self._layout = message
        self.monitors = monitors = tuple(
            Monitor(name, row[0], row[1], row[2], row[3], bool(row[4]), *_more(message, at))
            for at, (name, row) in enumerate(rows)
            if len(row) >= 5
        )
        self._presenter.layout(message.width, message.height, monitors)
        self._laid_out(monitors)


def _more(message: Layout, at: int) -> tuple[int, int, int]:
    """Number, scale and rotation of a monitor, where the host says them."""
    row = message.more[at] if at < len(message.more) else ()
    return (row[0], row[1], row[2]) if len(row) >= 3 else (0, 100, 0)
