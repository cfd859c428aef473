"""Probe: whether a coder works here, found out by having it code real pictures, which are decoded again and compared.

A driver may hang, or take the whole program with it. So it is tried in a process of its own, in bounded time: `python
-m avl_host.encode.codecs.probe LIBRARY` prints why the coder does not work, nothing if it does.
"""

from __future__ import annotations

import glob
import math
import subprocess
import sys
from collections.abc import Sequence

import av
import av.error
import av.logging
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from avl_host.capture.pattern import PatternSource
from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.libav import LibavEncoder
from avl_host.encode.codecs.table import CODERS, DECODERS
from avl_host.encode.encoder import EncoderFailed, EncoderSettings, Part
from avl_host.encode.yuv import YuvPicture
from avl_protocol.endpoint.loop.clock import SystemClock
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.wire.foreign import for_terminal

#: Seconds that one coder may take; a graphics card that sleeps takes one or two to wake.
PATIENCE = 10.0
WIDTH, HEIGHT = 640, 360
#: Pictures of a probe, bytes that each may have, and what they have to be like in the end, in dB.
PICTURES, SIZE, LEAST_PSNR = 3, 40_000, 28.0
_BITRATE = 8_000_000
COMMAND = (sys.executable, "-m", "avl_host.encode.codecs.probe")


def missing(coder: Coder) -> str:
    """Why there is no need to try; empty if there is."""
    if coder.library not in av.codecs_available:
        return f"PyAV {av.__version__} was built without it"
    if coder.needs and sys.platform == "linux" and not any(glob.glob(path) for path in coder.needs):
        return f"there is no {' and no '.join(coder.needs)} here"
    return ""


def failure(coder: Coder, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> str:
    """Why a coder does not work here; empty if it does. Blocks for `patience` seconds at most."""
    if why := missing(coder):
        return why
    try:
        tried = subprocess.run(
            [*command, coder.library], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {patience:.0f} seconds"
    except OSError as error:
        return f"it cannot be tried: {error}"
    if tried.returncode < 0:
        return f"its driver ended the program that tried it (signal {-tried.returncode})"
    said = tried.stdout.strip().splitlines()
    if tried.returncode:
        return said[-1] if said else f"the program that tried it failed ({tried.returncode})"
    return ""


def attempt(coder: Coder) -> str:
    """Code and decode here and now; why that does not work, empty if it does."""
    clock = SystemClock().monotonic
    settings = EncoderSettings(width=WIDTH, height=HEIGHT, chroma=Chroma.YUV420, bitrate=_BITRATE)
    picture = PatternSource(clock, (WIDTH, HEIGHT)).grab(whole=True)
    assert picture is not None
    source = YuvPicture(width=WIDTH, height=HEIGHT, chroma=settings.chroma, threads=1).update(picture.pixels, ())
    decoder = av.CodecContext.create(DECODERS[coder.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_type, decoder.thread_count = "SLICE", 1
    decoder.flags |= int(Flags.low_delay)
    av.logging.set_level(av.logging.ERROR)
    with av.logging.Capture() as log:
        try:
            encoder = LibavEncoder(coder, settings, clock)
            damage: tuple[Rect, ...] = (Rect(0, 0, WIDTH, HEIGHT),)
            for number in range(PICTURES):
                encoded = encoder.encode(Part(picture.pixels, damage), SIZE, key=number == 0)
                damage = ()
                (frame,) = decoder.decode(av.Packet(encoded.data))
            encoder.close()
            decoder.decode(None)
        except EncoderFailed as error:
            # libav's own words say more than its number does.
            return log[0][2].strip() if log else str(error)
        except (av.error.FFmpegError, ValueError) as error:
            return f"what it codes can't be decoded ({error})"
    wrong = _luma(source) - _luma(frame)
    psnr = 10 * math.log10(255 * 255 / max(1e-6, float((wrong * wrong).mean())))
    return "" if psnr >= LEAST_PSNR else f"what it codes does not look like what it was given ({psnr:.0f} dB)"


def _luma(frame: VideoFrame) -> NDArray[np.float32]:
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[:HEIGHT, :WIDTH].astype(np.float32)


def main() -> int:
    """Try the coder that is named; 1 and the reason where it does not work."""
    coder = next((one for one in CODERS if one.library == sys.argv[1]), None)
    why = f"there is no coder {sys.argv[1]}" if coder is None else attempt(coder)
    print(for_terminal(why, None))
    return int(bool(why))


if __name__ == "__main__":
    raise SystemExit(main())
