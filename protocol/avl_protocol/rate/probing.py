"""Probing: short trains that ask for more than the media would, at the start and while there is little to send (spec
07-rate, 7.4).

The screen is still most of the time. Trains follow each other while something happens and 5 s longer, so that the
estimate is fresh when a film begins; a still screen sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.rate.control import Arrival, Probe
from avl_protocol.rate.settings import RateSettings

#: First train: packets, and its rate as a multiple of the first rate; each that comes through is followed by one this
#: much faster.
FIRST, FIRST_RATE, NEXT, NEXT_RATE = 10, 4.0, 12, 2.2
#: Seconds that the first train takes at most: pictures wait behind it.
FIRST_TIME = 0.04
#: Seconds between trains while little is sent, and while much is sent without meeting a limit.
IDLE_INTERVAL, BUSY_INTERVAL = 1.0, 2.5
#: While little is sent, a train that only confirms the rate is followed by one twice as long after it, at last after so
#: many seconds; a rate that is another by this share has yet to be confirmed.
LONGEST_IDLE, OTHER = 4.0, 0.1
#: Packets of the train, at four times the rate, and seconds between two, while frames are too small to
#: tell anything; longer each time that one does not come through.
BLIND, BLIND_INTERVAL, LONGEST_BLIND = 5, 0.3, 5.0
#: A train is through when it arrives at this share of the rate it left with; noise that pressed it together tells
#: nothing.
THROUGH, PRESSED = 0.85, 1.6
#: Seconds within which a train's packets must be answered.
PATIENCE = 1.0


class Probing:
    """The trains of one hop."""

    def __init__(self, settings: RateSettings) -> None:
        self._settings = settings
        least = FIRST * settings.packet_size / FIRST_TIME
        self._next: Probe | None = Probe(FIRST, max(least, FIRST_RATE * settings.start / 8))
        self._last = float("-inf")
        self._open: tuple[float, Probe] | None = None
        self._answers: list[Arrival] = []
        self._blind = self._idle = False
        self._blind_interval = BLIND_INTERVAL
        self._idle_interval = IDLE_INTERVAL
        self._confirmed = 0.0
        self.starting = True

    def started(self) -> None:
        """A limit was met: the start is over."""
        self.starting = False
        self._next = None

    def wanted(self, now: float, rate: float, sent: float, stretched: bool, blind: bool, quiet: bool) -> Probe | None:
        """The train to send now. Rates in bit/s; `quiet`: there is no queue; `blind`: frames
        are too small to tell a capacity."""
        if self._open is not None and now - self._open[0] < PATIENCE:
            return None
        if self._open is not None:
            self._idle_interval = IDLE_INTERVAL  # nobody has answered it
        self._open = None
        probe, self._next = self._next, None
        if probe is None:
            probe = self._regular(now, rate, sent, stretched, blind) if quiet else None
        if probe is not None:
            self._last = now
            self._open = (now, probe)
            self._answers = []
        return probe

    def _regular(self, now: float, rate: float, sent: float, stretched: bool, blind: bool) -> Probe | None:
        if (
            blind
            and sent > 0.5 * rate
            and now - self._last > self._blind_interval
            and rate < 0.97 * self._settings.most
        ):
            self._blind, self._idle = True, False
            return Probe(BLIND, 4 * rate / 8)
        self._blind = False
        self._idle = little = sent < 0.35 * rate
        if abs(rate - self._confirmed) > OTHER * self._confirmed:
            self._idle_interval = IDLE_INTERVAL
        interval = self._idle_interval if little else BUSY_INTERVAL if not stretched else 6.0
        if now - self._last < interval or rate > 0.97 * self._settings.most:
            return None
        packets = int(min(16, max(4, 0.03 * rate / 8 / self._settings.packet_size)))
        return Probe(packets, rate / 8 * (1.15 if little else 2.0))

    def answered(self, now: float, arrivals: Sequence[Arrival], rate: float) -> float | None:
        """Arrivals, some perhaps of the open train; a new rate in bit/s when it tells one."""
        if self._open is None:
            return None
        began, probe = self._open
        length = probe.packets * self._settings.packet_size / probe.rate + 0.004
        self._answers += [arrival for arrival in arrivals if began <= arrival[0] <= began + length]
        over = arrivals[-1][0] > began + length or len(self._answers) >= probe.packets
        if not over:
            return None
        self._open = None
        return self._judge(probe, rate)

    def _judge(self, probe: Probe, rate: float) -> float | None:
        answers = self._answers
        if len(answers) < 4:
            self._idle_interval = IDLE_INTERVAL
            return None
        leaving = answers[-1][0] - answers[0][0]
        arriving = answers[-1][1] - answers[0][1]
        size = sum(size for _, _, size in answers[1:])
        if arriving <= 0:
            return None
        left = 8 * size / leaving if leaving > 0 else 8 * probe.rate
        left = min(left, 8 * probe.rate)
        arrived = 8 * size / arriving
        if arrived > PRESSED * left:
            return None
        through = min(left, arrived)
        if arrived >= THROUGH * left:
            if self.starting:
                if through < 1.4 * self._settings.most:
                    self._next = Probe(NEXT, NEXT_RATE * through / 8)
                return max(rate, 0.6 * through)
            self._blind_interval = BLIND_INTERVAL
            if self._idle:
                self._idle_interval, self._confirmed = min(LONGEST_IDLE, 2 * self._idle_interval), rate
            most = 3.0 if self._blind else 1.35
            return max(rate, min(most * rate, 0.75 * through)) if left > 1.3 * rate else None
        self._idle_interval = IDLE_INTERVAL
        if self._blind:
            self._blind_interval = min(LONGEST_BLIND, 2 * self._blind_interval)
            return max(rate, 0.85 * arrived)
        if self.starting:
            self.starting = False
            return max(rate, 0.8 * arrived)
        if arrived < 0.8 * rate and left >= 0.95 * rate:
            return max(0.9 * arrived, 0.3 * rate)  # it became less while nobody looked
        return None
