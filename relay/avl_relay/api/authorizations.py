"""Authorizations: hosts and programs that ask to act for somebody (RFC 8628), and the tokens they get (RFC 6749).

What RFC 6749 and RFC 8628 call `error` stands in the problem as a member of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from avl_protocol.crypto.identity import device_number
from avl_relay.accounts.programs import Approval, Programs
from avl_relay.api.operations import DONE, Answer, Call, Operation, Transaction, Who
from avl_relay.api.problems import Problem
from avl_relay.api.shapes import NUMBER, SECONDS, THUMBPRINT, TOKEN, Choice, Perhaps, Record, Text, answer, invalid
from avl_relay.api.visits import Visits, own_origin, refusing
from avl_relay.live import Happening, Live, number_text
from avl_relay.people.deviceflow import Kind

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_GRANT = "refresh_token"
#: Where a person types a user code.
PAGE = "/account/"
KIND = Choice(tuple(kind.value for kind in Kind))
CALLED = Text(0, 4096)
USER_CODE = Text(8, 16, "[A-Za-z -]+", "a user code has 8 letters")
ASKED = answer(
    {
        "device_code": Text(43, 43),
        "user_code": Text(9, 9),
        "verification_uri": Text(1, 512),
        "verification_uri_complete": Text(1, 512),
        "expires_in": SECONDS,
        "interval": SECONDS,
    }
)
WAITING = answer(
    {
        "kind": KIND,
        "user_code": Text(9, 9),
        "jkt": THUMBPRINT,
        "device": Perhaps(NUMBER),
        "name": CALLED,
        "system": CALLED,
        "software": CALLED,
        "expires": SECONDS,
    }
)
GRANTED = answer(
    {"token_type": Text(1, 16)},
    {
        "access_token": TOKEN,
        "expires_in": SECONDS,
        "refresh_token": Text(43, 43),
        "enrolment": TOKEN,
        "statement": TOKEN,
        "person": Text(22, 22),
    },
)


class AuthorizationList:
    """The resource."""

    def __init__(self, programs: Programs, visits: Visits, live: Live) -> None:
        self._programs, self._visits, self._live = programs, visits, live

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        one = {"user_code": USER_CODE}
        return (
            Operation(
                method="POST",
                feature="enrolment",
                path="/device-authorizations",
                handler=refusing(self.ask),
                summary="Ask to act for somebody, with a proof of the key that will",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                body=Record(
                    {"kind": KIND, "jkt": THUMBPRINT},
                    {"device": NUMBER, "name": CALLED, "system": CALLED, "software": CALLED},
                ),
                answers=ASKED,
                says=("turned-off", "not-signed-in", "limited", "unavailable"),
            ),
            Operation(
                method="GET",
                path="/device-authorizations/{user_code}",
                handler=refusing(self.look),
                summary="Who asks by this code",
                transaction=Transaction.NONE,
                parts=one,
                answers=WAITING,
                says=("credentials", "limited"),
            ),
            Operation(
                method="POST",
                path="/device-authorizations/{user_code}/approve",
                handler=refusing(self.approve),
                summary="Let it act for me; a host comes with an enrolment that my key signed",
                transaction=Transaction.NONE,
                fresh=True,
                parts=one,
                body=Record({}, {"enrolment": TOKEN, "statement": TOKEN}),
                status=204,
                says=("credentials", "limited", "invalid", "unverified", "conflict"),
            ),
            Operation(
                method="POST",
                path="/device-authorizations/{user_code}/deny",
                handler=refusing(self.deny),
                summary="Send it away",
                transaction=Transaction.NONE,
                parts=one,
                body=Record({}),
                status=204,
                says=("credentials", "limited"),
            ),
            Operation(
                method="POST",
                path="/device-authorizations/confirm",
                handler=refusing(self.confirm),
                summary="Who is at this host has confirmed whose it is, with a proof of its key",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                body=Record({"device_code": Text(1, 64)}),
                status=204,
                says=("not-signed-in", "no-token", "unverified", "conflict"),
            ),
            Operation(
                method="POST",
                path="/token",
                handler=refusing(self.token),
                summary="Tokens for what was approved, or the next ones, with a proof of the key",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                body=Record(
                    {"grant_type": Choice((DEVICE_GRANT, REFRESH_GRANT))},
                    {"device_code": Text(1, 64), "refresh_token": Text(1, 64)},
                ),
                answers=GRANTED,
                says=("not-signed-in", "no-token"),
            ),
        )

    async def ask(self, call: Call) -> Answer:
        """POST /device-authorizations."""
        holder, said = await self._visits.holder(call.request, call.now), call.body
        kind, device = Kind(said["kind"]), said.get("device", "")
        if said["jkt"] != holder.thumbprint:
            raise invalid("/jkt", "it is not that of the key that proves this request")
        if kind is Kind.HOST and device != number_text(device_number(holder.public)):
            raise invalid("/device", "it is not that of the key that proves this request")
        asked = await self._programs.ask(
            kind,
            holder,
            device=device if kind is Kind.HOST else "",
            name=said.get("name", ""),
            system=said.get("system", ""),
            software=said.get("software", ""),
            address=_address(call.request),
            now=call.now,
        )
        page = own_origin(call.request) + PAGE
        return Answer(
            {
                "device_code": asked.device_code,
                "user_code": asked.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}#code={asked.user_code}",
                "expires_in": asked.expires_in,
                "interval": asked.interval,
            }
        )

    async def look(self, call: Call) -> Answer:
        """GET /device-authorizations/{user_code}."""
        asked = await self._programs.look(call.path["user_code"], call.identity.person, call.now)
        return Answer(
            {
                "kind": asked.kind.value,
                "user_code": asked.user_code,
                "jkt": asked.thumbprint,
                "device": asked.device or None,
                "name": asked.name,
                "system": asked.system,
                "software": asked.software,
                "expires": asked.expires,
            }
        )

    async def approve(self, call: Call) -> Answer:
        """POST /device-authorizations/{user_code}/approve."""
        who, said = call.identity, call.body
        if who.jkt is not None:
            raise Problem("forbidden", "a person approves in a browser, not a program for them")
        by = Approval(person=who.person, strong=who.mfa_at)
        statement = said.get("enrolment") or said.get("statement") or ""
        asked = await self._programs.approve(call.path["user_code"], by, statement, call.now)
        call.notes.update(device=asked.device, kind="approved")
        return DONE

    async def confirm(self, call: Call) -> Answer:
        """POST /device-authorizations/confirm."""
        holder = await self._visits.holder(call.request, call.now)
        asked = await self._programs.confirm(call.body["device_code"], holder, call.now)
        call.notes.update(device=asked.device, kind="enrolled")
        self._live.announce(Happening(kind="device", device=asked.device, about={"enrolled": True}))
        self._live.push(asked.device)
        return DONE

    async def deny(self, call: Call) -> Answer:
        """POST /device-authorizations/{user_code}/deny."""
        await self._programs.deny(call.path["user_code"], call.identity.person, call.now)
        return DONE

    async def token(self, call: Call) -> Answer:
        """POST /token."""
        holder, said = await self._visits.holder(call.request, call.now), call.body
        wanted = "device_code" if said["grant_type"] == DEVICE_GRANT else "refresh_token"
        if wanted not in said:
            raise invalid(f"/{wanted}", "it is missing")
        if wanted == "device_code":
            granted = await self._programs.tokens(said["device_code"], holder, call.now)
        else:
            granted = await self._programs.refresh(said["refresh_token"], holder, call.now)
        answered: dict[str, Any] = {"token_type": "Bearer", "person": granted.person}
        if granted.access_token:
            answered["access_token"] = granted.access_token
            answered["expires_in"] = granted.expires_in
            answered["refresh_token"] = granted.refresh_token
        if granted.statement:
            answered["statement" if granted.access_token else "enrolment"] = granted.statement
        return Answer(answered)


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
