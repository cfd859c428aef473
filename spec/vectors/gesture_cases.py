"""Traces of fingers on a picture: what they mean to a host that knows none (spec 04-session, 4.6)."""

from __future__ import annotations

from typing import Any

from avl_viewer.input.gestures import Act, Gestures, HoldControl, MoveTo, Pan, Press, Turn, Zoom
from spec.vectors.trace import Answer, Call, Story, record


def _down(at: float, finger: int, x: float, y: float) -> Call:
    return at, "down", {"finger": finger, "x": x, "y": y}


def _move(at: float, finger: int, x: float, y: float) -> Call:
    return at, "move", {"finger": finger, "x": x, "y": y}


def _up(at: float, finger: int) -> Call:
    return at, "up", {"finger": finger}


def _plain(at: float, do: str) -> Call:
    return at, do, {}


_PLAIN = {"zooms_view": False, "zoomed": False}
_ZOOMED = {"zooms_view": True, "zoomed": True}

_STORIES = (
    Story(
        "a tap clicks where it was lifted, a finger that wanders drags from where it came down",
        (
            _down(0, 1, 100, 50),
            _move(50, 1, 104, 53),
            _up(100, 1),
            _down(200, 2, 100, 50),
            _move(220, 2, 106, 58),
            _move(240, 2, 112, 66),
            _move(260, 2, 200, 100),
            _up(300, 2),
            _up(310, 2),
        ),
        _PLAIN,
    ),
    Story(
        "a long press clicks right, once; the finger does nothing more until it is lifted",
        (
            _down(0, 1, 10, 20),
            _plain(499, "timer"),
            _plain(500, "timer"),
            _move(600, 1, 90, 90),
            _up(700, 1),
            _plain(900, "timer"),
        ),
        _PLAIN,
    ),
    Story(
        "two fingers scroll, by parts of a notch, what lies under them",
        (
            _down(0, 1, 100, 100),
            _down(10, 2, 200, 100),
            _move(20, 1, 100, 104),
            _move(30, 1, 100, 110),
            _move(31, 2, 200, 110),
            _move(40, 1, 97, 90.5),
            _up(50, 1),
            _move(60, 2, 250, 200),
            _up(70, 2),
        ),
        _PLAIN,
    ),
    Story(
        "a pinch turns the wheel with Control held, which is let go of with the first finger",
        (
            _down(0, 1, 100, 100),
            _down(10, 2, 200, 100),
            _move(20, 1, 90, 100),
            _move(21, 2, 212, 100),
            _move(30, 2, 290, 100),
            _move(40, 1, 150, 100),
            _up(50, 2),
            _up(60, 1),
        ),
        _PLAIN,
    ),
    Story(
        "one finger far from another that rests is a pinch too",
        (
            _down(0, 1, 0, 0),
            _down(10, 2, 100, 0),
            _move(20, 2, 170, 0),
            _move(30, 2, 190, 0),
            _plain(40, "release_all"),
        ),
        _PLAIN,
    ),
    Story(
        "three fingers drag from the middle between them until one is lifted",
        (
            _down(0, 1, 100, 100),
            _down(5, 2, 200, 100),
            _down(9, 3, 300, 100),
            _move(20, 1, 106, 108),
            _move(21, 2, 206, 108),
            _move(22, 3, 306, 108),
            _up(40, 2),
            _move(50, 1, 0, 0),
            _up(60, 1),
            _up(61, 3),
        ),
        _PLAIN,
    ),
    Story(
        "another finger ends a drag, and one that comes when all is spent begins nothing",
        (
            _down(0, 1, 0, 0),
            _move(10, 1, 60, 80),
            _down(20, 2, 200, 0),
            _up(30, 2),
            _down(40, 3, 50, 50),
            _move(50, 3, 80, 80),
            _up(60, 3),
            _up(70, 1),
        ),
        _PLAIN,
    ),
    Story(
        "a pinch zooms the view where it is told to, around the middle between the fingers",
        (
            _down(0, 1, 100, 100),
            _down(10, 2, 200, 100),
            _move(20, 1, 90, 100),
            _move(21, 2, 215, 100),
            _move(30, 1, 90, 100),
            _up(40, 1),
        ),
        {"zooms_view": True, "zoomed": False},
    ),
    Story(
        "while the view is zoomed two fingers move it and three scroll",
        (
            _down(0, 1, 100, 100),
            _down(10, 2, 200, 100),
            _move(20, 1, 100, 120),
            _move(21, 2, 200, 120),
            _move(30, 2, 200, 140),
            _up(40, 1),
            _up(41, 2),
            _down(100, 1, 100, 100),
            _down(110, 2, 200, 100),
            _down(111, 3, 300, 100),
            _move(120, 1, 100, 130),
            _move(121, 3, 300, 130),
            _plain(130, "release_all"),
        ),
        _ZOOMED,
    ),
    Story(
        "a finger that the system takes away taps nothing, and one that is not known does nothing",
        (_down(0, 1, 5, 5), (10, "cancel", {"finger": 1}), _move(20, 1, 9, 9), _up(30, 1), _move(40, 7, 1, 1)),
        _PLAIN,
    ),
)


def _told(act: Act) -> dict[str, Any]:
    match act:
        case MoveTo():
            return {"act": "move", "x": act.x, "y": act.y}
        case Press():
            return {"act": "press", "button": act.button, "down": act.down}
        case Turn():
            return {"act": "turn", "dx": act.dx, "dy": act.dy}
        case HoldControl():
            return {"act": "control", "down": act.down}
        case Pan():
            return {"act": "pan", "dx": act.dx, "dy": act.dy}
        case Zoom():
            return {"act": "zoom", "factor": act.factor, "x": act.x, "y": act.y}


def _gestures(zooms_view: bool, zoomed: bool) -> Any:
    gestures = Gestures()
    gestures.zooms_view, gestures.zoomed = zooms_view, zoomed

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        if do in ("down", "move"):
            acts = {"down": gestures.down, "move": gestures.move}[do](given["finger"], given["x"], given["y"], now)
        elif do in ("up", "cancel"):
            acts = {"up": gestures.up, "cancel": gestures.cancel}[do](given["finger"], now)
        else:
            acts = gestures.handle_timer(now) if do == "timer" else gestures.release_all(now)
        return [_told(act) for act in acts], gestures.next_timeout()

    return call


def gestures() -> list[Any]:
    """What fingers mean; places are logical pixels of a window."""
    return record(_STORIES, _gestures)
