"""A relay with accounts and its pages in a real browser, with an authenticator that is none of hardware."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop.cdp import Browser, BrowserError, Page, browser
from interop.programs import Program, Programs
from tests.browser.desk import BIN, READY
from tests.browser.page import ROOT
from tests.tools import need

PASSWORD = "weather plinth oyster decimal"
#: The relay; sessions that are left over when a test is done have nowhere to go, and no time to.
SERVE: list[str | Path] = [sys.executable, "-m", "tests.browser.prompt_relay", "serve", "--drain", "0"]
HERE = {"PYTHONPATH": str(ROOT)}
#: Like a person's own machine: it has passkeys, verifies its person, and makes secrets (PRF).
AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "hasPrf": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class AccountPage:
    """One tab on the account pages, and what a person does there."""

    page: Page
    address: str

    @classmethod
    async def opened(cls, window: Browser, address: str, size: tuple[int, int] | None = None) -> AccountPage:
        """A tab with an authenticator of its own."""
        page = await window.page()
        if size is not None:
            await page.send(
                "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=True
            )
        await page.send("WebAuthn.enable")
        await page.send("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
        made = cls(page, address)
        await made.go("")
        return made

    async def go(self, fragment: str) -> None:
        """Visit the account pages anew."""
        await self.page.send("Page.bringToFront")  # who is behind another tab draws nothing, and waits for ever
        await self.page.send("Page.navigate", url="about:blank")
        await self.page.until("location.href === 'about:blank'")
        await self.page.send("Page.navigate", url=f"{self.address}{fragment}")

    async def view(self, name: str) -> None:
        """Wait until something is shown, on this page or on the one that follows it."""
        shown = f"document.documentElement?.dataset.view === {json.dumps(name)}"
        try:
            await self.page.until(shown)
        except BrowserError as error:
            if "navigated" not in str(error):
                raise
            await self.page.until(shown)

    async def there(self, selector: str) -> None:
        """Wait until an element is there."""
        await self.page.until(f"document.querySelector({json.dumps(selector)}) !== null")

    async def gone(self, selector: str) -> None:
        """Wait until no such element is there."""
        await self.page.until(f"document.querySelector({json.dumps(selector)}) === null")

    async def text(self, selector: str) -> str:
        """What an element says."""
        await self.there(selector)
        return str(await self.page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def fill(self, **values: str) -> None:
        """Type into fields, by their names."""
        for name, value in values.items():
            selector = json.dumps(f"[name='{name}']")
            await self.page.until(f"document.querySelector({selector}) !== null")
            await self.page.evaluate(
                f"(() => {{ const field = [...document.querySelectorAll({selector})].at(-1);"
                f"field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
            )

    async def click(self, selector: str) -> None:
        """Press a button, once it is there and can be pressed."""
        found = json.dumps(selector)
        await self.page.until(f"document.querySelector({found}) && !document.querySelector({found}).disabled")
        await self.page.evaluate(f"document.querySelector({found}).click()")

    async def send(self, within: str = "#view") -> None:
        """Send the form that is shown."""
        await self.click(f"{within} form button[type='submit']")

    async def asked(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API as the page does; what was answered."""
        given = "undefined" if body is None else json.dumps(body)
        script = f"""(async () => {{
            const {{ Api }} = await import("./api.js");
            const api = new Api();
            await api.call("GET", "/session");
            return api.call({json.dumps(method)}, {json.dumps(path)}, {given});
        }})()"""
        return await self.page.evaluate(script)

    async def wrong(self) -> str:
        """What the page says that went wrong."""
        return str(
            await self.page.evaluate(
                "[...document.querySelectorAll('.error:not([hidden])')].map((one) => one.textContent).join(' ')"
            )
        )


