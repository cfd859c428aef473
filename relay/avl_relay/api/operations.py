"""Operations: what the API can do, declared. Routes, checks and the OpenAPI document come from the same declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from avl_relay.api.identity import Identity
from avl_relay.api.shapes import Described, Shape


class Who(Enum):
    """Who may ask for an operation; what of it they may touch, its handler decides."""

    ANYBODY = "anybody"
    PERSON = "who is signed in"
    ENROLLING = "who is signed in, or lacks a second factor alone"
    ADMIN = "who administers the relay"


class Transaction(Enum):
    """What the frame opens around a handler; what it wrote counts when the handler returns."""

    NONE = "none"
    READS = "reads"
    WRITES = "writes"


@dataclass(slots=True, kw_only=True)
class Call:
    """One request, checked. `path`, `query` and `body` are as the operation's shapes have read them. `connection` is
    the transaction that the operation asks for. `now`: unix seconds."""

    request: Request
    who: Identity | None
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any
    now: int
    connection: AsyncConnection | None = None
    after: list[Callable[[], object]] = field(default_factory=list)
    #: What an auditor is told that neither request nor answer says.
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Who asks, of an operation that is not for anybody."""
        assert self.who is not None
        return self.who

    @property
    def db(self) -> AsyncConnection:
        """The transaction, of an operation that has one."""
        assert self.connection is not None
        return self.connection

    def afterwards(self, work: Callable[[], object]) -> None:
        """Do this once all that was written counts."""
        self.after.append(work)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: JSON, or nothing (204)."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


DONE = Answer(status=204)
Handler = Callable[[Call], Awaitable[Answer | Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, below /api/v1. `path` has its parameters in braces, each with a shape in `parts`.

    `fresh`: only with a second factor of the last minutes. `feature`: which of the relay's it is part of, that can be
    turned off (settings/model.py). `creates`: an Idempotency-Key is heeded. `answers`: the
    shape of what comes with `status`; None: nothing does. `says`: codes of problems that are this operation's own.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    who: Who = Who.PERSON
    fresh: bool = False
    feature: str = ""
    creates: bool = False
    parts: Mapping[str, Shape] = field(default_factory=dict)
    query: Mapping[str, Shape] = field(default_factory=dict)
    body: Shape | None = None
    answers: Described | None = None
    status: int = 200
    media_type: str = "application/json"
    transaction: Transaction | None = None
    says: Sequence[str] = ()

    @property
    def opens(self) -> Transaction:
        """The transaction around it: unless declared, what GET and the others need."""
        if self.transaction is not None:
            return self.transaction
        return Transaction.READS if self.method == "GET" else Transaction.WRITES


class Resource(Protocol):
    """A part of the API: one subject, with its operations."""

    def operations(self) -> Sequence[Operation]:
        """All of them."""
