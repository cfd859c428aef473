"""H.265 by x265: 4:2:0 and 4:4:4, in real time (ITU-T H.265; spec 05-media, 5.3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.encoder import EncoderSettings
from avl_host.encode.yuv import PIXEL_FORMATS
from avl_protocol.media.bits import unescaped, units
from avl_protocol.wire.registry import VideoCodec

_PARAMETERS = 33


def options(settings: EncoderSettings) -> Mapping[str, str]:
    """One picture in, one out, parameter sets in every key picture, a constant bit rate over a tenth of a second."""
    rate = settings.bitrate // 1000
    parameters = (
        f"repeat-headers=1:scenecut=0:keyint=-1:frame-threads=1:pools={settings.threads}:ref=1:bframes=0"
        f":vbv-maxrate={rate}:vbv-bufsize={max(1, rate // 8)}:log-level=none:info=0"
    )
    return {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "x265-params": parameters}


def name(data: bytes, settings: EncoderSettings) -> str:
    """The codec string: profile, its compatibility, tier, level and constraints of the sequence parameter set (ISO/IEC
    14496-15, E.3); empty without one."""
    for at in units(data):
        if data[at] >> 1 & 0x3F != _PARAMETERS:
            continue
        bits = unescaped(data[at + 2 :])
        bits.bits(8)
        space, tier, profile = bits.bits(2), bits.bits(1), bits.bits(5)
        compatible = int(f"{bits.bits(32):032b}"[::-1], 2)
        constraints = [bits.bits(8) for _ in range(6)]
        level = bits.bits(8)
        while constraints and not constraints[-1]:
            constraints.pop()
        parts = [f"{'ABC'[space - 1] if space else ''}{profile}", f"{compatible:X}", f"{'H' if tier else 'L'}{level}"]
        return ".".join(["hev1", *parts, *(f"{one:X}" for one in constraints)])
    return ""


H265 = Coder(library="libx265", codec=VideoCodec.H265, formats=PIXEL_FORMATS, options=options, name=name, least=16)
