"""Uses: how often each grant began a session here, and what a person here allowed to whom (spec 11, 11.3 and 11.5).
They outlive the program."""

from __future__ import annotations

import json

from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.effective import OWNER
from avl_protocol.session.hosting import Agreed
from avl_protocol.wire.registry import Permission

_FILE = "uses.json"
#: Grants, and people let in, that are remembered; the oldest are forgotten first, those of delegates, who may sign as
#: many as they like, before those of the owner, who should let grants with a number of uses expire.
MOST = 4096


class Uses:
    """Counts of grants, by what they are counted by (`ChainRights.counted`), and what was agreed about whom: a person's
    thumbprint and that."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._counts: dict[str, int] = {}
        self._agreed: dict[str, Agreed] = {}
        try:
            found = json.loads(state.read(_FILE) or b"{}")
            self._counts = {str(grant): int(count) for grant, count in found.get("counts", {}).items()}
            self._agreed = {str(name): _agreed(row) for name, row in found.get("agreed", {}).items()}
            # Of a version that asked about everything together.
            self._agreed |= {str(name): Agreed(OWNER, OWNER) for name in found.get("allowed", [])}
        except (ValueError, TypeError, AttributeError):
            self._state.keep(_FILE, b"{}", "it is damaged")

    def count(self, grant: str) -> int:
        """How many sessions a grant has begun."""
        return self._counts.get(grant, 0)

    def begun(self, grants: list[str]) -> None:
        """These have begun one more. Kept before it counts."""
        if not grants:
            return
        for grant in grants:
            self._counts[grant] = self._counts.pop(grant, 0) + 1
        while len(self._counts) > MOST:
            oldest = next((grant for grant in self._counts if " " in grant), next(iter(self._counts)))
            del self._counts[oldest]
        self._save()

    def agreed(self, person: str, grant: str) -> Agreed | None:
        """What somebody here decided when they let this person in by this grant; None: nobody did."""
        return self._agreed.get(f"{person} {grant}")

    def agree(self, person: str, grant: str, agreed: Agreed) -> None:
        """Somebody here has decided so."""
        if self.agreed(person, grant) == agreed:
            return
        self._agreed[f"{person} {grant}"] = agreed
        while len(self._agreed) > MOST:
            del self._agreed[next(iter(self._agreed))]
        self._save()

    def _save(self) -> None:
        agreed = {name: [int(one.asked), int(one.allowed)] for name, one in self._agreed.items()}
        content = {"counts": self._counts, "agreed": agreed}
        costs = "after a restart of this host grants may be used more often than they say"
        self._state.keep(_FILE, json.dumps(content).encode(), costs)


def _agreed(row: object) -> Agreed:
    """Raises ValueError."""
    if not (isinstance(row, list) and len(row) == 2 and all(type(bits) is int for bits in row)):
        raise ValueError("no permissions")
    asked, allowed = (Permission(bits & OWNER) for bits in row)
    return Agreed(asked, allowed)
