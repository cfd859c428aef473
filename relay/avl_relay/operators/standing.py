"""Standing: how a running relay stands, which everything that operators look at is made from; of one process, or of all
that a relay has."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from avl_protocol.session.snapshot import Snapshot


class Observed(Protocol):
    """A running relay."""

    @property
    def accepting(self) -> bool:
        """Whether newcomers are taken."""

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One moment. `cpu`: CPU time in seconds; `memory`: resident, in bytes, 0 where it is not known; both of
    `processes` processes together."""

    accepting: bool
    whole: Snapshot
    cpu: float
    memory: int
    processes: int = 1


#: Looks at a relay, which may take asking other processes.
Look = Callable[[], Awaitable[Standing]]


def of_this_process(relay: Observed) -> Standing:
    """How the relay of this process stands now."""
    times = os.times()
    try:
        resident = int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        resident = 0
    return Standing(accepting=relay.accepting, whole=relay.snapshot(), cpu=times.user + times.system, memory=resident)


def together(standings: Sequence[Standing]) -> Standing:
    """Several processes of one relay as one: it takes newcomers where one of them does."""
    return Standing(
        accepting=any(one.accepting for one in standings),
        whole=Snapshot("relay", {}, tuple(one.whole for one in standings)),
        cpu=sum(one.cpu for one in standings),
        memory=sum(one.memory for one in standings),
        processes=sum(one.processes for one in standings),
    )


def as_json(standing: Standing) -> dict[str, Any]:
    """What one process tells another of itself."""
    return {
        "accepting": standing.accepting,
        "whole": _parts_as_json(standing.whole),
        "cpu": standing.cpu,
        "memory": standing.memory,
        "processes": standing.processes,
    }


def from_json(told: dict[str, Any]) -> Standing:
    """The inverse. Raises KeyError, TypeError, ValueError for what another version says."""
    return Standing(
        accepting=bool(told["accepting"]),
        whole=_parts_from_json(told["whole"]),
        cpu=float(told["cpu"]),
        memory=int(told["memory"]),
        processes=int(told["processes"]),
    )


def _parts_as_json(part: Snapshot) -> list[Any]:
    return [part.name, dict(part.counts), [_parts_as_json(below) for below in part.parts]]


def _parts_from_json(told: list[Any]) -> Snapshot:
    name, counts, parts = told
    numbers = {str(name): int(count) for name, count in counts.items()}
    return Snapshot(str(name), numbers, tuple(_parts_from_json(below) for below in parts))


def own_version() -> str:
    """The installed version."""
    try:
        return version("avl")
    except PackageNotFoundError:
        return "not installed"
