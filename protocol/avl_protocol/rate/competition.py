"""Competition: holding one's share against flows that fill the queue until it overflows (spec 10.4).

A controller that yields to every queue gets nothing beside one that makes them. It is recognised by a queue that
stays although we gave way, while delivery merely follows what we send: alone, a queue of ours would drain. Then a
window is steered by loss, as the others do it, until the queue empties.
"""

from __future__ import annotations

from collections import deque

from avl_protocol.rate.settings import RateSettings

#: Growth per round trip in packets, and what a loss leaves of the window.
GROWTH, AFTER_LOSS = 1.25, 0.78
#: Seconds of overload before a competitor is suspected, and between two times.
SUSPECT, AGAIN = 0.8, 3.0
#: Seconds for which a competitor that was met is remembered, and of overload then.
KNOWN, SUSPECT_AGAIN = 20.0, 0.25
#: A share of the bottleneck this small is reason enough.
CROWDED = 0.35
#: Our rate must be below this share of what we had.
GAVE_WAY = 0.6


class Competition:
    """The competitive mode of one hop."""

    def __init__(self, settings: RateSettings) -> None:
        self._settings = settings
        self._had: deque[tuple[float, float]] = deque()
        self._standing: deque[tuple[float, float]] = deque()
        self._over: float | None = None
        self._ratio = 1.3
        self._entered = self._left = float("-inf")
        self._lost_at = float("-inf")
        self.window = 0.0
        self.active = False

    def update(
        self,
        now: float,
        step: float,
        rate: float,
        delivered: float,
        sent: float,
        rtt: float,
        queue: float,
        target: float,
        overloaded: bool,
        lost: bool,
        idle: bool,
        share: float,
    ) -> float | None:
        """Take a report's figures (rates in bit/s, times in seconds, our share of the bottleneck); the rate while
        competing, None otherwise."""
        self._standing.append((now, queue))
        while self._standing[0][0] < now - 2.0:
            self._standing.popleft()
        if self.active:
            return self._compete(now, step, delivered, sent, rtt, queue, target, lost)
        if not idle and not overloaded and (not self._had or now - self._had[-1][0] > 0.25):
            self._had.append((now, delivered))
            while self._had[0][0] < now - 15:
                self._had.popleft()
        if not overloaded:
            self._over = None
            return None
        if self._over is None:
            self._over, self._ratio = now, 1.3
        self._ratio += (delivered / max(sent, 1e4) - self._ratio) * min(1.0, step / 0.25)
        had = max((value for _, value in self._had), default=0.0)
        known = now - self._left < KNOWN
        if (
            now - self._over > (SUSPECT_AGAIN if known else max(SUSPECT, 4 * rtt))
            and now - self._left > (0.0 if known else AGAIN)
            and (self._ratio < 1.12 or share < CROWDED)
            and (rate < GAVE_WAY * had or share < CROWDED)
            and not idle
        ):
            self.active = True
            self._entered = self._lost_at = now
            began = max(0.5 * had / 8 * rtt, 8.0 * self._settings.packet_size)
            self.window = max(began, self.window * AFTER_LOSS) if known else began
            return self._rate(rtt)
        return None

    def _compete(
        self,
        now: float,
        step: float,
        delivered: float,
        sent: float,
        rtt: float,
        queue: float,
        target: float,
        lost: bool,
    ) -> float | None:
        if now - self._entered > 1.0 + 2 * rtt and delivered < 0.55 * sent:
            self.active, self._over = False, None
            self._left = now + 8  # what we send does not arrive: the path became slow, nobody competes
            return 0.8 * delivered
        if lost and now - self._lost_at > 2 * rtt:
            self._lost_at = now
            self.window = max(6000.0, self.window * AFTER_LOSS)
        else:
            packet = self._settings.packet_size
            self.window += GROWTH * packet * (delivered / 8 * step) / max(self.window, packet)
        if min(value for _, value in self._standing) < 0.5 * target + 0.004 or queue < 0.006:
            self.active, self._over = False, None
            self._left = now
            return 0.9 * delivered
        self.window = min(self.window, self._settings.most / 8 * (rtt + 0.05))
        return self._rate(rtt)

    def _rate(self, rtt: float) -> float:
        return 0.92 * 8 * self.window / max(rtt, 0.01)
