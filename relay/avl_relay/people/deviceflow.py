"""The device authorization flow (RFC 8628): a program or host shows a code, somebody signed in approves it elsewhere.

What is asked for is bound to the asker's key from the first request on, so that a device code that leaks is worthless.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: Seconds that a code holds, and between two questions; each question that comes too early adds some (3.5).
HOLDS, INTERVAL, SLOWER = 600, 5, 5
#: Requests that may wait for approval at once, of all sources.
PENDING = 1000


class Kind(StrEnum):
    """Who asks: a host that wants to be somebody's, or a program that wants to act for somebody."""

    HOST = "host"
    PROGRAM = "program"


class State(StrEnum):
    """How far it is."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    TAKEN = "taken"
    CONFIRMED = "confirmed"


class Answer(StrEnum):
    """What somebody who asks is told: the tokens, or one of the errors of RFC 8628 3.5."""

    GRANTED = "granted"
    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    INVALID = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One request. `thumbprint`: of the asker's key; `device`: 28 characters, of a host; `person` and `token` (the
    signed enrolment) once approved; `polled`: Unix seconds of the last question, 0: none yet."""

    device_code_hash: str
    user_code: str
    kind: Kind
    thumbprint: str
    device: str
    name: str
    system: str
    software: str
    state: State
    person: str
    token: str
    interval: int
    strong: int
    polled: int
    created: int
    expires: int


def answer(asked: Authorization | None, thumbprint: str, now: float) -> tuple[Answer, int]:
    """What the asker is told now, and the interval from now on. Of GRANTED the caller makes TAKEN in the same
    transaction."""
    if asked is None or asked.thumbprint != thumbprint or asked.state in (State.TAKEN, State.CONFIRMED):
        return Answer.INVALID, INTERVAL
    if now >= asked.expires:
        return Answer.EXPIRED, asked.interval
    if asked.polled and now < asked.polled + asked.interval:
        return Answer.SLOW_DOWN, asked.interval + SLOWER
    if asked.state is State.DENIED:
        return Answer.DENIED, asked.interval
    return (Answer.GRANTED if asked.state is State.APPROVED else Answer.PENDING), asked.interval
