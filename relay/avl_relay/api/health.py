"""Health: how this relay stands, for who administers it: what passes through, what was refused and dropped, and whether
its database and its audit log can be written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import func, select, text

from avl_relay.api.operations import Answer, Call, Operation, Who
from avl_relay.api.shapes import SECONDS, Anything, Choice, Flag, Perhaps, Text, Whole, answer
from avl_relay.store.tables import devices, grants, groups, people, shares

COUNT = Whole(0, (1 << 53) - 1)
_NUMBER: dict[str, Any] = {"type": "number", "minimum": 0}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
#: What is told of the data plane (operators/health.py).
PLANE = answer({"version": Text(1, 64), "ready": Flag()})
for _name in ("processes", "expected", "hosts", "sessions", "sessions_waiting", "viewers", "dropped", "memory"):
    PLANE.made["properties"][_name] = COUNT.schema()
for _name in ("bytes_in", "bytes_out", "datagrams_in", "datagrams_out", "skipped_objects"):
    PLANE.made["properties"][_name] = COUNT.schema()
for _name in ("cpu_seconds", "viewer_seconds", "uptime"):
    PLANE.made["properties"][_name] = _NUMBER
for _name in ("connections", "ended", "limits_hit", "limits_by_network", "drops"):
    PLANE.made["properties"][_name] = _COUNTS
DATABASE = answer({"kind": Choice(("sqlite", "postgresql")), "version": Text(0, 64), "bytes": COUNT})
AUDIT = answer({"trouble": Text(0, 1024), "refuses": Flag()})
KEPT = {"people": people, "devices": devices, "groups": groups, "grants": grants, "shares": shares}
HEALTH = answer(
    {
        "now": SECONDS,
        "plane": Perhaps(PLANE),
        "database": DATABASE,
        "audit": Perhaps(AUDIT),
        "kept": Anything("how many people, devices, groups, grants and share links are kept"),
    }
)
#: The size of a database in bytes, by its kind.
SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


class Watched(Protocol):
    """An audit log (audit/book.py)."""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; "": it can."""

    @property
    def refuses(self) -> bool:
        """Whether new sessions are refused for it."""


class Health:
    """The resource. `plane()` tells how the data plane stands; None: nobody knows. `audit`: the log; None: there is
    none."""

    def __init__(self, plane: Callable[[], Awaitable[Mapping[str, Any]]] | None, audit: Watched | None) -> None:
        self._plane, self._audit = plane, audit

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/health",
                handler=self.shown,
                summary="How this relay stands; what flows is counted since the start",
                who=Who.ADMIN,
                answers=HEALTH,
            ),
        )

    async def shown(self, call: Call) -> Answer:
        """GET /health."""
        db, audit = call.db, self._audit
        kind = db.dialect.name
        size = await db.scalar(text(SIZES[kind]))
        version = await db.scalar(text("SELECT version_num FROM alembic_version"))
        kept = {name: await db.scalar(select(func.count()).select_from(table)) for name, table in KEPT.items()}
        return Answer(
            {
                "now": call.now,
                "plane": None if self._plane is None else dict(await self._plane()),
                "database": {"kind": kind, "version": str(version or ""), "bytes": int(size or 0)},
                "audit": None if audit is None else {"trouble": audit.trouble[:1024], "refuses": audit.refuses},
                "kept": kept,
            }
        )
