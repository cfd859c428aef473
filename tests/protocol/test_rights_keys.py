"""Keys of people: their names, their copies, and the identity that a share link holds."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws, personkey
from avl_protocol.rights.jws import NotSigned
from avl_protocol.rights.sharelink import Share, share_of
from avl_protocol.rights.statements import (
    Enrolment,
    Policy,
    RevocationList,
    enrolment_of,
    group_audience,
    read,
    sign,
)
from avl_protocol.wire.registry import Permission
from tests.protocol.rights_of import DEVICE, FRIEND, OWNER, WALL, grant_id

SEED = bytes(range(32))


def entropy_of(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


def test_a_thumbprint_is_that_of_rfc_7638() -> None:
    # RFC 8037, appendix A.3
    public = jws.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert jws.thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert OKPKey.import_key({**jws.jwk_of(public)}).thumbprint() == jws.thumbprint(public)


def test_a_copy_is_opened_by_its_secret_alone() -> None:
    entropy = entropy_of(1)
    prf = entropy(32)
    copy = personkey.wrap(SEED, prf, entropy)
    assert personkey.unwrap(copy, prf).public == Identity(SEED).public
    with pytest.raises(ValueError, match="does not open"):
        personkey.unwrap(copy, entropy(32))
    assert jws.encode(SEED) not in str(copy)


@pytest.mark.parametrize("field", ["thumbprint", "nonce", "sealed"])
def test_a_changed_copy_does_not_open(field: str) -> None:
    copy = personkey.wrap(SEED, b"s" * 32, entropy_of(1))
    changed = ("A" if copy[field][0] != "A" else "B") + copy[field][1:]
    with pytest.raises(ValueError, match="does not open"):
        personkey.unwrap({**copy, field: changed}, b"s" * 32)
    with pytest.raises(ValueError, match="no copy"):
        personkey.unwrap({**copy, field: 5}, b"s" * 32)


def test_a_recovery_key_is_read_as_people_write_it() -> None:
    printed = personkey.new_recovery_key(entropy_of(7))
    assert len(printed.replace("-", "")) == 26
    secret = personkey.recovery_secret(printed)
    assert personkey.recovery_secret(printed.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == secret
    copy = personkey.wrap(SEED, secret, entropy_of(2))
    assert personkey.unwrap(copy, secret).public == Identity(SEED).public
    for wrong in ("", printed[:-1], printed + "A", printed[:-1] + "U"):
        with pytest.raises(ValueError, match="recovery key"):
            personkey.recovery_secret(wrong)


@given(st.binary(min_size=17, max_size=17))
def test_every_recovery_key_has_26_characters(drawn: bytes) -> None:
    assert len(personkey.recovery_secret(personkey.new_recovery_key(lambda size: drawn))) == 26


def test_a_share_link_holds_an_identity_and_what_the_relay_is_shown() -> None:
    share = Share(bytes(16))
    derived = {share.identity.public, share.access_pass, jws.decode(share.id), bytes(16)}
    assert len(derived) == 4
    link = share.link("https://relay.example/", "6GE6-SXC1-KJRD-5AB4-A4CR-FK7Y-ZEXH")
    assert link == "https://relay.example/#d=6GE6-SXC1-KJRD-5AB4-A4CR-FK7Y-ZEXH&s=AAAAAAAAAAAAAAAAAAAAAA"
    assert share_of(link.split("s=")[-1]) == share
    for wrong in ("", "AAAA", "A" * 44, "?" * 22):
        with pytest.raises(ValueError, match=r"secret|base64url"):
            share_of(wrong)


def test_an_enrolment_carries_the_key_that_signed_it() -> None:
    token = sign(OWNER, Enrolment(audience=DEVICE, issued=WALL, groups=("office",), name="desk"))
    key, enrolment = enrolment_of(token)
    assert key == OWNER.public
    assert enrolment.groups == ("office",)
    head, body, signature = token.split(".")
    forged = jws.sign(FRIEND, Enrolment.TYPE, enrolment.claims(), with_key=True).split(".")[0]
    with pytest.raises(NotSigned):
        enrolment_of(f"{forged}.{body}.{signature}")
    with pytest.raises(NotSigned):
        enrolment_of(sign(OWNER, Policy(audience=DEVICE, sequence=1)))
    assert head


@pytest.mark.parametrize(
    "statement",
    [
        Policy(audience=DEVICE, sequence=0),
        Policy(
            audience=group_audience("büro"),
            sequence=7,
            permissions=Permission.VIEW,
            groups=(),
            browser=False,
            longest=60,
            staleness=3600,
        ),
        RevocationList(sequence=3, issued=WALL, epochs={DEVICE: 2}, grants=frozenset({grant_id("a"), grant_id("b")})),
    ],
)
def test_what_is_written_is_what_is_read(statement: Policy | RevocationList) -> None:
    token = sign(OWNER, statement)
    assert read(type(statement), token, OWNER.public) == statement
    with pytest.raises(NotSigned):
        read(type(statement), token, FRIEND.public)
