"""Layout: size and monitors of the host's desktop (spec 03-wire, 3.4.2)."""

from __future__ import annotations

from avl_protocol.media.frame import Monitor
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Layout
from avl_viewer.present.presenter import Presenter


class LayoutService(Service[ViewerSession]):
    """Tells the presenter."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def told(self, session: ViewerSession, message: Layout, now: float) -> None:
        """The desktop looks like this; rows that are no monitor are left out."""
        rows = zip(message.names, message.monitors, strict=False)
        monitors = tuple(Monitor(name, *row[:4], bool(row[4])) for name, row in rows if len(row) == 5)
        self._presenter.layout(message.width, message.height, monitors)
