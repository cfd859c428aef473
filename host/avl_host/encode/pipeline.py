"""Pipeline: decides at each moment whether to look, what to send of the desktop by which track, or to do nothing.

It owns a source and what codes for both tracks, and is told the time; whoever runs it (worker.py) calls `step` when
`next_step` says so, when the source speaks, and after a request. A small change leaves at once as exact pixels; what
goes on moving leaves as pictures of the part that moves; when that rests exact pixels follow, within the budget, and
then nothing happens at all. While the sender cannot take anything nothing is captured, so changes accumulate and the
newest state wins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avl_host.capture.cells import Cells, rectangles, touched
from avl_host.capture.source import CaptureSource, Picture
from avl_host.encode import shift
from avl_host.encode.activity import BUSY, FLAT, cost
from avl_host.encode.budget import Bucket, Budget, Slow
from avl_host.encode.coding import Coding, InlineCoding
from avl_host.encode.delivered import PICTURE, Delivered
from avl_host.encode.encoder import Encoder, EncoderSettings
from avl_host.encode.exactcoder import Copy, ExactCoder
from avl_host.encode.lanes import Lanes, Room
from avl_host.encode.lower import Lower, Scene
from avl_host.encode.moving import Moving, MovingSettings
from avl_host.encode.rungs import Rung
from avl_host.encode.shift import Shifted, ShiftFinder
from avl_protocol.media.frame import Chroma, EncodedFrame, ExactFrame, Frame, Rect, StageTimes
from avl_protocol.wire.registry import CELL, MAX_EXACT_RECTS

Row = tuple[int, int]

#: The most pixels of one object of exact pixels, and the most bytes that it may turn out to have.
MOST_PIXELS, MOST_BYTES = 1 << 20, 900_000
#: Bytes of an object on a thin link: so many seconds of its rate, but no fewer than a few datagrams. What changes
#: meanwhile is held up so long; so while nothing changes each is twice as large as the last, up to so many times: four
#: times as large ones take a third less for a page of text.
OBJECT_SECONDS, OBJECT_LEAST, OBJECT_GROWS = 0.08, 6_000, 4
#: What surrounds the pointer: so many pixels to each side, and up and down.
AROUND = (320, 96)
#: Bytes of an object of what somebody missed: whoever is slow gets some of them whole, and asks for the others again.
OBJECT_AGAIN = 16_000
#: Of what the slow ones take, the part for their pictures, and the part for what they missed; and of what they take so
#: many seconds for one picture, or one object of that.
SLOW_PICTURES, SLOW_AGAIN, SLOW_SECONDS = 0.75, 0.8, 0.25
#: How many times as large as it was meant to be an object may turn out.
TOLERANCE = 2.0
#: What is owed leaves when so much is in the bucket, in bytes, or when it is full.
LEAST_LEVEL = 4_000
#: The part of the rate that exact pixels may take at least, however much pictures take, and together with them.
BESIDE_PICTURES, ALONE = 0.25, 0.95
#: Below this rate, in bytes per second, few bytes are worth their time.
THIN = 2_500_000
#: Seconds after input in which a small change is sent although the path is full.
ANSWER_SECONDS = 1.0
#: Seconds after input in which it is looked so many times as often: a film is not to hold up the answer by its rhythm.
QUICK_SECONDS, QUICKER = 0.1, 3
#: Of a change of fewer cells it is not asked whether it stood elsewhere before; with it of what has changed in so many
#: seconds and is still owed.
SHIFTED_CELLS, SHIFTED_SECONDS = 64, 0.5
#: A change of fewer bytes is sent as it is: to search it, or to make it smaller, would take longer than they do.
FEW_BYTES = 8_192
#: Fewer cells of one colour stay with those around them.
LEAST_FLAT = 16
_PIXELS = CELL * CELL


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How the pipeline paces itself. `bitrate` (bits per second) holds until there is a budget, `rate` is the most
    captures per second, `threads` are the encoder's."""

    chroma: Chroma = Chroma.YUV444
    bitrate: int = 8_000_000
    rate: int = 60
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question for missing objects: what is owed now leaves in objects after `newest`."""

    rows: tuple[Row, ...]
    newest: int
    tell: Callable[[tuple[Row, ...], int], None]


class Permit(Protocol):
    """What the sender says, on any thread."""

    def ready(self) -> bool:
        """Whether what is taken now leaves at once."""

    def watched(self) -> bool:
        """Whether anybody watches."""


class Pipeline:
    """One desktop's capture and coding. Not thread-safe, except for the requests: they only note a wish.

    When what the permit says changes, the owner wakes the worker. `number`: of its first object of exact pixels.
    """

    def __init__(
        self,
        source: CaptureSource,
        open_encoder: Callable[[EncoderSettings], Encoder],
        permit: Permit,
        clock: Callable[[], float],
        settings: PipelineSettings | None = None,
        coding: Coding[EncodedFrame] | None = None,
        lower_coding: Coding[EncodedFrame] | None = None,
        number: int = 0,
    ) -> None:
        self._source = source
        self._permit = permit
        self._clock = clock
        self._settings = settings = settings or PipelineSettings()
        # Requests: written from any thread, each by one assignment or one append.
        self._wanted_chroma = settings.chroma
        self._budget = Budget(settings.bitrate)
        self._slow: Slow | None = None
        self._key_wanted = self._everything_wanted = False
        self._missing: deque[tuple[tuple[Row, ...], Callable[[tuple[Row, ...], int], None]]] = deque()
        self._input_applied = self._echo = 0.0
        # What is being done.
        self._unanswered: list[tuple[tuple[Row, ...], Callable[[tuple[Row, ...], int], None]]] = []
        self._kept_budget = self._budget
        self._bucket = Bucket(settings.bitrate / 8)
        self._coder = ExactCoder()
        #: When more of what somebody missed may be sent, where somebody cannot follow.
        self._again_earliest = float("-inf")
        self._shifts = ShiftFinder()
        self._moving = Moving(open_encoder, self._budget, MovingSettings(settings.rate, settings.threads))
        self._lower = Lower(open_encoder, MovingSettings(settings.rate, 1, lowest=True), lower_coding or InlineCoding())
        self._coding: Coding[EncodedFrame] = coding or InlineCoding()
        #: What is to travel as pictures and has not been coded yet; and the earliest time for the next one.
        self._due: Cells = np.zeros((1, 1), np.bool_)
        self._picture_earliest = float("-inf")
        #: Whether what is in hand was captured since the last object of exact pixels.
        self._fresh = False
        self._picture: Picture | None = None
        self._delivered: Delivered | None = None
        self._lanes = Lanes((1, 1))
        self._cost: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        #: What was sent last as exact pixels: BGRA, uint8, of the desktop's shape; what of the last change is copied
        #: from there.
        self._sent: NDArray[np.uint8] = np.zeros((1, 1, 4), np.uint8)
        self._unnoted: list[Rect] = []
        self._copies: list[Copy] = []
        #: How many times as large as the first the next object may be.
        self._grown = 1
        #: Bytes that were sent for each that was expected.
        self._accuracy = 1.0
        self._changed = True
        self._earliest = float("-inf")
        self._settled = False
        self._number = number
        self._stamped = 0.0
        #: Answers to be told with what is done next.
        self.answers: list[Answer] = []

    # Requests, from any thread.

    def request_key(self) -> None:
        """Let pictures begin a new group soon, where there are any; requests within 300 ms are answered by one."""
        self._key_wanted = True

    def request_lower_key(self) -> None:
        """The same for the pictures with fewer bits."""
        self._lower.request_key()

    def set_slow(self, slow: Slow | None) -> None:
        """There is somebody who cannot follow (None: nobody)."""
        self._slow = slow

    def request_everything(self) -> None:
        """Somebody comes who has nothing: send all that pictures do not show as exact pixels, and those anew."""
        self._everything_wanted = True
        self._key_wanted = True

    def request_missing(self, rows: tuple[Row, ...], tell: Callable[[tuple[Row, ...], int], None]) -> None:
        """Objects of exact pixels did not come to somebody: send what they showed as it looks now. `tell(rows, newest)`
        is given to `answers`."""
        self._missing.append((rows, tell))

    def set_budget(self, budget: Budget) -> None:
        """Keep to another budget from the next picture on."""
        self._budget = budget

    def set_chroma(self, chroma: Chroma) -> None:
        """The best chroma sampling that all can decode."""
        self._wanted_chroma = chroma

    def input_applied(self, when: float) -> None:
        """Input was applied at `when` (host's clock); what is captured later carries it."""
        self._input_applied = when

    # The owner's thread.

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do until the screen changes or somebody asks."""
        return self._settled and not self._changed and not self._requested and not self._unanswered

    @property
    def rung(self) -> Rung:
        """The scale and frame rate that pictures are coded at now."""
        return self._moving.rung

    @property
    def _requested(self) -> bool:
        return self._everything_wanted or bool(self._missing) or (self._key_wanted and self._moving.place is not None)

    def changed(self) -> None:
        """The source says that something may have changed."""
        self._changed = True

    def next_step(self) -> float | None:
        """When `step` is worth calling, in seconds; None: only after `changed`, a request, when a picture was coded, or
        when the sender is ready again.
        """
        if self._missing:
            return self._clock()
        ready = self._permit.ready()
        if not ready and not self._urgent(self._clock()):
            return None
        if not ready:
            return self._earliest if self._changed else None
        times: list[float | None] = [self._moving.due, self._lower.next_step()]
        if self._changed or self._everything_wanted:
            times.append(self._earliest)
        if not self._coding.busy:
            if self._due.any():
                times.append(self._picture_earliest)
            if self._key_due():
                times.append(self._moving.key_earliest)
        if self._delivered is not None:
            if self._delivered.again.any():
                times.append(max(self._again_at(), self._clock()))
            if self._delivered.owed.any():
                times.append(self._bucket.full_at(self._enough()))
            times.append(self._lanes.rests_at(self._delivered))
        return min((at for at in times if at is not None), default=None)

    def step(self, now: float) -> tuple[Frame, ...]:
        """Do what is due at `now`; what is to be sent, in order. Raises SourceLost, EncoderFailed."""
        self._note_sent()
        self._answer()
        frames: list[Frame] = [*self._coded(now), *self._lower.take(now)]
        ready = self._permit.ready()
        if not ready and not self._urgent(now):
            return tuple(frames)
        self._follow_budget(now)
        everything, self._everything_wanted = self._everything_wanted, False
        if everything or (self._changed and now >= self._earliest):
            self._look(now, everything)
        delivered, picture = self._delivered, self._picture
        if delivered is None or picture is None:
            return tuple(frames)
        if everything:
            delivered.owe_everything()
            self._settled = False
        self._owe_again(delivered, now)
        delivered.owed |= self._lanes.at_rest(delivered, now) & ~self._due
        if not ready:
            # What answers a person is small, and goes first in every queue; all else waits.
            if self._fresh and self._cost[self._uncopied(delivered)].sum() * self._accuracy <= LEAST_LEVEL:
                frames += self._exact(picture, delivered, now)
            return tuple(frames)
        if self._fresh or now >= self._bucket.full_at(self._enough()):
            frames += self._exact(picture, delivered, now)
        if not self._pictured(delivered):
            return tuple(frames)
        self._place(delivered, now)
        key = self._key_due() and now >= self._moving.key_earliest
        if self._moving.place is not None and not self._coding.busy:
            if key or (self._due.any() and now >= self._picture_earliest):
                self._code(picture, delivered, key, now)
                frames += self._coded(now)
        elif self._moving.idle and not self._coding.busy:
            self._moving.close()
        if self._lower.running:
            frames += self._code_lower(picture, delivered, now)
        return tuple(frames)

    def _urgent(self, now: float) -> bool:
        """Whether a person has just done something, whose answer need not wait for the path."""
        return now < self._input_applied + ANSWER_SECONDS and self._permit.watched()

    def _pictured(self, delivered: Delivered) -> bool:
        """Whether there is anything that travels as pictures, or did a moment ago."""
        return (
            self._moving.active or self._lower.running or bool(self._due.any() or (delivered.source == PICTURE).any())
        )

    def close(self) -> None:
        """Let go of the encoder."""
        self._coding.close()
        self._moving.close()
        self._lower.close()

    def _answer(self) -> None:
        """Hear what somebody misses."""
        delivered = self._delivered
        while self._missing:
            rows, tell = self._missing.popleft()
            self._unanswered.append((rows, tell))
            if delivered is not None:
                delivered.owe_missing(rows)
        if delivered is not None and self._slow is None:
            delivered.owe_again(delivered.again.copy())
        self._tell()

    def _tell(self) -> None:
        """Answer who misses something once all of it is owed or sent again: all others can be told meanwhile that
        they have everything."""
        delivered = self._delivered
        if not self._unanswered or (delivered is not None and delivered.again.any()):
            return
        self._settled = self._settled and delivered is not None and delivered.settled
        for rows, tell in self._unanswered:
            # Where nothing of it is to be sent any more, what was settled stays so.
            newest = max((last for _, last in rows), default=-1) if self._settled else self._number - 1
            self.answers.append(Answer(rows, newest, tell))
        self._unanswered.clear()

    def _key_due(self) -> bool:
        if self._moving.place is None or self._delivered is None or not (self._delivered.source == PICTURE).any():
            self._key_wanted = False
            return False
        return self._key_wanted or self._moving.key_due

    def _follow_budget(self, now: float) -> None:
        if self._kept_budget != self._budget:
            self._kept_budget = self._budget
            self._moving.set_budget(self._kept_budget)
        self._moving.climb(now)
        slow = self._slow
        budget = None
        if slow is not None and slow.pictures:
            budget = Budget(round(SLOW_PICTURES * slow.bitrate), round(slow.bitrate / 8 * SLOW_SECONDS))
        self._lower.follow(budget, now)
        rate = self._kept_budget.bitrate / 8
        self._bucket.refill(max(BESIDE_PICTURES * rate, ALONE * rate - self._moving.taken(now)), now)

    def _owe_again(self, delivered: Delivered, now: float) -> None:
        """Owe what somebody missed: at once, or where there is somebody who cannot follow as fast as that one takes it.
        All others get it too, who do not need it."""
        slow, chosen = self._slow, delivered.again
        if not chosen.any() or now < self._again_at():
            return
        if slow is not None:
            most = max(OBJECT_LEAST, min(OBJECT_AGAIN, slow.bitrate / 8 * SLOW_SECONDS))
            chosen = self._chosen(chosen, most)
            self._slow_takes(float(self._cost[chosen].sum()) * self._accuracy, slow, now)
        delivered.owe_again(chosen.copy())
        self._tell()

    def _slow_takes(self, size: float, slow: Slow, now: float) -> None:
        """So many bytes of exact pixels are on their way to who cannot follow."""
        self._again_earliest = max(self._again_earliest, now + size * 8 / (SLOW_AGAIN * slow.bitrate))

    def _again_at(self) -> float:
        """When what somebody missed may be sent."""
        return float("-inf") if self._slow is None else self._again_earliest

    def _enough(self) -> float:
        """Bytes that must be in the bucket before what is owed is sent."""
        return min(LEAST_LEVEL, self._bucket.depth)

    # looking

    def _note_sent(self) -> None:
        """Remember what was sent; not before it is on its way, as a large part takes a millisecond."""
        if self._picture is None:
            return
        for rect in self._unnoted:
            part = slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)
            self._sent[part] = self._picture.pixels[part]
        self._unnoted.clear()

    def _look(self, now: float, whole: bool) -> None:
        """Grab, and decide how what has changed is to travel."""
        self._echo = self._input_applied
        self._changed = False
        moving = self._lanes.moving(self._delivered, now) if self._delivered is not None else None
        picture = self._source.grab(whole=whole, moving=moving)
        if picture is None:
            return
        # After a pause two captures may follow each other at once, as the first is often half drawn; the mean stays
        # within the rate.
        rate = self._settings.rate * (QUICKER if now < self._input_applied + QUICK_SECONDS else 1)
        self._earliest = max(self._earliest + 1.0 / rate, now)
        self._picture = picture
        self._fresh = True
        self._copies = []
        delivered = self._delivered
        if delivered is None or delivered.size != picture.size:
            delivered = self._delivered = Delivered(*picture.size)
            self._lanes = Lanes(picture.changed.shape)
            self._cost = np.zeros(picture.changed.shape, np.float32)
            self._sent = np.zeros_like(picture.pixels)
            self._due = np.zeros(picture.changed.shape, np.bool_)
            self._moving.rest()
        changed = picture.changed
        if moving is None:
            self._lanes.compared(changed, now)
        if not changed.any():
            return
        self._settled = False
        self._moving.changed(changed)
        self._lower.changed(changed)
        fresh = changed if moving is None or moving.shape != changed.shape else changed & ~moving
        found = cost(picture.pixels, fresh)
        self._cost[fresh] = found[fresh]
        shifted = self._shifted(picture, fresh, delivered, now)
        known = copied = None
        if shifted is not None:
            known = delivered.known_from(shifted.across, shifted.down, self._due)
            copied = shifted.cells & known
        room = Room(self._kept_budget.bitrate / 8, self._moving.place)
        lanes = self._lanes.sort(changed, self._cost, copied, delivered, room, now)
        if shifted is not None and copied is not None and known is not None:
            # What has not changed is copied too where that makes larger rectangles of what has.
            moved = copied | (shifted.still & known & delivered.exact)
            self._copies = shift.copies(shifted, moved, *picture.size)[: MAX_EXACT_RECTS // 2]
        delivered.owed |= lanes.exact
        delivered.owed &= ~lanes.pictures
        self._due = (self._due & ~lanes.exact) | lanes.pictures

    def _shifted(self, picture: Picture, fresh: Cells, delivered: Delivered, now: float) -> Shifted | None:
        """What of a change of text stands elsewhere at the viewers, with what of earlier changes was not sent yet."""
        cells = fresh | (delivered.owed & (self._lanes.activity.changed_at >= now - SHIFTED_SECONDS))
        count, size = int(cells.sum()), float(self._cost[cells].sum())
        if count < SHIFTED_CELLS or size * self._accuracy < FEW_BYTES or size > BUSY * _PIXELS * count:
            return None
        return self._shifts.find(self._sent, picture.pixels, cells)

    # sending

    def _place(self, delivered: Delivered, now: float) -> None:
        """Let pictures be of all that moves."""
        moving = ((delivered.source == PICTURE) & ~delivered.owed) | self._due
        self._moving.follow(moving, delivered.size, self._chroma(moving), now)

    def _exact(self, picture: Picture, delivered: Delivered, now: float) -> tuple[ExactFrame, ...]:
        """One object of what is owed, if anything is."""
        fresh, self._fresh = self._fresh, False
        owed = self._uncopied(delivered)
        copies, self._copies = self._copies, []
        if not owed.any() and not copies:
            return ()
        started = self._clock()
        rate = self._kept_budget.bitrate / 8
        again = not fresh and delivered.owed_again
        self._grown = 1 if fresh or again else min(OBJECT_GROWS, 2 * self._grown)
        most = max(OBJECT_LEAST, rate * OBJECT_SECONDS * self._grown)
        if again:
            most = min(most, OBJECT_AGAIN)
        if fresh:  # what has just changed may go into debt
            most = max(LEAST_LEVEL, self._bucket.level + self._bucket.depth)
        width, height = picture.size
        captured = self._stamp(picture.captured if fresh else now)
        while True:
            chosen = self._chosen(owed, most)
            rects = self._rects(chosen, width, height)[: MAX_EXACT_RECTS - len(copies)]
            expected = float(self._cost[chosen].sum())
            small = rate < THIN and expected * self._accuracy >= FEW_BYTES
            coded = self._coder.code(picture.pixels, rects, copies, small=small)
            if len(coded.pixels) <= min(MOST_BYTES, TOLERANCE * most) or chosen.sum() <= 1:
                break
            # It compresses worse than was thought.
            self._accuracy = len(coded.pixels) / max(1.0, expected)
        sent = [*(rect for rect, _ in copies), *rects]
        delivered.sent_exact(sent, self._number)
        self._unnoted += sent
        self._number += 1
        self._lanes.sent_exact(delivered)
        # What waits to be coded as a picture is exact no more when that has come.
        self._settled = delivered.settled and not self._due.any()
        data = coded.encode(picture.size, captured=captured, input_echo=self._echo, settled=self._settled)
        if expected > OBJECT_LEAST:
            self._accuracy = 0.8 * self._accuracy + 0.2 * len(data) / expected
        self._bucket.spend(len(data))
        self._moving.spend(len(data))
        self._lower.spend(len(data))
        if self._slow is not None and not fresh:
            self._slow_takes(len(data), self._slow, now)
        frame = ExactFrame(
            data=data,
            captured=captured,
            input_echo=self._echo,
            settled=self._settled,
            stages=StageTimes(
                picture.grab_seconds if fresh else 0.0,
                picture.compare_seconds if fresh else 0.0,
                0.0,
                self._clock() - started,
            ),
        )
        return (frame,)

    def _uncopied(self, delivered: Delivered) -> Cells:
        """What is owed and has to be sent as it is."""
        owed = delivered.owed.copy()
        for rect, _ in self._copies:
            owed[touched(rect)] = False
        return owed

    def _rects(self, chosen: Cells, width: int, height: int) -> tuple[Rect, ...]:
        """Rectangles of the chosen cells; what seems to be of one colour by itself, as that takes no pixels."""
        flat = chosen & (self._cost <= FLAT * _PIXELS)
        plain = [rect for rect in rectangles(flat, width, height) if rect.width * rect.height >= LEAST_FLAT * _PIXELS]
        rest = chosen.copy()
        for rect in plain:
            rest[touched(rect)] = False
        return (*plain, *rectangles(rest, width, height))

    def _chosen(self, owed: Cells, most: float) -> Cells:
        """Of what is owed as much as one object takes: what changed last before what waits, what surrounds the pointer
        before what does not, the cheap before the costly, and from the top."""
        count = int(owed.sum())
        expected = self._cost[owed] * self._accuracy
        if count * _PIXELS <= MOST_PIXELS and float(expected.sum()) <= most:
            return owed
        places = np.flatnonzero(owed)
        columns = owed.shape[1]
        # Strips of cells, so that rectangles are large: they compress better.
        strip = places // columns // 2
        recent = self._lanes.activity.changed_at.ravel()[places]
        costly = self._cost.ravel()[places] >= BUSY * _PIXELS
        far = self._far(places // columns, places % columns)
        order = np.lexsort((places, strip, costly, far, -np.round(recent, 1)))
        total = np.cumsum(expected[order])
        taken = max(1, min(int(np.searchsorted(total, most)), MOST_PIXELS // _PIXELS))
        chosen = np.zeros(owed.size, np.bool_)
        chosen[places[order[:taken]]] = True
        return chosen.reshape(owed.shape)

    def _far(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Cells:
        """Which cells do not surround the pointer; none where nobody knows where it is."""
        at = self._source.pointer()
        if at is None:
            return np.zeros(rows.shape, np.bool_)
        across, down = abs(columns * CELL - at[0]), abs(rows * CELL - at[1])
        far: Cells = (across > AROUND[0]) | (down > AROUND[1])
        return far

    def _code(self, picture: Picture, delivered: Delivered, key: bool, now: float) -> None:
        """Have a picture of what moves coded."""
        prepared = self._moving.prepare(
            picture,
            self._due,
            delivered.source == PICTURE,
            key=key,
            echo=self._echo,
            now=now,
            captured=self._stamp(picture.captured),
        )
        if prepared.key:
            self._key_wanted = False
        self._picture_earliest = max(self._picture_earliest + 1.0 / self._moving.rung.fps, now)
        self._due = np.zeros_like(self._due)
        delivered.sent_picture(prepared.all_dirty if prepared.key else prepared.dirty)
        self._settled = False
        self._coding.begin(partial(self._moving.code, prepared))

    def _code_lower(self, picture: Picture, delivered: Delivered, now: float) -> list[EncodedFrame]:
        """Have a picture of what moves coded with fewer bits, as far as that is not to be exact by now."""
        moving = ((delivered.source == PICTURE) & ~delivered.owed) | self._due
        showing = delivered.source == PICTURE
        scene = Scene(picture=picture, moving=moving, showing=showing, echo=self._echo, captured=self._stamp)
        self._lower.step(scene, self._chroma(moving), now)
        return self._lower.take(now)

    def _coded(self, now: float) -> list[EncodedFrame]:
        """The pictures that have been coded."""
        frames = self._coding.take()
        for frame in frames:
            self._moving.coded(frame, now)
            if frame.key and self._delivered is not None and self._delivered.size == frame.desktop:
                self._delivered.sent_picture(frame.dirty)  # an encoder that was replaced began anew
        return frames

    def _chroma(self, moving: Cells) -> Chroma:
        """4:4:4 for text on its way, where all can decode it; 4:2:0 for what is made of many colours."""
        of = self._cost[moving]
        text = of.size > 0 and float(of.mean()) < BUSY * _PIXELS / 2
        return self._wanted_chroma if text else Chroma.YUV420

    def _stamp(self, captured: float) -> float:
        """When something was captured, told apart by a microsecond from all that was sent before: the newer one wins
        (5.7.2)."""
        self._stamped = max(captured, self._stamped + 1e-6)
        return self._stamped
