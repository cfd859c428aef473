"""Sound and the page: what plays at the host comes out of the browser, and what a person says there is heard at the
host. Both have a sound server of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from interop.cdp import browser
from interop.soundserver import SoundServer
from interop.tones import Tone, recorded, until_heard
from tests.browser.desk import desk
from tests.browser.test_client import opened, visit
from tests.host.conftest import start_xvfb
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.display]

SUMMARY = "document.getElementById('sound-summary').textContent"
#: A microphone that browsers offer: they leave out the monitors of sinks.
MICROPHONE = ("module-remap-source", "master=mouth.monitor", "source_name=microphone")


@contextmanager
def microphone(server: SoundServer, frequency: float) -> Iterator[None]:
    """What somebody says there, as the default source."""
    server.control("load-module", *MICROPHONE)
    server.control("set-default-source", "microphone")
    with Tone(server, "mouth", frequency):
        yield


async def test_the_page_plays_the_host_and_the_host_hears_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("pulseaudio")
    with ExitStack() as held:
        screen = start_xvfb(1024, 768)
        held.callback(screen.end)
        here = held.enter_context(SoundServer(tmp_path / "here", ("speakers", "mouth")))
        there = held.enter_context(SoundServer(tmp_path / "there"))
        held.enter_context(Tone(there, "speakers", 440))
        held.enter_context(microphone(here, 1000))
        monkeypatch.setenv("PULSE_SERVER", there.address)
        environment = {**here.environment, "DISPLAY": screen.display}
        flags = ["--use-fake-ui-for-media-stream", "--disable-features=AudioServiceSandbox"]
        async with (
            desk(tmp_path, "--microphone") as (running, _),
            browser(need("chromium"), size=(800, 600), flags=flags, environment=environment) as chromium,
            opened(chromium) as page,
        ):
            await visit(page, running.host["url"], "running")
            assert await page.until(f"{SUMMARY} === 'Muted' && {SUMMARY}"), "nothing plays before somebody acts"
            await page.click(400, 300)
            with recorded(here, "speakers.monitor", 2) as blocks:
                await asyncio.to_thread(until_heard, blocks, 440)
            assert await page.evaluate(SUMMARY) == "Sound"
            await page.until("!document.getElementById('sound-speak').hidden")
            await page.evaluate("document.getElementById('sound-speak').click()")
            await page.until("!document.getElementById('sound-speaking').hidden")
            with recorded(there, "avl_microphone", 1) as blocks:
                await asyncio.to_thread(until_heard, blocks, 1000, 1)
