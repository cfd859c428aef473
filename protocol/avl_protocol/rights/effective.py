"""What a session may in the end: every layer takes away, none adds (spec 11, 11.5)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from avl_protocol.wire.registry import PRESETS, Permission

#: Permissions that stand in no role below Admin, and that nothing else brings along (R-RIGHT-14).
NEVER_IMPLIED = Permission.MANAGE | Permission.DELEGATE | Permission.TERMINAL | Permission.TUNNEL
OWNER = PRESETS["OWNER"]


class Consent(Enum):
    """Whether a person at the host is asked, from the most to the least careful."""

    ALWAYS = "always"
    FIRST = "first"
    NEVER = "never"

    def allows(self, other: Consent) -> bool:
        """Whether `other` is at least as careful."""
        order = list(Consent)
        return order.index(other) <= order.index(self)


def strictest(consents: Iterable[Consent]) -> Consent:
    """The most careful of them; NEVER where there is none."""
    given = set(consents)
    return next((one for one in Consent if one in given), Consent.NEVER)


def effective(
    *, grant: Permission, policies: Iterable[Permission], host: Permission, consent: Permission, request: Permission
) -> Permission:
    """What the session may: what all of the layers leave, and nothing at all where they leave no VIEW.

    Pure, and monotone in each argument: less given is never more allowed.
    """
    left = grant & host & consent & request
    for policy in policies:
        left &= policy
    return left if left & Permission.VIEW else Permission(0)
