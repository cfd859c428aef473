"""How many guesses strangers have at a host's codes (spec 06-security, 6.2.1).

A try is counted before it is answered, so that who hangs up has used it; only a confirmed tag gives it back. Who
succeeded before has a budget of its own, out of strangers' reach.
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
#: Tries that a fixed code answers in FIXED_PERIOD seconds (R-SEC-15).
FIXED_TRIES = 10
FIXED_PERIOD = 3600.0
#: Identities that keep a budget of their own; the least recent success is forgotten first.
MAX_KNOWN = 1024


def new_code(entropy: Callable[[int], bytes]) -> str:
    """A printed code: 8 random characters of Crockford's alphabet (40 bits); `device_id.show_code` groups them."""
    value = int.from_bytes(entropy(MAX_CODE_LENGTH * 5 // 8), "big")
    return "".join(ALPHABET[value >> 5 * place & 31] for place in range(MAX_CODE_LENGTH))


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
    """The tries of strangers together, or of one known identity: the last at fixed codes, and those at printed ones."""

    fixed: deque[Try] = field(default_factory=deque)
    pending: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """A counted try: the codes to answer it with (control, view), None where there is none or no try is left."""

    codes: tuple[str | None, str | None] = field(repr=False)
    identity: bytes
    at: float
    answered: tuple[Code | None, Code | None] = field(repr=False)
    budget: Budget = field(repr=False)


class AttemptBudget:
    """Counts tries at the control code and the view code. `known`: identities (32 bytes) that succeeded before.

    Call `begin` before CHALLENGE, then exactly one of `confirmed` and `failed`, however the try ended.
    """

    def __init__(
        self,
        control: Code | None,
        view: Code | None,
        entropy: Callable[[int], bytes],
        known: Iterable[bytes] = (),
    ) -> None:
        self._codes: tuple[Code | None, Code | None] = (control, view)
        self._entropy = entropy
        self._known: dict[bytes, None] = dict.fromkeys(known)
        self._strangers = Budget()
        self._own: dict[bytes, Budget] = {}
        self._open: set[Try] = set()

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """The control and the view code as they are valid now, normalised: what to print."""
        control, view = self._codes
        return (control.text if control else None, view.text if view else None)

    def known(self) -> tuple[bytes, ...]:
        """The identities that succeeded, to be kept for the next start."""
        return tuple(self._known)

    def begin(self, identity: bytes, now: float) -> Try:
        """Count a try of an identity (its key, verified) at `now` (seconds)."""
        budget = self._own.setdefault(identity, Budget()) if identity in self._known else self._strangers
        while budget.fixed and now - budget.fixed[0].at >= FIXED_PERIOD:
            budget.fixed.popleft()
        left = {True: len(budget.fixed) < FIXED_TRIES, False: budget.wrong + budget.pending < WRONG_IN_A_ROW}
        control, view = (code if code is not None and left[code.fixed] else None for code in self._codes)
        attempt = Try(
            (control.text if control else None, view.text if view else None), identity, now, (control, view), budget
        )
        if _at_fixed(attempt):
            budget.fixed.append(attempt)
        if _at_printed(attempt):
            budget.pending += 1
        self._open.add(attempt)
        return attempt

    def confirmed(self, attempt: Try, which: int) -> bool:
        """The try showed the tag of code `which`, and is given back.

        False when that code was used up by another try meanwhile: refuse this one.
        """
        code = attempt.answered[which]
        current = self._codes[which]
        if code is None or (code.one_use and code is not current):
            self.failed(attempt)
            return False
        self._close(attempt)
        if _at_fixed(attempt) and attempt in attempt.budget.fixed:
            attempt.budget.fixed.remove(attempt)
        if _at_printed(attempt):
            attempt.budget.wrong = 0
        if code.one_use:
            self._codes = (None, self._codes[1]) if which == 0 else (self._codes[0], None)
        self._remember(attempt.identity)
        return True

    def failed(self, attempt: Try) -> bool:
        """The try ended without the right tag, whatever ended it.

        True when printed codes were replaced because of it: print `codes` anew.
        """
        self._close(attempt)
        if not _at_printed(attempt) or not any(_same(a, c) for a, c in zip(attempt.answered, self._codes, strict=True)):
            return False
        attempt.budget.wrong += 1
        if attempt.budget.wrong < WRONG_IN_A_ROW:
            return False
        control, view = (
            code if code is None or code.fixed else Code(new_code(self._entropy), False, code.one_use)
            for code in self._codes
        )
        self._codes = (control, view)
        for budget in (self._strangers, *self._own.values()):
            budget.wrong = 0
        return True

    def _close(self, attempt: Try) -> None:
        if attempt not in self._open:
            raise LocalProtocolError("a try ends once")
        self._open.remove(attempt)
        if _at_printed(attempt):
            attempt.budget.pending -= 1

    def _remember(self, identity: bytes) -> None:
        self._known.pop(identity, None)
        self._known[identity] = None
        while len(self._known) > MAX_KNOWN:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._own.pop(oldest, None)


def _at_fixed(attempt: Try) -> bool:
    return any(code is not None and code.fixed for code in attempt.answered)


def _at_printed(attempt: Try) -> bool:
    return any(code is not None and not code.fixed for code in attempt.answered)


def _same(answered: Code | None, current: Code | None) -> bool:
    """Whether a printed code that was answered is still the valid one."""
    return answered is not None and not answered.fixed and answered is current
