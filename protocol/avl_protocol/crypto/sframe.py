"""Media objects under SFrame (RFC 9605), suite AES_128_GCM_SHA256_128, each one signed (spec 06-security, 6.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avl_protocol.crypto import hkdf
from avl_protocol.crypto.identity import SIGNATURE_BYTES, verify
from avl_protocol.crypto.replay import ReplayWindow
from avl_protocol.wire.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_OBJECT_SIZE, CloseCode

#: RFC 9605, section 4.5: AES_128_GCM_SHA256_128.
SUITE = 0x0004
KEY_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
BASE_BYTES = 32
MEDIA_SESSION_BYTES = 16
MEDIA_KEY_BYTES = 4 + 1 + BASE_BYTES

#: Generation (32), track (8) and step (4).
KID_BITS = 44
WINDOW = 512
MAX_STEP = 15
MAX_OBJECT = (1 << 32) - 1
#: Generations whose keys an opener holds at a time: the one in use, the one before and one announced.
GENERATIONS = 3


class UnknownKey(ProtocolError):
    """An object is sealed under a key that was not given to us: ask for it with NEED_KEYS."""

    def __init__(self, kid: int) -> None:
        super().__init__(f"key {kid:#x} is unknown")
        self.kid = kid


class OutdatedKey(UnknownKey):
    """An object is sealed under a key older than ours: it was made before we were admitted, and nobody will give us
    that key."""


class Replayed(ProtocolError):
    """An object was accepted before, or is too old to tell."""


@dataclass(frozen=True, slots=True)
class MediaKey:
    """A base key as it travels in GRANT and MEDIA_KEYS."""

    generation: int
    step: int
    base: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """37 bytes."""
        return self.generation.to_bytes(4, "big") + bytes((self.step,)) + self.base

    @staticmethod
    def from_bytes(data: bytes) -> MediaKey:
        """Raises RemoteProtocolError(SESSION_PROTOCOL) for anything but 37 bytes with a step of at most 15."""
        if len(data) != MEDIA_KEY_BYTES or data[4] > MAX_STEP:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "not a media key")
        return MediaKey(int.from_bytes(data[:4], "big"), data[4], data[5:])

    def ratchet(self) -> MediaKey:
        """The key of the next step: it can be computed forwards only.

        Raises LocalProtocolError behind the last step.
        """
        if self.step >= MAX_STEP:
            raise LocalProtocolError("a generation has 16 steps: draw a new one")
        return replace(self, step=self.step + 1, base=ratchet(self.base))

    def kid(self, track: int) -> int:
        """SFrame's key id for a track."""
        return self.generation << 12 | track << 4 | self.step


def ratchet(base: bytes) -> bytes:
    """RFC 9605, section 5.1."""
    return hkdf.expand(hkdf.extract(b"", base), b"SFrame 1.0 Ratchet", hkdf.HASH_BYTES)


def track_base(base: bytes, track: int) -> bytes:
    """SFrame's base key of one track."""
    return hkdf.expand(base, b"avl/1 track" + track.to_bytes(2, "big"), BASE_BYTES)


def key_and_salt(base: bytes, kid: int) -> tuple[bytes, bytes]:
    """RFC 9605, section 4.4.2: AES key (16 bytes) and nonce salt (12 bytes) of an SFrame base key."""
    secret = hkdf.extract(b"", base)
    suffix = kid.to_bytes(8, "big") + SUITE.to_bytes(2, "big")
    return (
        hkdf.expand(secret, b"SFrame 1.0 Secret key " + suffix, KEY_BYTES),
        hkdf.expand(secret, b"SFrame 1.0 Secret salt " + suffix, NONCE_BYTES),
    )


def encode_header(kid: int, counter: int) -> bytes:
    """SFrame's header (RFC 9605, section 4.3) in its shortest form."""
    kid_part, kid_bits = _header_field(kid)
    counter_part, counter_bits = _header_field(counter)
    return bytes((kid_bits << 4 | counter_bits,)) + kid_part + counter_part


def decode_header(data: bytes) -> tuple[int, int, int]:
    """(key id, counter, size of the header).

    Raises RemoteProtocolError(TAMPERED) when it is cut short or not the shortest.
    """
    if data:
        offset = 1
        values = []
        for bits in (data[0] >> 4, data[0] & 15):
            size = (bits & 7) + 1 if bits & 8 else 0
            values.append(int.from_bytes(data[offset : offset + size], "big") if size else bits)
            offset += size
        if offset <= len(data) and encode_header(values[0], values[1]) == data[:offset]:
            return values[0], values[1], offset
    raise RemoteProtocolError(CloseCode.TAMPERED, "not an SFrame header")


def _header_field(value: int) -> tuple[bytes, int]:
    if value < 8:
        return b"", value
    size = (value.bit_length() + 7) // 8
    return value.to_bytes(size, "big"), 8 | size - 1


def associated_data(header: bytes, media_session: bytes, track: int, number: int, flags: int, length: int) -> bytes:
    """The AAD of an object: `number` its place in the track, `length` that of its plaintext."""
    return b"".join(
        (
            header,
            b"avl/1 object",
            media_session,
            bytes((track,)),
            number.to_bytes(4, "big"),
            bytes((flags,)),
            length.to_bytes(4, "big"),
        )
    )


def signed_statement(associated: bytes, ciphertext: bytes) -> bytes:
    """What the session signer signs of an object."""
    digest = hashlib.sha256(associated)
    digest.update(ciphertext)
    return b"avl/1 signed object\0" + digest.digest()


