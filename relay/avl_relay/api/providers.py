"""Providers: the way to an OpenID Connect provider and back. A browser goes it by itself, so what is answered here are
redirections; what went wrong stands in the fragment of our page, which shows it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from avl_relay.accounts.providers import Providers
from avl_relay.accounts.refusals import Refusal
from avl_relay.api.operations import Answer, Call, Operation, Transaction, Who
from avl_relay.api.shapes import Flag, Many, Record, Text, answer
from avl_relay.api.visits import BINDING, Visits, cookie_of, give_cookies, own_origin, set_cookie, visitor_of
from avl_relay.people.oidc import HOLDS

BASE, PAGE = "/api/v1", "/account/"
NAME = Text(1, 32, "[a-z0-9-]+", "a provider's name is expected")
SAID = Text(0, 4096)
#: What providers add to the address that a browser comes back by (RFC 6749, RFC 9207, and their own).
RETURNED = (
    *("code", "state", "iss", "error", "error_description", "error_uri"),
    *("session_state", "scope", "authuser", "prompt", "hd", "client_info"),
)
OFFERED = answer({"items": Many(Record({"name": NAME, "title": Text(1, 256), "issuer": Text(1, 256)}), 64)})


class ProviderList:
    """The resource."""

    def __init__(self, providers: Providers, visits: Visits) -> None:
        self._providers, self._visits = providers, visits

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/oidc",
                handler=self.offered,
                summary="Where one may sign in as well",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                answers=OFFERED,
            ),
            Operation(
                method="GET",
                path="/oidc/{name}/begin",
                handler=self.begin,
                summary="Go to a provider; `link`: to be known by it from now on",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                parts={"name": NAME},
                query={"link": Flag()},
                status=303,
            ),
            Operation(
                method="GET",
                path="/oidc/{name}/callback",
                handler=self.finish,
                summary="Come back from a provider",
                who=Who.ANYBODY,
                transaction=Transaction.NONE,
                parts={"name": NAME},
                query=dict.fromkeys(RETURNED, SAID),
                status=303,
            ),
        )

    async def offered(self, call: Call) -> Answer:
        """GET /oidc."""
        offered = [{"name": one.name, "title": one.title, "issuer": one.issuer} for one in self._providers.offered]
        return Answer({"items": offered})

    async def begin(self, call: Call) -> Response:
        """GET /oidc/{name}/begin."""
        request, name = call.request, call.path["name"]
        link = await self._visits.session(request, call.now) if call.query.get("link") else None
        back = f"{own_origin(request)}{BASE}/oidc/{name}/callback"
        try:
            if call.query.get("link") and link is None:
                raise Refusal("not-signed-in", "Sign in first.")
            sent = await self._providers.begin(name, back, visitor_of(request), call.now, link)
        except Refusal as refusal:
            return _failed(refusal)
        response = RedirectResponse(sent.address, 303)
        set_cookie(request, response, BINDING, sent.binding, HOLDS, lax=True)
        return response

    async def finish(self, call: Call) -> Response:
        """GET /oidc/{name}/callback."""
        request, said = call.request, call.query
        try:
            if "code" not in said or "state" not in said:
                raise Refusal("credentials", "The provider let nobody in.")
            signed = await self._providers.finish(
                call.path["name"],
                state=said["state"],
                code=said["code"],
                issuer=said.get("iss", ""),
                binding=cookie_of(request, BINDING),
                visitor=visitor_of(request),
                now=call.now,
            )
        except Refusal as refusal:
            return _failed(refusal)
        response = RedirectResponse(PAGE, 303)
        set_cookie(request, response, BINDING, "", 0, lax=True)
        if signed is not None:
            call.notes["person"] = signed.person.id
            give_cookies(request, response, signed)
        return response


def _failed(refusal: Refusal) -> Response:
    return RedirectResponse(f"{PAGE}#{urlencode({'failed': refusal.text})}", 303)
