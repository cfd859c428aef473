"""Uses: how often each grant began a session here, and who was let in by a person (spec 11, 11.3). They outlive the
program."""

from __future__ import annotations

import json

from avl_protocol.endpoint.program.state import StateFolder

_FILE = "uses.json"
#: Grants, and people let in, that are remembered; the oldest are forgotten first, those of delegates, who may sign as
#: many as they like, before those of the owner, who should let grants with a number of uses expire.
MOST = 4096


class Uses:
    """Counts of grants, by what they are counted by (`ChainRights.counted`), and who was allowed what: a person's
    thumbprint and that."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._counts: dict[str, int] = {}
        self._allowed: dict[str, None] = {}
        try:
            found = json.loads(state.read(_FILE) or b"{}")
            self._counts = {str(grant): int(count) for grant, count in found.get("counts", {}).items()}
            self._allowed = {str(name): None for name in found.get("allowed", [])}
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

    def was_allowed(self, person: str, grant: str) -> bool:
        """Whether somebody here has let this person in by this grant."""
        return f"{person} {grant}" in self._allowed

    def allowed(self, person: str, grant: str) -> None:
        """Somebody here has."""
        if self.was_allowed(person, grant):
            return
        self._allowed[f"{person} {grant}"] = None
        while len(self._allowed) > MOST:
            del self._allowed[next(iter(self._allowed))]
        self._save()

    def _save(self) -> None:
        content = {"counts": self._counts, "allowed": list(self._allowed)}
        costs = "after a restart of this host grants may be used more often than they say"
        self._state.keep(_FILE, json.dumps(content).encode(), costs)
