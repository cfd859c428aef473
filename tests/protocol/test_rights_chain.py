"""Chains: what they give, and every way in which one is refused, each by its name."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws
from avl_protocol.rights.chain import delegate, verify_chain
from avl_protocol.rights.effective import Consent
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.statements import AccessGrant, KeyLink, Policy, RevocationList, read, sign
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import MAX_CHAIN, MAX_KEY_LINK, MAX_STATEMENT, PRESETS, GrantRefusal, Permission
from tests.protocol.rights_of import (
    DAY,
    DEVICE,
    FRIEND,
    GUEST,
    HOST,
    LAPTOP,
    NOTHING_REVOKED,
    OWNER,
    TRUST,
    WALL,
    chain,
    grant,
    grant_id,
    key_link,
    person,
    refusal,
    rights,
)

DELEGATING = PRESETS["OPERATOR"] | Permission.DELEGATE
WEEK = Hours("Europe/Berlin", tuple((day, 0, 1440) for day in range(7)))


def part(content: Any) -> str:
    return jws.encode(json.dumps(content).encode())


# what is good


def test_a_grant_gives_what_it_says() -> None:
    found = rights(chain((OWNER, grant(role="Operator", name="Ada"))))
    assert found.permissions == PRESETS["OPERATOR"]
    assert (found.role, found.name, found.owner) == ("Operator", "Ada", False)
    assert found.expires == WALL + 7 * DAY
    assert found.person == jws.thumbprint(FRIEND.public)


def test_an_owner_comes_with_a_key_link_alone_and_may_everything() -> None:
    found = rights(chain((OWNER, key_link())), holder=LAPTOP)
    assert found.permissions == Permission(sum(Permission))
    assert found.owner
    assert found.person == jws.thumbprint(OWNER.public)
    assert refusal(chain((FRIEND, key_link())), holder=LAPTOP) is GrantRefusal.FORGED


def test_a_person_s_device_uses_her_grant_by_a_key_link() -> None:
    tokens = chain((OWNER, grant()), (FRIEND, key_link()))
    assert rights(tokens, holder=LAPTOP).permissions == PRESETS["OPERATOR"]
    assert rights(tokens, holder=LAPTOP).person == jws.thumbprint(FRIEND.public)
    assert refusal(tokens, holder=FRIEND) is GrantRefusal.WRONG_HOLDER


def test_who_may_delegate_hands_on_less() -> None:
    first = grant(permissions=DELEGATING, expires=WALL + DAY, longest=3600, consent=Consent.FIRST)
    token = sign(OWNER, first)
    second = delegate(first, token, grant(GUEST, PRESETS["VIEWER"], id=grant_id("second")))
    found = rights([token, sign(FRIEND, second)], holder=GUEST)
    assert found.permissions == PRESETS["VIEWER"]
    assert (found.expires, found.longest, found.consent) == (WALL + DAY, 3600, Consent.FIRST)
    assert found.grants == (first.id, second.id)


def test_a_grant_to_a_group_is_good_at_its_devices() -> None:
    assert refusal(chain((OWNER, grant(audience="group:office")))) is None
    assert refusal(chain((OWNER, grant(audience="group:home")))) is GrantRefusal.WRONG_DEVICE


# attacks


def tampered(token: str, **claims: Any) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{part({**json.loads(jws.decode(body)), **claims})}.{signature}"


def with_header(token: str, **fields: Any) -> str:
    head, body, signature = token.split(".")
    return f"{part({**json.loads(jws.decode(head)), **fields})}.{body}.{signature}"


def algorithm_none(token: str) -> str:
    head, body, _ = token.split(".")
    return f"{part({**json.loads(jws.decode(head)), 'alg': 'none'})}.{body}."


def keyed_with_the_public_key(token: str) -> str:
    """The owner's public key taken for a secret of HMAC."""
    head, body, _ = token.split(".")
    text = f"{part({**json.loads(jws.decode(head)), 'alg': 'HS256'})}.{body}"
    return f"{text}.{jws.encode(hmac.digest(OWNER.public, text.encode(), 'sha256'))}"


def by_the_older_name(token: str) -> str:
    head, body, _ = token.split(".")
    text = f"{part({**json.loads(jws.decode(head)), 'alg': 'EdDSA'})}.{body}"
    return f"{text}.{jws.encode(OWNER.sign(text.encode()))}"


GOOD = sign(OWNER, grant())
NESTED = f"{GOOD.split('.')[0]}.{jws.encode(b'[' * 2000)}.{GOOD.split('.')[2]}"


