"""CPace over X25519 with SHA-512: both sides prove that they know one code, and a wrong guess learns nothing but that.

draft-irtf-cfrg-cpace-21, initiator-responder mode with explicit confirmation (spec 06-security, 6.2.1). The map to the
curve works on Python integers and is not constant-time; it runs once for each counted try, under a session id that
never repeats.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from avl_protocol.crypto.lv import lv
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

SHARE_BYTES = 32
TAG_BYTES = 64

_DSI = b"CPace255"
_HASH_BLOCK = 128
_P = (1 << 255) - 19
_A = 486662


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a run yields: the intermediate session key (64 bytes) and the tags that initiator and responder must
    show.
    """

    isk: bytes
    initiator_tag: bytes
    responder_tag: bytes


class Initiator:
    """The side that speaks first.

    `prs`: the code as a string of bytes, `ci`: what for, `sid`: never repeated, `ad`: who we are.
    """

    __slots__ = ("_ad", "_scalar", "_sid", "share")

    def __init__(self, *, prs: bytes, ci: bytes, sid: bytes, ad: bytes, entropy: Callable[[int], bytes]) -> None:
        self._scalar = X25519PrivateKey.from_private_bytes(entropy(32))
        self._sid = sid
        self._ad = ad
        self.share: bytes = _multiply(self._scalar, generator(prs, ci, sid))

    def finish(self, share: bytes, ad: bytes) -> Agreement:
        """The agreement with a responder's share and `ad`.

        Raises RemoteProtocolError(SESSION_PROTOCOL) for a bad share.
        """
        return _agree(self._scalar, share, self._sid, (self.share, self._ad), (share, ad))


class Responder:
    """The side that answers; parameters as of Initiator."""

    __slots__ = ("_ad", "_scalar", "_sid", "share")

    def __init__(self, *, prs: bytes, ci: bytes, sid: bytes, ad: bytes, entropy: Callable[[int], bytes]) -> None:
        self._scalar = X25519PrivateKey.from_private_bytes(entropy(32))
        self._sid = sid
        self._ad = ad
        self.share: bytes = _multiply(self._scalar, generator(prs, ci, sid))

    def finish(self, share: bytes, ad: bytes) -> Agreement:
        """The agreement with an initiator's share and `ad`.

        Raises RemoteProtocolError(SESSION_PROTOCOL) for a bad share.
        """
        return _agree(self._scalar, share, self._sid, (share, ad), (self.share, self._ad))


def generator(prs: bytes, ci: bytes, sid: bytes) -> bytes:
    """The secret base point of a run, as a u-coordinate of 32 bytes."""
    padding = bytes(max(0, _HASH_BLOCK - 1 - len(lv(prs)) - len(lv(_DSI))))
    digest = hashlib.sha512(lv(_DSI, prs, padding, ci, sid)).digest()
    return elligator2(int.from_bytes(digest[:32], "little") & ((1 << 255) - 1))


def elligator2(r: int) -> bytes:
    """The map to Curve25519 with non-square 2 (RFC 9380, section 6.7.1)."""
    v = -_A * pow(1 + 2 * r * r, _P - 2, _P) % _P
    if pow((v * v * v + _A * v * v + v) % _P, (_P - 1) // 2, _P) == _P - 1:
        v = (-v - _A) % _P
    return v.to_bytes(32, "little")


def _agree(
    scalar: X25519PrivateKey, theirs: bytes, sid: bytes, initiator: tuple[bytes, bytes], responder: tuple[bytes, bytes]
) -> Agreement:
    if hmac.compare_digest(initiator[0], responder[0]):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "both code shares are the same")
    secret = _multiply(scalar, theirs)
    isk = hashlib.sha512(lv(_DSI + b"_ISK", sid, secret) + lv(*initiator) + lv(*responder)).digest()
    mac_key = hashlib.sha512(b"CPaceMac" + sid + isk).digest()
    return Agreement(
        isk,
        hmac.digest(mac_key, lv(*initiator), "sha512"),
        hmac.digest(mac_key, lv(*responder), "sha512"),
    )


def _multiply(scalar: X25519PrivateKey, point: bytes) -> bytes:
    """X25519 (RFC 7748). A result of zero, that of a low-order point, is refused (R-SEC-11)."""
    try:
        return scalar.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a code share is not a usable point") from None
