"""Vectors of statements, chains, revocation lists, share links and wrapped keys (spec 11)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights import jws, personkey
from avl_protocol.rights.chain import Trust, verify_chain
from avl_protocol.rights.effective import Consent, effective
from avl_protocol.rights.enrolled import enrolled
from avl_protocol.rights.hours import Hours
from avl_protocol.rights.sharelink import Share
from avl_protocol.rights.statements import (
    AccessGrant,
    Enrolment,
    KeyLink,
    PictureKey,
    Policy,
    RevocationList,
    Statement,
    device_audience,
    sign,
)
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.registry import PRESETS, Permission
from spec.vectors.notation import drawn

WALL = 1_800_000_000
DAY = 86_400
PEOPLE = {name: Identity(drawn(name, 32)) for name in ("owner", "friend", "guest", "third", "laptop", "host")}
OWNER, FRIEND, GUEST, THIRD, LAPTOP, HOST = PEOPLE.values()
DEVICE = device_audience(HOST.number)
NONE_REVOKED = RevocationList(sequence=1, issued=WALL)
DELEGATING = PRESETS["OPERATOR"] | Permission.DELEGATE


def _id(label: str) -> str:
    return jws.encode(drawn(label, 16))


def _grant(holder: Identity, permissions: Permission = DELEGATING, **changes: Any) -> AccessGrant:
    plain = AccessGrant(
        audience=DEVICE,
        permissions=permissions,
        not_before=WALL - 60,
        expires=WALL + 7 * DAY,
        id=_id("grant"),
        holder=holder.public,
    )
    return replace(plain, **changes)


def _link(**changes: Any) -> KeyLink:
    return replace(KeyLink(holder=LAPTOP.public, not_before=WALL - 60, expires=WALL + 30 * DAY), **changes)


def _chain(*links: tuple[Identity, AccessGrant | KeyLink]) -> list[str]:
    tokens: list[str] = []
    for signer, link in links:
        if isinstance(link, AccessGrant) and tokens:
            link = replace(link, parent=jws.digest(tokens[-1]))
        tokens.append(sign(signer, link))
    return tokens


def _statements() -> list[dict[str, Any]]:
    everything = _grant(
        FRIEND,
        hours=Hours("Europe/Berlin", ((0, 540, 1020), (4, 540, 960))),
        longest=3600,
        uses=5,
        epoch=2,
        consent=Consent.FIRST,
        role="Operator",
        name="Zoë <b>",
        share=True,
        parent=jws.digest("a parent"),
    )
    made: list[Statement] = [
        _grant(FRIEND),
        everything,
        _link(),
        _link(browser=True, name="Firefox"),
        PictureKey(key=drawn("picture key", 32), issued=WALL, expires=WALL + 90 * DAY),
        Enrolment(audience=DEVICE, issued=WALL, groups=("office", "büro"), name="desk"),
        Policy(audience=DEVICE, sequence=3),
        Policy(
            audience="group:office",
            sequence=4,
            permissions=PRESETS["VIEWER"],
            groups=(),
            consent=Consent.ALWAYS,
            longest=600,
            browser=False,
            staleness=3600,
        ),
        NONE_REVOKED,
        NONE_REVOKED.next(WALL + 5, grants=[_id("grant"), _id("other")], ends={_id("other"): WALL + DAY}),
        NONE_REVOKED.next(
            WALL + 5, grants=[_id("grant"), _id("other")], keys=[jws.thumbprint(GUEST.public)], epochs={DEVICE: 3}
        ),
    ]
    return [
        {
            "type": one.TYPE,
            "claims": one.claims(),
            "with_key": one.WITH_KEY,
            "token": sign(OWNER, one),
        }
        for one in made
    ]


def _invalid() -> list[dict[str, Any]]:
    """Tokens that are signed by the owner, or seem to be, and are no statements."""
    good = _grant(FRIEND)
    claims = good.claims()
    head, body, signature = sign(OWNER, good).split(".")

    def part(content: Any) -> str:
        return jws.encode(json.dumps(content).encode())

    def header(**fields: Any) -> str:
        return part({"alg": "Ed25519", "typ": good.TYPE, "kid": jws.thumbprint(OWNER.public), **fields})

    def resigned(head: str) -> str:
        return f"{head}.{body}.{jws.encode(OWNER.sign(f'{head}.{body}'.encode()))}"

    wrong: dict[str, Any] = {
        "an unknown claim": {**claims, "unheard_of": 1},
        "no permissions": {name: value for name, value in claims.items() if name != "p"},
        "permissions as text": {**claims, "p": "3"},
        "negative permissions": {**claims, "p": -1},
        "a time beyond 2^53": {**claims, "exp": 1 << 53},
        "a time that is true": {**claims, "nbf": True},
        "an audience that is none": {**claims, "aud": "device:1234"},
        "a group without a name": {**claims, "aud": "group:"},
        "a group whose name turns the text": {**claims, "aud": "group:a\u202eb"},
        "a short name": {**claims, "jti": "AAAA"},
        "a thumbprint in the place of a key": {**claims, "cnf": {"jkt": jws.thumbprint(FRIEND.public)}},
        "a private key": {**claims, "cnf": {"jwk": {**jws.jwk_of(FRIEND.public), "d": "AAAA"}}},
        "hours without a place": {**claims, "win": [[0, 0, 60]]},
        "hours of an eighth day": {**claims, "win": [[7, 0, 60]], "tz": "UTC"},
        "hours at no place": {**claims, "win": [[0, 0, 60]], "tz": "Mars/Base"},
        "no hours at all": {**claims, "win": [], "tz": "UTC"},
        "no uses": {**claims, "n": 0},
        "an unknown consent": {**claims, "consent": "later"},
        "a long role": {**claims, "role": "r" * 65},
        "another issuer": {**claims, "iss": jws.thumbprint(FRIEND.public)},
    }
    cases = [{"why": why, "token": jws.sign(OWNER, good.TYPE, content)} for why, content in wrong.items()]
    cases += [
        {"why": "no algorithm", "token": f"{header(alg='none')}.{body}."},
        {"why": "the older name of the algorithm", "token": resigned(header(alg="EdDSA"))},
        {"why": "a critical header", "token": resigned(header(crit=["exp"]))},
        {"why": "a key in the header that is another's", "token": resigned(header(jwk=jws.jwk_of(GUEST.public)))},
        {"why": "where to fetch a key", "token": resigned(header(jku="https://example.org"))},
        {"why": "another type", "token": resigned(header(typ="JWT"))},
        {"why": "signed by another", "token": sign(GUEST, good)},
        {"why": "a changed signature", "token": f"{head}.{body}.{'A' * 86}"},
        {"why": "cut", "token": f"{head}.{body}.{signature[:-1]}"},
        {"why": "too long", "token": "A" * 2901},
        {"why": "nothing", "token": ""},
        {"why": "no JSON", "token": f"{jws.encode(b'[' * 300)}.{body}.{signature}"},
    ]
    return cases


def _invalid_lists() -> list[dict[str, Any]]:
    """Lists of revocations that are none."""
    good = NONE_REVOKED.next(WALL, grants=[_id("grant")], ends={_id("grant"): WALL}).claims()
    wrong: dict[str, list[Any]] = {"an end too many": [WALL, 0], "an end too few": [], "an end that is text": ["0"]}
    wrong |= {"an end before all time": [-1], "an end that is true": [True]}
    return [
        {"why": why, "token": jws.sign(OWNER, RevocationList.TYPE, {**good, "ends": ends})}
        for why, ends in wrong.items()
    ]


def _invalid_picture_keys() -> list[dict[str, Any]]:
    """Picture keys that are none."""
    good = PictureKey(key=drawn("picture key", 32), issued=WALL, expires=WALL + DAY).claims()
    wrong: dict[str, dict[str, Any]] = {
        "valid for too long": {**good, "exp": WALL + 90 * DAY + 1},
        "a short key": {**good, "key": good["key"][:-1]},
        "a key with bits too many": {**good, "key": good["key"][:-1] + "_"},
        "a key as JWK": {**good, "key": jws.jwk_of(FRIEND.public)},
        "an unknown claim": {**good, "aud": DEVICE},
        "no end": {name: value for name, value in good.items() if name != "exp"},
    }
    rows = [{"why": why, "token": jws.sign(OWNER, PictureKey.TYPE, claims)} for why, claims in wrong.items()]
    return [*rows, {"why": "signed by another", "token": jws.sign(GUEST, PictureKey.TYPE, good)}]


def _chains() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []

    def case(
        about: str,
        tokens: list[str],
        holder: Identity,
        *,
        wall: int = WALL,
        revocation: RevocationList = NONE_REVOKED,
        used: dict[str, int] | None = None,
        delegates: tuple[Identity, RevocationList] | None = None,
    ) -> None:
        lists = {} if delegates is None else {jws.thumbprint(delegates[0].public): delegates[1]}
        audiences = frozenset({DEVICE, "group:office"})
        trust = Trust(owner=OWNER.public, audiences=audiences, revocation=revocation, delegates=lists)
        expected: dict[str, Any]
        try:
            found = verify_chain(tokens, trust, holder=holder.public, wall=wall, used=Counter(used or {}).__getitem__)
            expected = {
                "permissions": int(found.permissions),
                "expires": found.expires,
                "longest": found.longest,
                "consent": found.consent.value,
                "owner": found.owner,
                "person": found.person,
            }
        except GrantRefused as error:
            assert error.why is not None
            expected = {"refused": error.why.name}
        given = {"holder": holder.public.hex(), "wall": wall, "used": used or {}, "revocation": sign(OWNER, revocation)}
        given["delegates"] = [] if delegates is None else [sign(*delegates)]
        cases.append({"about": about, "tokens": tokens, **given, **expected})

    first = _grant(FRIEND, longest=3600, uses=5, consent=Consent.FIRST, hours=Hours("UTC", ((4, 0, 1440),)))
    child = replace(first, holder=GUEST.public, permissions=PRESETS["VIEWER"], id=_id("child"))
    case("a grant", _chain((OWNER, _grant(FRIEND))), FRIEND)
    case("a grant to a group", _chain((OWNER, _grant(FRIEND, audience="group:office"))), FRIEND)
    case("an owner's device", _chain((OWNER, _link())), LAPTOP)
    case("a person's device", _chain((OWNER, _grant(FRIEND)), (FRIEND, _link())), LAPTOP)
    case("handed on", _chain((OWNER, first), (FRIEND, child)), GUEST)
    people = [OWNER, FRIEND, GUEST, THIRD, LAPTOP]
    deep = [(giver, _grant(taker, id=_id(str(at)))) for at, (giver, taker) in enumerate(pairwise(people))]
    case("three grants", _chain(*deep[:3]), THIRD)
    case("four grants", _chain(*deep), LAPTOP)
    case("nothing", [], FRIEND)
    case("signed by another", _chain((GUEST, _grant(FRIEND))), FRIEND)
    case("another's", _chain((OWNER, _grant(FRIEND))), GUEST)
    case("a stolen chain with a link of the thief's", [*_chain((OWNER, _grant(FRIEND))), sign(GUEST, _link())], LAPTOP)
    case("for another device", _chain((OWNER, _grant(FRIEND, audience=device_audience(GUEST.number)))), FRIEND)
    case("a link before the grant", [sign(OWNER, _link(holder=FRIEND.public)), sign(FRIEND, child)], GUEST)
    case("a child alone", [_chain((OWNER, first), (FRIEND, child))[1]], GUEST)
    swapped = [sign(OWNER, _grant(FRIEND)), _chain((OWNER, first), (FRIEND, child))[1]]
    case("a child of another parent", swapped, GUEST)
    widened: dict[str, AccessGrant] = {
        "more permissions": replace(child, permissions=child.permissions | Permission.TERMINAL),
        "a later end": replace(child, expires=first.expires + 1),
        "another audience": replace(child, audience="group:office"),
        "longer sessions": replace(child, longest=3601),
        "sessions without an end": replace(child, longest=None),
        "more uses": replace(child, uses=6),
        "less consent": replace(child, consent=Consent.NEVER),
        "any hour": replace(child, hours=None),
        "a minute more": replace(child, hours=Hours("UTC", ((4, 0, 1440), (5, 0, 1)))),
        "hours elsewhere": replace(child, hours=Hours("Europe/Berlin", ((4, 0, 1440),))),
    }
    for about, wide in widened.items():
        case(f"widened: {about}", _chain((OWNER, first), (FRIEND, wide)), GUEST)
    plain = replace(first, permissions=PRESETS["ADMIN"])
    case("widened: a parent that may not delegate", _chain((OWNER, plain), (FRIEND, child)), GUEST)
    timed = _chain((OWNER, _grant(FRIEND, not_before=WALL, expires=WALL + 100)))
    for wall in (WALL - 61, WALL - 60, WALL + 99, WALL + 100):
        case(f"{wall - WALL} s after it begins", timed, FRIEND, wall=wall)
    case("a link of 91 days", _chain((OWNER, _link(expires=WALL + 91 * DAY))), LAPTOP)
    office = _chain((OWNER, _grant(FRIEND, hours=Hours("Europe/Berlin", ((4, 540, 541),)))))
    for wall in (WALL - 1, WALL, WALL + 59, WALL + 60):
        case(f"at an hour, {wall - WALL} s after it begins", office, FRIEND, wall=wall)
    few = _chain((OWNER, _grant(FRIEND, uses=2)))
    case("used once of two times", few, FRIEND, used={_id("grant"): 1})
    case("used up", few, FRIEND, used={_id("grant"): 2})
    lent = _chain((OWNER, first), (FRIEND, replace(child, uses=1)))
    by_friend = f"{jws.thumbprint(FRIEND.public)} {child.id}"
    case("used up, as its signer's", lent, GUEST, used={by_friend: 1})
    case("another's grant of the same name was used", lent, GUEST, used={child.id: 1})
    both = _chain((OWNER, _grant(FRIEND)), (FRIEND, _link()))
    taken: dict[str, dict[str, Any]] = {
        "the grant": {"grants": [_id("grant")]},
        "the person's key": {"keys": [jws.thumbprint(FRIEND.public)]},
        "the device's key": {"keys": [jws.thumbprint(LAPTOP.public)]},
        "its epoch": {"epochs": {DEVICE: 1}},
    }
    for about, what in taken.items():
        case(f"taken back: {about}", both, LAPTOP, revocation=NONE_REVOKED.next(WALL, **what))
    ending = NONE_REVOKED.next(WALL, grants=[_id("grant")], ends={_id("grant"): WALL + 7 * DAY})
    case("taken back: the grant, until it ends", both, LAPTOP, revocation=ending)
    case("ended before the list", both, LAPTOP, wall=WALL + 7 * DAY, revocation=ending.next(WALL + 7 * DAY))
    theirs = NONE_REVOKED.next(WALL, grants=[child.id])
    case("taken back by who handed it on", _chain((OWNER, first), (FRIEND, child)), GUEST, delegates=(FRIEND, theirs))
    case(
        "taken back by who did not hand it on",
        _chain((OWNER, first), (FRIEND, child)),
        GUEST,
        delegates=(GUEST, theirs),
    )
    others = NONE_REVOKED.next(WALL, grants=[_id("grant")], keys=[jws.thumbprint(GUEST.public)], epochs={DEVICE: 9})
    case(
        "a delegate takes back the owner's", _chain((OWNER, first), (FRIEND, child)), GUEST, delegates=(FRIEND, others)
    )
    old = RevocationList(sequence=1, issued=1)
    case("a delegate's old list", _chain((OWNER, first), (FRIEND, child)), GUEST, delegates=(FRIEND, old))
    case("another was taken back", both, LAPTOP, revocation=NONE_REVOKED.next(WALL, grants=[_id("other")]))
    case(
        "the newest epoch",
        _chain((OWNER, _grant(FRIEND, epoch=3))),
        FRIEND,
        revocation=NONE_REVOKED.next(WALL, epochs={DEVICE: 3}),
    )
    case("a list as old as it may be", both, LAPTOP, wall=WALL + DAY)
    case("a stale list", both, LAPTOP, wall=WALL + DAY + 1)
    return cases


def _enrolled() -> list[dict[str, Any]]:
    """What an owner has signed about a device, among what anybody has."""
    ours = Enrolment(audience=DEVICE, issued=WALL, groups=("office",))
    elsewhere = device_audience(GUEST.number)

    def policy(signer: Identity, sequence: int, groups: tuple[str, ...] | None, audience: str = DEVICE) -> str:
        return sign(signer, Policy(audience=audience, sequence=sequence, groups=groups))

    first, moved = sign(OWNER, ours), policy(OWNER, 2, ("lab",))
    cases = {
        "an enrolment": [first],
        "nothing": [],
        "no statements": ["", "a.b.c", "rubbish", sign(OWNER, _grant(FRIEND))],
        "a policy alone": [moved],
        "another device's": [sign(OWNER, replace(ours, audience=elsewhere))],
        "by somebody else": [sign(GUEST, ours)],
        "a changed one": [first[:-8] + "AAAAAAAA"],
        "a group's": [sign(OWNER, replace(ours, audience="group:office"))],
        "enrolled anew": [first, sign(OWNER, replace(ours, issued=WALL + 1, groups=()))],
        "enrolled anew, told in another order": [sign(OWNER, replace(ours, issued=WALL + 1, groups=())), first],
        "put elsewhere": [first, moved],
        "put back": [moved, first, policy(OWNER, 3, ("office", "lab"))],
        "a policy that says nothing of groups": [first, policy(OWNER, 2, None)],
        "a policy of somebody else's": [first, policy(GUEST, 9, ("vault",))],
        "a policy for another device": [first, policy(OWNER, 9, ("vault",), elsewhere)],
        "a policy for a group": [first, policy(OWNER, 9, ("vault",), "group:office")],
    }
    rows = []
    for about, tokens in cases.items():
        found = enrolled(tokens, HOST.number, jws.thumbprint(OWNER.public))
        groups = None if found is None else list(found.groups)
        rows.append({"about": about, "tokens": tokens, "groups": groups})
    return rows


def _effective() -> list[dict[str, Any]]:
    rows = []
    for at in range(24):
        bits = [
            Permission(int.from_bytes(drawn(f"bits {at} {layer}", 4), "big") & sum(Permission) | (at % 6 > 0))
            for layer in range(5)
        ]
        layers = {"grant": bits[0], "host": bits[1], "consent": bits[2], "request": bits[3]}
        found = effective(policies=[bits[4]], **layers)
        rows.append(
            {**{name: int(value) for name, value in layers.items()}, "policies": [int(bits[4])], "left": int(found)}
        )
    return rows


def rights() -> dict[str, Any]:
    """All of it; `people` holds seeds, and WALL is a Friday, 8:00 UTC."""
    share = Share(drawn("share", 16))
    nonce, seed, prf = drawn("nonce", 12), drawn("owner", 32), drawn("prf", 32)
    recovery = personkey.new_recovery_key(lambda size: drawn("recovery", size))
    return {
        "wall": WALL,
        "people": [
            {"seed": drawn(name, 32).hex(), "public": one.public.hex(), "thumbprint": jws.thumbprint(one.public)}
            for name, one in PEOPLE.items()
        ],
        "audiences": [DEVICE, "group:office"],
        "statements": _statements(),
        "invalid": _invalid(),
        "invalid_lists": _invalid_lists(),
        "invalid_picture_keys": _invalid_picture_keys(),
        "chains": _chains(),
        "enrolled": _enrolled(),
        "effective": _effective(),
        "share": {
            "secret": share.secret.hex(),
            "public": share.identity.public.hex(),
            "pass": share.access_pass.hex(),
            "id": share.id,
            "link": share.link("https://relay.example/", "6GE6-SXC1-KJRD-5AB4-A4CR-FK7Y-ZEXH"),
        },
        "copies": [
            {
                "secret": secret.hex(),
                "nonce": nonce.hex(),
                "seed": seed.hex(),
                "copy": personkey.wrap(seed, secret, lambda size: nonce),
            }
            for secret in (prf, personkey.recovery_secret(recovery))
        ],
        "recovery": {"drawn": drawn("recovery", 17).hex(), "printed": recovery},
    }
