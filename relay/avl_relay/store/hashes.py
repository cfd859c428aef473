"""Hashes: how a secret is kept that is long enough to need no more, and found again."""

from __future__ import annotations

import base64
import hashlib


def session_name(session: bytes) -> str:
    """What a session is called, which gives no right to it: 22 characters."""
    return hashed(session)[:22]


def hashed(secret: bytes | str) -> str:
    """SHA-256 of a secret as base64url: 43 characters."""
    data = secret.encode() if isinstance(secret, str) else secret
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
