"""Enrolled: a device as its owner's signatures tell of it, for those who are about to show it a chain (spec 11, 11.6).

A relay says whose a device is and which groups it is in; a host of the relay's own could be called whatever opens
doors. The owner has signed both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.rights import jws
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import Enrolment, Policy, device_audience, enrolment_of, group_audience, read


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device that an owner has enrolled. `key`: the owner's (32 bytes); `groups`: where they have put it."""

    device: int
    key: bytes
    groups: tuple[str, ...]

    @property
    def audiences(self) -> frozenset[str]:
        """What the device is called in `aud`, by itself and by its groups."""
        return frozenset({device_audience(self.device), *map(group_audience, self.groups)})


def enrolled(tokens: Iterable[str], device: int, owner: str) -> Enrolled | None:
    """What the key with the thumbprint `owner` has signed about a device, by its number, whatever else is among these
    tokens; None where it has not enrolled it. The newest enrolment counts, and then the newest policy."""
    audience = device_audience(device)
    enrolments, policies = list[tuple[bytes, Enrolment]](), list[str]()
    for token in tokens:
        try:
            kind = jws.header(token).type
            if kind == Enrolment.TYPE:
                key, found = enrolment_of(token)
                if jws.thumbprint(key) == owner and found.audience == audience:
                    enrolments.append((key, found))
            elif kind == Policy.TYPE:
                policies.append(token)
        except NotSigned:
            continue
    if not enrolments:
        return None
    key, newest = max(enrolments, key=lambda one: one[1].issued)
    decided = [one for one in _signed(policies, key) if one.audience == audience]
    last = max(decided, key=lambda one: one.sequence, default=None)
    groups = newest.groups if last is None or last.groups is None else last.groups
    return Enrolled(device, key, groups)


def _signed(tokens: Iterable[str], key: bytes) -> Iterable[Policy]:
    for token in tokens:
        try:
            yield read(Policy, token, key)
        except NotSigned:
            continue
