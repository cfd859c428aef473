"""PicturePipelines: objects of a session onto its desktops' canvases and to the presenter, with what is known of each
on the way.

Each desktop has a canvas, a decoder for its pictures, which needs all of them in order, and a book of figures. Exact
pixels pass the decoder by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from avl_protocol.media.bounds import codec_of
from avl_protocol.media.clock import ClockOffset
from avl_protocol.media.frame import Rect
from avl_protocol.media.track import Track, desktops, rungs
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame, ReceivedObject
from avl_protocol.wire.errors import RemoteProtocolError
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.decode.worker import Decoded, DecodeJob, DecodeWorker
from avl_viewer.present.presenter import Picture, Presenter

if TYPE_CHECKING:  # who only types loads neither numpy nor a decoder
    from avl_viewer.decode.canvas import Canvas

MakeDecoder = Callable[[Callable[[Decoded], None], Callable[[Any, DecodeError], None]], DecodeWorker]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a pipeline wants of the session. `undecodable(track, object)`: pictures are to begin anew; `left_out(track,
    object)`: exact pixels copy what is not known; `damaged(track)`: exact pixels were not as they have to be.
    All are called on the event loop."""

    undecodable: Callable[[int, int], None]
    left_out: Callable[[int, int], None]
    damaged: Callable[[int], None]


class PicturePipeline:
    """One desktop's path to the presenter."""

    def __init__(
        self,
        *,
        desktop: int,
        presenter: Presenter,
        make_decoder: MakeDecoder,
        book: PictureBook,
        wishes: Wishes,
        now: Callable[[], float],
    ) -> None:
        self._desktop = desktop
        self._presenter = presenter
        self._wishes = wishes
        self._now = now
        self.book = book
        self._canvas: Canvas | None = None
        self.decoder = make_decoder(self._decoded, self._undecodable)

    @property
    def canvas(self) -> Canvas:
        """What this desktop is composed on; made, with all that takes to load, for the first object."""
        if self._canvas is None:
            from avl_viewer.decode.canvas import Canvas

            self._canvas = Canvas()
        return self._canvas

    @property
    def began(self) -> bool:
        """Whether anything has come for the canvas."""
        return self._canvas is not None

    def take(self, one: ReceivedObject, captured: float) -> None:
        """Show or decode this next; `captured` in seconds of our clock."""
        self.book.received(one, captured)
        if isinstance(one, ReceivedFrame):
            self.decoder.submit(DecodeJob(one.data, one.preamble.key, one, codec_of(one.codec)))
        else:
            self._show(one)

    def _show(self, one: ReceivedExact) -> None:
        started = self._now()
        try:
            shown = self.canvas.show(one)
        except RemoteProtocolError:
            self._wishes.damaged(one.track)
            return
        if not shown.complete:
            self._wishes.left_out(one.track, one.number)
        self._present(one, shown.changed, started, self._now())

    def _present(self, one: ReceivedObject, dirty: tuple[Rect, ...], started: float, finished: float) -> None:
        captured = self.book.decoded(one, started, finished)
        self._presenter.picture(
            Picture(
                desktop=self._desktop,
                track=one.track,
                number=one.number,
                canvas=self.canvas,
                dirty=dirty,
                captured=captured,
                received=one.last,
                decoded=finished,
            )
        )

    # on the decoder's thread

    def _decoded(self, done: Decoded) -> None:
        frame: ReceivedFrame = done.context
        self.book.decoded_by(done.device)
        shown = self.canvas.stage(done.frame, frame)
        self._present(frame, shown.changed, done.started, done.finished)

    def _undecodable(self, context: Any, error: DecodeError) -> None:
        frame: ReceivedFrame = context
        self._wishes.undecodable(frame.track, frame.number)


