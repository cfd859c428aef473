"""Pointer: the shape of the host's pointer (spec 03-wire, 3.4.2)."""

from __future__ import annotations

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Cursor
from avl_viewer.present.cursor import cursor_shape
from avl_viewer.present.presenter import Presenter


class PointerService(Service[ViewerSession]):
    """Shows it."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def told(self, session: ViewerSession, message: Cursor, now: float) -> None:
        """The pointer has another shape; one that is none is ignored."""
        if (shape := cursor_shape(message)) is not None:
            self._presenter.cursor(shape)
