"""Coders: what of this machine's encoders is used, by what the person asked for, what works, and what the whole
audience decodes (spec 05-media, 5.6).

x264 is not among them: it is what is left, and what every viewer decodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from avl_host.encode.codecs.coder import Coder
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.endtoend import Decoder
from avl_protocol.wire.registry import VideoCodec

#: Pairs of codec and chroma.
Formats = frozenset[tuple[VideoCodec, Chroma]]
_H264 = VideoCodec.H264
#: libavcodec's name of what is left.
X264 = "libx264"


def decodable(message: Decoder) -> Formats:
    """What a viewer decodes; what we do not know of it is left out."""
    rows = ((_H264, *message.chroma), *message.others)
    return frozenset(
        (VideoCodec(row[0]), Chroma(chroma))
        for row in rows
        if row and row[0] in list(VideoCodec)
        for chroma in row[1:]
        if chroma in list(Chroma)
    )


class Coders:
    """`wanted`: the codec that was asked for. `coders`: those that there are, best first; of hardware one is used once
    `works` was called. `told` is given a sentence when one fails. Choices are made on the event loop; encoders, on
    threads of their own, ask for what was chosen."""

    def __init__(
        self,
        coders: Sequence[Coder] = (),
        wanted: VideoCodec = _H264,
        told: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._coders = tuple(coders)
        self._wanted = wanted
        self._told = told
        self._usable = frozenset(coder.library for coder in coders if not coder.hardware)
        self._chosen = _H264

    @property
    def chosen(self) -> VideoCodec:
        """The codec that the audience decodes and that was asked for, or H.264."""
        return self._chosen

    def choose(self, audience: Iterable[Formats]) -> Chroma:
        """Choose what suits everybody; the chroma that goes with it. Nobody suits everything."""
        able = list(audience)
        for codec in (self._wanted, _H264):
            for chroma in (Chroma.YUV444, Chroma.YUV420):
                coded = codec is _H264 or any(one.codec is codec and one.codes(chroma) for one in self._coders)
                if coded and all((codec, chroma) in formats for formats in able):
                    self._chosen = codec
                    return chroma
        self._chosen = _H264
        return Chroma.YUV420

    def best(self, chroma: Chroma, size: tuple[int, int]) -> Coder | None:
        """What pictures of this chroma and size are to be coded with now; None: with x264."""
        return next(
            (
                one
                for codec in (self._chosen, _H264)
                for one in self._coders
                if one.codec is codec and one.codes(chroma) and one.fits(*size) and one.library in self._usable
            ),
            None,
        )

    def library(self, chroma: Chroma, size: tuple[int, int]) -> str:
        """What libavcodec calls the encoder of such pictures."""
        best = self.best(chroma, size)
        return X264 if best is None else best.library

    def works(self, coder: Coder) -> None:
        """A hardware coder was found to work."""
        self._usable |= {coder.library}

    def failed(self, coder: Coder, why: str) -> None:
        """A coder failed while it was used: it is not used again."""
        if coder.library in self._usable:
            self._usable -= {coder.library}
            self._told(f"{why}; the host goes on without it")
