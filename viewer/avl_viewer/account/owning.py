"""Owning: what an owner signs here: share links, grants to people, and taking them back. Who holds a grant that may be
handed on signs part of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.chain import delegate
from avl_protocol.rights.jws import NotSigned, encode, thumbprint
from avl_protocol.rights.sharelink import SECRET_BYTES, Share
from avl_protocol.rights.statements import (
    ID_BYTES,
    AccessGrant,
    RevocationList,
    device_audience,
    group_audience,
    read,
    sign,
)
from avl_protocol.wire.registry import (
    MAX_CHAIN,
    MAX_CHAIN_GRANTS,
    MAX_CLOCK_SKEW,
    MAX_SHOWN_NAME,
    MAX_STATEMENT,
    Permission,
)
from avl_viewer.account import words
from avl_viewer.account.account import Account, Permit, Person
from avl_viewer.account.chains import claimed, stands
from avl_viewer.account.devices import Device, NoSuchName, meant
from avl_viewer.account.program import Kept, freshen
from avl_viewer.account.terms import Terms

GROUP = "group:"
#: Bytes of a chain that are left for the link to a viewer of its holder's.
LINK = 800
NO_KEY = "this needs your key: bring it with avl login --key"


class NotOwner(Exception):
    """The device believes another key; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """What something is signed for: its `aud`, how a person calls it, and the device, where it is one."""

    audience: str
    name: str
    device: Device | None = None


def place_of(text: str, devices: Sequence[Device], kept: Kept) -> Place:
    """A device, or "group:NAME" for the devices of a group. Raises NoSuchName, NotOwner."""
    if not text.startswith(GROUP):
        device = meant(text, devices)
        return Place(device_audience(device.device), device.name, device)
    own, name = key_of(kept), text.removeprefix(GROUP)
    mine = [one for one in devices if one.owner == thumbprint(own.public)]
    if not any(name in one.groups for one in mine):
        known = sorted({group for one in mine for group in one.groups})
        hint = f"there are: {', '.join(known)}" if known else f"make it with avl groups add {name} DEVICE"
        raise NoSuchName(f"no device of yours is in a group called {name!r}: {hint}")
    return Place(group_audience(name), f"group {name}")


def key_of(kept: Kept) -> Identity:
    """The person's key. Raises NotOwner."""
    if kept.person is None:
        raise NotOwner(NO_KEY)
    return kept.person


def owner_of(kept: Kept, device: Device) -> Identity:
    """The person's key, where it is what the device believes. Raises NotOwner."""
    person = key_of(kept)
    if thumbprint(person.public) != device.owner:
        raise NotOwner(f"{device.name} believes another owner's key than yours: only its owner can permit that")
    return person


async def share(account: Account, kept: Kept, world: World, device: Device, terms: Terms, page: str) -> str:
    """The address of a new share link. Raises NotOwner, ValueError, ApiError, OSError."""
    owner = owner_of(kept, device)
    if Permission.DELEGATE in terms.permissions:
        raise ValueError("what a link opens can't be handed on: leave delegate out")
    link = Share(world.entropy(SECRET_BYTES))
    place = Place(device_audience(device.device), device.name, device)
    grant = _grant(world, place, terms, holder=link.identity.public, name="Share link", shared=True)
    await account.add_share(
        {
            "id": link.id,
            "device": device.number,
            "name": f"{words.permitted(terms.permissions)} by link",
            "chain": _signed(owner, (), grant),
            "pass_hash": encode(hashlib.sha256(link.access_pass).digest()),
            "uses": terms.uses,
        },
        encode(world.entropy(16)),
    )
    await freshen(account, owner, world.clock.wall())
    return link.link(page, device.id)


async def give(account: Account, kept: Kept, world: World, place: Place, person: Person, terms: Terms) -> None:
    """Permit somebody something: as the owner, or as one who may hand it on. Raises NotOwner, ValueError for a person
    without a key and for terms that can't be, ApiError, OSError."""
    own = key_of(kept)
    if person.key is None:
        raise ValueError(f"{person.login or person.name} has made no key yet: they do it at the page at first")
    grant = _grant(world, place, terms, holder=person.key, name=person.name or person.login, shared=False)
    if place.device is None or place.device.owner == thumbprint(own.public):
        await account.add_grant(_signed(own, (), grant), encode(world.entropy(16)))
        await freshen(account, own, world.clock.wall())
        return
    held = await _handed_on(account, own, place.device, world.clock.wall())
    if held is None:
        owner_of(kept, place.device)  # says so
        return
    child = _narrowed(held, grant)
    await account.add_grant(_signed(own, held, child), encode(world.entropy(16)))


