"""Where things are on the host's screen, for the program that draws them and for the one that looks for them."""

from __future__ import annotations

from typing import NamedTuple

SIZE = (1920, 1080)


class Area(NamedTuple):
    """A part of the screen in pixels from its top left."""

    x: int
    y: int
    width: int
    height: int


#: The film's pane, with a strip of blocks (`strip`) along its upper and its lower edge.
PANE = Area(40, 180, 1280, 720)
#: The rectangle that every press flips between two shades.
MARKER = Area(1400, 300, 480, 480)
DARK, LIGHT = 0x101010, 0xEBEBEB
#: Where presses go, and where the pointer rests otherwise: on neither.
PRESSED, PARKED = (1640, 540), (1900, 1060)
#: How often the film shows a new frame.
FRAMES_PER_SECOND = 60
#: How often the scrolling page moves on, and by how many rows: one line.
SCROLLS_PER_SECOND, LINE = 30, 16
#: The terminal that is typed at, where presses flip their rectangle otherwise.
TERMINAL = MARKER
#: The window that is dragged, without its frame, and the columns between which its left edge moves.
CARRIED = Area(120, 420, 640, 400)
DRAGGED = (120, 1080)
