"""Alarms: what was unusual, newest first, with its reasons in words; for who administers the relay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avl_relay.api.lists import PAGING, cursor, position
from avl_relay.api.operations import Answer, Call, Operation, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import (
    IDENTIFIER,
    SECONDS,
    Anything,
    Flag,
    Perhaps,
    Record,
    Shape,
    Text,
    Whole,
    answer,
    page_of,
)
from avl_relay.store.alarms import Alarms, RaisedAlarm

ALARM: dict[str, Shape] = {
    "id": IDENTIFIER,
    "at": SECONDS,
    "kind": Text(1, 32, about="the feature that says most"),
    "person": Perhaps(IDENTIFIER),
    "device": Text(0, 28),
    "session": Text(0, 22),
    "score": Whole(0, 1 << 31),
    "detector": Text(1, 16),
    "reasons": Anything("a list of {feature, usual, seen, text}, the weightiest first"),
    "acted": Text(1, 16, about="notify, ask or end"),
    "acknowledged": Perhaps(SECONDS),
    "by": Perhaps(Text(0, 22)),
}


class AlarmList:
    """The resource."""

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/alarms",
                handler=self.listed,
                summary="What was unusual, newest first, and why",
                who=Who.ADMIN,
                query={**PAGING, "open": Flag()},
                answers=page_of(answer(ALARM)),
            ),
            Operation(
                method="PATCH",
                path="/alarms/{id}",
                handler=self.acknowledge,
                summary="I have seen it",
                who=Who.ADMIN,
                parts={"id": IDENTIFIER},
                body=Record({"acknowledged": Flag()}),
                answers=answer(ALARM),
                says=("not-found", "invalid"),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /alarms."""
        before = position(call.query["after"], int, str) if "after" in call.query else None
        limit = call.query["limit"]
        found = await Alarms(call.db).some(limit + 1, before=before, open_only=call.query.get("open", False))
        more = cursor((found[limit - 1].at, found[limit - 1].id)) if len(found) > limit else None
        return Answer({"items": [_shown(one) for one in found[:limit]], "next": more})

    async def acknowledge(self, call: Call) -> Answer:
        """PATCH /alarms/{id}."""
        if not call.body["acknowledged"]:
            raise Problem("invalid", "what was seen stays seen")
        found = await Alarms(call.db).acknowledge(call.path["id"], by=call.identity.person, now=call.now)
        if found is None:
            raise Problem("not-found", "there is no alarm of that id")
        return Answer(_shown(found))


def _shown(alarm: RaisedAlarm) -> dict[str, Any]:
    return {name: getattr(alarm, name) for name in ALARM}
