"""Records: one direction of a channel as a sequence of AES-256-GCM boxes (spec 06-security, 6.3)."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_RECORD_DATA, MAX_RECORD_PAD, CloseCode, RecordType

TAG_BYTES = 16
#: Type and Data Length in front of the data of an Inner Record.
INNER_HEADER_BYTES = 3
#: Length field in front of the ciphertext.
LENGTH_BYTES = 2
#: The longest ciphertext: full data, padded to a multiple of MAX_RECORD_PAD, and the tag.
MAX_CIPHERTEXT = -(-(INNER_HEADER_BYTES + MAX_RECORD_DATA) // MAX_RECORD_PAD) * MAX_RECORD_PAD + TAG_BYTES
#: A direction is re-keyed before each counter that is a multiple of this (R-SEC-23).
REKEY_EVERY = 1 << 20


class RecordSealer:
    """Seals the records of one direction in order.

    `pad_to`: the Inner Record becomes a multiple of so many bytes; 0 pads nothing. `rekey_every` differs in tests
    alone.
    """

    __slots__ = ("_aead", "_key", "_pad_to", "_rekey_every", "counter")

    def __init__(self, key: bytes, pad_to: int = 0, rekey_every: int = REKEY_EVERY) -> None:
        self._key = key
        self._aead = AESGCM(key)
        self._pad_to = pad_to
        self._rekey_every = rekey_every
        #: The counter of the next record.
        self.counter = 0

    @property
    def rekey_due(self) -> bool:
        """Whether the next record has to be REKEY."""
        return (self.counter + 1) % self._rekey_every == 0

    def size(self, data_size: int) -> int:
        """Bytes of the record of so much data, its Length included."""
        inner = INNER_HEADER_BYTES + data_size
        return LENGTH_BYTES + inner + (-inner % self._pad_to if self._pad_to else 0) + TAG_BYTES

    def seal(self, kind: int, data: bytes) -> bytes:
        """The next record, its Length included. Raises LocalProtocolError for too much data or a REKEY forgotten."""
        if len(data) > MAX_RECORD_DATA:
            raise LocalProtocolError(f"{len(data)} bytes do not fit a record")
        if self.rekey_due and kind != RecordType.REKEY:
            raise LocalProtocolError("this direction has to be re-keyed first")
        inner = bytes((kind,)) + len(data).to_bytes(2, "big") + data
        if self._pad_to:
            inner += bytes(-len(inner) % self._pad_to)
        length = (len(inner) + TAG_BYTES).to_bytes(LENGTH_BYTES, "big")
        record = length + self._aead.encrypt(self.counter.to_bytes(12, "big"), inner, length)
        self.counter += 1
        if kind == RecordType.REKEY:
            self._key = next_key(self._key)
            self._aead = AESGCM(self._key)
        return record


class RecordOpener:
    """Opens the records of one direction in order; re-keys itself."""

    __slots__ = ("_aead", "_key", "counter")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._aead = AESGCM(key)
        #: The counter of the next record.
        self.counter = 0

    def open(self, ciphertext: bytes) -> tuple[int, bytes]:
        """Type (of any number) and data of the next record, given without its Length.

        Raises RemoteProtocolError(TAMPERED) when it does not open or is not well formed inside.
        """
        length = len(ciphertext).to_bytes(LENGTH_BYTES, "big")
        try:
            inner = self._aead.decrypt(self.counter.to_bytes(12, "big"), ciphertext, length)
        except InvalidTag:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a record does not open") from None
        end = INNER_HEADER_BYTES + int.from_bytes(inner[1:INNER_HEADER_BYTES], "big")
        if len(inner) < INNER_HEADER_BYTES or len(inner) < end or end > INNER_HEADER_BYTES + MAX_RECORD_DATA:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a record's data length is wrong")
        if inner.count(0, end) != len(inner) - end:
            raise RemoteProtocolError(CloseCode.TAMPERED, "a record's padding is not zero")
        self.counter += 1
        if inner[0] == RecordType.REKEY:
            self._key = next_key(self._key)
            self._aead = AESGCM(self._key)
        return inner[0], inner[INNER_HEADER_BYTES:end]


def next_key(key: bytes) -> bytes:
    """The key behind a REKEY."""
    return hmac.digest(key, b"avl/1 rekey", "sha256")
