"""Certificates of the transport: short-lived ones made here, ones loaded from files, and whom a client trusts.

A browser accepts a self-signed certificate by its hash only if it is ECDSA P-256 and valid for at most 14 days (W3C
WebTransport, serverCertificateHashes), and only with a subject alternative name. Identity is proved above, by an
endorsement of the certificate, so that pins outlive certificates.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aioquic.quic.configuration import QuicConfiguration
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

DAY = 86400.0
LIFETIME = 13 * DAY
RENEW_AFTER = 10 * DAY
#: Seconds after which it is looked at again whether a certificate is still the right one.
LONGEST_PAUSE = 600.0
#: A certificate is valid from a little earlier, for clients whose clock is behind.
BACKDATE = 3600.0

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class TlsServer:
    """A certificate, what signs it up to a root, and its key."""

    certificate: x509.Certificate
    key: object
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate as it travels."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def sha256(self) -> bytes:
        """What a page passes as serverCertificateHashes and an identity endorses."""
        return hashlib.sha256(self.der).digest()

    def apply(self, configuration: QuicConfiguration) -> None:
        """Let connections of a configuration present this certificate."""
        configuration.certificate = self.certificate
        configuration.certificate_chain = list(self.chain)
        configuration.private_key = self.key


@dataclass(frozen=True, slots=True)
class TrustPinned:
    """Accept any certificate in TLS: the relay's identity must endorse it before anything else is sent."""

    def apply(self, configuration: QuicConfiguration) -> None:
        """Turn off the public verification."""
        configuration.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True, slots=True)
class TrustPublic:
    """Verify against public authorities, or those of a PEM file, for this name."""

    name: str
    authorities: str | None = None

    def apply(self, configuration: QuicConfiguration) -> None:
        """Require a valid chain and name."""
        configuration.verify_mode = ssl.CERT_REQUIRED
        configuration.server_name = self.name
        configuration.cafile = self.authorities


@dataclass(frozen=True, slots=True)
class TrustLater:
    """Accept any certificate in TLS; the caller decides later, when it knows the name that was claimed
    (`trusted_for`)."""

    name: str

    def apply(self, configuration: QuicConfiguration) -> None:
        """Turn off the verification, and ask for this name."""
        configuration.verify_mode = ssl.CERT_NONE
        configuration.server_name = self.name


Trust = TrustPinned | TrustPublic | TrustLater


def self_signed(
    names: Sequence[str],
    *,
    now: float,
    entropy: Callable[[int], bytes],
    deterministic_size: bool = False,
    lifetime: float = LIFETIME,
    key: PrivateKey | None = None,
) -> TlsServer:
    """A certificate for host names and IP literals, valid from `now` (unix seconds).

    `deterministic_size` makes it Ed25519, whose signatures all have one length: what a simulation needs, and what no
    browser takes. With a `key` of P-256 and the same bytes of `entropy` the same certificate is made again.
    """
    again = key is not None
    if key is None:
        key = ed25519.Ed25519PrivateKey.generate() if deterministic_size else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    start = datetime.datetime.fromtimestamp(now - BACKDATE, datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number((int.from_bytes(entropy(16), "big") >> 1) | 1 << 126)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(seconds=lifetime))
        .add_extension(x509.SubjectAlternativeName([_alternative(entry) for entry in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    signed = builder.sign(
        key, None if deterministic_size else hashes.SHA256(), ecdsa_deterministic=True if again else None
    )
    return TlsServer(signed, key)


def load(certificate: Path, key: Path) -> TlsServer:
    """A PEM chain, leaf first, and its PEM key. Raises OSError for a file, ValueError for its content."""
    chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    return TlsServer(chain[0], serialization.load_pem_private_key(key.read_bytes(), password=None), tuple(chain[1:]))


def server_context(tls: TlsServer, entropy: Callable[[int], bytes]) -> ssl.SSLContext:
    """The same certificate for TLS on TCP. The ssl module reads files only: the key is in one for a moment, sealed."""
    assert isinstance(tls.key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
    password = entropy(32).hex().encode()
    key = tls.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(password)
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (tls.certificate, *tls.chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # sessions are not resumed
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chain.pem"
        file.write_bytes(chain + key)
        context.load_cert_chain(file, password=password)
    return context


def client_context(trust: Trust) -> ssl.SSLContext:
    """The same trust for TLS on TCP."""
    if isinstance(trust, TrustPublic):
        context = ssl.create_default_context(cafile=trust.authorities)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    return context


class CertificateRoll:
    """The certificate in use and the one after it, both valid already: a page fetched now works after the change.

    `make` returns a certificate valid from the unix time it is given.
    """

    def __init__(self, make: Callable[[float], TlsServer], now: float) -> None:
        self._make = make
        self._renew_at = now + RENEW_AFTER
        self.current = make(now)
        self.next = make(now + RENEW_AFTER - DAY)

    @property
    def renew_at(self) -> float:
        """When `advance` will change the certificate, in unix seconds."""
        return self._renew_at

    def pause(self, now: float) -> float:
        """Seconds until `advance` is to be called again. Timers stand still while a machine sleeps, and a certificate
        that is over is refused (R-SEC-87): so never long."""
        return min(max(60.0, self._renew_at - now), LONGEST_PAUSE)

    def advance(self, now: float) -> bool:
        """Move on if it is time; True when `current` changed."""
        if now < self._renew_at:
            return False
        if now > self._renew_at + RENEW_AFTER - DAY:
            self.current = self._make(now)  # the machine slept for too long
        else:
            self.current = self.next
        self._renew_at = now + RENEW_AFTER - DAY
        self.next = self._make(self._renew_at - DAY)
        return True


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
