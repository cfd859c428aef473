"""People with keys, and what they sign, for tests of rights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws
from avl_protocol.rights.chain import ChainRights, Trust, verify_chain
from avl_protocol.rights.statements import AccessGrant, KeyLink, RevocationList, device_audience, sign
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import PRESETS, GrantRefusal, Permission

WALL = 1_800_000_000
DAY = 86_400


def person(name: str) -> Identity:
    """Somebody, always with the same key."""
    return Identity(hashlib.sha256(name.encode()).digest())


OWNER, FRIEND, GUEST, LAPTOP, HOST = (person(name) for name in ("owner", "friend", "guest", "laptop", "host"))
DEVICE = device_audience(HOST.number)
NOTHING_REVOKED = RevocationList(sequence=0, issued=WALL)
TRUST = Trust(owner=OWNER.public, audiences=frozenset({DEVICE, "group:office"}), revocation=NOTHING_REVOKED)


def grant_id(name: str) -> str:
    """A grant's name."""
    return jws.encode(hashlib.sha256(name.encode()).digest()[:16])


def grant(holder: Identity = FRIEND, permissions: Permission = PRESETS["OPERATOR"], **changes: Any) -> AccessGrant:
    """A grant for a week to `holder`."""
    plain = AccessGrant(
        audience=DEVICE,
        permissions=permissions,
        not_before=WALL - 60,
        expires=WALL + 7 * DAY,
        id=grant_id("a grant"),
        holder=holder.public,
    )
    return replace(plain, **changes)


def key_link(holder: Identity = LAPTOP, **changes: Any) -> KeyLink:
    """A key link for 30 days."""
    return replace(KeyLink(holder=holder.public, not_before=WALL - 60, expires=WALL + 30 * DAY), **changes)


def chain(*links: tuple[Identity, AccessGrant | KeyLink]) -> list[str]:
    """The tokens of a chain of (signer, statement), each grant naming the token before it."""
    tokens: list[str] = []
    for signer, link in links:
        if isinstance(link, AccessGrant) and tokens and not link.parent:
            link = replace(link, parent=jws.digest(tokens[-1]))
        tokens.append(sign(signer, link))
    return tokens


def refusal(tokens: Sequence[str], trust: Trust = TRUST, holder: Identity = FRIEND, **more: Any) -> GrantRefusal | None:
    """Why a chain is refused; None where it is not."""
    try:
        rights(tokens, trust, holder, **more)
    except GrantRefused as error:
        return error.why
    return None


def rights(tokens: Sequence[str], trust: Trust = TRUST, holder: Identity = FRIEND, **more: Any) -> ChainRights:
    """What a chain gives at WALL."""
    return verify_chain(tokens, trust, holder=holder.public, **{"wall": WALL, **more})
