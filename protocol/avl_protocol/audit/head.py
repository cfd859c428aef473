"""Tree head: what a log was at a moment, signed: how many entries, the tree's root, the chain's end (spec 14, 14.3).

A client that keeps one sees later whether the log still begins with what it held then.
"""

from __future__ import annotations

from dataclasses import dataclass

from avl_protocol.audit.entry import HASH_BYTES
from avl_protocol.crypto.identity import PUBLIC_BYTES, Identity, verify
from avl_protocol.wire import packing

LABEL = b"avl/1 audit head\0"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """`size` entries with this `root` and this `chain` (the next entry's `prev`), at `time_ms` (Unix time), by the log
    of `key` (Ed25519, 32 bytes)."""

    size: int
    root: bytes
    chain: bytes
    time_ms: int
    key: bytes
    signature: bytes

    @property
    def genuine(self) -> bool:
        """Whether the log's key has signed it, and it has the form of a head."""
        if not 0 <= self.size < 1 << 53 or not 0 <= self.time_ms < 1 << 53 or len(self.key) != PUBLIC_BYTES:
            return False
        if len(self.root) != HASH_BYTES or len(self.chain) != HASH_BYTES:
            return False
        return verify(self.key, self.signature, signed_bytes(self.size, self.root, self.chain, self.time_ms))

    def to_dict(self) -> dict[str, str | int]:
        """As the API and files have it: bytes as hexadecimal."""
        return {
            "size": self.size,
            "root": self.root.hex(),
            "chain": self.chain.hex(),
            "time_ms": self.time_ms,
            "key": self.key.hex(),
            "signature": self.signature.hex(),
        }


def head_of(read: object) -> TreeHead:
    """The head of what `to_dict` made. Raises ValueError for anything else; nothing is verified."""
    if not isinstance(read, dict) or set(read) != {"size", "root", "chain", "time_ms", "key", "signature"}:
        raise ValueError("that is no head")
    size, time_ms = read["size"], read["time_ms"]
    texts = [read[name] for name in ("root", "chain", "key", "signature")]
    if type(size) is not int or type(time_ms) is not int or not all(isinstance(one, str) for one in texts):
        raise ValueError("that is no head")
    root, chain, key, signature = (bytes.fromhex(one) for one in texts)
    return TreeHead(size, root, chain, time_ms, key, signature)


def signed_bytes(size: int, root: bytes, chain: bytes, time_ms: int) -> bytes:
    """What a head's signature is over."""
    return LABEL + packing.pack_ordered([size, root, chain, time_ms])


def sign_head(identity: Identity, *, size: int, root: bytes, chain: bytes, time_ms: int) -> TreeHead:
    """The head of a log whose key this is."""
    signature = identity.sign(signed_bytes(size, root, chain, time_ms))
    return TreeHead(size, root, chain, time_ms, identity.public, signature)
