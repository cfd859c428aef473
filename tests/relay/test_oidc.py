"""Signing in with a real OpenID Connect provider (npm's oidc-provider): who is let in, linked, made new, refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import httpx2
import pytest
from sqlalchemy import update

from avl_protocol.endpoint.loop.clock import SystemClock
from avl_relay.people import oidc
from avl_relay.people.oidc import BadProviders, Provider, read_providers
from avl_relay.store.credentials import Credentials
from avl_relay.store.engine import Store
from avl_relay.store.tables import people
from tests.relay.test_accounts import code, member
from tests.relay.visiting import HERE, PASSWORD, Browser, Relay
from tests.tools import need, without

SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
BACK = f"{HERE}/api/v1/oidc/company/callback"
SECRET = "client secret of the relay"


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    """The provider's issuer."""
    node = need("node")
    if not (SCRIPT.parents[2] / "node_modules" / "oidc-provider").exists():
        without("npm's oidc-provider is not installed (./dev test installs it)")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, str(SCRIPT), BACK, stdin=pipe, stdout=pipe, stderr=None)
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(30):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


def company(issuer: str, **changed: Any) -> Provider:
    made = Provider(name="company", title="Company", issuer=issuer, client_id="avl", client_secret=SECRET)
    return replace(made, **changed)


def of(store: Store, provider: Provider, **more: Any) -> Relay:
    """A relay with this provider, whose clock is the world's: the provider's own goes by that."""
    relay = Relay(store, providers={provider.name: provider}, **more)
    relay.clock.now = SystemClock().wall()
    return relay


async def sent(browser: Browser, query: str = "") -> str:
    """Where a browser is sent."""
    answer = await browser.get(f"/oidc/company/begin{query}", origin=None)
    assert answer.status_code == 303
    return answer.headers["location"]


async def through(address: str, hint: str = "") -> str:
    """What the provider sends the browser back with, as a path of the API."""
    address += f"&login_hint={hint}" if hint else ""
    async with httpx.AsyncClient() as http:  # the browser's cookies at the provider
        while not address.startswith(BACK):
            answer = await http.get(address)
            assert answer.next_request is not None, answer.text
            address = str(answer.next_request.url)
    return address.removeprefix(HERE + "/api/v1")


async def come(browser: Browser, hint: str = "", query: str = "") -> httpx.Response:
    """There and back."""
    return await browser.get(await through(await sent(browser, query), hint), origin=None)


def failed(answer: httpx.Response) -> str:
    """What the page is told."""
    assert answer.status_code == 303 and "set-cookie" not in answer.headers
    return parse_qs(urlsplit(answer.headers["location"]).fragment)["failed"][0]


@pytest.mark.parametrize("changed", [{}, {"client_id": "open", "client_secret": ""}])
async def test_who_is_known_to_a_provider_becomes_a_member_and_comes_back_as_the_same(
    store: Store, changed: dict[str, Any]
) -> None:
    async with running() as issuer:
        relay = of(store, company(issuer, register=True, **changed))
        await relay.owner()
        browser = relay.browser()
        assert (await browser.get("/oidc")).json() == {
            "items": [{"name": "company", "title": "Company", "issuer": issuer}]
        }
        answer = await come(browser)
        assert answer.headers["location"] == "/account/"
        assert (await browser.get("/session")).json()["stage"] == "full"
        me = (await browser.get("/me")).json()
        assert (me["login"], me["role"], me["providers"]) == ("carol", "member", [issuer])
        assert me["name"].startswith("carol <b>") and "\u202e" not in me["name"]  # hostile text stays text
        await come(browser)  # from the same browser, as the same person
        assert (await browser.get("/session")).json()["stage"] == "full"
        assert (await browser.get("/me")).json()["id"] == me["id"]


async def test_an_address_or_a_login_links_nobody(store: Store) -> None:
    """The provider says `bob` and ada's e-mail address: neither makes somebody bob or ada here."""
    async with running() as issuer:
        relay = of(store, company(issuer))
        await relay.owner()
        await member(relay)
        assert "Nobody here is known" in failed(await come(relay.browser(), "bob"))
        browser = of(store, company(issuer, register=True)).browser()
        await come(browser, "bob")
        await browser.get("/session")
        me = (await browser.get("/me")).json()
        assert me["login"].startswith("bob-") and me["role"] == "member"


async def test_who_is_signed_in_links_a_provider_and_signs_in_with_it(store: Store) -> None:
    async with running() as issuer:
        relay = of(store, company(issuer))
        await relay.owner()
        bob = await member(relay)
        assert (await come(bob, "robert", "?link=true")).headers["location"] == "/account/"
        await bob.ask("DELETE", "/session")
        await come(bob, "robert")
        assert (await bob.get("/session")).json()["stage"] == "full"
        assert (await bob.get("/me")).json()["login"] == "bob"
        new_device = relay.browser()
        await come(new_device, "robert")
        assert (await new_device.get("/session")).json()["stage"] == "approval"
        eve = await member(relay, "eve")
        assert "somebody else" in failed(await come(eve, "robert", "?link=true"))
        assert "Sign in first" in failed(await relay.browser().get("/oidc/company/begin?link=true", origin=None))


