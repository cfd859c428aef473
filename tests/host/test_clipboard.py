"""The clipboard with a real other program on a real X server."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from avl_host.desktop.clipboard import ClipboardUnavailable, MemoryClipboard, X11Clipboard
from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, ClipboardState
from tests.host.conftest import XServer
from tests.tools import need

pytestmark = pytest.mark.display

LONG = "häß漢" * 70_000


@pytest.fixture
async def clipboard(xvfb: XServer) -> AsyncIterator[X11Clipboard]:
    clipboard = X11Clipboard(xvfb.display)
    yield clipboard
    clipboard.close()


@asynccontextmanager
async def copied(server: XServer, text: str, target: str = "UTF8_STRING") -> AsyncIterator[None]:
    """Another program owns the clipboard until it is ended."""
    process = await asyncio.create_subprocess_exec(
        need("xclip"),
        "-quiet",
        "-display",
        server.display,
        "-selection",
        "clipboard",
        "-t",
        target,
        "-i",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def paste(server: XServer) -> str:
    """What another program gets by pasting."""
    process = await asyncio.create_subprocess_exec(
        need("xclip"),
        "-display",
        server.display,
        "-selection",
        "clipboard",
        "-t",
        "UTF8_STRING",
        "-o",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    async with asyncio.timeout(8):
        out, _ = await process.communicate()
    return out.decode()


@pytest.mark.parametrize("text", ["short ж", LONG], ids=["short", "in pieces"])
async def test_what_another_program_copies_is_told(xvfb: XServer, clipboard: X11Clipboard, text: str) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    async with copied(xvfb, text):
        async with asyncio.timeout(8):
            assert await told.get() == text
        assert await clipboard.get() == text


async def test_what_is_copied_while_another_program_goes_away_is_told(xvfb: XServer, connections: list[Any]) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard, other = X11Clipboard(xvfb.display), X11Clipboard(xvfb.display)
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    x, others = connections
    try:
        await asyncio.sleep(0)
        x.core.DeleteProperty(0xDEAD, xcffib.xproto.Atom.WM_NAME)  # an error comes, then what was copied
        x.flush()
        time.sleep(0.05)  # the server has met the error first; whoever asked whether it has would read it
        assert other.set("right behind an error")
        others.core.GetInputFocus().reply()
        async with asyncio.timeout(8):
            assert await told.get() == "right behind an error"
    finally:
        other.close()
        clipboard.close()


@pytest.mark.parametrize("text", ["", "short ж\n", LONG], ids=["empty", "short", "in pieces"])
async def test_what_is_set_can_be_pasted(xvfb: XServer, clipboard: X11Clipboard, text: str) -> None:
    told: list[Content] = []
    clipboard.on_change = lambda copy: told.append(copy.content)
    assert clipboard.set(text)
    assert await paste(xvfb) == text
    assert await clipboard.get() == (text or ClipboardState.EMPTY)
    assert told == [], "our own text came back as news"


async def test_too_long_a_text_is_refused_both_ways(xvfb: XServer, clipboard: X11Clipboard) -> None:
    assert not clipboard.set("x" * (MAX_CLIPBOARD_TEXT + 1))
    async with copied(xvfb, "x" * (MAX_CLIPBOARD_TEXT + 1)):
        async with asyncio.timeout(8):
            while await paste(xvfb) == "":
                pass
        assert await clipboard.get() is ClipboardState.TOO_LARGE


async def test_pictures_are_not_text(xvfb: XServer, clipboard: X11Clipboard) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    async with copied(xvfb, "not really a picture", "image/png"):
        async with asyncio.timeout(8):
            assert await told.get() is ClipboardState.NOT_TEXT
        assert await clipboard.get() is ClipboardState.NOT_TEXT


async def test_the_display_may_die(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    clipboard = X11Clipboard(server.display)
    server.end()
    async with asyncio.timeout(8):
        while clipboard.set("x"):
            await asyncio.sleep(0.01)
    assert await clipboard.get() in (ClipboardState.NO_ANSWER, "x")
    clipboard.close()


async def test_a_display_that_is_not_there() -> None:
    with pytest.raises(ClipboardUnavailable, match=":998"):
        X11Clipboard(":998")


async def test_a_display_without_xfixes_says_so(own_xvfb: Callable[..., XServer]) -> None:
    with pytest.raises(ClipboardUnavailable, match="XFIXES"):
        X11Clipboard(own_xvfb(320, 240, 24, "-extension", "XFIXES").display)


async def test_a_clipboard_in_memory_behaves_the_same() -> None:
    told: list[Content] = []
    clipboard = MemoryClipboard()
    clipboard.on_change = lambda copy: told.append(copy.content)
    assert await clipboard.get() is ClipboardState.EMPTY
    assert clipboard.set("a")
    assert not clipboard.set("x" * (MAX_CLIPBOARD_TEXT + 1))
    clipboard.copy("b")
    assert (await clipboard.get(), told) == ("b", ["b"])
