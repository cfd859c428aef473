"""Controller: how much a hop may send, from the arrival times of what it sent (spec 07-rate, 7.2).

Three things act at once. The *rate* is what the encoder aims at: it climbs towards the capacity that trains of frames
reveal, and gives way to a standing queue, sooner the faster it already is, so that flows of one link even out. The
*hold* is quick: while more is under way than the path empties in good time, no picture is taken, and the next one is
fresh instead of late. The *window* is the net below both: bytes in flight never run away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from avl_protocol.rate.bottleneck import Bottleneck
from avl_protocol.rate.capacity import Capacity
from avl_protocol.rate.competition import Competition
from avl_protocol.rate.control import Arrival, Probe, RateState
from avl_protocol.rate.delay import QueueDelay
from avl_protocol.rate.losses import Losses
from avl_protocol.rate.probing import Probing
from avl_protocol.rate.settings import RateSettings
from avl_protocol.rate.trains import Trains

#: Seconds between pictures that budgets are made for.
FRAME = 1 / 60
#: Packets leave at this multiple of the rate, so that a frame is a train, and with a full shallow buffer at this one.
PACE, LEAST_PACE = 2.0, 1.15
#: Bytes a second below which packets of one frame leave together: two packets are a train as well.
LEAST_PACING = 8e5
#: Standing queue aimed at: TARGET seconds at TARGET_RATE bit/s, falling with the root of the rate.
TARGET, TARGET_RATE = 0.008, 4e6
LEAST_TARGET, MOST_TARGET = 0.003, 0.03
#: Seconds above the target at which a queue counts as overload.
OVERLOAD = 0.012
#: Below this share of the best capacity of the last half minute, frames that tell nothing are helped out by trains.
BLIND = 0.5
#: What a second leaves of the best capacity's memory.
REMEMBER = 0.97
#: Seconds of noise from which on a train's length says less than its neighbours'.
SCATTER = 0.0025
#: Share of the rate from which on streams tell what trains of small frames do not: that it comes through.
FILLED = 0.5
#: Share of the capacity that is aimed at, alone and among others.
AIM_ALONE, AIM = 0.975, 0.95
#: Seconds beyond the target that one's own bytes may wait before pictures are held, and the longest they are held for
#: that.
OWN_QUEUE, LONGEST_HOLD = 0.013, 0.1
#: Part of a round trip beyond LONG_PATH seconds that beside others is no sign of a queue: their pictures come between
#: ours, and the longer the path, the more an estimate of what it empties in is worth only that.
SHARED_SLACK, LONG_PATH = 0.15, 0.1
#: Seconds of a standing queue, beyond a round trip and what it takes to empty, after which it can't be ours alone.
STUCK = 0.6
#: Losses beyond the usual that count as a full path, where a queue stands and where none does.
MUCH, VERY_MUCH = 0.08, 0.15
#: Queue that bulk streams may make, seconds.
BULK_QUEUE = 0.012
#: Seconds for which a sender that held a picture back counts as busy.
HELD = 0.25
#: A rate below this share of that before a queue appeared should have made a difference to it.
LESS = 0.75
#: Slack of the window beyond the empty path, seconds.
WINDOW_SLACK = 0.035


class Controller:
    """The controller of one hop."""

    def __init__(self, settings: RateSettings) -> None:
        self._settings = settings
        self._packet = settings.packet_size
        self._rate = settings.start
        self._trains = Trains()
        self._delay = QueueDelay()
        self._losses = Losses()
        self._probing = Probing(settings)
        self._competition = Competition(settings)
        self._path = Capacity()
        self._bottleneck = Bottleneck(self._packet)
        self._best = 0.0
        self._least_rtt: float | None = None
        self._rtt = 0.0
        self._back: float | None = None
        self._pace = PACE
        self._gain = 0.3
        self._draining = False
        self._peak = 0.0
        self._cut_at = float("-inf")
        self._over_at = float("-inf")
        self._held_since: float | None = None
        self._held_at = float("-inf")
        self._calm_rate = 0.0
        self._updated: float | None = None
        self._hold_until = float("-inf")
        self._calm_at = float("inf")
        self._stuck = False
        self._what, self._why = "start", "no feedback yet"

    # ---- what it decides

    @property
    def congestion_window(self) -> int:
        """Bytes that may be in flight."""
        if self._least_rtt is None:
            return int(max(10 * self._packet, self._settings.start / 8 * 0.25))
        if self._competition.active:
            return int(max(self._competition.window * 1.15, 6000))
        reach = self._empty + WINDOW_SLACK + 2 * self._delay.noise
        return int(self._rate / 8 * (reach + 2 * FRAME) + 4 * self._packet)

    @property
    def bulk_window(self) -> int:
        """Bytes in flight up to which bulk streams may add."""
        reach = BULK_QUEUE + (self._empty if self._least_rtt is not None else 0.1)
        return int(self._rate / 8 * reach) + 2 * self._packet

    @property
    def _empty(self) -> float:
        """Seconds until an answer while nothing waits in front of us. What others queue on the way back delays the news
        of what arrived, but not what is sent: what is under way meanwhile is no queue."""
        return max(self._least_rtt or 0.0, self._back or 0.0)

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave."""
        return max(self._rate * self._pace / 8, LEAST_PACING)

    @property
    def sustained_rate(self) -> float | None:
        """Bytes per second that are hardly more than the path carries, and still a train; None while that is
        unknown."""
        if self._path.value is None or not self._path.stretched:
            return None
        return LEAST_PACE * max(self._path.value, self._rate / 8)

    @property
    def target_bitrate(self) -> float | None:
        """Bits per second that media may use, parity and headers included."""
        return self._rate

    @property
    def loss(self) -> float:
        """Share of datagrams lost lately."""
        return self._losses.average

    def parity(self, fragments: int) -> int:
        """Parity fragments to send with an object of so many."""
        late = (self._least_rtt or 0.0) + 0.015
        return self._losses.parity(fragments, late, FRAME)

    def hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        """Whether the next picture should not be taken yet."""
        held = self._must_hold(now, backlog, unanswered, oldest)
        if held:
            self._held_at = now
        if not held:
            self._held_since = None
        elif self._held_since is None:
            self._held_since = now
        return held

    def _must_hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        frame = max(self._rate / 8 * FRAME, float(self._packet))
        if self._competition.active:
            return backlog > 2 * frame
        if backlog > max(frame, FRAME * (self.pacing_rate or 0.0)):
            return True
        if self._least_rtt is None or oldest is None:
            return False
        limit = OWN_QUEUE + self._target()
        path = self._empty + self._settings.report_interval
        if now - oldest > path + limit + min(self._delay.standing, limit) + 0.01:
            return True  # the path stands still: what is sent now would only wait there
        drains = self._path.value if self._path.value is not None else self._path.delivered
        if drains is None:
            return False
        if self._path.delivered is not None and self._path.stretched:
            drains = min(drains, 1.1 * self._path.delivered)
        if not self._alone:  # what came in a tenth of a second says little of what is under way on a long path
            limit += SHARED_SLACK * max(0.0, path - LONG_PATH)
        queue = (unanswered + backlog) / max(drains, 4000.0) - path
        if queue <= limit:
            return False
        return queue > LONGEST_HOLD or self._held_since is None or now - self._held_since < LONGEST_HOLD

    def probe(self, now: float) -> Probe | None:
        """A train to send now beside the media."""
        quiet = self._delay.newest < 0.01 and now - self._over_at > 0.6 and not self._competition.active
        blind = not self._path.stretched and self._rate < BLIND * self._best
        return self._probing.wanted(now, self._rate, self._path.sent_rate(now), self._path.stretched, blind, quiet)

    # ---- what it is told

    def on_sent(self, now: float, size: int, in_flight: int) -> None:
        """A packet left."""
        self._path.sent(now, size)

    def on_acked(self, now: float, size: int, sent: float) -> None:
        """Acknowledgements of the transport; the feedback says more."""

    def on_elsewhere(self, rate: float) -> None:
        """Streams were delivered at `rate` bytes per second."""
        self._path.elsewhere = rate

    def on_lost(self, now: float, packets: int) -> None:
        """Losses of the transport; the feedback says more."""

    def on_persistent_congestion(self) -> None:
        """Nothing came through for long."""
        self._set(max(self._settings.least, 0.5 * self._rate), "restart", "nothing was acknowledged for long")
        self._draining = False

    def on_rtt(self, now: float, rtt: float) -> None:
        """A round trip of the transport."""
        self._timed(rtt)

    def _timed(self, rtt: float) -> None:
        self._least_rtt = rtt if self._least_rtt is None else min(self._least_rtt, rtt)
        self._rtt = rtt

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """A report."""
        self._report(now, arrivals, lost)

    def _report(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        if not arrivals:
            if lost:
                self._losses.update(now, 0, len(lost), self._delay.newest, True)
            return
        gap = max(0.003, 1.6 * self._packet / (self.pacing_rate or 1.0) + 0.0008)
        ended = self._trains.add(arrivals, gap)
        self._delay.update(list(self._trains.recent), ended, self._competition.active)
        self._losses.order(arrivals, lost)
        base = self._delay.base or 0.0
        newest_sent, newest_arrived, _ = arrivals[-1]
        worst = max(arrived - sent for sent, arrived, _ in arrivals) - base
        overloaded = not self._competition.active and self._delay.newest > self._target() + OVERLOAD
        self._losses.update(now, len(arrivals), len(lost), worst, overloaded)
        size = sum(size for _, _, size in arrivals)
        self._path.update(now, newest_arrived, size, self._trains, self._rate, self._delay.noise)
        self._timed(now - newest_sent)
        # What the round trip has besides the queue in front of us: the way back, where others may queue.
        back = now - newest_arrived + base
        self._back = back if self._back is None else max(back, self._back + 0.1 * (back - self._back))
        if (found := self._probing.answered(now, arrivals, self._rate)) is not None:
            self._set(self._clamp(found), "probe", "a train came through")
        step = 0.0 if self._updated is None else min(0.1, now - self._updated)
        self._best *= float(REMEMBER**step)
        if self._path.stretched and self._path.value is not None:
            self._best = max(self._best, 8 * self._path.value)
        self._updated = now
        self._bottleneck.update(ended, base, self._delay.noise, step)
        self._control(now, step, bool(lost))

    @property
    def _alone(self) -> bool:
        return self._bottleneck.alone and not self._competition.active and not self._stuck

    # ---- the law

    def _target(self) -> float:
        aimed: float = TARGET * math.sqrt(TARGET_RATE / self._rate)
        target = min(MOST_TARGET, max(LEAST_TARGET, aimed)) + 1.5 * self._delay.noise
        target += 4.0 * max(0.0, self._delay.noise - SCATTER)
        if self._losses.congestive and self._losses.delay_at_loss is not None:
            target = min(target, max(0.004, 0.45 * self._losses.delay_at_loss))
        return target

    def _control(self, now: float, step: float, lost: bool) -> None:
        delivered = 8 * (self._path.delivered if self._path.delivered is not None else self._rate / 8)
        sent = self._path.sent_rate(now)
        idle = sent < 0.5 * self._rate and now - self._held_at > HELD
        target = self._target()
        queue, newest = self._delay.standing, self._delay.newest
        over = target + OVERLOAD + 1.5 * self._delay.noise
        overloaded = queue > over and newest > over
        if queue <= target:
            self._calm_at, self._calm_rate = now, max(self._rate, 0.9 * self._calm_rate)
        elif self._longer(now):
            return
        # Alone, a queue is gone in its own time; one that stays is not ours.
        self._stuck = now - self._calm_at > STUCK + self._rtt + 2 * queue
        rate = self._competition.update(
            now,
            step,
            self._rate,
            delivered,
            sent,
            self._rtt,
            queue,
            target,
            overloaded,
            lost,
            idle or self._bottleneck.alone,
            self._bottleneck.share,
        )
        if rate is not None:
            self._draining = False
            self._set(self._clamp(rate), "compete", "another flow keeps the queue full")
            return
        if lost and self._losses_cut(now, delivered):
            return
        if now - self._cut_at > 8:
            self._pace = min(PACE, self._pace + 0.05 * step)
        if overloaded:
            self._drain(now, queue, target, delivered)
        elif self._draining and queue <= target:
            self._draining = False
            snap = 0.96 if self._alone else 0.93 if self._peak > 0.06 else 0.87
            self._set(self._clamp(max(self._rate, snap * self._memory)), "snap", "the queue is gone")
            self._hold_until = now + self._rtt
            self._peak = 0.0
        elif queue > target:
            share = min(0.25, (queue - target) / target * 0.3) * min(1.0, step / 0.08)
            self._gain = max(0.08, self._gain * (1 - 4 * step))
            given = self._rate * (1 - share)
            if self._alone and self._path.value is not None and self._path.stretched:
                given = min(self._rate, max(given, 0.93 * 8 * self._path.value))  # it drains by itself
            self._set(self._clamp(given), "yield", "a queue stands")
        elif not idle and now >= self._hold_until:
            self._grow(step, queue, target, sent)

    def _longer(self, now: float) -> bool:
        """A delay that stays the same to the millisecond while we send much less is no queue: the path is longer."""
        steady = self._delay.steady()
        if steady is None or self._rate > LESS * self._calm_rate:
            return False
        self._delay.rebase(steady)
        if self._least_rtt is not None:
            self._least_rtt += steady
        self._draining = False
        self._calm_at = now
        self._set(self._clamp(0.8 * self._calm_rate), "rebase", "the path became longer")
        return True

    def _losses_cut(self, now: float, delivered: float) -> bool:
        losses = self._losses
        if losses.congestive:
            self._pace = max(LEAST_PACE, self._pace * 0.8)
            if now - self._cut_at > max(0.1, self._rtt):
                self._cut(now, min(self._rate, max(0.7 * self._rate, 0.95 * delivered)), "a short queue overflowed")
                return True
        elif losses.recent > losses.usual + (
            MUCH if self._delay.newest > 0.5 * self._target() else VERY_MUCH
        ) and now - self._cut_at > max(0.15, self._rtt):
            self._pace = max(LEAST_PACE, self._pace * 0.85)
            self._cut(now, min(self._rate, max(0.5 * self._rate, 0.93 * delivered)), "much was lost")
            return True
        return False

    def _cut(self, now: float, rate: float, why: str) -> None:
        self._cut_at = now
        self._gain = 0.05
        self._probing.started()
        self._set(self._clamp(rate), "cut", why)

    def _drain(self, now: float, queue: float, target: float, delivered: float) -> None:
        self._probing.started()
        if not self._draining or now - self._over_at > 0.3:
            self._memory = delivered
        else:
            self._memory = 0.7 * self._memory + 0.3 * delivered
        self._draining = True
        share = max(0.35, min(0.93, 1 - (queue - 0.5 * target) / 0.25))
        self._gain = 0.1
        self._over_at = now
        self._peak = max(self._peak, queue)
        rate = self._memory * share
        if self._alone and self._path.value is not None and self._path.stretched:
            rate = max(rate, 0.93 * 8 * self._path.value)  # pictures are held meanwhile, and the queue is ours alone
        self._set(self._clamp(min(self._rate, rate)), "drain", "the queue is far too long")

    def _grow(self, step: float, queue: float, target: float, sent: float) -> None:
        capacity = self._path.value
        most = 4.0 if self._probing.starting else 2.0 if self._alone else 0.7
        self._gain = min(most, self._gain * (1 + 2.5 * step) + 0.02 * step)
        if queue >= 0.5 * target:
            self._gain = min(self._gain, 0.25)
        room = max(0.0, 1 - queue / target)
        if capacity is None:
            filled = 8 * self._path.elsewhere > FILLED * self._rate
            growth = self._gain * step * (0.5e6 + (1.0 if filled else 0.1) * self._rate)
        elif self._path.stretched and self._alone:
            gap = AIM_ALONE * 8 * capacity - self._rate
            growth = gap * min(1.0, step / max(0.2, 3 * self._rtt))
            growth = (
                max(growth, -0.02 * self._rate) if growth < 0 else max(growth, 0.02 * self._gain * step * self._rate)
            )
        else:
            reach = min(8 * capacity, 2.2 * self._rate + 2e6)
            growth = self._gain * step * max(0.02 * self._rate, AIM * reach - self._rate)
        if growth > 0:
            growth *= room
        self._set(self._clamp(self._rate + min(growth, 0.12 * self._rate + 2e4)), "grow", "there is room")

    def _clamp(self, rate: float) -> float:
        return min(self._settings.most, max(self._settings.least, rate))

    def _set(self, rate: float, what: str, why: str) -> None:
        self._rate = rate
        self._what, self._why = what, why

    def state(self, now: float) -> RateState:
        """What it thinks and why it last moved."""
        return RateState(
            state=self._what,
            reason=self._why,
            target=self._rate,
            capacity=8 * (self._path.value or 0.0),
            delivered=8 * (self._path.delivered or 0.0),
            pacing=8 * (self.pacing_rate or 0.0),
            queue_delay=self._delay.standing,
            loss=self._losses.average,
            parity=self.parity(16) / 16,
        )
