"""One canvas, decoder and book of figures a desktop; what can't be shown is asked for."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import numpy as np

from avl_protocol.media.clock import ClockOffset
from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Rect
from avl_protocol.media.track import exact, video
from avl_protocol.session.media.receiver import ReceivedExact
from avl_protocol.wire.registry import ExactCoding
from avl_viewer.decode.pipeline import PicturePipelines, Wishes
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.decode.worker import InlineWorker
from avl_viewer.present.headless import HeadlessPresenter
from avl_viewer.present.presenter import Picture
from tests.viewer import pictures

SIZE = (64, 48)
ONE, TWO = (video(1), exact(2)), (video(3), exact(4))
RED, BLUE = b"\0\0\xff", b"\xff\0\0"


class Idle:
    """A decoder that is given nothing."""

    def __init__(self, *_calls: object) -> None:
        self.depth = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Desk:
    """Pipelines of one desktop in memory, what they showed and what they asked for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.shown: list[Picture] = []
        self.asked: list[tuple[object, ...]] = []
        self.presented: list[tuple[int, int]] = []
        self.presenter = HeadlessPresenter(now=loop.time, on_picture=self.shown.append)
        self.pipelines = PicturePipelines(
            presenter=self.presenter,
            make_decoder=lambda decoded, failed: InlineWorker(VideoDecoder, decoded, failed, loop.time),
            loop=loop,
            wishes=Wishes(
                undecodable=lambda track, number: self.asked.append(("undecodable", track, number)),
                left_out=lambda track, number: self.asked.append(("left out", track, number)),
                damaged=lambda track: self.asked.append(("damaged", track)),
            ),
            presented=lambda track, number, at: self.presented.append((track, number)),
            now=loop.time,
        )
        self.pipelines.begin(ONE)

    def exact(self, number: int, *rects: ExactRect, pixels: bytes = b"", complete: bool = True) -> None:
        """An object of exact pixels comes."""
        one = Exact(
            captured_us=10_000 + number, input_echo_us=0, width=SIZE[0], height=SIZE[1], rects=rects, pixels=pixels
        )
        received = ReceivedExact(track=2, number=number, exact=one, size=9, complete=complete, first=0.0, last=0.0)
        self.pipelines.take([received], ClockOffset())

    def picture(self, number: int, data: bytes, dirty: Rect, key: bool = False) -> None:
        """A picture comes."""
        one = pictures.received(number, SIZE, (dirty,), captured_us=10_000 + number, data=data, key=key)
        self.pipelines.take([one], ClockOffset())

    @property
    def rgb(self) -> pictures.Rgb:
        return self.pipelines.canvases[1].rgb()


def solid(colour: bytes, *sides: int) -> ExactRect:
    return ExactRect(Rect(*sides), ExactCoding.SOLID, colour)


async def test_the_first_desktop_of_each_session_has_the_desktop_s_book() -> None:
    made: list[Idle] = []

    def make(*calls: object) -> Any:
        made.append(Idle(*calls))
        return made[-1]

    loop = asyncio.get_running_loop()
    presenter = HeadlessPresenter(now=loop.time)
    pipelines = PicturePipelines(
        presenter=presenter,
        make_decoder=cast(Any, make),
        loop=loop,
        wishes=Wishes(undecodable=lambda *_: None, left_out=lambda *_: None, damaged=lambda *_: None),
        presented=lambda *_: None,
        now=loop.time,
    )
    book = pipelines.book
    pipelines.begin((*ONE, *TWO))
    assert pipelines.books[1] is book is not pipelines.books[3]
    assert pipelines.canvases == {}, "nothing has come"
    pipelines.begin((*ONE, *TWO))
    assert [decoder.closed for decoder in made] == [True, True, False, False], "no picture of the session before counts"
    pipelines.begin((*TWO, video(5)))
    assert pipelines.books[3] is book is pipelines.book and pipelines.books.keys() == {3, 5}
    assert [decoder.closed for decoder in made] == [True] * 4 + [False] * 2
    pipelines.begin(())
    assert pipelines.books == {} and all(decoder.closed for decoder in made)


