"""The displays by name: which of them goes with a source."""

from __future__ import annotations

import sys

from avl_host.display.display import Display


def open_display(name: str) -> Display | None:
    """The display that goes with a source (see open_source); None where nothing has a size that could be changed."""
    display = name.removeprefix("mss:")
    if ":" in display and not display.startswith("pattern"):
        # Imported here: a machine without a display needs no X library.
        from avl_host.display.x11display import X11Display

        return X11Display(display)
    if name == "mss" and sys.platform == "win32":
        from avl_host.display.windowsdisplay import WindowsDisplay

        return WindowsDisplay()
    if name == "mss" and sys.platform == "darwin":
        from avl_host.display.macdisplay import MacDisplay

        return MacDisplay()
    return None
