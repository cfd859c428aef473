"""Moving: the part of the desktop that travels as pictures, and the encoder for it (spec 05-media, 5.7.3).

The part has a place, which follows what moves: it grows at once, and shrinks only when it was far too large for a
while, as each change of it costs a key picture. How large a picture may be follows from the budget (budget.py), and so
do its scale and how often one is taken (rungs.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from avl_host.capture.cells import Cells, box, rectangles, touched
from avl_host.capture.source import Picture
from avl_host.encode.budget import Allowance, Budget
from avl_host.encode.content import Content
from avl_host.encode.encoder import Encoder, EncoderSettings, Part
from avl_host.encode.load import Load
from avl_host.encode.rungs import FULL, Rung, Rungs
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect, StageTimes
from avl_protocol.wire.registry import CELL, MAX_DIRTY_RECTS, T_KEY_SPACING

#: The least side of a place in pixels, where the desktop is as large.
LEAST_SIDE = 64
#: A place shrinks when what moves is in a part of it smaller than this, for so many seconds.
LOOSE_PART, LOOSE_SECONDS = 0.5, 2.0
#: Seconds that an encoder is kept which nothing moves for any more.
KEPT = 2.0
#: Bits per pixel of a coded picture above which more is not worth it; and bits per second that any may take.
FAIR_BITS, LEAST_FAIR = 0.115, 4_000_000
#: Pixels of a place that one thread codes in time: two that wait for each other on busy cores take three times as long.
ONE_THREAD = 1_500_000
#: Seconds over which it is counted what pictures take.
TAKEN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class MovingSettings:
    """`rate`: the most pictures per second; `threads`: of the encoder; `lowest`: they may become smaller than looks
    good."""

    rate: int = 60
    threads: int = 2
    lowest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A picture that is to be coded. `settings`: of the encoder that it needs, None for the one there is; `all_dirty`:
    its rectangles should it turn out to be a key picture; `stages`: seconds of grab and compare."""

    part: Part
    size: int
    key: bool
    settings: EncoderSettings | None
    desktop: tuple[int, int]
    place: Rect
    dirty: tuple[Rect, ...]
    all_dirty: tuple[Rect, ...]
    captured: float
    input_echo: float
    stages: tuple[float, float]


