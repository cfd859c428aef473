"""A pointer's movement by program, by system: games read what a mouse moves, and not where its pointer is.

Setting the place would tell them nothing on Windows (raw input) and on macOS (their events carry a movement of
their own).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_MOVE = 0x0001  # MOUSEEVENTF_MOVE of the Windows API

Mover = Callable[[int, int], None]


def mover(mouse: Any, platform: str = sys.platform) -> Mover:
    """How the pointer is moved here; `mouse` is pynput's controller."""
    if platform == "win32":
        import ctypes

        return on_windows(ctypes.windll.user32.mouse_event)  # type: ignore[attr-defined, unused-ignore]
    if platform == "darwin":
        import Quartz

        return on_macos(Quartz, mouse)
    moved: Mover = mouse.move
    return moved


def on_windows(mouse_event: Callable[[int, int, int, int, int], object]) -> Mover:
    """By `mouse_event`: a movement without MOUSEEVENTF_ABSOLUTE is relative."""

    def move(dx: int, dy: int) -> None:
        mouse_event(_MOVE, dx, dy, 0, 0)

    return move


def on_macos(quartz: Any, mouse: Any) -> Mover:
    """By an event of Quartz at the new place that carries the movement too."""

    def move(dx: int, dy: int) -> None:
        x, y = mouse.position
        held = quartz.CGEventSourceButtonState(quartz.kCGEventSourceStateHIDSystemState, quartz.kCGMouseButtonLeft)
        kind = quartz.kCGEventLeftMouseDragged if held else quartz.kCGEventMouseMoved
        event = quartz.CGEventCreateMouseEvent(None, kind, (x + dx, y + dy), quartz.kCGMouseButtonLeft)
        quartz.CGEventSetIntegerValueField(event, quartz.kCGMouseEventDeltaX, dx)
        quartz.CGEventSetIntegerValueField(event, quartz.kCGMouseEventDeltaY, dy)
        quartz.CGEventPost(quartz.kCGHIDEventTap, event)

    return move
