"""Sealed values: what the store keeps but only this relay can read (AES-256-GCM), such as the secret of a second
factor. A copy of the database without the relay's state folder opens none of them."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_relay.people import opaque

KEY_BYTES, NONCE_BYTES = 32, 12


class Sealed:
    """Seals under one key. `about` says whose value it is, so that one row's is none of another's."""

    def __init__(self, key: bytes, entropy: opaque.Entropy) -> None:
        self._key = AESGCM(key)
        self._entropy = entropy

    def seal(self, value: bytes, about: str) -> str:
        """Base64url of nonce and ciphertext."""
        nonce = self._entropy(NONCE_BYTES)
        return opaque.text(nonce + self._key.encrypt(nonce, value, about.encode()))

    def open(self, sealed: str, about: str) -> bytes:
        """The value. Raises ValueError where the key or the row is another."""
        kept = opaque.data(sealed)
        try:
            return self._key.decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], about.encode())
        except InvalidTag:
            raise ValueError("sealed under another key: was the database moved without the state folder?") from None
