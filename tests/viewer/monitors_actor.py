"""Two monitors of a host in windows of their own on a machine with two displays: prints what they do.

A process of its own: how many displays there are is said when Qt starts.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DISPLAYS = [
    {"name": "one", "x": 0, "y": 0, "width": 800, "height": 600, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1},
    {"name": "two", "x": 800, "y": 0, "width": 1024, "height": 768, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1},
]


def main() -> dict[str, Any]:
    """What there is to say."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from avl_protocol.media.frame import Monitor
    from avl_viewer.present.monitorwindow import MonitorWindow

    application = QApplication([])
    rows: list[Any] = []
    gone: list[int] = []
    windows = [MonitorWindow(number, number, "desk", rows.extend, lambda: 0.0) for number in (1, 2)]
    windows[0].place(Monitor("DP-1", 0, 0, 400, 300, True, 1))
    windows[1].place(Monitor("DP-2", 400, -100, 400, 300, False, 2))
    for window in windows:
        window.closed.connect(gone.append)
    application.processEvents()
    told: dict[str, Any] = {"titles": [window.screen.windowTitle() for window in windows]}
    told["displays"] = [window.screen.screen().name() for window in windows]
    for window in windows:
        QTest.mouseMove(window.screen, QPoint(10, 20))
        QTest.mouseClick(window.screen, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(10, 20))
    application.processEvents()
    told["rows"] = [[int(value) for value in row] for row in rows]
    for window in windows:
        window.screen.command.emit("fullscreen")
    application.processEvents()
    told["full"] = [[*window.screen.geometry().getRect()] for window in windows]  # type: ignore[misc]
    windows[1].screen.command.emit("fullscreen")
    told["states"] = [window.screen.isFullScreen() for window in windows]
    windows[1].screen.close()
    told["gone"] = gone
    for window in windows:
        window.close()
    told["visible"] = [window.screen.isVisible() for window in windows]
    return told


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        told_displays = Path(folder, "displays.json")
        told_displays.write_text(json.dumps({"screens": DISPLAYS, "synchronousWindowSystemEvents": True}))
        os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={told_displays}"
        sys.stdout.write(json.dumps(main()))