async def take_back(account: Account, kept: Kept, world: World, grant: str) -> None:
    """Revoke a grant, by its name: one's own, or one that one has handed on. Raises NotOwner, ValueError for one too
    many, ApiError, OSError."""
    own = key_of(kept)
    now = int(world.clock.wall())
    last = await account.revocations(own.public) or RevocationList(sequence=0, issued=now)
    found = next((one for one in await account.grants() if one.id == grant), None)
    end = end_of(found, own) if found is not None else 0
    await account.take_back(grant, revoking(own, last, now, grant, end))


def revoking(own: Identity, last: RevocationList, now: int, grant: str, end: int) -> str:
    """The token of the list that follows `last` and takes back this grant, which ends at `end` (Unix seconds; 0: not
    known). Raises ValueError where no list is that long."""
    following = last.next(now, grants=[grant], ends={grant: end} if end else None)
    token = sign(own, following)
    if len(token) > MAX_STATEMENT:
        first = min(last.ends.values(), default=0)
        until = f" until {time.strftime('%Y-%m-%d', time.gmtime(first))}, when the first of them ends" if first else ""
        raise ValueError(
            f"{len(last.grants)} permissions that have not ended yet were taken back, and there is room for no more"
            f"{until}: shut people out by a policy, avl policy set DEVICE, or let permissions end sooner"
        )
    return token


def end_of(permit: Permit, own: Identity) -> int:
    """When a grant ends, by its owner's signature, whatever the relay says; 0 where it is not this owner's."""
    try:
        found = read(AccessGrant, permit.token, own.public)
    except NotSigned:
        return 0
    return found.expires if found.id == permit.id else 0


async def _handed_on(account: Account, own: Identity, device: Device, wall: float) -> tuple[str, ...] | None:
    """The chain for a device that ends at this key and may be handed on: the one that permits most."""
    best: tuple[int, tuple[str, ...]] | None = None
    signed = await account.enrolled(device, device.owner)
    for tokens in await account.chains() if signed is not None else ():
        found = claimed(tokens[-1]) if tokens else None
        fits = found is not None and signed is not None and stands(tokens, signed, own.public, wall)
        if found is None or not fits or found.expires <= wall or Permission.DELEGATE not in found.permissions:
            continue
        rank = int(found.permissions).bit_count()
        if best is None or rank > best[0]:
            best = rank, tokens
    return best[1] if best is not None else None


def _narrowed(held: tuple[str, ...], grant: AccessGrant) -> AccessGrant:
    """What of a chain is handed on: no more than it gives. Raises ValueError."""
    parent = claimed(held[-1])
    assert parent is not None
    if len(held) >= MAX_CHAIN_GRANTS:
        raise ValueError("this was handed on so often that it can't be handed on once more: ask its owner")
    if beyond := grant.permissions & ~parent.permissions:
        raise ValueError(
            f"you may not hand that on: {words.permitted(beyond)}. You have: {words.permitted(parent.permissions)}"
        )
    if parent.hours is not None and grant.hours is not None and not grant.hours.within(parent.hours):
        raise ValueError(f"you may hand it on for these hours only: {words.hours(parent.hours)}")
    child = delegate(parent, held[-1], grant)
    return replace(child, longest=_least(child.longest, parent.longest), uses=_least(child.uses, parent.uses))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _signed(signer: Identity, before: Sequence[str], grant: AccessGrant) -> list[str]:
    """The chain that ends with this grant. Raises ValueError for one that no handshake carries."""
    chain = [*before, sign(signer, grant)]
    if sum(map(len, chain)) > MAX_CHAIN - LINK:
        raise ValueError("these limits are too long to be shown to a host: say fewer hours")
    return chain


def _grant(world: World, place: Place, terms: Terms, *, holder: bytes, name: str, shared: bool) -> AccessGrant:
    return AccessGrant(
        audience=place.audience,
        permissions=terms.permissions,
        not_before=int(world.clock.wall()) - MAX_CLOCK_SKEW,
        expires=terms.expires,
        id=encode(world.entropy(ID_BYTES)),
        holder=holder,
        hours=terms.hours,
        longest=terms.longest,
        uses=terms.uses,
        consent=terms.consent,
        role=terms.role,
        name=name[:MAX_SHOWN_NAME],
        share=shared,
    )


def described(permit: Permit, people: Mapping[str, str], devices: Mapping[str, str]) -> dict[str, Any]:
    """A grant for a person to read: id, who, role, where, limits, expires (Unix seconds). `people` and `devices`: names
    by id and by number."""
    kind, _, where = permit.audience.partition(":")
    grant = claimed(permit.token)
    return {
        "id": permit.id,
        "who": people.get(permit.person) or permit.name or "somebody",
        "role": words.permitted(Permission(permit.permissions)),
        "where": devices.get(where, where) if kind == "device" else f"group {where}",
        "limits": words.limits(grant) if grant is not None else [],
        "expires": permit.expires,
    }
