"""H.264 by libavcodec: one access unit in, its picture out, nothing kept back.

Slice threads, because frame threads hold pictures back, and because PyAV 18.1 hangs for ever when a decoder that chose
its own threading is dropped while it still holds packets. For the same reason a decoder is flushed before it is let go.
"""

from __future__ import annotations

from typing import Any

import av
import av.error
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from avl_protocol.wire.registry import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE
from avl_viewer.decode.decoder import DecodeError

#: Two slices are decoded at once: the host encodes as many, and more threads take turns instead of helping.
THREADS = 2
#: The most pixels for which libavcodec may allocate memory: a viewer's largest picture in whole macroblocks.
MOST_PIXELS = MAX_PICTURE_PIXELS + 2 * 16 * MAX_PICTURE_SIDE


class VideoDecoder:
    """The native Decoder. Resolution and chroma sampling follow the bitstream; a key picture may change both."""

    def __init__(self, threads: int = THREADS) -> None:
        self._context = VideoCodecContext.create("h264", "r")
        self._context.thread_type = "SLICE"
        self._context.thread_count = threads
        self._context.flags |= int(Flags.low_delay)
        self._context.options = {"max_pixels": str(MOST_PIXELS)}
        self._open = True

    def decode(self, data: bytes) -> Any:
        """The picture (a PyAV VideoFrame, planar YUV) of one access unit in Annex B form.

        Raises DecodeError when there is none or it is damaged; what follows is damaged too, until a key picture.
        """
        if not self._open:
            raise DecodeError("the decoder is closed")
        try:
            frames = self._context.decode(av.Packet(data))
        except av.error.FFmpegError as error:
            raise DecodeError(f"the picture can't be decoded: {error.strerror}") from None
        if not frames:
            raise DecodeError("the access unit holds no picture")
        frame = frames[-1]
        if frame.is_corrupt:
            raise DecodeError("the picture is damaged")
        return frame

    def close(self) -> None:
        """Flush and let go; idempotent."""
        if self._open:
            self._open = False
            try:
                self._context.decode(None)
            except av.error.FFmpegError:
                pass  # nothing was decoded yet, or the rest is damaged: either way nothing is held any more
