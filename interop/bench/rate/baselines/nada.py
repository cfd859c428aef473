"""NadaController: Network-Assisted Dynamic Adaptation (RFC 8698) as a baseline.

Delay, loss and (where there are any) marks become one congestion signal in milliseconds, and a reference rate follows
it: at equilibrium the signal is XREF * RMAX / rate, so that a slower flow accepts a longer queue. The receiver's side
is computed at the sender out of reports, which section 6.4 allows; RMAX is the flow's maximum, as the RFC wants it.

Simplified or chosen: no marks are carried, so that term is 0; the base delay is the least of the whole run (section
5.1.1 would renew it every ten minutes or so); the signal is capped at 500 ms as in the authors' simulation code; the
time since the last update counts for no more than LOGWIN; the shaping buffer of section 5.2.1 is the caller's queue,
known when `hold` is asked.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from avl_protocol.rate.control import Arrival, RateState
from interop.bench.rate.baselines.base import UNKNOWN_RTT, Baseline, clamped, next_due
from interop.bench.rate.baselines.nada_loss import LossIntervals

# Parameters of section 4.1, figure 3; seconds and bit/s.
PRIO = 1.0
XREF = 0.010
KAPPA = 0.5
ETA = 2.0
TAU = 0.5
DELTA = 0.1
LOGWIN = 0.5
QEPS = 0.010
DFILT = 0.12
GAMMA_MAX = 0.5
QBOUND = 0.05
QTH = 0.05
LAMBDA = 0.5
PLRREF = 0.01
DLOSS = 0.010
FPS = 30
BETA_S = BETA_V = 0.1
ALPHA = 0.1
#: Cap of the congestion signal; in the authors' simulation code, not in the RFC.
XMAX = 0.5
#: Samples over which delays are minimum filtered (section 5.1.1).
TAPS = 15


def warped(queue: float) -> float:
    """d_tilde of section 4.2, equation 1: beyond QTH a longer queue weighs less, against loss-based flows."""
    return queue if queue < QTH else QTH * math.exp(-LAMBDA * (queue - QTH) / QTH)


def ramp_up(rtt: float) -> float:
    """gamma of section 4.3, equation 3: the growth whose own queue stays within QBOUND until it would be seen."""
    return min(GAMMA_MAX, QBOUND / (rtt + DELTA + DFILT))


def equilibrium(signal: float, rmax: float) -> float:
    """The rate in bit/s at which a constant signal in seconds moves nothing (equation 5 with x_offset = 0)."""
    return PRIO * XREF * rmax / signal


class NadaController(Baseline):
    """A RateController; rates in bit/s, times in seconds, `packet_size` in bytes."""

    def __init__(self, rmin: float, rstart: float, rmax: float, packet_size: int) -> None:
        super().__init__(rmin, rstart, rmax, packet_size)
        self.reference = rstart
        self.signal = 0.0
        self.p_loss = 0.0
        self.accelerated = True
        self._intervals = LossIntervals()
        #: (arrived or when the loss was reported, one-way delay or None if lost, size) of the last LOGWIN seconds.
        self._log: deque[tuple[float, float | None, int]] = deque()
        self._base: float | None = None
        self._delays: deque[float] = deque(maxlen=TAPS)
        self._rtts: deque[float] = deque(maxlen=TAPS)
        self._arrivals: list[Arrival] = []
        self._losses: list[tuple[float, int]] = []
        self._updated: float | None = None
        self._due: float | None = None
        self._first_arrival: float | None = None
        self._last_arrival = 0.0
        self._backlog = 0
        self._queue = 0.0
        self._received = 0.0

    @property
    def target_bitrate(self) -> float:
        """r_vin of section 5.2.2: the reference rate less what drains the shaping buffer."""
        return clamped(self.reference - BETA_V * 8 * self._backlog * FPS, self.rmin, self.rmax)

    @property
    def pacing_rate(self) -> float:
        """r_send of section 5.2.2 in bytes per second."""
        return min(self.rmax, self.reference + BETA_S * 8 * self._backlog * FPS) / 8

    @property
    def loss(self) -> float:
        """p_loss of section 5.1.2."""
        return self.p_loss

    def take_rtt(self, now: float, rtt: float) -> None:
        """A round-trip sample, minimum filtered like the delays."""
        super().take_rtt(now, rtt)
        self._rtts.append(rtt)

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """Gather what came; update the rate once DELTA has passed."""
        super().on_feedback(now, arrivals, lost)
        self._arrivals.extend(arrivals)
        self._losses.extend(lost)
        if self._due is None or self._updated is None:
            self._updated, self._due = now, now + DELTA
        elif now >= self._due and self._arrivals:
            self._due = next_due(self._due, now, DELTA)
            elapsed, self._updated = min(now - self._updated, LOGWIN), now
            self._observe()
            self._update(elapsed)

    def hold(self, now: float, backlog: int, unanswered: int, oldest: float | None) -> bool:
        """The rule of all baselines; the backlog is the shaping buffer."""
        self._backlog = backlog
        return super().hold(now, backlog, unanswered, oldest)

    def state(self, now: float) -> RateState:
        """What it thinks and why it last moved."""
        return RateState(
            state="accelerated ramp-up" if self.accelerated else "gradual update",
            reason=f"signal {1000 * self.signal:.0f} ms",
            target=self.target_bitrate,
            capacity=0.0,
            delivered=self._received,
            pacing=8 * self.pacing_rate,
            queue_delay=self._queue,
            loss=self.p_loss,
            parity=0.0,
        )

    def _observe(self) -> None:
        """The receiver's side, sections 4.2 and 5.1."""
        # Losses have no arrival time: they enter the log with the packets sent about when they were.
        events: list[tuple[float, float | None, int]] = [*self._arrivals]
        events += [(sent, None, size) for sent, size in self._losses]
        events.sort(key=lambda event: event[0])
        self._arrivals, self._losses = [], []
        if self._first_arrival is None:
            self._first_arrival = self._last_arrival = min(arrived for _, arrived, _ in events if arrived is not None)
        for sent, arrived, size in events:
            if arrived is None:
                self._intervals.lost()
                self._log.append((self._last_arrival, None, size))
                continue
            self._intervals.arrived()
            self._last_arrival = max(self._last_arrival, arrived)
            delay = arrived - sent
            self._base = delay if self._base is None else min(self._base, delay)
            self._delays.append(delay)
            self._log.append((self._last_arrival, delay, size))
        while self._log[0][0] < self._last_arrival - LOGWIN:
            self._log.popleft()
        lost = sum(delay is None for _, delay, _ in self._log)
        self.p_loss += ALPHA * (lost / len(self._log) - self.p_loss)
        # Before a window has passed, what arrived is divided by the time there was, but not by a burst's.
        time = clamped(self._last_arrival - self._first_arrival, DELTA, LOGWIN)
        self._received = 8 * sum(size for _, delay, size in self._log if delay is not None) / time

    def _update(self, elapsed: float) -> None:
        """The signal (section 4.2, equations 1 and 2) and the sender's side (section 4.3, equations 3 to 7)."""
        assert self._base is not None
        self._queue = min(self._delays) - self._base
        fresh = self._intervals.freshness
        delay = fresh * warped(self._queue) + (1 - fresh) * self._queue
        before, self.signal = self.signal, min(XMAX, delay + DLOSS * (self.p_loss / PLRREF) ** 2)
        self.accelerated = all(delay is not None and delay - self._base < QEPS for _, delay, _ in self._log)
        if self.accelerated:
            rtt = min(self._rtts, default=UNKNOWN_RTT)
            rate = max(self.reference, (1 + ramp_up(rtt)) * self._received)
        else:
            offset = self.signal - PRIO * XREF * self.rmax / self.reference
            change = elapsed / TAU * offset / TAU + ETA * (self.signal - before) / TAU
            rate = self.reference * (1 - KAPPA * change)
        self.reference = clamped(rate, self.rmin, self.rmax)
