"""Standing: how a running relay stands, as everything that operators look at is made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from avl_protocol.session.snapshot import Snapshot


class Observed(Protocol):
    """A running relay."""

    @property
    def ready(self) -> bool:
        """Whether newcomers are taken."""

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """This process: CPU time in seconds, resident memory in bytes (0: not known)."""

    cpu: float
    memory: int


def this_process() -> Process:
    """Read from the system, now."""
    times = os.times()
    try:
        resident = int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        resident = 0
    return Process(cpu=times.user + times.system, memory=resident)


def own_version() -> str:
    """The installed version."""
    try:
        return version("avl")
    except PackageNotFoundError:
        return "not installed"
