"""`./dev bench codecs`: what each codec costs at both ends, and what it makes of the same film at the same rate.

A film of 60 pictures a second goes through the host's encoders, as the pipeline drives them, and through the native
viewer's decoder, in this process and without a network. Cost is CPU time of all threads, so that other programs on the
machine disturb it little.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from avl_host.encode.budget import Allowance, Budget
from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.switching import opener
from avl_host.encode.codecs.table import SOFTWARE
from avl_host.encode.encoder import EncoderSettings, Part
from avl_host.encode.yuv import YuvPicture
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.rate.hop import frame_limit
from avl_protocol.wire.registry import VideoCodec
from avl_viewer.decode.video import VideoDecoder
from interop.bench.rig.pictures import Film, bgrx

RATE = 60
#: Sizes, each with bits per second.
CASES = (((1280, 720), 4_000_000), ((1920, 1080), 8_000_000))
#: Pictures that are coded before anything counts: rates and quantisers find their place.
WARM = 30
_NAMES = {Chroma.YUV420: "4:2:0", Chroma.YUV444: "4:4:4"}


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU times in milliseconds a picture, `psnr` of luma in dB, `key` the first picture's bytes."""

    rate: float
    psnr: float
    encode: float
    decode: float
    key: int


def measure(coder: Coder | None, chroma: Chroma, pictures: list[NDArray[np.uint8]], bitrate: int) -> Figures:
    """Code and decode pictures of one size."""
    height, width = pictures[0].shape[:2]
    encoder = opener(time.monotonic)(
        coder, EncoderSettings(width=width, height=height, chroma=chroma, bitrate=bitrate, rate=RATE)
    )
    allowance = Allowance(Budget(bitrate, frame_limit(bitrate)), RATE)
    whole = (Rect(0, 0, width, height),)
    units, encoding = [], 0.0
    for number, pixels in enumerate(pictures):
        begun = time.process_time()
        data = encoder.encode(Part(pixels, whole), allowance.limit(number / RATE, number == 0), number == 0).data
        if number >= WARM:
            encoding += time.process_time() - begun
        allowance.spend(len(data))
        units.append(data)
    encoder.close()
    decoder = VideoDecoder(VideoCodec.H264 if coder is None else coder.codec)
    source = YuvPicture(width=width, height=height, chroma=chroma, threads=1)
    decoding, ratios = 0.0, []
    for number, (data, pixels) in enumerate(zip(units, pictures, strict=True)):
        begun = time.process_time()
        frame = decoder.decode(data)
        if number >= WARM:
            decoding += time.process_time() - begun
            ratios.append(_psnr(frame, source.update(pixels, whole)))
    decoder.close()
    counted = len(pictures) - WARM
    return Figures(
        rate=sum(map(len, units[WARM:])) * 8 * RATE / counted,
        psnr=sum(ratios) / counted,
        encode=encoding / counted * 1e3,
        decode=decoding / counted * 1e3,
        key=len(units[0]),
    )


def _psnr(one: VideoFrame, other: VideoFrame) -> float:
    wrong = _luma(one) - _luma(other)
    return 10 * math.log10(255 * 255 / max(1e-6, float((wrong * wrong).mean())))


def _luma(frame: VideoFrame) -> NDArray[np.float32]:
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[:, : plane.width].astype(np.float32)


def film(size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """The bench's film, made larger where it has to be."""
    reel = Film()
    frames = (Image.fromarray(reel.frame(number)[:, :, 2::-1]) for number in range(count))
    return [bgrx(np.asarray(frame if frame.size == size else frame.resize(size))) for frame in frames]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Cost and quality of each codec.")
    parser.add_argument("--pictures", type=int, default=150, help=f"how many, {WARM} of them to warm up")
    count = parser.parse_args().pictures
    os.environ.setdefault("SVT_LOG", "1")
    print("| size | encoder | chroma | Mbit/s | luma, dB | encode, ms of CPU | decode, ms of CPU | first picture, kB |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    coders: list[Coder | None] = [None, *SOFTWARE]
    for size, bitrate in CASES:
        pictures = film(size, count)
        for coder in coders:
            for chroma in Chroma:
                if coder is not None and not coder.codes(chroma):
                    continue
                found = measure(coder, chroma, pictures, bitrate)
                name = "libx264" if coder is None else coder.library
                cells = [f"{size[0]}x{size[1]}", name, _NAMES[chroma], f"{found.rate / 1e6:.2f}", f"{found.psnr:.1f}"]
                cells += [f"{found.encode:.1f}", f"{found.decode:.1f}", f"{found.key / 1e3:.0f}"]
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
