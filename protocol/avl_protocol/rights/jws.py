"""JWS in the one form that statements have: compact, Ed25519, three header fields (spec 11, 11.2; RFC 7515, RFC 9864).

Signing is put together here, since a key that lives in a keystore only signs; what others made is read by joserfc.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from avl_protocol.crypto.identity import PUBLIC_BYTES, Identity
from avl_protocol.wire.registry import MAX_STATEMENT

ALGORITHM = "Ed25519"
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_FIELDS = {"alg", "typ", "kid"}


class NotSigned(ValueError):
    """This is no statement, or its signature is not that of the key in question."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says of itself before anything is verified. `key`: the signer's, where the token carries it."""

    type: str
    kid: str
    key: bytes | None


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url without padding. Raises NotSigned for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise NotSigned("that is not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk_of(public: bytes) -> dict[str, str]:
    """A public key (32 bytes) as a JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(public)}


def public_of(jwk: Any) -> bytes:
    """The public key of a JWK that `jwk_of` made. Raises NotSigned for any other."""
    if not isinstance(jwk, dict) or set(jwk) != {"kty", "crv", "x"} or not isinstance(jwk["x"], str):
        raise NotSigned("that is no public key")
    public = decode(jwk["x"])
    if (jwk["kty"], jwk["crv"], len(public)) != ("OKP", "Ed25519", PUBLIC_BYTES) or encode(public) != jwk["x"]:
        raise NotSigned("that is no public key of Ed25519")
    return public


def thumbprint(public: bytes) -> str:
    """The RFC 7638 thumbprint of a public key: base64url of 32 bytes, which is what a key is called."""
    canonical = json.dumps(jwk_of(public), sort_keys=True, separators=(",", ":"))
    return encode(hashlib.sha256(canonical.encode()).digest())


def digest(token: str) -> str:
    """What a token is called by the one that stands on it: base64url of its SHA-256."""
    return encode(hashlib.sha256(token.encode()).digest())


def claimed_name(token: str) -> str:
    """The `jti` that a statement claims, unverified; "" where it has none that could be one. For a log of what was
    refused."""
    try:
        claimed = json.loads(decode(token[:MAX_STATEMENT].split(".")[1])).get("jti")
    except (ValueError, IndexError, AttributeError, RecursionError):
        return ""
    return claimed if isinstance(claimed, str) and re.fullmatch("[A-Za-z0-9_-]{1,64}", claimed) else ""


def sign(identity: Identity, kind: str, claims: dict[str, Any], *, with_key: bool = False) -> str:
    """The token of these claims. `kind`: the header's `typ`; `with_key`: the header carries the signer's key, too."""
    kid = thumbprint(identity.public)
    header: dict[str, Any] = {"alg": ALGORITHM, "typ": kind, "kid": kid}
    if with_key:
        header["jwk"] = jwk_of(identity.public)
    text = f"{_part(header)}.{_part({'iss': kid, **claims})}"
    return f"{text}.{encode(identity.sign(text.encode()))}"


def header(token: str, limit: int = MAX_STATEMENT) -> Header:
    """What a token says of itself; nothing is verified yet. Raises NotSigned."""
    shape = _SHAPE.fullmatch(token) if len(token) <= limit else None
    if shape is None:
        raise NotSigned("that is no statement, or too long")
    fields = _object(decode(shape[1]))
    if set(fields) - {"jwk"} != _FIELDS or fields["alg"] != ALGORITHM:
        raise NotSigned("the header is not that of a statement")
    if not isinstance(fields["typ"], str) or not isinstance(fields["kid"], str):
        raise NotSigned("the header is not that of a statement")
    return Header(fields["typ"], fields["kid"], public_of(fields["jwk"]) if "jwk" in fields else None)


def claims(token: str, kind: str, key: bytes, limit: int = MAX_STATEMENT) -> dict[str, Any]:
    """The claims of a token of this kind that `key` (32 bytes) has signed, without `iss`. Raises NotSigned."""
    head = header(token, limit)
    kid = thumbprint(key)
    if head.type != kind or head.kid != kid or head.key not in (None, key):
        raise NotSigned("that is of another kind, or of another key")
    try:
        signed = jws.deserialize_compact(token, OKPKey.import_key({**jwk_of(key)}), algorithms=[ALGORITHM])
    except (JoseError, ValueError, RecursionError):
        raise NotSigned("the signature is not that of the key") from None
    found = _object(signed.payload or b"")
    if found.pop("iss", None) != kid:
        raise NotSigned("the issuer is not who has signed")
    return found


def _part(content: dict[str, Any]) -> str:
    return encode(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise NotSigned("that is not JSON") from None
    if not isinstance(found, dict):
        raise NotSigned("that is no JSON object")
    return found
