"""A desktop that a test draws on, an encoder that does as it is told, and an audience that composes what is sent: the
double of everything around a pipeline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, changed_cells, grid, touched
from avl_host.capture.source import CursorImage, Picture
from avl_host.encode.encoder import Encoded, EncoderSettings, Part
from avl_host.encode.pipeline import Pipeline, PipelineSettings
from avl_protocol.media import exact
from avl_protocol.media.frame import EncodedFrame, ExactFrame, Frame, Monitor, Rect
from avl_protocol.session.media.receiver import ReceivedExact
from avl_viewer.decode.canvas import Canvas

Pixels = NDArray[np.uint8]


def noise(width: int, height: int, seed: int = 1) -> Pixels:
    """What a film looks like: no pixel equals its neighbour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[:, :, 3] = 0
    return pixels


def text(width: int, height: int, seed: int = 1) -> Pixels:
    """Something like text: strokes in many shades on a plain ground, no row like another."""
    drawn = np.random.default_rng(seed)
    pixels = drawn.integers(100, 256, (height, width, 4), dtype=np.uint8)
    pixels[drawn.random((height, width)) > 0.08] = 30
    pixels[:, :, 3] = 0
    return pixels


class Desk:
    """A source whose pixels are the test's own. `said`: cells that the pipeline took for moving at the last grab;
    `believed`: what of them is drawn anew all the time, and not compared."""

    def __init__(self, width: int = 640, height: int = 352) -> None:
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self._before: Pixels | None = None
        self.grabs = 0
        self.at_grab: Callable[[], None] = lambda: None
        self.now: Callable[[], float] = lambda: 0.0
        self.said: Cells | None = None
        self.believed: Rect | None = None
        self.pointer_at: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]

    def draw(self, rect: Rect, pixels: Pixels | int) -> None:
        """Put pixels, or one grey, somewhere."""
        self.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = pixels

    def monitors(self) -> tuple[Monitor, ...]:
        return ()

    def wait(self, timeout: float | None) -> bool:
        return True

    def wake(self) -> None: ...

    def grab(self, whole: bool = False, moving: Cells | None = None) -> Picture | None:
        self.grabs += 1
        self.said = moving
        captured = self.now()
        self.at_grab()
        previous, self._before = self._before, self.pixels.copy()
        if previous is None or previous.shape != self.pixels.shape:
            changed = np.ones(grid(*self.size), np.bool_)
        else:
            changed = changed_cells(previous, self._before, [(0, self.size[1])])
        if self.believed is not None and moving is not None:
            changed[touched(self.believed)] |= moving[touched(self.believed)]
        if not changed.any() and not whole:
            return None
        return Picture(
            pixels=self._before,
            changed=changed,
            captured=captured,
            grab_seconds=0.001,
            compare_seconds=0.002,
        )

    def pointer(self) -> tuple[int, int] | None:
        return self.pointer_at

    def cursor(self) -> CursorImage | None:
        return None

    def close(self) -> None: ...


class Coder:
    """An encoder that takes `part` of what it may, and `seconds` for a picture."""

    seconds = 0.003

    def __init__(self, settings: EncoderSettings, part: float = 1.0) -> None:
        self.settings = settings
        self.codec = f"fake {settings.chroma.name}"
        self._part = part
        self.asked: list[tuple[tuple[Rect, ...], bool]] = []
        self.sizes: list[int] = []
        self.closed = False

    def encode(self, picture: Part, size: int, key: bool = False) -> Encoded:
        self.asked.append((picture.damage, key))
        self.sizes.append(size)
        return Encoded(
            data=bytes(max(1, round(size * self._part))),
            key=key,
            qp=44.0,
            convert_seconds=0.003,
            encode_seconds=self.seconds,
        )

    def close(self) -> None:
        self.closed = True


class Slow:
    """A coding whose job is done when the test says so."""

    def __init__(self) -> None:
        self._job: Callable[[], EncodedFrame] | None = None
        self._done: list[EncodedFrame] = []

    @property
    def busy(self) -> bool:
        return self._job is not None or bool(self._done)

    def begin(self, job: Callable[[], EncodedFrame]) -> None:
        self._job = job

    def finish(self) -> None:
        """Do what is under way, if anything is."""
        if self._job is not None:
            job, self._job = self._job, None
            self._done.append(job())

    def take(self) -> list[EncodedFrame]:
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._job = None


