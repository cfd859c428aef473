"""Passkeys as Chromium makes them, with its virtual authenticator: made, shown alone and as a second factor, and what a
relay refuses of them; and the secret that a page gets from one (PRF), which opens the person key."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import insert

from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_relay.accounts.premises import Premises
from avl_relay.api.accounts import Accounts
from avl_relay.api.frame import Frame
from avl_relay.http.app import PageInfo, build, names_allowed
from avl_relay.http.tcp import QuietServer
from avl_relay.live import Live
from avl_relay.people import opaque
from avl_relay.people.passwords import PlainHashing
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import people
from interop.cdp import Page, browser
from tests.relay.visiting import KEYS, PASSWORD
from tests.tools import need

pytestmark = pytest.mark.browser

AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasPrf": True,
    "automaticPresenceSimulation": True,
}
#: What a page needs to ask the API and its authenticator; `text` and `bytes` are base64url and back.
SCRIPT = """
globalThis.text = (data) => btoa(String.fromCharCode(...new Uint8Array(data)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const plain = (said) => atob(said.replaceAll("-", "+").replaceAll("_", "/"));
globalThis.bytes = (said) => Uint8Array.from(plain(said), (character) => character.charCodeAt(0));
globalThis.csrf = "";
globalThis.ask = async (method, path, body) => {
  const headers = { "content-type": "application/json", "x-avl-csrf": csrf };
  const sent = method === "GET" ? undefined : JSON.stringify(body ?? {});
  const answer = await fetch("/api/v1" + path, { method, headers, body: sent });
  const said = answer.status === 204 ? {} : await answer.json();
  csrf = said.csrf || csrf;
  return { status: answer.status, ...said };
};
const prf = (options) => ({ prf: { eval: { first: bytes(options.extensions.prf.eval.first) } } });
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
globalThis.make = async (options) => {
  const made = await navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: named(options.excludeCredentials),
    extensions: prf(options) } });
  const said = made.response;
  return { id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
    response: { clientDataJSON: text(said.clientDataJSON), attestationObject: text(said.attestationObject) } };
};
globalThis.show = async (options, extensions = prf(options)) => {
  const shown = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge),
    allowCredentials: named(options.allowCredentials), extensions } });
  const said = shown.response, secret = shown.getClientExtensionResults().prf?.results?.first;
  return { secret: secret ? text(secret) : "", credential: { id: shown.id, rawId: text(shown.rawId), type: shown.type,
    clientExtensionResults: {}, response: { clientDataJSON: text(said.clientDataJSON), signature: text(said.signature),
      authenticatorData: text(said.authenticatorData), userHandle: said.userHandle ? text(said.userHandle) : null } } };
};
"""


@asynccontextmanager
async def relay(folder: Path) -> AsyncIterator[tuple[Accounts, Store, str]]:
    """The API with accounts behind the page's own guard, on loopback, and its address."""
    clock, store = SystemClock(), Store(database_url(None, folder))
    await store.open()

    async def opened() -> Store:
        return store

    premises = Premises(
        store=opened, keys=KEYS, entropy=entropy, monotonic=clock.monotonic, hashing=PlainHashing(), title="test"
    )
    accounts = Accounts(premises, issuer="pin", live=Live(wall=clock.wall))
    errors: list[BaseException] = []
    frame = Frame(accounts.resources, store=opened, identities=accounts.identities, clock=clock, report=errors.append)
    names = names_allowed("localhost", "127.0.0.1")
    app = build(lambda: PageInfo("", b"", (), False), names, lambda: "clear", api=frame)
    bound = socket.create_server(("127.0.0.1", 0))
    settings = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = QuietServer(settings, bound)
    await server.start()
    try:
        yield accounts, store, f"http://localhost:{server.address[1]}"
    finally:
        await server.close()
        await store.close()
    assert not errors


async def opened_page(tab: Page, address: str) -> str:
    """A page of the relay with an authenticator; the authenticator's id."""
    await tab.send("Page.navigate", url=f"{address}/health")
    await tab.until("document.readyState === 'complete' && location.pathname === '/health'")
    await tab.evaluate(SCRIPT)
    await tab.send("WebAuthn.enable")
    made = await tab.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
    return str(made["authenticatorId"])


async def ask(tab: Page, method: str, path: str, body: Any = None) -> Any:
    return await tab.evaluate(f"ask({json.dumps(method)}, {json.dumps(path)}, {json.dumps(body)})")


async def add_passkey(tab: Page) -> Any:
    return await tab.evaluate(
        """ask("POST", "/me/factors/passkey/options").then(make)
           .then((credential) => ask("POST", "/me/factors/passkey", { credential, name: "Key" }))"""
    )


async def signed_in(tab: Page) -> Any:
    """Show a passkey; the answer, the credential that was shown, and the secret that the page got."""
    return await tab.evaluate(
        """ask("POST", "/session/passkey/options").then(show).then(async ({ credential, secret }) =>
           ({ credential, secret, answer: await ask("POST", "/session/passkey", { credential }) }))"""
    )


async def set_up(tab: Page, accounts: Accounts) -> None:
    code = await accounts.setup_code(int(SystemClock().wall()))
    answer = await ask(tab, "POST", "/setup", {"code": code, "login": "ada", "password": PASSWORD})
    assert answer["stage"] == "enrol", answer


