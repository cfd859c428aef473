"""Which threads go first: those that a person waits for, where the system lets them, and never at the cost of more."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from avl_protocol.endpoint.loop.priority import BEHIND, FIRST, LEAST, SamePriority, SystemPriority

T = TypeVar("T")
USUAL = 0


class Threads:
    """Nice values as Linux has them: each thread one of its own, the lower ones by permission only."""

    def __init__(self, *, least: int, usual: int = USUAL) -> None:
        self._least = least
        self._usual = usual
        self._own = threading.local()

    def told(self) -> int:
        """The calling thread's value."""
        return int(getattr(self._own, "nice", self._usual))

    def tell(self, nice: int) -> None:
        """Set it."""
        if nice < min(self.told(), self._least):
            raise PermissionError(13, "not permitted")
        self._own.nice = nice

    def priority(self, platform: str = "linux") -> SystemPriority:
        """Seen by these."""
        return SystemPriority(self.told, self.tell, platform)


def elsewhere(call: Callable[[], T]) -> T:
    """Call on another thread, which ends afterwards."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def test_what_a_person_waits_for_goes_first_and_what_takes_its_time_does_not() -> None:
    threads = Threads(least=FIRST)
    priority = threads.priority()
    assert priority.first()
    assert priority.first(), "a second time changes nothing"
    assert threads.told() == FIRST
    assert priority.unhurried(threads.told) == USUAL
    assert threads.told() == FIRST, "who has it made goes on as before"


def test_where_nobody_may_go_first_what_takes_its_time_gives_way() -> None:
    threads = Threads(least=USUAL)
    priority = threads.priority()
    assert not priority.first()
    assert threads.told() == USUAL
    assert priority.unhurried(threads.told) == BEHIND
    assert threads.told() == USUAL


@pytest.mark.parametrize(("nice", "first"), [(-8, -8 + FIRST), (-18, LEAST)])
def test_who_was_started_before_others_has_what_a_person_waits_for_before_the_rest(nice: int, first: int) -> None:
    threads = Threads(least=LEAST, usual=nice)
    priority = threads.priority()
    assert priority.first()
    assert (threads.told(), priority.unhurried(threads.told)) == (first, nice)


def test_who_was_started_before_others_and_may_not_change_it_gives_way_in_part() -> None:
    threads = Threads(least=USUAL, usual=-8)
    priority = threads.priority()
    assert not priority.first()
    assert (threads.told(), priority.unhurried(threads.told)) == (-8, -8 + BEHIND)


@pytest.mark.parametrize(("nice", "behind"), [(10, 10 + BEHIND), (19, 19)])
def test_who_was_started_to_give_way_goes_before_nobody(nice: int, behind: int) -> None:
    threads = Threads(least=LEAST, usual=nice)
    priority = threads.priority()
    assert not priority.first()
    assert (threads.told(), priority.unhurried(threads.told)) == (nice, behind)


def test_where_threads_have_no_value_of_their_own_nothing_changes() -> None:
    threads = Threads(least=FIRST)
    priority = threads.priority("darwin")
    assert not priority.first()
    assert (threads.told(), priority.unhurried(threads.told)) == (USUAL, USUAL)


def test_an_error_of_what_is_made_reaches_who_wants_it() -> None:
    def fail() -> None:
        raise ValueError("no such encoder")

    for priority in (Threads(least=FIRST).priority(), SamePriority()):
        with pytest.raises(ValueError, match="no such encoder"):
            priority.unhurried(fail)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have nice values of their own on Linux")
def test_on_this_system_a_thread_s_own_threads_go_first_with_it() -> None:
    priority = SystemPriority()
    before = os.getpriority(os.PRIO_PROCESS, 0)

    def raised() -> tuple[bool, int, int, int]:
        done = priority.first()
        own = os.getpriority(os.PRIO_PROCESS, 0)
        return (
            done,
            own,
            elsewhere(lambda: os.getpriority(os.PRIO_PROCESS, 0)),
            priority.unhurried(lambda: elsewhere(lambda: os.getpriority(os.PRIO_PROCESS, 0))),
        )

    done, own, started, aside = elsewhere(raised)
    assert own == started == (max(LEAST, before + FIRST) if done else before)
    assert aside == (before if done else min(19, before + BEHIND))
    assert os.getpriority(os.PRIO_PROCESS, 0) == before, "this thread was not asked"