@dataclass
class Premises:
    """A relay with accounts, and where everything of it is."""

    programs: Programs
    relay: dict[str, Any]
    setup: str
    folder: Path
    relay_program: Program
    started: dict[str, Program] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The account pages."""
        return f"http://{self.relay['http']}/account/"

    @property
    def where(self) -> str:
        """The relay, as programs are told it."""
        return f"{self.relay['quic']}?pin={self.relay['pin']}"

    def run(self, name: str, *command: str) -> Program:
        """Start a program of ours with a state folder of its own."""
        program, *rest = command
        made = self.programs.start(name, [BIN / program, *rest])
        self.started[name] = made
        self.programs.started.remove(made)  # that it ends is what it is for
        return made

    async def said(self, program: Program, pattern: str) -> re.Match[str]:
        """What a program printed, once it has."""
        found: re.Match[str] = await self.programs.until(
            f"{program.name} says {pattern}", READY, lambda: re.search(pattern, program.log.read_text())
        )
        return found

    async def ended(self, program: Program) -> int:
        """A program's exit status."""
        done = await self.programs.until(
            f"{program.name} ends", READY, lambda: program.process.poll() is not None and [program.process.poll()]
        )
        return int(done[0])

    async def without_accounts(self) -> None:
        """The same relay again, with its accounts gone; its hosts are back."""
        before = self.relay_program.log.read_text().count("event='host online'")
        self.relay_program.signal(9)
        self.relay_program.process.wait()
        self.programs.started.remove(self.relay_program)
        where = ["--listen", self.relay["quic"], "--http", self.relay["http"].replace("localhost", "127.0.0.1")]
        ready = self.folder / "relay.json"
        ready.unlink()
        kept = ["--state", str(self.folder / "relay"), "--ready-file", str(ready), "--no-accounts"]
        self.relay_program = self.programs.start("relay", [*SERVE, *where, *kept], HERE)
        await self.programs.ready_file(ready, READY)
        await self.programs.until(
            "hosts are back",
            READY,
            lambda: self.relay_program.log.read_text().count("event='host online'") > before,
        )

    def end(self) -> None:
        """End everything."""
        for program in self.started.values():
            program.signal(9)
            program.process.wait()
        self.programs.end()


@asynccontextmanager
async def premises(folder: Path, *options: str) -> AsyncIterator[Premises]:
    """A relay of a fresh state folder, with the setup code that it printed."""
    programs = Programs(folder)
    ready = folder / "relay.json"
    kept = ["--state", str(folder / "relay"), "--ready-file", str(ready)]
    made: Premises | None = None
    try:
        where = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        relay = programs.start("relay", [*SERVE, *where, *kept, *options], HERE)
        told = await programs.ready_file(ready, READY)
        made = Premises(programs, told, "", folder, relay)
        made.setup = (await made.said(relay, r"#setup=([0-9A-Z-]+)"))[1]
        yield made
    finally:
        if made is not None:
            made.end()
        programs.end()


@asynccontextmanager
async def window(folder: Path, size: tuple[int, int] = (1280, 900)) -> AsyncIterator[Browser]:
    """A browser that has never been here."""
    need("chromium")
    async with browser(size=size, log=folder / "browser.log") as made:
        yield made


async def set_up(tab: AccountPage, setup: str) -> str:
    """Become the relay's owner: name, password, passkey, key; the recovery key that the page showed."""
    await tab.go(f"#setup={setup}")
    await tab.view("setup")
    await tab.fill(login="ada", password=PASSWORD)
    await tab.send()
    await tab.view("enrol")
    await tab.click("#enrol-passkey")
    await tab.view("devices")
    await tab.click("#key-card button[type='submit']")
    recovery = await tab.text("#recovery-key")
    await tab.click("#recovery-noted")
    await tab.gone("#key-card")
    return recovery


async def enrolled(here: Premises, tab: AccountPage, name: str) -> str:
    """A host of the person in this tab, which runs; its device ID."""
    await tab.go("#you")
    await tab.view("you")
    owner = await tab.text("#my-fingerprint")
    state = ("--state", str(here.folder / f"host-{name}"))
    host = here.run(f"enrol-{name}", "avl-host", "enroll", here.where, *state, "--owner", owner)
    code = (await here.said(host, r"code: ([A-Z-]+)"))[1]
    device = (await here.said(host, r"approve:\s+(\S+)"))[1]
    await tab.go(f"#code={code}")
    await tab.view("approve")
    await tab.fill(name=name)
    await tab.send("#approve")
    await tab.view("devices")
    assert await here.ended(host) == 0, host.log.read_text()
    running = here.run(f"host-{name}", "avl-host", "run", "--relay", here.where, "--source", "pattern", *state)
    await here.said(running, r"avl://")
    await tab.there(f"[data-device='{device.replace('-', '')}'] .dot.on")
    return device


async def logged_in(here: Premises, tab: AccountPage, state: Path, *, typed: bool = False) -> None:
    """A program of the person in this tab, signed in by the address that it printed, or by the code that was typed."""
    program = here.run("login", "avl", "login", here.where, "--state", str(state))
    fragment = (await here.said(program, r"/account/(#code=\S+)"))[1]
    if typed:
        fragment = fragment.partition("&")[0]
    await tab.go(fragment)
    await tab.view("approve")
    await tab.send("#approve")
    await tab.view("devices")
    assert await here.ended(program) == 0, program.log.read_text()


async def output(here: Premises, name: str, *command: str) -> tuple[int, str]:
    """A command's exit status, and what it printed."""
    program = here.run(name, *command)
    status = await here.ended(program)
    return status, program.log.read_text()


async def desktop(page: Page, state: str = "running") -> None:
    """Wait until the desktop's page is in this state."""
    await page.until(f"document.documentElement?.dataset.state === {json.dumps(state)}")
