"""How the window's panels look: dark, so that they stand apart from the desktop, and calm."""

from __future__ import annotations

ACCENT = "#4c9ffe"

#: For panels over the picture (named by objectName "panel") and what lies in them.
PANEL = f"""
QFrame#panel {{ background: rgba(24, 27, 33, 247); border: 1px solid #3a4150; border-radius: 8px; }}
QLabel {{ color: #e6e9ef; background: transparent; font-size: 13px; }}
QLabel#title {{ font-size: 17px; font-weight: 600; color: #ffffff; }}
QLabel#speaking {{ color: #ff8080; font-weight: 600; }}
QLabel#quiet {{ color: #98a1b0; font-size: 12px; }}
QLabel#accent {{ color: {ACCENT}; font-weight: 700; }}
QLabel#error {{ color: #ff9c9c; font-size: 12px; }}
QToolButton, QPushButton {{
    color: #e6e9ef; background: #2c323d; border: 1px solid #3a4150; border-radius: 5px; padding: 5px 9px; font-size:
    13px;
}}
QToolButton:hover, QPushButton:hover {{ background: #384050; }}
QToolButton:pressed, QPushButton:pressed {{ background: #232831; }}
QToolButton:checked {{ background: #234a78; border-color: {ACCENT}; color: #ffffff; }}
QToolButton:focus, QPushButton:focus {{ border-color: {ACCENT}; }}
QToolButton::menu-indicator {{ image: none; width: 0px; }}
QPushButton#small {{ padding: 3px 9px; font-size: 12px; }}
QPushButton:default {{ background: #2563ad; border-color: {ACCENT}; color: #ffffff; }}
QPushButton:default:hover {{ background: #2d74c8; }}
QPushButton:disabled {{ background: #242830; border-color: #2c323d; color: #6b7383; }}
QPlainTextEdit, QLineEdit, QListWidget {{
    color: #e6e9ef; background: #14171c; border: 1px solid #3a4150; border-radius: 5px; padding: 5px; font-size: 13px;
    selection-background-color: #2563ad; selection-color: #ffffff;
}}
QPlainTextEdit:focus, QLineEdit:focus, QListWidget:focus {{ border-color: {ACCENT}; }}
QListWidget::item {{ padding: 6px; border-radius: 4px; }}
QListWidget::item:selected {{ background: #234a78; color: #ffffff; }}
QListWidget::item:hover:!selected {{ background: #20252d; }}
QListWidget::item:disabled {{ color: #6b7383; }}
QScrollArea, QWidget#clear {{ background: transparent; }}
QFrame#question {{ background: #14171c; border: 1px solid {ACCENT}; border-radius: 6px; }}
QProgressBar {{ background: #14171c; border: 0; border-radius: 4px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 4px; }}
QCheckBox {{ color: #e6e9ef; background: transparent; font-size: 12px; }}
QCheckBox::indicator, QListWidget::indicator {{
    width: 13px; height: 13px; background: #14171c; border: 1px solid #6b7383; border-radius: 3px;
}}
QCheckBox::indicator:checked, QListWidget::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; }}
QCheckBox::indicator:disabled {{ border-color: #2c323d; }}
QCheckBox:disabled {{ color: #6b7383; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{ background: #3a4150; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
"""

MENU = """
QMenu { font-size: 13px; background: #1b1f26; color: #e6e9ef; border: 1px solid #3a4150; padding: 4px; }
QMenu::item { padding: 5px 18px; border-radius: 4px; }
QMenu::item:selected { background: #234a78; }
QMenu::item:disabled { color: #6b7383; }
QMenu::separator { height: 1px; background: #3a4150; margin: 4px 6px; }
"""

#: What is dragged over the window may be dropped.
DROP = f"""
QLabel {{ background: rgba(16, 18, 22, 140); border: 2px dashed {ACCENT}; border-radius: 8px; color: #ffffff;
    font-size: 20px; font-weight: 600; }}
"""

DIALOG = "QDialog { background: #1b1f26; }" + PANEL
