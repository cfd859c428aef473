"""Sessions of a browser: an opaque cookie whose digest the store keeps, with two ends: after a pause, and after a day's
half.

The cookie is another one after each proof (session fixation); the CSRF token is derived from it, so that it needs no
place of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_relay.people import opaque
from avl_relay.people.stages import Proof, Stage

#: Seconds without a request, and seconds altogether.
IDLE, ABSOLUTE = 30 * 60, 12 * 3600
#: Seconds that a sign-in may take that is not whole.
UNFINISHED = 10 * 60
#: How old the proof of a second factor may be for what is dangerous.
FRESH = 5 * 60
#: Seconds between two writes of when a session was used.
NOTED = 60
#: Seconds for which a browser is remembered as a device of its person.
DEVICE = 400 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A sign-in, whole or not. `id` is no secret, `hash` the digest of the cookie, `agent` what the browser calls
    itself (hostile text). Times in Unix seconds; `proved`: of any proof; `strong`: of a second factor (0: none).
    `device`: digest of the browser's own cookie."""

    id: str
    hash: str
    person: str
    stage: Stage
    proofs: frozenset[Proof] = field(default_factory=frozenset)
    created: int
    seen: int
    proved: int = 0
    strong: int = 0
    device: str = ""
    agent: str = ""

    def over(self, now: float) -> bool:
        """Whether it has ended."""
        whole = self.stage in (Stage.FULL, Stage.ENROL)
        idle, absolute = (IDLE, ABSOLUTE) if whole else (UNFINISHED, UNFINISHED)
        return not (self.seen - IDLE <= now < self.seen + idle and now < self.created + absolute)

    def fresh(self, now: float) -> bool:
        """Whether a second factor was proved so lately that dangerous acts are done (step-up)."""
        return bool(self.strong) and now < self.strong + FRESH

    def proved_lately(self, now: float) -> bool:
        """Whether anything was: enough for somebody who has no second factor yet to enrol one."""
        return now < self.proved + FRESH


def csrf_token(cookie: str) -> str:
    """What a page of ours sends in `x-avl-csrf` with each unsafe request of this session."""
    return opaque.derived(cookie, "avl csrf")


def csrf_holds(cookie: str, sent: str) -> bool:
    """Whether it is the one."""
    return opaque.same(csrf_token(cookie), sent)
