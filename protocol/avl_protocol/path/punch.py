"""Punches: small authenticated datagrams that open NATs and find out which addresses work (spec 08-paths, 8.4).

    Punch Datagram {
      Type (8),                 PUNCH or ANSWER
      Tag (64),                 names the session to who knows it
      Nonce (64),               of the sender; ANSWER repeats that of the PUNCH
      MAC (128),
    }

An ANSWER is as long as its PUNCH and goes where that came from, so that nothing is amplified; without the session's key
nobody is answered at all.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from avl_protocol.wire.registry import RawType

TAG_BYTES = NONCE_BYTES = 8
MAC_BYTES = 16
PUNCH_BYTES = 1 + TAG_BYTES + NONCE_BYTES + MAC_BYTES
#: A direct connection's first destination connection ID: a nonce and a MAC over it (RFC 9000 allows 20 bytes).
CONNECTION_ID_BYTES = 20


@dataclass(frozen=True, slots=True)
class Punch:
    """What a datagram says once its MAC has been checked."""

    answer: bool
    nonce: bytes


class PunchKey:
    """One session's punches, of both ends. `key`: K("punch"), 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        #: What names the session in its punches.
        self.tag = self._digest(b"tag")[:TAG_BYTES]

    def make(self, punch: Punch, from_viewer: bool) -> bytes:
        """The datagram of a punch."""
        body = bytes((RawType.ANSWER if punch.answer else RawType.PUNCH,)) + self.tag + punch.nonce
        return body + self._mac(body, from_viewer)

    def read(self, data: bytes, from_viewer: bool) -> Punch | None:
        """The punch of a datagram that the other end made; None for anything else."""
        if len(data) != PUNCH_BYTES or data[0] not in (RawType.PUNCH, RawType.ANSWER):
            return None
        body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body, from_viewer)):
            return None
        return Punch(data[0] == RawType.ANSWER, body[1 + TAG_BYTES :])

    def connection_id(self, nonce: bytes) -> bytes:
        """The first destination connection ID of a direct connection (R-PATH-8). `nonce`: 8 random bytes."""
        size = CONNECTION_ID_BYTES - NONCE_BYTES
        return nonce + self._digest(b"connection" + nonce)[:size]

    def names(self, connection_id: bytes) -> bool:
        """Whether a connection ID was made by who knows this session's key."""
        if len(connection_id) != CONNECTION_ID_BYTES:
            return False
        return hmac.compare_digest(connection_id, self.connection_id(connection_id[:NONCE_BYTES]))

    def _mac(self, body: bytes, from_viewer: bool) -> bytes:
        return self._digest((b"\x00" if from_viewer else b"\x01") + body)[:MAC_BYTES]

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def tag_of(data: bytes) -> bytes | None:
    """Which session a datagram claims to belong to; None when it is no punch."""
    if len(data) != PUNCH_BYTES or data[0] not in (RawType.PUNCH, RawType.ANSWER):
        return None
    return data[1 : 1 + TAG_BYTES]
