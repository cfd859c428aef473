"""Keys that programs hold: an Ed25519 key as a JWK, its thumbprint, and the proof that a request was made by its holder
(after RFC 9449, with a header of our own).

An access token that leaks is worthless without the key it is bound to, and a proof is for one request of one minute.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from avl_relay.people import opaque

ALGORITHM = "Ed25519"
PROOF = "avl-proof+jwt"
#: Bytes of a proof, at most.
LONGEST = 2048
#: Seconds that a proof holds, before and after its `iat`.
HOLDS = 60
#: Proofs that are remembered, so that none is taken twice.
REMEMBERED = 20_000


class BadProof(Exception):
    """A proof, or a key, that holds nothing; the text is for the log."""


def key_of(jwk: object) -> OKPKey:
    """An Ed25519 public key. Raises BadProof for anything else, private keys among them."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk:
        raise BadProof("not a public Ed25519 key")
    x = jwk.get("x")
    try:
        if not isinstance(x, str) or len(opaque.data(x)) != 32:
            raise BadProof("not the size of an Ed25519 key")
        return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
    except (JoseError, ValueError) as error:
        raise BadProof(str(error)) from None


def thumbprint(jwk: object) -> str:
    """The RFC 7638 thumbprint, base64url. Raises BadProof."""
    return key_of(jwk).thumbprint()


def public_bytes(jwk: object) -> bytes:
    """The 32 bytes of the key. Raises BadProof."""
    key_of(jwk)
    assert isinstance(jwk, dict)
    return opaque.data(jwk["x"])


@dataclass(frozen=True, slots=True)
class Holder:
    """Who made a proof: the public key, and its thumbprint."""

    jwk: dict[str, str]
    thumbprint: str


def prove(key: OKPKey, *, method: str, path: str, now: float, jti: str, token: str = "") -> str:
    """A proof for one request (what a program sends as `x-avl-proof`). `path`: with its query. `token`: the access
    token that it accompanies, if any."""
    header = {"alg": ALGORITHM, "typ": PROOF, "jwk": key.as_dict(private=False)}
    claims: dict[str, Any] = {"htm": method, "htu": path, "iat": int(now), "jti": jti}
    if token:
        claims["ath"] = opaque.digest(token)
    return jws.serialize_compact(header, _json(claims), key, algorithms=[ALGORITHM])


class Proofs:
    """Verifies proofs, each once. What was seen is kept in this process's memory: on another worker a proof counts
    once more, for the same request, within its minute."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def holder(self, proof: str, *, method: str, path: str, now: float, token: str = "") -> Holder:
        """Whose proof it is. `now`: Unix seconds. Raises BadProof."""
        if len(proof) > LONGEST:
            raise BadProof("too long")
        try:
            header = jws.extract_compact(proof.encode()).headers()
            if header.get("typ") != PROOF or header.get("alg") != ALGORITHM:
                raise BadProof("another kind of token")
            key = key_of(header.get("jwk"))
            claims = _object(jws.deserialize_compact(proof, key, algorithms=[ALGORITHM]).payload)
        except (JoseError, ValueError) as error:
            raise BadProof(str(error)) from None
        if claims.get("htm") != method or claims.get("htu") != path:
            raise BadProof("made for another request")
        iat, jti = claims.get("iat"), claims.get("jti")
        if type(iat) is not int or not iat - HOLDS <= now <= iat + HOLDS:
            raise BadProof("made at another time: do the clocks differ?")
        if token and not (isinstance(claims.get("ath"), str) and opaque.same(claims["ath"], opaque.digest(token))):
            raise BadProof("made for another token")
        if not isinstance(jti, str) or not 8 <= len(jti) <= 64:
            raise BadProof("lacks its jti")
        public = {"kty": "OKP", "crv": "Ed25519", "x": opaque.text(public_bytes(header["jwk"]))}
        holder = Holder(public, key.thumbprint())
        self._once(f"{holder.thumbprint} {jti}", now)
        return holder

    def _once(self, name: str, now: float) -> None:
        while self._seen and next(iter(self._seen.values())) < now - 2 * HOLDS:
            self._seen.popitem(last=False)
        if name in self._seen:
            raise BadProof("used before")
        self._seen[name] = now
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _json(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, separators=(",", ":")).encode()


def _object(payload: bytes) -> dict[str, Any]:
    claims = json.loads(payload)
    if not isinstance(claims, dict):
        raise BadProof("no claims")
    return claims
