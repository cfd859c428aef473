"""From the handshake's secrets to the keys of a session (spec 06-security, 6.2.2)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys that both ends of a session derive, and the handshake hash that names the session for both."""

    master: bytes = field(repr=False)
    handshake_hash: bytes

    def label(self, label: str) -> bytes:
        """K(label), 32 bytes."""
        return hmac.digest(self.master, b"avl/1 " + label.encode() + b"\0" + self.handshake_hash + b"\x01", "sha256")

    def channel_key(self, channel: int, from_viewer: bool) -> bytes:
        """The first key of one direction of a channel, 32 bytes."""
        return self.label(f"channel {channel} {'i2r' if from_viewer else 'r2i'}")

    @property
    def move_key(self) -> bytes:
        """The key of Channel Resume's MAC, 32 bytes."""
        return self.label("move")


def derive(chaining_key: bytes, handshake_hash: bytes, isk: bytes) -> SessionKeys:
    """The session's keys from the chaining key and hash after message 3 and CPace's intermediate session key."""
    exporter = hmac.digest(chaining_key, b"avl/1 exporter" + handshake_hash, "sha256")
    return SessionKeys(hmac.digest(exporter, isk, "sha256"), handshake_hash)