class Moving:
    """One desktop's pictures. Times are seconds of the caller's clock."""

    def __init__(
        self, open_encoder: Callable[[EncoderSettings], Encoder], budget: Budget, settings: MovingSettings
    ) -> None:
        self._open_encoder = open_encoder
        self._settings = settings
        self._budget = budget
        self._allowance = Allowance(budget, settings.rate)
        self._rungs = Rungs(settings.lowest)
        self._content = Content()
        self._load = Load(settings.rate)
        #: Of whoever codes.
        self._encoder: Encoder | None = None
        self._coded = (0, 0)
        self._coded_chroma = Chroma.YUV420
        self._quantiser: float | None = None
        #: The place as the encoder sees it, and what that was opened with.
        self._copy = np.empty((0, 0, 4), np.uint8)
        self._opened: EncoderSettings | None = None
        self._placed: Rect | None = None
        #: What changed in the place since the encoder saw it.
        self._unseen: Cells | None = None
        self._loose_since: float | None = None
        self._idle_since: float | None = None
        self.place: Rect | None = None
        self._chroma = Chroma.YUV420
        self.rung: Rung = FULL
        self.key_earliest = float("-inf")
        self._taken = 0.0
        self._taken_at = 0.0

    @property
    def key_due(self) -> bool:
        """Whether the encoder should be opened otherwise by now."""
        opened = self._opened
        return opened is not None and _kind(opened) != (self.rung.scale, self._chroma, self._load.heavy)

    @property
    def due(self) -> float | None:
        """When `climb` may decide otherwise although nothing has changed."""
        if self.place is None:
            return None
        ends = None if self._idle_since is None else self._idle_since + KEPT
        return min((at for at in (self._rungs.due, self._content.due, ends) if at is not None), default=None)

    def taken(self, now: float) -> float:
        """Bytes per second that pictures took of late."""
        return self._taken / TAKEN_SECONDS * math.exp(min(0.0, self._taken_at - now) / TAKEN_SECONDS)

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on."""
        self._budget = budget
        self._share(self.place)

    def _share(self, place: Rect | None) -> None:
        budget = self._budget
        if place is not None:
            most = round(FAIR_BITS * place.width * place.height * self._settings.rate)
            budget = Budget(min(budget.bitrate, max(most, LEAST_FAIR)), budget.frame_bytes)
        self._allowance.set_budget(budget)

    def spend(self, size: int) -> None:
        """Exact pixels took so many bytes of the budget."""
        self._allowance.spend(size)

    def climb(self, now: float) -> None:
        """Take the rung that the budget carries, once it is known what of."""
        if self.place is not None:
            content = self._content
            content.passed(now)
            width, height = self.place.width, self.place.height
            self.rung = self._rungs.choose(self._budget.bitrate, width, height, content.motion, now, content.need)

    def follow(self, moving: Cells, size: tuple[int, int], chroma: Chroma, now: float) -> None:
        """`moving` is all that pictures are to show on a desktop of this size: have a place for it. `chroma` holds for
        a new one; of one that there is, 4:2:0 has to be obeyed."""
        if self.place is not None and self._unseen is not None and self._unseen.shape != moving.shape:
            self.rest()
        wanted = box(moving, *size)
        if wanted is None:
            self._loose_since = None
            if self.place is None:
                return
            if self._idle_since is None:
                self._idle_since = now
            elif now >= self._idle_since + KEPT:
                self.rest()
            return
        self._idle_since = None
        wanted = _widened(wanted, size)
        place = self.place
        if place is None or chroma is Chroma.YUV420:
            self._chroma = chroma
        if place is None:
            self._take(wanted, moving)
            return
        both = _around(place, wanted)
        if both != place:
            self._take(both, moving)
        elif wanted.width * wanted.height >= LOOSE_PART * place.width * place.height:
            self._loose_since = None
        elif self._loose_since is None:
            self._loose_since = now
        elif now >= self._loose_since + LOOSE_SECONDS:
            self._take(wanted, moving)

    def _take(self, place: Rect, moving: Cells) -> None:
        self._loose_since = None
        self.place = place
        self._unseen = np.ones_like(moving)
        self._share(place)

    def changed(self, cells: Cells) -> None:
        """These cells differ from what the encoder saw."""
        if self._unseen is not None and self._unseen.shape == cells.shape:
            self._unseen |= cells

    def prepare(
        self, picture: Picture, shown: Cells, showing: Cells, *, key: bool, echo: float, now: float, captured: float
    ) -> Prepared:
        """What is to be coded next: the place, of which `shown` is to be shown; of a key picture all that pictures are
        `showing` too, for who has seen none of them. The pixels are copied, so that the next may be captured."""
        place = self.place
        assert place is not None and self._unseen is not None
        width, height = picture.size
        wanted = EncoderSettings(
            width=place.width,
            height=place.height,
            chroma=self._chroma,
            bitrate=self._budget.bitrate,
            rate=self._settings.rate,
            threads=1 if place.width * place.height <= ONE_THREAD else self._settings.threads,
            scale=self.rung.scale,
            light=self._load.heavy,
        )
        opened = self._opened
        fresh = opened is None or self._placed != place or _kind(opened) != _kind(wanted)
        if fresh:
            self._opened, self._placed = wanted, place
            self._copy = np.empty((place.height, place.width, 4), np.uint8)
        inside = touched(place)
        unseen = np.zeros_like(self._unseen)
        unseen[inside] = True if fresh else self._unseen[inside]
        self._unseen[inside] = False
        damage = _within(rectangles(unseen, width, height, MAX_DIRTY_RECTS), place)
        for rect in damage:
            part = (
                slice(rect.y - place.y, rect.y - place.y + rect.height),
                slice(rect.x - place.x, rect.x - place.x + rect.width),
            )
            self._copy[part] = picture.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        inward = tuple(Rect(rect.x - place.x, rect.y - place.y, rect.width, rect.height) for rect in damage)
        key = key or fresh
        return Prepared(
            part=Part(self._copy, inward),
            size=self._allowance.limit(now, key),
            key=key,
            settings=wanted if fresh else None,
            desktop=picture.size,
            place=place,
            dirty=_within(rectangles(shown, width, height, MAX_DIRTY_RECTS), place),
            all_dirty=_within(rectangles(shown | showing, width, height, MAX_DIRTY_RECTS), place),
            captured=captured,
            input_echo=echo,
            stages=(picture.grab_seconds, picture.compare_seconds),
        )

    def code(self, prepared: Prepared) -> EncodedFrame:
        """Encode it, on whichever thread codes; nothing else may be called there. Raises EncoderFailed."""
        if prepared.settings is not None or self._encoder is None:
            self._let_go()
            assert prepared.settings is not None
            self._encoder = self._open_encoder(prepared.settings)
            self._coded = prepared.settings.coded
            self._coded_chroma = prepared.settings.chroma
        encoded = self._encoder.encode(prepared.part, prepared.size, prepared.key)
        width, height = self._coded
        self._quantiser = encoded.qp
        return EncodedFrame(
            key=encoded.key,
            data=encoded.data,
            captured=prepared.captured,
            input_echo=prepared.input_echo,
            codec=self._encoder.codec,
            width=width,
            height=height,
            chroma=self._coded_chroma,
            desktop=prepared.desktop,
            place=prepared.place,
            dirty=prepared.all_dirty if encoded.key else prepared.dirty,
            stages=StageTimes(*prepared.stages, encoded.convert_seconds, encoded.encode_seconds),
        )

    def coded(self, frame: EncodedFrame, now: float) -> None:
        """A picture has been coded: count what it took."""
        self._allowance.spend(len(frame.data))
        self._taken = self.taken(now) * TAKEN_SECONDS + len(frame.data)
        self._taken_at = now
        if frame.key:
            self.key_earliest = now + T_KEY_SPACING
        elif frame.dirty:
            part = sum(rect.width * rect.height for rect in frame.dirty) / (frame.place.width * frame.place.height)
            bits = len(frame.data) * 8 / (frame.width * frame.height)
            self._content.coded(part, bits, self._quantiser, self.rung.fps, now)
            if self._content.motion:
                self._load.coded(frame.stages.convert + frame.stages.encode)

    def _let_go(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    @property
    def active(self) -> bool:
        """Whether there is a place or an encoder."""
        return self.place is not None or self._encoder is not None

    @property
    def idle(self) -> bool:
        """Whether there is an encoder that nothing needs any more; `close` it when nobody codes."""
        return self.place is None and self._encoder is not None

    def rest(self) -> None:
        """Nothing moves any more."""
        self._opened = self._placed = self._unseen = self.place = None
        self._loose_since = self._idle_since = None
        self._load.forget()

    def close(self) -> None:
        """Let go of the encoder; nobody codes any more."""
        self.rest()
        self._let_go()


def _kind(settings: EncoderSettings) -> tuple[Fraction, Chroma, bool]:
    """What an encoder can't change while it is open, but for its size."""
    return settings.scale, settings.chroma, settings.light


