"""Keys that programs hold: the proof that a request was made by the holder of one (after RFC 9449, in a header of our
own, `x-avl-proof`).

An access token that leaks is worthless without the key it is bound to, and a proof is for one request of one minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.rights.jws import NotSigned, claims, digest, header, thumbprint
from avl_relay.people import opaque

PROOF = "avl-proof+jwt"
#: Bytes of a proof, at most.
LONGEST = 2048
#: Seconds that a proof holds, before and after its `iat`.
HOLDS = 60


class BadProof(Exception):
    """A proof that holds nothing; the text is for the program's maker."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who made a proof: the public key (32 bytes), and its thumbprint (RFC 7638)."""

    public: bytes
    thumbprint: str


@dataclass(frozen=True, slots=True)
class HolderProof:
    """A proof that holds, if it was not seen before (store/seenproofs.py). `name`: what it is remembered by, the same
    for no other; `ends`: when it holds no more (Unix seconds)."""

    holder: Holder
    name: str
    ends: int


def read_proof(proof: str, *, method: str, path: str, now: float, token: str = "") -> HolderProof:
    """What a proof shows. `path`: without its query, `token`: the access token beside it, `now`: Unix seconds. Raises
    BadProof."""
    try:
        key = header(proof, LONGEST).key
        if key is None:
            raise BadProof("the proof carries no key")
        said = claims(proof, PROOF, key, LONGEST)
    except NotSigned as error:
        raise BadProof(str(error)) from None
    if said.get("htm") != method or said.get("htu") != path:
        raise BadProof("the proof was made for another request")
    iat, jti, bound = said.get("iat"), said.get("jti"), said.get("ath")
    if type(iat) is not int or not iat - HOLDS <= now <= iat + HOLDS:
        raise BadProof("the proof was made at another time: do the clocks differ?")
    if token and not (isinstance(bound, str) and opaque.same(bound, digest(token))):
        raise BadProof("the proof was made for another token")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 64:
        raise BadProof("the proof lacks its jti")
    holder = Holder(key, thumbprint(key))
    return HolderProof(holder, opaque.digest(f"proof {holder.thumbprint} {jti}"), iat + HOLDS + 1)
