"""Accounts over the API, on both stores: coming in, second factors, sessions, programs, and who tries without a
right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, insert, select

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights.jws import jwk_of, sign
from avl_protocol.rights.statements import Enrolment
from avl_protocol.rights.statements import sign as signed_statement
from avl_relay.accounts.refusals import Refusal
from avl_relay.accounts.signin import SignIn, Visitor
from avl_relay.api.problems import KNOWN, MEDIA_TYPE
from avl_relay.live import number_text
from avl_relay.people import opaque
from avl_relay.people.delay import PASSWORD as SCHEDULE
from avl_relay.store.devices import Devices
from avl_relay.store.engine import Store
from avl_relay.store.people import People
from avl_relay.store.tables import (
    challenges,
    device_authorizations,
    factors,
    limits,
    people,
    refresh_tokens,
    sessions,
)
from tests.relay.visiting import PASSWORD, Browser, Relay

PERSON_KEY = Identity(b"o" * 32)
#: Guesses that are made in the same moment.
AT_ONCE = 10


@pytest.fixture
async def relay(store: Store) -> AsyncIterator[Relay]:
    yield Relay(store)


def code(answer: Any) -> str:
    """The name of a problem, which is one in every way."""
    assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
    body = answer.json()
    assert body["status"] == answer.status_code == KNOWN[body["code"]][0]
    return str(body["code"])


async def with_totp(relay: Relay, browser: Browser) -> pyotp.TOTP:
    """Somebody's second factor, confirmed."""
    made = (await browser.post("/me/factors/totp", {"name": "Phone"})).json()
    app = pyotp.TOTP(made["secret"])
    answer = await browser.post("/me/factors/totp/confirm", {"id": made["id"], "code": app.at(relay.now)})
    assert answer.json()["stage"] == "full", answer.text
    relay.clock.now += 30
    return app


async def member(relay: Relay, login: str = "bob") -> Browser:
    """Somebody who needs no second factor, signed in."""
    async with relay.store.writing() as connection:
        await connection.execute(
            insert(people).values(
                id=opaque.new_id(relay.entropy),
                login=login,
                name=login,
                role="member",
                state="active",
                password_hash=f"plain:{PASSWORD}",
                created=relay.now,
            )
        )
    browser = relay.browser()
    assert (await browser.sign_in(login)).json()["stage"] == "full"
    return browser


# ----------------------------------------------------------------------------------------------------------- coming in


async def test_the_first_person_comes_by_the_code_that_the_first_start_prints(relay: Relay) -> None:
    first, printed = await relay.accounts.setup_code(relay.now), await relay.accounts.setup_code(relay.now)
    assert first and printed and first != printed
    browser = relay.browser()
    assert (await browser.get("/setup")).json() == {"open": True}
    about = {"login": "Ada", "password": PASSWORD}
    for wrong in ("", first, "AAAA-AAAA-AAAA-AAAA-AAAA"):  # a later start made another one
        assert (await browser.post("/setup", {**about, "code": wrong})).status_code in (401, 422)
    weak = await browser.post("/setup", {**about, "code": printed, "password": "password1234"})
    assert code(weak) == "weak-password" and "words" in weak.json()["detail"]
    answer = await browser.post("/setup", {**about, "code": printed.lower().replace("-", " ")})
    assert answer.json()["stage"] == "enrol" and answer.json()["next"] == ["enrol"]
    me = (await browser.get("/me")).json()
    assert (me["login"], me["role"], me["whole"]) == ("ada", "owner", False)
    assert (await browser.get("/setup")).json() == {"open": False}
    assert code(await relay.browser().post("/setup", {**about, "code": printed})) == "credentials"
    assert await relay.accounts.setup_code(relay.now) is None


async def test_whose_role_needs_a_second_factor_adds_one_before_anything_else(relay: Relay) -> None:
    browser = await relay.owner()
    assert code(await browser.get("/me/sessions")) == "unfinished"
    assert code(await browser.get("/device-authorizations/BCDF-GHJK")) == "unfinished"
    await with_totp(relay, browser)
    assert (await browser.get("/me/sessions")).status_code == 200


