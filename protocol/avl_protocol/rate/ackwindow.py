"""AckWindow: a congestion window from acknowledgements alone, for streams while no media flows (spec 10.5).

It is steered by queueing delay and by heavy loss.

Time is cut into rounds of about one round trip. A round whose fastest sample still shows a queue shrinks the window
towards what was delivered; a round that filled the window without a queue grows it. Light random loss changes
nothing, because a lossy radio link is not a full one. Nothing here reads a clock: `now` is seconds of the caller's
monotonic clock.
"""

from __future__ import annotations

from avl_protocol.rate.window import MinimumFilter

INITIAL_PACKETS = 32
MINIMUM_PACKETS = 2
MAXIMUM_WINDOW = 16 << 20
#: Delay alone never pushes the window below this many packets: the path may simply have become longer.
DELAY_FLOOR_PACKETS = 4
#: Standing queue that is tolerated, in seconds; it must exceed a peer's delay of its acknowledgements.
QUEUE_TARGET = 0.025
#: Share of a round's packets that must be lost, and how many at least, before loss counts as congestion.
HEAVY_LOSS = 0.05
HEAVY_LOSS_PACKETS = 4
HEAVY_LOSS_SHARE = 0.7
BASE_RTT_WINDOW = 10.0
MINIMUM_ROUND = 0.005
#: Rounds spent at the floor with an unchanging delay before it is taken for the path's own.
ROUNDS_BEFORE_REBASE = 8
#: Rate the encoder is offered, as a share of what the window carries: the rest lets the queue drain.
TARGET_SHARE = 0.85


class AckWindow:
    """Congestion window, pacing rate and target bitrate of one hop."""

    def __init__(self, packet_size: int) -> None:
        self._packet = packet_size
        self._window = float(INITIAL_PACKETS * packet_size)
        self._slow_start = True
        self._base = MinimumFilter(BASE_RTT_WINDOW)
        self._smoothed: float | None = None
        self._round_start: float | None = None
        self._round_minimum: float | None = None
        self._samples = 0
        self._peak = 0
        self._acked_bytes = 0
        self._acked = 0
        self._lost = 0
        self._rounds_at_floor = 0

    @property
    def congestion_window(self) -> int:
        """Bytes that may be in flight."""
        return int(self._window)

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which to spread packets; None while the path's limit is unknown."""
        if self._slow_start or self._smoothed is None:
            return None
        return 1.5 * self._window / max(self._smoothed, 0.001)

    @property
    def target_bitrate(self) -> float | None:
        """Bits per second the hop could carry now; None until it was congested once."""
        base = self._base.value
        if self._slow_start or base is None:
            return None
        return TARGET_SHARE * 8 * self._window / (base + QUEUE_TARGET)

    def on_sent(self, in_flight: int) -> None:
        """Packets left; `in_flight` is the number of bytes now unacknowledged."""
        self._peak = max(self._peak, in_flight)

    def on_acked(self, now: float, size: int, packets: int = 1) -> None:
        """Packets of `size` bytes together were acknowledged."""
        self._acked += packets
        self._acked_bytes += size
        if self._round_start is None:
            self._round_start = now
        elif now - self._round_start >= max(self._smoothed or 0.0, MINIMUM_ROUND):
            self._end_round(now)

    def on_lost(self, now: float, packets: int) -> None:
        """Packets were declared lost."""
        self._lost += packets
        if self._round_start is None:
            self._round_start = now
        elif now - self._round_start >= 2 * max(self._smoothed or 0.0, MINIMUM_ROUND):
            self._end_round(now)

    def on_persistent_congestion(self) -> None:
        """Nothing arrived for a long time: begin again with very little."""
        self._slow_start = False
        self._window = float(MINIMUM_PACKETS * self._packet)

    def on_rtt(self, now: float, rtt: float) -> None:
        """A round-trip sample in seconds, the peer's acknowledgement delay included."""
        rtt = max(rtt, 0.0001)
        self._base.add(now, rtt)
        self._smoothed = rtt if self._smoothed is None else self._smoothed + (rtt - self._smoothed) / 8
        self._round_minimum = rtt if self._round_minimum is None else min(self._round_minimum, rtt)
        self._samples += 1

    def _end_round(self, now: float) -> None:
        assert self._round_start is not None
        duration = now - self._round_start
        base, fastest = self._base.value, self._round_minimum
        if self._lost >= HEAVY_LOSS_PACKETS and self._lost > HEAVY_LOSS * (self._lost + self._acked):
            self._slow_start = False
            carried = 0.0 if base is None else self._acked_bytes / duration * (base + QUEUE_TARGET)
            self._window = max(MINIMUM_PACKETS * self._packet, self._clamped(carried, HEAVY_LOSS_SHARE))
        elif base is not None and fastest is not None:
            queue = fastest - base
            limit = QUEUE_TARGET + base / 4
            if queue > limit and self._samples >= 2:
                self._shrink(now, duration, base, fastest)
            else:
                self._rounds_at_floor = 0
                # Growing a window that is not used would let one burst overrun the path.
                if self._peak >= self._window / 2 and queue < limit / 2:
                    self._grow()
        self._round_start = now
        self._round_minimum = None
        self._samples = self._peak = self._acked_bytes = self._acked = self._lost = 0

    def _shrink(self, now: float, duration: float, base: float, fastest: float) -> None:
        self._slow_start = False
        floor = DELAY_FLOOR_PACKETS * self._packet
        if self._window <= floor:
            self._rounds_at_floor += 1
            if self._rounds_at_floor >= ROUNDS_BEFORE_REBASE:
                self._base.reset(now, fastest)
                self._rounds_at_floor = 0
            return
        carried = self._acked_bytes / duration * (base + QUEUE_TARGET)
        self._window = max(floor, self._clamped(carried, TARGET_SHARE))

    def _clamped(self, carried: float, most: float) -> float:
        """What the path carried in the round, but at least half the window and at most a share of it."""
        return max(self._window / 2, min(carried, most * self._window))

    def _grow(self) -> None:
        step = self._window if self._slow_start else max(self._packet, 0.06 * self._window)
        self._window = min(self._window + step, MAXIMUM_WINDOW)
