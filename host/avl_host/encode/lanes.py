"""Lanes: by which of its two tracks each change of the desktop travels (spec 05-media, 5.7.3).

Exact pixels are for what changes a little, rarely, or by scrolling; pictures for what goes on changing and is made of
many colours, for a sudden change that exact pixels would take too long for, and for whatever changes faster than the
rate lets exact pixels follow. What pictures have begun to show they go on showing while it moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, touched
from avl_host.encode.activity import BUSY, TILE, Activity, spread
from avl_host.encode.delivered import PICTURE, Delivered
from avl_protocol.media.frame import Rect
from avl_protocol.wire.registry import CELL

#: A sudden change of many colours goes by picture if it takes longer than this, in seconds of the rate; between these
#: bounds, in bytes.
SUDDEN_SECONDS = 0.05
SUDDEN_LEAST, SUDDEN_MOST = 24_000, 256_000
#: A cell that changed so often before its exact pixels were sent is too fast for them; what is shifted may do so for a
#: second, as each of its pixels has to be sent but once.
OVERTAKEN, SHIFTING = 4, 30
#: What goes on changing goes by picture if its exact pixels took more than this part of the rate.
FILM_PART = 0.3
#: What changes with a film and touches it belongs to it, as far as so many cells away, unless it is so many times as
#: large.
STEPS, JOINED = 16, 3
#: Seconds without a change after which what a picture shows is at rest.
REST = 0.2
#: What changes all the time is compared all the same once in so many seconds: a part of it may have come to rest.
DOUBT = 0.5
#: Text that pictures show while it moves is sent as exact pixels again where these take so many seconds of the rate:
#: they are enough from then on if it only scrolls. This has so many seconds to succeed, and is tried after so many, at
#: first (and again after it has succeeded) and at most, twice as long after each time in vain.
TEXT_SECONDS, TRIAL_SECONDS, FIRST_TRIAL, LAST_TRIAL = 0.3, 1.0, 1.0, 16.0


@dataclass(frozen=True, slots=True)
class Sorted:
    """The cells of a change that travel as exact pixels, and those that travel as pictures."""

    exact: Cells
    pictures: Cells


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes per second that may be sent, and the part of the desktop that pictures are of."""

    rate: float
    place: Rect | None


