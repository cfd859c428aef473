"""How busy the machine is, and with whom: CPU seconds of each role's processes, and what is left for everybody else.

From /proc: a role is some processes with all their descendants. Those that end between two samples keep what they had
used when they were last seen.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interop.bench.rig.wire import Loopback

#: Cores that others may use before a measurement counts as noisy.
NOISY = 0.5
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds so far by role, those of the whole machine (stolen time is others' work), and bytes on the wire."""

    at: float
    roles: Mapping[str, float]
    busy: float
    carried: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Between two samples: cores in use by role, `foreign` being everything else on the machine, and bytes a second."""

    seconds: float
    cores: Mapping[str, float]
    bytes_per_second: float

    @property
    def noisy(self) -> bool:
        """Whether others were so busy that figures taken meanwhile say little."""
        return self.cores["foreign"] > NOISY


@dataclass(slots=True)
class Load:
    """`roles` names the first processes of each role; this process counts as `bench`, without its children. `carried`
    tells the bytes that have crossed the wire so far."""

    roles: dict[str, list[int]] = field(default_factory=dict)
    carried: Callable[[], int] = Loopback().carried
    _seen: dict[str, dict[int, float]] = field(default_factory=dict)

    def add(self, role: str, pid: int) -> None:
        """A process, with all that it starts, belongs to a role."""
        self.roles.setdefault(role, []).append(pid)

    def sample(self) -> Sample:
        """How it stands now."""
        children: dict[int, list[int]] = {}
        used: dict[int, float] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue  # it ended meanwhile
                pid = int(folder.name)
                children.setdefault(int(fields[1]), []).append(pid)
                used[pid] = (int(fields[11]) + int(fields[12])) * _TICK
        for role, roots in self.roles.items():
            known = self._seen.setdefault(role, {})
            waiting = list(roots)
            while waiting:
                pid = waiting.pop()
                waiting.extend(children.get(pid, ()))
                if pid in used:
                    known[pid] = used[pid]
        roles = {role: sum(known.values()) for role, known in self._seen.items()}
        mine = os.times()
        roles["bench"] = mine.user + mine.system
        ticks = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        idle = ticks[3] + ticks[4]
        return Sample(time.monotonic(), roles, (sum(ticks) - idle) * _TICK, self.carried())

    def since(self, before: Sample) -> Usage:
        """What happened since then."""
        after = self.sample()
        seconds = after.at - before.at
        cores = {role: (value - before.roles.get(role, 0.0)) / seconds for role, value in after.roles.items()}
        cores["foreign"] = max(0.0, (after.busy - before.busy) / seconds - sum(cores.values()))
        return Usage(
            seconds,
            {role: round(value, 4) for role, value in cores.items()},
            (after.carried - before.carried) / seconds,
        )
