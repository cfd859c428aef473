"""PicturePipelines: frames of a session through decoders to the presenter, with what is known of each on the way.

Each track has a pipeline of its own: a decoder, which needs every frame of its track in order, and a book of figures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from avl_protocol.media.bounds import codec_of
from avl_protocol.media.clock import ClockOffset
from avl_protocol.session.media.receiver import ReceivedFrame
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.decode.worker import Decoded, DecodeJob, DecodeWorker
from avl_viewer.present.presenter import Presenter

MakeDecoder = Callable[[Callable[[Decoded], None], Callable[[Any, DecodeError], None]], DecodeWorker]


class PicturePipeline:
    """One track's path to the presenter. `failed(track, object)` is called on the decoder's thread."""

    def __init__(
        self,
        presenter: Presenter,
        make_decoder: MakeDecoder,
        book: PictureBook,
        failed: Callable[[int, int], None],
    ) -> None:
        self._presenter = presenter
        self._failed = failed
        self.book = book
        self.decoder = make_decoder(self._decoded, self._undecodable)

    def frame(self, frame: ReceivedFrame, captured: float) -> None:
        """Decode this next; `captured` in seconds of our clock."""
        self.book.received(frame, captured)
        self.decoder.submit(DecodeJob(frame.data, frame.preamble.key, frame, codec_of(frame.codec)))

    # on the decoder's thread

    def _decoded(self, done: Decoded) -> None:
        frame: ReceivedFrame = done.context
        picture = self.book.decoded(frame, done.frame, done.started, done.finished)
        self._presenter.picture(picture)
        if frame.preamble.settled:
            self._presenter.settled(frame.track, frame.number)

    def _undecodable(self, context: Any, error: DecodeError) -> None:
        frame: ReceivedFrame = context
        self._failed(frame.track, frame.number)


class PicturePipelines:
    """Those of all tracks. `undecodable(track, object)` and `presented(track, object, at)` are called on the event
    loop; decoders are not on its thread."""

    def __init__(
        self,
        *,
        presenter: Presenter,
        make_decoder: MakeDecoder,
        loop: asyncio.AbstractEventLoop,
        undecodable: Callable[[int, int], None],
        presented: Callable[[int, int, float], None],
    ) -> None:
        self._presenter = presenter
        self._make_decoder = make_decoder
        self._loop = loop
        self._on_undecodable = undecodable
        self._on_presented = presented
        self._pipelines: dict[int, PicturePipeline] = {}
        #: Figures of the first track, the desktop, whichever number it has.
        self.book = PictureBook()
        presenter.attach(self._presented)

    @property
    def depth(self) -> int:
        """Frames that wait for decoders."""
        return sum(pipeline.decoder.depth for pipeline in self._pipelines.values())

    @property
    def books(self) -> dict[int, PictureBook]:
        """Figures of each track."""
        return {track: pipeline.book for track, pipeline in self._pipelines.items()}

    def begin(self, tracks: tuple[int, ...]) -> None:
        """A new session has these tracks of pictures, the desktop first: no figure of the one before counts."""
        for track, pipeline in list(self._pipelines.items()):
            if track not in tracks or (pipeline.book is self.book) != (track == tracks[0]):
                self._pipelines.pop(track).decoder.close()
        for track in tracks:
            if track not in self._pipelines:
                book = self.book if track == tracks[0] else PictureBook()
                self._pipelines[track] = PicturePipeline(self._presenter, self._make_decoder, book, self._undecodable)
            self._pipelines[track].book.renew()
        self._presenter.tracks(tracks)

    def frames(self, frames: list[ReceivedFrame], clock: ClockOffset) -> None:
        """Decode these, in order."""
        for frame in frames:
            pipeline = self._pipelines.get(frame.track)
            if pipeline is not None:
                pipeline.frame(frame, clock.from_host(frame.preamble.captured_us / 1e6))

    def close(self) -> None:
        """Let go of the decoders."""
        for pipeline in self._pipelines.values():
            pipeline.decoder.close()

    # on other threads

    def _undecodable(self, track: int, number: int) -> None:
        self._loop.call_soon_threadsafe(self._on_undecodable, track, number)

    def _presented(self, track: int, number: int, at: float) -> None:
        pipeline = self._pipelines.get(track)
        if pipeline is not None:
            pipeline.book.presented(number, at)
            self._loop.call_soon_threadsafe(self._on_presented, track, number, at)