async def test_an_invitation_is_good_once_and_sets_a_password(relay: Relay) -> None:
    await relay.owner()
    async with relay.store.writing() as connection:
        await People(connection).invite(
            id="b" * 22,
            login="bob",
            name="Bob",
            role="member",
            hash=opaque.digest("secret"),
            now=0,
            expires=relay.now + 9,
        )
    bob = relay.browser()
    assert code(await bob.post("/session", {"login": "bob", "password": PASSWORD})) == "credentials"
    assert code(await bob.post("/invitations", {"invite": "other", "password": PASSWORD})) == "credentials"
    assert code(await bob.post("/invitations", {"invite": "secret", "password": "bob-bob-bob-bob"})) == "weak-password"
    assert (await bob.post("/invitations", {"invite": "secret", "password": PASSWORD})).json()["stage"] == "full"
    assert code(await relay.browser().post("/invitations", {"invite": "secret", "password": PASSWORD})) == "credentials"
    assert (await relay.browser().sign_in("BOB ")).status_code == 200


# ------------------------------------------------------------------------------------------------------------- cookies


async def test_cookies_are_bound_to_host_and_tls_and_unreadable_for_scripts(relay: Relay) -> None:
    browser = await relay.owner()
    await browser.post("/session/step-up", {"password": PASSWORD})
    answer = await browser.post("/session/step-up", {"password": PASSWORD})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 1 and cookies[0].startswith("__Host-avl=")
    words = {word.strip().lower() for word in cookies[0].split(";")[1:]}
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= words and not any("domain" in word for word in words)


async def test_on_loopback_without_tls_cookies_have_another_name_and_elsewhere_there_are_none(relay: Relay) -> None:
    await relay.owner()
    there = relay.browser(here="http://localhost:8080")
    assert "avl-session=" in (await there.sign_in()).headers["set-cookie"]
    assert code(await relay.browser(here="http://relay.test").sign_in()) == "forbidden"


async def test_each_proof_brings_another_cookie_and_the_old_one_is_worth_nothing(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    before = dict(browser.http.cookies)
    assert (await browser.post("/session/step-up", {"code": app.at(relay.now)})).status_code == 200
    assert dict(browser.http.cookies) != before
    stale = relay.browser()
    stale.http.cookies.update(before)
    assert code(await stale.get("/session")) == "not-signed-in"
    async with relay.store.reading() as connection:
        kept = (await connection.execute(select(sessions.c.hash))).scalars().all()
    assert not set(kept) & set(browser.http.cookies.values())  # the store has digests


async def test_a_session_ends_by_itself_and_by_signing_out(relay: Relay) -> None:
    await relay.owner()
    browser = await member(relay)
    relay.clock.now += 1799
    assert (await browser.get("/me")).status_code == 200
    relay.clock.now += 1799
    assert (await browser.get("/me")).status_code == 200
    relay.clock.now += 1800
    assert code(await browser.get("/me")) == "not-signed-in"
    assert (await browser.sign_in("bob")).status_code == 200
    kept = dict(browser.http.cookies)
    assert (await browser.ask("DELETE", "/session")).status_code == 204
    browser.http.cookies.update(kept)
    assert code(await browser.get("/me")) == "not-signed-in"


async def test_other_sites_cannot_act_with_somebodys_cookie(relay: Relay) -> None:
    browser = await relay.owner()
    asked = "/me/factors/recovery"
    for headers in (
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": "https://relay.test:8443"},  # the same name, another port: cookies go there too
        {"origin": "http://relay.test"},
        {"origin": None},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"x_avl_csrf": None},
        {"x_avl_csrf": "wrong"},
        {"x_avl_csrf": ""},
    ):
        assert code(await browser.post(asked, {}, **headers)) == "cross-site", headers
    for method, path in (("DELETE", "/session"), ("PUT", "/me/key"), ("POST", "/session/step-up")):
        assert code(await browser.ask(method, path, {}, origin="https://evil.test")) == "cross-site"
    assert (await browser.post(asked, {})).status_code == 200
    # nor sign somebody in whom they chose
    stranger = relay.browser()
    body = {"login": "ada", "password": PASSWORD}
    assert code(await stranger.post("/session", body, origin="https://evil.test")) == "cross-site"
    form = await stranger.http.post(
        "/api/v1/session", content=json.dumps(body), headers={**stranger.headers, "content-type": "text/plain"}
    )
    assert code(form) == "media-type"


