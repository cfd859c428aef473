"""Every coder beside libx264."""

from __future__ import annotations

from avl_host.encode.codecs.av1 import AV1
from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.h265 import H265
from avl_host.encode.codecs.hardware import HARDWARE
from avl_host.encode.codecs.vp9 import VP9
from avl_protocol.wire.registry import VideoCodec

#: Those that need no hardware, one a codec.
SOFTWARE = (H265, VP9, AV1)
CODERS: tuple[Coder, ...] = (*SOFTWARE, *HARDWARE)
#: libavcodec's decoder of each codec.
DECODERS = {
    VideoCodec.H264: "h264",
    VideoCodec.H265: "hevc",
    VideoCodec.VP9: "vp9",
    VideoCodec.AV1: "libdav1d",
}
