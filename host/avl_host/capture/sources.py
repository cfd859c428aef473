"""The capture sources by name: what `--display` and `--source` may say."""

from __future__ import annotations

import re
from collections.abc import Callable

from avl_host.capture.pattern import PatternSource
from avl_host.capture.source import CaptureSource

_PATTERN = re.compile(r"pattern(?::(\d+)x(\d+))?")


def open_source(name: str, clock: Callable[[], float], monitor: str | None = None) -> CaptureSource:
    """The source called `name`: an X11 display (":0"), "mss" or "mss:DISPLAY", "pattern" or "pattern:WIDTHxHEIGHT"; of
    displays one `monitor` alone, by the name that the source of the whole has for it.

    Raises SourceLost when it cannot be opened, ValueError for a name that is none of these.
    """
    pattern = _PATTERN.fullmatch(name)
    if pattern:
        width, height = pattern.groups()
        return PatternSource(clock, (int(width), int(height))) if width else PatternSource(clock)
    # Imported here: a machine without a display needs neither library.
    from avl_host.capture.mss_source import MssSource

    if name == "mss" or name.startswith("mss:"):
        return MssSource(name[4:] or None, clock, monitor)
    if ":" not in name:
        raise ValueError(f'{name!r} is no source: give a display such as ":0", or "pattern"')
    from avl_host.capture.x11 import Unsupported, X11CaptureSource

    try:
        return X11CaptureSource(name, clock, monitor)
    except Unsupported:
        return MssSource(name, clock, monitor)
