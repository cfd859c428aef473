"""The window that is dragged: lines of code between two rows of blocks by which its place on a screen can be read.

`python -m interop.bench.rig.carried --display :5 --ready-file FILE`. A real window, framed and moved by the window
manager; its picture is its background, so that it never has to draw anything itself.
"""

from __future__ import annotations

import argparse
import os
import select
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.shm
import xcffib.xproto
from numpy.typing import NDArray

from avl_host.capture.shared_memory import SharedPixels
from avl_protocol.endpoint.program.state import write_ready
from interop.bench.rig.layout import CARRIED
from interop.bench.rig.pictures import text

xproto: Any = xcffib.xproto  # its constructors have no types
#: Blocks of a row, pixels of one in width and rows of it in height.
BLOCKS, HEIGHT = 32, 24
BLOCK = CARRIED.width // BLOCKS
#: Rows of the upper and of the lower blocks to read, from the window's top.
UPPER, LOWER = HEIGHT // 2, CARRIED.height - HEIGHT // 2
#: Which blocks are white: a row whose shifts differ from it in many places.
CODE = np.unpackbits(np.array([0xE1, 0xD9, 0x5C, 0x35], np.uint8)).astype(bool)
#: Pixels from either end of a block at which it is read: a row that is displaced by more does not match.
_INSIDE = 4
_PLACES = (np.arange(BLOCKS)[:, None] * BLOCK + np.array([_INSIDE, BLOCK - 1 - _INSIDE])).ravel()
_WHITE = np.repeat(CODE, 2)
#: Samples that may be wrong.
_WRONG = 2
#: Seconds between two looks whether who started this is still there.
ORPHANED = 1.0
#: WM_NORMAL_HINTS (ICCCM 4.1.2.3): its words, that it tells a position and a gravity, and the gravity by which the
#: window's picture, and not its frame, comes to that position.
_HINTS, _POSITION, _GRAVITY, _STATIC = 18, 1 << 0, 1 << 9, 10


def picture() -> NDArray[np.uint8]:
    """The window's pixels: BGRX, shape (CARRIED.height, CARRIED.width, 4)."""
    pixels = text(CARRIED.width, CARRIED.height, seed=7)
    row = np.repeat(CODE * np.uint8(255), BLOCK)[None, :, None]
    pixels[:HEIGHT] = row
    pixels[-HEIGHT:] = row
    return pixels


def locate(row: NDArray[np.uint8], columns: NDArray[np.intp]) -> int | None:
    """At which of `columns` a screen's row, BGRX of shape (width, 4), has the blocks, the middle one of those that fit
    equally well; None where at none of them."""
    shades = row[:, 1]
    white = shades[np.minimum(columns[:, None] + _PLACES, len(shades) - 1)] > 127
    wrong = (white != _WHITE).sum(axis=1)
    best = np.flatnonzero(wrong == wrong.min())
    return int(columns[best[len(best) // 2]]) if wrong[best[0]] <= _WRONG else None


def show(connection: Any) -> None:
    """Put the window on the screen."""
    core, shm = connection.core, connection(xcffib.shm.key)
    screen = connection.get_setup().roots[0]
    window, pixmap, pen = (connection.generate_id() for _ in range(3))
    core.CreateWindow(
        screen.root_depth,
        window,
        screen.root,
        *CARRIED,
        0,
        xproto.WindowClass.InputOutput,
        screen.root_visual,
        xproto.CW.EventMask,
        [xproto.EventMask.StructureNotify],
    )
    core.CreatePixmap(screen.root_depth, pixmap, window, CARRIED.width, CARRIED.height)
    core.CreateGC(pen, pixmap, 0, [])
    pixels = SharedPixels(connection, shm, CARRIED.width, CARRIED.height)
    pixels.pixels[:] = picture()
    size = (CARRIED.width, CARRIED.height)
    whole = (*size, 0, 0, *size, 0, 0)
    shm.PutImage(pixmap, pen, *whole, screen.root_depth, xproto.ImageFormat.ZPixmap, 0, pixels.segment, 0)
    core.ChangeWindowAttributes(window, xproto.CW.BackPixmap, [pixmap])
    hints = np.zeros(_HINTS, np.uint32)
    hints[:5] = _POSITION | _GRAVITY, *CARRIED
    hints[-1] = _STATIC
    mode, normal = xproto.PropMode.Replace, xproto.Atom.WM_NORMAL_HINTS
    core.ChangeProperty(mode, window, normal, xproto.Atom.WM_SIZE_HINTS, 32, len(hints), hints.tobytes())
    core.ChangeProperty(mode, window, xproto.Atom.WM_NAME, xproto.Atom.STRING, 8, 7, b"carried")
    core.MapWindow(window)
    core.GetInputFocus().reply()


def main() -> None:
    """Show the window until ended, or until who started this or the display is gone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--display", required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    chosen = parser.parse_args()
    parent = os.getppid()
    connection: Any = xcffib.connect(display=chosen.display)  # type: ignore[no-untyped-call]
    show(connection)
    write_ready(chosen.ready_file, {"ready": True})
    try:
        while os.getppid() == parent:
            select.select([connection.get_file_descriptor()], [], [], ORPHANED)
            while connection.poll_for_event() is not None:
                continue
    except xcffib.ConnectionException:
        return


if __name__ == "__main__":
    main()
