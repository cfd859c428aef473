"""Sessions that run: of the devices that somebody sees, and how they are ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from avl_relay.api.lists import PAGING, cursor, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Transaction
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, NUMBER, SECONDS, Text, answer, page_of
from avl_relay.api.sight import own_device, sight_of
from avl_relay.live import Live, Running
from avl_relay.store.passes import Passes
from avl_relay.store.tables import devices

SESSION = answer(
    {
        "id": IDENTIFIER,
        "device": NUMBER,
        "name": Text(1, 128),
        "who": Text(0, 128, about="whose pass was shown, or which share link's; nothing: this relay does not know"),
        "address": Text(0, 64),
        "begun": SECONDS,
    }
)


class RunningSessions:
    """The resource."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/sessions",
                handler=self.listed,
                summary="Sessions that run, of the devices that I see",
                query={**PAGING, "device": NUMBER},
                answers=page_of(SESSION),
            ),
            Operation(
                method="DELETE",
                path="/sessions/{id}",
                handler=self.end,
                summary="End a session of a device of mine",
                parts={"id": IDENTIFIER},
                status=204,
                transaction=Transaction.READS,
                says=("not-found",),
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /sessions."""
        after = position(call.query["after"], str)[0] if "after" in call.query else ""
        wanted = call.query.get("device")
        running = [one for one in self._live.sessions if one.id > after and wanted in (None, one.device)]
        running.sort(key=lambda one: one.id)
        names = await self._names(call, sorted({one.device for one in running}))
        seen = [one for one in running if one.device in names]
        limit = call.query["limit"]
        who = await Passes(call.db).who([one.id for one in seen[:limit]])
        shown = [_shown(one, names[one.device], who.get(one.id, "")) for one in seen[:limit]]
        return Answer({"items": shown, "next": cursor((seen[limit - 1].id,)) if len(seen) > limit else None})

    async def end(self, call: Call) -> Answer:
        """DELETE /sessions/{id}."""
        running = self._live.session(call.path["id"])
        if running is None:
            raise Problem("not-found", "no session of that id runs")
        await own_device(call.db, call.identity, running.device, call.now)
        call.afterwards(lambda: self._live.end(running))
        return DONE

    async def _names(self, call: Call, numbers: Sequence[str]) -> dict[str, str]:
        """Of these devices those that somebody sees, by name."""
        sight = await sight_of(call.db, call.identity, call.now)
        names: dict[str, str] = {}
        for at in range(0, len(numbers), 500):
            condition = sight.narrowed(devices.c.number.in_(numbers[at : at + 500]))
            assert condition is not None
            chosen = select(devices.c.number, devices.c.name).where(condition)
            names |= {row.number: row.name for row in await call.db.execute(chosen)}
        return names


def _shown(running: Running, name: str, who: str) -> dict[str, Any]:
    return {
        "id": running.id,
        "device": running.device,
        "name": name,
        "who": who,
        "address": running.address,
        "begun": running.begun,
    }
