"""Bounds: how large a desktop and its pictures may be, read from what announces them, before anything is allocated
(spec 05-media, 5.3).

A decoder believes the bitstream, not the preamble: a few bytes of a header make it allocate whatever they say, and a
few more begin another picture. So both are read here first, by the rules of each codec (`bounds_h264` and its
neighbours).
"""

from __future__ import annotations

from typing import Protocol

from avl_protocol.media import bounds_av1, bounds_h264, bounds_h265, bounds_vp9
from avl_protocol.media.bits import unlike
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, CloseCode, VideoCodec


class Announced(Protocol):
    """What a key object's preamble announces of its group."""

    @property
    def codec(self) -> str:
        """RFC 6381 codec string."""

    @property
    def width(self) -> int:
        """Of the picture, in pixels."""

    @property
    def height(self) -> int:
        """Of the picture, in pixels."""

    @property
    def chroma(self) -> Chroma:
        """Its sampling."""


#: What RFC 6381 calls the codecs, up to the first full stop.
NAMES = {
    "avc1": VideoCodec.H264,
    "hev1": VideoCodec.H265,
    "vp09": VideoCodec.VP9,
    "av01": VideoCodec.AV1,
}


def fits(width: int, height: int) -> bool:
    """Whether viewers take a desktop or a picture of this size: it has pixels, and not too many."""
    return 0 < width <= MAX_PICTURE_SIDE and 0 < height <= MAX_PICTURE_SIDE and width * height <= MAX_PICTURE_PIXELS


def check_size(width: int, height: int) -> None:
    """Raise Refused(TOO_LARGE) for a desktop or a picture that has no pixels or too many."""
    if not fits(width, height):
        raise Refused(CloseCode.TOO_LARGE)


def codec_of(name: str) -> VideoCodec:
    """The codec of an RFC 6381 string. Raises RemoteProtocolError(SESSION_PROTOCOL) where it is none of ours."""
    codec = NAMES.get(name.partition(".")[0])
    if codec is None:
        raise unlike()
    return codec


def check_bitstream(unit: bytes, group: Announced, key: bool) -> None:
    """Look through the bitstream of an object of a group that was announced so; `key`: of its key object.

    Raises RemoteProtocolError(SESSION_PROTOCOL) where it says otherwise, or there is more than one picture.
    """
    codec, width, height, chroma = codec_of(group.codec), group.width, group.height, group.chroma
    if codec is VideoCodec.H264:
        bounds_h264.check(unit, width, height, chroma)
    elif codec is VideoCodec.H265:
        bounds_h265.check(unit, width, height, chroma)
    elif codec is VideoCodec.VP9:
        bounds_vp9.check(unit, width, height, chroma, key)
    else:
        bounds_av1.check(unit, width, height, chroma, key)
