"""HPKE's base mode, one message a key: X25519, HKDF-SHA256 and AES-256-GCM (RFC 9180, sections 4 to 6).

Whoever has the public key can seal. That nothing tells who did is for what is sealed to say.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_protocol.crypto.hkdf import expand, extract

#: Bytes of keys, and of what sealing adds: the encapsulated key and the tag.
KEY_BYTES, OVERHEAD = 32, 32 + 16
#: DHKEM(X25519, HKDF-SHA256), and the whole suite with HKDF-SHA256 and AES-256-GCM.
_KEM = b"KEM\x00\x20"
_SUITE = b"HPKE\x00\x20\x00\x01\x00\x02"


class NotSealed(ValueError):
    """This was not sealed to this key, or with other words."""


def seal(public: bytes, info: bytes, plaintext: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """The encapsulated key and the ciphertext, for who holds the private half of `public` (32 bytes). Raises ValueError
    for bytes that are no key to seal to."""
    ephemeral = X25519PrivateKey.from_private_bytes(entropy(KEY_BYTES))
    encapsulated = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    key, nonce = _schedule(shared, encapsulated + public, info)
    return encapsulated + AESGCM(key).encrypt(nonce, plaintext, b"")


def open_sealed(private: X25519PrivateKey, info: bytes, sealed: bytes) -> bytes:
    """What was sealed to a key. Raises NotSealed."""
    encapsulated = sealed[:KEY_BYTES]
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
        key, nonce = _schedule(shared, encapsulated + private.public_key().public_bytes_raw(), info)
        return AESGCM(key).decrypt(nonce, sealed[KEY_BYTES:], b"")
    except (ValueError, InvalidTag):
        raise NotSealed("that was not sealed to this key") from None


def _schedule(shared: bytes, context: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the one message. `context`: the encapsulated key and the recipient's."""
    prk = _extract(_KEM, b"", b"eae_prk", shared)
    secret = _expand(_KEM, prk, b"shared_secret", context, 32)
    base = b"\x00" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    prk = _extract(_SUITE, secret, b"secret", b"")
    return _expand(_SUITE, prk, b"key", base, 32), _expand(_SUITE, prk, b"base_nonce", base, 12)


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + secret)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    return expand(prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, size)
