"""Personal data: everything that the store keeps of one person, for that person to have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from avl_relay.store.tables import (
    alarms,
    device_authorizations,
    devices,
    factors,
    grants,
    groups,
    habits,
    invitations,
    key_copies,
    known_browsers,
    members,
    oidc_links,
    passes,
    people,
    person_keys,
    picture_keys,
    refresh_tokens,
    sessions,
    shares,
    statements,
)

#: What is told of each table. Hashes, wrapped keys and tokens in use are left out: they tell a person nothing, and who
#: reads them learns what to attack. What only waits for minutes (challenges, answers to requests) is left out, too.
TOLD: dict[Table, tuple[str, ...]] = {
    people: ("id", "login", "name", "role", "state", "created"),
    invitations: ("created", "expires"),
    factors: ("kind", "name", "confirmed", "used", "created"),
    sessions: ("id", "agent", "mfa_at", "created", "seen"),
    known_browsers: ("created", "seen"),
    refresh_tokens: ("name", "device", "begun", "created", "expires", "used", "revoked"),
    device_authorizations: ("kind", "name", "system", "software", "state", "created", "expires"),
    oidc_links: ("iss", "sub", "created"),
    person_keys: ("thumbprint", "jwk", "created"),
    key_copies: ("kind", "name", "created"),
    picture_keys: ("key", "token", "expires", "created"),
    devices: ("number", "name", "reported", "software", "system", "state", "enrolled", "seen"),
    groups: ("id", "name"),
    passes: ("device", "share", "uses", "created", "expires"),
    statements: ("kind", "aud", "seq", "token", "created"),
    grants: ("jti", "aud", "role", "name", "token", "expires", "revoked", "created"),
    shares: ("id", "device", "name", "expires", "created"),
    alarms: ("id", "at", "kind", "device", "session", "score", "reasons", "acted", "acknowledged"),
    habits: ("subject", "usual", "updated"),
}


async def personal(connection: AsyncConnection, person: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by the names of their tables; each table is there, also where nothing is kept. Within one transaction."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, names in TOLD.items():
        chosen = select(*(table.c[name] for name in names)).where(_of(table, person))
        found[table.name] = [dict(row) for row in (await connection.execute(chosen)).mappings()]
    return found


def _of(table: Table, person: str) -> ColumnElement[bool]:
    """The condition for rows of a person. Statements are those that her keys have signed."""
    if table is people:
        return table.c.id == person
    if table is devices:
        return table.c.owner == person
    if table is groups:
        return table.c.id.in_(select(members.c.group).where(members.c.member == person))
    if table is statements:
        return table.c.iss.in_(select(person_keys.c.thumbprint).where(person_keys.c.person == person))
    return table.c.person == person
