"""Personal: what a relay keeps of a person, for that person, or who administers the relay on her request. All of it is
deleted with the person (people.py)."""

from __future__ import annotations

from collections.abc import Sequence

from avl_relay.api.identity import Role
from avl_relay.api.operations import Answer, Call, Operation
from avl_relay.api.people import may_give
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, SECONDS, Described, answer
from avl_relay.store.people import People
from avl_relay.store.personal import TOLD, personal

_ROWS = {"type": "array", "items": {"type": "object"}}
EXPORT = answer(
    {
        "person": IDENTIFIER,
        "exported": SECONDS,
        "data": Described({"type": "object", "properties": {table.name: _ROWS for table in TOLD}}),
    }
)


class PersonalData:
    """The resource."""

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/people/{id}/export",
                handler=self.export,
                summary="All that is kept of me, or of somebody who asked for it; no secrets",
                fresh=True,
                parts={"id": IDENTIFIER},
                answers=EXPORT,
                says=("not-found",),
            ),
        )

    async def export(self, call: Call) -> Answer:
        """GET /people/{id}/export."""
        who, wanted = call.identity, call.path["id"]
        found = await People(call.db).one(wanted)
        if found is None or (who.person != wanted and not who.administers):
            raise Problem("not-found", "there is nobody of that id whose data is yours to see")
        if who.person != wanted:
            may_give(who, Role(found.role))
        data = await personal(call.db, wanted)
        named = f'attachment; filename="person-{wanted}.json"'
        return Answer(
            {"person": wanted, "exported": call.now, "data": data},
            headers={"content-disposition": named, "cache-control": "no-store"},
        )