@pytest.mark.parametrize(
    "token",
    [
        tampered(GOOD, p=sum(Permission)),
        tampered(GOOD, exp=WALL + 1000 * DAY),
        tampered(GOOD, cnf={"jwk": jws.jwk_of(GUEST.public)}),
        with_header(GOOD, kid=jws.thumbprint(GUEST.public)),
        with_header(GOOD, typ="JWT"),
        with_header(GOOD, crit=["exp"]),
        with_header(GOOD, jwk=jws.jwk_of(GUEST.public)),
        with_header(GOOD, jku="https://evil.example/keys"),
        algorithm_none(GOOD),
        keyed_with_the_public_key(GOOD),
        by_the_older_name(GOOD),
        sign(GUEST, grant()),
        sign(HOST, grant()),
        sign(OWNER, Policy(audience=DEVICE, sequence=1)),
        GOOD[:-1],
        GOOD + "A",
        GOOD.replace(".", "..", 1),
        GOOD + ".x",
        "",
        "..",
        "a" * 4000,
        NESTED,
        GOOD.replace("e", "é", 1),
        " " + GOOD,
        GOOD + "\n",
    ],
)
def test_what_the_owner_has_not_signed_is_forged(token: str) -> None:
    assert refusal([token]) is GrantRefusal.FORGED


def signed_claims(**changes: Any) -> str:
    """A grant with claims as no honest program writes them, signed by the owner all the same."""
    claims = {**grant().claims(), **changes}
    return jws.sign(OWNER, AccessGrant.TYPE, {name: value for name, value in claims.items() if value is not ...})


@pytest.mark.parametrize(
    "claims",
    [
        {"p": ...},
        {"p": "63"},
        {"p": -1},
        {"p": True},
        {"p": 1.5},
        {"p": 1 << 40},
        {"exp": ...},
        {"exp": None},
        {"exp": 1 << 60},
        {"nbf": "now"},
        {"aud": "device:short"},
        {"aud": ["group:office"]},
        {"aud": "group:"},
        {"aud": "group:a\u202eb"},
        {"jti": "x"},
        {"cnf": {"jkt": jws.thumbprint(FRIEND.public)}},
        {"cnf": {"jwk": {"kty": "OKP", "crv": "X25519", "x": jws.encode(FRIEND.public)}}},
        {"cnf": {"jwk": {**jws.jwk_of(FRIEND.public), "d": "x"}}},
        {"win": [[0, 0, 60]]},
        {"win": [[7, 0, 60]], "tz": "UTC"},
        {"win": [[0, 60, 60]], "tz": "UTC"},
        {"win": [], "tz": "UTC"},
        {"win": [[0, 0, 60]], "tz": "Nowhere/Atlantis"},
        {"win": [[0, 0, 60]], "tz": "../../etc/passwd"},
        {"win": [[0, 0, 60]] * 65, "tz": "UTC"},
        {"max_s": 0},
        {"n": 0},
        {"consent": "later"},
        {"consent": []},
        {"role": "x" * 65},
        {"sub": 5},
        {"share": 1},
        {"unheard_of_limit": True},
        {"iss": jws.thumbprint(GUEST.public)},
    ],
)
def test_a_grant_that_is_not_understood_is_no_grant(claims: dict[str, Any]) -> None:
    assert refusal([signed_claims(**claims)]) is GrantRefusal.FORGED


PARENT = grant(
    permissions=DELEGATING,
    longest=3600,
    uses=5,
    consent=Consent.FIRST,
    hours=Hours("UTC", ((4, 0, 1440), (5, 0, 720))),
    expires=WALL + DAY,
)
CHILD = replace(PARENT, holder=GUEST.public, permissions=PRESETS["VIEWER"], id=grant_id("child"))


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (PARENT, replace(CHILD, permissions=CHILD.permissions | Permission.TERMINAL)),
        (PARENT, replace(CHILD, permissions=Permission(sum(Permission)))),
        (replace(PARENT, permissions=PRESETS["OPERATOR"]), CHILD),
        (replace(PARENT, permissions=PRESETS["ADMIN"]), CHILD),
        (PARENT, replace(CHILD, audience="group:office")),
        (replace(PARENT, audience="group:office"), CHILD),
        (PARENT, replace(CHILD, expires=PARENT.expires + 1)),
        (PARENT, replace(CHILD, longest=3601)),
        (PARENT, replace(CHILD, longest=None)),
        (PARENT, replace(CHILD, uses=6)),
        (PARENT, replace(CHILD, uses=None)),
        (PARENT, replace(CHILD, consent=Consent.NEVER)),
        (PARENT, replace(CHILD, hours=None)),
        (PARENT, replace(CHILD, hours=Hours("UTC", ((4, 0, 1440), (5, 0, 721))))),
        (PARENT, replace(CHILD, hours=Hours("Europe/Berlin", ((4, 0, 60),)))),
    ],
)
def test_a_grant_that_gives_more_than_its_parent_is_widened(parent: AccessGrant, child: AccessGrant) -> None:
    assert refusal(chain((OWNER, parent), (FRIEND, child)), holder=GUEST) is GrantRefusal.WIDENED


