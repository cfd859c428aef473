"""Signed: what people's keys have signed, as far as a relay looks at it: who did, that they did, and what it is about.

A relay keeps nothing that is forged, so that nobody fills it with it; what a statement gives, hosts alone decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights import jws
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import AccessGrant, Enrolment, KeyLink, PictureKey, Policy, RevocationList, read
from avl_protocol.wire.registry import Permission
from avl_relay.api.identity import Identity
from avl_relay.api.problems import Problem
from avl_relay.store.tables import person_keys

S = TypeVar("S", AccessGrant, Enrolment, KeyLink, PictureKey, Policy, RevocationList)
#: Grants in a chain (spec 11).
DEEPEST = 3


def unverified(why: object, at: str = "") -> Problem:
    """The refusal of a statement."""
    return Problem("unverified", str(why), more={"at": at} if at else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose key has signed: thumbprint, the key (32 bytes), and the person at this relay."""

    thumbprint: str
    key: bytes
    person: str


def kind_of(token: str) -> str:
    """The `typ` of a statement. Raises Problem."""
    try:
        return jws.header(token).type
    except NotSigned as error:
        raise unverified(error) from None


async def signer_of(db: AsyncConnection, token: str) -> Signer:
    """Whose key a statement names. Raises Problem for a key that nobody here has."""
    try:
        kid = jws.header(token).kid
    except NotSigned as error:
        raise unverified(error) from None
    row = (await db.execute(select(person_keys).where(person_keys.c.thumbprint == kid))).first()
    if row is None:
        raise unverified("nobody here has the key that it names: set your key first")
    return Signer(thumbprint=kid, key=jws.public_of(row.jwk), person=row.person)


def own(signer: Signer, who: Identity) -> Signer:
    """A signer who is the one that asks. Raises Problem."""
    if signer.person != who.person:
        raise Problem("forbidden", "that is signed with somebody else's key")
    return signer


def verified(kind: type[S], token: str, key: bytes) -> S:
    """What a statement says. Raises Problem."""
    try:
        return read(kind, token, key)
    except NotSigned as error:
        raise unverified(error) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """A chain of grants whose links fit: `grants` with their tokens, the owner's first; `owner`: who signed that."""

    owner: Signer
    tokens: tuple[str, ...]
    grants: tuple[AccessGrant, ...]

    @property
    def last(self) -> AccessGrant:
        """What the chain comes to."""
        return self.grants[-1]


async def chained(db: AsyncConnection, tokens: Sequence[str]) -> Chained:
    """A chain of grants: each signed by the key that the one before is for, and none wider. Raises Problem."""
    owner = await signer_of(db, tokens[0])
    key, found = owner.key, list[AccessGrant]()
    for place, token in enumerate(tokens):
        grant = verified(AccessGrant, token, key)
        if grant.parent != (jws.digest(tokens[place - 1]) if place else ""):
            raise unverified("a grant does not stand on the one before", f"/chain/{place}")
        if place and not _narrower(grant, found[-1]):
            raise unverified("a grant gives more than the one before", f"/chain/{place}")
        found.append(grant)
        key = grant.holder
    return Chained(owner=owner, tokens=tuple(tokens), grants=tuple(found))


def _narrower(grant: AccessGrant, parent: AccessGrant) -> bool:
    """Whether a grant may stand on another, as far as a relay looks; the host looks at everything."""
    inside = not grant.permissions & ~parent.permissions and grant.expires <= parent.expires
    return inside and grant.audience == parent.audience and Permission.DELEGATE in parent.permissions
