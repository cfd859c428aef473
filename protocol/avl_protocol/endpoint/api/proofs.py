"""Prover: shows with each request that whoever holds a key made it (after RFC 9449, with a header of our own)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.rights.jws import digest, encode, jwk_of, sign, thumbprint

HEADER = "x-avl-proof"
TYPE = "avl-proof+jwt"


class Prover:
    """Makes proofs with a program's identity. Satisfies Credentials, of a program that has no token yet."""

    def __init__(self, identity: Identity, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._identity = identity
        self._clock = clock
        self._entropy = entropy

    @property
    def jwk(self) -> dict[str, str]:
        """The key that proves, as others may know it."""
        return jwk_of(self._identity.public)

    @property
    def thumbprint(self) -> str:
        """What that key is called."""
        return thumbprint(self._identity.public)

    def header(self, method: str, path: str, token: str = "") -> tuple[str, str]:
        """For one request; `path` with its query, `token` the access token beside it."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": path,
            "iat": int(self._clock.wall()),
            "jti": encode(self._entropy(16)),
        }
        if token:
            claims["ath"] = digest(token)
        return HEADER, sign(self._identity, TYPE, claims, with_key=True)

    async def headers(self, method: str, path: str) -> Sequence[tuple[str, str]]:
        """See Credentials."""
        return [self.header(method, path)]
