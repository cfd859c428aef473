"""How many guesses strangers have at a host's codes (spec 06-security, 6.2.1).

A try is counted before it is answered, so that who hangs up has used it; only a confirmed tag gives it back. Each code
is counted by itself. Who has shown that it knows a code has a budget of its own at that very code, out of strangers'
reach: it has nothing to guess there. Everybody else shares a budget, so that more identities bring no more guesses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from avl_protocol.wire.device_id import ALPHABET, normalise_code
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.registry import MAX_CODE_LENGTH

#: Wrong tries in a row after which a printed code is replaced (R-SEC-14).
WRONG_IN_A_ROW = 3
#: Tries of one budget that a fixed code answers in FIXED_PERIOD seconds (R-SEC-15).
FIXED_TRIES = 10
FIXED_PERIOD = 3600.0
#: Budgets that are shared by those who may be guessing at a code: strangers', and that of who knew an earlier one.
SHARED_BUDGETS = 2
#: Characters that a code of one's own should have.
GOOD_LENGTH = 6
#: Identities remembered for each code; the least recent success is forgotten first.
MAX_KNOWN = 1024


def new_code(entropy: Callable[[int], bytes]) -> str:
    """A printed code: 8 random characters of Crockford's alphabet (40 bits); `device_id.show_code` groups them."""
    value = int.from_bytes(entropy(MAX_CODE_LENGTH * 5 // 8), "big")
    return "".join(ALPHABET[value >> 5 * place & 31] for place in range(MAX_CODE_LENGTH))


def yearly_odds(length: int) -> float:
    """How likely a year of guessing finds a fixed code of `length` random characters, from 0 to 1."""
    tries = SHARED_BUDGETS * FIXED_TRIES * 365.25 * 86_400 / FIXED_PERIOD
    return min(1.0, tries / float(len(ALPHABET) ** length))


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a host, normalised when made. Raises LocalProtocolError when nothing is left of it.

    `fixed`: chosen by its owner, hence never replaced, but slow. `one_use`: gone after its first success.
    """

    text: str = field(repr=False)
    fixed: bool = False
    one_use: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", normalise_code(self.text))
        if not self.text:
            raise LocalProtocolError("a code holds at least one letter or digit")


@dataclass(slots=True)
class Budget:
    """Tries at one code: the last at a fixed one; at a printed one those under way and the wrong ones in a row."""

    fixed: deque[Try] = field(default_factory=deque)
    pending: int = 0
    wrong: int = 0

    def left(self, code: Code, now: float) -> bool:
        """Whether the code answers one more try."""
        while self.fixed and now - self.fixed[0].at >= FIXED_PERIOD:
            self.fixed.popleft()
        return len(self.fixed) < FIXED_TRIES if code.fixed else self.wrong + self.pending < WRONG_IN_A_ROW


@dataclass(frozen=True, slots=True)
class Answer:
    """A code that answers a try, and the budget that the try counts in."""

    code: Code = field(repr=False)
    budget: Budget = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """A counted try, and what answers it: the control and the view code, None where there is none or no try is left."""

    identity: bytes
    at: float
    answered: tuple[Answer | None, Answer | None] = field(repr=False)

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """The codes to answer it with, normalised."""
        control, view = self.answered
        return (control.code.text if control else None, view.code.text if view else None)


class _Counted:
    """One code with its budgets. `known`: identities that succeeded with it, or with one that was in its place."""

    def __init__(self, code: Code | None, known: Iterable[bytes]) -> None:
        self.code = code
        self.known: dict[bytes, None] = dict.fromkeys(known)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._strangers = Budget()
        self._former = Budget()
        self._holders: dict[bytes, Budget] = {}

    def answer(self, identity: bytes, now: float) -> Answer | None:
        """What answers a try of this identity."""
        shared = self._former if identity in self.known else self._strangers
        budget = self._holders.get(identity, shared)
        return Answer(self.code, budget) if self.code is not None and budget.left(self.code, now) else None

    def succeeded(self, identity: bytes, code: Code) -> None:
        """This identity has shown that it knows a code: this one, or one that was replaced meanwhile."""
        self.known.pop(identity, None)
        self.known[identity] = None
        if code is self.code:
            self._holders.setdefault(identity, Budget())
        while len(self.known) > MAX_KNOWN:
            oldest = next(iter(self.known))
            del self.known[oldest]
            self._holders.pop(oldest, None)

    def replace(self, code: Code | None) -> None:
        """Another code, which nobody knows yet, or none."""
        self.code = code
        self._begin_anew()


class AttemptBudget:
    """Counts tries at the control code and the view code.

    `known`, `known_view`: identities (32 bytes) that succeeded before with the one and the other. Call `begin` before
    CHALLENGE, then exactly one of `confirmed` and `failed`, however the try ended.
    """

    def __init__(
        self,
        control: Code | None,
        view: Code | None,
        entropy: Callable[[int], bytes],
        known: Iterable[bytes] = (),
        known_view: Iterable[bytes] = (),
    ) -> None:
        self._counted = (_Counted(control, known), _Counted(view, known_view))
        self._entropy = entropy
        self._open: set[Try] = set()

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """The control and the view code as they are valid now, normalised: what to print."""
        control, view = (counted.code for counted in self._counted)
        return (control.text if control else None, view.text if view else None)

    def known(self, which: int = 0) -> tuple[bytes, ...]:
        """The identities that succeeded with code `which` (0 control, 1 view), to be kept for the next start."""
        return tuple(self._counted[which].known)

    def begin(self, identity: bytes, now: float) -> Try:
        """Count a try of an identity (its key, verified) at `now` (seconds)."""
        control, view = (counted.answer(identity, now) for counted in self._counted)
        attempt = Try(identity, now, (control, view))
        for answer in attempt.answered:
            if answer is not None and answer.code.fixed:
                answer.budget.fixed.append(attempt)
            elif answer is not None:
                answer.budget.pending += 1
        self._open.add(attempt)
        return attempt

    def confirmed(self, attempt: Try, which: int) -> bool:
        """The try showed the tag of code `which`, and is given back.

        One run of CPace tests one code: it was no guess at the other, whose row of wrong tries it leaves as it is.

        False when that code was used up by another try meanwhile: refuse this one.
        """
        answer = attempt.answered[which]
        counted = self._counted[which]
        if answer is None or (answer.code.one_use and answer.code is not counted.code):
            self.failed(attempt)
            return False
        self._close(attempt)
        for other in attempt.answered:
            if other is not None and attempt in other.budget.fixed:
                other.budget.fixed.remove(attempt)
        answer.budget.wrong = 0
        if answer.code.one_use:
            counted.replace(None)
        counted.succeeded(attempt.identity, answer.code)
        return True

    def failed(self, attempt: Try) -> bool:
        """The try ended without the right tag, whatever ended it: a wrong one at each code that answered it.

        True when printed codes were replaced because of it: print `codes` anew.
        """
        self._close(attempt)
        replaced = False
        for answer, counted in zip(attempt.answered, self._counted, strict=True):
            if answer is None or answer.code.fixed or answer.code is not counted.code:
                continue
            answer.budget.wrong += 1
            if answer.budget.wrong >= WRONG_IN_A_ROW:
                counted.replace(Code(new_code(self._entropy), False, answer.code.one_use))
                replaced = True
        return replaced

    def _close(self, attempt: Try) -> None:
        if attempt not in self._open:
            raise LocalProtocolError("a try ends once")
        self._open.remove(attempt)
        for answer in attempt.answered:
            if answer is not None and not answer.code.fixed:
                answer.budget.pending -= 1
