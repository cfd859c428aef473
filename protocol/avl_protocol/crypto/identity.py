"""The identity of a device or relay: one Ed25519 key, what it is called, and what it vouches for (spec 06-security,
6.1).

Every statement that an identity signs begins with its own label and a zero byte, so that no signature can serve as
another.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from avl_protocol.crypto.lv import lv
from avl_protocol.wire import device_id, packing
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

SEED_BYTES = 32
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64

#: Clocks of desktops err: validity is checked with this tolerance, in seconds (R-SEC-7).
CLOCK_TOLERANCE = 86_400
#: Seconds for which an endorsement of a static key may be valid (R-SEC-85).
LONGEST_STATIC = 86_400

STATIC_HOST = b"avl/1 static host"
STATIC_VIEWER = b"avl/1 static viewer"
RELAY_CERTIFICATE = b"avl/1 relay certificate"
HOST_CERTIFICATE = b"avl/1 host certificate"


class Identity:
    """An Ed25519 key pair (RFC 8032) made from its 32-byte seed; the seed's storage is the program's business."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """The 64-byte signature of `data`."""
        return self._key.sign(data)

    @property
    def number(self) -> int:
        """The 130-bit device number."""
        return device_number(self.public)

    @property
    def device_id(self) -> str:
        """The device ID as people read it."""
        return device_id.to_text(self.number)

    @property
    def pin(self) -> bytes:
        """What a client remembers of a relay: 32 bytes."""
        return pin(self.public)


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether `signature` of `data` was made by the owner of `public`; False too for keys and signatures of wrong
    size.
    """
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def device_number(public: bytes) -> int:
    """The device number of a public key: the first 130 bits of a labelled hash."""
    digest = hashlib.sha256(b"avl/1 device id\0" + public).digest()
    return int.from_bytes(digest, "big") >> (256 - 130)


def pin(public: bytes) -> bytes:
    """The pin of a relay's public key: its SHA-256."""
    return hashlib.sha256(public).digest()


# -- a relay, or a host that is reached directly, vouches for its certificate -----------------------------------------


def endorse_certificate(identity: Identity, certificate: bytes, label: bytes = RELAY_CERTIFICATE) -> bytes:
    """The signature over a transport certificate (DER), for WELCOME. `label`: RELAY_CERTIFICATE or HOST_CERTIFICATE."""
    return identity.sign(_certificate_statement(certificate, label))


def check_relay(
    pinned: bytes, public: bytes, endorsement: bytes, certificate: bytes, label: bytes = RELAY_CERTIFICATE
) -> None:
    """R-SEC-2: WELCOME's identity is the pinned one and vouches for the certificate (DER) just seen. Raises Refused."""
    if not hmac.compare_digest(pin(public), pinned):
        raise Refused(CloseCode.WRONG_RELAY)
    if not verify(public, endorsement, _certificate_statement(certificate, label)):
        raise Refused(CloseCode.WRONG_RELAY)


def check_certificate_time(certificate: bytes, wall: float) -> None:
    """R-SEC-87: a certificate (DER) is valid at `wall` (Unix seconds), give or take CLOCK_TOLERANCE.

    Raises Refused (CLOCK, or WRONG_RELAY when it is no certificate).
    """
    try:
        read = x509.load_der_x509_certificate(certificate)
        begins, ends = read.not_valid_before_utc.timestamp(), read.not_valid_after_utc.timestamp()
    except ValueError:
        raise Refused(CloseCode.WRONG_RELAY) from None
    if valid_at(int(begins), int(ends), int(wall)):
        return
    when = f"begins to be valid in {_days(begins - wall)}" if wall < begins else f"ended {_days(wall - ends)} ago"
    raise Refused(
        CloseCode.CLOCK,
        f"By this machine's clock the other side's certificate {when}. "
        "Set the clock that is wrong; if both are right, do not continue.",
    )


def _certificate_statement(certificate: bytes, label: bytes) -> bytes:
    return label + b"\0" + hashlib.sha256(certificate).digest()


# -- a device registers -----------------------------------------------------------------------------------------------


def device_record(not_before: int, not_after: int, software: str) -> bytes:
    """The record a device signs: validity in Unix seconds and the name of its software."""
    return packing.pack({0: not_before, 1: not_after, 2: software})


def sign_record(identity: Identity, record: bytes) -> bytes:
    """The device's signature over its record."""
    return identity.sign(b"avl/1 device record\0" + record)


def prove_registration(identity: Identity, nonce: bytes, certificate: bytes, relay_name: str, record: bytes) -> bytes:
    """The proof that this device registers here and now: bound to the relay's nonce, certificate (DER) and name."""
    return identity.sign(_registration_statement(nonce, certificate, relay_name, record))


