"""Chain: the statements with which a viewer comes, verified by the host alone, without a network (spec 11, 11.4).

A chain is one to three grants, each standing on the one before and giving no more, and perhaps a key link at its end.
The first is signed by the owner whom the host pinned. An owner has no grants: her chain is a key link that she signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from avl_protocol.rights import jws
from avl_protocol.rights.effective import OWNER, Consent, strictest
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import AccessGrant, KeyLink, RevocationList, read
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import (
    MAX_CHAIN,
    MAX_CHAIN_GRANTS,
    MAX_CLOCK_SKEW,
    MAX_STALENESS,
    GrantRefusal,
    Permission,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a host decides with. `owner`: the pinned key; `audiences`: what the device is called in `aud`, by itself and
    by its groups; `revocation`: the newest list; `staleness`: seconds for which it is good; `delegates`: newest lists
    of others, by the thumbprint of who signed each: they take back what they have handed on."""

    owner: bytes
    audiences: frozenset[str]
    revocation: RevocationList
    staleness: int = MAX_STALENESS
    delegates: Mapping[str, RevocationList] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRights:
    """What a chain gives, all limits of all its links together.

    `expires`: Unix seconds; `hours`: all of these have to be open; `uses`: rows of (what a grant is counted by,
    sessions that it allows); `role` and `name` are the owner's words, or a delegate's, and may be hostile.
    """

    permissions: Permission
    expires: int
    hours: tuple[Hours, ...] = ()
    longest: int | None = None
    uses: tuple[tuple[str, int], ...] = ()
    consent: Consent = Consent.NEVER
    role: str = ""
    name: str = ""
    owner: bool = False
    share: bool = False
    browser: bool = False
    #: Thumbprint of the person's key, or of the holder's where no person stands behind it.
    person: str = ""
    #: Names of the grants, the owner's first.
    grants: tuple[str, ...] = ()
    #: What each of them is counted by.
    counted: tuple[str, ...] = ()

    @property
    def basis(self) -> str:
        """What stands for the person and the grants, whichever of their devices comes with them."""
        return jws.digest(" ".join((self.person, *self.counted)))

    def ends(self, begun: float, wall: float, longest: int | None = None) -> float:
        """When a session that began at `begun` has to end, as seen at `wall` (Unix seconds). `longest`: what a policy
        says of sessions."""
        moments = [float(self.expires)]
        moments += [begun + seconds for seconds in (self.longest, longest) if seconds is not None]
        moments += [moment for hours in self.hours if (moment := hours.closes(wall)) is not None]
        return min(moments)


def no_uses(grant: str) -> int:
    """How often a grant was used, for who does not count."""
    return 0


def verify_chain(
    tokens: Sequence[str], trust: Trust, *, holder: bytes, wall: float, used: Callable[[str], int] = no_uses
) -> ChainRights:
    """What a chain gives to the viewer that proved to have the identity `holder` (32 bytes), at `wall` (Unix seconds).

    `used`: how many sessions a grant (what it is counted by) has begun so far. Raises GrantRefused.
    """
    grants, link = _read(tokens, trust.owner)
    for place, grant in enumerate(grants):
        if place:
            _attenuates(grants[place - 1], tokens[place - 1], grant)
        elif grant.parent:
            raise GrantRefused(GrantRefusal.FORGED)
    last = link.holder if link is not None else grants[-1].holder
    if last != holder:
        raise GrantRefused(GrantRefusal.WRONG_HOLDER)
    if any(grant.audience not in trust.audiences for grant in grants):
        raise GrantRefused(GrantRefusal.WRONG_DEVICE)
    _check_revocation(grants, link, trust, wall)
    _check_time(grants, link, wall)
    if any(used(name) >= grant.uses for name, grant in _counted(grants) if grant.uses is not None):
        raise GrantRefused(GrantRefusal.USED_UP)
    return _sum(grants, link, trust.owner)


def holder_of(tokens: Sequence[str], owner: bytes) -> bytes:
    """For which key (32 bytes) the last grant of a chain is; what else it comes to, `verify_chain` says. Raises
    GrantRefused."""
    grants, link = _read(tokens, owner)
    if link is not None:
        raise GrantRefused(GrantRefusal.FORGED)
    return grants[-1].holder


def _counted(grants: Sequence[AccessGrant]) -> list[tuple[str, AccessGrant]]:
    """What each grant is counted by, at a host of one owner: an owner's by its name, another's by who signed it, too.
    Names are the signer's choice, and nobody may spend what somebody else gave."""
    return [
        (grant.id if not place else f"{jws.thumbprint(grants[place - 1].holder)} {grant.id}", grant)
        for place, grant in enumerate(grants)
    ]


