"""Who somebody is: passwords, second factors, sessions, tokens. Nothing here has a network or a database."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.jws import digest as sha256
from avl_protocol.rights.jws import sign, thumbprint
from avl_relay.people import deviceflow, opaque, passwords, recovery, refresh, sessions, totp
from avl_relay.people.accesstokens import HOLDS, AccessTokens
from avl_relay.people.delay import CODE, PASSWORD, Schedule, Tries
from avl_relay.people.deviceflow import Answer, Authorization, Kind, State
from avl_relay.people.holderkeys import BadProof, Holder, HolderProof, read_proof
from avl_relay.people.keys import account_keys
from avl_relay.people.refresh import RefreshToken, Verdict
from avl_relay.people.sealing import Sealed
from avl_relay.people.sessions import WebSession
from avl_relay.people.sources import SourceLimits
from avl_relay.people.stages import TRUSTED, Proof, Stage, Standing, stage, ways

NOW = 1_800_000_000.0


def drawn(seed: int = 1) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


# ---------------------------------------------------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "Password123!",
        "P4ssw0rd2026!",
        "qwertyuiop123",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "123456789012",
        "Summer2026!!",
        "letmeinletmein",
        "mallory-mallory",
        "x" * 257,
    ],
)
def test_a_password_that_would_be_guessed_is_refused_with_what_to_do(password: str) -> None:
    with pytest.raises(passwords.WeakPassword, match=r"words"):
        passwords.check_strength(password, "mallory")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "vK3&mz!Qp0we", "Grünspan trägt Zwiebeln", "k" + "ab3xY9wq8LmN"]
)
def test_a_password_of_several_words_or_of_chance_will_do(password: str) -> None:
    passwords.check_strength(password, "mallory")


@given(st.text(max_size=300))
def test_any_text_has_a_price(password: str) -> None:
    assert passwords.bits(passwords.normalised(password), "somebody") >= 0


async def test_passwords_are_kept_as_argon2id_and_compared_whatever_keyboard_they_came_from() -> None:
    hashing = passwords.Argon2Hashing(drawn())
    kept = await hashing.hash("Grünspan trägt Zwiebeln")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != await hashing.hash("Grünspan trägt Zwiebeln")
    assert await hashing.matches(kept, "Gru\u0308nspan tra\u0308gt Zwiebeln")
    assert not await hashing.matches(kept, "Grünspan trägt Zwiebel")
    assert not await hashing.matches("not a hash", "Grünspan trägt Zwiebeln")
    assert not await hashing.matches(None, "nobody has this password")
    assert not hashing.outdated(kept) and hashing.outdated("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA")
    hashing.close()


async def test_more_passwords_than_may_wait_are_told_to_come_back() -> None:
    hashing = passwords.Argon2Hashing(drawn(), threads=1, waiting=2)
    asked = [asyncio.ensure_future(hashing.hash(f"password number {number}")) for number in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(answer, passwords.Busy) for answer in answers] == [False, False, False, True, True]
    assert hashing.under_way == 0
    hashing.close()


# -------------------------------------------------------------------------------------------------------------- tries


def answered(schedule: Schedule, seconds: int, every: float) -> list[float]:
    """When tries are answered of somebody who tries all the time."""
    tries, at, times = Tries(), NOW, []
    while at < NOW + seconds:
        if not schedule.wait(tries, at):
            tries = schedule.after(tries, at)
            times.append(at - NOW)
        at += every
    return times


def test_ten_thousand_guesses_in_an_hour_get_ten_answers() -> None:
    assert len(answered(PASSWORD, 3600, 0.36)) <= 10
    later = [time for time in answered(PASSWORD, 7200, 0.36) if time >= 3600]
    assert len(later) <= 4


def test_a_code_is_guessed_at_three_times_while_it_holds() -> None:
    times = answered(CODE, 86_400, 1.0)
    assert max(sum(begin <= time < begin + 90 for time in times) for begin in times) == 3


def test_nobody_is_locked_out_for_good() -> None:
    tries = Tries()
    for _ in range(100_000):
        tries = PASSWORD.after(tries, NOW)
    assert PASSWORD.wait(tries, NOW) == PASSWORD.most
    assert PASSWORD.wait(tries, NOW + PASSWORD.most) == 0
    assert PASSWORD.after(tries, tries.until + PASSWORD.forgotten).failures == 1


def test_a_source_its_network_and_all_together_are_bounded() -> None:
    limits = SourceLimits()
    assert sum(limits.takes("192.0.2.1", 0.0) for _ in range(1000)) == 30
    assert limits.takes("192.0.2.2", 0.0)
    one_network = SourceLimits()
    assert sum(one_network.takes(f"198.51.100.{n % 256}", 0.0) for n in range(1000)) == 200
    assert one_network.takes("203.0.113.1", 0.0)
    one_subnet = SourceLimits()
    assert sum(one_subnet.takes(f"2001:db8::{n:x}", 0.0) for n in range(100)) == 30
    everybody = SourceLimits()
    assert sum(everybody.takes(f"10.{n % 250}.{n // 250}.1", 0.0) for n in range(2000)) == 500


# ----------------------------------------------------------------------------------------------------- second factors


def test_a_code_is_taken_once_and_within_a_step() -> None:
    secret = totp.new_secret(drawn())
    app = pyotp.TOTP(secret)
    code = app.at(int(NOW))
    step = totp.taken(secret, code, 0, NOW)
    assert step == int(NOW) // 30
    assert totp.taken(secret, code, step, NOW) is None  # used before
    assert totp.taken(secret, f"{code[:3]} {code[3:]}", 0, NOW + 30) == step
    assert totp.taken(secret, code, 0, NOW - 30) == step
    assert totp.taken(secret, code, 0, NOW + 61) is None and totp.taken(secret, code, 0, NOW - 61) is None
    assert totp.taken(secret, app.at(int(NOW) + 30), step, NOW) == step + 1
    assert totp.taken(secret, app.at(int(NOW) - 30), step, NOW) is None  # older than the one taken


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abcdef", "-12345", "0x1234"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert totp.taken(totp.new_secret(drawn()), code, 0, NOW) is None


def test_an_app_reads_the_address_of_a_secret() -> None:
    secret = totp.new_secret(drawn())
    read = pyotp.parse_uri(totp.address(secret, "ada@example.org", "avl relay"))
    assert isinstance(read, pyotp.TOTP) and read.secret == secret and read.issuer == "avl relay"


def test_recovery_codes_are_found_however_they_are_typed() -> None:
    codes = recovery.new_codes(drawn())
    assert len(set(codes)) == 10 and all(len(code.replace("-", "")) == 16 for code in codes)
    kept = recovery.kept(codes)
    assert opaque.digest_of_code(codes[3].lower().replace("-", " ")) == kept[3]
    assert opaque.digest_of_code("0000-0000-0000-0000") not in kept


def test_a_sealed_secret_opens_for_its_own_row_and_key_alone() -> None:
    seal = Sealed(bytes(32), drawn())
    sealed = seal.seal(b"secret", "factor 1")
    assert seal.open(sealed, "factor 1") == b"secret"
    for other, about in ((seal, "factor 2"), (Sealed(b"\1" * 32, drawn()), "factor 1")):
        with pytest.raises(ValueError):
            other.open(sealed, about)


def test_the_keys_of_accounts_stay_with_the_state_folder(tmp_path: Path) -> None:
    keys = account_keys(StateFolder(tmp_path / "one"), drawn(1))
    assert keys == account_keys(StateFolder(tmp_path / "one"), drawn(2))
    assert len({keys.signing, keys.sealing, keys.hiding}) == 3
    assert keys != account_keys(StateFolder(tmp_path / "two"), drawn(2))


# -------------------------------------------------------------------------------------------------------------- stages


FACTORS = (Proof.TOTP, Proof.PASSKEY, Proof.RECOVERY)


def standings() -> Iterator[Standing]:
    """Every person on every device."""
    for factors in subsets(FACTORS):
        for known, others, demanded in itertools.product((False, True), repeat=3):
            yield Standing(factors=factors, device_known=known, devices_known=others or known, demanded=demanded)


def subsets(items: tuple[Proof, ...]) -> list[frozenset[Proof]]:
    return [frozenset(part) for size in range(len(items) + 1) for part in itertools.combinations(items, size)]


def test_a_sign_in_is_whole_only_with_all_that_is_demanded() -> None:
    """Every person x device x set of proofs."""
    for standing in standings():
        for proved in subsets(tuple(Proof)):
            reached = stage(standing, proved)
            second = bool(proved & {Proof.TOTP, Proof.PASSKEY, Proof.RECOVERY})
            has = bool(standing.factors & {Proof.TOTP, Proof.PASSKEY})
            vouched = standing.device_known or not standing.devices_known or bool(proved & TRUSTED)
            if reached is Stage.FULL:
                assert second or not has
                assert has or not standing.demanded
                assert vouched
            if reached is Stage.ENROL:
                assert vouched
            assert reached is Stage.FULL or ways(standing, reached)


def test_each_proof_only_leads_on() -> None:
    order = (Stage.FACTOR, Stage.APPROVAL, Stage.ENROL, Stage.FULL)
    for standing in standings():
        for proved, more in itertools.product(subsets(tuple(Proof)), Proof):
            assert order.index(stage(standing, proved | {more})) >= order.index(stage(standing, proved))


# ------------------------------------------------------------------------------------------------------------ sessions


def session(**changed: object) -> WebSession:
    made = WebSession(id="i", hash="h", person="p", stage=Stage.FULL, created=int(NOW), seen=int(NOW))
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_session_ends_after_a_pause_and_after_half_a_day() -> None:
    assert not session().over(NOW + 1799) and session().over(NOW + 1800)
    used = session(seen=int(NOW) + 12 * 3600 - 1)
    assert not used.over(NOW + 12 * 3600 - 1) and used.over(NOW + 12 * 3600)
    assert session(stage=Stage.FACTOR).over(NOW + 600)


def test_a_clock_that_jumps_back_ends_a_session_rather_than_prolonging_it() -> None:
    assert session().over(NOW - 3601)


def test_dangerous_acts_want_a_second_factor_of_the_last_minutes() -> None:
    assert not session(proved=int(NOW)).fresh(NOW)
    assert session(strong=int(NOW)).fresh(NOW + 299) and not session(strong=int(NOW)).fresh(NOW + 300)


def test_the_csrf_token_is_of_one_cookie() -> None:
    token = sessions.csrf_token("cookie")
    assert sessions.csrf_holds("cookie", token)
    assert not sessions.csrf_holds("another", token) and not sessions.csrf_holds("cookie", "")
    assert token != opaque.digest("cookie")


# -------------------------------------------------------------------------------------------------- tokens of programs


def test_an_access_token_says_who_and_which_key_for_five_minutes() -> None:
    tokens = AccessTokens(bytes(32), "pin")
    token, holds = tokens.issue(person="p", family="f", thumbprint="t", strong=7, now=NOW)
    assert holds == HOLDS == 300
    read = tokens.read(token, NOW + 299)
    assert read is not None and (read.person, read.family, read.thumbprint, read.strong) == ("p", "f", "t", 7)
    assert tokens.read(token, NOW + 300) is None
    assert AccessTokens(b"\1" * 32, "pin").read(token, NOW) is None
    assert AccessTokens(bytes(32), "another pin").read(token, NOW) is None
    assert (
        tokens.read(token[:-2], NOW) is None and tokens.read("", NOW) is None and tokens.read("a" * 3000, NOW) is None
    )


def test_an_access_token_of_another_algorithm_or_kind_is_none() -> None:
    tokens = AccessTokens(bytes(32), "pin")
    claims = {
        "iss": "pin",
        "aud": "pin",
        "sub": "p",
        "fam": "f",
        "mfa": 0,
        "iat": NOW,
        "exp": NOW + 99,
        "cnf": {"jkt": "t"},
    }
    symmetric = jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, OctKey.import_key(b"x" * 32))
    assert tokens.read(symmetric, NOW) is None
    none = opaque.text(b'{"alg":"none","typ":"at+jwt"}') + "." + opaque.text(b"{}") + "."
    assert tokens.read(none, NOW) is None
    public = opaque.text(Identity(bytes(32)).public)
    own = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": opaque.text(bytes(32)), "x": public})
    statement = jwt.encode({"alg": "Ed25519", "typ": "avl-grant+jwt"}, claims, own, algorithms=["Ed25519"])
    assert tokens.read(statement, NOW) is None


OWN = Identity(b"k" * 32)


def proof(by: Identity = OWN, token: str = "t", **changed: object) -> str:
    said = {"htm": "GET", "htu": "/api/v1/me", "iat": int(NOW), "jti": "12345678", "ath": sha256(token), **changed}
    return sign(by, "avl-proof+jwt", said, with_key=True)


def test_a_proof_is_for_one_request_of_one_minute() -> None:
    def held(shown: str) -> HolderProof:
        return read_proof(shown, method="GET", path="/api/v1/me", token="t", now=NOW)

    shown = held(proof())
    assert shown.holder == Holder(OWN.public, thumbprint(OWN.public))
    assert shown.ends == int(NOW) + 61 and shown.name == held(proof()).name
    for wrong in (
        {"htm": "POST"},
        {"htu": "/api/v1/people"},
        {"token": "other"},
        {"ath": 5},
        {"iat": int(NOW) - 61},
        {"iat": int(NOW) + 61},
        {"iat": True},
        {"jti": "short"},
        {"jti": "x" * 65},
        {"jti": None},
    ):
        with pytest.raises(BadProof):
            held(proof(**wrong))
    other = Identity(b"o" * 32)
    names = {shown.name, held(proof(jti="another one")).name, held(proof(other)).name}
    assert len(names) == 3, "proofs are told apart by their key and jti"


def test_a_proof_by_another_key_than_it_names_is_none() -> None:
    head, _, signature = proof(Identity(b"x" * 32)).split(".")
    for forged in (
        f"{proof().split('.')[0]}.{proof().split('.')[1]}.{signature}",
        f"{head}.{proof().split('.')[1]}.{proof().split('.')[2]}",
        sign(OWN, "avl-proof+jwt", {"htm": "GET"}),
        sign(OWN, "avl-grant+jwt", {"htm": "GET"}, with_key=True),
    ):
        with pytest.raises(BadProof):
            read_proof(forged, method="GET", path="/api/v1/me", token="t", now=NOW)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=100).map(lambda b: f"{opaque.text(b)}.{opaque.text(b)}.x")))
def test_any_text_as_a_proof_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(BadProof):
        read_proof(text, method="GET", path="/", now=NOW)


def token(**changed: object) -> RefreshToken:
    made = RefreshToken(
        hash="h", family="f", person="p", thumbprint="t", begun=int(NOW), expires=refresh.expiry(int(NOW), NOW)
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_refresh_token_turns_once_and_ends_its_family_the_second_time() -> None:
    assert refresh.verdict(token(), "t", NOW) is Verdict.TURN
    assert refresh.verdict(token(used=1), "t", NOW) is Verdict.END_FAMILY
    assert refresh.verdict(token(used=1), "another", NOW) is Verdict.REFUSE
    assert refresh.verdict(token(revoked=1), "t", NOW) is Verdict.REFUSE
    assert refresh.verdict(token(), "another", NOW) is Verdict.REFUSE
    assert refresh.verdict(token(), "t", NOW + refresh.IDLE) is Verdict.REFUSE
    late = NOW + refresh.ABSOLUTE - 10
    assert refresh.expiry(int(NOW), late) == int(NOW) + refresh.ABSOLUTE


# --------------------------------------------------------------------------------------------------------- device flow


def asked(**changed: object) -> Authorization:
    made = Authorization(
        device_code_hash="h",
        user_code="BCDF-GHJK",
        kind=Kind.PROGRAM,
        thumbprint="t",
        device="",
        name="",
        system="",
        software="",
        state=State.PENDING,
        person="",
        token="",
        interval=5,
        strong=0,
        polled=0,
        created=int(NOW),
        expires=int(NOW) + 600,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def test_who_waits_for_approval_is_told_how_it_stands() -> None:
    assert deviceflow.answer(asked(), "t", NOW) == (Answer.PENDING, 5)
    assert deviceflow.answer(asked(polled=int(NOW)), "t", NOW + 4) == (Answer.SLOW_DOWN, 10)
    assert deviceflow.answer(asked(polled=int(NOW)), "t", NOW + 5) == (Answer.PENDING, 5)
    assert deviceflow.answer(asked(state=State.APPROVED), "t", NOW) == (Answer.GRANTED, 5)
    assert deviceflow.answer(asked(state=State.DENIED), "t", NOW) == (Answer.DENIED, 5)
    assert deviceflow.answer(asked(state=State.APPROVED), "t", NOW + 600)[0] is Answer.EXPIRED
    assert deviceflow.answer(asked(state=State.TAKEN), "t", NOW)[0] is Answer.INVALID
    assert deviceflow.answer(asked(state=State.APPROVED), "another key", NOW)[0] is Answer.INVALID
    assert deviceflow.answer(None, "t", NOW)[0] is Answer.INVALID


def test_user_codes_have_no_vowels_and_are_typed_as_people_type() -> None:
    codes = {opaque.new_user_code(drawn(seed)) for seed in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert len(code) == 9 and not set(code) & set("AEIOUY0123456789")
        assert opaque.user_code_as_kept(f" {code.lower().replace('-', '')} ") == code
