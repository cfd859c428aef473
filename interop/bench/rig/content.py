"""The program on the host's screen: it shows scenes, flips a rectangle at every press, and says when it did.

Its window covers everything, but in some scenes it goes below what others have on the screen (a terminal, a window that
is dragged), as a desktop does.

`python -m interop.bench.rig.content --display :5 --control SOCKET`. Over the socket it is sent the name of a scene or
`report`, a line each, and answers each with a line of JSON once the X server has drawn what was asked for. Times are
nanoseconds of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.shm
import xcffib.xproto

from avl_host.capture.shared_memory import SharedPixels
from interop.bench.rig import strip
from interop.bench.rig.layout import DARK, FRAMES_PER_SECOND, LIGHT, MARKER, PANE, SCROLLS_PER_SECOND, SIZE
from interop.bench.rig.pictures import FILM_FRAMES, Film, Scroll, desk, text

xproto: Any = xcffib.xproto  # its constructors have no types
SCENES = ("desk", "plain", "page", "film", "scroll", "bare", "mixed")
#: Scenes below the windows of others: the desk alone, and with the film.
BELOW = ("bare", "mixed")
#: Frames a second of the scenes that move.
MOVING = {"film": FRAMES_PER_SECOND, "mixed": FRAMES_PER_SECOND, "scroll": SCROLLS_PER_SECOND}
#: Frames in one segment: an image of MIT-SHM has at most 65535 rows.
REEL = 40
#: Before other programs, where the system allows it: a late frame would be counted as a slow one.
PRIORITY = -10
_BUTTON_PRESS = 4
#: Another colour than the paper of the page that comes after it: no pixel of that is there already.
_PLAIN = 0x5A6478


class Content:
    """The window and what is drawn into it."""

    def __init__(self, display: str) -> None:
        self.connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self._core: Any = self.connection.core  # type: ignore[has-type]
        self._shm = self.connection(xcffib.shm.key)
        screen = self.connection.get_setup().roots[0]
        self._depth = screen.root_depth
        self._desk = SharedPixels(self.connection, self._shm, *SIZE)
        self._desk.pixels[:] = desk()
        self._page = SharedPixels(self.connection, self._shm, *SIZE)
        self._page.pixels[:] = text(*SIZE, seed=5)
        self._reels = self._record()
        self._scroll = Scroll()
        self._sheet = SharedPixels(self.connection, self._shm, PANE.width, PANE.height)
        self._scene = "desk"
        self._lit = False
        self._due: float | None = None
        self._period = 1.0
        self._frames = self._presses = self._pressed_at = self._drawn_at = 0
        self._window: int = self.connection.generate_id()
        values = [1, xproto.EventMask.ButtonPress | xproto.EventMask.Exposure]
        self._core.CreateWindow(
            screen.root_depth,
            self._window,
            screen.root,
            0,
            0,
            *SIZE,
            0,
            xproto.WindowClass.InputOutput,
            screen.root_visual,
            xproto.CW.OverrideRedirect | xproto.CW.EventMask,
            values,
        )
        self._pen: int = self.connection.generate_id()
        self._core.CreateGC(self._pen, self._window, 0, [])
        self._hang_desk(screen.root_depth)
        self._core.MapWindow(self._window)
        self._paint()

    def wait(self, control: socket.socket) -> bool:
        """Draw and answer presses until something comes over `control`, which is True, or a frame is due."""
        left = None if self._due is None else max(0.0, self._due - time.monotonic())
        heard = select.select([self.connection.get_file_descriptor(), control], [], [], left)[0]
        self._answer_events()
        if self._due is not None and time.monotonic() >= self._due:
            self._due = max(self._due + self._period, time.monotonic())
            self._show_frame()
        return control in heard

    def show(self, scene: str) -> None:
        """Change to a scene and wait until it is on the screen."""
        if (scene in BELOW) != (self._scene in BELOW):
            place = xproto.StackMode.Below if scene in BELOW else xproto.StackMode.Above
            self._core.ConfigureWindow(self._window, xproto.ConfigWindow.StackMode, [place])
        self._scene = scene
        self._period = 1 / MOVING.get(scene, 1)
        self._due = time.monotonic() + self._period if scene in MOVING else None
        self._paint()

    def report(self) -> dict[str, int]:
        """Counts since the start, and when the latest press came and when its answer was on the screen."""
        return {
            "frames": self._frames,
            "presses": self._presses,
            "pressed_at": self._pressed_at,
            "drawn_at": self._drawn_at,
            "now": time.monotonic_ns(),
        }

    def _hang_desk(self, depth: int) -> None:
        """Make the desk the window's background: what a moving window uncovers is then repaired at once, by the server,
        and nothing else is painted meanwhile."""
        pixmap: int = self.connection.generate_id()
        self._core.CreatePixmap(depth, pixmap, self._window, *SIZE)
        self._put(self._desk, 0, 0, 0, SIZE[1], pixmap)
        self._core.ChangeWindowAttributes(self._window, xproto.CW.BackPixmap, [pixmap])
        self._core.FreePixmap(pixmap)

    def _record(self) -> list[SharedPixels]:
        """All frames, ready to be shown."""
        film = Film()
        reels = []
        self._under = np.zeros((FILM_FRAMES, 2, strip.HEIGHT, PANE.width, 4), np.uint8)
        for first in range(0, FILM_FRAMES, REEL):
            reel = SharedPixels(self.connection, self._shm, PANE.width, PANE.height * REEL)
            frames = reel.pixels.reshape(REEL, PANE.height, PANE.width, 4)
            for place in range(REEL):
                frames[place] = film.frame(first + place)
                self._under[first + place] = strip.under(frames[place])
            reels.append(reel)
        return reels

    def _answer_events(self) -> None:
        while (event := self.connection.poll_for_event()) is not None:
            if event.response_type & 0x7F == _BUTTON_PRESS:
                self._presses += 1
                self._pressed_at = time.monotonic_ns()
                self._lit = not self._lit
                self._mark()
                self._sync()
                self._drawn_at = time.monotonic_ns()
            elif isinstance(event, xproto.ExposeEvent) and self._scene not in BELOW:
                self._paint()

    def _paint(self) -> None:
        if self._scene == "page":
            self._put(self._page, 0, 0, 0, SIZE[1])
        elif self._scene == "plain":
            self._fill(_PLAIN, 0, 0, *SIZE)
        elif self._scene in BELOW:
            self._core.ClearArea(False, self._window, 0, 0, 0, 0)
        else:
            self._put(self._desk, 0, 0, 0, SIZE[1])
            self._mark()
        self._sync()

    def _mark(self) -> None:
        if self._scene in ("desk", "film"):
            self._fill(LIGHT if self._lit else DARK, *MARKER)

    def _show_frame(self) -> None:
        self._frames += 1
        if self._scene == "scroll":
            self._sheet.pixels[:] = self._scroll.frame(self._frames)
            strip.paint(self._sheet.pixels, self._frames, time.monotonic_ns() // 1000)
            self._put(self._sheet, 0, PANE.x, PANE.y, PANE.height)
            self._sync()
            return
        place = self._frames % FILM_FRAMES
        reel, row = self._reels[place // REEL], place % REEL * PANE.height
        pane = reel.pixels[row : row + PANE.height]
        strip.paint(pane, self._frames, time.monotonic_ns() // 1000, self._under[place])
        self._put(reel, row, PANE.x, PANE.y, PANE.height)
        self._sync()

    def _put(self, source: SharedPixels, row: int, x: int, y: int, rows: int, drawable: int | None = None) -> None:
        height, width, _ = source.pixels.shape
        self._shm.PutImage(
            self._window if drawable is None else drawable,
            self._pen,
            width,
            height,
            0,
            row,
            width,
            rows,
            x,
            y,
            self._depth,
            xproto.ImageFormat.ZPixmap,
            0,
            source.segment,
            0,
        )

    def _fill(self, pixel: int, x: int, y: int, width: int, height: int) -> None:
        self._core.ChangeGC(self._pen, xproto.GC.Foreground, [pixel])
        area = xproto.RECTANGLE.synthetic(x, y, width, height)
        self._core.PolyFillRectangle(self._window, self._pen, 1, [area])

    def _sync(self) -> None:
        self._core.GetInputFocus().reply()


class Remote:
    """The other end of the socket: tells the program what to show. Every call blocks until it is on the screen."""

    def __init__(self, control: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(control))
        self._lines = self._socket.makefile("r", encoding="ascii")

    def show(self, scene: str) -> dict[str, int]:
        """Change to one of SCENES; the report afterwards. Raises ConnectionError when the program is gone."""
        return self._ask(scene)

    def report(self) -> dict[str, int]:
        """See Content.report. Raises ConnectionError when the program is gone."""
        return self._ask("report")

    def close(self) -> None:
        """Hang up, which ends the program."""
        self._lines.close()
        self._socket.close()

    def _ask(self, what: str) -> dict[str, int]:
        self._socket.sendall(what.encode("ascii") + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the program on the host's screen is gone")
        return dict(json.loads(line))


def main() -> None:
    """Show scenes until whoever tells which has hung up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--display", required=True)
    parser.add_argument("--control", required=True, type=Path)
    chosen = parser.parse_args()
    np.seterr(all="raise", under="ignore")
    content = Content(chosen.display)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except PermissionError:
        pass
    with socket.socket(socket.AF_UNIX) as listener:
        unnamed = chosen.control.with_suffix(".new")
        listener.bind(str(unnamed))
        listener.listen(1)
        unnamed.rename(chosen.control)  # once it is there it can be connected to
        control, _ = listener.accept()
    with control, control.makefile("r", encoding="ascii") as lines:
        while True:
            if content.wait(control):
                what = lines.readline().strip()
                if what in SCENES:
                    content.show(what)
                elif what != "report":
                    return
                control.sendall(json.dumps(content.report()).encode("ascii") + b"\n")


if __name__ == "__main__":
    main()
