"""Rules: who may what where, as far as a relay knows it: who owns a device, what owners have granted and limited.

The relay keeps what was signed and decides none of it (spec 11): a host knows its own settings besides, and asks its
people. So this says what is left before that: never less than what a host allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from avl_protocol.rights.effective import OWNER, effective
from avl_protocol.wire.registry import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A device. `owner`: a person's id, `key`: thumbprint of the key that it has pinned; `groups`: those that its owner
    has signed it into, by name."""

    number: str
    owner: str
    key: str
    groups: frozenset[str]

    @property
    def audiences(self) -> tuple[str, ...]:
        """What statements about it may be for."""
        return (f"device:{self.number}", *(f"group:{name}" for name in sorted(self.groups)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A grant that counts now. `person` holds it; `key`: thumbprint of the owner that it stands on; `limited`: whether
    it has hours, a number of uses, a longest session or a question at the host besides."""

    id: str
    person: str
    key: str
    audience: str
    permissions: Permission
    role: str
    expires: int
    limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A policy of an owner's that counts: what is left of every grant at its audience."""

    id: str
    key: str
    audience: str
    permissions: Permission


class Kind(Enum):
    """What a rule is."""

    OWNER = "owner"
    GRANT = "grant"
    LIMIT = "limit"


Rule = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """What somebody may at a device: of all chains together that they can show, of which a session stands on one.
    `rules`: what gave it, and what took from it."""

    permissions: Permission
    rules: tuple[Rule, ...] = ()


NOTHING = Cell(Permission(0))


@dataclass(frozen=True, slots=True)
class Both:
    """What of several cells all have (`every`), and what any has (`some`)."""

    every: Permission
    some: Permission
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules about some devices."""

    places: Mapping[str, Place]
    given: Sequence[Given]
    limits: Sequence[Limit]
    _given: dict[tuple[str, str, str], list[Given]] = field(init=False, repr=False)
    _limits: dict[tuple[str, str], Limit] = field(init=False, repr=False)
    _known: dict[tuple[str, str], Cell] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_holder: dict[tuple[str, str, str], list[Given]] = {}
        for one in self.given:
            by_holder.setdefault((one.person, one.key, one.audience), []).append(one)
        object.__setattr__(self, "_given", by_holder)
        object.__setattr__(self, "_limits", {(one.key, one.audience): one for one in self.limits})
        object.__setattr__(self, "_known", {})

    def of(self, person: str, key: str, audience: str) -> list[Given]:
        """What somebody was given there by an owner."""
        return self._given.get((person, key, audience), [])

    def at(self, audience: str) -> list[Place]:
        """The devices that an audience names, of those that these rules are about."""
        return [place for place in self.places.values() if audience in place.audiences]

    def cell(self, person: str, number: str) -> Cell:
        """What somebody may at a device."""
        if (known := self._known.get((person, number))) is None:
            place = self.places.get(number)
            known = NOTHING if place is None else self._cell(person, place)
            self._known[person, number] = known
        return known

    def both(self, people: Iterable[str], numbers: Sequence[str]) -> Both:
        """What all of these people may at all of these devices, and what any may at any."""
        every, some, rules = OWNER, Permission(0), dict[Rule, None]()
        seen = False
        for person in people:
            for number in numbers:
                one = self.cell(person, number)
                every, some, seen = every & one.permissions, some | one.permissions, True
                rules |= dict.fromkeys(one.rules)
        return Both(every if seen else Permission(0), some, tuple(rules))

    def _cell(self, person: str, place: Place) -> Cell:
        held = [one for audience in place.audiences for one in self._given.get((person, place.key, audience), ())]
        owns = person == place.owner
        if not held and not owns:
            return NOTHING
        limits = [found for one in place.audiences if (found := self._limits.get((place.key, one))) is not None]
        masks = [one.permissions for one in limits]
        left = Permission(0)
        for grant in [*((OWNER,) if owns else ()), *(one.permissions for one in held)]:
            left |= effective(grant=grant, policies=masks, host=OWNER, consent=OWNER, request=OWNER)
        rules: list[Rule] = [(Kind.OWNER, "")] if owns else []
        rules += [(Kind.GRANT, one.id) for one in held]
        rules += [(Kind.LIMIT, one.id) for one in limits if one.permissions & OWNER != OWNER]
        return Cell(left, tuple(rules))