def _around(one: Rect, other: Rect) -> Rect:
    x, y = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Rect(x, y, right - x, bottom - y)


def _widened(rect: Rect, size: tuple[int, int]) -> Rect:
    """A rectangle with sides of LEAST_SIDE at least, where the desktop has so many pixels."""
    x, width = _span(rect.x, rect.width, size[0])
    y, height = _span(rect.y, rect.height, size[1])
    return Rect(x, y, width, height)


def _span(start: int, length: int, whole: int) -> tuple[int, int]:
    if length >= LEAST_SIDE:
        return start, length
    start = max(0, min(start, (whole - LEAST_SIDE) // CELL * CELL))
    return start, min(LEAST_SIDE, whole - start)


def _within(rects: Iterable[Rect], place: Rect) -> tuple[Rect, ...]:
    """What of rectangles lies in the place: those that had to be joined may leave it."""
    return tuple(common for rect in rects if (common := _common(rect, place)) is not None)


def _common(rect: Rect, place: Rect) -> Rect | None:
    """The part of a rectangle that lies in the place."""
    x, y = max(place.x, rect.x), max(place.y, rect.y)
    right = min(place.x + place.width, rect.x + rect.width)
    bottom = min(place.y + place.height, rect.y + rect.height)
    return Rect(x, y, right - x, bottom - y) if right > x and bottom > y else None
