"""The automation API's names, each loaded when it is first used: a command that only types need not load them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avl_protocol.wire.errors import Refused
    from avl_protocol.wire.registry import ClipboardState
    from avl_viewer.api import Desktop, Screenshot, connect
    from avl_viewer.clipboard import ClipboardError

__all__ = ["ClipboardError", "ClipboardState", "Desktop", "Refused", "Screenshot", "connect"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from avl_protocol.wire import errors, registry
    from avl_viewer import api, clipboard

    return next(getattr(module, name) for module in (api, clipboard, errors, registry) if hasattr(module, name))
