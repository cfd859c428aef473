"""A relay with people and devices, and its console in the system's Chromium, driven by Playwright: it presses keys and
waits for what is pressed as a person does, and takes axe's word in each page."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright
from sqlalchemy import insert

from avl_protocol.wire.device_id import to_text
from avl_relay.store.cleaning import clean
from avl_relay.store.engine import Store, database_url
from avl_relay.store.tables import devices, labels
from tests.browser.accounts import PASSWORD, Premises, premises
from tests.browser.page import ROOT
from tests.tools import need

AXE = ROOT / "node_modules/axe-core/axe.min.js"
#: Wide, and a phone.
WIDE, PHONE = (1280, 800), (390, 844)
#: Milliseconds that are waited for anything.
PATIENCE = 10_000
#: Text that would be markup, turns, hides, piles up, or is long.
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "left \u202eright\u202c \u2066in\u2069",
    "zero\u200bwidth \u0000\u0007bell",
    "heaped" + "\u0301" * 60,
    "long" * 16_384,
    "'\"><script>alert(1)</script>&amp;",
)
#: Makes a key for who is signed in, as the account pages do.
MAKE_KEY = """async () => {
    const { Desk } = await import("/console/desk.js");
    const { newSeed, PersonKey } = await import("/account/personkey.js");
    const desk = new Desk();
    await desk.api.call("GET", "/session");
    const seed = newSeed();
    await desk.api.call("PUT", "/me/key", { jwk: (await PersonKey.fromSeed(seed)).jwk });
    await desk.meet();
    await desk.take(seed);
    return { person: desk.me.id, thumbprint: desk.key.thumbprint, jwk: desk.key.jwk };
}"""


@dataclass
class Console:
    """One tab with the console, and what went wrong in it."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    async def go(self, fragment: str) -> None:
        """Show a page of the console, and wait until it is there."""
        await self.page.evaluate("document.documentElement.dataset.view = ''")
        address = f"{self.address}#/{fragment}"
        await (self.page.reload() if self.page.url == address else self.page.goto(address))
        await self.shown(fragment.partition("/")[0].partition("?")[0])

    async def shown(self, view: str) -> None:
        """Wait until a view is there."""
        await self.page.wait_for_function("view => document.documentElement.dataset.view === view", arg=view)

    async def axe(self) -> list[str]:
        """What axe finds on what is shown."""
        await self.page.evaluate(AXE.read_text("utf-8"))
        found = await self.page.evaluate(
            """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
                (one) => `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`)"""
        )
        return [str(one) for one in found]


@dataclass
class Operating:
    """The relay, its owner, and a browser."""

    here: Premises
    browser: Browser
    cookies: list[dict[str, Any]]
    totp: pyotp.TOTP
    owner: dict[str, Any] = field(default_factory=dict)
    #: The last step of the app whose code was used.
    step: int = 0
    #: The profile with the owner's key: its session is the newest.
    kept: BrowserContext | None = None

    @property
    def origin(self) -> str:
        """Where the relay's pages are."""
        return f"http://{self.here.relay['http']}"

    def code(self) -> str:
        """A code of the app that was not used before: each is taken once, and of now, the step before and the next."""
        self.step = max(self.step, int(time.time()) // 30 - 1) + 1
        return self.totp.at(self.step * 30)

    async def tab(
        self,
        *,
        size: tuple[int, int] = WIDE,
        colours: str = "light",
        language: str = "en",
        signed_in: bool = True,
        within: BrowserContext | None = None,
    ) -> Console:
        """A tab, in a profile of its own or in one that is there."""
        if within is None:
            within = await self.browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme=colours,  # type: ignore[arg-type]
                locale=language,
                reduced_motion="reduce",
            )
            if signed_in:
                now: Any = self.cookies if self.kept is None else await self.kept.cookies()
                await within.add_cookies(now)
        page = await within.new_page()
        page.set_default_timeout(PATIENCE)
        made = Console(page, f"{self.origin}/console/")

        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.wrong.append(f"{message.text} {message.location}")

        page.on("console", heard)
        page.on("pageerror", lambda error: made.wrong.append(str(error)))
        return made

    async def with_key(self, tab: Console) -> None:
        """The owner makes a key in this tab's profile."""
        self.kept = tab.page.context
        await tab.go("devices")
        self.owner = await tab.page.evaluate(MAKE_KEY)
        await tab.page.reload()
        await tab.shown("devices")

    async def enrol(self, names: Iterable[str], words: Sequence[str] = ()) -> list[str]:
        """Devices of the owner's in the store, as if their hosts had been here; their numbers."""
        now = int(time.time())
        rows = [
            {
                "number": number_of(name),
                "name": clean(name) or number_of(name),
                "search": name.casefold()[:100],
                "reported": clean(name),
                "owner": self.owner["person"],
                "owner_key": self.owner["jwk"],
                "owner_thumbprint": self.owner["thumbprint"],
                "software": "avl 0.1",
                "system": "Debian GNU/Linux 13",
                "state": "active",
                "enrolled": now - 86_400,
                "seen": now - 3600,
            }
            for name in names
        ]
        store = Store(database_url(None, self.here.folder / "relay"))
        await store.open(migrates=False)
        try:
            async with store.writing() as db:
                await db.execute(insert(devices), rows)
                tagged = [{"device": row["number"], "label": word} for row in rows for word in words]
                if tagged:
                    await db.execute(insert(labels), tagged)
        finally:
            await store.close()
        return [str(row["number"]) for row in rows]


def number_of(name: str) -> str:
    """The number of a device that is none."""
    return to_text(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")).replace("-", "")


async def set_up(here: Premises) -> tuple[list[dict[str, Any]], pyotp.TOTP]:
    """The relay's owner, with a password and an authenticator app; the cookies of her session. The codes of now and of
    the next step are left."""
    origin = f"http://{here.relay['http']}"
    async with httpx.AsyncClient(base_url=f"{origin}/api/v1", headers={"origin": origin}) as client:

        async def asked(path: str, body: Any) -> Any:
            answer = await client.post(path, json=body)
            assert answer.is_success, answer.text
            said = answer.json()
            if said.get("csrf"):
                client.headers["x-avl-csrf"] = said["csrf"]
            return said

        await asked("/setup", {"code": here.setup, "login": "ada", "password": PASSWORD})
        secret = await asked("/me/factors/totp", {"name": "App"})
        totp = pyotp.TOTP(secret["secret"])
        await asked("/me/factors/totp/confirm", {"id": secret["id"], "code": totp.at(int(time.time()) - 30)})
        cookies = [{"name": one.name, "value": one.value, "url": origin} for one in client.cookies.jar]
    return cookies, totp


@asynccontextmanager
async def operating(folder: Path) -> AsyncIterator[Operating]:
    """A relay with an owner, and a browser that drives its console."""
    program = need("chromium")
    async with premises(folder) as here, async_playwright() as playwright:
        cookies, totp = await set_up(here)
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Operating(here, browser, cookies, totp)
        finally:
            await browser.close()


def pictures() -> Path | None:
    """Where pictures of the pages are wanted, if anywhere."""
    wanted = os.environ.get("AVL_PICTURES")
    return Path(wanted) if wanted else None


async def picture(tab: Console, name: str) -> None:
    """A picture of what is shown, where pictures are wanted."""
    if (folder := pictures()) is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            await tab.page.screenshot(path=folder / f"{name}.png")
