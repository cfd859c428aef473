"""H264Encoder: x264 by PyAV, tuned for a desktop that mostly stands still and must answer at once.

Every picture comes out as it goes in (zerolatency), in two slices that two threads encode. Quality is asked for by a
constant rate factor: a changed picture is first coded coarsely, which leaves what stands still untouched and costs
little, and refined when nothing else is to be done. Size is capped by a VBV that holds just one picture and is full
again after each, so that every picture has a cap of its own. Key frames come on demand only, and each carries its
parameter sets. Where the options of an open encoder cannot be reached (options.py) the encoder falls back to plain
bit-rate control, which comes near the wanted sizes only after several pictures.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from avl_host.encode.context import unopened, yuv_picture
from avl_host.encode.encoder import Encoded, EncoderFailed, EncoderSettings, Part
from avl_host.encode.hint import ChangeHint, change_hint
from avl_host.encode.options import LiveOptions, live_options
from avl_host.encode.scaling import coded_rects
from avl_protocol.media.frame import Chroma, Rect

#: Rate factors of a changed picture and of a refinement.
COARSE, FINE = 20, 6
#: Motion is coded more coarsely, down to this, by a machine that could not keep up otherwise: fewer bits take less
#: time.
COARSEST = 30
#: Motion: a change of this part of the picture or more.
MOTION_PART = 0.125
#: Of the time between two pictures, what converting and encoding one in motion may take.
BUSY_PART = 0.5
#: The finest quantiser; anything above 4 stalls text short of 40 dB.
QMIN = 4

#: Bits in the VBV of the first picture: as large a one as anybody asks for, and allowed at every level (H.264, A.3).
FIRST_VBV = 4_000_000
#: Without live options: the VBV holds this much of the bit rate, but never less than bits for one readable picture.
VBV_SECONDS = 0.125
VBV_LEAST_BITS = 400_000
#: The rate factor of a picture that nobody sees.
_UNSEEN = 51

# superfast with what it spends on noise or on B-frames left out: measured the same PSNR for two thirds of the time.
_X264 = "repeat-headers=1:scenecut=0:weightp=0:aq-mode=0:subme=0:partitions=none"
# The uneven multi-hexagon search finds text again that was scrolled by lines: at 1080p and 20 pictures per second of
# scrolled code 2 Mbit/s gave 45 dB instead of 30, in less time; film takes a fifth longer with it, for nothing.
_SEARCH = {Chroma.YUV420: ":me=dia", Chroma.YUV444: ":me=umh:merange=24"}
# Runs of zeros coded by tables, and edges of blocks left as they are: film at 720p and 6 Mbit/s takes 4.4 ms instead of
# 6 to be coded and 1.9 instead of 3.1 to be decoded, for 1.1 dB. A coarser quantiser that saves as much costs more.
_LIGHT = ":cabac=0:no-deblock=1"
_QP_TO_LAMBDA = 118


class H264Encoder:
    """An open x264. `clock` (seconds) only measures. Raises EncoderFailed when this PyAV has no libx264."""

    def __init__(self, settings: EncoderSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._yuv = yuv_picture(settings)
        self._was_key = False
        self._count = 0
        self._motion_factor = COARSE
        self._codec = ""
        self._asked: dict[str, int] = {}
        self._hint: ChangeHint | None = None
        try:
            self._context, self._options = self._open()
        except (av.error.FFmpegError, ValueError) as error:
            raise EncoderFailed(f"libx264 cannot be opened ({error}); install the av package from PyPI.") from error

    def _open(self) -> tuple[VideoCodecContext, LiveOptions | None]:
        settings = self._settings
        context = unopened("libx264", settings, self._yuv, self._yuv.format)
        context.qmin = QMIN
        context.bit_rate = settings.bitrate
        options = live_options(context)
        buffer = max(VBV_LEAST_BITS, int(settings.bitrate * VBV_SECONDS)) if options is None else FIRST_VBV
        self._asked = {"maxrate": settings.bitrate, "bufsize": buffer}
        told = {
            "preset": "superfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": _X264 + _SEARCH[settings.chroma] + (_LIGHT if settings.light else ""),
            **{name: str(value) for name, value in self._asked.items()},
        }
        if options is not None:
            self._asked["crf"] = COARSE
            told["crf"] = str(COARSE)
            context.bit_rate = 0
        self._hint = change_hint()
        if self._hint is not None:
            told["mb_info"] = "1"
        context.options = told
        context.open()
        return context, options

    @property
    def codec(self) -> str:
        """RFC 6381 codec string, read from the stream itself; empty before the first picture."""
        return self._codec

    def encode(self, picture: Part, size: int, key: bool = False) -> Encoded:
        """Encode a picture of the size the encoder was opened for. Raises EncoderFailed."""
        settings = self._settings
        key = key or self._count == 0
        begun = self._clock()
        if key:
            self._refill(size)
        frame = self._yuv.update(picture.pixels, picture.damage)
        converted = self._clock()
        self._ask(size, self._factor(picture, key))
        changed = () if key else coded_rects(picture.damage, settings.width, settings.height, settings.scale)
        packet = self._code(frame, PictureType.I if key else PictureType.NONE, changed)
        data = bytes(packet)
        self._was_key = packet.is_keyframe
        if packet.is_keyframe:
            self._codec = codec_string(data)
        qp = mean_quantiser(packet)
        done = self._clock()
        if self._moves(picture):
            self._pace(done - begun)
        return Encoded(
            data=data,
            key=packet.is_keyframe,
            qp=qp,
            convert_seconds=converted - begun,
            encode_seconds=done - converted,
        )

    def close(self) -> None:
        """Flush, so that no thread of the encoder holds a picture when it is dropped; idempotent."""
        if self._count:
            self._count = 0
            self._context.encode(None)

    def _refill(self, size: int) -> None:
        """Make room for a key picture larger than the one before.

        The VBV is as full as the picture before left it. So a grey key picture, which takes less than any other, is
        coded and thrown away: nothing refers to it, as a key picture follows. Not between two key pictures, which are
        told apart by a number that alternates (H.264, 7.4.3, idr_pic_id).
        """
        if self._count == 0 or self._options is None or self._was_key:
            return
        if self._asked["bufsize"] < _whole(size * 8):
            grey = VideoFrame(self._yuv.coded_width, self._yuv.coded_height, self._yuv.format)
            for plane in grey.planes:
                plane.update(b"\x80" * plane.buffer_size)
            self._ask(size, _UNSEEN)
            self._code(grey, PictureType.I, ())

    def _code(self, frame: VideoFrame, kind: PictureType, changed: tuple[Rect, ...]) -> Packet[Any]:
        """The access unit of a frame of which only `changed` differs from the one before; without any, all may."""
        frame.pts = self._count
        frame.time_base = self._context.time_base
        # The frame is used again and again; a type left on it would make every picture a key frame.
        frame.pict_type = kind
        if self._hint is not None:
            self._hint.attach(frame, changed)
        self._count += 1
        try:
            packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise EncoderFailed(f"libx264 failed: {error}") from error
        if len(packets) != 1:
            raise EncoderFailed(f"libx264 gave {len(packets)} access units for one picture")
        return packets[0]

    def _ask(self, size: int, factor: int) -> None:
        """The next picture has at most `size` bytes."""
        rate = self._settings.rate
        if self._options is None:
            self._context.bit_rate = size * 8 * rate
            return
        bits = _whole(size * 8)
        for name, value in {"maxrate": bits * rate, "bufsize": bits, "crf": factor}.items():
            if self._asked.get(name) != value and self._options.set_int(name, value):
                self._asked[name] = value

    def _factor(self, picture: Part, key: bool) -> int:
        if self._moves(picture) and not key:
            return self._motion_factor
        return COARSE if picture.damage or key else FINE

    def _moves(self, picture: Part) -> bool:
        area = sum(rect.width * rect.height for rect in picture.damage)
        return area >= MOTION_PART * self._settings.width * self._settings.height

    def _pace(self, seconds: float) -> None:
        """Code motion as finely as leaves time for the rest of the pipeline, and for the viewer on a shared machine."""
        budget = BUSY_PART / self._settings.rate
        if seconds > budget:
            self._motion_factor = min(COARSEST, self._motion_factor + 1)
        elif seconds < 0.7 * budget:
            self._motion_factor = max(COARSE, self._motion_factor - 1)


def _whole(bits: int) -> int:
    """As many bits as x264 can be told, which counts in thousands."""
    return max(1, bits // 1000) * 1000


def mean_quantiser(packet: Packet[Any]) -> float | None:
    """The mean quantiser, as the encoder tells it (AVPacketSideData, QUALITY_STATS)."""
    if not packet.has_sidedata("quality_stats"):
        return None
    (told,) = struct.unpack_from("<I", bytes(packet.get_sidedata("quality_stats")))
    return float(told / _QP_TO_LAMBDA)


def codec_string(unit: bytes) -> str:
    """The RFC 6381 codec string of a key access unit in Annex B form: profile, constraints and level of its SPS;
    empty without one.
    """
    at = unit.find(b"\x00\x00\x01")
    while at >= 0 and at + 7 <= len(unit):
        if unit[at + 3] & 0x1F == 7:
            return f"avc1.{unit[at + 4 : at + 7].hex().upper()}"
        at = unit.find(b"\x00\x00\x01", at + 3)
    return ""
