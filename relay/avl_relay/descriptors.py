"""Descriptors: how many TCP connections the system lets us have, some being kept for everything else.

A program that has used up its file descriptors can't even accept a connection in order to close it: so there is a limit
below that one, and what comes beyond it is accepted and closed at once.
"""

from __future__ import annotations

from collections.abc import Callable

#: More than this many is not asked for: some systems have no limit, and a table that is large costs memory.
ENOUGH = 65536


def raised(get: Callable[[], tuple[int, int]], set_soft: Callable[[int, int], None]) -> int:
    """Raise the soft limit as far as it goes; returns what it is then. `get()` says (soft, hard), -1: none."""
    soft, hard = get()
    wanted = ENOUGH if hard < 0 else min(hard, ENOUGH)
    if soft < 0 or soft >= wanted:
        return ENOUGH if soft < 0 else soft
    try:
        set_soft(wanted, hard)
    except (OSError, ValueError):
        return soft
    return wanted


def of_system() -> int:
    """The same with the limits of this process; if they are unknown, a number that every system allows."""
    try:
        import resource
    except ImportError:
        return 512

    def get() -> tuple[int, int]:
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    def set_soft(soft: int, hard: int) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    return raised(get, set_soft)
