"""Signing in with a provider (people/oidc.py): who its subject is here, and the way there and back.

The state that travels is bound to the browser that began by a cookie of its own: an address from elsewhere signs
nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_relay.accounts.joining import LOGIN, new_person
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.refusals import Refusal, wrong
from avl_relay.accounts.signin import Signed, SignIn, Visitor
from avl_relay.people import opaque
from avl_relay.people.oidc import HOLDS, Claimed, OidcClient, Provider, ProviderError
from avl_relay.people.sessions import WebSession
from avl_relay.people.stages import Proof, Stage
from avl_relay.store.challenges import Challenges
from avl_relay.store.credentials import Credentials, Person

KIND = "provider"


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a browser is sent, and the cookie that binds its way back to it."""

    address: str
    binding: str


class Providers:
    """The providers of this relay."""

    def __init__(self, premises: Premises, sign_in: SignIn, client: OidcClient) -> None:
        self._on, self._sign_in, self._client = premises, sign_in, client

    @property
    def offered(self) -> list[Provider]:
        """Those by which one can come in."""
        return list(self._client.providers.values())

    async def begin(self, name: str, back: str, visitor: Visitor, now: int, link: WebSession | None = None) -> Sent:
        """Send a browser to a provider; `link`: to learn by what name it knows this person. Raises Refusal."""
        self._on.admit(visitor.address)
        provider = self._known(name)
        if link is not None and not (link.stage is Stage.FULL and (link.fresh(now) or link.proved_lately(now))):
            raise Refusal("step-up", "Sign in again, then link the provider.")
        try:
            begun = await self._client.begin(provider, back, entropy=self._on.entropy, now=now)
        except ProviderError as error:
            raise Refusal("unavailable", str(error)) from None
        binding = opaque.new_token(self._on.entropy)
        async with (await self._on.store()).writing() as connection:
            await Challenges(connection).put(
                opaque.digest(begun.state),
                KIND,
                person="" if link is None else link.person,
                data={
                    "provider": name,
                    "nonce": begun.nonce,
                    "verifier": begun.verifier,
                    "back": back,
                    "binding": opaque.digest(binding),
                },
                expires=now + HOLDS,
            )
        return Sent(begun.address, binding)

    async def finish(
        self, name: str, *, state: str, code: str, issuer: str, binding: str, visitor: Visitor, now: int
    ) -> Signed | None:
        """Who came back; None: the provider is linked from now on, and who is signed in stays so. `issuer`: who says
        so, where it says who it is (RFC 9207). Raises Refusal."""
        self._on.admit(visitor.address)
        provider, store = self._known(name), await self._on.store()
        if issuer and issuer != provider.issuer:
            raise wrong()
        async with store.writing() as connection:
            asked = await Challenges(connection).take(opaque.digest(state), KIND, now)
        if asked is None or asked.data["provider"] != name:
            raise wrong()
        if not opaque.same(asked.data["binding"], opaque.digest(binding)):
            raise wrong()
        try:
            claimed = await self._client.finish(
                provider,
                asked.data["back"],
                code=code,
                nonce=asked.data["nonce"],
                verifier=asked.data["verifier"],
                now=now,
            )
        except ProviderError as error:
            raise Refusal("unavailable", str(error)) from None
        async with store.writing() as connection:
            credentials = Credentials(connection)
            person = await credentials.linked(claimed.issuer, claimed.subject)
            if asked.person:
                if person is not None and person.id != asked.person:
                    raise Refusal("conflict", f"{provider.title} knows somebody else here by that name.")
                if person is None:
                    await credentials.link(claimed.issuer, claimed.subject, asked.person, now)
                return None
            if person is None:
                person = await self._registered(credentials, provider, claimed, now)
            if person.state != "active":
                raise wrong()
            return await self._sign_in.reached(
                connection, person, None, Proof.PROVIDER, visitor, now, strong=provider.second_factor
            )

    async def _registered(self, credentials: Credentials, provider: Provider, claimed: Claimed, now: int) -> Person:
        """A new member, where this provider brings some. The login it wishes for is taken as far as it is free and
        one at all. Raises Refusal."""
        if not provider.register or not await credentials.anybody():
            raise Refusal(
                "forbidden",
                f"Nobody here is known to {provider.title} by that name: sign in with your password, then link it.",
            )
        wished = claimed.login.strip().lower()
        id = opaque.new_id(self._on.entropy)
        login = wished if LOGIN.fullmatch(wished) else f"{provider.name}-{opaque.new_code(self._on.entropy, 8)}".lower()
        if await credentials.by_login(login) is not None:
            login = f"{login[:55]}-{opaque.new_code(self._on.entropy, 8)}".lower()
        person = new_person(id, login, claimed.name, "member", None, now)
        await credentials.add(person)
        await credentials.link(claimed.issuer, claimed.subject, person.id, now)
        return person

    def _known(self, name: str) -> Provider:
        provider = self._client.providers.get(name)
        if provider is None:
            raise Refusal("not-found", "There is no provider of that name.")
        return provider