def check_registration(
    public: bytes,
    record: bytes,
    signature: bytes,
    proof: bytes,
    nonce: bytes,
    certificate: bytes,
    relay_name: str,
    wall: int,
) -> int:
    """R-SEC-4: the device number of a registration that holds at `wall` (Unix seconds).

    Raises RemoteProtocolError otherwise: CLOCK where the time alone is wrong, else BAD_RECORD.
    """
    body = packing.unpack(record, CloseCode.BAD_RECORD)
    if not isinstance(body, dict) or type(body.get(0)) is not int or type(body.get(1)) is not int:
        raise RemoteProtocolError(CloseCode.BAD_RECORD, "the device record lacks its validity")
    if not verify(public, signature, b"avl/1 device record\0" + record):
        raise RemoteProtocolError(CloseCode.BAD_RECORD, "the device record is not signed by the identity")
    if not verify(public, proof, _registration_statement(nonce, certificate, relay_name, record)):
        raise RemoteProtocolError(CloseCode.BAD_RECORD, "the proof is not for this relay, certificate and nonce")
    if not valid_at(body[0], body[1], wall):
        raise RemoteProtocolError(CloseCode.CLOCK, "the device record is not valid now: check the clock")
    return device_number(public)


def _registration_statement(nonce: bytes, certificate: bytes, relay_name: str, record: bytes) -> bytes:
    return b"".join(
        (
            b"avl/1 register\0",
            nonce,
            hashlib.sha256(certificate).digest(),
            lv(relay_name.encode()),
            hashlib.sha256(record).digest(),
        )
    )


# -- a device vouches for the keys of one session ---------------------------------------------------------------------


def endorse_static(identity: Identity, label: bytes, static: bytes, not_before: int, not_after: int) -> bytes:
    """The signature over a Noise static public key; `label` is STATIC_HOST or STATIC_VIEWER, times are Unix seconds."""
    return identity.sign(_static_statement(label, static, not_before, not_after))


def vouches_static(
    public: bytes, signature: bytes, label: bytes, static: bytes, not_before: int, not_after: int
) -> bool:
    """Whether the identity vouches for the Noise static key at some time, and for no longer than it may (R-SEC-85)."""
    if not 0 <= not_before <= not_after < 1 << 64 or not_after - not_before > LONGEST_STATIC:
        return False
    return verify(public, signature, _static_statement(label, static, not_before, not_after))


def check_static(
    public: bytes, signature: bytes, label: bytes, static: bytes, not_before: int, not_after: int, wall: int
) -> bool:
    """Whether the identity vouches for the Noise static key at `wall` (Unix seconds)."""
    vouches = vouches_static(public, signature, label, static, not_before, not_after)
    return vouches and valid_at(not_before, not_after, wall)


def clocks_differ(theirs: float, ours: float, whose: str) -> Refused:
    """R-SEC-84: what is said where only the time is wrong. Both in Unix seconds; `whose` names the other side."""
    way = "behind" if ours < theirs else "ahead of"
    return Refused(
        CloseCode.CLOCK,
        f"The clocks differ by {_days(abs(theirs - ours))}: this machine's is {way} the {whose}'s. "
        "Set the one that is wrong; if both are right, do not continue.",
    )


def _days(seconds: float) -> str:
    days = max(1, round(seconds / 86_400))
    return f"{days} day{'s' if days > 1 else ''}"


def _static_statement(label: bytes, static: bytes, not_before: int, not_after: int) -> bytes:
    return label + b"\0" + static + not_before.to_bytes(8, "big") + not_after.to_bytes(8, "big")


def endorse_signer(identity: Identity, media_session: bytes, signer: bytes) -> bytes:
    """The host's signature over the public key that signs this session's media objects (6.4)."""
    return identity.sign(_signer_statement(media_session, signer))


def check_signer(public: bytes, endorsement: bytes, media_session: bytes, signer: bytes) -> bool:
    """Whether the host vouches for the session's signer."""
    return verify(public, endorsement, _signer_statement(media_session, signer))


def _signer_statement(media_session: bytes, signer: bytes) -> bytes:
    return b"avl/1 signer\0" + media_session + signer


def valid_at(not_before: int, not_after: int, wall: int) -> bool:
    """Whether `wall` lies in the interval, give or take CLOCK_TOLERANCE; all in Unix seconds."""
    return not_before - CLOCK_TOLERANCE <= wall <= not_after + CLOCK_TOLERANCE
