"""People with keys, and devices that have pinned them, in a store: what tests of the API begin with."""

from __future__ import annotations

import hashlib

from sqlalchemy import insert

from avl_protocol.crypto.identity import Identity as Key
from avl_protocol.rights import jws
from avl_protocol.rights.statements import AccessGrant, Policy, RevocationList, sign
from avl_protocol.wire.device_id import to_text
from avl_protocol.wire.registry import Permission
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store
from avl_relay.store.tables import people, person_keys
from tests.relay.apis import BEGUN

ROLES = {"ada": "member", "ben": "member", "root": "owner", "eve": "member", "adm": "admin"}


def person(name: str) -> str:
    """The id of somebody."""
    return name.ljust(22, "-")


def key(name: str) -> Key:
    """The key of somebody."""
    return Key(hashlib.sha256(name.encode()).digest())


def number(name: str) -> str:
    """The number of a device."""
    return to_text(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")).replace("-", "")


def jti(name: str) -> str:
    """A grant's name."""
    return jws.encode(hashlib.sha256(name.encode()).digest()[:16])


def grant(
    name: str,
    holder: str,
    *,
    aud: str,
    permissions: Permission = Permission.VIEW,
    expires: int = BEGUN + 3600,
    parent: str = "",
    share: bool = False,
    role: str = "Viewer",
) -> AccessGrant:
    """A grant to somebody."""
    return AccessGrant(
        audience=aud,
        permissions=permissions,
        not_before=BEGUN - 60,
        expires=expires,
        id=jti(name),
        holder=key(holder).public,
        parent="" if not parent else jws.digest(parent),
        share=share,
        role=role,
        name=holder,
    )


def granted(by: str, name: str, holder: str, **more: object) -> str:
    """The token of a grant."""
    return sign(key(by), grant(name, holder, **more))  # type: ignore[arg-type]


def revoked(by: str, sequence: int, *names: str, issued: int = BEGUN) -> str:
    """The token of a revocation list."""
    return sign(
        key(by), RevocationList(sequence=sequence, issued=issued, grants=frozenset(jti(name) for name in names))
    )


def policy(by: str, sequence: int, aud: str, groups: tuple[str, ...] | None = None) -> str:
    """The token of a policy."""
    return sign(key(by), Policy(audience=aud, sequence=sequence, groups=groups))


async def settle_in(store: Store, *devices: tuple[str, str]) -> None:
    """Everybody, with keys; and `devices`, each a name and its owner."""
    async with store.writing() as db:
        for name, role in ROLES.items():
            values = {"id": person(name), "login": name, "name": name.title(), "role": role, "state": "active"}
            await db.execute(insert(people).values(**values, created=BEGUN))
            public = key(name).public
            await db.execute(
                insert(person_keys).values(
                    thumbprint=jws.thumbprint(public), person=person(name), jwk=jws.jwk_of(public), created=BEGUN
                )
            )
        for name, owner in devices:
            await enrol(db, name, owner)


async def enrol(db: object, name: str, owner: str) -> None:
    """A device of somebody's."""
    public = key(owner).public
    await Devices(db).enrol(  # type: ignore[arg-type]
        number=number(name),
        name=name,
        owner=person(owner),
        owner_key=jws.jwk_of(public),
        owner_thumbprint=jws.thumbprint(public),
        now=BEGUN,
    )
