"""Visits: who asks, by what a request shows: the cookie of a browser, or a program's token with a proof.

A browser sends cookies along whoever made it ask. So whatever changes something must come from a page of exactly this
origin (the Origin header), and carry the session's CSRF token, which no other page can read; names and ports of the
same machine are other origins here, though browsers share cookies among them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avl_relay.accounts.refusals import Refusal
from avl_relay.accounts.signin import Signed, Site, Visitor
from avl_relay.api.identity import Identity, Role
from avl_relay.api.operations import Answer, Call, Handler
from avl_relay.api.problems import Problem
from avl_relay.people import opaque, sessions
from avl_relay.people.accesstokens import AccessTokens
from avl_relay.people.holderkeys import HOLDS, BadProof, Holder, HolderProof, read_proof
from avl_relay.people.sessions import WebSession
from avl_relay.people.stages import Stage
from avl_relay.store.credentials import Credentials
from avl_relay.store.engine import Store
from avl_relay.store.errors import Conflict
from avl_relay.store.programs import RefreshTokens
from avl_relay.store.seenproofs import SeenProofs
from avl_relay.store.websessions import WebSessions

CSRF, PROOF = "x-avl-csrf", "x-avl-proof"
SAFE = ("GET", "HEAD")
LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
#: Names of the cookies, after the prefix: of the session, of the browser, and of a way to a provider and back.
SESSION, BROWSER, BINDING = "", "-browser", "-provider"
#: Characters of a cookie of ours.
LENGTH = 43


def own_origin(request: Request) -> str:
    """The origin that our pages have, as this request came to us (RFC 6454)."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}".lower()


def site_of(request: Request) -> Site:
    """Where passkeys are made and used here."""
    return Site(request.url.hostname or "", own_origin(request))


def check_site(request: Request) -> None:
    """Refuse what a page of another origin made a browser ask. Raises Problem."""
    if request.method in SAFE:
        return
    origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and origin.lower() != own_origin(request)) or fetched not in ("same-origin", "none"):
        raise Problem("cross-site", "this came from a page that is not this relay's")


def cookie_name(request: Request, kind: str) -> str:
    """What a cookie is called: with the prefix that binds it to this host and to TLS, but on loopback without TLS."""
    return ("__Host-avl" if request.url.scheme == "https" else "avl-session") + kind


def cookie_of(request: Request, kind: str) -> str:
    """A cookie of ours; empty where there is none."""
    found = request.cookies.get(cookie_name(request, kind), "")
    return found if len(found) == LENGTH and found.isascii() else ""


def set_cookie(request: Request, response: Response, kind: str, value: str, age: int, *, lax: bool = False) -> None:
    """Hand a cookie out; an empty value takes it back."""
    response.set_cookie(
        cookie_name(request, kind),
        value,
        max_age=age if value else 0,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax" if lax else "strict",
    )


def visitor_of(request: Request) -> Visitor:
    """Where a request comes from."""
    return Visitor(
        address=request.client.host if request.client is not None else "",
        browser=cookie_of(request, BROWSER),
        agent=request.headers.get("user-agent", ""),
    )


def shown(signed: Signed) -> dict[str, Any]:
    """A sign-in, as its page sees it."""
    return {
        "stage": signed.session.stage.value,
        "next": list(signed.next),
        "csrf": sessions.csrf_token(signed.cookie) if signed.cookie else "",
        "person": signed.person.id if signed.session.stage in (Stage.FULL, Stage.ENROL) else None,
    }


def signed_response(request: Request, signed: Signed, status: int = 200) -> Response:
    """What a browser is answered that has come one step on."""
    response = JSONResponse(shown(signed), status)
    give_cookies(request, response, signed)
    return response


def give_cookies(request: Request, response: Response, signed: Signed) -> None:
    """The cookies of a sign-in."""
    if request.url.scheme != "https" and request.url.hostname not in LOOPBACK:
        raise Problem("forbidden", "passwords and cookies travel over https alone: give the relay a certificate")
    set_cookie(request, response, SESSION, signed.cookie, sessions.ABSOLUTE)
    if signed.browser:
        set_cookie(request, response, BROWSER, signed.browser, sessions.DEVICE)


def problem_of(refusal: Refusal) -> Problem:
    """What the API says of a refusal."""
    headers = {"retry-after": str(refusal.wait)} if refusal.wait else {}
    more: dict[str, object] = {"error": refusal.error} if refusal.error else {}
    if refusal.wait:
        more["wait"] = refusal.wait
    return Problem(refusal.code, refusal.text, more=more, headers=headers)


