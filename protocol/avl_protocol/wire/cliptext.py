"""Clipboard text as it travels: LF alone ends its lines, and what holds NUL is no text (spec 04-session, 4.7).

A clipboard without text is one of several things, and a person has to know which: ClipboardState says it.
"""

from __future__ import annotations

import re

from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, ClipboardState

#: What a clipboard holds: a text that is not empty, or why there is none.
Content = str | ClipboardState

_LINE_END = re.compile("\r\n?")


def lines_of(text: str) -> str:
    """A text whose lines end with LF."""
    return _LINE_END.sub("\n", text)


def content_of(text: str) -> Content:
    """What a clipboard with this text holds: CR LF and lone CR are LF from here on."""
    lines = lines_of(text)
    if not lines:
        return ClipboardState.EMPTY
    if "\0" in lines:
        return ClipboardState.NOT_TEXT
    try:
        size = len(lines.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return ClipboardState.NOT_TEXT
    return ClipboardState.TOO_LARGE if size > MAX_CLIPBOARD_TEXT else lines


def told(state: int, text: str) -> Content:
    """What CLIPBOARD says; a state that this version does not know is no text."""
    if state == ClipboardState.TEXT:
        return content_of(text)
    return ClipboardState(state) if state in ClipboardState._value2member_map_ else ClipboardState.NOT_TEXT


def as_told(content: Content) -> tuple[int, str]:
    """State and text of the CLIPBOARD that says this."""
    return (int(ClipboardState.TEXT), content) if isinstance(content, str) else (int(content), "")
