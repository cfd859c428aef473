"""Accounts assembled: the resources of signing in, and who knows who asks."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from avl_relay.accounts.enrolling import Enrolling
from avl_relay.accounts.factors import Factors
from avl_relay.accounts.joining import Joining
from avl_relay.accounts.premises import Premises
from avl_relay.accounts.programs import Programs
from avl_relay.accounts.providers import Providers
from avl_relay.accounts.signin import SignIn
from avl_relay.accounts.tidying import tidy
from avl_relay.api.authorizations import AuthorizationList
from avl_relay.api.identity import Identities
from avl_relay.api.me import Me
from avl_relay.api.operations import Resource
from avl_relay.api.providers import ProviderList
from avl_relay.api.signing import Signing
from avl_relay.api.visits import Visits
from avl_relay.live import Live
from avl_relay.people.accesstokens import AccessTokens
from avl_relay.people.oidc import OidcClient, Provider


class Accounts:
    """The accounts of one relay. `issuer` is its pin as text. `network` is how providers are reached, where it is not
    the system's."""

    def __init__(
        self,
        premises: Premises,
        *,
        issuer: str,
        live: Live,
        providers: Mapping[str, Provider] | None = None,
        network: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._premises = premises
        tokens = AccessTokens(premises.keys.signing, issuer)
        visits = Visits(premises.store, tokens)
        sign_in = SignIn(premises)
        programs = Programs(premises, tokens, Enrolling(premises.entropy))
        self._joining = Joining(premises, sign_in)
        known = Providers(premises, sign_in, OidcClient(providers or {}, network))
        self.identities: Identities = visits
        self.resources: tuple[Resource, ...] = (
            Signing(sign_in, self._joining, programs, visits),
            Me(
                sign_in=sign_in,
                factors=Factors(premises, sign_in),
                visits=visits,
                issuers=tuple(one.issuer for one in known.offered),
                entropy=premises.entropy,
                off=premises.off,
            ),
            AuthorizationList(programs, visits, live),
            ProviderList(known, visits),
        )

    async def setup_code(self, now: int) -> str | None:
        """A new setup code for whoever started this relay; None when there is somebody. Raises StoreError."""
        return await self._joining.setup_code(now)

    async def tidy(self, now: int) -> None:
        """Drop what is over. Raises StoreError."""
        await tidy(self._premises, now)
