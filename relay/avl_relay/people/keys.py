"""The keys that accounts of one relay stand on, all derived from 32 bytes in its state folder: not in the database, so
that a copy of that is not enough to be this relay."""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.crypto.hkdf import expand, extract
from avl_protocol.endpoint.program.state import StateFolder
from avl_relay.people import opaque

FILE = "accounts.key"
SIZE = 32


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """`signing`: seed of the Ed25519 key of access tokens; `sealing`: AES-256 key of second factors; `hiding`: makes
    names that are limited unreadable in the store."""

    signing: bytes
    sealing: bytes
    hiding: bytes


def account_keys(state: StateFolder, entropy: opaque.Entropy) -> AccountKeys:
    """Those of this state folder, made at the first start. Raises StateError."""
    secret = state.read(FILE)
    if secret is None:
        state.write(FILE, entropy(SIZE))
        secret = state.read(FILE)  # of two processes that begin at once the later one's
    assert secret is not None
    key = extract(b"avl/1 accounts", secret)
    return AccountKeys(*(expand(key, info, SIZE) for info in (b"signing", b"sealing", b"hiding")))
