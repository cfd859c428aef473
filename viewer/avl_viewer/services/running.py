"""Running: whether a service may use a session now."""

from __future__ import annotations

from avl_protocol.session.services import NONE
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.channels import permits
from avl_protocol.wire.errors import Refused, not_permitted
from avl_protocol.wire.registry import CloseCode, Permission


def running(session: ViewerSession | None, needed: Permission = NONE) -> ViewerSession:
    """The session, if it is running and may what any of `needed` allows. Raises Refused(SESSION_LOST), or
    Refused(NOT_PERMITTED)."""
    if session is None or session.state is not ViewerState.ADMITTED:
        raise Refused(CloseCode.SESSION_LOST)
    if not permits(session.permissions, needed):
        raise not_permitted(needed)
    return session
