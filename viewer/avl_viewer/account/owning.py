"""Owning: what an owner signs here: share links, grants to people, and taking them back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.jws import encode, thumbprint
from avl_protocol.rights.sharelink import SECRET_BYTES, Share
from avl_protocol.rights.statements import ID_BYTES, AccessGrant, RevocationList, device_audience, sign
from avl_protocol.wire.registry import MAX_CLOCK_SKEW, MAX_SHOWN_NAME, PRESETS
from avl_viewer.account.account import Account, Permit, Person
from avl_viewer.account.devices import Device
from avl_viewer.account.program import Kept, freshen

#: Roles that can be given, as they are written in a command, and their presets.
ROLES = {name.lower(): name for name in ("VIEWER", "ASSISTANT", "OPERATOR", "ADMIN")}
#: Seconds of a unit.
UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class NotOwner(Exception):
    """The device believes another key; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is given: a role (of ROLES), for how long in seconds, and for how many sessions (None: any number)."""

    role: str
    seconds: int
    uses: int | None = None
    ask: bool = False


def owner_of(kept: Kept, device: Device) -> Identity:
    """The person's key, where it is what the device believes. Raises NotOwner."""
    if kept.person is None:
        raise NotOwner("this needs your key: bring it with avl login --key")
    if thumbprint(kept.person.public) != device.owner:
        raise NotOwner(f"{device.name} believes another owner's key than yours: only its owner can permit that")
    return kept.person


async def share(account: Account, kept: Kept, world: World, device: Device, terms: Terms, page: str) -> str:
    """The address of a new share link. Raises NotOwner, ApiError, OSError."""
    owner = owner_of(kept, device)
    link = Share(world.entropy(SECRET_BYTES))
    grant = _grant(world, device, terms, holder=link.identity.public, name="Share link", shared=True)
    await account.add_share(
        {
            "id": link.id,
            "device": device.number,
            "name": terms.role.capitalize(),
            "chain": [sign(owner, grant)],
            "pass_hash": encode(hashlib.sha256(link.access_pass).digest()),
            "uses": terms.uses,
        },
        encode(world.entropy(16)),
    )
    await freshen(account, owner, world.clock.wall())
    return link.link(page, device.id)


async def give(account: Account, kept: Kept, world: World, device: Device, person: Person, terms: Terms) -> None:
    """Permit somebody something. Raises NotOwner, ValueError for a person without a key, ApiError, OSError."""
    owner = owner_of(kept, device)
    if person.key is None:
        raise ValueError(f"{person.login} has made no key yet: they do it at the page when they first sign in")
    grant = _grant(world, device, terms, holder=person.key, name=person.name or person.login, shared=False)
    await account.add_grant([sign(owner, grant)], encode(world.entropy(16)))
    await freshen(account, owner, world.clock.wall())


async def take_back(account: Account, kept: Kept, world: World, grant: str) -> None:
    """Revoke a grant, by its name. Raises NotOwner, ApiError, OSError."""
    if kept.person is None:
        raise NotOwner("this needs your key: bring it with avl login --key")
    now = int(world.clock.wall())
    last = await account.revocations(kept.person.public) or RevocationList(sequence=0, issued=now)
    await account.take_back(grant, sign(kept.person, last.next(now, grants=[grant])))


def seconds_of(text: str) -> int:
    """A span as it is written: 30m, 12h, 7d, 2w. Raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no span of time: write for example 30m, 12h, 7d or 2w")
    return int(found[1]) * UNITS[found[2]]


def _grant(world: World, device: Device, terms: Terms, *, holder: bytes, name: str, shared: bool) -> AccessGrant:
    now = int(world.clock.wall())
    return AccessGrant(
        audience=device_audience(device.device),
        permissions=PRESETS[ROLES[terms.role]],
        not_before=now - MAX_CLOCK_SKEW,
        expires=now + terms.seconds,
        id=encode(world.entropy(ID_BYTES)),
        holder=holder,
        uses=terms.uses,
        consent=Consent.ALWAYS if terms.ask else Consent.NEVER,
        role=terms.role.capitalize(),
        name=name[:MAX_SHOWN_NAME],
        share=shared,
    )


def described(permit: Permit, people: Mapping[str, str], devices: Mapping[str, str]) -> dict[str, Any]:
    """A grant for a person to read: id, who, role, where, expires (Unix seconds). `people` and `devices`: names by id
    and by number."""
    where = permit.audience.partition(":")[2]
    role = next((name for name, preset in ROLES.items() if int(PRESETS[preset]) == permit.permissions), "")
    return {
        "id": permit.id,
        "who": people.get(permit.person) or permit.name or "somebody",
        "role": role or "some permissions",
        "where": devices.get(where, where),
        "expires": permit.expires,
    }
