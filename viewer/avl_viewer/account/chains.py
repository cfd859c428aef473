"""Chains: what a host is shown instead of a code, for each device, kept so that a session begins while the relay's
accounts are down.

An owner's chain is made here, with their key; another's is fetched, and ended by a link to this program's own key where
it was given to the person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateError, StateFolder
from avl_protocol.rights import jws
from avl_protocol.rights.chain import Trust, verify_chain
from avl_protocol.rights.enrolled import Enrolled
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import AccessGrant, Claims, KeyLink, RevocationList, read, sign
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import MAX_CLOCK_SKEW, GrantRefusal

#: Seconds for which "this program is mine" is said at a time.
LINK_SECONDS = 30 * 86_400
#: Seconds before its end from which on a chain is made or fetched anew.
SPARE = 60
#: Why a host refuses a chain for now that it may take at another time.
_LATER = {GrantRefusal.NOT_YET, GrantRefusal.OUTSIDE_HOURS}
_COSTS = "the permission has to be asked of the relay each time"


@dataclass(frozen=True, slots=True)
class Chain:
    """Statements to show a host, and until when they hold (Unix seconds)."""

    tokens: tuple[str, ...]
    expires: int

    def good(self, wall: float) -> bool:
        """Whether it may be shown now."""
        return wall < self.expires - SPARE


class ChainFiles:
    """A file of the state folder for each device."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def load(self, device: int) -> Chain | None:
        """The chain that is kept."""
        try:
            found = json.loads(self._state.read(_name(device)) or b"null")
            tokens, expires = found["tokens"], found["expires"]
        except (StateError, ValueError, TypeError, KeyError):
            return None
        if type(expires) is not int or not isinstance(tokens, list) or not all(isinstance(one, str) for one in tokens):
            return None
        return Chain(tuple(tokens), expires)

    def save(self, device: int, chain: Chain) -> None:
        """Keep it."""
        data = {"tokens": list(chain.tokens), "expires": chain.expires}
        self._state.keep(_name(device), json.dumps(data).encode() + b"\n", _COSTS)

    def forget(self) -> None:
        """Keep none."""
        for file in self._state.path.glob("chain-*"):
            file.unlink(missing_ok=True)


def of_owner(owner: Identity, viewer: Identity, wall: float, name: str) -> Chain:
    """The chain of an owner: this viewer is mine."""
    link = link_to(owner, viewer.public, wall, name)
    return Chain((sign(owner, link),), link.expires)


def link_to(person: Identity, viewer: bytes, wall: float, name: str) -> KeyLink:
    """ "This viewer (its public key) is mine." """
    now = int(wall)
    return KeyLink(holder=viewer, not_before=now - MAX_CLOCK_SKEW, expires=now + LINK_SECONDS, name=name)


def of_grants(
    chains: Sequence[Sequence[str]],
    device: Enrolled,
    *,
    viewer: Identity,
    person: Identity | None,
    link: str,
    wall: float,
    name: str,
) -> Chain | None:
    """The best of these chains for a device: the one that permits most, then longest. None where none is for it, as its
    owner has signed: what only the relay says of its groups, or of who permits something there, counts for nothing.

    `person`: the person's key, where this program has it; `link`: what that key said of this viewer ("" for nothing).
    """
    best: tuple[int, int, Chain] | None = None
    for tokens in chains:
        found = claimed(tokens[-1]) if tokens else None
        if found is None or found.expires <= wall:
            continue
        ended = _ended(found, tuple(tokens), viewer, person, link, wall, name)
        if ended is None or not stands(ended.tokens, device, viewer.public, wall):
            continue
        rank = (int(found.permissions).bit_count(), ended.expires, ended)
        if best is None or rank[:2] > best[:2]:
            best = rank
    return best[2] if best is not None else None


def stands(tokens: Sequence[str], device: Enrolled, holder: bytes, wall: float) -> bool:
    """Whether a chain that ends at `holder` (32 bytes) comes from the device's owner, and is for the device. What was
    taken back its host knows."""
    nothing_taken_back = RevocationList(sequence=0, issued=int(wall))
    trust = Trust(owner=device.key, audiences=device.audiences, revocation=nothing_taken_back)
    try:
        verify_chain(tokens, trust, holder=holder, wall=wall)
    except GrantRefused as error:
        return error.why in _LATER
    return True


def _ended(
    grant: AccessGrant,
    tokens: tuple[str, ...],
    viewer: Identity,
    person: Identity | None,
    link: str,
    wall: float,
    name: str,
) -> Chain | None:
    """The chain as far as this viewer's key, where that can be reached."""
    if grant.holder == viewer.public:
        return Chain(tokens, grant.expires)
    if person is not None and grant.holder == person.public:
        made = link_to(person, viewer.public, wall, name)
        return Chain((*tokens, sign(person, made)), min(grant.expires, made.expires))
    if link and (expires := link_expiry(link, grant.holder, viewer.public)) is not None and expires > wall:
        return Chain((*tokens, link), min(grant.expires, expires))
    return None


def link_expiry(link: str, person: bytes, viewer: bytes) -> int | None:
    """Until when a link (its token) joins this viewer to the person's key; None where it does not."""
    try:
        found = read(KeyLink, link, person)
    except NotSigned:
        return None
    return found.expires if found.holder == viewer else None


def owners_link(link: str, owner: str, viewer: bytes, wall: float) -> Chain | None:
    """The chain of an owner (thumbprint of their key) who said on the page that this viewer is theirs; None where that
    was said by another key, or of another viewer."""
    try:
        if jws.header(link).kid != owner:
            return None
        claims = json.loads(jws.decode(link.split(".")[1]))
        claims.pop("iss")
        found = KeyLink.read(Claims(claims))
    except (NotSigned, IndexError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return Chain((link,), found.expires) if found.holder == viewer and found.expires > wall else None


def claimed(token: str) -> AccessGrant | None:
    """A grant as it says itself, for show and to choose by: only the host verifies it. None for what is none."""
    try:
        claims = json.loads(jws.decode(token.split(".")[1]))
        claims.pop("iss")
        return AccessGrant.read(Claims(claims))
    except (NotSigned, IndexError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _name(device: int) -> str:
    return f"chain-{device_id.to_text(device)}"
