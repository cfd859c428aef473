"""Both workers over the pattern, and the thread over a real display."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from avl_host.capture.pattern import PatternSource, read_number
from avl_host.capture.source import CaptureSource, CursorImage
from avl_host.capture.sources import open_source
from avl_host.encode.budget import Budget
from avl_host.encode.pipeline import Pipeline, PipelineSettings
from avl_host.encode.video import H264Encoder
from avl_host.encode.worker import InlineWorker, Listener, ThreadWorker
from avl_protocol.media import exact
from avl_protocol.media.frame import EncodedFrame, ExactFrame, Frame, Monitor
from avl_protocol.session.media.receiver import ReceivedExact
from avl_viewer.decode.canvas import Canvas
from tests.host.conftest import XServer
from tests.system.snow import Snow


class Audience:
    """Remembers what it was told, and can be waited with."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.cursors: list[CursorImage] = []
        self.layouts: list[tuple[tuple[int, int], tuple[Monitor, ...]]] = []
        self.losses: list[str] = []
        self.told = asyncio.Event()
        self.listener = Listener(frame=self._frame, cursor=self._cursor, layout=self._layout, lost=self._lost)

    async def until(self, condition: Callable[[], bool], seconds: float = 8.0) -> None:
        """Wait until something told makes the condition true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.told.clear()
                await self.told.wait()

    def _frame(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.told.set()

    def _cursor(self, cursor: CursorImage) -> None:
        self.cursors.append(cursor)
        self.told.set()

    def _layout(self, size: tuple[int, int], monitors: tuple[Monitor, ...]) -> None:
        self.layouts.append((size, monitors))
        self.told.set()

    def _lost(self, text: str) -> None:
        self.losses.append(text)
        self.told.set()


@dataclass
class Sender:
    """A permit as a test has it."""

    allows: Callable[[], bool] = lambda: True

    def ready(self) -> bool:
        return self.allows()

    def watched(self) -> bool:
        return True


def pipeline(source: CaptureSource, ready: Callable[[], bool] = lambda: True) -> Pipeline:
    settings = PipelineSettings(bitrate=4_000_000)
    return Pipeline(source, lambda s: H264Encoder(s, time.monotonic), Sender(ready), time.monotonic, settings)


def settled(frame: Frame) -> bool:
    """Whether it says that the audience has all of the desktop."""
    return isinstance(frame, ExactFrame) and frame.settled


class Screen:
    """Shows exact pixels as a viewer does."""

    def __init__(self) -> None:
        self.canvas = Canvas()

    def show(self, frame: Frame) -> int | None:
        """The number on the card that it shows with this."""
        assert isinstance(frame, ExactFrame)
        one = exact.decode(frame.data)
        received = ReceivedExact(track=2, number=0, exact=one, size=0, complete=True, first=0.0, last=0.0)
        assert self.canvas.show(received).complete
        return read_number(self.canvas.pixels)


@pytest.mark.parametrize("kind", [ThreadWorker, InlineWorker])
async def test_a_pattern_arrives_and_settles(kind: type[ThreadWorker] | type[InlineWorker]) -> None:
    audience = Audience()
    source = PatternSource(time.monotonic, (320, 192), rate=50)
    worker = kind(source, pipeline(source), audience.listener, time.monotonic)
    worker.start()
    await audience.until(lambda: len(audience.frames) >= 10)
    source.set_still(True)
    worker.wake()
    await audience.until(lambda: settled(audience.frames[-1]) and source.due() is None)
    await asyncio.sleep(0.1)
    count = len(audience.frames)
    number = source.number
    worker.request_everything()
    await audience.until(lambda: len(audience.frames) > count)
    await worker.close()
    await worker.close()
    assert audience.layouts == [((320, 192), source.monitors())]
    assert len(audience.cursors) == 1
    assert audience.losses == []
    screen, late = Screen(), Screen()
    numbers = [screen.show(frame) for frame in audience.frames[:count]]
    assert late.show(audience.frames[count]) == number and late.canvas.exact == 1.0, "who comes late is sent all"
    seen = [number for number in numbers if number is not None]
    assert len(seen) == len(numbers)
    assert seen == sorted(seen)
    assert seen[-1] == number


@pytest.mark.parametrize("kind", [ThreadWorker, InlineWorker])
async def test_a_sender_that_is_busy_gets_the_newest_picture(kind: type[ThreadWorker] | type[InlineWorker]) -> None:
    audience = Audience()
    source = PatternSource(time.monotonic, (320, 192), rate=100)
    # One frame is taken, then none until it is asked for.
    worker = kind(source, pipeline(source, lambda: len(audience.frames) < allowed), audience.listener, time.monotonic)
    allowed = 1
    worker.start()
    await audience.until(lambda: len(audience.frames) == 1)
    await asyncio.sleep(0.15)
    assert len(audience.frames) == 1
    allowed = 2
    worker.wake()
    await audience.until(lambda: len(audience.frames) == 2)
    await worker.close()
    screen = Screen()
    first, second = (screen.show(frame) for frame in audience.frames)
    assert first is not None
    assert second is not None
    assert second - first >= 10


@pytest.mark.parametrize("kind", [ThreadWorker, InlineWorker])
async def test_a_budget_holds_for_the_next_frames(kind: type[ThreadWorker] | type[InlineWorker]) -> None:
    audience = Audience()
    source: Any = Snow(time.monotonic, (320, 192))
    worker = kind(source, pipeline(source), audience.listener, time.monotonic)

    def pictures() -> list[EncodedFrame]:
        return [frame for frame in audience.frames if isinstance(frame, EncodedFrame)]

    worker.start()
    await audience.until(lambda: len(pictures()) >= 5)
    worker.set_budget(Budget(1_000_000, 4000))
    # One frame may be in the making.
    count, keys = len(pictures()) + 1, sum(frame.key for frame in pictures())
    worker.request_key()
    await audience.until(lambda: len(pictures()) >= count + 20)
    await worker.close()
    assert max(len(frame.data) for frame in pictures()[:count]) > 4000
    assert max(len(frame.data) for frame in pictures()[count:]) <= 1.05 * 4000
    assert sum(frame.key for frame in pictures()) >= keys + 1


async def test_a_worker_that_was_never_started_can_be_closed() -> None:
    source = PatternSource(time.monotonic)
    for kind in (ThreadWorker, InlineWorker):
        await kind(source, pipeline(source), Audience().listener, time.monotonic).close()


@pytest.mark.display
async def test_a_dead_display_is_told(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    audience = Audience()
    source = open_source(server.display, time.monotonic)
    worker = ThreadWorker(source, pipeline(source), audience.listener, time.monotonic)
    worker.start()
    await audience.until(lambda: bool(audience.frames) and settled(audience.frames[-1]))
    server.end()
    await audience.until(lambda: bool(audience.losses))
    assert server.display in audience.losses[0]
    worker.wake()
    await worker.close()


@pytest.mark.display
async def test_an_idle_display_costs_nothing(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    audience = Audience()
    source = open_source(server.display, time.monotonic)
    worker = ThreadWorker(source, pipeline(source), audience.listener, time.monotonic)
    worker.start()
    await audience.until(lambda: bool(audience.frames) and settled(audience.frames[-1]))
    count, used = len(audience.frames), time.process_time()
    await asyncio.sleep(0.5)
    assert len(audience.frames) == count
    assert time.process_time() - used < 0.02
    await worker.close()


# -- how often the thread wakes ----------------------------------------------------------------------------------------


def counted(source: CaptureSource) -> list[float]:
    """When each `wait` of a source began, from now on."""
    begun: list[float] = []
    wait = source.wait

    def counting(timeout: float | None) -> bool:
        begun.append(time.monotonic())
        return wait(timeout)

    source.wait = counting  # type: ignore[method-assign]
    return begun


@pytest.mark.display
@pytest.mark.parametrize("state", ["idle", "stalled", "without viewers"])
@pytest.mark.parametrize("name", ["pattern", "x11", "mss"])
async def test_nobody_wakes_without_work(xvfb: XServer, name: str, state: str) -> None:
    audience = Audience()
    display = {"pattern": "pattern:320x192", "x11": xvfb.display, "mss": f"mss:{xvfb.display}"}[name]
    source = open_source(display, time.monotonic)
    takes = state != "without viewers"
    worker = ThreadWorker(source, pipeline(source, lambda: takes), audience.listener, time.monotonic)
    begun = counted(source)
    worker.start()
    if state == "idle":
        if isinstance(source, PatternSource):
            source.set_still(True)
        await audience.until(lambda: bool(audience.frames) and settled(audience.frames[-1]))
    elif state == "stalled":
        await audience.until(lambda: bool(audience.frames))
        takes = False
    await asyncio.sleep(0.1)
    before = len(begun)
    await asyncio.sleep(0.3)
    assert len(begun) - before <= 12, "it looks a few times a second at most"
    takes = True
    worker.request_everything()
    count = len(audience.frames)
    await audience.until(lambda: len(audience.frames) > count)
    await worker.close()
    assert audience.losses == []


@pytest.mark.parametrize("display", ["pattern", "mss"])
def test_a_change_is_told_once_until_it_is_looked_at(display: str, xvfb: XServer) -> None:
    now = 0.0
    source = open_source("pattern" if display == "pattern" else f"mss:{xvfb.display}", lambda: now)
    source.grab()
    now = 10.0
    assert [source.wait(0), source.wait(0), source.wait(0)] == [True, False, False]
    source.wake()
    assert not source.wait(None), "a wake-up is no change"
    source.grab()
    now = 20.0
    assert source.wait(None)
    source.close()
