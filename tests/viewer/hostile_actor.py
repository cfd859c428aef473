"""A viewer's decoder and converter, and a host's, fed with what kills: run as a process of its own, since what goes
wrong here is no exception. `python -m tests.viewer.hostile_actor NAME`; exit status 0, or a signal."""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import random
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avl_host.encode.encoder import EncoderSettings, Part
from avl_host.encode.video import H264Encoder
from avl_host.encode.yuv import YuvPicture
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.wire.registry import CELL
from avl_viewer.api import Screenshot
from avl_viewer.decode.convert import Converter
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from tests.viewer import pictures

SMALL = range(1, 65)
#: The sizes next to where rows, cells and the registers of processors end.
ENDS = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64)
GREY = (90, 140, 200)


def last_cell(width: int, height: int) -> Rect:
    """The cell of the last pixel."""
    x, y = (width - 1) // CELL * CELL, (height - 1) // CELL * CELL
    return Rect(x, y, width - x, height - y)


def conversions() -> None:
    """Every small width and every small height, whole and by its last cell."""
    for chroma in Chroma:
        for width in SMALL:
            for height in SMALL if width in ENDS else ENDS:
                desk, flat = pictures.Desk(), pictures.flat(width, height, GREY)
                shown = pictures.yuv(flat, chroma)
                desk.picture(1, flat, None, chroma, shown)
                desk.canvas.refresh()
                assert desk.picture(2, flat, (last_cell(width, height),), chroma, shown).dirty
                rgb = desk.canvas.rgb()
                off = np.abs(rgb.astype(int) - GREY).max()
                assert rgb.shape == (height, width, 3) and off <= 3, (width, height, off)


def edges() -> None:
    """The last columns of ordinary desktops, changed alone."""
    for width in (1366, 1360, 1285, 1281, 1276, 1680, 1920):
        for chroma in Chroma:
            card = pictures.card(width, 40)
            shown, desk = pictures.yuv(card, chroma), pictures.Desk()
            desk.picture(1, card, None, chroma, shown)
            again = desk.canvas.rgb()
            assert pictures.psnr(again[:, -16:], card[:, -16:]) > 35, (chroma, width)
            for columns in range(1, 18):
                left = (width - columns) // CELL * CELL
                desk.picture(1 + columns, card, (Rect(left, 0, width - left, 40),), chroma, shown)
                assert np.array_equal(desk.canvas.rgb(), again), (width, columns)
                converted = Converter().region(shown, (width, 40), Rect(left, 16, width - left, 16))
                alone = converted.view(np.uint8).reshape(16, -1, 4)[:, :, 2::-1]
                assert np.array_equal(alone, again[16:32, left:]), (width, columns)


def guarded(height: int, width: int) -> NDArray[np.uint8]:
    """BGRA pixels, behind the last of which lies memory that nobody may read."""
    size = height * width * 4
    pages = -(-size // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(start + pages * mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
    rows = np.frombuffer(memory, np.uint8)[pages * mmap.PAGESIZE - size : pages * mmap.PAGESIZE]
    rows[:] = np.resize(np.array([*GREY[::-1], 255], np.uint8), size)
    return rows.reshape(height, width, 4)


def host_conversions() -> None:
    """What a host captures may end where its memory does."""
    for chroma in Chroma:
        for scale in (Fraction(1), Fraction(1, 2)):
            for width in (*range(1, 70), 637, 1281, 1366):
                for height in (1, 2, 17, 64):
                    pixels = guarded(height, width)
                    yuv = YuvPicture(width=width, height=height, chroma=chroma, threads=1, scale=scale)
                    yuv.update(pixels, ())
                    whole = (Rect(0, 0, width, height),)
                    left, top = (width - 1) // 16 * 16, (height - 1) // 16 * 16
                    corner = (Rect(left, top, width - left, height - top),)
                    for damage in (whole, corner, ()):
                        frame = yuv.update(pixels, damage)
                    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(-1, frame.planes[0].line_size)
                    seen = luma[: min(height, frame.height), : min(width, frame.width)].astype(int)
                    assert np.ptp(seen) <= 1, (chroma, scale, width, height)


def sessions() -> None:
    """Small desktops from a host's pixels to a viewer's file."""
    with tempfile.TemporaryDirectory() as folder:
        for chroma in Chroma:
            for width, height in {(w, h) for w in (*range(1, 20), 33, 63, 64) for h in (1, 2, w, 64)}:
                pixels = np.zeros((height, width, 4), np.uint8)
                pixels[:] = (*GREY[::-1], 255)
                encoder = H264Encoder(
                    EncoderSettings(width=width, height=height, chroma=chroma, bitrate=1_000_000, rate=30, threads=2),
                    lambda: 0.0,
                )
                decoder, desk = VideoDecoder(), pictures.Desk()
                flat = pictures.flat(width, height, GREY)
                for damage in ((Rect(0, 0, width, height),), (Rect(0, 0, width, height),), ()):
                    unit = encoder.encode(Part(pixels, damage), 60_000).data
                    desk.picture(1, flat, damage or None, chroma, decoder.decode(unit))
                encoder.close()
                decoder.close()
                assert np.abs(desk.canvas.rgb().astype(int) - GREY).max() <= 12, (chroma, width, height)
                Screenshot(desk.canvas.rgb(), True).save(Path(folder) / "shot.png")


def bitstreams() -> None:
    """Cut short, damaged, of another size each time, and noise; each decoder is dropped as it stands."""
    chance = random.Random(7)
    units = [
        unit
        for width, height, chroma in ((64, 64, Chroma.YUV444), (18, 34, Chroma.YUV420), (320, 192, Chroma.YUV420))
        for unit in pictures.encode([pictures.card(width, height, seed) for seed in range(3)], chroma, qp=20)
    ]
    hostile = [unit[:size] for unit in units for size in {1, 4, 5, 9, 20, len(unit) // 2, len(unit) - 1}]
    for unit in units:
        for _ in range(30):
            damaged = bytearray(unit)
            for _ in range(chance.randint(1, 20)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            hostile.append(bytes(damaged))
    hostile += [b"\0\0\0\1" + bytes((kind,)) + chance.randbytes(300) for kind in range(32) for _ in range(4)]
    chance.shuffle(hostile)
    decoder, tried = VideoDecoder(), 0
    for unit in hostile:
        for data in (chance.choice(units), unit):
            tried += 1
            try:
                frame = decoder.decode(data)
                pictures.rgb_of(frame, frame.width, frame.height)
            except (DecodeError, ValueError):
                if tried % 3 == 0:
                    decoder.close()
                    decoder = VideoDecoder()
    decoder.close()


SUITES: dict[str, Callable[[], None]] = {
    suite.__name__: suite for suite in (conversions, edges, host_conversions, sessions, bitstreams)
}

if __name__ == "__main__":
    faulthandler.enable()
    SUITES[sys.argv[1]]()
