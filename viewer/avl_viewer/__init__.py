"""The automation API's names."""

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import ClipboardState
from avl_viewer.api import Desktop, Screenshot, connect
from avl_viewer.clipboard import ClipboardError

__all__ = ["ClipboardError", "ClipboardState", "Desktop", "Refused", "Screenshot", "connect"]
