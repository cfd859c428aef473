"""SwitchingEncoder: the best coder there is at each moment, and the next one, at once, when one fails.

Each change begins with a key picture, as a new encoder knows no picture before its first. x264 is the last resort: only
when it fails does the encoder.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.coders import X264, Coders
from avl_host.encode.codecs.libav import LibavEncoder
from avl_host.encode.encoder import Encoded, Encoder, EncoderFailed, EncoderSettings, Part
from avl_host.encode.video import H264Encoder
from avl_protocol.endpoint.loop.priority import Priority, SamePriority

#: Opens an encoder of a coder, or x264 for None.
Open = Callable[[Coder | None, EncoderSettings], Encoder]


def opener(clock: Callable[[], float], priority: Priority | None = None) -> Open:
    """Opens the real ones, whose own threads take their time by `priority`: what a person waits for goes first."""
    aside = priority or SamePriority()

    def open_coder(coder: Coder | None, settings: EncoderSettings) -> Encoder:
        return aside.unhurried(
            lambda: H264Encoder(settings, clock) if coder is None else LibavEncoder(coder, settings, clock)
        )

    return open_coder


class SwitchingEncoder:
    """An Encoder of whatever `coders` says is best. Raises EncoderFailed when not even x264 works."""

    def __init__(self, settings: EncoderSettings, coders: Coders, open_coder: Open) -> None:
        self._settings = settings
        self._coders = coders
        self._open_coder = open_coder
        self._coder, self._encoder = self._opened()

    @property
    def codec(self) -> str:
        """RFC 6381 codec string of the newest key picture; empty before the first."""
        return self._encoder.codec

    @property
    def library(self) -> str:
        """What libavcodec calls the encoder in use."""
        return X264 if self._coder is None else self._coder.library

    def encode(self, picture: Part, size: int, key: bool = False) -> Encoded:
        """Encode the picture with what is best now."""
        if self._best() is not self._coder:
            self._change()
        while True:
            try:
                return self._encoder.encode(picture, size, key)
            except EncoderFailed as error:
                if self._coder is None:
                    raise
                self._coders.failed(self._coder, str(error))
                self._change()

    def close(self) -> None:
        """Flush and let go."""
        self._encoder.close()

    def _best(self) -> Coder | None:
        return self._coders.best(self._settings.chroma, self._settings.coded)

    def _change(self) -> None:
        self._encoder.close()
        self._coder, self._encoder = self._opened()

    def _opened(self) -> tuple[Coder | None, Encoder]:
        while True:
            coder = self._best()
            try:
                return coder, self._open_coder(coder, self._settings)
            except EncoderFailed as error:
                if coder is None:
                    raise
                self._coders.failed(coder, str(error))
