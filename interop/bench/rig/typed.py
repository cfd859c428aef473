"""The program on the host's screen that is typed at: each key adds a letter, and a row of blocks says how many came.

`python -m interop.bench.rig.typed --display :5 --ready-file FILE`. It lies where presses flip their rectangle otherwise
(`layout.MARKER`) and takes the keyboard for itself. The blocks, and not the viewer's own bookkeeping, say in a picture
which keys it answers: 8 bits of the number of keys and the same 8 inverted, black and white, drawn in one request.
"""

from __future__ import annotations

import argparse
import os
import select
import time
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from avl_protocol.endpoint.program.state import write_ready
from interop.bench.rig.layout import MARKER
from interop.bench.rig.strip import DOUBTFUL

xproto: Any = xcffib.xproto  # its constructors have no types
#: Blocks of the row, one for each bit, the size of one in pixels, and pixels at its ends that coding may have coloured.
BITS = 8
BLOCKS = 2 * BITS
BLOCK, HEIGHT, MARGIN = MARKER.width // BLOCKS, 48, 6
#: Counts are told modulo this.
COUNTS = 1 << BITS
#: Where the row is to be read, from the top of the screen.
ROW = MARKER.y + HEIGHT // 2
#: The letters: the server's built-in font, its size, and where text begins below the row.
FONT, LETTER, LINE, TEXT = "fixed", 6, 13, 64
INK, PAPER = 0xD8DEE9, 0x10151D
#: Seconds between two looks whether who started this is still there, and that the keyboard may take to be free.
ORPHANED, GRABBED = 1.0, 5.0
_KEY_PRESS = 2


def encode(count: int) -> NDArray[np.uint8]:
    """The row's shades, 0 or 255: shape (MARKER.width,)."""
    word = np.array([count % COUNTS, ~count % COUNTS], np.uint8)
    return np.repeat(np.unpackbits(word) * np.uint8(255), BLOCK)


def decode(row: NDArray[np.floating[Any]] | NDArray[np.uint8]) -> int | None:
    """The count modulo COUNTS that a row of shades says, shape (MARKER.width,); None where it is not legible."""
    shades = row.reshape(BLOCKS, BLOCK)[:, MARGIN:-MARGIN].mean(axis=1)
    if ((shades > DOUBTFUL[0]) & (shades < DOUBTFUL[1])).any():
        return None
    count, inverted = np.packbits(shades > 127).tolist()
    return int(count) if count ^ inverted == COUNTS - 1 else None


class Typed:
    """The window. Raises xcffib.ConnectionException without a display, TimeoutError where the keyboard is not free."""

    def __init__(self, display: str) -> None:
        self.connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        self._core: Any = self.connection.core  # type: ignore[has-type]
        screen = self.connection.get_setup().roots[0]
        self._depth = screen.root_depth
        self._count = self._column = self._line = 0
        self._window: int = self.connection.generate_id()
        mask = xproto.EventMask.KeyPress | xproto.EventMask.Exposure
        self._core.CreateWindow(
            screen.root_depth,
            self._window,
            screen.root,
            *MARKER,
            0,
            xproto.WindowClass.InputOutput,
            screen.root_visual,
            xproto.CW.BackPixel | xproto.CW.OverrideRedirect | xproto.CW.EventMask,
            [PAPER, 1, mask],
        )
        font, self._pen = self.connection.generate_id(), self.connection.generate_id()
        self._core.OpenFont(font, len(FONT), FONT)
        values = xproto.GC.Foreground | xproto.GC.Background | xproto.GC.Font
        self._core.CreateGC(self._pen, self._window, values, [INK, PAPER, font])
        self._core.MapWindow(self._window)
        self._grab()
        self._show_count()

    def wait(self) -> None:
        """Wait for keys, at most ORPHANED seconds, and answer them."""
        self.connection.flush()
        select.select([self.connection.get_file_descriptor()], [], [], ORPHANED)
        while (event := self.connection.poll_for_event()) is not None:
            kind = event.response_type & 0x7F
            if kind == _KEY_PRESS:
                self._count += 1
                self._add_letter()
            if kind == _KEY_PRESS or isinstance(event, xproto.ExposeEvent):
                self._show_count()
        self.connection.flush()

    def _grab(self) -> None:
        """Take the keyboard: a window without a manager is given none."""
        end = time.monotonic() + GRABBED
        while time.monotonic() < end:
            asked = self._core.GrabKeyboard(
                False, self._window, xproto.Time.CurrentTime, xproto.GrabMode.Async, xproto.GrabMode.Async
            )
            if asked.reply().status == xproto.GrabStatus.Success:
                return
            time.sleep(0.05)
        raise TimeoutError("another program has the keyboard")

    def _show_count(self) -> None:
        row = encode(self._count)
        pixels = np.repeat(np.repeat(row[None, :, None], HEIGHT, axis=0), 4, axis=2)
        self._core.PutImage(
            xproto.ImageFormat.ZPixmap,
            self._window,
            self._pen,
            MARKER.width,
            HEIGHT,
            0,
            0,
            0,
            self._depth,
            pixels.size,
            pixels.tobytes(),
        )

    def _add_letter(self) -> None:
        if self._column >= MARKER.width // LETTER - 1:
            self._column = 0
            self._line += 1
        if self._line >= (MARKER.height - TEXT) // LINE:
            self._line -= 1
            rest = MARKER.height - TEXT - LINE
            area = (0, TEXT + LINE, 0, TEXT, MARKER.width, rest)
            self._core.CopyArea(self._window, self._window, self._pen, *area)
            self._core.ClearArea(False, self._window, 0, TEXT + LINE * self._line, MARKER.width, LINE)
        letter = chr(ord("a") + self._count * 7 % 26)
        baseline = TEXT + LINE * self._line + LINE - 3
        self._core.ImageText8(1, self._window, self._pen, self._column * LETTER, baseline, letter)
        self._column += 1


def main() -> None:
    """Be typed at until ended, or until who started this or the display is gone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--display", required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    chosen = parser.parse_args()
    parent = os.getppid()
    typed = Typed(chosen.display)
    write_ready(chosen.ready_file, {"ready": True})
    try:
        while os.getppid() == parent:
            typed.wait()
    except xcffib.ConnectionException:
        return


if __name__ == "__main__":
    main()
