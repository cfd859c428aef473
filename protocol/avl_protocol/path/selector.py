"""Selector: which path a session takes now, among those that are open (spec 08-paths, 8.6).

Paths differ by milliseconds that change all the time, and a change of path costs a round trip: so a better path has to
be better by enough, for long enough, and one that has failed has to prove itself for longer each time.
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


class PathKind(IntEnum):
    """What a path is, the best first; the value orders paths that are else alike."""

    LAN = 0
    DIRECT = 1
    RELAY = 2
    TCP = 3


#: What programs and people call them.
PATH_NAMES = {PathKind.LAN: "lan", PathKind.DIRECT: "direct", PathKind.RELAY: "relay", PathKind.TCP: "tcp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFigures:
    """One open path now: its name, round trip in seconds, share of datagrams lost, and whether it answers."""

    name: object
    kind: PathKind
    rtt: float | None
    loss: float
    silent: bool

    @property
    def cost(self) -> float:
        """Seconds of round trip, with what else it is worse by."""
        cost = T_PATH_UNMEASURED if self.rtt is None else self.rtt
        cost += self.loss * 100 * T_PATH_LOSS_PENALTY
        if self.kind >= PathKind.RELAY:
            cost += T_PATH_RELAY_PENALTY
        return cost + (T_PATH_TCP_PENALTY if self.kind is PathKind.TCP else 0.0)


class Selector:
    """Chooses; its owner does what follows."""

    def __init__(self) -> None:
        self._failed: dict[PathKind, tuple[int, float]] = {}
        self._better: dict[object, float] = {}
        self._answers: dict[object, float] = {}

    def failed(self, kind: PathKind, now: float) -> None:
        """The path in use fell silent or was lost: the next of its kind has to prove itself."""
        count, at = self._failed.get(kind, (0, now))
        self._failed[kind] = (1 if now - at > T_PATH_FORGIVEN else count + 1, now)

    def proof(self, kind: PathKind, now: float) -> float:
        """Seconds that a path of this kind has to have answered before it is taken."""
        count, at = self._failed.get(kind, (0, now))
        if not count or now - at > T_PATH_FORGIVEN:
            return 0.0
        return float(min(T_PATH_LAST_PROOF, T_PATH_FIRST_PROOF * 2 ** (count - 1)))

    def choose(self, current: object | None, paths: Sequence[PathFigures], now: float) -> object | None:
        """The name of the path to take: `current`, unless another is better by enough or it does not answer."""
        known = {path.name for path in paths if not path.silent}
        self._answers = {name: at for name, at in self._answers.items() if name in known}
        for name in known:
            self._answers.setdefault(name, now)
        using = next((path for path in paths if path.name == current), None)
        open_paths = [path for path in paths if not path.silent]
        if using is None or using.silent:
            self._better.clear()
            proven = [path for path in open_paths if self._proven(path, now)]
            best = min(proven or open_paths, key=lambda path: (path.cost, path.kind), default=None)
            return best.name if best is not None else current
        fit = [
            path
            for path in open_paths
            if path.name != current
            and self._proven(path, now)
            and (path.cost < using.cost * PATH_BETTER - T_PATH_MARGIN or self._nearer(path, using))
        ]
        best = min(fit, key=lambda path: (path.cost, path.kind), default=None)
        self._better = {path.name: self._better.get(path.name, now) for path in fit}
        if best is None:
            return current
        if self._nearer(best, using) or now - self._better[best.name] >= T_PATH_PATIENCE:
            return best.name
        return current

    def _proven(self, path: PathFigures, now: float) -> bool:
        """Whether a path has answered for as long as it has to."""
        return now - self._answers[path.name] >= self.proof(path.kind, now)

    @staticmethod
    def _nearer(path: PathFigures, using: PathFigures) -> bool:
        """Whether a path is of a better kind, and not much slower: it needs no patience."""
        return path.kind < using.kind and path.cost <= using.cost * PATH_SLOWER + T_PATH_SLOWER_BY