async def test_a_passkey_signs_in_by_itself_and_gives_the_page_a_secret(tmp_path: Path) -> None:
    async with relay(tmp_path) as (accounts, _, address), browser(need("chromium")) as chromium:
        async with asyncio.timeout(60):
            tab = await chromium.page()
            await opened_page(tab, address)
            await set_up(tab, accounts)
            added = await add_passkey(tab)
            assert added["stage"] == "full", added
            assert (await ask(tab, "GET", "/me"))["login"] == "ada"
            assert (await ask(tab, "DELETE", "/session"))["status"] == 204
            first = await signed_in(tab)
            assert first["answer"]["stage"] == "full", first
            assert (await ask(tab, "GET", "/me"))["mfa_at"] > 0
            assert len(opaque.data(first["secret"])) == 32
            await ask(tab, "DELETE", "/session")
            again = await signed_in(tab)
            assert again["secret"] == first["secret"]  # the same each time: it wraps the person key
            await ask(tab, "DELETE", "/session")
            # beside a password
            begun = await ask(tab, "POST", "/session", {"login": "ada", "password": PASSWORD})
            assert (begun["stage"], begun["next"]) == ("factor", ["passkey"])
            assert (await signed_in(tab))["answer"]["stage"] == "full"
            # and as a step-up
            stepped = await tab.evaluate(
                """ask("POST", "/session/passkey/options").then(show)
                   .then(({ credential }) => ask("POST", "/session/step-up", { credential }))"""
            )
            assert stepped["stage"] == "full"


async def test_a_passkeys_answer_is_taken_once_and_only_as_it_was_signed(tmp_path: Path) -> None:
    async with relay(tmp_path) as (accounts, _, address), browser(need("chromium")) as chromium:
        async with asyncio.timeout(60):
            tab = await chromium.page()
            await opened_page(tab, address)
            await set_up(tab, accounts)
            await add_passkey(tab)
            await ask(tab, "DELETE", "/session")
            shown = await signed_in(tab)
            await ask(tab, "DELETE", "/session")
            replayed = await ask(tab, "POST", "/session/passkey", {"credential": shown["credential"]})
            assert replayed["code"] == "credentials"
            for changed in ("clientDataJSON", "authenticatorData", "signature"):
                refused = await tab.evaluate(
                    f"""ask("POST", "/session/passkey/options").then(show).then(({{ credential }}) => {{
                        const data = bytes(credential.response[{json.dumps(changed)}]);
                        data[data.length - 2] ^= 1;
                        credential.response[{json.dumps(changed)}] = text(data);
                        return ask("POST", "/session/passkey", {{ credential }});
                    }})"""
                )
                assert refused["code"] == "credentials", changed
            moved = await tab.evaluate(  # signed for another origin
                """ask("POST", "/session/passkey/options").then(show).then(({ credential }) => {
                    const said = JSON.parse(new TextDecoder().decode(bytes(credential.response.clientDataJSON)));
                    said.origin = "https://evil.test";
                    credential.response.clientDataJSON = text(new TextEncoder().encode(JSON.stringify(said)));
                    return ask("POST", "/session/passkey", { credential });
                })"""
            )
            assert moved["code"] == "credentials"
            for rubbish in ({}, {"id": 5, "response": []}, {"id": "x", "response": {"clientDataJSON": "e30"}}):
                assert (await ask(tab, "POST", "/session/passkey", {"credential": rubbish}))["code"] == "credentials"


async def test_an_authenticator_that_does_not_know_its_person_signs_nobody_in(tmp_path: Path) -> None:
    async with relay(tmp_path) as (accounts, _, address), browser(need("chromium")) as chromium:
        async with asyncio.timeout(60):
            tab = await chromium.page()
            authenticator = await opened_page(tab, address)
            await set_up(tab, accounts)
            await add_passkey(tab)
            await ask(tab, "DELETE", "/session")
            await ask(tab, "POST", "/session", {"login": "ada", "password": PASSWORD})
            await tab.send("WebAuthn.setUserVerified", authenticatorId=authenticator, isUserVerified=False)
            # the browser would refuse what we ask for; a page of somebody else's making asks for less
            refused = await tab.evaluate(
                """ask("POST", "/session/passkey/options")
                   .then((options) => show({ ...options, userVerification: "discouraged" }, {}))
                   .then(({ credential }) => ask("POST", "/session/passkey", { credential }))"""
            )
            assert refused["code"] == "credentials"


async def test_a_passkey_is_another_persons_second_factor_never(tmp_path: Path) -> None:
    async with relay(tmp_path) as (accounts, store, address), browser(need("chromium")) as chromium:
        async with asyncio.timeout(60):
            tab = await chromium.page()
            await opened_page(tab, address)
            await set_up(tab, accounts)
            await add_passkey(tab)
            await ask(tab, "DELETE", "/session")
            async with store.writing() as connection:
                await connection.execute(
                    insert(people).values(
                        id="b" * 22,
                        login="bob",
                        name="Bob",
                        role="admin",
                        state="active",
                        password_hash=f"plain:{PASSWORD}",
                        created=0,
                    )
                )
            assert (await ask(tab, "POST", "/session", {"login": "bob", "password": PASSWORD}))["stage"] == "enrol"
            assert (await signed_in(tab))["answer"]["code"] == "credentials"