async def test_exact_pixels_are_shown_at_once_and_beside_pictures() -> None:
    desk = Desk()
    desk.exact(0, solid(RED, 0, 0, 64, 48))
    assert (desk.rgb == (255, 0, 0)).all() and desk.shown[-1].dirty == (Rect(0, 0, 64, 48),)
    unit = pictures.encode([pictures.flat(*SIZE, (0, 255, 0))])[0]
    desk.picture(1, unit, Rect(0, 0, 32, 48), key=True)
    desk.exact(2, solid(BLUE, 0, 0, 16, 16))
    rgb = desk.rgb.astype(int)
    assert (rgb[:16, :16] == (0, 0, 255)).all()
    assert np.abs(rgb[16:, :32] - (0, 255, 0)).max() <= 3
    assert (rgb[:, 32:] == (255, 0, 0)).all()
    await asyncio.sleep(0)
    assert desk.presented == [(2, 0), (1, 1), (2, 2)] and desk.asked == []
    assert {picture.desktop for picture in desk.shown} == {1}


async def test_a_copy_of_what_is_not_known_is_asked_for_and_the_rest_is_shown() -> None:
    desk = Desk()
    desk.exact(0, solid(RED, 0, 0, 32, 48))
    copy = ExactRect(Rect(16, 0, 16, 16), ExactCoding.COPY, source=(40, 8))
    desk.exact(1, copy, solid(BLUE, 32, 32, 16, 16))
    assert desk.asked == [("left out", 2, 1)]
    assert (desk.rgb[:16, 16:32] == (255, 0, 0)).all() and (desk.rgb[32:, 32:48] == (0, 0, 255)).all()
    assert desk.shown[-1].dirty == (Rect(32, 32, 16, 16),)
    desk.exact(2, ExactRect(Rect(32, 0, 16, 16), ExactCoding.COPY, source=(0, 0)), complete=False)
    assert desk.asked[1:] == [("left out", 2, 2)], "what came before it may be missing"
    desk.exact(3, ExactRect(Rect(32, 0, 16, 16), ExactCoding.COPY, source=(0, 0)))
    assert len(desk.asked) == 2 and (desk.rgb[:16, 32:48] == (255, 0, 0)).all()


async def test_damaged_exact_pixels_are_counted_and_change_nothing() -> None:
    desk = Desk()
    desk.exact(0, solid(RED, 0, 0, 64, 48))
    desk.exact(1, ExactRect(Rect(0, 0, 64, 48), ExactCoding.PLAIN), pixels=b"no frame at all")
    assert desk.asked == [("damaged", 2)]
    assert len(desk.shown) == 1 and (desk.rgb == (255, 0, 0)).all()


async def test_a_picture_that_can_not_be_decoded_is_asked_for_and_exact_pixels_go_on() -> None:
    desk = Desk()
    desk.picture(0, b"no video", Rect(0, 0, 64, 48), key=True)
    desk.exact(0, solid(RED, 0, 0, 64, 48))
    await asyncio.sleep(0)
    assert desk.asked == [("undecodable", 1, 0)]
    assert (desk.rgb == (255, 0, 0)).all() and desk.pipelines.canvases[1].exact == 1.0


async def test_a_new_session_shows_no_pixel_of_the_one_before() -> None:
    desk = Desk()
    desk.exact(0, solid(RED, 0, 0, 64, 48))
    before = desk.pipelines.canvases[1]
    desk.pipelines.begin((*ONE, *TWO))
    assert desk.pipelines.canvases == {} and desk.presenter.latest() is None
    desk.exact(0, solid(BLUE, 0, 0, 16, 16))
    assert desk.pipelines.canvases.keys() == {1} and desk.pipelines.canvases[1] is not before
    assert not desk.rgb[:, 16:].any() and (before.rgb() == (255, 0, 0)).all()


async def test_objects_of_other_tracks_are_nobody_s() -> None:
    desk = Desk()
    desk.pipelines.begin(TWO)
    desk.exact(0, solid(RED, 0, 0, 64, 48))
    assert desk.shown == [] and desk.asked == []
