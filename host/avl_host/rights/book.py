"""StatementBook: the newest policies and revocation list of a host's owner, which outlive the program (spec 11, 11.6).

A relay hands them on and may hold them back, repeat old ones or make some up: what the owner has not signed, and what
is not newer, changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from avl_host.rights.owner import Owner
from avl_protocol.crypto.identity import CLOCK_TOLERANCE
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights import jws
from avl_protocol.rights.chain import Trust
from avl_protocol.rights.effective import Consent, strictest
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.statements import Policy, RevocationList, group_audience, read, revocations_of
from avl_protocol.wire.registry import MAX_STALENESS, Permission

_FILE = "statements.json"
#: Policies of groups that are kept, and lists of those who hand on.
MOST = 64


class StatementBook:
    """What one owner has signed. `wall`: Unix time in seconds; `tell`: for the person at the host."""

    def __init__(
        self, *, state: StateFolder, owner: Owner, wall: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._state = state
        self._owner = owner
        self._wall = wall
        self._tell = tell
        #: By audience, and the tokens that are kept.
        self._policies: dict[str, Policy] = {}
        self._tokens: dict[str, str] = {}
        self._revocation = RevocationList(sequence=0, issued=owner.enrolment.issued)
        #: By who signed it.
        self._delegates: dict[str, RevocationList] = {}
        saved = state.read(_FILE)
        if saved:
            self._take(self._of_file(saved))

    def _of_file(self, saved: bytes) -> list[str]:
        """The tokens of the file, if they are this owner's."""
        try:
            found = json.loads(saved)
            return [str(token) for token in found["tokens"]] if found["owner"] == self._owner.thumbprint else []
        except (ValueError, KeyError, TypeError):
            return []  # damaged: the relay sends them anew, and until then the enrolment is the list that grows stale

    # what is known

    @property
    def revocation(self) -> RevocationList:
        """The newest list; the enrolment counts as the first, of sequence 0."""
        return self._revocation

    @property
    def policy(self) -> int:
        """The sequence of the device's policy; 0 without one."""
        found = self._policies.get(self._owner.enrolment.audience)
        return found.sequence if found is not None else 0

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the device."""
        found = self._policies.get(self._owner.enrolment.audience)
        return found.groups if found is not None and found.groups is not None else self._owner.enrolment.groups

    @property
    def _audiences(self) -> frozenset[str]:
        return frozenset({self._owner.enrolment.audience, *map(group_audience, self.groups)})

    @property
    def in_force(self) -> list[Policy]:
        """The policies of the device and of its groups."""
        audiences = self._audiences
        return [policy for audience, policy in self._policies.items() if audience in audiences]

    def trust(self) -> Trust:
        """What a chain is verified with."""
        staleness = min((one.staleness for one in self.in_force if one.staleness is not None), default=MAX_STALENESS)
        return Trust(
            owner=self._owner.key,
            audiences=self._audiences,
            revocation=self._revocation,
            staleness=staleness,
            delegates=self._delegates,
        )

    def masks(self) -> list[Permission]:
        """What each policy in force leaves."""
        return [policy.permissions for policy in self.in_force]

    def consent(self) -> Consent:
        """The most careful of the policies in force."""
        return strictest(policy.consent for policy in self.in_force)

    def longest(self) -> int | None:
        """Seconds that a session may last; None where no policy says."""
        return min((policy.longest for policy in self.in_force if policy.longest is not None), default=None)

    def browsers(self) -> bool:
        """Whether a page may be a viewer."""
        return all(policy.browser for policy in self.in_force)

    def now(self) -> float:
        """Unix seconds by this host's clock, and no less than the newest moment that the owner has signed: a clock that
        was set back brings nothing back (R-RIGHT-10)."""
        return max(self._wall(), float(self._revocation.issued))

    # what is new

    def take(self, tokens: Iterable[str]) -> bool:
        """Take what a relay hands on; whether anything of it was new. It is kept before it counts."""
        if not self._take(tokens):
            return False
        kept = {"owner": self._owner.thumbprint, "tokens": list(self._tokens.values())}
        costs = "after a restart of this host its owner's newest statements have to come from the relay again"
        self._state.keep(_FILE, json.dumps(kept).encode(), costs)
        return True

    def _take(self, tokens: Iterable[str]) -> bool:
        taken = [self._one(token) for token in tokens]
        return any(taken)

    def _one(self, token: str) -> bool:
        try:
            head = jws.header(token)
            kind = head.type
            if kind == RevocationList.TYPE and head.kid != self._owner.thumbprint:
                return self._by_delegate(token)
            if kind == RevocationList.TYPE:
                return self._revoked(token, read(RevocationList, token, self._owner.key))
            if kind == Policy.TYPE:
                return self._decided(token, read(Policy, token, self._owner.key))
        except NotSigned:
            pass
        return False

    def _revoked(self, token: str, found: RevocationList) -> bool:
        if found.sequence <= self._revocation.sequence:
            return False
        if found.issued > self._wall() + CLOCK_TOLERANCE:
            self._tell("the owner's newest list of revocations is from a day that has not come: set the clock right")
            return False
        self._revocation, self._tokens["revocation"] = found, token
        return True

    def _by_delegate(self, token: str) -> bool:
        """Somebody else's list: it can take back what they have handed on, and nothing else, whoever they are."""
        key, found = revocations_of(token)
        signer = jws.thumbprint(key)
        known = self._delegates.get(signer)
        if (known is not None and found.sequence <= known.sequence) or (known is None and len(self._delegates) >= MOST):
            return False
        self._delegates[signer], self._tokens[f"revocation {signer}"] = found, token
        return True

    def _decided(self, token: str, found: Policy) -> bool:
        known = self._policies.get(found.audience)
        of_device = found.audience.startswith("device:")
        if (known is not None and found.sequence <= known.sequence) or (
            of_device and found.audience != self._owner.enrolment.audience
        ):
            return False
        if known is None and len(self._policies) >= MOST:
            return False
        self._policies[found.audience], self._tokens[found.audience] = found, token
        return True
