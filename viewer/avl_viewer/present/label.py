"""Labels that show text as it is: Qt's own guess whether a string is HTML, and some strings are chosen by strangers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


def label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """A label of plain text. Foreign text still goes through `for_dialog`, which takes the rest of its powers."""
    made = QLabel(parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    return made
