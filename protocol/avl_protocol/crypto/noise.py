"""The Noise handshake XXhfs with X25519, ML-KEM-768, AES-256-GCM and SHA-256 (spec 06-security, 6.2).

Follows the Noise Protocol Framework, revision 34, and its hybrid-forward-secrecy extension with the KEM of FIPS 203.
Plain XX is kept beside it because public test vectors exist for XX only, and both run through the same lines.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

DH_BYTES = 32
KEM_SEED_BYTES = 64
KEM_PUBLIC_BYTES = 1184
KEM_CIPHERTEXT_BYTES = 1088
TAG_BYTES = 16

Entropy = Callable[[int], bytes]
#: Encapsulation key -> (shared secret of 32 bytes, ciphertext).
Encapsulate = Callable[[bytes], tuple[bytes, bytes]]

PATTERNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "XX": (("e",), ("e", "ee", "s", "es"), ("s", "se")),
    "XXhfs": (("e", "e1"), ("e", "ee", "ekem1", "s", "es"), ("s", "se")),
}
NAMES = {
    "XX": b"Noise_XX_25519_AESGCM_SHA256",
    "XXhfs": b"Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256",
}


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """A fresh shared secret and its ciphertext. Raises ValueError for an encapsulation key that FIPS 203 rejects."""
    return MLKEM768PublicKey.from_public_bytes(public).encapsulate()


class CipherState:
    """One direction's key and counter (Noise, section 5.1). Without a key it passes bytes through."""

    __slots__ = ("_aead", "_counter")

    def __init__(self, key: bytes | None = None) -> None:
        self._aead = None if key is None else AESGCM(key)
        self._counter = 0

    @property
    def overhead(self) -> int:
        """Bytes that encryption adds."""
        return 0 if self._aead is None else TAG_BYTES

    def encrypt(self, associated: bytes, plaintext: bytes) -> bytes:
        """The ciphertext under the next counter."""
        if self._aead is None:
            return plaintext
        sealed = self._aead.encrypt(self._counter.to_bytes(12, "big"), plaintext, associated)
        self._counter += 1
        return sealed

    def decrypt(self, associated: bytes, ciphertext: bytes) -> bytes:
        """The plaintext. Raises RemoteProtocolError(TAMPERED); the counter stays where it was then."""
        if self._aead is None:
            return ciphertext
        try:
            opened = self._aead.decrypt(self._counter.to_bytes(12, "big"), ciphertext, associated)
        except InvalidTag:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a handshake message does not open") from None
        self._counter += 1
        return opened