class Lanes:
    """Decides for one desktop. Times are seconds of the caller's clock."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.activity = Activity(shape)
        self._overtaken = np.zeros(shape, np.int16)
        #: What did not differ when it was compared last, of what changes all the time; and when it is compared next.
        self._doubted: Cells = np.zeros(shape, np.bool_)
        self._doubt_at = -np.inf
        #: Since when pictures show text that moves, how long it is until it is tried exactly, and until when it is.
        self._text_since: float | None = None
        self._patience = FIRST_TRIAL
        self._trial_ends = -np.inf
        #: The text that is tried.
        self._tried: Cells | None = None

    def sort(
        self,
        changed: Cells,
        cost: NDArray[np.float32],
        copied: Cells | None,
        delivered: Delivered,
        room: Room,
        now: float,
    ) -> Sorted:
        """Divide what has changed. `cost`: bytes that the exact pixels of each cell take; `copied`: what of the change
        can be copied from elsewhere, where it scrolls."""
        self.activity.note(changed, now)
        self._doubted &= ~changed
        self._judge(delivered, now)
        self._overtaken[changed & delivered.owed] += 1
        if room.place is None and self._small(changed, cost, room):
            return Sorted(changed, np.zeros_like(changed))
        dear = changed if copied is None else changed & ~copied
        hot = self.activity.hot
        busy = _mean(np.where(dear, cost, 0), dear) >= BUSY * CELL * CELL
        coloured = spread(busy, changed.shape)
        film = coloured & dear & hot
        pictures = np.zeros_like(changed)
        # A small animation is better exact: it costs little.
        if float(cost[film].sum()) * self.activity.rate >= FILM_PART * room.rate:
            # What changes together is shown together, or it would be torn where it meets.
            pictures = _joined(film, dear)
        rough = dear & (cost >= BUSY * CELL * CELL)
        sudden = min(max(SUDDEN_LEAST, room.rate * SUDDEN_SECONDS), SUDDEN_MOST)
        if float(cost[rough].sum()) > sudden:
            pictures |= rough
        shifts = copied is not None and copied.sum() > dear.sum()
        pictures |= dear & (self._overtaken >= (SHIFTING if shifts else OVERTAKEN))
        if room.place is not None:
            inside = np.zeros_like(changed)
            inside[touched(room.place)] = True
            stays = delivered.source == PICTURE
            text = dear & inside & stays & ~coloured
            if self._tries(text, float(cost[text].sum()), room, now):
                stays = stays & ~text
            elif not shifts:
                stays = stays | hot
            pictures |= dear & inside & stays
        if not shifts and (text := pictures & ~coloured).any():
            # Of text that moves as one, as a window does, a part of another moment is worse than all of it blurred.
            pictures |= _flooded(text, dear & ~coloured)
        self._overtaken[pictures] = 0
        return Sorted(changed & ~pictures, pictures)

    def _small(self, changed: Cells, cost: NDArray[np.float32], room: Room) -> bool:
        """Whether nothing that `sort` weighs could choose pictures: a person who waits for a caret need not wait for
        that, too."""
        size = float(cost[changed].sum())
        return (
            size <= SUDDEN_LEAST
            and size * self.activity.rate < FILM_PART * room.rate
            and not (self._overtaken[changed] >= OVERTAKEN).any()
        )

    def _judge(self, delivered: Delivered, now: float) -> None:
        """Where a trial is over and its text exact, the next one need not wait for long."""
        if self._tried is not None and now >= self._trial_ends:
            if not (delivered.source[self._tried] == PICTURE).any():
                self._text_since = None
            self._tried = None

    def _tries(self, text: Cells, size: float, room: Room, now: float) -> bool:
        """Whether text that pictures show, of so many bytes as exact pixels, is sent as these although it moves."""
        if now < self._trial_ends:
            return True
        if not size:
            return False
        if self._text_since is None or now > self._text_since + 2 * LAST_TRIAL:
            self._text_since, self._patience = now, FIRST_TRIAL
        if now < self._text_since + self._patience or size > TEXT_SECONDS * room.rate:
            return False
        self._text_since, self._patience = now, min(LAST_TRIAL, 2 * self._patience)
        self._trial_ends, self._tried = now + TRIAL_SECONDS, text
        self._overtaken[:] = 0
        return True

    def sent_exact(self, delivered: Delivered) -> None:
        """Exact pixels were sent: who is owed none is not overtaken."""
        self._overtaken[~delivered.owed] = 0

    def moving(self, delivered: Delivered, now: float) -> Cells | None:
        """What pictures show that change all the time: it need not be looked at to be believed. Now and then None."""
        if now >= self._doubt_at:
            return None
        moving: Cells = self.activity.hot & (delivered.source == PICTURE) & ~self._doubted
        return moving

    def compared(self, changed: Cells, now: float) -> None:
        """All that was drawn was compared, whatever it had been believed: this differed."""
        self._doubted = ~changed
        self._doubt_at = now + DOUBT

    def at_rest(self, delivered: Delivered, now: float) -> Cells:
        """What pictures show and has not changed for a while."""
        resting: Cells = (delivered.source == PICTURE) & (self.activity.changed_at <= now - REST)
        return resting

    def rests_at(self, delivered: Delivered) -> float | None:
        """When the next cell that pictures show comes to rest; None where they show nothing that is not owed."""
        shown = (delivered.source == PICTURE) & ~delivered.owed
        return float(self.activity.changed_at[shown].min()) + REST if shown.any() else None


def _mean(values: NDArray[np.float32], cells: Cells) -> NDArray[np.float32]:
    """The mean of each tile's values over its marked cells; 0 where there are none."""
    down, across = (np.arange(0, side, TILE) for side in cells.shape)
    total = np.add.reduceat(np.add.reduceat(values, down, axis=0), across, axis=1)
    count = np.add.reduceat(np.add.reduceat(cells.astype(np.float32), down, axis=0), across, axis=1)
    mean: NDArray[np.float32] = (total / np.maximum(count, 1)).astype(np.float32)
    return mean


def _flooded(some: Cells, changed: Cells) -> Cells:
    """Some cells, and all that have changed with them and touch them, or touch what does."""
    found = some
    while True:
        wider = _around(found) & changed | some
        if (wider == found).all():
            return found
        found = wider


def _joined(film: Cells, changed: Cells) -> Cells:
    """The cells of a film, and those that have changed with it and touch it, or touch what does."""
    found = film
    for _ in range(STEPS):
        wider = _around(found) & changed | film
        if wider.sum() > (1 + JOINED) * film.sum():
            return _around(film) & changed | film
        if (wider == found).all():
            break
        found = wider
    return found


def _around(marked: Cells) -> Cells:
    """Marked cells and their neighbours."""
    rows, columns = marked.shape
    wide = np.pad(marked, 1)
    around: Cells = np.logical_or.reduce([wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3)])
    return around
