"""What workers agree on without asking: certificates and tags, from one secret."""

from __future__ import annotations

from avl_protocol.endpoint.tls import DAY, RENEW_AFTER, CertificateRoll, TlsServer, self_signed
from avl_relay.workers.worker import certificate_key, derived

SECRET, BEGUN = b"s" * 32, 1_780_000_000.25


def made(secret: bytes, begins: float) -> TlsServer:
    """A certificate as a worker makes it."""
    key, drawn = certificate_key(secret, begins)
    return self_signed(["relay.test", "127.0.0.1"], now=begins, entropy=drawn, key=key)


def test_the_same_secret_and_time_make_the_same_certificate_and_others_another() -> None:
    first = made(SECRET, BEGUN)
    assert made(SECRET, BEGUN).der == first.der
    others = {made(SECRET, BEGUN + 1).der, made(b"t" * 32, BEGUN).der}
    assert len(others | {first.der}) == 3
    assert made(SECRET, BEGUN + 1).certificate.serial_number != first.certificate.serial_number


def test_purposes_share_no_bytes() -> None:
    assert derived(SECRET, "a", 64) != derived(SECRET, "b", 64)
    assert derived(SECRET, "a", 16) == derived(SECRET, "a", 64)[:16]


def test_who_begins_late_arrives_at_the_certificates_of_who_was_there_all_along() -> None:
    def roll() -> CertificateRoll:
        return CertificateRoll(lambda begins: made(SECRET, begins), BEGUN)

    def step(one: CertificateRoll, wall: float) -> None:
        while one.renew_at <= wall:
            one.advance(one.renew_at)

    always, asleep, late = roll(), roll(), roll()
    for day in range(60):
        step(always, BEGUN + day * DAY)
        if not 20 < day < 50:  # a machine that sleeps for a month
            step(asleep, BEGUN + day * DAY)
    step(late, BEGUN + 59 * DAY)
    assert always.current.der == asleep.current.der == late.current.der != roll().current.der
    assert always.next.der == late.next.der
    now = always.current.certificate
    wall = BEGUN + 59 * DAY
    assert now.not_valid_before_utc.timestamp() < wall < now.not_valid_after_utc.timestamp() - DAY
    assert RENEW_AFTER > DAY
