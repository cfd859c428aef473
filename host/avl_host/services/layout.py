"""Layout: size and monitors of the desktop, told to every viewer (spec 03-wire, 3.4.2)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.services.audience import Audience
from avl_protocol.media.bounds import check_size
from avl_protocol.media.frame import Monitor
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Layout
from avl_protocol.wire.errors import Refused


class LayoutService(Service[HostSession]):
    """Remembers what the desktop looks like. `tell` tells the person at the host."""

    def __init__(self, audience: Audience, tell: Callable[[str], None]) -> None:
        self._audience = audience
        self._tell = tell
        self._layout: Layout | None = None

    def admitted(self, session: HostSession, now: float) -> None:
        """It learns what the desktop looks like."""
        if self._layout is not None:
            session.send(self._layout)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed a change."""
        self.admitted(session, now)

    def changed(self, size: tuple[int, int], monitors: tuple[Monitor, ...]) -> None:
        """The desktop's size (width, height in pixels) or its monitors changed."""
        rows = tuple((m.x, m.y, m.width, m.height, int(m.primary)) for m in monitors)
        self._layout = layout = Layout(size[0], size[1], tuple(m.name for m in monitors), rows)
        try:
            check_size(*size)
        except Refused as reason:
            self._tell(f"viewers will refuse this desktop of {size[0]} x {size[1]} pixels: {reason}")
        self._audience.everybody(lambda session: session.send(layout))
