"""Datagrams that wait: by priority, first in first out, never too late, never too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.rate.sendqueue import DatagramQueue
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import Priority


def drained(queue: DatagramQueue) -> list[bytes]:
    taken = []
    while queue:
        assert queue[0].payload is not None
        first = queue[0]
        assert queue.popleft() is first
        taken.append(first.payload)
    return taken


def test_urgent_first_and_in_order_within_a_priority() -> None:
    queue = DatagramQueue()
    queue.add([b"v1", b"v2"], 2, None, None)
    queue.add([b"b"], 3, None, None)
    queue.add([b"a1", b"a2"], 0, None, None)
    assert drained(queue) == [b"a1", b"a2", b"v1", b"v2", b"b"]
    assert queue.bytes == 0


def test_what_is_late_is_dropped_before_and_between() -> None:
    queue = DatagramQueue()
    queue.add([b"late"], 2, 1.0, None)
    queue.add([b"in time"], 2, 3.0, None)
    queue.add([b"late too"], 2, 1.5, None)
    queue.add([b"whenever"], 2, None, None)
    queue.expire(2.0)
    assert drained(queue) == [b"in time", b"whenever"]
    assert queue.dropped == 2


def test_the_least_urgent_and_oldest_make_room() -> None:
    queue = DatagramQueue(limit=100)
    queue.add([b"1" * 40, b"2" * 40], 3, None, None)
    queue.add([b"v" * 50], 2, None, None)
    assert drained(queue) == [b"v" * 50, b"2" * 40]
    queue.add([b"a" * 60, b"b" * 60], 0, None, None)
    assert drained(queue) == [b"b" * 60]


def test_a_priority_can_be_forgotten() -> None:
    queue = DatagramQueue()
    queue.add([b"v"] * 3, 2, None, None)
    queue.add([b"a"], 0, None, None)
    assert queue.clear(2) == 3
    assert (len(queue), queue.bytes) == (1, 1)


def test_a_part_of_a_priority_can_be_forgotten_and_the_rest_keeps_its_order() -> None:
    told: list[bytes] = []
    queue = DatagramQueue(forgotten=lambda waiting: told.append(waiting.payload))
    queue.add([b"a1", b"b1", b"a2", b"b2", b"a3"], Priority.VIDEO, None, None)
    assert queue.clear(Priority.VIDEO, lambda payload: payload.startswith(b"a")) == 3
    assert told == [b"a1", b"a2", b"a3"] and queue.bytes == 4
    assert drained(queue) == [b"b1", b"b2"]


def test_lower_ranks_leave_first_and_feedback_before_all_media() -> None:
    queue = DatagramQueue()
    for rank in reversed(Priority):
        queue.add([rank.name.encode()] * 2, rank, None, None)
    assert drained(queue) == [name for rank in Priority for name in [rank.name.encode()] * 2]
    assert min(Priority) == Priority.FEEDBACK and max(Priority) == Priority.PROBE
    assert not queue.holds_behind(Priority.FEEDBACK)
    queue.add([b"sound"], Priority.AUDIO, None, None)
    assert queue.holds_behind(Priority.FEEDBACK), "sound is media's to pace"


def test_misuse_is_refused() -> None:
    queue = DatagramQueue()
    with pytest.raises(LocalProtocolError):
        queue.add([b"x"], len(Priority), None, None)
    with pytest.raises(LocalProtocolError):
        queue.add([b"x", b"y"], 0, None, [1])
    assert not queue


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=20), st.none() | st.floats(0, 10))), st.floats(0, 10))
def test_the_count_of_bytes_is_always_true(items: list[tuple[int, bytes, float | None]], now: float) -> None:
    queue = DatagramQueue(limit=150)
    for priority, payload, deadline in items:
        queue.add([payload], priority, deadline, None)
    queue.expire(now)
    waiting = queue.bytes
    assert waiting <= 150
    taken = drained(queue)
    assert sum(len(payload) for payload in taken) <= waiting
    assert queue.bytes == 0
    assert len(taken) + queue.dropped == len(items)
