"""HKDF over SHA-256 in its two halves (RFC 5869): Noise, the key schedule and SFrame each need them apart."""

from __future__ import annotations

import hmac

HASH_BYTES = 32


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract: the 32-byte pseudorandom key of a secret. An empty salt means 32 zero bytes."""
    return hmac.digest(salt or bytes(HASH_BYTES), secret, "sha256")


def expand(key: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand: `size` bytes (at most 8,160) bound to `info`."""
    out = block = b""
    number = 0
    while len(out) < size:
        number += 1
        block = hmac.digest(key, block + info + bytes((number,)), "sha256")
        out += block
    return out[:size]
