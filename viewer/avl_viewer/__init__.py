"""The automation API's names."""

from avl_protocol.wire.errors import Refused
from avl_viewer.api import Desktop, Screenshot, connect

__all__ = ["Desktop", "Refused", "Screenshot", "connect"]