def refusing(handler: Callable[[Call], Awaitable[Answer | Response]]) -> Handler:
    """A handler whose refusals are problems."""

    async def told(call: Call) -> Answer | Response:
        try:
            return await handler(call)
        except Refusal as refusal:
            raise problem_of(refusal) from None

    return told


class Visits:
    """Identities of a relay with accounts."""

    def __init__(self, store: Callable[[], Awaitable[Store]], tokens: AccessTokens) -> None:
        self._store, self._tokens = store, tokens
        #: When proofs that hold no more are dropped next.
        self._sweep = 0

    async def identify(self, request: Request, now: int) -> Identity | None:
        """See Identities."""
        check_site(request)
        shown = request.headers.get("authorization")
        if shown is not None:
            return await self._program(request, shown, now)
        session = await self.session(request, now)
        if session is None or session.stage not in (Stage.FULL, Stage.ENROL):
            return None
        async with (await self._store()).reading() as connection:
            person = await Credentials(connection).by_id(session.person)
        if person is None or person.state != "active":
            return None
        return Identity(
            person=person.id,
            role=Role(person.role),
            mfa_at=session.strong or None,
            session=session.id,
            whole=session.stage is Stage.FULL,
        )

    async def session(self, request: Request, now: int) -> WebSession | None:
        """The session of a browser, whole or not; None: there is none. Raises Problem for what another site asks."""
        cookie = cookie_of(request, SESSION)
        if not cookie:
            return None
        check_site(request)
        async with (await self._store()).reading() as connection:
            session = await WebSessions(connection).find(opaque.digest(cookie))
        if session is None or session.over(now):
            return None
        if request.method not in SAFE and not (
            request.headers.get("origin") and sessions.csrf_holds(cookie, request.headers.get(CSRF, ""))
        ):
            raise Problem("cross-site", f"a page of this relay says so in origin and {CSRF}")
        if session.seen + sessions.NOTED <= now:
            async with (await self._store()).writing() as connection:
                await WebSessions(connection).seen(session.hash, now)
        return session

    async def required(self, request: Request, now: int) -> WebSession:
        """The session of a browser. Raises Problem."""
        session = await self.session(request, now)
        if session is None:
            raise Problem("not-signed-in", "sign in first")
        return session

    async def holder(self, request: Request, now: int) -> Holder:
        """Whose key proves this request. Raises Problem."""
        shown = self._proof(request, now)
        async with self._once(shown, now):
            return shown.holder

    def _proof(self, request: Request, now: int, token: str = "") -> HolderProof:
        try:
            return read_proof(
                request.headers.get(PROOF, ""),
                method=request.method,
                path=request.url.path,
                now=now,
                token=token,
            )
        except BadProof as error:
            raise _unproved(error) from None

    @contextlib.asynccontextmanager
    async def _once(self, shown: HolderProof, now: int) -> AsyncIterator[AsyncConnection]:
        """A transaction, for who is the first to show a proof anywhere. Raises Problem."""
        try:
            async with (await self._store()).writing() as connection:
                seen = SeenProofs(connection)
                if now >= self._sweep:
                    self._sweep = now + HOLDS
                    await seen.forget(now)
                await seen.add(shown.name, shown.ends)
                yield connection
        except Conflict:
            raise _unproved("the proof was used before") from None

    async def _program(self, request: Request, shown: str, now: int) -> Identity:
        """Who a program acts for. Raises Problem."""
        refused = Problem(
            "not-signed-in", "the access token is over, or none of ours", headers={"www-authenticate": "Bearer"}
        )
        kind, _, token = shown.partition(" ")
        said = self._tokens.read(token, now) if kind.lower() == "bearer" else None
        if said is None:
            raise refused
        proof = self._proof(request, now, token)
        if proof.holder.thumbprint != said.thumbprint:
            raise refused
        async with self._once(proof, now) as connection:
            person = await Credentials(connection).by_id(said.person)
            lives = await RefreshTokens(connection).lives(said.family)
        if person is None or person.state != "active" or not lives:
            raise refused
        return Identity(
            person=person.id,
            role=Role(person.role),
            mfa_at=said.strong or None,
            session=said.family,
            jkt=said.thumbprint,
        )


def _unproved(why: object) -> Problem:
    return Problem("not-signed-in", f"{PROOF}: {why}", more={"error": "invalid_dpop_proof"})
