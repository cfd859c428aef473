"""Sessions that run: of the devices that somebody sees, and how they are ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

from sqlalchemy import select

from avl_protocol.rights.effective import OWNER
from avl_protocol.wire.registry import MAX_OPERATOR_TEXT, Channel
from avl_relay.api.lists import PAGING, cursor, position
from avl_relay.api.operations import DONE, Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import (
    IDENTIFIER,
    NUMBER,
    SECONDS,
    Choice,
    Described,
    Flag,
    Many,
    Number,
    Perhaps,
    Record,
    Text,
    Whole,
    answer,
    page_of,
)
from avl_relay.api.sight import own_device, sight_of
from avl_relay.figures import Figures
from avl_relay.live import Live, Running
from avl_relay.store.passes import Holder, Passes
from avl_relay.store.rules import rules_about
from avl_relay.store.tables import devices

PERMISSIONS, COUNT = Whole(0, int(OWNER)), Whole(0, (1 << 53) - 1)
#: How a session is carried (figures.py): the hop to its viewer, and to its host.
FIGURES = answer(
    {
        "way": Text(0, 16),
        "host_way": Text(0, 16),
        "rtt_ms": Perhaps(Number()),
        "host_rtt_ms": Perhaps(Number()),
        "target_bps": COUNT,
        "delivered_bps": COUNT,
        "queue_ms": Number(),
        "loss": Number(),
        "skipped": COUNT,
        "channels": Many(Choice(tuple(sorted(channel.name.lower() for channel in Channel))), len(Channel)),
    }
)
SESSION = answer(
    {
        "id": IDENTIFIER,
        "device": NUMBER,
        "name": Text(1, 128),
        "who": Text(0, 128, about="whose pass was shown, or which share link's; nothing: this relay does not know"),
        "address": Text(0, 64),
        "begun": SECONDS,
        "person": Perhaps(IDENTIFIER),
        "link": Flag(),
        "permissions": Perhaps(PERMISSIONS),
        "figures": Perhaps(FIGURES),
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
                answers=_running(),
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
            Operation(
                method="POST",
                path="/sessions/{id}/message",
                handler=self.tell,
                summary="Say something to who is in a session: one line of text, as from who runs the relay",
                who=Who.ADMIN,
                parts={"id": IDENTIFIER},
                body=Record({"text": Text(1, MAX_OPERATOR_TEXT)}),
                status=204,
                transaction=Transaction.NONE,
                says=("not-found", "invalid"),
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
        told = seen[:limit]
        who = await Passes(call.db).who([one.id for one in told])
        figures = await self._live.figures() if told else {}
        may = await self._may(call, told, who)
        shown = [_shown(one, names[one.device], who.get(one.id), may.get(one.id), figures.get(one.id)) for one in told]
        following = cursor((seen[limit - 1].id,)) if len(seen) > limit else None
        return Answer({"items": shown, "next": following, "now": call.now})

    async def end(self, call: Call) -> Answer:
        """DELETE /sessions/{id}."""
        running = self._live.session(call.path["id"])
        if running is None:
            raise Problem("not-found", "no session of that id runs")
        device = await own_device(call.db, call.identity, running.device, call.now)
        owner = device.owner == call.identity.person
        call.afterwards(lambda: self._live.end(running, owner=owner))
        return DONE

    async def tell(self, call: Call) -> Answer:
        """POST /sessions/{id}/message."""
        running = self._live.session(call.path["id"])
        if running is None:
            raise Problem("not-found", "no session of that id runs")
        text = one_line(call.body["text"])
        if not text:
            raise Problem("invalid", "there is nothing in it that could be read")
        call.notes["device"] = running.device
        call.afterwards(lambda: self._live.say(running, text))
        return DONE

    async def _may(self, call: Call, running: Sequence[Running], who: Mapping[str, Holder]) -> dict[str, int]:
        """What this relay knows that those may there who came by a pass of their own."""
        named = {one.id: who[one.id].person for one in running if one.id in who and not who[one.id].link}
        where = sorted({one.device for one in running if one.id in named})
        rules = await rules_about(call.db, where, call.now, people=sorted(set(named.values())))
        return {one.id: int(rules.cell(named[one.id], one.device).permissions) for one in running if one.id in named}

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


def one_line(text: str) -> str:
    """Without control and format characters, and with single spaces."""
    words = " ".join(text.split())
    return "".join(one for one in words if not category(one).startswith("C")).strip()


def _shown(running: Running, name: str, who: Holder | None, may: int | None, figures: Figures | None) -> dict[str, Any]:
    return {
        "id": running.id,
        "device": running.device,
        "name": name,
        "who": "" if who is None else who.link or who.name,
        "address": running.address,
        "begun": running.begun,
        "person": None if who is None or who.link else who.person,
        "link": who is not None and bool(who.link),
        "permissions": may,
        "figures": None if figures is None else _carried(figures),
    }


def _carried(figures: Figures) -> dict[str, Any]:
    known = {int(channel): channel.name.lower() for channel in Channel}
    return {**figures.to_dict(), "channels": [known[one] for one in figures.channels if one in known]}


def _running() -> Described:
    """The shape of the list: with the relay's own time, by which `begun` is to be read."""
    shape = page_of(SESSION)
    shape.made["properties"]["now"] = SECONDS.schema()
    return shape