class Sender:
    """A permit as the bench has it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def ready(self) -> bool:
        return self._bench.ready

    def watched(self) -> bool:
        return self._bench.watched


class Bench:
    """A pipeline, an audience, and time that passes in its steps. `canvas` shows exact pixels as a viewer does;
    `blurred` marks the cells that it shows from pictures."""

    def __init__(self, desk: Desk | None = None, coding: Slow | None = None, **settings: float) -> None:
        self.desk = desk or Desk()
        self.desk.now = lambda: self.now
        self.coders: list[Coder] = []
        self.ready = self.watched = True
        self.now = 10.0
        self.canvas = Canvas()
        self.blurred = np.zeros((0, 0), np.bool_)
        self.frames: list[tuple[float, Frame]] = []
        #: Objects of which a part could not be used.
        self.left_out = 0

        def open_coder(wanted: EncoderSettings) -> Coder:
            self.coders.append(Coder(wanted))
            return self.coders[-1]

        chosen = PipelineSettings(**settings)  # type: ignore[arg-type]
        self.pipeline = Pipeline(self.desk, open_coder, Sender(self), lambda: self.now, chosen, coding)

    def step(self) -> tuple[Frame, ...]:
        """One step now; what is sent is shown."""
        frames = self.pipeline.step(self.now)
        for frame in frames:
            self.frames.append((self.now, frame))
            self.left_out += not self.show(frame)
        return frames

    def show(self, frame: Frame, complete: bool = True) -> bool:
        """Compose a frame; whether all of it could be used."""
        if self.blurred.shape != grid(*self.desk.size):
            self.blurred = np.zeros(grid(*self.desk.size), np.bool_)
        marked = np.zeros_like(self.blurred)
        if isinstance(frame, ExactFrame):
            one = exact.decode(frame.data)
            shown = self.canvas.show(
                ReceivedExact(track=2, number=0, exact=one, size=0, complete=complete, first=0.0, last=0.0)
            )
            for rect in shown.changed:
                marked[touched(rect)] = True
            self.blurred &= ~marked
            return shown.complete
        for rect in frame.dirty:
            marked[touched(rect)] = True
        self.blurred |= marked
        return True

    def run(self, seconds: float) -> list[Frame]:
        """Every step that is asked for in so many seconds; what was sent."""
        end = self.now + seconds
        sent: list[Frame] = []
        while (at := self.pipeline.next_step()) is not None and at <= end:
            self.now = max(self.now, at)
            sent += self.step()
        self.now = end
        return sent

    def change(self, rect: Rect, pixels: Pixels | int) -> None:
        """Something is drawn."""
        self.desk.draw(rect, pixels)
        self.pipeline.changed()

    def film(self, seconds: float, rect: Rect, fps: int = 60) -> list[Frame]:
        """A film runs there."""
        sent: list[Frame] = []
        for number in range(round(seconds * fps)):
            self.change(rect, noise(rect.width, rect.height, number))
            sent += self.run(1 / fps)
        return sent

    @property
    def equal(self) -> bool:
        """Whether the audience sees the desktop as it is, pixel for pixel."""
        return not self.blurred.any() and bool((self.canvas.pixels[:, :, :3] == self.desk.pixels[:, :, :3]).all())

    def settle(self, patience: float = 30.0) -> float:
        """Run until nothing is left to do; the seconds that it took, and all is exact then."""
        began = self.now
        while not self.pipeline.settled and self.now < began + patience:
            self.run(0.05)
        assert self.pipeline.settled and self.equal
        return self.now - began


def pictures(frames: list[Frame]) -> list[EncodedFrame]:
    """Those that are pictures."""
    return [frame for frame in frames if isinstance(frame, EncodedFrame)]


def exacts(frames: list[Frame]) -> list[ExactFrame]:
    """Those that are exact pixels."""
    return [frame for frame in frames if isinstance(frame, ExactFrame)]