def test_a_grant_that_gives_no_more_is_good() -> None:
    assert refusal(chain((OWNER, PARENT), (FRIEND, CHILD)), holder=GUEST) is None
    narrower = replace(CHILD, hours=Hours("UTC", ((4, 300, 1300),)), longest=60, uses=1, consent=Consent.ALWAYS)
    assert refusal(chain((OWNER, PARENT), (FRIEND, narrower)), holder=GUEST) is None


def test_a_grant_is_no_good_on_another_parent() -> None:
    wide, narrow = grant(permissions=DELEGATING), grant(permissions=PRESETS["VIEWER"] | Permission.DELEGATE)
    child = sign(FRIEND, replace(CHILD, parent=jws.digest(sign(OWNER, narrow)), hours=None, longest=None, uses=None))
    assert refusal([sign(OWNER, narrow), child], holder=GUEST) is None
    assert refusal([sign(OWNER, wide), child], holder=GUEST) is GrantRefusal.FORGED
    assert refusal([child], holder=GUEST) is GrantRefusal.FORGED
    orphan = replace(grant(), parent=jws.digest("something"))
    assert refusal([sign(OWNER, orphan)]) is GrantRefusal.FORGED


def test_a_chain_that_somebody_else_saw_is_useless() -> None:
    tokens = chain((OWNER, grant()))
    assert refusal(tokens, holder=GUEST) is GrantRefusal.WRONG_HOLDER
    assert refusal([*tokens, sign(GUEST, key_link())], holder=LAPTOP) is GrantRefusal.FORGED


def test_a_chain_for_another_device_is_refused() -> None:
    other = "device:" + "0" * 28
    assert refusal(chain((OWNER, grant(audience=other)))) is GrantRefusal.WRONG_DEVICE


def test_the_order_of_a_chain_is_fixed() -> None:
    first, link = sign(OWNER, grant()), sign(FRIEND, key_link())
    assert refusal([link, first]) is GrantRefusal.FORGED
    assert refusal([first, link, link], holder=LAPTOP) is GrantRefusal.FORGED
    assert refusal([first, first]) is GrantRefusal.FORGED
    assert refusal([]) is GrantRefusal.FORGED


def handed_on(times: int) -> list[tuple[Identity, AccessGrant | KeyLink]]:
    """Of one to the next, each with permission to go on."""
    people = [OWNER, *(person(f"number {at}") for at in range(times))]
    return [
        (giver, grant(taker, DELEGATING, id=grant_id(f"{at}"))) for at, (giver, taker) in enumerate(pairwise(people))
    ]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_grant_is_handed_on_twice_at_most(times: int) -> None:
    assert refusal(chain(*handed_on(times)), holder=person(f"number {times - 1}")) is None


def test_a_chain_of_four_grants_is_too_deep() -> None:
    assert refusal(chain(*handed_on(4)), holder=person("number 3")) is GrantRefusal.TOO_DEEP


def test_a_chain_of_three_grants_and_a_key_link_has_room() -> None:
    tokens = chain(*handed_on(3), (person("number 2"), key_link()))
    assert refusal(tokens, holder=LAPTOP) is None
    assert sum(map(len, tokens)) < MAX_CHAIN


def test_an_oversize_chain_is_not_even_read() -> None:
    long = grant(hours=Hours("UTC", ((0, 0, 1440),) * 60), role="r" * 64, name="n" * 64, permissions=DELEGATING)
    second = replace(long, holder=GUEST.public)
    tokens = chain((OWNER, long), (FRIEND, second))
    assert sum(map(len, tokens)) > MAX_CHAIN
    assert refusal(tokens, holder=GUEST) is GrantRefusal.FORGED


# time


def test_a_grant_is_good_between_its_times() -> None:
    tokens = chain((OWNER, grant(not_before=WALL, expires=WALL + 100)))
    assert refusal(tokens, wall=WALL - 61) is GrantRefusal.NOT_YET
    assert refusal(tokens, wall=WALL - 60) is None
    assert refusal(tokens, wall=WALL + 99) is None
    assert refusal(tokens, wall=WALL + 100) is GrantRefusal.EXPIRED


