"""GccController: Google Congestion Control, the controller of WebRTC, as a baseline.

draft-ietf-rmcat-gcc-02 with the send-side parts that browsers run today: transport-wide reports every 50 ms,
trendline detector (gcc_delay), additive and multiplicative rate control (gcc_rate), loss-based control and
acknowledged bitrate (gcc_loss), probing (gcc_probe). The target is the lesser of the two controls (section 6).
Written from the draft, the papers and the published parameters; it is not libwebrtc, and each module says what it
leaves out. Beside those: no window pushback by round trip (off by default there), no pacer that hurries when its
queue grows old, no parity.
"""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rate.control import Arrival, Probe, RateState
from interop.bench.rate.baselines.base import Baseline, clamped, next_due
from interop.bench.rate.baselines.gcc_delay import PacketGroups, TrendlineDetector, Usage
from interop.bench.rate.baselines.gcc_loss import AcknowledgedBitrate, LossBasedControl
from interop.bench.rate.baselines.gcc_probe import AlrDetector, ProbeControl
from interop.bench.rate.baselines.gcc_rate import DECREASE, AimdRateControl

#: Seconds between two transport-wide reports.
REPORT_INTERVAL = 0.05
PACING_FACTOR = 2.5
#: After so long without a packet the detector begins anew.
STREAM_TIMEOUT = 2.0


class GccController(Baseline):
    """A RateController; rates in bit/s, times in seconds, `packet_size` in bytes."""

    def __init__(self, rmin: float, rstart: float, rmax: float, packet_size: int) -> None:
        super().__init__(rmin, rstart, rmax, packet_size)
        self._groups, self._detector = PacketGroups(), TrendlineDetector()
        self._aimd = AimdRateControl(rmin, rstart, packet_size)
        self._loss_based = LossBasedControl(rmin, rstart, rmax)
        self._acked = AcknowledgedBitrate()
        self._probing = ProbeControl(rstart, rmax, packet_size)
        self._alr = AlrDetector()
        self._arrivals: list[Arrival] = []
        self._lost = 0
        self._due: float | None = None
        self._seen: float | None = None
        self._least_delay: float | None = None
        self._queue_delay = 0.0
        self._reason = "start"

    @property
    def target_bitrate(self) -> float:
        """The lesser of the delay-based and the loss-based rate."""
        return clamped(self._loss_based.rate, self.rmin, self.rmax)

    @property
    def pacing_rate(self) -> float:
        """PACING_FACTOR times the target, in bytes per second (section 4)."""
        return PACING_FACTOR * self.target_bitrate / 8

    @property
    def loss(self) -> float:
        """Share lost of the last twenty packets or more."""
        return self._loss_based.loss

    def on_sent(self, now: float, size: int, in_flight: int) -> None:
        """A packet left: a train or the budget of the application-limited region takes note."""
        self._alr.advance(now, self.target_bitrate, size)
        self._probing.on_sent(now, size)

    def take_rtt(self, now: float, rtt: float) -> None:
        """A round-trip sample for the response time."""
        super().take_rtt(now, rtt)
        assert self.smoothed_rtt is not None
        self._aimd.rtt = self.smoothed_rtt

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """Gather what came; act as on one report once REPORT_INTERVAL has passed."""
        super().on_feedback(now, arrivals, lost)
        self._arrivals.extend(arrivals)
        self._lost += len(lost)
        if self._due is None:
            self._due = now + REPORT_INTERVAL
        elif now >= self._due and (self._arrivals or self._lost):
            self._due = next_due(self._due, now, REPORT_INTERVAL)
            gathered, losses = self._arrivals, self._lost
            self._arrivals, self._lost = [], 0
            self._report(now, gathered, losses)

    def probe(self, now: float) -> Probe | None:
        """The next train: at the start, in the application-limited region, or after a drop."""
        self._alr.advance(now, self.target_bitrate, 0)
        return self._probing.next(now, self._alr.since)

    def state(self, now: float) -> RateState:
        """What it thinks and why it last moved."""
        return RateState(
            state="application limited" if self._alr.since is not None else self._aimd.state,
            reason=self._reason,
            target=self.target_bitrate,
            capacity=self._aimd.capacity.value or 0.0,
            delivered=self._acked.value or 0.0,
            pacing=8 * self.pacing_rate,
            queue_delay=self._queue_delay,
            loss=self.loss,
            parity=0.0,
        )

    def _report(self, now: float, arrivals: list[Arrival], lost: int) -> None:
        self._loss_based.on_report(now, lost, len(arrivals))
        if arrivals:
            self._acked.add(arrivals)
            self._delay_based(now, self._detect(now, arrivals))
        before = self.target_bitrate
        rate = self._loss_based.update(now, self._aimd.rate, self._aimd.rtt)
        if rate < before and rate < self._aimd.rate:
            self._reason = "loss"
        self._probing.on_estimate(now, rate)

    def _detect(self, now: float, arrivals: list[Arrival]) -> bool:
        """Feed the detector; whether the path went from under-use to normal, that is, its queue has drained."""
        if self._seen is not None and now - self._seen > STREAM_TIMEOUT:
            self._groups, self._detector = PacketGroups(), TrendlineDetector()
        self._seen = now
        recovered = False
        least = arrivals[0][1] - arrivals[0][0]
        for arrival in arrivals:
            sent, arrived, _ = arrival
            least = min(least, arrived - sent)
            self._probing.on_arrival(arrival)
            deltas = self._groups.add(sent, arrived)
            if deltas is not None:
                before = self._detector.usage
                self._detector.add(*deltas, arrived)
                recovered |= before is Usage.UNDERUSE and self._detector.usage is Usage.NORMAL
        self._least_delay = least if self._least_delay is None else min(self._least_delay, least)
        self._queue_delay = least - self._least_delay
        return recovered

    def _delay_based(self, now: float, recovered: bool) -> None:
        usage, acked, aimd = self._detector.usage, self._acked.value, self._aimd
        measured = self._probing.measured(now)
        if usage is Usage.OVERUSE:
            if not aimd.may_decrease(now, acked):
                return
            if acked is None:
                # Over-use before anything is known of the path's rate.
                aimd.set_rate(now, aimd.rate / 2)
            else:
                aimd.update(now, usage, acked)
            self._reason = f"over-use: {DECREASE} of what is acknowledged"
        elif measured is not None:
            aimd.set_rate(now, measured)
            self._loss_based.set_rate(measured)
            self._reason = "probe"
        else:
            aimd.update(now, usage, acked)
            self._reason = usage.value
            if recovered:
                self._probing.on_recovery(now, self._alr)
