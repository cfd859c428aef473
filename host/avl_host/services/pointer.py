"""Pointer: the shape of the desktop's pointer, told to every viewer (spec 03-wire, 3.4.2)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.capture.source import CursorImage
from avl_host.desktop.pointer import as_travels
from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Cursor

#: Bits per second that shapes of the pointer may take.
CURSOR_RATE = 200_000


class PointerService(Service[HostSession]):
    """Tells a new shape at once, and not again for as long as it takes at CURSOR_RATE: an animated pointer must not get
    ahead of pictures and input."""

    def __init__(self, audience: Audience, clock: Callable[[], float]) -> None:
        self._audience = audience
        self._clock = clock
        self._shape: Cursor | None = None
        #: Since when a shape waits to be told, and when the next may be.
        self._since: float | None = None
        self._free = 0.0

    def admitted(self, session: HostSession, now: float) -> None:
        """It learns the shape of now."""
        if self._shape is not None:
            session.send(self._shape)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed a shape."""
        self.admitted(session, now)

    def changed(self, image: CursorImage) -> None:
        """The pointer has another shape."""
        now = self._clock()
        self._shape = as_travels(image)
        self._since = now if self._since is None else self._since
        self.handle_timer(now)
        self._audience.changed()

    def next_timeout(self) -> float | None:
        """When the shape that waits may be told."""
        return None if self._since is None else max(self._since, self._free)

    def handle_timer(self, now: float) -> None:
        """Tell the newest shape if it is time."""
        shape, due = self._shape, self.next_timeout()
        if shape is not None and due is not None and now >= due:
            self._since = None
            self._free = now + len(shape.image) * 8 / CURSOR_RATE
            self._audience.everybody(lambda session: session.send(shape))