async def test_oversized_and_deeply_nested_bodies_are_refused_before_they_are_built(relay: Relay) -> None:
    browser = relay.browser()
    for content in (
        b"[" * 20_000,
        b'{"a":' * 10_000,
        b'{"login":"' + b"a" * 70_000 + b'"}',
        b"\xff",
        b'{"login": NaN}',
    ):
        answer = await browser.http.post(
            "/api/v1/session", content=content, headers={**browser.headers, "content-type": "application/json"}
        )
        assert code(answer) in ("malformed", "too-large")


# ----------------------------------------------------------------------------------------------------------- passwords


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(relay: Relay) -> None:
    await relay.owner()
    texts = set()
    for login, password in (("ada", "wrong password here"), ("nobody", PASSWORD), ("x" * 100, " "), ("ada\n", "x")):
        answer = await relay.browser().post("/session", {"login": login, "password": password})
        texts.add((answer.status_code, answer.text))
    assert len(texts) == 1
    for attempt in range(10):
        of_nobody = await relay.browser(f"192.0.2.{attempt}").post("/session", {"login": "nobody", "password": "x"})
        of_ada = await relay.browser(f"192.0.2.{attempt}").post("/session", {"login": "ada", "password": "x"})
    assert (of_nobody.status_code, of_nobody.text) == (of_ada.status_code, of_ada.text)
    assert code(of_ada) == "limited" and int(of_ada.headers["retry-after"]) > 0


async def test_guesses_from_a_thousand_sources_get_ten_answers_an_hour(store: Store) -> None:
    guesses = 1_000  # in an hour; the rule itself is shown ten thousand, without a store
    relay = Relay(store)
    await relay.owner()
    sign_in, answers, limited = SignIn(relay.premises), 0, 0
    crowd = [Visitor(address=f"10.{n % 250}.{n // 250}.1", browser="", agent="") for n in range(1000)]

    async def guess(number: int) -> str:
        with pytest.raises(Refusal) as refused:
            await sign_in.password("ada", f"guess {number}", crowd[number % 1000], relay.now)
        return refused.value.code

    for first in range(0, guesses, AT_ONCE):
        codes = await asyncio.gather(*(guess(first + at) for at in range(AT_ONCE)))
        answers += codes.count("credentials")
        limited += codes.count("limited")
        relay.clock.now += 3600 / guesses * AT_ONCE
    assert answers <= 10 and answers + limited == guesses
    # and nobody is locked out for good
    relay.clock.now += SCHEDULE.most
    assert (await relay.browser().sign_in()).status_code == 200


async def test_who_has_signed_in_from_a_browser_gets_in_while_others_guess(relay: Relay) -> None:
    await relay.owner()
    browser = await member(relay)
    await browser.ask("DELETE", "/session")
    for number in range(20):
        await relay.browser(f"10.0.{number}.1").post("/session", {"login": "bob", "password": "x"})
    assert code(await relay.browser().sign_in("bob")) == "limited"
    assert (await browser.sign_in("bob")).json()["stage"] == "full"


async def test_what_limits_keep_tells_no_name(relay: Relay) -> None:
    await relay.browser().post("/session", {"login": "somebody@example.org", "password": "x"})
    async with relay.store.reading() as connection:
        rows = (await connection.execute(select(limits.c.key))).scalars().all()
    assert len(rows) == 1 and "somebody" not in rows[0] and len(rows[0]) == 43


