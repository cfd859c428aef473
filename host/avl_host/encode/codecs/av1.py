"""AV1 by SVT-AV1: 4:2:0, in real time (spec 05-media, 5.3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from avl_host.encode.codecs.coder import OF_64, Coder
from avl_host.encode.encoder import EncoderSettings
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import VideoCodec

#: Type of the unit that a sequence header is (AV1, 6.2.2).
_SEQUENCE = 1


def options(settings: EncoderSettings) -> Mapping[str, str]:
    """One picture in, one out, at a constant bit rate."""
    parameters = "rc=2:pred-struct=1:rtc=1:lookahead=0:enable-tf=0:scd=0:film-grain=0"
    return {"preset": "12", "svtav1-params": f"{parameters}:lp={settings.threads}"}


def name(data: bytes, settings: EncoderSettings) -> str:
    """The codec string: profile, level and tier of the sequence header, 8 bits (AV1 Codec ISO Media File Format
    Binding, 5); empty without one."""
    at = 0
    while at + 1 < len(data):
        kind, size, at = data[at] >> 3, data[at + 1], at + 2
        if kind == _SEQUENCE:
            # Behind 24 bits of profile, flags and one operating point (5.5.1); of more than one viewers take none.
            level, tier = data[at + 3] >> 3, data[at + 3] >> 2 & 1
            return f"av01.{data[at] >> 5}.{level:02}{'H' if level > 7 and tier else 'M'}.08"
        if size:
            break
    return ""


AV1 = Coder(
    library="libsvtav1",
    codec=VideoCodec.AV1,
    formats={Chroma.YUV420: "yuv420p"},
    options=options,
    name=name,
    quantisers=OF_64,
    least=64,
)