class PicturePipelines:
    """Those of all desktops. `presented(track, object, at)` is called on the event loop, as the wishes are;
    `film(delay, at)` on whichever thread shows a picture of what moves, so long after its capture."""

    def __init__(
        self,
        *,
        presenter: Presenter,
        make_decoder: MakeDecoder,
        loop: asyncio.AbstractEventLoop,
        wishes: Wishes,
        presented: Callable[[int, int, float], None],
        film: Callable[[float, float], None] = lambda delay, at: None,
        now: Callable[[], float],
    ) -> None:
        self._presenter = presenter
        self._make_decoder = make_decoder
        self._loop = loop
        self._on_undecodable = wishes.undecodable
        self._wishes = replace(wishes, undecodable=self._undecodable)
        self._on_presented = presented
        self._on_film = film
        self._now = now
        #: By the number of each desktop's first track, and by those of all.
        self._desktops: dict[int, PicturePipeline] = {}
        self._of: dict[int, PicturePipeline] = {}
        #: The tracks of what moves.
        self._moving: frozenset[int] = frozenset()
        #: The tracks that each was made for.
        self._made: dict[int, tuple[Track, Track | None]] = {}
        #: Figures of the first desktop, whichever number it has.
        self.book = PictureBook()
        presenter.attach(self._presented)

    @property
    def depth(self) -> int:
        """Frames that wait for decoders."""
        return sum(pipeline.decoder.depth for pipeline in self._desktops.values())

    @property
    def books(self) -> dict[int, PictureBook]:
        """Figures of each desktop, by its first track."""
        return {desktop: pipeline.book for desktop, pipeline in self._desktops.items()}

    @property
    def canvases(self) -> dict[int, Canvas]:
        """The canvas of each desktop of which something has come, by its first track."""
        return {desktop: pipeline.canvas for desktop, pipeline in self._desktops.items() if pipeline.began}

    def begin(self, tracks: Iterable[Track]) -> None:
        """A new session has these tracks: no figure and no pixel of the one before counts."""
        self.close()
        self._desktops = {}
        self._made.clear()
        self.arrange(tracks)

    def arrange(self, tracks: Iterable[Track]) -> None:
        """The session has these tracks now: of a desktop whose tracks are as they were all goes on."""
        tracks, before, made = tuple(tracks), self._desktops, self._made
        self._desktops, self._of, self._made = {}, {}, {}
        for pictures, exact in desktops(tracks):
            first = not self._desktops
            pipeline = before.get(pictures.id) if made.get(pictures.id) == (pictures, exact) else None
            if first and (pipeline is None or pipeline.book is not self.book):
                self.book.renew()
            if pipeline is None:
                pipeline = PicturePipeline(
                    desktop=pictures.id,
                    presenter=self._presenter,
                    make_decoder=self._make_decoder,
                    book=self.book if first else PictureBook(),
                    wishes=self._wishes,
                    now=self._now,
                )
            elif first != (pipeline.book is self.book):
                pipeline.book = self.book if first else PictureBook()
            self._made[pictures.id] = (pictures, exact)
            self._desktops[pictures.id] = self._of[pictures.id] = pipeline
            if exact is not None:
                self._of[exact.id] = pipeline
        for lower, pictures_of in rungs(tracks).items():
            self._of[lower] = self._of[pictures_of]
        self._moving = frozenset((*self._desktops, *rungs(tracks)))
        for pipeline in before.values():
            if pipeline not in self._desktops.values():
                pipeline.decoder.close()
        self._presenter.tracks(tuple(self._desktops))

    def take(self, objects: list[ReceivedObject], clock: ClockOffset) -> None:
        """Show and decode these, in order."""
        for one in objects:
            if (pipeline := self._of.get(one.track)) is not None:
                captured = one.exact.captured_us if isinstance(one, ReceivedExact) else one.preamble.captured_us
                pipeline.take(one, clock.from_host(captured / 1e6))

    def close(self) -> None:
        """Let go of the decoders."""
        for pipeline in self._desktops.values():
            pipeline.decoder.close()

    # on other threads

    def _undecodable(self, track: int, number: int) -> None:
        self._loop.call_soon_threadsafe(self._on_undecodable, track, number)

    def _presented(self, track: int, number: int, at: float) -> None:
        if (pipeline := self._of.get(track)) is not None:
            delay = pipeline.book.presented(track, number, at)
            if delay is not None and track in self._moving:
                self._on_film(delay, at)
            self._loop.call_soon_threadsafe(self._on_presented, track, number, at)
