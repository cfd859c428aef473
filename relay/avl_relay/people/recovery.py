"""Recovery codes: ten of them, printed once, each good for one sign-in without the second factor.

They recover the account at this relay. The person key is recovered by its own printed key, which is none of these.
"""

from __future__ import annotations

from avl_relay.people import opaque

COUNT = 10
#: Crockford characters of 5 bits: 80 bits, so that a plain digest is kept.
LENGTH = 16


def new_codes(entropy: opaque.Entropy) -> list[str]:
    """Ten codes `XXXX-XXXX-XXXX-XXXX`."""
    return [opaque.new_code(entropy, LENGTH) for _ in range(COUNT)]


def kept(codes: list[str]) -> list[str]:
    """What the store keeps of them."""
    return [opaque.digest_of_code(code) for code in codes]
