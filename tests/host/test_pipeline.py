"""When the pipeline looks, encodes, refines and rests; with a source and an encoder that do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from avl_host.capture.source import CursorImage, Picture
from avl_host.encode.budget import Budget
from avl_host.encode.encoder import Encoded, EncoderSettings
from avl_host.encode.pipeline import Pipeline, PipelineSettings
from avl_host.encode.rungs import FULL
from avl_protocol.media.frame import Chroma, EncodedFrame, Monitor, Rect

TILE = (Rect(0, 0, 64, 64),)


class Screen:
    """A source whose changes are made by the test."""

    def __init__(self) -> None:
        self.size = (128, 64)
        self.changes: tuple[Rect, ...] = TILE
        self.grabs = 0
        self.at_grab: Callable[[], None] = lambda: None

    def monitors(self) -> tuple[Monitor, ...]:
        return ()

    def wait(self, timeout: float | None) -> bool:
        return bool(self.changes)

    def wake(self) -> None: ...

    def grab(self, whole: bool = False) -> Picture | None:
        self.grabs += 1
        self.at_grab()
        changes, self.changes = self.changes, ()
        if not changes and not whole:
            return None
        width, height = self.size
        return Picture(
            pixels=np.zeros((height, width, 4), np.uint8),
            damage=changes,
            captured=0.0,
            grab_seconds=0.001,
            compare_seconds=0.002,
        )

    def cursor(self) -> CursorImage | None:
        return None

    def close(self) -> None: ...


class Coder:
    """An encoder whose quality rises by `gain` dB with each refinement, from 30 dB.

    Each picture takes all it may; a changed one is coarse.
    """

    def __init__(self, settings: EncoderSettings, gain: float) -> None:
        self.settings = settings
        self.codec = f"fake {settings.chroma.name}"
        self.gain = gain
        self.psnr = 30.0
        self.asked: list[tuple[bool, bool]] = []
        self.sizes: list[int] = []
        self.closed = False

    def encode(self, picture: Picture, size: int, key: bool = False) -> Encoded:
        self.asked.append((bool(picture.damage), key))
        self.sizes.append(size)
        self.psnr = 30.0 if picture.damage or key else self.psnr + self.gain
        return Encoded(
            data=bytes(size),
            key=key,
            qp=12.0 if key or not picture.damage else 44.0,
            psnr=self.psnr,
            convert_seconds=0.003,
            encode_seconds=0.004,
        )

    def close(self) -> None:
        self.closed = True


class Bench:
    """A pipeline, and time that passes in its steps."""

    def __init__(self, gain: float = 3.0, **settings: float) -> None:
        self.screen = Screen()
        self.coders: list[Coder] = []
        self.ready = True
        self.now = 10.0

        def open_coder(wanted: EncoderSettings) -> Coder:
            self.coders.append(Coder(wanted, gain))
            return self.coders[-1]

        chosen = PipelineSettings(**settings)  # type: ignore[arg-type]
        self.pipeline = Pipeline(self.screen, open_coder, lambda: self.ready, chosen)

    def change(self, changes: tuple[Rect, ...] = TILE) -> None:
        self.screen.changes = changes
        self.pipeline.changed()

    def move(self, seconds: float, *changes: Rect) -> list[tuple[float, EncodedFrame]]:
        """Something moves, 60 times a second: the whole screen, or the parts given."""
        frames = []
        for _ in range(round(seconds * 60)):
            self.change(changes or (Rect(0, 0, *self.screen.size),))
            frames += self.run(1 / 60)
        return frames

    def step(self) -> EncodedFrame | None:
        return self.pipeline.step(self.now)

    def run(self, seconds: float) -> list[tuple[float, EncodedFrame]]:
        """Every step that is asked for in so many seconds."""
        end = self.now + seconds
        frames = []
        while (at := self.pipeline.next_step()) is not None and at <= end:
            self.now = max(self.now, at)
            frame = self.step()
            if frame is not None:
                frames.append((self.now, frame))
        self.now = end
        return frames


def test_the_first_frame_is_a_key_at_once() -> None:
    bench = Bench()
    frame = bench.step()
    assert frame is not None
    assert frame.key
    assert (frame.width, frame.height, frame.codec, frame.chroma) == (128, 64, "fake YUV444", Chroma.YUV444)
    assert frame.dirty == (Rect(0, 0, 128, 64),)
    assert (frame.stages.grab, frame.stages.compare, frame.stages.convert, frame.stages.encode) == (
        0.001,
        0.002,
        0.003,
        0.004,
    )


def test_it_refines_until_settled_and_then_rests() -> None:
    bench = Bench()
    frames = bench.run(10)
    assert [frame.key for _, frame in frames] == [True] + [False] * 6
    assert [frame.settled for _, frame in frames] == [False] * 6 + [True]
    assert frames[1][0] - frames[0][0] == pytest.approx(0.04)
    assert all(b - a == pytest.approx(1 / 30) for (a, _), (b, _) in pairwise(frames[1:]))
    assert all(frame.dirty == () for _, frame in frames[1:])
    assert bench.pipeline.next_step() is None
    assert bench.pipeline.settled
    assert bench.screen.grabs == 1
    assert bench.run(3600) == []


def test_refinement_that_no_longer_helps_ends() -> None:
    frames = Bench(gain=0.0).run(10)
    assert frames[-1][1].settled
    assert len(frames) < 40


def test_nothing_changed_after_all_costs_one_look() -> None:
    bench = Bench()
    bench.run(10)
    bench.pipeline.changed()
    assert bench.step() is None
    assert bench.screen.grabs == 2
    assert bench.pipeline.next_step() is None


def test_a_lone_change_is_looked_at_at_once_and_a_stream_at_the_rate() -> None:
    bench = Bench()
    bench.run(10)
    bench.change()
    assert bench.step() is not None
    # The first picture after a pause may be half drawn: one more may follow at once.
    bench.change()
    assert bench.step() is not None
    times = []
    for _ in range(30):
        bench.change()
        at = bench.pipeline.next_step()
        assert at is not None
        bench.now = max(bench.now, at)
        assert bench.step() is not None
        times.append(bench.now)
    assert times[-1] - times[0] == pytest.approx(29 / 60)


def test_motion_is_not_disturbed_by_refinement() -> None:
    bench = Bench()
    bench.run(10)
    for _ in range(20):
        bench.change()
        frame = bench.step()
        assert frame is not None
        assert frame.dirty == TILE
        bench.now += 1 / 60 + 0.002
        assert bench.step() is None
    assert [settled for settled in (frame.settled for _, frame in bench.run(5)) if settled] == [True]


def test_while_the_sender_is_busy_nothing_is_captured() -> None:
    bench = Bench()
    bench.ready = False
    assert bench.step() is None
    assert bench.pipeline.next_step() is None
    bench.change()
    bench.now += 1
    assert bench.step() is None
    assert bench.screen.grabs == 0
    bench.ready = True
    assert bench.pipeline.next_step() is not None
    assert bench.step() is not None
    assert bench.screen.grabs == 1


def test_key_requests_are_joined_and_spaced() -> None:
    bench = Bench()
    bench.run(10)
    bench.pipeline.request_key()
    bench.pipeline.request_key()
    first = bench.step()
    assert first is not None
    assert first.key, "a still screen answers with the picture it has"
    bench.now += 0.1
    bench.pipeline.request_key()
    begun = bench.now
    frames = bench.run(5)
    assert [at - begun for at, frame in frames if frame.key] == pytest.approx([0.2])
    assert frames[-1][1].settled


def test_chroma_changes_with_a_key_and_only_when_it_changes() -> None:
    bench = Bench()
    bench.run(10)
    bench.pipeline.set_chroma(Chroma.YUV444)
    assert bench.pipeline.next_step() is None
    bench.pipeline.set_chroma(Chroma.YUV420)
    assert bench.pipeline.next_step() is not None
    bench.now += 1
    frame = bench.step()
    assert frame is not None
    assert frame.key
    assert frame.chroma is Chroma.YUV420
    assert [coder.closed for coder in bench.coders] == [True, False]


def test_a_new_size_is_a_new_encoder() -> None:
    bench = Bench()
    bench.run(10)
    bench.screen.size = (256, 128)
    bench.change()
    frame = bench.step()
    assert frame is not None
    assert frame.key
    assert (frame.width, frame.height) == (256, 128)
    assert frame.dirty == (Rect(0, 0, 256, 128),)


def test_the_budget_holds_from_the_next_picture_on() -> None:
    bench = Bench(bitrate=48_000_000)
    bench.screen.size = (1280, 720)
    bench.run(10)
    bench.move(0.5, *TILE)
    bench.pipeline.set_budget(Budget(4_800_000))
    before = len(bench.coders[0].sizes)
    bench.move(0.2, *TILE)
    sizes = bench.coders[0].sizes
    assert all(size == pytest.approx(100_000, rel=0.02) for size in sizes[before - 5 : before])
    assert all(size == pytest.approx(10_000, rel=0.02) for size in sizes[before:])
    assert len(bench.coders) == 1


def test_nothing_is_sent_for_the_sake_of_a_budget() -> None:
    bench = Bench()
    bench.run(10)
    bench.pipeline.set_budget(Budget(3_000_000))
    assert bench.run(10) == []


def test_no_picture_is_larger_than_the_budget_has_it_not_even_a_key() -> None:
    bench = Bench(bitrate=8_000_000)
    bench.pipeline.set_budget(Budget(8_000_000, 9_000))
    bench.run(10)
    bench.pipeline.request_key()
    bench.run(10)
    bench.move(0.5)
    assert max(bench.coders[0].sizes) == 9_000
    assert [key for _, key in bench.coders[0].asked].count(True) == 2


def test_a_film_that_the_budget_does_not_carry_is_made_smaller_and_rarer() -> None:
    bench = Bench(bitrate=1_000_000)
    bench.screen.size = (1280, 720)
    bench.change()
    assert bench.step() is not None
    bench.run(5)
    frames = bench.move(6)
    assert [coder.settings.scale for coder in bench.coders] == [1, Fraction(1, 2)]
    frame = frames[-1][1]
    assert (frame.width, frame.height) == (640, 360)
    assert frame.dirty == (Rect(0, 0, 640, 360),)
    assert sum(frame.key for _, frame in frames) == 1, "a change of scale begins with a key frame, nothing else does"
    gaps = [b - a for (a, _), (b, _) in pairwise(frames[-20:])]
    assert min(gaps) > 0.9 / bench.pipeline.rung.fps
    assert bench.pipeline.rung.fps < 60
    mean = sum(len(frame.data) for at, frame in frames if at > frames[-1][0] - 2) * 8 / 2
    assert mean == pytest.approx(1_000_000, rel=0.15)


def test_when_the_film_ends_the_desktop_is_shown_whole_again() -> None:
    bench = Bench(bitrate=1_000_000)
    bench.screen.size = (1280, 720)
    bench.run(5)
    bench.move(6)
    begun = bench.now
    frames = bench.run(20)
    whole = [(at, frame) for at, frame in frames if frame.width == 1280]
    assert whole[0][1].key
    assert 2 < whole[0][0] - begun < 4
    assert frames[-1][1].settled
    assert bench.pipeline.rung == FULL
    assert bench.pipeline.next_step() is None, "an idle screen costs nothing"


def test_a_film_at_a_low_rung_is_not_disturbed_by_refinement() -> None:
    bench = Bench(bitrate=300_000)
    bench.screen.size = (1280, 720)
    bench.run(5)
    frames = bench.move(6)
    assert bench.pipeline.rung.fps == 10
    assert all(frame.dirty for at, frame in frames if at > frames[-1][0] - 3)


def test_a_frame_echoes_input_applied_before_its_capture() -> None:
    bench = Bench()
    bench.pipeline.input_applied(9.5)
    # Applied while the screen is being read: the picture may lack it.
    bench.screen.at_grab = lambda: bench.pipeline.input_applied(9.9)
    first = bench.step()
    bench.change()
    bench.now += 1
    second = bench.step()
    assert first is not None
    assert second is not None
    assert (first.input_echo, second.input_echo) == (9.5, 9.9)


def test_closing_closes_the_encoder() -> None:
    bench = Bench()
    bench.step()
    bench.pipeline.close()
    bench.pipeline.close()
    assert bench.coders[0].closed