async def test_another_password_signs_all_others_out(relay: Relay) -> None:
    await relay.owner()
    one, other = await member(relay), relay.browser()
    await other.sign_in("bob")
    assert code(await one.ask("PUT", "/me/password", {"password": "bobbobbobbob"})) == "weak-password"
    relay.clock.now += 301
    new = {"password": "four words beside each other"}
    assert code(await one.ask("PUT", "/me/password", new)) == "step-up"
    assert (await one.post("/session/step-up", {"password": PASSWORD})).status_code == 200
    assert (await one.ask("PUT", "/me/password", new)).status_code == 204
    assert (await one.get("/me")).status_code == 200
    assert code(await other.get("/session")) == "not-signed-in"
    assert code(await relay.browser().sign_in("bob")) == "credentials"


# ------------------------------------------------------------------------------------------------------ second factors


async def test_a_code_is_asked_for_and_taken_once(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    await browser.ask("DELETE", "/session")
    answer = await browser.sign_in()
    assert answer.json() | {"csrf": ""} == {"stage": "factor", "next": ["totp"], "csrf": "", "person": None}
    assert code(await browser.get("/me")) == "not-signed-in"
    now = app.at(relay.now)
    assert code(await browser.post("/session/totp", {"code": "000000"})) == "credentials"
    assert (await browser.post("/session/totp", {"code": now})).json()["stage"] == "full"
    await browser.ask("DELETE", "/session")
    await browser.sign_in()
    assert code(await browser.post("/session/totp", {"code": now})) == "credentials"  # again within its 90 s
    relay.clock.now += 30
    assert (await browser.post("/session/totp", {"code": app.at(relay.now)})).json()["stage"] == "full"


async def test_a_code_is_guessed_at_three_times(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    thief = relay.browser()
    await thief.sign_in()  # who knows the password
    wrong = [str((int(app.at(relay.now)) + n) % 1_000_000).zfill(6) for n in range(400_000, 400_010)]
    codes = [code(await thief.post("/session/totp", {"code": each})) for each in wrong]
    assert codes == ["credentials"] * 3 + ["limited"] * 7
    assert (await browser.post("/session/step-up", {"code": app.at(relay.now)})).status_code == 200  # the owner goes on


async def test_the_secret_of_an_authenticator_is_sealed_in_the_store(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    async with relay.store.reading() as connection:
        kept = json.dumps([dict(row._mapping) for row in await connection.execute(select(factors))], default=str)
    assert app.secret not in kept and len(kept) > 100


async def test_recovery_codes_are_good_once_each_and_let_a_new_device_in(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    codes = (await browser.post("/me/factors/recovery", {})).json()["codes"]
    assert len(codes) == 10
    listed = (await browser.get("/me/factors")).json()["items"]
    assert [(one["kind"], one.get("left")) for one in listed] == [("totp", None), ("recovery", 10)]
    other = relay.browser()
    assert (await other.sign_in()).json()["next"] == ["totp", "recovery"]
    assert (await other.post("/session/recovery", {"code": codes[0].lower()})).json()["stage"] == "full"
    third = relay.browser()
    await third.sign_in()
    assert code(await third.post("/session/recovery", {"code": codes[0]})) == "credentials"
    assert (await browser.get("/me/factors")).json()["items"][1]["left"] == 9


async def test_a_new_device_waits_until_another_one_approves_it(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    other = relay.browser()
    await other.sign_in()
    waiting = (await other.post("/session/totp", {"code": app.at(relay.now)})).json()
    assert waiting["stage"] == "approval" and waiting["next"] == ["approval"]
    assert code(await other.get("/me")) == "not-signed-in"
    shown = [one for one in (await browser.get("/me/sessions")).json()["items"] if one["stage"] == "approval"]
    assert len(shown) == 1 and shown[0]["name"] == "Browser" and not shown[0]["current"]
    approve = f"/me/sessions/{shown[0]['id']}/approve"
    assert code(await other.post(approve, {})) == "not-signed-in"  # nobody approves himself
    assert (await browser.post(approve, {})).status_code == 204
    assert (await other.get("/session")).json()["stage"] == "full"
    assert (await other.get("/me")).json()["login"] == "ada"
    await other.ask("DELETE", "/session")
    await other.sign_in()
    relay.clock.now += 120
    assert (await other.post("/session/totp", {"code": app.at(relay.now)})).json()["stage"] == "full"  # known now


async def test_a_new_device_that_is_sent_away_does_not_get_in(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    other = relay.browser()
    await other.sign_in()
    await other.post("/session/totp", {"code": app.at(relay.now)})
    waits = next(one for one in (await browser.get("/me/sessions")).json()["items"] if one["stage"] == "approval")
    assert (await browser.ask("DELETE", f"/me/sessions/{waits['id']}")).status_code == 204
    assert code(await other.get("/session")) == "not-signed-in"


async def test_factors_change_only_with_a_factor_of_the_last_minutes(relay: Relay) -> None:
    browser = await relay.owner()
    app = await with_totp(relay, browser)
    relay.clock.now += 300
    for asked in (
        ("POST", "/me/factors/totp"),
        ("POST", "/me/factors/recovery"),
        ("POST", "/me/factors/passkey/options"),
    ):
        assert code(await browser.ask(*asked, {})) == "step-up"
    assert code(await browser.post("/session/step-up", {})) == "invalid"
    assert (await browser.post("/session/step-up", {"password": PASSWORD})).status_code == 200
    assert code(await browser.post("/me/factors/recovery", {})) == "step-up"  # a password is no second factor
    assert (await browser.post("/session/step-up", {"code": app.at(relay.now)})).status_code == 200
    assert (await browser.post("/me/factors/recovery", {})).status_code == 200
    own = (await browser.get("/me/factors")).json()["items"][0]["id"]
    assert code(await browser.ask("DELETE", f"/me/factors/{own}")) == "conflict"  # the last one of an owner
    assert code(await browser.ask("DELETE", f"/me/factors/{'x' * 22}")) == "not-found"


async def test_who_is_disabled_is_out_at_once(relay: Relay) -> None:
    await relay.owner()
    browser = await member(relay)
    async with relay.store.writing() as connection:
        await connection.execute(people.update().where(people.c.login == "bob").values(state="disabled"))
    assert code(await browser.get("/me")) == "not-signed-in"
    assert code(await relay.browser().sign_in("bob")) == "credentials"


async def test_what_is_over_is_dropped_and_what_is_not_stays(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    program = await approved(relay, browser)
    await relay.program(b"w" * 32).begin()
    await relay.browser().post("/session", {"login": "nobody", "password": "x"})
    await relay.browser().post("/session/passkey/options", {})
    tables = (sessions, limits, challenges, device_authorizations, refresh_tokens)

    async def counts() -> list[int]:
        async with relay.store.reading() as connection:
            return [await connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    before = await counts()
    assert all(before)
    await relay.accounts.tidy(relay.now)
    assert await counts() == before
    relay.clock.now += 2 * 86_400
    await relay.accounts.tidy(relay.now)
    assert await counts() == [0, 0, 0, 0, 1]
    assert (await program.turn()).status_code == 200
    relay.clock.now += 91 * 86_400
    await relay.accounts.tidy(relay.now)
    assert await counts() == [0, 0, 0, 0, 0]


# ---------------------------------------------------------------------------------------------------------------- keys


async def test_a_key_and_its_copies_are_kept_and_another_key_drops_the_copies(relay: Relay) -> None:
    await relay.owner()
    browser = await member(relay)
    assert code(await browser.get("/me/key")) == "not-found"
    put = await browser.ask("PUT", "/me/key", {"jwk": jwk_of(PERSON_KEY.public)})
    assert put.json() == (await browser.get("/me/key")).json()
    copy = {"kind": "recovery", "name": "Paper", "data": {"sealed": "x"}}
    made = await browser.post("/me/key-copies", copy)
    assert made.status_code == 201
    assert (await browser.get("/me/key-copies")).json()["items"] == [made.json()]
    assert code(await browser.post("/me/key-copies", {**copy, "data": {"x": "y" * 5000}})) == "invalid"
    await browser.ask("PUT", "/me/key", {"jwk": jwk_of(Identity(b"2" * 32).public)})
    assert (await browser.get("/me/key-copies")).json()["items"] == []
    for wrong in ({}, {"kty": "oct", "k": "x"}, {**jwk_of(PERSON_KEY.public), "d": "x"}):
        assert code(await browser.ask("PUT", "/me/key", {"jwk": wrong})) == "invalid"
    assert (await browser.ask("DELETE", "/me/key")).status_code == 204
    assert code(await browser.ask("DELETE", "/me/key")) == "not-found"


async def test_a_key_is_one_persons(relay: Relay) -> None:
    await relay.owner()
    one, other = await member(relay), await member(relay, "eve")
    assert (await one.ask("PUT", "/me/key", {"jwk": jwk_of(PERSON_KEY.public)})).status_code == 200
    assert code(await other.ask("PUT", "/me/key", {"jwk": jwk_of(PERSON_KEY.public)})) == "conflict"


# ------------------------------------------------------------------------------------------------------------ programs


async def test_a_program_signs_in_by_a_code_that_somebody_approves(relay: Relay) -> None:
    browser, program = await relay.owner(), relay.program()
    await with_totp(relay, browser)
    asked = (await program.begin(name="avl on \u202elaptop\n<b>", system="Linux", software="avl 1")).json()
    assert asked["verification_uri_complete"] == f"https://relay.test/account/#code={asked['user_code']}"
    assert (await program.poll()).json()["error"] == "authorization_pending"
    assert (await program.poll()).json()["error"] == "slow_down"
    path = f"/device-authorizations/{asked['user_code'].lower().replace('-', '')}"
    shown = (await browser.get(path)).json()
    assert shown["jkt"] == program.jkt and "\u202e" not in shown["name"] and "\n" not in shown["name"]
    assert (await browser.post(f"{path}/approve", {})).status_code == 204
    relay.clock.now += 11
    assert (await program.poll()).status_code == 200
    assert (await program.poll()).json()["error"] == "invalid_grant"  # handed out once
    assert (await program.turn()).status_code == 200
    assert (await program.ask("GET", "/me")).json()["login"] == "ada"
    listed = (await browser.get("/me/sessions")).json()["items"]
    assert [one["kind"] for one in listed] == ["browser", "program"]
    assert (await browser.ask("DELETE", f"/me/sessions/{listed[1]['id']}")).status_code == 204
    assert code(await program.ask("GET", "/me")) == "not-signed-in"
    assert (await program.turn()).json()["error"] == "invalid_grant"


async def approved(relay: Relay, browser: Browser, seed: bytes = b"p" * 32) -> Any:
    program = relay.program(seed)
    asked = (await program.begin()).json()
    assert (await browser.post(f"/device-authorizations/{asked['user_code']}/approve", {})).status_code == 204
    assert (await program.poll()).status_code == 200
    return program


async def test_approving_takes_a_second_factor_of_the_last_minutes(relay: Relay) -> None:
    browser, program = await relay.owner(), relay.program()
    app = await with_totp(relay, browser)
    bob = await member(relay)
    asked = (await program.begin()).json()
    path = f"/device-authorizations/{asked['user_code']}/approve"
    assert code(await bob.post(path, {})) == "step-up"  # has none
    relay.clock.now += 301
    assert code(await browser.post(path, {})) == "step-up"
    await browser.post("/session/step-up", {"code": app.at(relay.now)})
    assert (await browser.post(path, {})).status_code == 204


async def test_a_program_that_is_denied_or_forgotten_is_told_so(relay: Relay) -> None:
    browser, one, other = await relay.owner(), relay.program(), relay.program(b"q" * 32)
    await with_totp(relay, browser)
    asked = (await one.begin()).json()
    await other.begin()
    assert (await browser.post(f"/device-authorizations/{asked['user_code']}/deny", {})).status_code == 204
    assert (await one.poll()).json()["error"] == "access_denied"
    relay.clock.now += 600
    assert (await other.poll()).json()["error"] == "expired_token"


async def test_user_codes_are_not_guessed(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    codes = [code(await browser.get(f"/device-authorizations/BCDFGHJ{letter}")) for letter in "BCDFGHJK"]
    assert codes == ["credentials"] * 4 + ["limited"] * 4


async def test_a_refresh_token_that_comes_twice_ends_all_that_came_of_it(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    program = await approved(relay, browser)
    stolen = program.refresh
    assert (await program.turn()).status_code == 200
    assert (await program.ask("GET", "/me")).status_code == 200
    thief = relay.program(b"t" * 32)
    assert (await thief.turn(stolen)).json()["error"] == "invalid_grant"  # another key ends nothing
    assert (await program.ask("GET", "/me")).status_code == 200
    assert (await program.turn(stolen)).json()["error"] == "invalid_grant"
    assert code(await program.ask("GET", "/me")) == "not-signed-in"
    assert (await program.turn()).json()["error"] == "invalid_grant"
    async with relay.store.reading() as connection:
        live = refresh_tokens.c.revoked.is_(None)
        assert (await connection.execute(select(func.count()).select_from(refresh_tokens).where(live))).scalar() == 0


async def test_an_access_token_is_worth_nothing_without_its_key(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    program = await approved(relay, browser)
    thief = relay.program(b"t" * 32)
    assert code(await thief.ask("GET", "/me", token=program.access)) == "not-signed-in"
    bare = await program.http.get("/api/v1/me", headers={"authorization": f"Bearer {program.access}"})
    assert code(bare) == "not-signed-in"
    headers = {"authorization": f"Bearer {program.access}", "x-avl-proof": program.proof("GET", "/me", program.access)}
    assert (await program.http.get("/api/v1/me", headers=headers)).status_code == 200
    assert code(await program.http.get("/api/v1/me", headers=headers)) == "not-signed-in"  # replayed
    relay.clock.now += 300
    assert code(await program.ask("GET", "/me")) == "not-signed-in"
    assert (await program.turn()).status_code == 200
    assert (await program.ask("GET", "/me")).status_code == 200
    assert (await program.ask("DELETE", "/session")).status_code == 204
    assert code(await program.ask("GET", "/me")) == "not-signed-in"


async def test_a_proof_counts_once_at_all_processes_of_a_relay_together(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    program = await approved(relay, browser)
    other = Relay(relay.store)  # another worker, or the same after a restart
    other.clock.now = relay.clock.now
    there = other.program().http

    def shown() -> dict[str, str]:
        proof = program.proof("GET", "/me", program.access)
        return {"authorization": f"Bearer {program.access}", "x-avl-proof": proof}

    async def both(headers: dict[str, str]) -> list[int]:
        asked = (http.get("/api/v1/me", headers=headers) for http in (program.http, there))
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    headers = shown()
    assert (await program.http.get("/api/v1/me", headers=headers)).status_code == 200
    replayed = await there.get("/api/v1/me", headers=headers)
    assert code(replayed) == "not-signed-in" and "used before" in replayed.json()["detail"]
    for _ in range(5):
        assert await both(shown()) == [200, 401]  # whoever is first
    about = {"kind": "program", "jkt": program.jkt}
    proof = {"x-avl-proof": program.proof("POST", "/device-authorizations")}
    assert (await there.post("/api/v1/device-authorizations", headers=proof, json=about)).status_code == 200
    assert code(await program.http.post("/api/v1/device-authorizations", headers=proof, json=about)) == "not-signed-in"

    async def kept() -> object:
        async with relay.store.reading() as connection:
            seen = select(func.count()).select_from(challenges).where(challenges.c.kind == "proof")
            return await connection.scalar(seen)

    assert await kept() == 9  # those of the approval among them
    relay.clock.now += 62
    assert (await program.http.get("/api/v1/me", headers=shown())).status_code == 200
    assert await kept() == 1, "those that hold no more are dropped"


async def test_what_changes_ones_sign_in_is_not_a_programs_to_do(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    program = await approved(relay, browser)
    for asked in (("POST", "/me/factors/totp"), ("PUT", "/me/key"), ("PUT", "/me/password")):
        bodies: dict[str, Any] = {"/me/key": {"jwk": jwk_of(PERSON_KEY.public)}, "/me/password": {"password": PASSWORD}}
        assert code(await program.ask(*asked, bodies.get(asked[1], {}))) == "not-signed-in"
    other = relay.program(b"z" * 32)
    waits = (await other.begin()).json()["user_code"]
    assert code(await program.ask("POST", f"/device-authorizations/{waits}/approve", {})) == "forbidden"


async def test_a_host_is_enrolled_by_what_the_persons_key_signed(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    await browser.ask("PUT", "/me/key", {"jwk": jwk_of(PERSON_KEY.public)})
    host = relay.program(b"h" * 32)
    device = number_text(host.key.number)
    assert code(await host.begin(kind="host")) == "invalid"  # another device than the key's
    asked = (await host.begin(kind="host", device=device, name="Desk", system="Linux", software="avl")).json()
    path = f"/device-authorizations/{asked['user_code']}"
    assert (await browser.get(path)).json()["device"] == device

    def enrolment(by: Identity = PERSON_KEY, audience: str = f"device:{device}") -> dict[str, str]:
        said = Enrolment(audience=audience, issued=relay.now, groups=("office",), name="My desk")
        return {"enrolment": signed_statement(by, said)}

    assert code(await browser.post(f"{path}/approve", {})) == "invalid"
    for wrong in (enrolment(Identity(b"x" * 32)), enrolment(audience="device:" + "0" * 28)):
        assert code(await browser.post(f"{path}/approve", wrong)) == "unverified"
    not_one = {"enrolment": sign(PERSON_KEY, "avl-grant+jwt", {"aud": f"device:{device}"}, with_key=True)}
    assert code(await browser.post(f"{path}/approve", not_one)) == "unverified"
    right = enrolment()
    assert (await browser.post(f"{path}/approve", right)).status_code == 204
    confirm = "/device-authorizations/confirm"
    shown = {"device_code": asked["device_code"]}
    assert (await host.ask("POST", confirm, shown, "")).json()["error"] == "authorization_pending"
    assert (await host.poll()).json() | {"person": ""} == {"token_type": "Bearer", "person": "", **right}
    async with relay.store.reading() as connection:
        assert await Devices(connection).one(device) is None, "it is in no list before its own person has confirmed"
    other = relay.program(b"o" * 32)
    assert (await other.ask("POST", confirm, shown, "")).json()["error"] == "expired_token"
    for _ in range(2):
        assert (await host.ask("POST", confirm, shown, "")).status_code == 204, "also where the answer was lost"
    async with relay.store.reading() as connection:
        kept = await Devices(connection).one(device)
    assert kept is not None and (kept.name, kept.system, kept.groups) == ("My desk", "Linux", ("office",))


async def test_a_host_that_nobody_confirms_goes_with_its_code_and_changes_nothing(relay: Relay) -> None:
    browser = await relay.owner()
    await with_totp(relay, browser)
    await browser.ask("PUT", "/me/key", {"jwk": jwk_of(PERSON_KEY.public)})
    host = relay.program(b"h" * 32)
    device = number_text(host.key.number)
    asked = (await host.begin(kind="host", device=device)).json()
    said = Enrolment(audience=f"device:{device}", issued=relay.now)
    approve = f"/device-authorizations/{asked['user_code']}/approve"
    right = {"enrolment": signed_statement(PERSON_KEY, said)}
    assert (await browser.post(approve, right)).status_code == 204
    assert (await host.poll()).status_code == 200
    relay.clock.now += asked["expires_in"]
    late = await host.ask("POST", "/device-authorizations/confirm", {"device_code": asked["device_code"]}, "")
    assert late.json()["error"] == "expired_token"
    async with relay.store.reading() as connection:
        assert await Devices(connection).one(device) is None
