"""Access tokens: what a program shows for five minutes, signed by this relay and bound to the program's key
(RFC 9068, RFC 7800)."""

from __future__ import annotations

from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from avl_protocol.crypto.identity import Identity
from avl_relay.people import opaque

ALGORITHM, TYPE = "Ed25519", "at+jwt"
HOLDS = 300
#: Bytes of a token, at most.
LONGEST = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What one says. `family`: of the refresh tokens it came from; `strong`: when a second factor was proved for it
    (Unix seconds; 0: none); `ends`: when it does."""

    person: str
    family: str
    thumbprint: str
    strong: int
    ends: int


class AccessTokens:
    """Makes and reads those of one relay. `issuer` is its pin, so that tokens of another one are none of ours."""

    def __init__(self, seed: bytes, issuer: str) -> None:
        private: dict[str, str | list[str]] = {
            "kty": "OKP",
            "crv": "Ed25519",
            "d": opaque.text(seed),
            "x": opaque.text(Identity(seed).public),
        }
        self._key = OKPKey.import_key(private)
        self._issuer = issuer

    def issue(self, *, person: str, family: str, thumbprint: str, strong: int, now: float) -> tuple[str, int]:
        """A token, and for how many seconds it holds."""
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": person,
            "fam": family,
            "mfa": strong,
            "iat": int(now),
            "exp": int(now) + HOLDS,
            "cnf": {"jkt": thumbprint},
        }
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims, self._key, algorithms=[ALGORITHM]), HOLDS

    def read(self, token: str, now: float) -> AccessToken | None:
        """What it says; None for one that is not ours, not of this kind, or over."""
        if len(token) > LONGEST:
            return None
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return None
        said, claims = read.header, read.claims
        match claims:
            case {
                "iss": self._issuer,
                "aud": self._issuer,
                "sub": str(person),
                "fam": str(family),
                "mfa": int(strong),
                "exp": int(ends),
                "cnf": {"jkt": str(thumbprint)},
            } if said.get("typ") == TYPE and now < ends:
                return AccessToken(person=person, family=family, thumbprint=thumbprint, strong=strong, ends=ends)
        return None
