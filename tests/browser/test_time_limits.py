"""What people see of a session whose time ends: in a window, in a terminal and in a browser at once, programs as they
are. The owner shortens sessions that run, so that five minutes and one do not have to be waited for twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avl_host.rights.owner import pin_owner
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights import jws
from avl_protocol.rights.sharelink import Share
from avl_protocol.rights.statements import AccessGrant, Enrolment, Policy, device_audience, sign
from avl_protocol.wire import device_id
from avl_protocol.wire.registry import PRESETS, Permission
from avl_protocol.wire.target import parse_address
from avl_relay.live import number_text
from avl_viewer.account import signin
from avl_viewer.account.chains import Chain
from avl_viewer.account.devices import Device
from avl_viewer.account.program import kept_in
from avl_viewer.account.signin import SignIn
from interop.bench.revocations import OWNER, Owner, settled
from interop.cdp import browser
from interop.programs import Program, Programs
from interop.stage import start_display
from tests.browser.accounts import desktop
from tests.browser.desk import BIN, READY
from tests.relay.owners import key
from tests.tools import need

pytestmark = pytest.mark.browser

#: The program `avl`, which says on its output what its window says in a toast.
WINDOW = """
from avl_viewer.present.panels import Toast
shown = Toast.say
def say(self, text):
    print("toast:", text, flush=True)
    shown(self, text)
Toast.say = say
from avl_viewer.cli import app
app()
"""
#: Each toast of the page in order, when it came (milliseconds), and when the session was over.
TOASTS = """
window.toasts = [];
window.toastTimes = [];
new MutationObserver((changes) => {
    for (const line of changes.flatMap((change) => [...change.addedNodes])) {
        window.toasts.push(line.textContent);
        window.toastTimes.push(performance.now());
    }
}).observe(document.getElementById("toast"), { childList: true });
new MutationObserver(() => {
    if (document.documentElement.dataset.state === "refused") window.overAt ??= performance.now();
}).observe(document.documentElement, { attributeFilter: ["data-state"] });
"""
FIVE, ONE = "This session ends in 5 minutes.", "This session ends in 1 minute."


class Desk:
    """A host with an owner, and what she signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = StateFolder(folder / "host")
        self.identity = self.state.identity(entropy)
        self.audience = device_audience(self.identity.number)
        pin_owner(self.state, sign(key(OWNER), Enrolment(audience=self.audience, issued=int(time.time()))))

    def chain(self, holder: bytes, share: bool = False) -> list[str]:
        """A grant to somebody, for an hour."""
        wall = int(time.time())
        grant = AccessGrant(
            audience=self.audience,
            permissions=PRESETS["OPERATOR"],
            not_before=wall - 60,
            expires=wall + 3600,
            id=jws.encode(entropy(16)),
            holder=holder,
            share=share,
        )
        return [sign(key(OWNER), grant)]

    def policy(self, sequence: int, longest: int) -> str:
        """How long sessions last from now on."""
        everything = Permission(sum(Permission))
        said = Policy(audience=self.audience, sequence=sequence, permissions=everything, longest=longest)
        return sign(key(OWNER), said)

    def program(self, name: str, where: str) -> Path:
        """The state folder of a program that knows the desk by name, and keeps what opens it."""
        state = StateFolder(self.folder / name)
        kept = kept_in(state, system_world())
        number = number_text(self.identity.number)
        signin.save(state, SignIn(where, "", "somebody", OWNER, "a token of long ago"))
        kept.devices.save((Device(number=number, name="desk", owner=jws.thumbprint(key(OWNER).public)),))
        kept.chains.save(self.identity.number, Chain(tuple(self.chain(kept.identity.public)), int(time.time()) + 3600))
        return state.path


