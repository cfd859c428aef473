"""What every encoder of a desktop is opened with, whichever library codes: each picture comes out as it goes in, in
slices, key pictures come on demand alone, and colours are those of the spec (05-media, 5.3)."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from avl_host.encode.encoder import EncoderSettings
from avl_host.encode.yuv import BT709, LIMITED, SRGB, YuvPicture

_NEVER = 1 << 30


def yuv_picture(settings: EncoderSettings) -> YuvPicture:
    """What pictures are converted into before they are coded."""
    return YuvPicture(
        width=settings.width,
        height=settings.height,
        chroma=settings.chroma,
        threads=settings.threads,
        scale=settings.scale,
    )


def unopened(library: str, settings: EncoderSettings, yuv: YuvPicture, pixels: str) -> VideoCodecContext:
    """An encoder that is still to be given its bit rate and options, and opened. `pixels`: libav's name of the format
    that it takes. Raises ValueError where PyAV has no such library."""
    context = av.CodecContext.create(library, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = yuv.coded_width, yuv.coded_height
    context.pix_fmt = pixels
    context.framerate = Fraction(settings.rate, 1)
    context.time_base = Fraction(1, settings.rate)
    context.gop_size = _NEVER
    context.max_b_frames = 0
    context.thread_count = settings.threads
    context.thread_type = "SLICE"
    context.colorspace, context.color_primaries = BT709, BT709
    context.color_trc, context.color_range = SRGB, LIMITED
    return context
