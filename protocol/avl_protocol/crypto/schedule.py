"""From the handshake's secrets to the keys of a session (spec 06-security, 6.2.2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from avl_protocol.crypto.lv import lv


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

    @property
    def punch_key(self) -> bytes:
        """The key of punches and of the direct connections that follow them, 32 bytes (8.4)."""
        return self.label("punch")


def ticket_secret(ticket: bytes) -> bytes:
    """What a resume ticket brings into the keys in the place of CPace's intermediate session key (6.2.3)."""
    return hashlib.sha256(b"avl/1 ticket\0" + ticket).digest()


def chain_secret(chain: Sequence[str]) -> bytes:
    """What a chain of statements brings into the keys in the place of CPace's intermediate session key (6.2.4)."""
    return hashlib.sha256(b"avl/1 grant\0" + lv(*(token.encode() for token in chain))).digest()


def derive(chaining_key: bytes, handshake_hash: bytes, isk: bytes) -> SessionKeys:
    """The session's keys from the chaining key and hash after message 3, and CPace's intermediate session key,
    `ticket_secret` or `chain_secret`."""
    exporter = hmac.digest(chaining_key, b"avl/1 exporter" + handshake_hash, "sha256")
    return SessionKeys(hmac.digest(exporter, isk, "sha256"), handshake_hash)
