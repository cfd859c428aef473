"""The audit log: searched, exported, and proved to whoever keeps a head of it (spec 14). For who administers the
relay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from avl_protocol.audit.entry import BadEntry, to_line
from avl_protocol.audit.events import KINDS
from avl_protocol.audit.head import TreeHead
from avl_protocol.endpoint.program.auditfiles import Wanted, exported, search
from avl_relay.api.lists import PAGING, cursor, position
from avl_relay.api.operations import Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import Anything, Choice, Perhaps, Shape, Text, Whole, answer
from avl_relay.audit.book import Book

#: Seconds that another process of this relay has to prove something.
PATIENCE = 5.0
_MS = Whole(0, (1 << 53) - 1)
_ID = Text(1, 128, "[A-Za-z0-9_:.+-]+", "an id is expected")
FILTERS: Mapping[str, Shape] = {
    "kind": Choice(tuple(sorted(KINDS))),
    "person": _ID,
    "device": _ID,
    "session": _ID,
    "since_ms": _MS,
    "until_ms": _MS,
    "text": Text(1, 128),
}
HEAD = Perhaps(Anything("size, root, chain, time_ms, key, signature (spec 14, 14.3); bytes are hexadecimal"))
PROOF = {"type": "array", "items": {"type": "string"}}


class AuditResource:
    """The resource."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        listed = answer({"head": HEAD, "trouble": Text(0, 1024)})
        listed.made["required"] += ["items", "next"]
        listed.made["properties"] |= {
            "items": {"type": "array", "items": Anything("an entry, as its line has it (spec 14, 14.1)").schema()},
            "next": {"type": ["string", "null"], "description": "`after` of the next page; null: there is none"},
        }
        proved = answer({"from": _MS, "to": _MS})
        proved.made["properties"] |= {"proof": PROOF}
        return (
            Operation(
                method="GET",
                path="/audit",
                handler=self.listed,
                summary="What happened, newest first",
                who=Who.ADMIN,
                query={**PAGING, **FILTERS},
                answers=listed,
                transaction=Transaction.NONE,
                says=("conflict",),
            ),
            Operation(
                method="GET",
                path="/audit/head",
                handler=self.head,
                summary="The log as it is now, signed",
                who=Who.ADMIN,
                answers=answer({"head": HEAD, "trouble": Text(0, 1024)}),
                transaction=Transaction.NONE,
            ),
            Operation(
                method="GET",
                path="/audit/consistency",
                handler=self.consistency,
                summary="The proof that the log goes on from an earlier size",
                who=Who.ADMIN,
                query={"from": Whole(0, (1 << 53) - 1, 0), "to": _MS},
                answers=proved,
                transaction=Transaction.NONE,
                says=("not-found", "unavailable"),
            ),
            Operation(
                method="GET",
                path="/audit/export",
                handler=self.export,
                summary="The log as lines of JSON, which can be verified, or as CSV",
                who=Who.ADMIN,
                query={**FILTERS, "form": Choice(("jsonl", "csv"))},
                media_type="application/x-ndjson",
                transaction=Transaction.NONE,
            ),
        )

    async def listed(self, call: Call) -> Answer:
        """GET /audit."""
        before = position(call.query["after"], int)[0] if "after" in call.query else None
        wanted, limit = _wanted(call.query), call.query["limit"]
        try:
            found, following = await asyncio.to_thread(search, self._book.folder, wanted, limit=limit, before=before)
        except BadEntry as error:
            raise Problem("conflict", f"the audit log is damaged: {error}; avl-relay audit verify says where") from None
        items = [json.loads(to_line(entry)) for entry in found]
        following_page = None if following is None else cursor((following,))
        return Answer({"items": items, "next": following_page, **await self._standing()})

    async def head(self, call: Call) -> Answer:
        """GET /audit/head."""
        return Answer(await self._standing())

    async def consistency(self, call: Call) -> Answer:
        """GET /audit/consistency."""
        old, new = call.query["from"], call.query.get("to")
        head, proof = await self._asked(old, new)
        if head is None:
            raise Problem("unavailable", "the log can't be proved now")
        new = head.size if new is None else new
        if not old <= new <= head.size:
            raise Problem("not-found", f"the log has {head.size} entries")
        return Answer({"from": old, "to": new, "proof": [one.hex() for one in proof]})

    async def export(self, call: Call) -> Response:
        """GET /audit/export."""
        form = call.query.get("form", "jsonl")
        name = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
        lines = exported(self._book.folder, _wanted(call.query), form)
        saved = {"content-disposition": f'attachment; filename="audit.{form}"'}
        return StreamingResponse(lines, media_type=name, headers=saved)

    async def _standing(self) -> dict[str, Any]:
        head, _ = await self._asked(0, None)
        return {"head": None if head is None else head.to_dict(), "trouble": self._book.trouble}

    async def _asked(self, old: int, new: int | None) -> tuple[TreeHead | None, Sequence[bytes]]:
        """The newest head, and a proof; None: nobody answers."""
        told: asyncio.Future[tuple[TreeHead, Sequence[bytes]]] = asyncio.get_running_loop().create_future()

        def shown(head: TreeHead, proof: Sequence[bytes]) -> None:
            if not told.done():
                told.set_result((head, proof))

        if not self._book.ask(old, shown, new):
            return None, ()
        try:
            async with asyncio.timeout(PATIENCE):
                return await told
        except TimeoutError:
            return None, ()


def _wanted(query: Mapping[str, Any]) -> Wanted:
    return Wanted(**{name: query[name] for name in FILTERS if name in query})
