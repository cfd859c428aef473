"""Layout: size and monitors of the desktop, told to every viewer (spec 03-wire, 3.4.2), and the size that each viewer's
input means (4.11)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from avl_host.services.audience import Audience
from avl_protocol.media.bounds import check_size
from avl_protocol.media.frame import Monitor
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Aim, Layout
from avl_protocol.wire.errors import Refused

#: Sizes of a viewer that are remembered: input of more than these ago is old anyhow.
AIMS = 16


class LayoutService(Service[HostSession]):
    """Remembers what the desktop looks like. `tell` tells the person at the host; `on_change` is called after the
    monitors, or their places, have become others."""

    def __init__(self, audience: Audience, tell: Callable[[str], None]) -> None:
        self._audience = audience
        self._tell = tell
        self._layout: Layout | None = None
        #: What each monitor is called by, by its name, as long as the host runs.
        self._numbers: dict[str, int] = {}
        #: Of each viewer that says so, since when its input means which size: by the time at which that was made.
        self._aims: dict[HostSession, deque[tuple[float, tuple[int, int]]]] = {}
        self.monitors: tuple[Monitor, ...] = ()
        self.on_change: Callable[[], None] = lambda: None

    def admitted(self, session: HostSession, now: float) -> None:
        """It learns what the desktop looks like."""
        session.hits = lambda made: self.hits(session, made)
        if self._layout is not None:
            session.send(self._layout)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed a change."""
        if self._layout is not None:
            session.send(self._layout)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It aims no more."""
        self._aims.pop(session, None)

    def changed(self, size: tuple[int, int], monitors: tuple[Monitor, ...]) -> None:
        """The desktop's size (width, height in pixels) or its monitors changed."""
        self.monitors = monitors = tuple(replace(one, number=self._number(one.name)) for one in monitors)
        rows = tuple((m.x, m.y, m.width, m.height, int(m.primary)) for m in monitors)
        more = tuple((m.number, m.scale, m.rotation) for m in monitors)
        self._layout = layout = Layout(size[0], size[1], tuple(m.name for m in monitors), rows, more)
        try:
            check_size(*size)
        except Refused as reason:
            self._tell(f"viewers will refuse this desktop of {size[0]} x {size[1]} pixels: {reason}")
        self._audience.everybody(lambda session: session.send(layout))
        self.on_change()

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    # what input means

    def aimed(self, session: HostSession, message: Aim, now: float) -> None:
        """Input that a viewer makes from now on means a desktop of this size."""
        aims = self._aims.setdefault(session, deque(maxlen=AIMS))
        aims.append((message.time_us / 1e6, (message.width, message.height)))

    def hits(self, session: HostSession, made: float) -> bool:
        """Whether places in input that was made then are places of the desktop as it is now."""
        aims = self._aims.get(session)
        if not aims or self._layout is None:
            return True
        size = next((size for since, size in reversed(aims) if since <= made), aims[0][1])
        return size == (self._layout.width, self._layout.height)
