"""Frame: what happens around every operation: who asks, what may be asked, one transaction, and one way to say no.

Within the transaction lies the answer to an Idempotency-Key too, so that what was created and what is remembered of it
are there together or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import delete, insert, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avl_protocol.endpoint.loop.clock import Clock
from avl_relay.api.bodies import json_body
from avl_relay.api.identity import FRESH, Identities, Identity
from avl_relay.api.openapi import document
from avl_relay.api.operations import Answer, Call, Operation, Resource, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import invalid
from avl_relay.store.engine import Store
from avl_relay.store.errors import Conflict, StoreError
from avl_relay.store.hashes import hashed
from avl_relay.store.tables import idempotency

#: Where it all lies.
BASE = "/api/v1"
#: Seconds that an answer to an Idempotency-Key is kept.
REMEMBERED = 24 * 3600
KEY = re.compile(r"[\x21-\x7e]{1,128}")
#: Who asks without a person: its keys are those of its request's body alone.
NOBODY = ""


class Frame:
    """The API as an ASGI application. `store()` is the open store, and raises StoreError where there is none;
    `report(error)` is told of an error in this program, `ended(operation, call, answer)` how each request ended.
    `off()`: the features that are turned off now."""

    def __init__(
        self,
        resources: Sequence[Resource],
        *,
        store: Callable[[], Awaitable[Store]],
        identities: Identities,
        clock: Clock,
        report: Callable[[BaseException], None],
        off: Callable[[], Collection[str]] = tuple,
        ended: Callable[[Operation, Call, Answer | Response | Problem], None] = lambda operation, call, answered: None,
    ) -> None:
        self._store, self._identities, self._clock, self._report = store, identities, clock, report
        self._off, self._ended = off, ended
        self.operations = tuple(one for resource in resources for one in resource.operations())
        self._document = document(self.operations, BASE)
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            methods = by_path.setdefault(operation.path, {})
            assert operation.method not in methods, f"{operation.method} {operation.path} is declared twice"
            methods[operation.method] = operation
        # Fixed paths first: a parameter takes any text.
        routes = [
            Route(BASE + path, _Path(self, methods))
            for path, methods in sorted(by_path.items(), key=lambda item: item[0].replace("{", "\x7f"))
        ]
        self.app = Starlette(
            routes=[Route(f"{BASE}/openapi.json", self._describe), *routes],
            exception_handlers={404: self._unknown, 405: self._unknown, 500: self._broken},
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI."""
        await self.app(scope, receive, send)

    async def _describe(self, request: Request) -> Response:
        return JSONResponse(self._document)

    async def _unknown(self, request: Request, error: Exception) -> Response:
        return Problem("not-found", "the API has nothing of that name").response()

    async def _broken(self, request: Request, error: Exception) -> Response:
        """An error that nobody foresaw: it is raised on, to where those end."""
        return Problem("failed", "this relay has failed; its log says why").response()

    async def answer(self, methods: Mapping[str, Operation], request: Request) -> Response:
        """The answer to a request for a path that has these operations."""
        operation = methods.get("GET" if request.method == "HEAD" else request.method)
        try:
            if operation is None:
                allowed = ", ".join(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))
                raise Problem("method", f"it takes {allowed}", headers={"allow": allowed})
            return await self._run(operation, request)
        except Problem as problem:
            return problem.response()
        except Conflict as error:
            return Problem("conflict", str(error)).response()
        except StoreError as error:
            self._report(error)
            later = {"retry-after": "5"}
            return Problem("unavailable", f"the store cannot be used now: {error}", headers=later).response()

    async def _run(self, operation: Operation, request: Request) -> Response:
        now = int(self._clock.wall())
        store = await self._store()
        who = await self._identities.identify(request, now)
        _admit(operation, who, now)
        if operation.feature and operation.feature in self._off():
            raise Problem("turned-off", f"{operation.feature}: who administers this relay has turned it off")
        call = Call(
            request=request,
            who=who,
            path={name: shape.read(request.path_params[name], name) for name, shape in operation.parts.items()},
            query=_query(operation, request),
            body=None if operation.body is None else operation.body.read(await json_body(request), ""),
            now=now,
        )
        try:
            answer = await self._handled(operation, call, store)
        except Problem as problem:
            self._ended(operation, call, problem)
            raise
        for work in call.after:
            work()
        self._ended(operation, call, answer)
        return answer if isinstance(answer, Response) else _response(answer)

    async def _handled(self, operation: Operation, call: Call, store: Store) -> Answer | Response:
        """The answer, once all that was written counts."""
        key = call.request.headers.get("idempotency-key") if operation.creates else None
        async with AsyncExitStack() as stack:
            if operation.opens is not Transaction.NONE:
                opened = store.writing() if operation.opens is Transaction.WRITES else store.reading()
                call.connection = await stack.enter_async_context(opened)
            if key is not None:
                answer = await self._once(operation, call, key)
            else:
                answer = await operation.handler(call)
        return answer

    async def _once(self, operation: Operation, call: Call, key: str) -> Answer | Response:
        """The answer to a request with a key: the one that it was given before, if it was."""
        if KEY.fullmatch(key) is None:
            raise invalid("idempotency-key", "1 to 128 visible ASCII characters are expected")
        person = NOBODY if call.who is None else call.who.person
        asked = f"{operation.method} {call.request.url.path}?{call.request.url.query}\n".encode()
        told = hashed(asked + json.dumps(call.body, sort_keys=True).encode())
        row = idempotency.c
        mine = (row.key == key) & (row.person == person)
        found = (await call.db.execute(select(row.request_hash, row.status, row.body, row.created).where(mine))).first()
        if found is not None and found.created > call.now - REMEMBERED:
            if found.request_hash != told:
                raise Problem("reused-key", "this Idempotency-Key came with another request before")
            return Answer(found.body, found.status, {"idempotency-replayed": "true"})
        await call.db.execute(delete(idempotency).where(mine | (row.created <= call.now - REMEMBERED)))
        answer = await operation.handler(call)
        if isinstance(answer, Answer):
            await call.db.execute(
                insert(idempotency).values(
                    key=key,
                    person=person,
                    request_hash=told,
                    status=answer.status,
                    body=answer.body,
                    created=call.now,
                )
            )
        return answer


