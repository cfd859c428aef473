"""Files and the page: folders are dropped onto the desktop and fetched back, by a real host."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from interop.bench.rig.dropped import PICKED, STATES, choose, drop, save
from interop.cdp import Browser, browser
from tests.browser.desk import desk
from tests.browser.test_client import opened, visit
from tests.tools import need

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TEXTS = "document.getElementById('transfers').innerText"
#: Path -> SHA-256 of all that is in it.
READ = """(async () => {
    const found = {};
    const walk = async (folder, above) => {
        for await (const [name, handle] of folder.entries()) {
            if (handle.kind === 'directory') await walk(handle, above + name + '/');
            else {
                const data = await (await handle.getFile()).arrayBuffer();
                const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
                found[above + name] = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
            }
        }
    };
    await walk(await (await navigator.storage.getDirectory()).getDirectoryHandle('picked'), '');
    return found;
})()"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with browser(need("chromium"), size=(1000, 700)) as running:
        yield running


def tree(folder: Path) -> Path:
    """A folder with what tends to go wrong: nothing, much, zeros, names of any script, folders without files."""
    (folder / "empty folder" / "deeper").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "größer ☃ 漢字.bin").write_bytes(os.urandom(3_000_001))
    (folder / "zeros").write_bytes(b"head" + bytes(2_000_000) + b"tail" + bytes(600_000))
    (folder / "block").write_bytes(os.urandom(262_144))
    return folder


def hashes(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_a_folder_is_dropped_fetched_back_and_downloaded(chromium: Browser, tmp_path: Path) -> None:
    shared, mine, downloads = tmp_path / "shared", tree(tmp_path / "mine"), tmp_path / "downloads"
    shared.mkdir()
    async with desk(tmp_path, "--files", f"{shared}:rw") as (running, _), opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.until("!document.getElementById('files-menu').hidden")
        await drop(page, mine)
        await page.until(f"{STATES} === 'done'")
        assert hashes(shared / "mine") == hashes(mine)
        assert (shared / "mine" / "empty folder" / "deeper").is_dir()

        # The same once more: nothing travels.
        await drop(page, mine)
        await page.until(f"{STATES} === 'done,done'")
        assert not list(shared.rglob("*.avl-part"))

        # Into a folder.
        await page.evaluate(PICKED)
        await save(page, "mine")
        await page.until(f"{STATES} === 'done,done,done'")
        got = await page.evaluate(READ)
        assert got == {f"mine/{path}": digest for path, digest in hashes(mine).items()}

        # As a download, in one file.
        await chromium.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        await choose(page, "mine")
        await page.evaluate("document.getElementById('remote-download').click()")
        await page.until(f"{STATES} === 'done,done,done,done'")
        archive = await running.until("the download", lambda: next(iter(downloads.glob("*.zip")), None))
        with zipfile.ZipFile(archive) as packed:
            assert packed.testzip() is None
            packed.extractall(tmp_path / "unpacked")
        assert hashes(tmp_path / "unpacked" / "mine") == hashes(mine)
        assert not [line for line in page.console if "uncaught" in line], page.console


async def test_what_is_there_is_asked_about(chromium: Browser, tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    for folder in (shared, mine):
        folder.mkdir()
    for name in ("one", "two", "three"):
        (shared / name).write_text(f"old {name}")
        (mine / name).write_text(f"the new {name}")
    asks = "document.querySelector('#transfers .question:not([hidden]) p')?.textContent"

    def button(text: str) -> str:
        return (
            f"[...document.querySelectorAll('#transfers .question button')].find((one) => one.textContent === '{text}')"
        )

    async with desk(tmp_path, "--files", f"{shared}:rw") as (running, _), opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.until("!document.getElementById('files-menu').hidden")
        await drop(page, *(mine / name for name in ("one", "two", "three")))
        first = await page.until(asks)
        assert "is there already" in first
        await page.evaluate(f"{button('Leave it')}.click()")
        await page.until(f"({asks} ?? {first!r}) !== {first!r}")
        await page.evaluate("document.querySelector('#transfers .question input').click()")
        await page.evaluate(f"{button('Replace')}.click()")
        await page.until(f"{STATES} === 'done'")
        assert sorted((shared / name).read_text() for name in ("one", "two", "three")) == [
            "old one",
            "the new three",
            "the new two",
        ]
        assert "1 left out" in await page.evaluate(TEXTS)
