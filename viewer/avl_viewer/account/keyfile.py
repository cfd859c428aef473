"""The person's key of this program, where there is one: its seed, in a file that only its owner can read.

A program without it opens what was permitted to its own key. With it, it is the person: the owner of their hosts.
"""

from __future__ import annotations

from avl_protocol.crypto.identity import SEED_BYTES, Identity
from avl_protocol.endpoint.program.state import StateError, StateFolder

FILE = "person.key"


def load(state: StateFolder) -> Identity | None:
    """The key; None where there is none. Raises StateError."""
    seed = state.read(FILE)
    if seed is None:
        return None
    if len(seed) != SEED_BYTES:
        raise StateError(f"{state.path / FILE} is damaged: delete it, and bring the key again with avl login --key")
    return Identity(seed)


def save(state: StateFolder, seed: bytes) -> None:
    """Keep a key. Raises StateError."""
    state.write(FILE, seed)


def forget(state: StateFolder) -> None:
    """Keep it no more."""
    (state.path / FILE).unlink(missing_ok=True)
