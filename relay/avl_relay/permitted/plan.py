"""Plan: what owners have to sign so that people may this and no more at devices or groups of them, and what that would
change. Nothing is done here: a relay can sign none of it (spec 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from avl_protocol.rights.effective import OWNER
from avl_protocol.wire.registry import Permission
from avl_relay.permitted.rules import Given, Limit, Rules

#: What a rule that is not signed yet is called.
NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """In each of `cells`, a person's id and an audience, that person shall have `permissions`, none: nothing, until
    `expires` (unix seconds). At the audiences of `limits` everybody shall have no more than them: that takes away
    alone."""

    permissions: Permission
    cells: Sequence[tuple[str, str]] = ()
    expires: int = 0
    limits: Sequence[str] = ()

    @property
    def people(self) -> list[str]:
        """Those of the cells, each once."""
        return list(dict.fromkeys(person for person, _ in self.cells))

    @property
    def audiences(self) -> list[str]:
        """All that are concerned, each once."""
        return list(dict.fromkeys((*(audience for _, audience in self.cells), *self.limits)))


@dataclass(frozen=True, slots=True)
class Signature:
    """What one owner's key has to sign: grants that are taken back, by name; grants that are given; and policies."""

    key: str
    person: str
    revoke: list[str] = field(default_factory=list)
    give: list[Given] = field(default_factory=list)
    limit: list[Limit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """What can't be had. `why`: `owner` (they own it: only a limit takes from that), `no-key` (they have not made a key
    yet), or `nobody` (no device that this relay knows is meant)."""

    person: str
    audience: str
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that would be another."""

    person: str
    device: str
    before: Permission
    after: Permission


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be signed, what can't be had, and the rules as they would be."""

    signatures: Sequence[Signature]
    refused: Sequence[Refused]
    after: Rules


def plan(rules: Rules, wish: Wish, have_keys: Iterable[str]) -> Plan:
    """What a wish asks for. `have_keys`: people to whom a grant can be given."""
    signed: dict[str, Signature] = {}
    refused: dict[Refused, None] = {}
    able = frozenset(have_keys)

    def signers(audience: str) -> list[Signature]:
        owners = {place.key: place.owner for place in rules.at(audience)}
        if not owners:
            refused[Refused("", audience, "nobody")] = None
        return [signed.setdefault(key, Signature(key, owner)) for key, owner in owners.items()]

    for person, audience in wish.cells:
        for signature in signers(audience):
            if (why := _give(rules, wish, person, audience, signature, able)) is not None:
                refused[Refused(person, audience, why)] = None
    for audience in wish.limits:
        for signature in signers(audience):
            _limit(rules, wish, audience, signature)
    needed = [one for one in signed.values() if one.revoke or one.give or one.limit]
    return Plan(needed, list(refused), _after(rules, needed))


def changes(before: Rules, after: Rules, people: Iterable[str]) -> list[Change]:
    """The cells of these people that differ."""
    found = []
    for person in people:
        for number in before.places:
            was, will = before.cell(person, number).permissions, after.cell(person, number).permissions
            if was != will:
                found.append(Change(person, number, was, will))
    return found


def _give(
    rules: Rules, wish: Wish, person: str, audience: str, signature: Signature, able: frozenset[str]
) -> str | None:
    """Have a person given this and no more at an audience; why it can't be, or None. What gives no more than that is
    not taken back: it would end the sessions that stand on it."""
    if person == signature.person:
        return "owner"
    held = rules.of(person, signature.key, audience)
    signature.revoke.extend(one.id for one in held if not wish.permissions or one.permissions & ~wish.permissions)
    fits = any(one.permissions == wish.permissions and not one.limited for one in held)
    if fits or not wish.permissions:
        return None
    if person not in able:
        return "no-key"
    signature.give.append(
        Given(
            id=NEW,
            person=person,
            key=signature.key,
            audience=audience,
            permissions=wish.permissions,
            role="",
            expires=wish.expires,
            limited=False,
        )
    )
    return None


def _limit(rules: Rules, wish: Wish, audience: str, signature: Signature) -> None:
    known = next((one for one in rules.limits if (one.key, one.audience) == (signature.key, audience)), None)
    if known is None:
        known = Limit(id=NEW, key=signature.key, audience=audience, permissions=OWNER)
    if known.permissions != wish.permissions:
        signature.limit.append(replace(known, permissions=wish.permissions))


def _after(rules: Rules, signatures: Iterable[Signature]) -> Rules:
    gone, given = set[str](), list[Given]()
    limits: Mapping[tuple[str, str], Limit] = {(one.key, one.audience): one for one in rules.limits}
    for one in signatures:
        gone |= set(one.revoke)
        given += one.give
        limits = {**limits, **{(limit.key, limit.audience): limit for limit in one.limit}}
    kept = [one for one in rules.given if one.id not in gone]
    return Rules(rules.places, [*kept, *given], list(limits.values()))
