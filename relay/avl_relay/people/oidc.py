"""Signing in with an OpenID Connect provider: authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect
Core 3.1).

A person is who the provider says, by issuer and subject; an e-mail address links nobody to anything. Providers stand in
a TOML file, one table each:

    [company]
    title = "Company"
    issuer = "https://id.example.com"
    client_id = "avl"
    client_secret = "..."        # left out for a public client
    register = true              # who has no account yet gets one, as a member
    second_factor = true         # its sign-in counts as a second factor as well
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from avl_relay.people import opaque

#: Seconds that a provider has for an answer, bytes that one may have, and seconds that a person has.
PATIENCE, ANSWER_BYTES, HOLDS = 10.0, 256 * 1024, 600
#: Seconds for which what a provider says of itself is kept.
KEPT = 3600
#: Seconds that clocks may differ.
SKEW = 60
#: How an ID token may be signed: none of these is symmetric.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]


class ProviderError(Exception):
    """The provider did not say who somebody is; the text is for a person."""


class BadProviders(ValueError):
    """The file of providers cannot be used; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider, as the file has it."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    register: bool = False
    second_factor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that was sent to a provider. `address`: where the browser goes. The caller keeps the rest under
    `state` and takes it once."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Who somebody is, as a provider says. `login` and `name` are its wishes for a new account: hostile text."""

    issuer: str
    subject: str
    login: str
    name: str


def read_providers(text: str) -> dict[str, Provider]:
    """The providers of a TOML file, by name. Raises BadProviders."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadProviders(f"no TOML: {error}") from None
    return {name: _provider(name, table) for name, table in tables.items()}


def _provider(name: str, table: object) -> Provider:
    if not re.fullmatch(r"[a-z0-9-]{1,32}", name) or not isinstance(table, dict):
        raise BadProviders(f"[{name}]: a table whose name has small letters, digits and dashes")
    kinds = {"title": str, "issuer": str, "client_id": str, "client_secret": str, "register": bool}
    kinds["second_factor"] = bool
    for key, value in table.items():
        if key not in kinds or not isinstance(value, kinds[key]):
            raise BadProviders(f"[{name}] {key}: known are {', '.join(kinds)}; texts, and true or false")
    if not table.get("issuer") or not table.get("client_id"):
        raise BadProviders(f"[{name}]: issuer and client_id are needed")
    if not _safe(table["issuer"]):
        raise BadProviders(f"[{name}] issuer: an https:// address")
    return Provider(**{"name": name, "title": name, **table})


def _safe(address: object) -> bool:
    """Whether what is sent there is read by nobody else: https, or this machine."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


class OidcClient:
    """Asks providers. `transport` is the network, where it is not the system's."""

    def __init__(self, providers: Mapping[str, Provider], transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.providers = dict(providers)
        self._transport = transport
        self._said: dict[str, tuple[float, dict[str, Any]]] = {}
        self._keys: dict[str, tuple[float, KeySet]] = {}

    async def begin(self, provider: Provider, back: str, *, entropy: opaque.Entropy, now: float) -> Begun:
        """Send somebody there, who comes back to `back`. Raises ProviderError."""
        said = await self._about(provider, now)
        state, nonce, verifier = (opaque.new_token(entropy) for _ in range(3))
        async with self._oauth(provider, back) as client:
            address, _ = client.create_authorization_url(
                said["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        return Begun(address=address, state=state, nonce=nonce, verifier=verifier)

    async def finish(
        self, provider: Provider, back: str, *, code: str, nonce: str, verifier: str, now: float
    ) -> Claimed:
        """Who came back. `now`: Unix seconds. Raises ProviderError."""
        said = await self._about(provider, now)
        try:
            async with self._oauth(provider, back) as client:
                answered = await client.fetch_token(
                    said["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
            raise ProviderError(f"{provider.title} did not take the sign-in: begin again") from error
        token = answered.get("id_token")
        if not isinstance(token, str):
            raise ProviderError(f"{provider.title} does not say who signed in: is it an OpenID Connect provider?")
        return self._claimed(provider, await self._read(provider, said, token, now), nonce, now)

    async def _read(self, provider: Provider, said: dict[str, Any], token: str, now: float) -> dict[str, Any]:
        """The claims of a token that the provider signed; its keys are asked for anew when none fits."""
        for anew in (False, True):
            keys = await self._key_set(provider, said, now, anew)
            try:
                return dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
            except (JoseError, ValueError) as error:
                failed = error
        raise ProviderError(f"what {provider.title} says is not signed by it") from failed

    def _claimed(self, provider: Provider, claims: dict[str, Any], nonce: str, now: float) -> Claimed:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        subject, expires, issued = claims.get("sub"), claims.get("exp"), claims.get("iat")
        holds = (
            claims.get("iss") == provider.issuer
            and provider.client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") == provider.client_id)
            and isinstance(claims.get("nonce"), str)
            and opaque.same(claims["nonce"], nonce)
            and isinstance(expires, int | float)
            and now < expires + SKEW
            and isinstance(issued, int | float)
            and issued <= now + SKEW
        )
        if not holds or not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderError(f"what {provider.title} says is not for this sign-in: begin again")
        login, name = claims.get("preferred_username") or claims.get("email"), claims.get("name")
        return Claimed(
            issuer=provider.issuer,
            subject=subject,
            login=login if isinstance(login, str) else "",
            name=name if isinstance(name, str) else "",
        )

    def _oauth(self, provider: Provider, back: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=provider.client_id,
            client_secret=provider.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if provider.client_secret else "none",
            scope="openid profile email",
            redirect_uri=back,
            code_challenge_method="S256",
            transport=self._transport,
            timeout=PATIENCE,
        )

    async def _about(self, provider: Provider, now: float) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 4)."""
        kept = self._said.get(provider.name)
        if kept is not None and now < kept[0] + KEPT:
            return kept[1]
        said = await self._get(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != provider.issuer:
            raise ProviderError(f"{provider.title} calls itself by another name than its issuer here")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _safe(said.get(name)):
                raise ProviderError(f"{provider.title} names no safe {name}")
        self._said[provider.name] = (now, said)
        return said

    async def _key_set(self, provider: Provider, said: dict[str, Any], now: float, anew: bool) -> KeySet:
        kept = self._keys.get(provider.name)
        if kept is not None and not anew and now < kept[0] + KEPT:
            return kept[1]
        try:
            keys = KeySet.import_key_set(await self._get(provider, said["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderError(f"{provider.title} publishes no keys that can be read") from error
        self._keys[provider.name] = (now, keys)
        return keys

    async def _get(self, provider: Provider, address: str) -> dict[str, Any]:
        body = b""
        try:
            async with (
                httpx2.AsyncClient(transport=self._transport, timeout=PATIENCE) as client,
                client.stream("GET", address) as answer,
            ):
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > ANSWER_BYTES:
                        break
                read = json.loads(body) if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            raise ProviderError(f"{provider.title} does not answer as it should: try again later") from error
        if not isinstance(read, dict):
            raise ProviderError(f"{provider.title} does not answer as it should: try again later")
        return read
