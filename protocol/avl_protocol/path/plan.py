"""PathPlan: which of its paths a session is on, and what is done about the others (spec 08-paths, 8.6).

It holds no path: it is shown how all of them are, whenever something has happened or its time has come, and answers
with steps. So the same stories bind every implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from avl_protocol.path.redial import Redial
from avl_protocol.path.selector import PathFigures, PathKind, Selector
from avl_protocol.wire.registry import (
    T_PATH_GIVE_UP,
    T_PATH_MOVE,
    T_PATH_REDIAL,
    T_PATH_UNMEASURED,
    T_PATH_UPGRADES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathState:
    """How one path is now.

    `direct`: it leads to the host, not to a relay; `attached`: it is a place for the session; `silent_since`: when it
    stopped answering; `unfit`: the session was refused there, or did not arrive in time; `going`: the session should
    leave it, although it answers. `rtt` is in seconds, `loss` a share of datagrams.
    """

    name: object
    kind: PathKind
    rtt: float | None = None
    loss: float = 0.0
    direct: bool = False
    attached: bool = True
    silent_since: float | None = None
    unfit: bool = False
    going: bool = False

    @property
    def fit(self) -> bool:
        """Whether the session may be here."""
        return self.silent_since is None and not self.unfit and not self.going

    @property
    def figures(self) -> PathFigures:
        """What the choice of a path is made from."""
        return PathFigures(name=self.name, kind=self.kind, rtt=self.rtt, loss=self.loss, silent=not self.fit)


class StepKind(Enum):
    """What is to be done."""

    LATE = "the session did not arrive on the path in time: it is unfit"
    GIVE_UP = "close the path"
    MOVE = "take the session to the path"
    DIAL = "dial the relays"
    UPGRADE = "dial the relay in use by UDP"
    CHANGED = "there is no path any more, or one again"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do; `name`: about which path, where it is about one."""

    kind: StepKind
    name: object | None = None


class PathPlan:
    """`current`: the name of the path that the session is on, or goes to. `nowhere_since`: since when there has been no
    path that answers; None while there is one."""

    def __init__(self) -> None:
        self.current: object | None = None
        self.nowhere_since: float | None = None
        self._selector = Selector()
        self._redial = Redial()
        self._arrives_by: float | None = None
        self._upgrade_at: float | None = None
        self._upgrades = 0
        self._check_at: float | None = None
        #: Of the path in use: what a path was is not to be seen any more when it is lost.
        self._kind: PathKind | None = None

    def decide(self, paths: Sequence[PathState], now: float) -> list[Step]:
        """What is to be done about all paths that there are, those being dialled included, in that order."""
        steps = self._end_lateness(now)
        paths = [replace(path, unfit=True) if steps and path.name == self.current else path for path in paths]
        for path in paths:
            silent = path.silent_since
            if path.direct and path.name != self.current and silent is not None and now >= silent + T_PATH_GIVE_UP:
                steps.append(Step(StepKind.GIVE_UP, path.name))
        paths = [path for path in paths if Step(StepKind.GIVE_UP, path.name) not in steps]
        attached = [path for path in paths if path.attached]
        chosen = self._selector.choose(self.current, [path.figures for path in attached], now)
        if chosen is not None and chosen != self.current:
            steps.append(self._move(chosen, attached, now))
        steps += self._whether_nowhere(attached, now)
        if self._redial.look(at_hand=_at_hand(paths, now), dialling=_dialling(paths), now=now):
            steps.append(Step(StepKind.DIAL))
        steps += self._upgrade(attached, now)
        limits = [
            path.silent_since + (T_PATH_GIVE_UP if path.direct else T_PATH_REDIAL)
            for path in paths
            if path.silent_since is not None
        ]
        self._check_at = min((at for at in limits if at > now), default=None)
        self._kind = next((path.kind for path in attached if path.name == self.current), None)
        return steps

    def _end_lateness(self, now: float) -> list[Step]:
        if self._arrives_by is None or now < self._arrives_by:
            return []
        self._arrives_by = None
        return [Step(StepKind.LATE, self.current)] if self.current is not None else []

    def _move(self, name: object, attached: Sequence[PathState], now: float) -> Step:
        before = next((path for path in attached if path.name == self.current), None)
        if before is not None and before.silent_since is not None:
            self._selector.failed(before.kind, now)
        self.current = name
        rtt = next(path.rtt for path in attached if path.name == name)
        self._arrives_by = now + T_PATH_MOVE + 4 * (rtt or T_PATH_UNMEASURED)
        return Step(StepKind.MOVE, name)

    def _whether_nowhere(self, attached: Sequence[PathState], now: float) -> list[Step]:
        """Who is on the way to a path has not arrived."""
        arriving = self.nowhere_since is not None and self._arrives_by is not None
        nowhere = arriving or not any(path.silent_since is None and not path.unfit for path in attached)
        if nowhere is (self.nowhere_since is not None):
            return []
        self.nowhere_since = now if nowhere else None
        return [Step(StepKind.CHANGED)]

    def _upgrade(self, attached: Sequence[PathState], now: float) -> list[Step]:
        """From TCP back to UDP."""
        if not any(path.name == self.current and path.kind is PathKind.TCP for path in attached):
            self._upgrade_at = None
            return []
        due = self._upgrade_at is not None and now >= self._upgrade_at
        if self._upgrade_at is None or due:
            self._upgrade_at = now + T_PATH_UPGRADES[min(self._upgrades, len(T_PATH_UPGRADES) - 1)]
            self._upgrades += 1
        return [Step(StepKind.UPGRADE)] if due else []

    # what has happened; `decide` comes after it

    def arrived(self) -> None:
        """The session is on the path that it was taken to."""
        self._arrives_by = self.nowhere_since = None

    def refused(self) -> None:
        """The host does not take the session on the path that it was taken to."""
        self._arrives_by = None

    def lost(self, path: PathState, now: float) -> None:
        """A path is over, or an attempt at one."""
        if not path.direct:
            self._redial.failed(now)
        if path.name == self.current:
            self._selector.failed(path.kind if self._kind is None else self._kind, now)
            self.current = None

    def adrift(self) -> None:
        """The session has lost its streams, not its path: choose again, be it the same."""
        self.current = None

    def begin_anew(self) -> None:
        """The machine has another network: relays are dialled at once where none is at hand."""
        self._redial.begin_anew()

    def next_timeout(self) -> float | None:
        """When `decide` should be called again."""
        times = (self._arrives_by, self._upgrade_at, self._check_at, self._redial.next_timeout())
        return min((at for at in times if at is not None), default=None)


def _at_hand(paths: Sequence[PathState], now: float) -> bool:
    """Whether a relay can take the session, or is silent for no longer than a moment."""
    return any(
        path.attached
        and not path.direct
        and not (path.unfit or path.going)
        and (path.silent_since is None or now < path.silent_since + T_PATH_REDIAL)
        for path in paths
    )


def _dialling(paths: Sequence[PathState]) -> bool:
    return any(not path.attached and not path.direct for path in paths)
