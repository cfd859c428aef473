"""VP9 by libvpx: 4:2:0 and 4:4:4, in real time (VP9 Bitstream Specification; spec 05-media, 5.3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from avl_host.encode.codecs.coder import OF_64, Coder, Steering
from avl_host.encode.encoder import EncoderSettings
from avl_host.encode.yuv import PIXEL_FORMATS
from avl_protocol.media.bounds_vp9 import PROFILES, indexed
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import VideoCodec

#: Level, and the most pixels of a picture and per second (annex A).
_LEVELS = (
    (10, 36_864, 829_440),
    (11, 73_728, 2_764_800),
    (20, 122_880, 4_608_000),
    (21, 245_760, 9_216_000),
    (30, 552_960, 20_736_000),
    (31, 983_040, 36_864_000),
    (40, 2_228_224, 83_558_400),
    (41, 2_228_224, 160_432_128),
    (50, 8_912_896, 311_951_360),
    (51, 8_912_896, 588_251_136),
    (52, 8_912_896, 1_176_502_272),
    (60, 35_651_584, 1_176_502_272),
)


def options(settings: EncoderSettings) -> Mapping[str, str]:
    """One picture in, one out, at a constant bit rate."""
    rate = str(settings.bitrate)
    return {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "auto-alt-ref": "0",
        "aq-mode": "0",
        "row-mt": "1",
        "tile-columns": "1",
        "flags": "+psnr",
        "minrate": rate,
        "maxrate": rate,
        "bufsize": str(settings.bitrate // 8),
    }


def name(data: bytes, settings: EncoderSettings) -> str:
    """The codec string: profile, level, 8 bits, chroma, BT.709 primaries, sRGB transfer, BT.709 matrix, limited range
    (VP Codec ISO Media File Format Binding)."""
    width, height = settings.coded
    pixels = width * height
    level = next(
        (level for level, most, rate in _LEVELS if pixels <= most and pixels * settings.rate <= rate), _LEVELS[-1][0]
    )
    sampling = "03" if settings.chroma is Chroma.YUV444 else "01"
    return f"vp09.{PROFILES[settings.chroma]:02}.{level:02}.08.{sampling}.01.13.01.00"


VP9 = Coder(
    library="libvpx-vp9",
    codec=VideoCodec.VP9,
    formats=PIXEL_FORMATS,
    options=options,
    name=name,
    quantisers=OF_64,
    steering=Steering.QUANTISER,
    finished=indexed,
)
