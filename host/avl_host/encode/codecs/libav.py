"""LibavEncoder: any coder by PyAV, one picture in and one out.

What it makes is held to the bounds that viewers hold it to (spec 05-media, 5.3.1): an encoder, of hardware above all,
whose pictures they would refuse fails here, so that another one can take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import av
import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from avl_host.encode.codecs.coder import Coder, Steering
from avl_host.encode.codecs.drift import Drift
from avl_host.encode.codecs.offset import QuantiserOffset, quantiser_offset
from avl_host.encode.codecs.quantiser import COARSEST, Kind, QuantiserControl
from avl_host.encode.context import unopened, yuv_picture
from avl_host.encode.encoder import Encoded, EncoderFailed, EncoderSettings, Part
from avl_host.encode.video import MOTION_PART, mean_quantiser
from avl_protocol.media.bounds import check_bitstream
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_OBJECT_SIZE

#: What preamble and seal take of an object at most.
_AROUND = 4096
LARGEST = MAX_OBJECT_SIZE - _AROUND
#: A key picture larger than it may be by this is coded again, more coarsely, so often.
TOLERANCE, ATTEMPTS = 1.5, 3
#: An encoder that is opened with a quantiser so near to the wanted one is not opened again for a key picture.
_NEAR = 2
#: So high a bit rate that an encoder whose quantiser is told has none to keep to.
_ANY_RATE = 1_000_000_000
#: An open encoder's bit rate is changed only when it is off by this part: it costs some of them a reset.
_RATE_STEP = 0.1


@dataclass(frozen=True, slots=True)
class _Group:
    """What a preamble would announce."""

    codec: str
    width: int
    height: int
    chroma: Chroma


class LibavEncoder:
    """An open encoder of `coder`. `clock` (seconds) only measures. Raises EncoderFailed when it can't be opened."""

    def __init__(self, coder: Coder, settings: EncoderSettings, clock: Callable[[], float]) -> None:
        self._coder = coder
        self._settings = settings
        self._clock = clock
        self._yuv = yuv_picture(settings)
        self._codec = ""
        self._control = QuantiserControl()
        self._offset: QuantiserOffset | None = quantiser_offset() if coder.steering is Steering.QUANTISER else None
        #: The quantiser that it is opened with, to which offsets are added.
        self._base = Kind.KEY.finest
        self._drift = Drift(settings.bitrate)
        self._count = 0
        self._context: VideoCodecContext | None = None
        if self._offset is None:
            self._context = self._opened()

    @property
    def codec(self) -> str:
        """RFC 6381 codec string, read from the stream itself; empty before the first picture."""
        return self._codec

    def _opened(self) -> VideoCodecContext:
        coder, settings = self._coder, self._settings
        rate = self._drift.bitrate if self._offset is None else _ANY_RATE
        try:
            context = unopened(coder.library, settings, self._yuv, coder.formats[settings.chroma])
            context.bit_rate = self._rate = rate
            context.options = dict(coder.options(replace(settings, bitrate=rate)))
            if self._offset is not None:
                context.qmin = context.qmax = self._base
            context.open()
            self._drift.begin()
        except av.error.FFmpegError as error:
            raise EncoderFailed(f"{coder.library} cannot be opened: {error.strerror}") from error
        except ValueError as error:
            raise EncoderFailed(f"{coder.library} is not in PyAV {av.__version__}") from error
        return context

    def encode(self, picture: Part, size: int, key: bool = False) -> Encoded:
        """Encode a picture of the size the encoder was opened for. Raises EncoderFailed."""
        begun = self._clock()
        frame = self._yuv.update(picture.pixels, picture.damage)
        wanted = self._coder.formats[self._settings.chroma]
        if frame.format.name != wanted:
            frame = frame.reformat(format=wanted)
        converted = self._clock()
        packet, data = self._fitting(frame, picture, size, key or self._count == 0)
        if packet.is_keyframe:
            self._codec = self._coder.name(data, self._settings)
        self._check(data, packet.is_keyframe)
        qp = mean_quantiser(packet)
        if self._offset is not None:
            qp = self._control.last  # what the encoder reports leaves the offset out
        done = self._clock()
        return Encoded(
            data=data,
            key=packet.is_keyframe,
            qp=None if qp is None else qp * self._coder.quantisers,
            convert_seconds=converted - begun,
            encode_seconds=done - converted,
        )

    def close(self) -> None:
        """Flush, so that no thread of the encoder holds a picture when it is dropped; idempotent."""
        if self._count and self._context is not None:
            self._count = 0
            try:
                self._context.encode(None)
            except av.error.FFmpegError:
                pass  # it failed before: there is nothing to hold on to

    def _fitting(self, frame: VideoFrame, picture: Part, size: int, key: bool) -> tuple[Packet[Any], bytes]:
        """The picture in `size` bytes, or near that; a key picture in any case where it would be no object else."""
        if self._offset is None and self._coder.steering is not Steering.BITRATE and self._drift.off:
            self._reopen()
            key = True
        kind, pixels = self._kind(picture, key)
        for _ in range(ATTEMPTS):
            quantiser = self._steer(frame, kind, pixels, size)
            packet = self._code(frame, PictureType.I if key else PictureType.NONE)
            data = self._coder.finished(bytes(packet))
            self._control.coded(kind, pixels, quantiser, len(data))
            coarser = self._offset is not None and quantiser < COARSEST
            if len(data) <= LARGEST and not (key and coarser and len(data) > size * TOLERANCE):
                break
            if self._offset is None:
                self._drift.halve()
                self._reopen()
            # A key picture, since nothing may refer to what nobody gets.
            key, kind, pixels = True, Kind.KEY, frame.width * frame.height
        if len(data) > LARGEST:
            raise EncoderFailed(f"{self._coder.library} makes pictures that are too large")
        if key:
            # It is opened again, which takes another key picture, only long after this one (5.4.4).
            self._drift.begin()
        else:
            self._drift.coded(len(data), size, self._settings.rate)
        return packet, data

    def _steer(self, frame: VideoFrame, kind: Kind, pixels: int, size: int) -> int:
        """Have the next picture have `size` bytes; its quantiser, as far as it is known."""
        if self._offset is not None:
            quantiser = self._control.choose(kind, pixels, size)
            if kind is Kind.KEY:
                # No offset holds for a key picture, which needs nothing of the encoder before.
                if self._context is None or abs(quantiser - self._base) > _NEAR:
                    self._base = quantiser
                    self._reopen()
                quantiser = self._base
            self._offset.attach(frame, quantiser - self._base)
            return quantiser
        if self._coder.steering is Steering.BITRATE:
            rate = size * 8 * self._settings.rate
            assert self._context is not None
            if abs(rate - self._rate) > _RATE_STEP * self._rate:
                self._context.bit_rate = self._rate = rate
        return 0

    def _kind(self, picture: Part, key: bool) -> tuple[Kind, int]:
        width, height = self._settings.coded
        if key:
            return Kind.KEY, width * height
        if not picture.damage:
            return Kind.REFINEMENT, width * height
        area = sum(rect.width * rect.height for rect in picture.damage)
        part = area / (self._settings.width * self._settings.height)
        return Kind.MOTION if part >= MOTION_PART else Kind.CHANGE, max(1, round(part * width * height))

    def _code(self, frame: VideoFrame, kind: PictureType) -> Packet[Any]:
        assert self._context is not None
        frame.pts = self._count
        frame.time_base = self._context.time_base
        # The frame is used again and again; a type left on it would make every picture a key frame.
        frame.pict_type = kind
        self._count += 1
        try:
            packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise EncoderFailed(f"{self._coder.library} failed: {error.strerror}") from error
        if len(packets) != 1:
            raise EncoderFailed(f"{self._coder.library} gave {len(packets)} pictures for one")
        return packets[0]

    def _reopen(self) -> None:
        self.close()
        self._context = self._opened()

    def _check(self, data: bytes, key: bool) -> None:
        """Look at it as viewers do."""
        group = _Group(self._codec, *self._settings.coded, self._settings.chroma)
        try:
            check_bitstream(data, group, key)
        except RemoteProtocolError:
            raise EncoderFailed(f"{self._coder.library} makes pictures that viewers refuse") from None