async def test_a_provider_is_unlinked_by_who_shows_a_factor_and_never_the_last_way_in(store: Store) -> None:
    relay = of(store, company("https://id.test"))
    await relay.owner()
    bob = await member(relay)
    me = (await bob.get("/me")).json()["id"]
    async with store.writing() as connection:
        for issuer in ("https://id.test", "https://gone.test"):
            await Credentials(connection).link(issuer, "robert", me, relay.now)
    assert code(await bob.ask("DELETE", "/me/providers", {"issuer": "https://e.test"})) == "not-found"
    assert (await bob.ask("DELETE", "/me/providers", {"issuer": "https://gone.test"})).status_code == 204
    assert (await bob.get("/me")).json()["providers"] == ["https://id.test"]
    relay.clock.now += 301
    assert code(await bob.ask("DELETE", "/me/providers", {"issuer": "https://id.test"})) == "step-up"
    await bob.post("/session/step-up", {"password": PASSWORD})
    async with store.writing() as connection:
        await connection.execute(update(people).where(people.c.id == me).values(password_hash=None))
        await Credentials(connection).link("https://gone.test", "robert", me, relay.now)
    assert code(await bob.ask("DELETE", "/me/providers", {"issuer": "https://id.test"})) == "conflict", (
        "who can't come in by the other one any more would be shut out"
    )
    async with store.writing() as connection:
        await connection.execute(update(people).where(people.c.id == me).values(password_hash=f"plain:{PASSWORD}"))
    assert (await bob.ask("DELETE", "/me/providers", {"issuer": "https://id.test"})).status_code == 204
    assert (await bob.get("/me")).json()["providers"] == ["https://gone.test"]


async def test_a_state_is_good_once_for_the_browser_that_began(store: Store) -> None:
    async with running() as issuer:
        relay = of(store, company(issuer, register=True))
        await relay.owner()
        browser, victim = relay.browser(), relay.browser()
        back = await through(await sent(browser))
        assert "not right" in failed(await victim.get(back, origin=None))  # another's way back signs nobody in
        assert "not right" in failed(await browser.get(back, origin=None))  # and is used up by that
        back = await through(await sent(browser))
        other = back.replace(quote(issuer, safe=""), "https%3A%2F%2Fevil.test")
        assert other != back and "not right" in failed(await browser.get(other, origin=None))
        back = await through(await sent(browser))
        assert (await browser.get(back, origin=None)).headers["location"] == "/account/"
        for wrong in ("?error=access_denied&state=x", "?code=x&state=x", "?code=x"):
            failed(await browser.get(f"/oidc/company/callback{wrong}", origin=None))
        assert code(await browser.get("/oidc/company/callback?surprise=1", origin=None)) == "invalid"


class Between(httpx2.AsyncBaseTransport):
    """The network between relay and provider, which changes what is read."""

    def __init__(self) -> None:
        self.real = httpx2.AsyncHTTPTransport()
        self.change: Callable[[str], str] = str

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.real.handle_async_request(request)
        text = (await answer.aread()).decode()
        headers = {"content-type": answer.headers.get("content-type", "")}
        return httpx2.Response(answer.status_code, headers=headers, content=self.change(text).encode())


def resigned(text: str) -> str:
    """Another signature under the ID token."""
    at = text.find('"id_token":"')
    end = text.find('"', at + 12)
    return text if at < 0 else f"{text[: end - 12]}AAAAAAAA{text[end - 4 :]}"


async def test_a_provider_that_is_gone_or_lies_signs_nobody_in(store: Store) -> None:
    async with running() as issuer:
        await of(store, company(issuer)).owner()
        between = Between()

        async def tried(change: Callable[[str], str]) -> str:
            between.change = change
            browser = of(store, company(issuer, register=True), network=between).browser()
            begun = await browser.get("/oidc/company/begin", origin=None)
            if begun.headers["location"].startswith("/account/"):
                return failed(begun)
            return failed(await browser.get(await through(begun.headers["location"]), origin=None))

        name = f'"issuer":"{issuer}"'
        assert "another name" in await tried(lambda text: text.replace(name, '"issuer":"https://e.test"'))
        assert "safe" in await tried(lambda text: text.replace(f"{issuer}/jwks", "http://evil.test/jwks"))
        assert "not signed" in await tried(resigned)
        assert "as it should" in await tried(lambda text: "[" * 100_000)
        assert "as it should" in await tried(lambda text: "x" * (oidc.ANSWER_BYTES + 1))
        assert "keys" in await tried(lambda text: '{"keys": 5}' if text.startswith('{"keys"') else text)
        await between.real.aclose()
    relay = of(store, company(issuer, register=True))
    assert "try again later" in failed(await relay.browser().get("/oidc/company/begin", origin=None))
    assert "no provider" in failed(await relay.browser().get("/oidc/nothing/begin", origin=None))


def test_providers_are_read_and_what_is_wrong_is_said() -> None:
    text = '[company]\ntitle = "Company"\nissuer = "https://id.example.com"\nclient_id = "avl"\nregister = true\n'
    read = read_providers(text)["company"]
    assert (read.title, read.register, read.second_factor, read.client_secret) == ("Company", True, False, "")
    for wrong, word in (
        ("[company", "TOML"),
        ("[Company]\n", "small letters"),
        ("company = 1\n", "table"),
        ("[company]\nissuer = 'https://x'\n", "client_id"),
        ("[company]\nissuer = 'http://id.example.com'\nclient_id = 'a'\n", "https"),
        ("[company]\nissuer = 'https://x'\nclient_id = 'a'\nregister = 'yes'\n", "register"),
        ("[company]\nissuer = 'https://x'\nclient_id = 'a'\nelse = 1\n", "else"),
    ):
        with pytest.raises(BadProviders, match=word):
            read_providers(wrong)
    assert SECRET not in repr(company("https://x"))
