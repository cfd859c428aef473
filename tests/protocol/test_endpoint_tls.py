"""Certificates of the transport: what browsers accept by hash, and how one follows another."""

from __future__ import annotations

import datetime
import hashlib
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from avl_protocol.endpoint.tls import DAY, LONGEST_PAUSE, CertificateRoll, TlsServer, load, self_signed

NOW = 1_900_000_000.0


def made(now: float = NOW) -> TlsServer:
    return self_signed(["relay.test", "127.0.0.1", "::1"], now=now, entropy=os.urandom)


def test_a_certificate_is_what_a_browser_accepts_by_hash() -> None:
    tls = made()
    certificate = tls.certificate
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == datetime.timedelta(days=13)
    assert certificate.not_valid_before_utc.timestamp() < NOW
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["relay.test"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert tls.sha256 == hashlib.sha256(tls.der).digest()
    assert made().sha256 != tls.sha256


def test_a_simulated_certificate_signs_in_one_length() -> None:
    tls = self_signed(["relay.test"], now=NOW, entropy=os.urandom, deterministic_size=True)
    assert isinstance(tls.key, ed25519.Ed25519PrivateKey)


def test_the_next_certificate_is_known_before_it_is_used_and_valid_while_it_is() -> None:
    roll = CertificateRoll(made, NOW)
    now = NOW
    for _ in range(40):
        shown = {roll.current.sha256, roll.next.sha256}
        for tls in (roll.current,):
            assert tls.certificate.not_valid_before_utc.timestamp() <= now
            assert tls.certificate.not_valid_after_utc.timestamp() > now + DAY
        now += DAY
        before = roll.current.sha256
        changed = roll.advance(now)
        assert changed == (roll.current.sha256 != before)
        assert roll.current.sha256 in shown, "a page that was fetched yesterday still knows the hash"


def test_a_machine_that_slept_gets_a_fresh_certificate() -> None:
    roll = CertificateRoll(made, NOW)
    assert roll.advance(NOW + 60 * DAY)
    assert roll.current.certificate.not_valid_after_utc.timestamp() > NOW + 71 * DAY
    assert not roll.advance(NOW + 61 * DAY)


def test_a_machine_that_slept_presents_no_certificate_that_is_over_for_longer_than_minutes() -> None:
    roll = CertificateRoll(made, NOW)
    assert roll.pause(NOW) == LONGEST_PAUSE <= 600
    assert roll.pause(roll.renew_at - 100) == 100 and roll.pause(roll.renew_at + 5) == 60


def test_a_pem_chain_and_key_are_loaded_and_damage_is_said(tmp_path: Path) -> None:
    leaf, issuer = made(), made()
    key = leaf.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(tls.certificate.public_bytes(serialization.Encoding.PEM) for tls in (leaf, issuer)))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    loaded = load(chain, secret)
    assert loaded.der == leaf.der
    assert loaded.chain == (issuer.certificate,)
    secret.write_text("nonsense")
    with pytest.raises(ValueError):
        load(chain, secret)
    with pytest.raises(OSError):
        load(tmp_path / "missing.pem", secret)