async def until(what: str, true: Callable[[], object], seconds: float) -> float:
    """Wait for it; when it was true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)
    return time.monotonic()


async def test_everybody_is_warned_twice_and_the_end_comes_on_the_second(tmp_path: Path) -> None:
    for tool in ("Xvfb", "openbox", "chromium"):
        need(tool)
    programs, desk = Programs(tmp_path), Desk(tmp_path)
    await settled(tmp_path / "relay", desk.identity)
    outputs: dict[str, Program] = {}

    def said(name: str) -> str:
        return outputs[name].log.read_text()

    def run(name: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
        outputs[name] = programs.start(name, command, environment)
        programs.started.remove(outputs[name])  # that it ends is what it is for

    try:
        display, _ = await start_display(programs, "viewer", (1000, 700))
        here = ("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--public", "127.0.0.1")
        ready: list[str | Path] = ["--state", tmp_path / "relay", "--ready-file", tmp_path / "relay.json"]
        programs.start("relay", [BIN / "avl-relay", "serve", *here, *ready])
        relay: dict[str, Any] = await programs.ready_file(tmp_path / "relay.json", READY)
        where = f"{relay['quic']}?pin={relay['pin']}"
        ready = ["--state", tmp_path / "host", "--ready-file", tmp_path / "host.json"]
        programs.start("host", [BIN / "avl-host", "run", "--relay", where, "--source", "pattern", *ready])
        await programs.ready_file(tmp_path / "host.json", READY)
        page = f"http://localhost:{parse_address(relay['http'])[1]}"
        owner, link = Owner(page), Share(entropy(16))
        await owner.sign_in()
        number = number_text(desk.identity.number)
        share = {
            "id": link.id,
            "device": number,
            "chain": desk.chain(link.identity.public, share=True),
            "pass_hash": jws.encode(hashlib.sha256(link.access_pass).digest()),
        }
        await owner.post("/shares", share)

        async with browser(size=(900, 700), log=tmp_path / "browser.log") as chromium:
            first = time.monotonic()
            run("terminal", [BIN / "avl", "connect", "desk", "--state", desk.program("terminal-state", where)])
            window: list[str | Path] = [sys.executable, "-c", WINDOW, "view", "desk"]
            window += ["--state", desk.program("window-state", where), "--stats-file", tmp_path / "stats.json"]
            run("window", window, {"DISPLAY": display})
            device = device_id.to_text(desk.identity.number)
            seen = await chromium.page(f"{page}/#d={device}&s={jws.encode(link.secret)}")
            await desktop(seen)
            await seen.evaluate(TOASTS)
            await until("the terminal's session", lambda: "connected" in said("terminal"), READY)
            await until("the window's session", (tmp_path / "stats.json").exists, READY)

            async def toasts() -> list[str]:
                found = await seen.evaluate("window.toasts.filter((text) => text.includes('session ends'))")
                return list(found)

            async def all_say(text: str, times: int, seconds: float) -> None:
                async with asyncio.timeout(seconds):
                    while said("terminal").count(text) < times or said("window").count(f"toast: {text}") < times:
                        await asyncio.sleep(0.05)
                    while (await toasts()).count(text) < times:
                        await asyncio.sleep(0.05)

            elapsed = int(time.monotonic() - first)  # no session is older
            await owner.post("/statements", {"token": desk.policy(1, elapsed + 303)})
            await all_say(FIVE, 2, 3 + elapsed + 10)  # that it was shortened, and the warning

            elapsed = int(time.monotonic() - first)
            await owner.post("/statements", {"token": desk.policy(2, elapsed + 63)})
            await all_say(ONE, 2, 3 + elapsed + 10)
            assert "over" not in said("terminal")

            async with asyncio.timeout(75):
                while any(outputs[name].process.poll() is None for name in ("terminal", "window")):
                    await asyncio.sleep(0.05)
                await seen.until("document.documentElement.dataset.state === 'refused'")
            last = f"window.toastTimes[window.toasts.lastIndexOf({json.dumps(ONE)})]"
            assert 59 < float(await seen.evaluate(f"window.overAt - {last}")) / 1000 < 61.5
            over = "The time of this session is over."
            assert over in str(await seen.evaluate("document.body.innerText"))
            for name in ("terminal", "window"):
                assert over in said(name).splitlines()[-1], said(name)
                assert outputs[name].process.returncode == 3
        await owner.close()
    finally:
        for program in outputs.values():
            if program.process.poll() is None:
                program.signal(9)
                program.process.wait()
        programs.end()
