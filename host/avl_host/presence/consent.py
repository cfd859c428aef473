"""ConsentDesk: the questions that wait for the person at this host, and what becomes of them; no window, no clock.

No answer is a denial. Allow and the switches take nothing in the first moments after a question has come up, so that a
click meant for something else can't land on them, and nothing at any time that a program made: a viewer who has the
pointer must not be able to let the next one in, nor itself to more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from avl_host.presence.question import NONE, Question, Span
from avl_protocol.wire.registry import T_CONSENT, Permission

#: Seconds for which a question that has come up takes nothing but Deny.
GUARD = 0.8


class Choice(Enum):
    """The two answers."""

    DENY = "Deny"
    ALLOW = "Allow"


#: What can be pressed: an answer, the switch of a permission, or for how long.
Place = Choice | Permission | Span


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the question of this number: what is allowed of its wish, and for how long; nothing: it was
    denied."""

    number: int
    allowed: Permission
    span: Span = Span.OPEN


@dataclass(slots=True)
class Prompt:
    """A question that waits. `on`: the switches that are on; `span`: for how long; `until`: when it is denied; `shown`:
    since when it is the one that the person sees, None before; `armed`: whether it takes more than Deny."""

    number: int
    question: Question
    on: Permission
    until: float
    shown: float | None = None
    armed: bool = False
    span: Span = Span.OPEN


class ConsentDesk:
    """One question at a time is before the person; the others wait behind it. Times in seconds of one clock."""

    def __init__(self) -> None:
        self._queue: deque[Prompt] = deque()
        self._last = 0
        self._focus: Place = Choice.DENY
        #: What was decided, for the owner to take.
        self.answers: deque[Answer] = deque()

    @property
    def current(self) -> Prompt | None:
        """What is before the person."""
        return self._queue[0] if self._queue else None

    @property
    def waiting(self) -> int:
        """How many wait behind it."""
        return max(0, len(self._queue) - 1)

    @property
    def focus(self) -> Place:
        """What the keyboard would press; Deny at first."""
        return self._focus

    def ask(self, question: Question, now: float) -> int:
        """Have the person decide; the question's number. It is denied T_CONSENT from now, seen or not: so long does its
        viewer wait."""
        self._last += 1
        self._queue.append(Prompt(self._last, question, question.first, now + T_CONSENT))
        self._show(now)
        return self._last

    def withdraw(self, number: int, now: float) -> None:
        """Who asked is gone: nobody has to decide any more."""
        self._queue = deque(prompt for prompt in self._queue if prompt.number != number)
        self._show(now)

    # the person

    def press(self, place: Place, now: float, *, by_hand: bool) -> None:
        """Something was pressed. `by_hand`: on a device that is in front of the person."""
        prompt = self.current
        if prompt is None or not by_hand:
            return
        if place is Choice.DENY:
            self._decide(NONE, now)
        elif not prompt.armed:
            return
        elif place is Choice.ALLOW:
            self._decide(prompt.on, now, prompt.span)
        elif isinstance(place, Span):
            if place in prompt.question.spans:
                prompt.span = self._focus = place
        elif isinstance(place, Permission) and place in prompt.question.switches:
            prompt.on ^= place
            self._focus = place

    def step(self, by: int, *, by_hand: bool) -> None:
        """The keyboard goes on to the next thing that can be pressed, or back."""
        prompt = self.current
        if prompt is None or not by_hand:
            return
        question = prompt.question
        places: list[Place] = [*question.switches, *question.spans, Choice.DENY, Choice.ALLOW]
        self._focus = places[(places.index(self._focus) + by) % len(places)]

    def _decide(self, allowed: Permission, now: float, span: Span = Span.OPEN) -> None:
        self.answers.append(Answer(self._queue.popleft().number, allowed, span))
        self._show(now)

    def _show(self, now: float) -> None:
        """The next one comes up, and the guard begins anew."""
        prompt = self.current
        if prompt is not None and prompt.shown is None:
            prompt.shown = now
            self._focus = Choice.DENY

    # time

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        times = [prompt.until for prompt in self._queue]
        prompt = self.current
        if prompt is not None and prompt.shown is not None and not prompt.armed:
            times.append(prompt.shown + GUARD)
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """What nobody answered in time is denied, and the guard ends. What was pressed until now is to be told first:
        it was meant for what there was to be seen then."""
        for late in [prompt for prompt in self._queue if now >= prompt.until]:
            self._queue.remove(late)
            self.answers.append(Answer(late.number, NONE))
        self._show(now)
        prompt = self.current
        if prompt is not None and prompt.shown is not None and now >= prompt.shown + GUARD:
            prompt.armed = True
