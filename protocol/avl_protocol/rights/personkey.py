"""Person key: the Ed25519 key of a person, and how copies of it are wrapped (spec 11, 11.1).

A copy may lie where it is not trusted, at a relay: what opens it is the secret of a passkey, or a key on paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_protocol.crypto.hkdf import expand, extract
from avl_protocol.crypto.identity import SEED_BYTES, Identity
from avl_protocol.rights.jws import decode, encode, thumbprint
from avl_protocol.wire.device_id import ALPHABET, normalise_code

#: Characters of a recovery key: 130 bits.
RECOVERY_LENGTH = 26
#: Bytes of the secret that a passkey's PRF extension gives (WebAuthn level 3, section 10.1.4).
PRF_BYTES = 32
_NONCE = 12


def new_recovery_key(entropy: Callable[[int], bytes]) -> str:
    """A recovery key as it is printed: 26 random Crockford characters in groups."""
    value = int.from_bytes(entropy(17), "big") >> 6
    text = "".join(ALPHABET[value >> 5 * place & 31] for place in range(RECOVERY_LENGTH))
    return "-".join(text[at : at + 5] for at in range(0, RECOVERY_LENGTH, 5))


def recovery_secret(text: str) -> bytes:
    """The secret of a recovery key as somebody types it. Raises ValueError where it is none."""
    typed = normalise_code(text)
    if len(typed) != RECOVERY_LENGTH or set(typed) - set(ALPHABET):
        raise ValueError(f"a recovery key has {RECOVERY_LENGTH} letters and digits")
    return typed.encode()


def wrap(seed: bytes, secret: bytes, entropy: Callable[[int], bytes]) -> dict[str, str]:
    """A copy of a person key (its 32-byte seed), which `secret` opens: JSON that may lie anywhere."""
    name = thumbprint(Identity(seed).public)
    nonce = entropy(_NONCE)
    sealed = AESGCM(_wrapping_key(secret)).encrypt(nonce, seed, _bound_to(name))
    return {"thumbprint": name, "nonce": encode(nonce), "sealed": encode(sealed)}


def unwrap(copy: dict[str, Any], secret: bytes) -> Identity:
    """The person key of a copy. Raises ValueError where the secret is another's, or the copy was changed."""
    return Identity(unwrapped_seed(copy, secret))


def unwrapped_seed(copy: dict[str, Any], secret: bytes) -> bytes:
    """The seed of the person key of a copy, for who keeps it. Raises ValueError as `unwrap` does."""
    name, nonce, sealed = (copy.get(field) for field in ("thumbprint", "nonce", "sealed"))
    if not (isinstance(name, str) and isinstance(nonce, str) and isinstance(sealed, str)):
        raise ValueError("that is no copy of a key")
    try:
        seed = AESGCM(_wrapping_key(secret)).decrypt(decode(nonce), decode(sealed), _bound_to(name))
    except (InvalidTag, ValueError):
        raise ValueError("that does not open this copy of the key") from None
    if len(seed) != SEED_BYTES or thumbprint(Identity(seed).public) != name:
        raise ValueError("the copy holds another key than it says")
    return seed


def _wrapping_key(secret: bytes) -> bytes:
    return expand(extract(b"", secret), b"avl/1 person key wrap", 32)


def _bound_to(name: str) -> bytes:
    return b"avl/1 person key\0" + name.encode()
