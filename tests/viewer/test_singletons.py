"""The interpreter outlives what Qt's binding does to its singletons."""

from __future__ import annotations

import subprocess
import sys

#: As many calls as take every reference to True and to None away that a small program has, and some more.
MANY_CALLS = """
from PySide6.QtCore import QCoreApplication, QObject, Signal

from avl_viewer.present.singletons import keep

keep()
keep()


class Talker(QObject):
    said = Signal()


application = QCoreApplication([])
talker = Talker()
for _ in range(100_000):
    talker.said.emit()
    talker.setObjectName("a")
print("alive")
"""


def test_qt_may_be_called_as_often_as_one_likes() -> None:
    """A window of Python 3.11 aborted after minutes of moving the mouse: `none_dealloc`, `bool_dealloc`."""
    done = subprocess.run([sys.executable, "-c", MANY_CALLS], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
