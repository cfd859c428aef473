"""A background and something that moves, on any X display: `python -m interop.scenery --display :5`.

The moving window costs little: one small pixmap is drawn and copied 30 times a second.
"""

from __future__ import annotations

import argparse
import math
import select
import time
from typing import Any

import xcffib
import xcffib.xproto

xproto: Any = xcffib.xproto  # its constructors have no types
WIDTH, HEIGHT = 340, 150
FRAMES_PER_SECOND = 30
BACKGROUND = 0x2E3A4F
PAPER, INK, TRACK, BALL = 0xF4F1EA, 0x20242C, 0xD8D2C4, 0xD1495B


class Scenery:
    """The window and what is drawn into it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        screen = self.connection.get_setup().roots[0]
        core = self.connection.core
        core.ChangeWindowAttributes(screen.root, xproto.CW.BackPixel, [BACKGROUND])
        core.ClearArea(False, screen.root, 0, 0, 0, 0)
        self.window = self.connection.generate_id()
        core.CreateWindow(
            screen.root_depth,
            self.window,
            screen.root,
            screen.width_in_pixels - WIDTH - 24,
            screen.height_in_pixels - HEIGHT - 24,
            WIDTH,
            HEIGHT,
            0,
            xproto.WindowClass.InputOutput,
            screen.root_visual,
            xproto.CW.BackPixel | xproto.CW.OverrideRedirect,
            [PAPER, 1],
        )
        self.pixmap = self.connection.generate_id()
        core.CreatePixmap(screen.root_depth, self.pixmap, self.window, WIDTH, HEIGHT)
        font = self.connection.generate_id()
        core.OpenFont(font, len("fixed"), "fixed")
        self.pen = self.connection.generate_id()
        core.CreateGC(
            self.pen, self.pixmap, xproto.GC.Foreground | xproto.GC.Background | xproto.GC.Font, [0, PAPER, font]
        )
        core.MapWindow(self.window)
        self.connection.flush()

    def draw(self, seconds: float) -> None:
        """One frame, as of `seconds` since the start."""
        core = self.connection.core
        self._colour(PAPER)
        core.PolyFillRectangle(self.pixmap, self.pen, 1, [xproto.RECTANGLE.synthetic(0, 0, WIDTH, HEIGHT)])
        self._colour(TRACK)
        core.PolyFillRectangle(self.pixmap, self.pen, 1, [xproto.RECTANGLE.synthetic(20, 108, WIDTH - 40, 4)])
        self._colour(BALL)
        x = int((WIDTH - 72) * (0.5 - 0.5 * math.cos(seconds * 1.4)))
        y = int(66 * abs(math.sin(seconds * 2.8)))
        core.PolyFillArc(self.pixmap, self.pen, 1, [xproto.ARC.synthetic(20 + x, 76 - y, 32, 32, 0, 360 * 64)])
        self._colour(INK)
        text = f"{int(seconds) // 60:02d}:{seconds % 60:05.2f}   something that moves"
        core.ImageText8(len(text), self.pixmap, self.pen, 20, HEIGHT - 14, text)
        core.CopyArea(self.pixmap, self.window, self.pen, 0, 0, 0, 0, WIDTH, HEIGHT)
        self.connection.flush()

    def _colour(self, pixel: int) -> None:
        self.connection.core.ChangeGC(self.pen, xproto.GC.Foreground, [pixel])


def main() -> None:
    """Draw until the display goes away or somebody ends the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--display", required=True)
    scenery = Scenery(xcffib.connect(display=parser.parse_args().display))  # type: ignore[no-untyped-call]
    start = due = time.monotonic()
    while True:
        scenery.draw(time.monotonic() - start)
        due = max(due + 1 / FRAMES_PER_SECOND, time.monotonic())
        while (left := due - time.monotonic()) > 0:  # events wake the program, but do not move anything
            if select.select([scenery.connection.get_file_descriptor()], [], [], left)[0]:
                while scenery.connection.poll_for_event() is not None:
                    continue


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, xcffib.ConnectionException):
        raise SystemExit(0) from None