def test_a_key_link_is_good_for_ninety_days_at_most() -> None:
    link = key_link(not_before=WALL, expires=WALL + MAX_KEY_LINK)
    assert refusal(chain((OWNER, link)), holder=LAPTOP) is None
    assert refusal(chain((OWNER, replace(link, expires=link.expires + 1))), holder=LAPTOP) is GrantRefusal.FORGED
    assert refusal(chain((OWNER, replace(link, expires=WALL))), holder=LAPTOP) is GrantRefusal.EXPIRED


def test_a_grant_is_good_at_its_hours() -> None:
    # WALL is a Friday, 8:00 UTC
    assert refusal(chain((OWNER, grant(hours=Hours("UTC", ((4, 480, 481),)))))) is None
    assert refusal(chain((OWNER, grant(hours=Hours("Europe/Berlin", ((4, 480, 481),)))))) is GrantRefusal.OUTSIDE_HOURS
    assert refusal(chain((OWNER, grant(hours=Hours("Europe/Berlin", ((4, 540, 541),)))))) is None


def test_a_grant_is_used_as_often_as_it_may_be() -> None:
    tokens = chain((OWNER, grant(uses=2)))
    assert refusal(tokens, used=lambda _: 1) is None
    assert refusal(tokens, used=lambda _: 2) is GrantRefusal.USED_UP


def test_a_session_ends_at_the_first_of_its_limits() -> None:
    plain = rights(chain((OWNER, grant(expires=WALL + 5000))))
    assert plain.ends(WALL, WALL) == WALL + 5000
    assert plain.ends(WALL, WALL, longest=100) == WALL + 100
    limited = rights(chain((OWNER, grant(expires=WALL + 5000, longest=600))))
    assert limited.ends(WALL, WALL) == WALL + 600
    timed = rights(chain((OWNER, grant(hours=Hours("UTC", ((4, 480, 485),))))))
    assert timed.ends(WALL, WALL) == WALL + 300


# revocation


@pytest.mark.parametrize(
    "taken",
    [
        {"grants": [grant_id("a grant")]},
        {"keys": [jws.thumbprint(FRIEND.public)]},
        {"keys": [jws.thumbprint(LAPTOP.public)]},
        {"epochs": {DEVICE: 1}},
    ],
)
def test_what_was_taken_back_is_refused(taken: dict[str, Any]) -> None:
    tokens = chain((OWNER, grant()), (FRIEND, key_link()))
    revoked = replace(TRUST, revocation=NOTHING_REVOKED.next(WALL, **taken))
    assert refusal(tokens, revoked, LAPTOP) is GrantRefusal.REVOKED
    unrelated = replace(TRUST, revocation=NOTHING_REVOKED.next(WALL, grants=[grant_id("another")]))
    assert refusal(tokens, unrelated, LAPTOP) is None


def test_a_grant_of_the_newest_epoch_is_good() -> None:
    revoked = replace(TRUST, revocation=NOTHING_REVOKED.next(WALL, epochs={DEVICE: 3}))
    assert refusal(chain((OWNER, grant(epoch=3))), revoked) is None
    assert refusal(chain((OWNER, grant(epoch=2))), revoked) is GrantRefusal.REVOKED


def test_taking_back_a_grant_takes_what_stands_on_it() -> None:
    tokens = chain((OWNER, PARENT), (FRIEND, CHILD))
    revoked = replace(TRUST, revocation=NOTHING_REVOKED.next(WALL, grants=[PARENT.id]))
    assert refusal(tokens, revoked, GUEST) is GrantRefusal.REVOKED


def test_without_a_fresh_list_no_grant_is_good() -> None:
    tokens = chain((OWNER, grant()))
    assert refusal(tokens, wall=WALL + DAY) is None
    assert refusal(tokens, wall=WALL + DAY + 1) is GrantRefusal.STALE
    assert refusal(tokens, replace(TRUST, staleness=2 * DAY), wall=WALL + DAY + 1) is None
    assert refusal(chain((OWNER, key_link())), holder=LAPTOP, wall=WALL + DAY + 1) is GrantRefusal.STALE


def test_a_list_of_revocations_keeps_what_the_one_before_took() -> None:
    first = NOTHING_REVOKED.next(WALL, grants=[grant_id("x")], epochs={DEVICE: 1})
    second = first.next(WALL + 1, keys=[jws.thumbprint(GUEST.public)])
    assert second.sequence == 2
    assert second.grants == {grant_id("x")}
    assert second.epochs == {DEVICE: 1}
    assert isinstance(second, RevocationList)


