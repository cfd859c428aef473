"""ConnectionIds: the connection IDs that this end issues, and the tokens by which it may end what they name.

A token is derived from its ID by a key that outlives the program, so that a program which has restarted and knows no
connection can still tell the peer that it is gone (RFC 9000, section 10.3).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple


class Issued(NamedTuple):
    """A connection ID and its stateless reset token of 16 bytes."""

    connection_id: bytes
    reset_token: bytes


class ConnectionIds:
    """Issues connection IDs for one connection. `new`: unpredictable bytes of the length that all IDs have."""

    __slots__ = ("_new", "_reset_key")

    def __init__(self, new: Callable[[], bytes], reset_key: bytes) -> None:
        self._new, self._reset_key = new, reset_key

    def issue(self) -> Issued:
        """One that was not issued before."""
        connection_id = self._new()
        return Issued(connection_id, reset_token(self._reset_key, connection_id))


def reset_token(key: bytes, connection_id: bytes) -> bytes:
    """HMAC-SHA-256 of a connection ID, cut to the 16 bytes of a stateless reset token (RFC 9000, section 10.3.2)."""
    return hmac.digest(key, connection_id, "sha256")[:16]
