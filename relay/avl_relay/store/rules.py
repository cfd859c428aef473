"""Rules as they are kept (permitted/rules.py): of devices, what their owners have signed and the grants that count now.

What is kept was verified when it came (api/signed.py); here its claims are read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_protocol.rights import jws
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.statements import AccessGrant, Claims, Enrolment, Policy, RevocationList
from avl_relay.permitted.rules import Given, Limit, Place, Rules
from avl_relay.store.devices import Devices
from avl_relay.store.grants import Grant, Grants
from avl_relay.store.statements import ENROLMENT, POLICY, REVOCATION, Kept, Statements
from avl_relay.store.tables import devices, grants, person_keys, statements

#: Grants and statements that are looked at, at most; devices of one question to the database.
MOST, AT_ONCE = 20_000, 300


async def rules_about(
    db: AsyncConnection, numbers: Sequence[str], now: int, *, people: Sequence[str] | None = None
) -> Rules:
    """The rules about these devices now, for these people or for everybody."""
    places: dict[str, Place] = {}
    given: dict[str, Given] = {}
    limits: dict[str, Limit] = {}
    for at in range(0, len(numbers), AT_ONCE):
        some = numbers[at : at + AT_ONCE]
        found = await Devices(db).some(devices.c.number.in_(some), len(some))
        keys = sorted({one.owner_thumbprint for one in found})
        said = await _about(db, keys, [f"device:{one.number}" for one in found])
        here = [_place(one.number, one.owner, one.owner_thumbprint, one.groups, said) for one in found]
        places |= {one.number: one for one in here}
        named = sorted({audience for one in here for audience in one.audiences})
        limits |= {one.id: one for one in await _limits(db, keys, named)}
        given |= {one.id: one for one in await _given(db, keys, named, people, now)}
    return Rules(places, list(given.values()), list(limits.values()))


async def holders_of(db: AsyncConnection, numbers: Sequence[str], now: int) -> list[str]:
    """Everybody who may anything at these devices: their owners, and who holds a grant there."""
    rules = await rules_about(db, numbers, now)
    return sorted({one.owner for one in rules.places.values()} | {one.person for one in rules.given})


async def _about(db: AsyncConnection, keys: Sequence[str], audiences: Sequence[str]) -> dict[tuple[str, str], Kept]:
    """What these keys have signed about each of these devices: policies and enrolments by kind and audience."""
    row = statements.c
    condition = row.iss.in_(keys) & row.aud.in_(audiences) & row.kind.in_((POLICY, ENROLMENT))
    kept = await Statements(db).some(condition, MOST)
    return {(f"{one.kind} {one.iss}", one.aud): one for one in kept}


def _place(number: str, owner: str, key: str, groups: Sequence[str], said: dict[tuple[str, str], Kept]) -> Place:
    """A device, in the groups that its owner has signed; where none of that is kept, in those that the relay knows."""
    audience, signed = f"device:{number}", frozenset(groups)
    if (enrolled := said.get((f"{ENROLMENT} {key}", audience))) is not None:
        signed = frozenset(Enrolment.read(_claims(enrolled.token)).groups)
    if (decided := said.get((f"{POLICY} {key}", audience))) is not None:
        policy = Policy.read(_claims(decided.token))
        signed = signed if policy.groups is None else frozenset(policy.groups)
    return Place(number=number, owner=owner, key=key, groups=signed)


async def _limits(db: AsyncConnection, keys: Sequence[str], audiences: Sequence[str]) -> list[Limit]:
    row = statements.c
    kept = await Statements(db).some((row.kind == POLICY) & row.iss.in_(keys) & row.aud.in_(audiences), MOST)
    read = [(one, Policy.read(_claims(one.token))) for one in kept]
    return [Limit(id=one.id, key=one.iss, audience=one.aud, permissions=policy.permissions) for one, policy in read]


async def _given(
    db: AsyncConnection, keys: Sequence[str], audiences: Sequence[str], people: Sequence[str] | None, now: int
) -> list[Given]:
    """The grants that count now: neither they nor what they stand on was taken back, and it is time."""
    row = grants.c
    condition = row.owner.in_(keys) & row.aud.in_(audiences) & row.revoked.is_(None) & (row.expires > now)
    held_by: dict[str, str] = {}
    if people is not None:
        chosen = select(person_keys.c.thumbprint, person_keys.c.person).where(person_keys.c.person.in_(people))
        held_by = {found.thumbprint: found.person for found in await db.execute(chosen)}
        condition &= or_(row.person.in_(people), row.holder.in_(list(held_by)))
    found = await Grants(db).some(condition, MOST)
    lists = await _revocations(db, keys)
    standing = await _standing(db, found)
    counting = []
    for one in found:
        grant = AccessGrant.read(_claims(one.token))
        person = one.person or held_by.get(one.holder)
        epoch = lists[one.owner].epochs.get(one.aud, 0) if one.owner in lists else 0
        if person is None or grant.share or grant.not_before > now or grant.epoch < epoch or not standing(one):
            continue
        counting.append(
            Given(
                id=one.jti,
                person=person,
                key=one.owner,
                audience=one.aud,
                permissions=grant.permissions,
                role=one.role,
                expires=one.expires,
                limited=_limited(grant),
            )
        )
    return counting


def _limited(grant: AccessGrant) -> bool:
    limits = (grant.hours, grant.longest, grant.uses)
    return grant.consent is not Consent.NEVER or any(one is not None for one in limits)


async def _revocations(db: AsyncConnection, keys: Sequence[str]) -> dict[str, RevocationList]:
    row = statements.c
    kept = await Statements(db).some((row.kind == REVOCATION) & row.iss.in_(keys), MOST)
    return {one.iss: RevocationList.read(_claims(one.token)) for one in kept}


async def _standing(db: AsyncConnection, found: Sequence[Grant]) -> Any:
    """A function that says whether nothing that a grant stands on was taken back."""
    known: dict[str, Grant] = {}
    wanted = {one.parent for one in found if one.parent}
    while wanted:
        condition: ColumnElement[bool] = grants.c.digest.in_(sorted(wanted)[:AT_ONCE])
        below = await Grants(db).some(condition, AT_ONCE)
        known |= {one.digest: one for one in below}
        left = set(sorted(wanted)[AT_ONCE:])
        wanted = left | {one.parent for one in below if one.parent and one.parent not in known}

    def stands(grant: Grant) -> bool:
        while grant.parent:
            if grant.parent not in known or known[grant.parent].revoked is not None:
                return False
            grant = known[grant.parent]
        return True

    return stands


def _claims(token: str) -> Claims:
    """The claims of a token that was verified before it was kept."""
    claims = json.loads(jws.decode(token.split(".")[1]))
    claims.pop("iss", None)
    return Claims(claims)