class _Path:
    """One path in all its methods, as an ASGI application: a function would be given GET alone."""

    def __init__(self, frame: Frame, methods: Mapping[str, Operation]) -> None:
        self._frame, self._methods = frame, methods

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI."""
        answer = await self._frame.answer(self._methods, Request(scope, receive, send))
        await answer(scope, receive, send)


def _admit(operation: Operation, who: Identity | None, now: int) -> None:
    """Whether somebody may ask for this. Raises Problem."""
    if operation.who is Who.ANYBODY:
        return
    if who is None:
        raise Problem("not-signed-in", "sign in first", headers={"www-authenticate": 'Bearer realm="avl"'})
    if not who.whole and operation.who is not Who.ENROLLING:
        raise Problem("unfinished", "your role needs a second factor: add one first")
    if operation.who is Who.ADMIN and not who.administers:
        raise Problem("forbidden", "this is for those who administer the relay")
    if operation.fresh and (who.mfa_at is None or not 0 <= now - who.mfa_at <= FRESH):
        raise Problem("step-up", f"give a second factor again: it has to be at most {FRESH // 60} minutes old")


def _query(operation: Operation, request: Request) -> dict[str, Any]:
    given = request.query_params
    if (unknown := next((name for name in given if name not in operation.query), None)) is not None:
        raise invalid(unknown[:40], "there is no parameter of that name")
    if (twice := next((name for name in given if len(given.getlist(name)) > 1), None)) is not None:
        raise invalid(twice, "it is given twice")
    read = {name: operation.query[name].read(text, name) for name, text in given.items()}
    defaults = {
        name: shape.schema()["default"] for name, shape in operation.query.items() if "default" in shape.schema()
    }
    return {**defaults, **read}


def _response(answer: Answer) -> Response:
    if answer.body is None and answer.status == 204:
        return Response(status_code=204, headers=dict(answer.headers))
    return JSONResponse(answer.body, answer.status, dict(answer.headers))
