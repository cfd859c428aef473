"""Refresh tokens: each is used once and brings the next (RFC 9700, 4.14.2). One that comes a second time was stolen, or
its successor was: the whole family ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Seconds without use, and seconds of a family altogether.
IDLE, ABSOLUTE = 30 * 86_400, 90 * 86_400


class Verdict(Enum):
    """What is done with one that is shown."""

    TURN = "it is used up, and another is handed out"
    REFUSE = "nothing happens"
    END_FAMILY = "it was used before: all that came from the same sign-in end"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One that the store keeps. Times in Unix seconds, 0: not yet; `begun`: when its family was;
    `created`: when this one was."""

    hash: str
    family: str
    person: str
    thumbprint: str
    begun: int
    expires: int
    used: int = 0
    revoked: int = 0
    strong: int = 0
    created: int = 0


def verdict(token: RefreshToken, thumbprint: str, now: float) -> Verdict:
    """About a token that is shown with a proof of this key. Another's key ends nothing: else who finds an old token
    could sign its person out."""
    if token.thumbprint != thumbprint or token.revoked:
        return Verdict.REFUSE
    if token.used:
        return Verdict.END_FAMILY
    return Verdict.TURN if now < token.expires else Verdict.REFUSE


def expiry(begun: int, now: float) -> int:
    """Until when one that is handed out now can be used."""
    return min(int(now) + IDLE, begun + ABSOLUTE)
