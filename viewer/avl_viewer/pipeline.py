"""PicturePipeline: frames of a session through the decoder to the presenter, with what is known of each on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from avl_protocol.media.clock import ClockOffset
from avl_protocol.session.mediain import ReceivedFrame
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.worker import Decoded, DecodeJob, DecodeWorker
from avl_viewer.pictures import PictureBook
from avl_viewer.present.presenter import Presenter

MakeDecoder = Callable[[Callable[[Decoded], None], Callable[[Any, DecodeError], None]], DecodeWorker]


class PicturePipeline:
    """`undecodable(track, object)` and `presented(object, at)` are called on the event loop; the decoder is not on its
    thread."""

    def __init__(
        self, presenter: Presenter, make_decoder: MakeDecoder, loop: asyncio.AbstractEventLoop,
        undecodable: Callable[[int, int], None], presented: Callable[[int, float], None],
    ) -> None:  # fmt: skip
        self._presenter = presenter
        self._loop = loop
        self._on_undecodable = undecodable
        self._on_presented = presented
        self.book = PictureBook()
        self.decoder = make_decoder(self._decoded, self._undecodable)
        presenter.attach(self._presented)

    @property
    def depth(self) -> int:
        """Frames that wait for the decoder."""
        return self.decoder.depth

    def frames(self, frames: list[ReceivedFrame], clock: ClockOffset) -> None:
        """Decode these, in order."""
        for frame in frames:
            self.book.received(frame, clock.from_host(frame.preamble.captured_us / 1e6))
            self.decoder.submit(DecodeJob(frame.data, frame.preamble.key, frame))

    def close(self) -> None:
        """Let go of the decoder."""
        self.decoder.close()

    # on the decoder's thread

    def _decoded(self, done: Decoded) -> None:
        frame: ReceivedFrame = done.context
        picture = self.book.decoded(frame, done.frame, done.started, done.finished)
        self._presenter.picture(picture)
        if frame.preamble.settled:
            self._presenter.settled(frame.number)

    def _undecodable(self, context: Any, error: DecodeError) -> None:
        frame: ReceivedFrame = context
        self._loop.call_soon_threadsafe(self._on_undecodable, frame.track, frame.number)

    def _presented(self, number: int, at: float) -> None:
        self.book.presented(number, at)
        self._loop.call_soon_threadsafe(self._on_presented, number, at)
