"""Selector: which way a session takes now, among those that are open (spec 08-paths, 8.6).

Ways differ by milliseconds that change all the time, and a change of way costs a round trip: so a better way has to be
better by enough, for long enough, and one that has failed has to prove itself for longer each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from avl_protocol.wire.registry import (
    PATH_BETTER,
    PATH_SLOWER,
    T_PATH_FIRST_PROOF,
    T_PATH_FORGIVEN,
    T_PATH_LAST_PROOF,
    T_PATH_LOSS_PENALTY,
    T_PATH_MARGIN,
    T_PATH_PATIENCE,
    T_PATH_RELAY_PENALTY,
    T_PATH_SLOWER_BY,
    T_PATH_TCP_PENALTY,
    T_PATH_UNMEASURED,
)


class WayKind(IntEnum):
    """What a way is, the best first; the value orders ways that are else alike."""

    LAN = 0
    DIRECT = 1
    RELAY = 2
    TCP = 3


#: What programs and people call them.
WAY_NAMES = {WayKind.LAN: "lan", WayKind.DIRECT: "direct", WayKind.RELAY: "relay", WayKind.TCP: "tcp"}


@dataclass(frozen=True, slots=True)
class WayFigures:
    """One open way now: its name, round trip in seconds, share of datagrams lost, and whether it answers."""

    name: object
    kind: WayKind
    rtt: float | None
    loss: float
    silent: bool

    @property
    def cost(self) -> float:
        """Seconds of round trip, with what else it is worse by."""
        cost = T_PATH_UNMEASURED if self.rtt is None else self.rtt
        cost += self.loss * 100 * T_PATH_LOSS_PENALTY
        if self.kind >= WayKind.RELAY:
            cost += T_PATH_RELAY_PENALTY
        return cost + (T_PATH_TCP_PENALTY if self.kind is WayKind.TCP else 0.0)


class Selector:
    """Chooses; its owner does what follows."""

    def __init__(self) -> None:
        self._failed: dict[WayKind, tuple[int, float]] = {}
        self._better: dict[object, float] = {}
        self._answers: dict[object, float] = {}

    def failed(self, kind: WayKind, now: float) -> None:
        """The way in use fell silent or was lost: the next of its kind has to prove itself."""
        count, at = self._failed.get(kind, (0, now))
        self._failed[kind] = (1 if now - at > T_PATH_FORGIVEN else count + 1, now)

    def proof(self, kind: WayKind, now: float) -> float:
        """Seconds that a way of this kind has to have answered before it is taken."""
        count, at = self._failed.get(kind, (0, now))
        if not count or now - at > T_PATH_FORGIVEN:
            return 0.0
        return float(min(T_PATH_LAST_PROOF, T_PATH_FIRST_PROOF * 2 ** (count - 1)))

    def choose(self, current: object | None, ways: Sequence[WayFigures], now: float) -> object | None:
        """The name of the way to take: `current`, unless another is better by enough or it does not answer."""
        known = {way.name for way in ways if not way.silent}
        self._answers = {name: at for name, at in self._answers.items() if name in known}
        for name in known:
            self._answers.setdefault(name, now)
        using = next((way for way in ways if way.name == current), None)
        open_ways = [way for way in ways if not way.silent]
        if using is None or using.silent:
            self._better.clear()
            proven = [way for way in open_ways if self._proven(way, now)]
            best = min(proven or open_ways, key=lambda way: (way.cost, way.kind), default=None)
            return best.name if best is not None else current
        fit = [
            way
            for way in open_ways
            if way.name != current
            and self._proven(way, now)
            and (way.cost < using.cost * PATH_BETTER - T_PATH_MARGIN or self._nearer(way, using))
        ]
        best = min(fit, key=lambda way: (way.cost, way.kind), default=None)
        self._better = {way.name: self._better.get(way.name, now) for way in fit}
        if best is None:
            return current
        if self._nearer(best, using) or now - self._better[best.name] >= T_PATH_PATIENCE:
            return best.name
        return current

    def _proven(self, way: WayFigures, now: float) -> bool:
        """Whether a way has answered for as long as it has to."""
        return now - self._answers[way.name] >= self.proof(way.kind, now)

    @staticmethod
    def _nearer(way: WayFigures, using: WayFigures) -> bool:
        """Whether a way is of a better kind, and not much slower: it needs no patience."""
        return way.kind < using.kind and way.cost <= using.cost * PATH_SLOWER + T_PATH_SLOWER_BY
