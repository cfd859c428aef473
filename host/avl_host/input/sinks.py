"""The input sinks by name."""

from __future__ import annotations

from avl_host.input.ownwindows import OwnWindows
from avl_host.input.recorder import InputRecorder
from avl_host.input.sink import InputSink, Loop


def open_sink(name: str, loop: Loop, own: OwnWindows | None = None) -> InputSink:
    """The sink that goes with a source: an X11 display (":0"), "mss" for the system's own desktop whatever it is,
    "recorder" or "pattern" for one that only remembers.

    `loop` and `own`: see DesktopSink. Raises SinkLost, ValueError.
    """
    if name == "recorder" or name.startswith("pattern"):
        return InputRecorder()
    if name == "mss":
        from avl_host.input.portable import PortableSink

        return PortableSink()
    display = name.removeprefix("mss:")
    if ":" not in display:
        raise ValueError(f'{name!r} is no sink: give a display such as ":0", or "recorder"')
    # Imported here: a machine without a display needs no X library.
    from avl_host.input.desktop import DesktopSink
    from avl_host.input.uinput import open_devices

    return DesktopSink(display, loop, own, open_devices())
