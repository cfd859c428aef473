"""Processor time of another process, finer than the ticks of its status: what the scheduler itself counts."""

from __future__ import annotations

from pathlib import Path


def seconds_used(pid: int) -> float:
    """CPU seconds of all threads of a process so far, to the nanosecond; those of ended threads are left out."""
    used = 0
    for task in Path("/proc", str(pid), "task").iterdir():
        try:
            used += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it ended meanwhile
    return used / 1e9


def descendants(pid: int) -> list[int]:
    """A process and all that it started and is still there."""
    found = [pid]
    for known in found:
        for task in Path("/proc", str(known), "task").iterdir():
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue
    return found
