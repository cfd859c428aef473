"""Moving: the part of the desktop that travels as pictures, and the encoder for it (spec 05-media, 5.7.3).

The part has a place, which follows what moves: it grows at once, and shrinks only when it was far too large for a
while, as each change of it costs a key picture. How large a picture may be follows from the budget (budget.py), and so
do its scale and how often one is taken (rungs.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from avl_host.capture.cells import Cells, box, rectangles, touched
from avl_host.capture.source import Picture
from avl_host.encode.budget import Allowance, Budget
from avl_host.encode.content import Content
from avl_host.encode.encoder import Encoder, EncoderSettings, Part
from avl_host.encode.rungs import FULL, Rung, Rungs
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect, StageTimes
from avl_protocol.wire.registry import CELL, MAX_DIRTY_RECTS, T_KEY_SPACING

#: The least side of a place in pixels, where the desktop is as large.
LEAST_SIDE = 64
#: A place shrinks when what moves is in a part of it smaller than this, for so many seconds.
LOOSE_PART, LOOSE_SECONDS = 0.5, 2.0
#: Seconds that an encoder is kept which nothing moves for any more.
KEPT = 2.0
#: Bits per pixel of a coded picture above which more is not worth it.
FAIR_BITS = 0.115
#: Seconds over which it is counted what pictures take.
TAKEN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class MovingSettings:
    """`rate`: the most pictures per second; `threads`: of the encoder."""

    rate: int = 60
    threads: int = 2


class Moving:
    """One desktop's pictures. Times are seconds of the caller's clock."""

    def __init__(
        self, open_encoder: Callable[[EncoderSettings], Encoder], budget: Budget, settings: MovingSettings
    ) -> None:
        self._open_encoder = open_encoder
        self._settings = settings
        self._budget = budget
        self._allowance = Allowance(budget, settings.rate)
        self._rungs = Rungs()
        self._content = Content()
        self._encoder: Encoder | None = None
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
        """Whether the encoder has another scale or chroma than it should by now."""
        opened = self._opened
        return opened is not None and (opened.scale, opened.chroma) != (self.rung.scale, self._chroma)

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
            budget = Budget(min(budget.bitrate, max(most, 1_000_000)), budget.frame_bytes)
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
            self.close()
        wanted = box(moving, *size)
        if wanted is None:
            self._loose_since = None
            if self.place is None:
                return
            if self._idle_since is None:
                self._idle_since = now
            elif now >= self._idle_since + KEPT:
                self.close()
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

    def code(
        self,
        picture: Picture,
        shown: Cells,
        *,
        showing: Cells,
        key: bool,
        echo: float,
        now: float,
        captured: float,
    ) -> EncodedFrame:
        """A picture of the place, of which `shown` is to be shown; of a key picture all that pictures are `showing`
        too, for who has seen none of them. Raises EncoderFailed."""
        place = self.place
        assert place is not None and self._unseen is not None
        opened, encoder, fresh = self._encoder_for(place, self._chroma)
        width, height = picture.size
        inside = touched(place)
        unseen = np.zeros_like(self._unseen)
        unseen[inside] = self._unseen[inside]
        # Rectangles that had to be joined may leave the place.
        damage = tuple(
            Rect(within.x - place.x, within.y - place.y, within.width, within.height)
            for rect in rectangles(unseen, width, height, MAX_DIRTY_RECTS)
            if (within := _common(rect, place)) is not None
        )
        if fresh:
            damage = (Rect(0, 0, place.width, place.height),)
        self._unseen[inside] = False
        pixels = picture.pixels[place.y : place.y + place.height, place.x : place.x + place.width]
        encoded = encoder.encode(Part(pixels, damage), self._allowance.limit(now, key or fresh), key or fresh)
        self._allowance.spend(len(encoded.data))
        self._taken = self.taken(now) * TAKEN_SECONDS + len(encoded.data)
        self._taken_at = now
        if encoded.key:
            self.key_earliest = now + T_KEY_SPACING
            shown = shown | showing
        across, down = opened.coded
        if damage and not encoded.key:
            part = sum(rect.width * rect.height for rect in damage) / (opened.width * opened.height)
            self._content.coded(part, len(encoded.data) * 8 / (across * down), encoded.qp, self.rung.fps, now)
        return EncodedFrame(
            key=encoded.key,
            data=encoded.data,
            captured=captured,
            input_echo=echo,
            codec=encoder.codec,
            width=across,
            height=down,
            chroma=opened.chroma,
            desktop=picture.size,
            place=place,
            dirty=tuple(
                within
                for rect in rectangles(shown, width, height, MAX_DIRTY_RECTS)
                if (within := _common(rect, place)) is not None
            ),
            stages=StageTimes(
                picture.grab_seconds, picture.compare_seconds, encoded.convert_seconds, encoded.encode_seconds
            ),
        )

    def _encoder_for(self, place: Rect, chroma: Chroma) -> tuple[EncoderSettings, Encoder, bool]:
        """What an encoder that fits was opened with, the encoder, and whether it was just opened."""
        settings, opened = self._settings, self._opened
        if self._encoder is not None and opened is not None:
            fits = (self._placed, opened.chroma, opened.scale) == (place, chroma, self.rung.scale)
            if fits:
                return opened, self._encoder, False
        self._let_go()
        opened = EncoderSettings(
            width=place.width,
            height=place.height,
            chroma=chroma,
            bitrate=self._budget.bitrate,
            rate=settings.rate,
            threads=settings.threads,
            scale=self.rung.scale,
        )
        self._opened, self._placed = opened, place
        self._encoder = self._open_encoder(opened)
        return opened, self._encoder, True

    def _let_go(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None

    def close(self) -> None:
        """Nothing moves any more: let go of the encoder."""
        self._let_go()
        self._opened = self._unseen = self.place = None
        self._loose_since = self._idle_since = None


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


def _common(rect: Rect, place: Rect) -> Rect | None:
    """The part of a rectangle that lies in the place."""
    x, y = max(place.x, rect.x), max(place.y, rect.y)
    right = min(place.x + place.width, rect.x + rect.width)
    bottom = min(place.y + place.height, rect.y + rect.height)
    return Rect(x, y, right - x, bottom - y) if right > x and bottom > y else None
