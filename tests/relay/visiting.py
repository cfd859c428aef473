"""Browsers and programs of tests: they ask the API as real ones do, with cookies, origin, CSRF token and proofs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from avl_protocol.crypto.identity import Identity
from avl_protocol.rights.jws import digest, sign, thumbprint
from avl_relay.accounts.premises import Premises
from avl_relay.api.accounts import Accounts
from avl_relay.api.frame import BASE, Frame
from avl_relay.live import Live
from avl_relay.people.keys import AccountKeys
from avl_relay.people.passwords import PasswordHashing, PlainHashing
from avl_relay.people.sources import SourceLimits
from avl_relay.store.engine import Store
from tests.relay.apis import Hands

HERE = "https://relay.test"
ADDRESS = "203.0.113.7"
PASSWORD = "correct horse battery staple"
KEYS = AccountKeys(b"s" * 32, b"e" * 32, b"h" * 32)


class Relay:
    """A relay's API with accounts, without a network."""

    def __init__(self, store: Store, *, hashing: PasswordHashing | None = None, **more: Any) -> None:
        self.clock, self.store, self.reports = Hands(), store, list[BaseException]()
        self.live = Live(wall=self.clock.wall)
        self.entropy = random.Random(1).randbytes
        self.premises = Premises(
            store=self._opened,
            keys=KEYS,
            entropy=self.entropy,
            monotonic=self.clock.monotonic,
            hashing=hashing or PlainHashing(),
            title="relay.test",
            sources=more.pop("sources", None) or SourceLimits(),
        )
        self.accounts = Accounts(self.premises, issuer="pin", live=self.live, **more)
        self.app = Frame(
            self.accounts.resources,
            store=self._opened,
            identities=self.accounts.identities,
            clock=self.clock,
            report=self.reports.append,
        )

    async def _opened(self) -> Store:
        return self.store

    @property
    def now(self) -> int:
        return int(self.clock.now)

    def browser(self, address: str = ADDRESS, here: str = HERE) -> Browser:
        return Browser(self.app, address, here)

    def program(self, seed: bytes = b"p" * 32) -> Program:
        return Program(self.app, Identity(seed), self.clock)

    async def owner(self) -> Browser:
        """The first person, right after setup: without a second factor, which an owner must have."""
        code = await self.accounts.setup_code(self.now)
        browser = self.browser()
        answer = await browser.post("/setup", {"code": code, "login": "ada", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser


class Browser:
    """One browser, with its cookies."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], address: str, here: str) -> None:
        transport = httpx.ASGITransport(app=app, client=(address, 5))
        self.http = httpx.AsyncClient(transport=transport, base_url=here)
        self.csrf = ""
        self.headers = {"origin": here, "sec-fetch-site": "same-origin", "user-agent": "Browser"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> httpx.Response:
        """An answer; a header that is None is left out."""
        sent: dict[str, str | None] = {**self.headers, "x-avl-csrf": self.csrf}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        given = {name: value for name, value in sent.items() if value is not None}
        content = {} if body is None else {"json": body}
        answer = await self.http.request(method, BASE + path, headers=given, **content)
        if answer.headers.get("content-type") == "application/json" and isinstance(answer.json(), dict):
            self.csrf = answer.json().get("csrf") or self.csrf
        return answer

    async def get(self, path: str, **headers: str | None) -> httpx.Response:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str | None) -> httpx.Response:
        return await self.ask("POST", path, {} if body is None else body, **headers)

    async def sign_in(self, login: str = "ada", password: str = PASSWORD) -> httpx.Response:
        return await self.post("/session", {"login": login, "password": password})


class Program:
    """A program with a key of its own."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], key: Identity, clock: Hands) -> None:
        transport = httpx.ASGITransport(app=app, client=("198.51.100.9", 5))
        self.http = httpx.AsyncClient(transport=transport, base_url=HERE)
        self.key, self._clock, self._numbers = key, clock, itertools.count()
        self.access = self.refresh = self.device_code = ""

    @property
    def jkt(self) -> str:
        return thumbprint(self.key.public)

    def proof(self, method: str, path: str, token: str = "", **changed: Any) -> str:
        claims = {"htm": method, "htu": BASE + path, "iat": int(self._clock.now), "jti": f"{next(self._numbers):08}"}
        bound = {"ath": digest(token)} if token else {}
        return sign(self.key, "avl-proof+jwt", {**claims, **bound, **changed}, with_key=True)

    async def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
        shown = self.access if token is None else token
        headers = {"x-avl-proof": self.proof(method, path, shown)}
        if shown:
            headers["authorization"] = f"Bearer {shown}"
        content = {} if body is None else {"json": body}
        return await self.http.request(method, BASE + path, headers=headers, **content)

    async def begin(self, **about: Any) -> httpx.Response:
        answer = await self.ask("POST", "/device-authorizations", {"kind": "program", "jkt": self.jkt, **about}, "")
        self.device_code = answer.json().get("device_code", "")
        return answer

    async def poll(self) -> httpx.Response:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return self._take(await self.ask("POST", "/token", {"grant_type": grant, "device_code": self.device_code}, ""))

    async def turn(self, refresh: str | None = None) -> httpx.Response:
        body = {"grant_type": "refresh_token", "refresh_token": self.refresh if refresh is None else refresh}
        return self._take(await self.ask("POST", "/token", body, ""))

    def _take(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 200:
            self.access = answer.json().get("access_token", "")
            self.refresh = answer.json().get("refresh_token", "")
        return answer
