"""The content of a clipboard on its way: whole or not at all, never too much at once, and not waited for for ever."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from avl_protocol.session.fetching import Fetched, Giver, Taker
from avl_protocol.wire.endtoend import ClipboardDone, ClipboardFetch, ClipboardPart, ClipboardStop, ClipboardTaken
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_DATA,
    MAX_CLIPBOARD_FETCHES,
    MAX_CLIPBOARD_PART,
    MAX_CLIPBOARD_WINDOW,
    T_CLIPBOARD,
    ClipboardState,
)


class Line:
    """Two ends and what is under way between them; `cut`: there is no path now."""

    def __init__(self, content: dict[str, Fetched]) -> None:
        self.content = content
        self.cut = False
        self.sent: list[Any] = []
        self._under_way: deque[Any] = deque()
        self.giver, self.taker = Giver(self._send), Taker(self._send)
        self.results: list[Fetched] = []
        self.most_under_way = 0

    def _send(self, message: Any) -> bool:
        if self.cut:
            return False
        self.sent.append(message)
        self._under_way.append(message)
        return True

    def fetch(self, name: str, most: int = MAX_CLIPBOARD_DATA, now: float = 0.0) -> int:
        return self.taker.fetch(1, name, most, now, self.results.append)

    def step(self, now: float = 0.0) -> bool:
        """Deliver the next message; False where there is none."""
        if not self._under_way:
            return False
        told = sum(len(each.data) for each in self._under_way if isinstance(each, ClipboardPart))
        self.most_under_way = max(self.most_under_way, told)
        message = self._under_way.popleft()
        if isinstance(message, ClipboardFetch):
            if self.giver.begin(message.fetch):
                self.giver.give(message.fetch, self.content.get(message.format, ClipboardState.GONE))
        elif isinstance(message, ClipboardPart):
            self.taker.part(message, now)
        elif isinstance(message, ClipboardDone):
            self.taker.done(message)
        elif isinstance(message, ClipboardTaken):
            self.giver.taken(message)
        else:
            self.giver.stop(message)
        return True

    def run(self) -> None:
        while self.step():
            pass


@pytest.mark.parametrize("size", [0, 1, MAX_CLIPBOARD_PART, MAX_CLIPBOARD_WINDOW + 1, 3_000_001])
def test_what_is_fetched_comes_byte_for_byte_and_in_bounds(size: int) -> None:
    line = Line({"image/png": random.Random(size).randbytes(size)})
    line.fetch("image/png")
    line.run()
    assert line.results == [line.content["image/png"]]
    assert line.most_under_way <= MAX_CLIPBOARD_WINDOW
    assert all(len(each.data) <= MAX_CLIPBOARD_PART for each in line.sent if isinstance(each, ClipboardPart))


def test_nothing_crosses_before_it_is_fetched_and_every_fetch_is_answered() -> None:
    line = Line({"text/html": b"<b>x</b>", "image/png": ClipboardState.NO_ANSWER})
    assert line.sent == []
    for name in ("text/html", "image/png", "image/gif"):
        line.fetch(name)
    line.run()
    assert line.results == [b"<b>x</b>", ClipboardState.NO_ANSWER, ClipboardState.GONE]


def test_loss_of_the_path_at_any_moment_changes_nothing() -> None:
    chance = random.Random(1)
    data = chance.randbytes(1_500_000)
    for _ in range(20):
        line = Line({"image/png": data})
        line.cut = chance.random() < 0.3
        line.fetch("image/png")
        for _ in range(1000):
            if chance.random() < 0.2:
                line.cut = not line.cut
                if not line.cut:
                    line.taker.pump()
                    line.giver.pump()
            line.step()
        line.cut = False
        line.taker.pump()
        line.giver.pump()
        line.run()
        assert line.results == [data]


@pytest.mark.parametrize("after", [0, 1])
def test_what_does_not_come_is_given_up_and_the_other_end_is_told(after: int) -> None:
    line = Line({"image/png": bytes(1_000_000)})
    number = line.fetch("image/png", now=5.0)
    for _ in range(2 * after):
        line.step(now=8.0)
    until = (8.0 if after else 5.0) + T_CLIPBOARD
    assert line.taker.next_timeout() == until
    line.taker.handle_timer(until - 0.1)
    assert line.results == []
    line.taker.handle_timer(until)
    assert line.results == [ClipboardState.NO_ANSWER] and line.sent[-1] == ClipboardStop(number)
    line.run()
    assert line.giver._running == {} and line.taker.next_timeout() is None


def test_a_stop_that_found_no_path_is_told_later() -> None:
    line = Line({"image/png": bytes(1_000_000)})
    number = line.fetch("image/png")
    line.step()
    line.cut = True
    line.taker.handle_timer(T_CLIPBOARD)
    assert ClipboardStop(number) not in line.sent
    line.cut = False
    line.taker.pump()
    line.run()
    assert line.sent[-1] == ClipboardStop(number) and line.giver._running == {}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([(b"abc", 6), (b"def", 7)], ClipboardState.NO_ANSWER),
        ([(b"abcd", 3)], ClipboardState.NO_ANSWER),
        ([(b"", 3)], ClipboardState.NO_ANSWER),
        ([(b"abc", -3)], ClipboardState.NO_ANSWER),
        ([(b"abc", 101)], ClipboardState.TOO_LARGE),
        ([(b"abc", 1 << 60)], ClipboardState.TOO_LARGE),
        ([(b"abc", 6), None], ClipboardState.NO_ANSWER),
    ],
)
def test_more_or_less_than_was_said_is_nothing(parts: list[tuple[bytes, int] | None], why: ClipboardState) -> None:
    line = Line({})
    number = line.fetch("image/png", most=100)
    for part in parts:
        if part is None:
            line.taker.done(ClipboardDone(number))
        else:
            line.taker.part(ClipboardPart(number, *part), 0.0)
    assert line.results == [why]


def test_fetches_beyond_the_bound_are_refused_at_both_ends() -> None:
    line = Line({"image/png": bytes(500_000)})
    for _ in range(MAX_CLIPBOARD_FETCHES + 1):
        line.fetch("image/png")
    assert line.results == [ClipboardState.NO_ANSWER]
    asked = [each for each in line.sent if isinstance(each, ClipboardFetch)]
    assert len(asked) == MAX_CLIPBOARD_FETCHES
    eager = Line({"image/png": bytes(500_000)})
    begun = [eager.giver.begin(number) for number in range(6)]
    assert begun == [True] * MAX_CLIPBOARD_FETCHES + [False, False]
    assert eager.sent == [ClipboardDone(number, ClipboardState.NO_ANSWER) for number in (4, 5)]
    assert not eager.giver.begin(0), "it runs"


def test_what_is_told_of_unknown_fetches_and_of_bytes_that_never_left_is_ignored() -> None:
    line = Line({"image/png": bytes(1_000_000)})
    line.giver.taken(ClipboardTaken(7, 5))
    line.giver.stop(ClipboardStop(7))
    line.giver.give(7, b"late")
    line.taker.part(ClipboardPart(7, b"x", 1), 0.0)
    line.taker.done(ClipboardDone(7))
    assert line.sent == []
    number = line.fetch("image/png")
    line.step()
    line.giver.taken(ClipboardTaken(number, 1 << 40))
    line.giver.taken(ClipboardTaken(number, -1))
    under_way = sum(len(each.data) for each in line.sent if isinstance(each, ClipboardPart))
    assert under_way == MAX_CLIPBOARD_WINDOW


def test_an_unknown_reason_and_an_end_are_reasons() -> None:
    line = Line({})
    line.taker.done(ClipboardDone(line.fetch("image/png"), 99))
    line.fetch("image/png")
    line.taker.clear()
    line.giver.clear()
    assert line.results == [ClipboardState.NO_ANSWER] * 2
    line.giver.begin(1)
    line.giver.give(1, bytes(MAX_CLIPBOARD_DATA + 1))
    assert line.sent[-1] == ClipboardDone(1, ClipboardState.TOO_LARGE)