class _TrackKey:
    """One AES key with its salt."""

    __slots__ = ("_aead", "_salt")

    def __init__(self, base: bytes, kid: int, track: int) -> None:
        key, salt = key_and_salt(track_base(base, track), kid)
        self._aead = AESGCM(key)
        self._salt = int.from_bytes(salt, "big")

    def _nonce(self, counter: int) -> bytes:
        return (self._salt ^ counter).to_bytes(NONCE_BYTES, "big")

    def seal(self, counter: int, plaintext: bytes, associated: bytes) -> bytes:
        return self._aead.encrypt(self._nonce(counter), plaintext, associated)

    def open(self, counter: int, ciphertext: bytes, associated: bytes) -> bytes:
        return self._aead.decrypt(self._nonce(counter), ciphertext, associated)


class ObjectSealer:
    """Seals the objects of one track. `sign` makes the session signer's 64-byte signatures."""

    def __init__(
        self,
        *,
        media_session: bytes,
        generation: int,
        step: int,
        base: bytes,
        track: int,
        sign: Callable[[bytes], bytes],
    ) -> None:
        self._media_session = media_session
        self._track = track
        self._sign = sign
        self._last = -1
        self.set_key(generation, step, base)

    def set_key(self, generation: int, step: int, base: bytes) -> None:
        """Switch to another key; object numbers go on."""
        self._kid = MediaKey(generation, step, base).kid(self._track)
        self._key = _TrackKey(base, self._kid, self._track)

    def seal(self, number: int, flags: int, plaintext: bytes) -> bytes:
        """The Sealed Object of object `number`.

        Raises LocalProtocolError unless numbers rise, stay below 2**32 and the result stays within MAX_OBJECT_SIZE.
        """
        if not self._last < number <= MAX_OBJECT:
            raise LocalProtocolError(f"object {number} of a track can't follow object {self._last}")
        header = encode_header(self._kid, number)
        if len(header) + len(plaintext) + TAG_BYTES + SIGNATURE_BYTES > MAX_OBJECT_SIZE:
            raise LocalProtocolError(f"an object of {len(plaintext)} bytes is too large")
        self._last = number
        associated = associated_data(header, self._media_session, self._track, number, flags, len(plaintext))
        ciphertext = self._key.seal(number, plaintext, associated)
        return b"".join((header, ciphertext, self._sign(signed_statement(associated, ciphertext))))


class ObjectOpener:
    """Opens the objects of all tracks of a media session; steps its keys forward by itself."""

    def __init__(self, media_session: bytes, signer_public: bytes) -> None:
        self._media_session = media_session
        self._signer = signer_public
        self._bases: dict[int, MediaKey] = {}
        self._keys: dict[int, _TrackKey] = {}
        self._windows: dict[tuple[int, int], ReplayWindow] = {}

    def add_key(self, generation: int, step: int, base: bytes) -> None:
        """Take a base key; all but the newest generations are forgotten with their keys."""
        known = self._bases.get(generation)
        if known is None or step < known.step:
            self._bases[generation] = MediaKey(generation, step, base)
        while len(self._bases) > GENERATIONS:
            oldest = min(self._bases)
            del self._bases[oldest]
            self._keys = {kid: key for kid, key in self._keys.items() if kid >> 12 != oldest}
            self._windows = {place: window for place, window in self._windows.items() if place[0] != oldest}

    def open(self, track: int, number: int, flags: int, sealed: bytes) -> bytes:
        """The plaintext of object `number`, whose place and flags the datagrams' headers told.

        Raises UnknownKey, OutdatedKey, Replayed, or RemoteProtocolError(TAMPERED) when signature, header or seal are
        wrong.
        """
        kid, counter, offset = decode_header(sealed)
        end = len(sealed) - SIGNATURE_BYTES
        if kid >> KID_BITS or counter != number or kid >> 4 & 0xFF != track or end - offset < TAG_BYTES:
            raise RemoteProtocolError(CloseCode.TAMPERED, "an object is not what its datagrams say")
        place = (kid >> 12, track)
        window = self._windows.get(place)
        if window is not None and not window.fresh(number):
            raise Replayed(f"object {number} of track {track} came twice or too late")
        if kid not in self._keys and not self._reachable(kid):
            raise OutdatedKey(kid) if self._bases and kid >> 12 <= max(self._bases) else UnknownKey(kid)
        associated = associated_data(
            sealed[:offset], self._media_session, track, number, flags, end - offset - TAG_BYTES
        )
        ciphertext = sealed[offset:end]
        if not verify(self._signer, sealed[end:], signed_statement(associated, ciphertext)):
            raise RemoteProtocolError(CloseCode.TAMPERED, "an object is not signed by the session's signer")
        key = self._keys.get(kid) or self._derive(kid, track)
        try:
            plaintext = key.open(number, ciphertext, associated)
        except InvalidTag:
            raise RemoteProtocolError(CloseCode.TAMPERED, "an object does not open") from None
        self._keys[kid] = key
        self._windows.setdefault(place, ReplayWindow(WINDOW)).accept(number)
        return plaintext

    def _reachable(self, kid: int) -> bool:
        base = self._bases.get(kid >> 12)
        return base is not None and base.step <= kid & 15

    def _derive(self, kid: int, track: int) -> _TrackKey:
        base = self._bases[kid >> 12]
        while base.step < kid & 15:
            base = base.ratchet()
        return _TrackKey(base.base, kid, track)
