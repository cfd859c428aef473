"""Signing in: setup, invitations, and the steps from a password or a passkey to a session that is whole."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse, Response

from avl_relay.accounts.joining import Joining
from avl_relay.accounts.programs import Programs
from avl_relay.accounts.signin import Signed, SignIn
from avl_relay.api.operations import DONE, Answer, Call, Handler, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import IDENTIFIER, Anything, Choice, Flag, Many, Perhaps, Record, Text, answer
from avl_relay.api.visits import (
    SESSION,
    Visits,
    cookie_of,
    refusing,
    set_cookie,
    shown,
    signed_response,
    site_of,
    visitor_of,
)
from avl_relay.people.passwords import LONGEST
from avl_relay.people.stages import Stage

#: A password may be written in other characters than it is kept in.
LONGEST_WRITTEN = 4 * LONGEST
PASSWORD = Text(1, LONGEST_WRITTEN)
CODE = Text(1, 64, about="the code")
LOGIN = Text(1, 128)
CREDENTIAL = Anything("what navigator.credentials gave, as JSON (WebAuthn 5.1)")
OPTIONS = answer({"challenge": Text(1, 128)})
SIGN_IN = answer(
    {
        "stage": Choice(tuple(stage.value for stage in Stage)),
        "next": Many(Text(1, 16), 8),
        "csrf": Text(0, 64),
        "person": Perhaps(IDENTIFIER),
    }
)
SAYS = ("credentials", "limited", "unavailable", "cross-site")


class Signing:
    """The resource."""

    def __init__(self, sign_in: SignIn, joining: Joining, programs: Programs, visits: Visits) -> None:
        self._sign_in, self._joining, self._programs, self._visits = sign_in, joining, programs, visits

    def operations(self) -> Sequence[Operation]:
        """See Resource."""

        def step(path: str, handler: Handler, summary: str, body: Record, *says: str) -> Operation:
            return Operation(
                method="POST",
                path=path,
                handler=refusing(handler),
                summary=summary,
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                body=body,
                answers=SIGN_IN,
                says=(*SAYS, *says),
            )

        return (
            Operation(
                method="GET",
                path="/setup",
                handler=self.setup_open,
                summary="Whether nobody is here yet",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                answers=answer({"open": Flag()}),
            ),
            step(
                "/setup",
                self.set_up,
                "Become the relay's owner, by the code that its first start printed",
                Record({"code": CODE, "login": LOGIN, "password": PASSWORD}),
                "weak-password",
                "invalid",
            ),
            step(
                "/invitations",
                self.accept,
                "Come by invitation",
                Record({"invite": Text(1, 64), "password": PASSWORD}),
                "weak-password",
            ),
            step("/session", self.password, "Sign in with a password", Record({"login": LOGIN, "password": PASSWORD})),
            step("/session/totp", self.totp, "A code of an authenticator", Record({"code": CODE}), "not-signed-in"),
            step("/session/recovery", self.recovery, "Use up a recovery code", Record({"code": CODE}), "not-signed-in"),
            Operation(
                method="POST",
                path="/session/passkey/options",
                handler=refusing(self.passkey_options),
                summary="What a browser asks its authenticator",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                body=Record({}),
                answers=OPTIONS,
                says=SAYS,
            ),
            step("/session/passkey", self.passkey, "Show a passkey", Record({"credential": CREDENTIAL})),
            step(
                "/session/step-up",
                self.step_up,
                "Show a second factor again, or the password where there is none",
                Record({}, {"code": CODE, "credential": CREDENTIAL, "password": PASSWORD}),
                "not-signed-in",
                "unfinished",
                "invalid",
            ),
            Operation(
                method="GET",
                path="/session",
                handler=refusing(self.standing),
                summary="How far I am signed in",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                answers=SIGN_IN,
                says=("not-signed-in", "credentials"),
            ),
            Operation(
                method="DELETE",
                path="/session",
                handler=refusing(self.sign_out),
                summary="Sign out",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                status=204,
                says=("cross-site", "not-signed-in"),
            ),
        )

    async def setup_open(self, call: Call) -> Answer:
        """GET /setup."""
        return Answer({"open": await self._joining.open()})

    async def set_up(self, call: Call) -> Response:
        """POST /setup."""
        said = call.body
        signed = await self._joining.set_up(
            said["code"], said["login"], said["password"], visitor_of(call.request), call.now
        )
        return signed_response(call.request, signed)

    async def accept(self, call: Call) -> Response:
        """POST /invitations."""
        signed = await self._joining.accept(
            call.body["invite"], call.body["password"], visitor_of(call.request), call.now
        )
        return signed_response(call.request, signed)

    async def password(self, call: Call) -> Response:
        """POST /session."""
        signed = await self._sign_in.password(
            call.body["login"], call.body["password"], visitor_of(call.request), call.now
        )
        return _signed(call, signed)

    async def totp(self, call: Call) -> Response:
        """POST /session/totp."""
        session = await self._visits.required(call.request, call.now)
        signed = await self._sign_in.totp(session, call.body["code"], visitor_of(call.request), call.now)
        return _signed(call, signed)

    async def recovery(self, call: Call) -> Response:
        """POST /session/recovery."""
        session = await self._visits.required(call.request, call.now)
        signed = await self._sign_in.recovery(session, call.body["code"], visitor_of(call.request), call.now)
        return _signed(call, signed)

    async def passkey_options(self, call: Call) -> Response:
        """POST /session/passkey/options."""
        session = await self._visits.session(call.request, call.now)
        visitor = visitor_of(call.request)
        return JSONResponse(await self._sign_in.passkey_options(session, site_of(call.request), visitor, call.now))

    async def passkey(self, call: Call) -> Response:
        """POST /session/passkey."""
        session = await self._visits.session(call.request, call.now)
        visitor, site = visitor_of(call.request), site_of(call.request)
        signed = await self._sign_in.passkey(session, call.body["credential"], site, visitor, call.now)
        return _signed(call, signed)

    async def step_up(self, call: Call) -> Response:
        """POST /session/step-up."""
        session = await self._visits.required(call.request, call.now)
        if session.stage not in (Stage.FULL, Stage.ENROL):
            raise Problem("unfinished", "finish signing in first")
        visitor, said = visitor_of(call.request), call.body
        if len(said) != 1:
            raise Problem("invalid", "one of code, credential and password is expected", more={"at": ""})
        if "code" in said:
            signed = await self._sign_in.totp(session, said["code"], visitor, call.now)
        elif "credential" in said:
            site = site_of(call.request)
            signed = await self._sign_in.passkey(session, said["credential"], site, visitor, call.now)
        else:
            signed = await self._sign_in.by_password(session, said["password"], visitor, call.now)
        return signed_response(call.request, signed)

    async def standing(self, call: Call) -> Response:
        """GET /session."""
        session = await self._visits.required(call.request, call.now)
        person, ways = await self._sign_in.standing(session)
        signed = Signed(person=person, session=session, next=ways, cookie=cookie_of(call.request, SESSION))
        return JSONResponse(shown(signed))

    async def sign_out(self, call: Call) -> Answer | Response:
        """DELETE /session."""
        if call.who is not None and call.who.jkt is not None:
            await self._programs.end(call.who.session, call.now)
            return DONE
        session = await self._visits.required(call.request, call.now)
        await self._sign_in.sign_out(session)
        response = Response(status_code=204)
        set_cookie(call.request, response, SESSION, "", 0)
        return response


def _signed(call: Call, signed: Signed) -> Response:
    """The answer to one step more; who audits is told whether this browser was known."""
    call.notes["known"] = signed.known
    return signed_response(call.request, signed)
