"""Me: what somebody sees and changes of themselves: factors, key and its copies, sign-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from avl_protocol.rights.jws import NotSigned, public_of, thumbprint
from avl_protocol.wire.foreign import for_dialog
from avl_relay.accounts.factors import Factors
from avl_relay.accounts.signin import SignIn
from avl_relay.api.identity import Identity, Role
from avl_relay.api.operations import DONE, Answer, Call, Handler, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import (
    IDENTIFIER,
    SECONDS,
    THUMBPRINT,
    Anything,
    Choice,
    Described,
    Flag,
    Many,
    Perhaps,
    Record,
    Shape,
    Text,
    answer,
    invalid,
    page_of,
)
from avl_relay.api.signing import CODE, CREDENTIAL, LOGIN, OPTIONS, PASSWORD, SIGN_IN
from avl_relay.api.visits import Visits, refusing, signed_response, site_of, visitor_of
from avl_relay.people import opaque
from avl_relay.people.stages import Proof, Stage
from avl_relay.store.credentials import Credentials, Factor
from avl_relay.store.personkeys import KeyCopy, PersonKeys
from avl_relay.store.programs import RefreshTokens
from avl_relay.store.websessions import WebSessions

NAME = Text(0, 128)
JWK = Anything("a public Ed25519 key (RFC 8037)")
KEY = answer({"jwk": JWK, "thumbprint": THUMBPRINT})
ME = answer(
    {
        "id": IDENTIFIER,
        "login": LOGIN,
        "name": NAME,
        "role": Choice(tuple(role.value for role in Role)),
        "whole": Flag(),
        "mfa_at": Perhaps(SECONDS),
        "key": Perhaps(Record({"jwk": JWK, "thumbprint": THUMBPRINT})),
        "providers": Many(Text(1, 256), 64),
        "off": Many(Text(1, 64), 64),
    }
)
KIND = Choice((Proof.TOTP.value, Proof.PASSKEY.value, Proof.RECOVERY.value))
FACTOR = answer(
    {"id": IDENTIFIER, "kind": KIND, "name": NAME, "created": SECONDS, "used": Perhaps(SECONDS)},
    {"left": SECONDS},
)
COPY_KIND = Choice((Proof.PASSKEY.value, Proof.RECOVERY.value))
#: The most copies of a key, and characters of one: a wrapped seed and what names it.
COPIES, COPY_SIZE = 32, 4096
COPY = answer({"id": IDENTIFIER, "kind": COPY_KIND, "name": NAME, "data": Anything(), "created": SECONDS})
SIGNED_IN = answer(
    {
        "id": IDENTIFIER,
        "kind": Choice(("browser", "program")),
        "name": NAME,
        "stage": Choice(tuple(stage.value for stage in Stage)),
        "created": SECONDS,
        "seen": SECONDS,
        "current": Flag(),
    }
)


class Me:
    """The resource."""

    def __init__(
        self,
        *,
        sign_in: SignIn,
        factors: Factors,
        visits: Visits,
        issuers: Sequence[str],
        entropy: opaque.Entropy,
        off: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._off = off
        self._sign_in, self._factors, self._issuers = sign_in, factors, issuers
        self._visits, self._entropy = visits, entropy

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        one: Mapping[str, Shape] = {"id": IDENTIFIER}

        def own(
            method: str,
            path: str,
            handler: Handler,
            summary: str,
            *,
            body: Record | None = None,
            answers: Described | None = None,
            parts: Mapping[str, Shape] | None = None,
            status: int = 200,
            says: Sequence[str] = (),
        ) -> Operation:
            """One that a browser asks for, and that has its own transactions."""
            return Operation(
                method=method,
                path=path,
                handler=refusing(handler),
                summary=summary,
                who=Who.ENROLLING,
                transaction=Transaction.NONE,
                body=body,
                answers=answers,
                parts=parts or {},
                status=204 if answers is None else status,
                says=("unfinished", "step-up", "credentials", "cross-site", *says),
            )

        return (
            Operation(
                method="GET",
                path="/me",
                handler=self.get,
                summary="Who I am",
                who=Who.ENROLLING,
                answers=ME,
            ),
            own(
                "PUT",
                "/me/password",
                self.set_password,
                "Another password",
                body=Record({"password": PASSWORD}),
                says=("weak-password",),
            ),
            own("GET", "/me/factors", self.factors, "What I sign in with", answers=page_of(FACTOR)),
            own(
                "DELETE",
                "/me/factors/{id}",
                self.drop_factor,
                "Remove a factor",
                parts=one,
                says=("not-found", "conflict"),
            ),
            own(
                "POST",
                "/me/factors/totp",
                self.begin_totp,
                "A new secret for an authenticator",
                body=Record({}, {"name": NAME}),
                answers=answer({"id": IDENTIFIER, "secret": Text(1, 64), "uri": Text(1, 512)}),
                says=("conflict",),
            ),
            own(
                "POST",
                "/me/factors/totp/confirm",
                self.confirm_totp,
                "The first code of a new secret",
                body=Record({"code": CODE, "id": IDENTIFIER}),
                answers=SIGN_IN,
                says=("limited",),
            ),
            own(
                "POST",
                "/me/factors/passkey/options",
                self.begin_passkey,
                "What a browser asks its authenticator to make",
                body=Record({}),
                answers=OPTIONS,
                says=("conflict",),
            ),
            own(
                "POST",
                "/me/factors/passkey",
                self.add_passkey,
                "A new passkey",
                body=Record({"credential": CREDENTIAL}, {"name": NAME}),
                answers=SIGN_IN,
                says=("conflict",),
            ),
            own(
                "POST",
                "/me/factors/recovery",
                self.new_recovery,
                "New recovery codes, in place of those before",
                body=Record({}),
                answers=answer({"codes": Many(Text(19, 19), 10)}),
            ),
            own(
                "DELETE",
                "/me/providers",
                self.unlink,
                "Be known by a provider no more",
                body=Record({"issuer": Text(1, 256)}),
                says=("not-found", "conflict"),
            ),
            Operation(
                method="GET",
                path="/me/key",
                handler=self.key,
                summary="My key",
                who=Who.ENROLLING,
                answers=KEY,
                says=("not-found",),
            ),
            own(
                "PUT",
                "/me/key",
                self.set_key,
                "Say which key is mine",
                body=Record({"jwk": JWK}),
                answers=KEY,
                says=("invalid", "conflict"),
            ),
            own("DELETE", "/me/key", self.drop_key, "I have no key any more", says=("not-found",)),
            Operation(
                method="GET",
                path="/me/key-copies",
                handler=self.copies,
                summary="Wrapped copies of my key",
                who=Who.ENROLLING,
                answers=page_of(COPY),
            ),
            own(
                "POST",
                "/me/key-copies",
                self.add_copy,
                "Keep a wrapped copy of my key",
                body=Record({"kind": COPY_KIND, "name": NAME, "data": Anything("what only my devices open")}),
                answers=COPY,
                status=201,
                says=("invalid", "conflict"),
            ),
            own("DELETE", "/me/key-copies/{id}", self.drop_copy, "Remove a copy", parts=one, says=("not-found",)),
            Operation(
                method="GET",
                path="/me/sessions",
                handler=self.sessions,
                summary="Where I am signed in, and which browsers wait for my approval",
                answers=page_of(SIGNED_IN),
            ),
            Operation(
                method="DELETE",
                path="/me/sessions/{id}",
                handler=self.end_session,
                summary="Sign a browser or a program out, or send one away that waits",
                parts=one,
                status=204,
                says=("not-found",),
            ),
            own(
                "POST",
                "/me/sessions/{id}/approve",
                self.approve,
                "Let a browser in that waits",
                body=Record({}),
                parts=one,
                says=("not-found",),
            ),
        )

    # who I am

    async def get(self, call: Call) -> Answer:
        """GET /me."""
        who, credentials = call.identity, Credentials(call.db)
        person, key = await credentials.by_id(who.person), await PersonKeys(call.db).of(who.person)
        if person is None:
            raise Problem("not-signed-in", "sign in first")
        return Answer(
            {
                "id": person.id,
                "login": person.login,
                "name": person.name,
                "role": person.role,
                "whole": who.whole,
                "mfa_at": who.mfa_at,
                "key": None if key is None else {"thumbprint": key[0], "jwk": key[1]},
                "providers": [issuer for issuer, _ in await credentials.links(person.id)],
                "off": sorted(self._off()),
            }
        )

    async def set_password(self, call: Call) -> Answer:
        """PUT /me/password."""
        session = await self._visits.required(call.request, call.now)
        await self._factors.set_password(session, call.body["password"], call.now)
        return DONE

    # factors

    async def factors(self, call: Call) -> Answer:
        """GET /me/factors: recovery codes are one row, which says how many are left."""
        found = await self._factors.of(await self._visits.required(call.request, call.now))
        codes = [factor for factor in found if factor.kind is Proof.RECOVERY]
        items = [_factor(factor) for factor in found if factor.kind is not Proof.RECOVERY]
        return Answer({"items": items + [{**_factor(code), "left": len(codes)} for code in codes[:1]], "next": None})

    async def drop_factor(self, call: Call) -> Answer:
        """DELETE /me/factors/{id}."""
        session = await self._visits.required(call.request, call.now)
        if not await self._factors.drop(session, call.path["id"], self._issuers, call.now):
            raise Problem("not-found", "there is no factor of that id")
        return DONE

    async def begin_totp(self, call: Call) -> Answer:
        """POST /me/factors/totp."""
        session = await self._visits.required(call.request, call.now)
        made = await self._factors.begin_totp(session, call.body.get("name", ""), call.now)
        return Answer({"id": made.id, "secret": made.secret, "uri": made.address})

    async def confirm_totp(self, call: Call) -> Response:
        """POST /me/factors/totp/confirm."""
        session, said = await self._visits.required(call.request, call.now), call.body
        visitor = visitor_of(call.request)
        signed = await self._factors.confirm_totp(session, said["id"], said["code"], visitor, call.now)
        return signed_response(call.request, signed)

    async def begin_passkey(self, call: Call) -> Response:
        """POST /me/factors/passkey/options."""
        session = await self._visits.required(call.request, call.now)
        return JSONResponse(await self._factors.begin_passkey(session, site_of(call.request), call.now))

    async def add_passkey(self, call: Call) -> Response:
        """POST /me/factors/passkey."""
        session, said = await self._visits.required(call.request, call.now), call.body
        signed = await self._factors.add_passkey(
            session, said["credential"], said.get("name", ""), site_of(call.request), visitor_of(call.request), call.now
        )
        return signed_response(call.request, signed)

    async def new_recovery(self, call: Call) -> Answer:
        """POST /me/factors/recovery."""
        session = await self._visits.required(call.request, call.now)
        return Answer({"codes": await self._factors.new_recovery(session, call.now)})

    async def unlink(self, call: Call) -> Answer:
        """DELETE /me/providers."""
        session = await self._visits.required(call.request, call.now)
        if not await self._factors.unlink(session, call.body["issuer"], self._issuers, call.now):
            raise Problem("not-found", "no provider of that name knows you")
        return DONE

    # key

    async def key(self, call: Call) -> Answer:
        """GET /me/key."""
        found = await PersonKeys(call.db).of(call.identity.person)
        if found is None:
            raise Problem("not-found", "you have no key yet")
        return Answer({"thumbprint": found[0], "jwk": found[1]})

    async def set_key(self, call: Call) -> Answer:
        """PUT /me/key."""
        try:
            name = thumbprint(public_of(call.body["jwk"]))
        except NotSigned as error:
            raise invalid("/jwk", str(error)) from None
        session = await self._visits.required(call.request, call.now)
        await self._factors.set_key(session, name, call.body["jwk"], call.now)
        return Answer({"thumbprint": name, "jwk": call.body["jwk"]})

    async def drop_key(self, call: Call) -> Answer:
        """DELETE /me/key."""
        if not await self._factors.drop_key(await self._visits.required(call.request, call.now), call.now):
            raise Problem("not-found", "you have no key")
        return DONE

    async def copies(self, call: Call) -> Answer:
        """GET /me/key-copies."""
        found = await PersonKeys(call.db).copies(call.identity.person)
        return Answer({"items": [_copy(copy) for copy in found], "next": None})

    async def add_copy(self, call: Call) -> Answer:
        """POST /me/key-copies."""
        session, said = await self._visits.required(call.request, call.now), call.body
        if len(str(said["data"])) > COPY_SIZE:
            raise invalid("/data", f"a copy has at most {COPY_SIZE} characters")
        copy = KeyCopy(
            id=opaque.new_id(self._entropy),
            kind=said["kind"],
            name=for_dialog(said["name"], 128),
            data=said["data"],
            created=call.now,
        )
        await self._factors.add_copy(session, copy, COPIES, call.now)
        return Answer(_copy(copy), 201)

    async def drop_copy(self, call: Call) -> Answer:
        """DELETE /me/key-copies/{id}."""
        session = await self._visits.required(call.request, call.now)
        if not await self._factors.drop_copy(session, call.path["id"], call.now):
            raise Problem("not-found", "there is no copy of that id")
        return DONE

    # sign-ins

    async def sessions(self, call: Call) -> Answer:
        """GET /me/sessions."""
        who, now = call.identity, call.now
        browsers = [each for each in await WebSessions(call.db).of(who.person) if not each.over(now)]
        programs = await RefreshTokens(call.db).of(who.person, now)
        items: list[dict[str, Any]] = [
            _signed_in(who, "browser", each.id, each.agent, each.stage, each.created, each.seen) for each in browsers
        ]
        items += [
            _signed_in(who, "program", token.family, name, Stage.FULL, token.begun, token.created)
            for token, name in programs
        ]
        return Answer({"items": items, "next": None})

    async def end_session(self, call: Call) -> Answer:
        """DELETE /me/sessions/{id}."""
        person, id = call.identity.person, call.path["id"]
        mine = any(token.family == id for token, _ in await RefreshTokens(call.db).of(person, call.now))
        ended = await WebSessions(call.db).end_one(person, id)
        if mine:
            ended = await RefreshTokens(call.db).end_family(id, call.now)
        if not ended:
            raise Problem("not-found", "nobody is signed in by that id")
        return DONE

    async def approve(self, call: Call) -> Answer:
        """POST /me/sessions/{id}/approve."""
        session = await self._visits.required(call.request, call.now)
        if session.stage is not Stage.FULL:
            raise Problem("unfinished", "finish signing in first")
        if not await self._sign_in.approve(session, call.path["id"], call.now):
            raise Problem("not-found", "no browser waits by that id")
        return DONE


def _factor(factor: Factor) -> dict[str, Any]:
    return {
        "id": factor.id,
        "kind": factor.kind.value,
        "name": factor.name,
        "created": factor.created,
        "used": factor.used or None,
    }


def _copy(copy: KeyCopy) -> dict[str, Any]:
    return {"id": copy.id, "kind": copy.kind, "name": copy.name, "data": copy.data, "created": copy.created}


def _signed_in(who: Identity, kind: str, id: str, name: str, stage: Stage, created: int, seen: int) -> dict[str, Any]:
    return {
        "id": id,
        "kind": kind,
        "name": name,
        "stage": stage.value,
        "created": created,
        "seen": seen,
        "current": id == who.session,
    }