def _read(tokens: Sequence[str], owner: bytes) -> tuple[list[AccessGrant], KeyLink | None]:
    """The statements, each signed by who the one before it names. Raises GrantRefused."""
    if not tokens or sum(len(token) for token in tokens) > MAX_CHAIN:
        raise GrantRefused(GrantRefusal.FORGED)
    try:
        kinds = [jws.header(token).type for token in tokens]
    except NotSigned:
        raise GrantRefused(GrantRefusal.FORGED) from None
    if kinds.count(AccessGrant.TYPE) > MAX_CHAIN_GRANTS:
        raise GrantRefused(GrantRefusal.TOO_DEEP)
    signer, grants, link = owner, list[AccessGrant](), None
    for place, (kind, token) in enumerate(zip(kinds, tokens, strict=True)):
        try:
            if kind == AccessGrant.TYPE:
                grants.append(read(AccessGrant, token, signer))
                signer = grants[-1].holder
            elif kind == KeyLink.TYPE and place == len(tokens) - 1:
                link = read(KeyLink, token, signer)
            else:
                raise GrantRefused(GrantRefusal.FORGED)
        except NotSigned:
            raise GrantRefused(GrantRefusal.FORGED) from None
    return grants, link


def _attenuates(parent: AccessGrant, token: str, grant: AccessGrant) -> None:
    """A grant stands on this parent, whose token it names, and is no wider in any way. Raises GrantRefused."""
    if grant.parent != jws.digest(token):
        raise GrantRefused(GrantRefusal.FORGED)
    narrower = (
        parent.permissions & Permission.DELEGATE
        and not grant.permissions & ~parent.permissions
        and grant.audience == parent.audience
        and grant.expires <= parent.expires
        and (parent.hours is None or (grant.hours is not None and grant.hours.within(parent.hours)))
        and (parent.longest is None or (grant.longest is not None and grant.longest <= parent.longest))
        and (parent.uses is None or (grant.uses is not None and grant.uses <= parent.uses))
        and parent.consent.allows(grant.consent)
    )
    if not narrower:
        raise GrantRefused(GrantRefusal.WIDENED)


def _check_revocation(grants: list[AccessGrant], link: KeyLink | None, trust: Trust, wall: float) -> None:
    taken = trust.revocation
    holders = [grant.holder for grant in grants] + ([link.holder] if link is not None else [])
    if (
        any(grant.id in taken.grants for grant in grants)
        or any(grant.epoch < taken.epochs.get(grant.audience, 0) for grant in grants)
        or any(jws.thumbprint(key) in taken.keys for key in holders)
        or any(_by_its_signer(parent, grant, trust.delegates) for parent, grant in pairwise(grants))
    ):
        raise GrantRefused(GrantRefusal.REVOKED)
    if wall - taken.issued > trust.staleness:
        raise GrantRefused(GrantRefusal.STALE)


def _by_its_signer(parent: AccessGrant, grant: AccessGrant, lists: Mapping[str, RevocationList]) -> bool:
    """Whether who handed a grant on has taken it back."""
    theirs = lists.get(jws.thumbprint(parent.holder)) if lists else None
    return theirs is not None and grant.id in theirs.grants


def _check_time(grants: list[AccessGrant], link: KeyLink | None, wall: float) -> None:
    links: list[AccessGrant | KeyLink] = [*grants, *([link] if link is not None else [])]
    if any(wall >= one.expires for one in links):
        raise GrantRefused(GrantRefusal.EXPIRED)
    if any(wall < one.not_before - MAX_CLOCK_SKEW for one in links):
        raise GrantRefused(GrantRefusal.NOT_YET)
    if any(grant.hours is not None and not grant.hours.open_at(wall) for grant in grants):
        raise GrantRefused(GrantRefusal.OUTSIDE_HOURS)


def _sum(grants: list[AccessGrant], link: KeyLink | None, owner: bytes) -> ChainRights:
    expiries = [grant.expires for grant in grants] + ([link.expires] if link is not None else [])
    person = grants[-1].holder if grants else owner
    return ChainRights(
        permissions=grants[-1].permissions if grants else OWNER,
        expires=min(expiries),
        hours=tuple(grant.hours for grant in grants if grant.hours is not None),
        longest=min((grant.longest for grant in grants if grant.longest is not None), default=None),
        uses=tuple((name, grant.uses) for name, grant in _counted(grants) if grant.uses is not None),
        consent=strictest(grant.consent for grant in grants),
        role=grants[-1].role if grants else "Owner",
        name=grants[-1].name if grants else link.name if link is not None else "",
        owner=not grants,
        share=any(grant.share for grant in grants),
        browser=any(grant.share for grant in grants) or (link is not None and link.browser),
        person=jws.thumbprint(person),
        grants=tuple(grant.id for grant in grants),
        counted=tuple(name for name, _ in _counted(grants)),
    )


def delegate(parent: AccessGrant, parent_token: str, child: AccessGrant) -> AccessGrant:
    """A grant that hands on part of another: `child` with the parent's limits where it has none of its own.

    What it asks for beyond the parent is left in, and refused by every host (WIDENED).
    """
    return AccessGrant(
        audience=parent.audience,
        permissions=child.permissions,
        not_before=child.not_before,
        expires=min(child.expires, parent.expires),
        id=child.id,
        holder=child.holder,
        parent=jws.digest(parent_token),
        epoch=parent.epoch,
        hours=child.hours or parent.hours,
        longest=child.longest if child.longest is not None else parent.longest,
        uses=child.uses if child.uses is not None else parent.uses,
        consent=strictest((child.consent, parent.consent)),
        role=child.role,
        name=child.name,
        share=child.share,
    )