def test_a_list_of_revocations_leaves_out_what_has_ended_beyond_doubt() -> None:
    ends = {grant_id("x"): WALL + 100, grant_id("y"): WALL + 200}
    names = [grant_id("x"), grant_id("y"), grant_id("unknown")]
    first = NOTHING_REVOKED.next(WALL, grants=names, ends=ends)
    assert read(RevocationList, sign(OWNER, first), OWNER.public) == first
    assert first.next(WALL + 99).grants == set(names)
    second = first.next(WALL + 100)
    assert second.grants == {grant_id("y"), grant_id("unknown")} and second.ends == {grant_id("y"): WALL + 200}
    assert second.next(WALL + 10**9).grants == {grant_id("unknown")}, "what ends nobody knows when stays for ever"
    late = second.next(WALL + 300, grants=[grant_id("z")], ends={grant_id("z"): WALL + 10})
    assert late.grants == {grant_id("unknown"), grant_id("z")}, (
        "what is taken back now is named, if it has ended or not"
    )
    gone = chain((OWNER, grant(expires=WALL + 100)))
    after = replace(TRUST, revocation=NOTHING_REVOKED.next(WALL, grants=[grant_id("a grant")]).next(WALL + 100))
    for wall in (WALL + 100, WALL + DAY):
        assert refusal(gone, after, wall=wall) in (GrantRefusal.EXPIRED, GrantRefusal.REVOKED)


def test_a_list_of_revocations_is_no_longer_than_a_host_reads() -> None:
    names = [jws.encode(bytes([at % 256, at // 256]) * 8) for at in range(2000)]
    kept = NOTHING_REVOKED
    for name in names:
        longer = kept.next(WALL, grants=[name], ends={name: WALL + 1000})
        if len(sign(OWNER, longer)) > MAX_STATEMENT:
            break
        kept = longer
    assert len(kept.grants) > 600
    assert read(RevocationList, sign(OWNER, kept), OWNER.public).grants == kept.grants
    assert not kept.next(WALL + 1000).grants


# what is always so


@settings(max_examples=300, deadline=None)
@given(
    given_bits=st.lists(st.integers(0, (1 << 18) - 1), min_size=1, max_size=3),
    link=st.booleans(),
)
def test_a_chain_never_gives_more_than_any_of_its_links(given_bits: list[int], link: bool) -> None:
    people = [OWNER, *(person(f"p{at}") for at in range(len(given_bits)))]
    links: list[tuple[Identity, AccessGrant | KeyLink]] = [
        (people[at], grant(people[at + 1], Permission(bits), id=grant_id(f"{at}")))
        for at, bits in enumerate(given_bits)
    ]
    if link:
        links.append((people[-1], key_link()))
    holder = LAPTOP if link else people[-1]
    try:
        found = verify_chain(chain(*links), TRUST, holder=holder.public, wall=WALL)
    except GrantRefused as error:
        assert error.why is GrantRefusal.WIDENED
        assert any(not parent & Permission.DELEGATE or child & ~parent for parent, child in pairwise(given_bits))
        return
    assert all(not found.permissions & ~Permission(bits) for bits in given_bits)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), character=st.sampled_from("AZaz09-_.=+/ {}\n"))
def test_a_changed_character_is_never_taken(place: int, character: str) -> None:
    tokens = chain((OWNER, grant()), (FRIEND, key_link()))
    which = place % 2
    at = place % len(tokens[which])
    changed = tokens[which][:at] + character + tokens[which][at + 1 :]
    if changed == tokens[which] or _same_bytes(changed, tokens[which]):
        return
    assert refusal([changed if at_ == which else token for at_, token in enumerate(tokens)], holder=LAPTOP) in (
        GrantRefusal.FORGED,
        GrantRefusal.WRONG_HOLDER,
    )


def _same_bytes(one: str, other: str) -> bool:
    """Whether two tokens differ in the bits alone that the last character of base64url leaves unused."""
    if one[-1:] in tuple(".=+/ {}\n"):
        return False
    return one.count(".") == 2 and one[:-1] == other[:-1] and jws.decode(one[-86:]) == jws.decode(other[-86:])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_is_refused_by_name(tokens: list[str]) -> None:
    assert isinstance(refusal(tokens), GrantRefusal)


def test_a_key_link_is_not_a_grant() -> None:
    assert KeyLink.TYPE != AccessGrant.TYPE
    assert refusal([sign(OWNER, key_link(FRIEND)).replace(".", ".", 1)]) is None  # the owner's own device
    assert refusal([sign(OWNER, grant()), sign(GUEST, grant())], holder=FRIEND) is GrantRefusal.FORGED
