"""Pictures by libavcodec: one object's bitstream in, its picture out, nothing kept back.

Slice threads, because frame threads hold pictures back, and because PyAV 18.1 hangs for ever when a decoder that chose
its own threading is dropped while it still holds packets. For the same reason a decoder is flushed before it is let go.
"""

from __future__ import annotations

from typing import Any

import av
import av.error
from av.codec.context import Flags
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from avl_protocol.wire.registry import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, VideoCodec
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.hardware import Hardware

#: Two slices are decoded at once: the host encodes as many, and more threads take turns instead of helping.
THREADS = 2
#: The most pixels for which libavcodec may allocate memory: a viewer's largest picture in whole macroblocks.
MOST_PIXELS = MAX_PICTURE_PIXELS + 2 * 16 * MAX_PICTURE_SIDE
#: libavcodec's decoders: for AV1 the one of software; its own asks for hardware.
LIBRARIES = {
    VideoCodec.H264: "h264",
    VideoCodec.H265: "hevc",
    VideoCodec.VP9: "vp9",
    VideoCodec.AV1: "libdav1d",
}
#: What pictures of software come as; a card gives its own formats, which are converted.
_PLANAR = ("yuv420p", "yuv444p", "yuvj420p", "yuvj444p")


class VideoDecoder:
    """The native Decoder. Resolution and chroma sampling follow the bitstream; a key picture may change both.

    `hardware`: what is tried first. Raises DecodeError when PyAV has no decoder of the codec.
    """

    def __init__(
        self, codec: VideoCodec = VideoCodec.H264, threads: int = THREADS, hardware: Hardware | None = None
    ) -> None:
        #: What it decodes.
        self.codec = codec
        self._threads = threads
        self._hardware = hardware
        self._context = self._opened()
        self._open = True

    @property
    def device(self) -> str | None:
        """What libav calls the hardware in use; None: software decodes."""
        return self._device if self._context.is_hwaccel else None

    def _opened(self) -> VideoCodecContext:
        library = LIBRARIES[self.codec]
        context: Any = None
        self._device = self._hardware.device if self._hardware is not None else None
        if self._device is not None:
            try:
                context = av.CodecContext.create(library, "r", HWAccel(self._device, allow_software_fallback=True))
            except (av.error.FFmpegError, RuntimeError):
                self._blame()
        try:
            context = context or av.CodecContext.create(library, "r")
        except ValueError:
            raise DecodeError(f"PyAV {av.__version__} has no decoder of {self.codec.name}") from None
        assert isinstance(context, VideoCodecContext)
        context.thread_type = "SLICE"
        context.thread_count = self._threads
        context.flags |= int(Flags.low_delay)
        context.options = {"max_pixels": str(MOST_PIXELS)}
        return context

    def decode(self, data: bytes) -> Any:
        """The picture (a PyAV VideoFrame, planar YUV) of one object's bitstream.

        Raises DecodeError when there is none or it is damaged; what follows is damaged too, until a key picture.
        """
        if not self._open:
            raise DecodeError("the decoder is closed")
        try:
            frames = self._context.decode(av.Packet(data))
        except av.error.FFmpegError as error:
            self._blame()
            raise DecodeError(f"the picture can't be decoded: {error.strerror}") from None
        if not frames:
            self._blame()
            raise DecodeError("the access unit holds no picture")
        frame = frames[-1]
        if frame.is_corrupt:
            raise DecodeError("the picture is damaged")
        return frame if frame.format.name in _PLANAR else _planar(frame)

    def close(self) -> None:
        """Flush and let go; idempotent."""
        if self._open:
            self._open = False
            try:
                self._context.decode(None)
            except av.error.FFmpegError:
                pass  # nothing was decoded yet, or the rest is damaged: either way nothing is held any more

    def _blame(self) -> None:
        """Whatever could not be decoded, the next decoder is one of software."""
        if self._hardware is not None and self._device is not None:
            self._hardware.failed()


def _planar(frame: VideoFrame) -> VideoFrame:
    """A card's picture (NV12, or NV24 for 4:4:4) with its planes apart."""
    return frame.reformat(format="yuv444p" if "24" in frame.format.name else "yuv420p")
