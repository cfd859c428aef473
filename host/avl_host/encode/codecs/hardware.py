"""H.264 by what graphics hardware there is, through libavcodec.

Each is asked for the same: one picture in and one out, parameter sets in every key picture, no B pictures, a constant
bit rate. Whether one works is found out by coding a picture (`probe`); until it was, none is used. A machine seldom has
two, so the order is that of how widely they are found.
"""

from __future__ import annotations

from collections.abc import Mapping

from avl_host.encode.codecs.coder import Coder, Steering
from avl_host.encode.encoder import EncoderSettings
from avl_host.encode.video import codec_string
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import VideoCodec

#: What libav calls 4:2:0 with the two chroma planes in one.
_TWO_PLANES = {Chroma.YUV420: "nv12"}
#: Pixels of a side that all of them take: the narrowest for NVENC is 145, the widest for most of them 4,096.
_LEAST, _MOST = 160, 4096
_DRI = "/dev/dri/renderD*"


def _name(data: bytes, settings: EncoderSettings) -> str:
    return codec_string(data)


def _h264(
    library: str,
    options: Mapping[str, str],
    formats: Mapping[Chroma, str] = _TWO_PLANES,
    steering: Steering = Steering.OPENED,
    needs: tuple[str, ...] = (),
) -> Coder:
    def asked(settings: EncoderSettings) -> Mapping[str, str]:
        rate = str(settings.bitrate)
        return {"maxrate": rate, "bufsize": str(settings.bitrate // 8), **options}

    return Coder(
        library=library,
        codec=VideoCodec.H264,
        formats=formats,
        options=asked,
        name=_name,
        steering=steering,
        hardware=True,
        needs=needs,
        least=_LEAST,
        most=_MOST,
    )


NVENC = _h264(
    "h264_nvenc",
    {"preset": "p2", "tune": "ull", "rc": "cbr", "zerolatency": "1", "delay": "0", "forced-idr": "1"},
    {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"},
    Steering.BITRATE,
    ("/dev/nvidiactl", "/dev/dxg"),
)
QSV = _h264(
    "h264_qsv",
    {"preset": "veryfast", "async_depth": "1", "look_ahead": "0", "forced_idr": "1"},
    steering=Steering.BITRATE,
    needs=(_DRI,),
)
AMF = _h264(
    "h264_amf",
    {"usage": "ultralowlatency", "quality": "speed", "rc": "cbr", "forced_idr": "1"},
    needs=(_DRI,),
)
VAAPI = _h264("h264_vaapi", {"async_depth": "1", "rc_mode": "CBR"}, needs=(_DRI,))
VIDEOTOOLBOX = _h264("h264_videotoolbox", {"realtime": "1", "prio_speed": "1"})

#: In the order in which they are tried.
HARDWARE = (NVENC, QSV, AMF, VIDEOTOOLBOX, VAAPI)