class HandshakeState:
    """One side of a handshake (Noise, section 5.3): `write` and `read` alternate, then `split`.

    `static` is the 32-byte private key; ephemeral keys are drawn from `entropy` (32 bytes for X25519, 64 for ML-KEM).
    """

    def __init__(
        self,
        *,
        initiator: bool,
        prologue: bytes,
        static: bytes,
        entropy: Entropy,
        pattern: str = "XXhfs",
        encapsulate: Encapsulate = encapsulate,
    ) -> None:
        name = NAMES[pattern]
        self.handshake_hash = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.chaining_key = self.handshake_hash
        self.remote_static = b""
        self._initiator = initiator
        self._messages = PATTERNS[pattern]
        self._turn = 0
        self._cipher = CipherState()
        self._static = X25519PrivateKey.from_private_bytes(static)
        self._entropy = entropy
        self._encapsulate = encapsulate
        self._ephemeral: X25519PrivateKey | None = None
        self._kem: MLKEM768PrivateKey | None = None
        self._remote_ephemeral = b""
        self._remote_kem = b""
        self._mix_hash(prologue)

    @property
    def static_public(self) -> bytes:
        """Our static public key, 32 bytes."""
        return self._static.public_key().public_bytes_raw()

    @property
    def finished(self) -> bool:
        """Whether all messages have been exchanged."""
        return self._turn == len(self._messages)

    def write(self, payload: bytes) -> bytes:
        """The next message of ours.

        Raises LocalProtocolError out of turn, RemoteProtocolError for bad keys of the peer.
        """
        self._take_turn(self._initiator)
        out = [self._write_token(token) for token in self._messages[self._turn]]
        out.append(self._encrypt_and_hash(payload))
        self._turn += 1
        return b"".join(out)

    def read(self, message: bytes) -> bytes:
        """The payload of the peer's next message.

        Raises RemoteProtocolError: TAMPERED when it does not open, SESSION_PROTOCOL when it is too short or its keys
        are bad.
        """
        self._take_turn(not self._initiator)
        rest = memoryview(message)
        for token in self._messages[self._turn]:
            size = self._size(token)
            if len(rest) < size:
                raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a handshake message is cut short")
            self._read_token(token, bytes(rest[:size]))
            rest = rest[size:]
        payload = self._decrypt_and_hash(bytes(rest))
        self._turn += 1
        return payload

    def split(self) -> tuple[CipherState, CipherState]:
        """The ciphers of what follows: (initiator to responder, responder to initiator)."""
        if not self.finished:
            raise LocalProtocolError("the handshake is not over")
        first, second = _hkdf_two(self.chaining_key, b"")
        return CipherState(first), CipherState(second)

    def _take_turn(self, writer_is_initiator: bool) -> None:
        if self.finished or writer_is_initiator != (self._turn % 2 == 0):
            raise LocalProtocolError("not this side's turn in the handshake")

    def _size(self, token: str) -> int:
        return {
            "e": DH_BYTES,
            "e1": KEM_PUBLIC_BYTES + self._cipher.overhead,
            "ekem1": KEM_CIPHERTEXT_BYTES + self._cipher.overhead,
            "s": DH_BYTES + self._cipher.overhead,
        }.get(token, 0)

    def _write_token(self, token: str) -> bytes:
        if token == "e":
            self._ephemeral = X25519PrivateKey.from_private_bytes(self._entropy(DH_BYTES))
            public = self._ephemeral.public_key().public_bytes_raw()
            self._mix_hash(public)
            return public
        if token == "e1":
            self._kem = MLKEM768PrivateKey.from_seed_bytes(self._entropy(KEM_SEED_BYTES))
            return self._encrypt_and_hash(self._kem.public_key().public_bytes_raw())
        if token == "ekem1":
            try:
                secret, ciphertext = self._encapsulate(self._remote_kem)
            except ValueError:
                raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a bad encapsulation key") from None
            sealed = self._encrypt_and_hash(ciphertext)
            self._mix_key(secret)
            return sealed
        if token == "s":
            return self._encrypt_and_hash(self.static_public)
        self._diffie_hellman(token)
        return b""

    def _read_token(self, token: str, data: bytes) -> None:
        if token == "e":
            self._remote_ephemeral = data
            self._mix_hash(data)
        elif token == "e1":
            self._remote_kem = self._decrypt_and_hash(data)
        elif token == "ekem1":
            ciphertext = self._decrypt_and_hash(data)
            assert self._kem is not None
            self._mix_key(self._kem.decapsulate(ciphertext))
        elif token == "s":
            self.remote_static = self._decrypt_and_hash(data)
        else:
            self._diffie_hellman(token)

    def _diffie_hellman(self, token: str) -> None:
        """ "ee", "es", "se": the first letter is the initiator's key, the second the responder's."""
        ours, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        key = self._ephemeral if ours == "e" else self._static
        public = self._remote_ephemeral if theirs == "e" else self.remote_static
        assert key is not None
        try:
            self._mix_key(key.exchange(X25519PublicKey.from_public_bytes(public)))
        except ValueError:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a low-order public key") from None

    def _mix_hash(self, data: bytes) -> None:
        self.handshake_hash = hashlib.sha256(self.handshake_hash + data).digest()

    def _mix_key(self, secret: bytes) -> None:
        self.chaining_key, key = _hkdf_two(self.chaining_key, secret)
        self._cipher = CipherState(key)

    def _encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt(self.handshake_hash, plaintext)
        self._mix_hash(ciphertext)
        return ciphertext

    def _decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = self._cipher.decrypt(self.handshake_hash, ciphertext)
        self._mix_hash(ciphertext)
        return plaintext


def _hkdf_two(chaining_key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """HKDF of Noise, section 4.3, with two outputs."""
    temporary = hmac.digest(chaining_key, secret, "sha256")
    first = hmac.digest(temporary, b"\x01", "sha256")
    return first, hmac.digest(temporary, first + b"\x02", "sha256")
