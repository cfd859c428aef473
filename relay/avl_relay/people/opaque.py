"""Opaque tokens: random text that a person or program holds, and the digest of it that the store keeps.

Who reads the store can sign in with nothing of what is there. A digest without salt is enough: what it is of has at
least 80 bits of entropy.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from avl_protocol.wire.device_id import ALPHABET, normalise_code, show_code

Entropy = Callable[[int], bytes]
#: Bytes of a token that nobody types.
TOKEN_BYTES = 32
#: Consonants without vowels, so that no word appears (RFC 8628, 6.1); 8 of them are 34 bits, guessed at three times.
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8


def text(data: bytes) -> str:
    """Base64url without padding (RFC 4648, 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(value: str) -> bytes:
    """The bytes of base64url text. Raises ValueError."""
    if not value.isascii():
        raise ValueError("base64url is ASCII")
    return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)


def new_token(entropy: Entropy) -> str:
    """A token of 256 bits, as base64url."""
    return text(entropy(TOKEN_BYTES))


def new_id(entropy: Entropy) -> str:
    """The name of a row: 128 bits, as base64url. No capability."""
    return text(entropy(16))


def new_code(entropy: Entropy, length: int) -> str:
    """A code that a person may type: Crockford characters of 5 bits each, in groups of four."""
    return show_code("".join(ALPHABET[byte & 31] for byte in entropy(length)))


def new_user_code(entropy: Entropy) -> str:
    """A user code `XXXX-XXXX` (RFC 8628, 6.1). Bytes that would favour some letters are drawn anew."""
    letters = ""
    while len(letters) < USER_CODE_LENGTH:
        letters += "".join(
            USER_CODE_ALPHABET[byte % len(USER_CODE_ALPHABET)]
            for byte in entropy(USER_CODE_LENGTH)
            if byte < 256 - 256 % len(USER_CODE_ALPHABET)
        )
    return show_code(letters[:USER_CODE_LENGTH])


def user_code_as_kept(typed: str) -> str:
    """A user code in any case, with or without dashes and spaces, as the store has it."""
    return show_code("".join(c for c in typed.upper() if c in USER_CODE_ALPHABET))


def digest(token: str) -> str:
    """What the store keeps of a token."""
    return text(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())


def digest_of_code(typed: str) -> str:
    """What the store keeps of a code that is typed: dashes, case, O, I and L make no difference."""
    return digest(normalise_code(typed))


def derived(token: str, purpose: str) -> str:
    """Another value that only the holder of `token` and we can make."""
    return text(hmac.digest(token.encode(), purpose.encode(), "sha256"))


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
