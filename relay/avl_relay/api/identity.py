"""Identity: who asks. The people's part of the relay knows it from a cookie or a token (people/); here it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from starlette.requests import Request

from avl_relay.api.problems import Problem

#: Seconds for which a second factor counts for what is dangerous.
FRESH = 300


class Role(Enum):
    """What a person may do at the relay; on the hosts of others none of it counts."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks. `mfa_at`: when a second factor was last given, unix seconds; None: never. `session`: the id of the
    sign-in. `jkt`: thumbprint of the key that a program has proved to have; None: it is a browser. `whole`: whether
    nothing is lacking; else it is a second factor, which this person has not and must have."""

    person: str
    role: Role
    mfa_at: int | None
    session: str
    jkt: str | None = None
    whole: bool = True

    @property
    def administers(self) -> bool:
        """Whether this relay's people and devices are theirs to manage."""
        return self.role is not Role.MEMBER


class Identities(Protocol):
    """Who knows who asks."""

    async def identify(self, request: Request, now: int) -> Identity | None:
        """Who asks; None: nobody is signed in. Raises Problem where what is shown is wrong, or comes from another
        site."""


class Named:
    """The double of Identities: who asks says a name, `authorization: Bearer NAME`."""

    def __init__(self, known: Mapping[str, Identity]) -> None:
        self.known = dict(known)

    async def identify(self, request: Request, now: int) -> Identity | None:
        """See Identities."""
        shown = request.headers.get("authorization")
        if shown is None:
            return None
        found = self.known.get(shown.removeprefix("Bearer "))
        if found is None:
            raise Problem("not-signed-in", "nobody is known by that token")
        return found


class Operators:
    """Identities of who runs the relay's machine: whoever comes that way may do what an owner of the relay may, and is
    no person."""

    async def identify(self, request: Request, now: int) -> Identity | None:
        """See Identities."""
        return Identity(person="", role=Role.OWNER, mfa_at=now, session="")


class Nobody:
    """Identities of a relay that knows no people yet."""

    async def identify(self, request: Request, now: int) -> Identity | None:
        """See Identities."""
        return None
