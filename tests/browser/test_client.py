"""The browser client against a real relay and host: what a person does there arrives, and what goes wrong is said."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from avl_host.capture.pattern import read_number
from avl_host.desktop.clipboard import X11Clipboard
from avl_protocol.endpoint.udp import steering
from avl_protocol.wire import device_id
from interop.cdp import Browser, BrowserError, Page, browser
from tests.browser.desk import CODE, Desk, Witness, desk
from tests.host.selection_peer import Peer
from tests.tools import need, without

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

STATE = "document.documentElement?.dataset.state"
#: CDP's bits of Alt, Control and Shift.
ALT, CONTROL, SHIFT = 1, 2, 8
#: Seconds within which a picture has to go on.
MOVES = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests; each has tabs of its own."""
    async with browser(need("chromium"), size=(800, 600)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Desk, Witness]]:
    """A real display with a witness, and a host of it with both codes."""
    async with desk(tmp_path_factory.mktemp("stand"), "--view-code", "L00K0NLY", display=True) as (running, witness):
        assert witness is not None
        yield running, witness


@asynccontextmanager
async def opened(chromium: Browser, width: int = 800, height: int = 600, touch: bool = False) -> AsyncIterator[Page]:
    """A tab of this size whose pixels are the screen's."""
    page = await chromium.page()
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
    await page.send("Emulation.setDeviceMetricsOverride", **size)
    await page.send("Emulation.setTouchEmulationEnabled", enabled=touch)
    try:
        yield page
    finally:
        await page.send("Page.navigate", url="about:blank")
    assert not [line for line in page.console if line.startswith("uncaught")], page.console


async def visit(page: Page, address: str, *states: str) -> str:
    """Open an address and wait for one of these states."""
    await page.send("Page.navigate", url="about:blank")
    await page.send("Page.navigate", url=address)
    await page.until("location.protocol == 'http:'")
    try:
        return str(await page.until(f"{list(states)}.includes({STATE}) && {STATE}"))
    except BrowserError as error:
        shown = await page.evaluate(f"[{STATE}, document.body.innerText]")
        raise AssertionError(f"the page shows {shown}, its console {page.console}") from error


async def key(page: Page, code: str, name: str, modifiers: int = 0) -> None:
    """Press and release a key."""
    for kind in ("rawKeyDown", "keyUp"):
        await page.send("Input.dispatchKeyEvent", type=kind, code=code, key=name, modifiers=modifiers)


async def pixels(page: Page) -> Any:
    """The page as RGB."""
    return np.asarray(Image.open(io.BytesIO(await page.screenshot())).convert("RGB"))


async def moves(page: Page) -> None:
    """Wait until the picture of the pattern source has gone on."""

    async def number() -> int | None:
        shown = await pixels(page)
        bgra = np.dstack([shown[:, :, ::-1], np.zeros(shown.shape[:2], np.uint8)])
        return read_number(np.ascontiguousarray(bgra))

    async with asyncio.timeout(MOVES):
        while (first := await number()) is None:
            pass
        later: int | None = first
        while later is None or later <= first:
            later = await number()


#: Unpacks a page of one colour as the worker does; bytes that came out, and how many of them are right.
UNPACKS = """import("/decode/zstd.js").then(async ({ Decompressor }) => {
    const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 1, 0, 3, 0, 8, 7);
    const content = (await Decompressor.load()).decompress(frame, 65536);
    return [content.length, content.reduce((sum, value) => sum + (value === 7), 0)];
})"""


async def test_the_relay_s_policy_lets_the_page_unpack_exact_pixels(chromium: Browser, tmp_path: Path) -> None:
    async with desk(tmp_path) as (running, _), opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        assert await page.evaluate(UNPACKS) == [65536, 65536]


async def test_a_link_opens_the_desktop_and_its_code_leaves_the_address_bar(chromium: Browser, tmp_path: Path) -> None:
    async with desk(tmp_path) as (running, _), opened(chromium, 640, 360) as page:
        assert await visit(page, running.host["url"], "running") == "running"
        assert await page.evaluate("location.hash + location.search") == ""
        assert CODE not in await page.evaluate("location.href")

        await moves(page)
        assert not await page.evaluate("document.getElementById('entrance').checkVisibility()")


async def test_refusals_are_said_in_the_form_that_can_mend_them(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, _ = stand
    async with opened(chromium) as page:
        ours = running.host["device_id"]
        sentence = "document.getElementById('error').textContent"
        await visit(page, f"{running.page}#d={ours}&c=WR0NG", "refused")
        assert "the code is wrong" in await page.evaluate(sentence)
        assert await page.evaluate("document.getElementById('device').value") == ours
        await visit(page, f"{running.page}#d={device_id.to_text(4711)}&c={CODE}", "refused")
        assert await page.evaluate(sentence) == "No such device, or it is offline."
        await visit(page, f"{running.page}#d={ours[:-1]}&c={CODE}", "refused")
        assert "28 characters" in await page.evaluate(sentence)
        await page.evaluate(
            f"document.getElementById('device').value = '{ours.lower()}';"
            f"document.getElementById('code').value = '{CODE.lower()}';"
            "document.getElementById('connect').requestSubmit()"
        )
        await page.until(f"{STATE} == 'running'")


async def test_a_relay_that_the_pin_does_not_name_is_refused(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, _ = stand
    async with opened(chromium) as page:
        other = f"""(() => {{
            const real = fetch;
            window.fetch = async (...of) => {{
                const told = await (await real(...of)).json();
                return new Response(JSON.stringify({{...told, pin: "{"A" * 43}"}}));
            }};
        }})()"""
        await page.send("Page.addScriptToEvaluateOnNewDocument", source=other)
        await visit(page, running.host["url"], "refused")
        assert "not the one that was pinned" in await page.evaluate("document.getElementById('error').textContent")


async def test_a_viewer_of_the_view_code_only_looks(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, witness = stand
    witness.forget()
    async with opened(chromium) as page:
        await visit(page, running.host["view_url"], "running")
        assert await page.evaluate("!document.getElementById('view-only').hidden")
        await page.click(100, 100)
        await page.type("a")
        await page.until("document.documentElement.dataset.exact")
        assert await page.evaluate(STATE) == "running"
    assert witness.look() == []


async def test_hands_reach_the_desktop_and_nothing_stays_held(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, witness = stand
    witness.forget()
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.until("document.documentElement.dataset.exact")

        await page.click(123, 234)
        await running.until("a click", witness.saw(("down", 1), ("up", 1)))
        assert witness.at == (123, 234)
        await page.send("Input.dispatchMouseEvent", type="mouseWheel", x=50, y=60, deltaX=0, deltaY=120)
        await running.until("a notch of the wheel", witness.saw(("down", 5), ("up", 5)))

        await page.type("hello42")
        await running.until("typed text", lambda: witness.text().endswith("hello42"))
        await page.send("Input.insertText", text="composed")
        await running.until("composed text", lambda: witness.text().endswith("composed"))

        await page.send(
            "Input.dispatchKeyEvent", type="rawKeyDown", code="ControlLeft", key="Control", modifiers=CONTROL
        )
        await running.until("Control down", witness.saw(("press", 37)))
        await page.evaluate("document.getElementById('typing').blur()")
        await running.until("Control up", witness.saw(("press", 37), ("release", 37)))

        witness.draw(100, 100, 200, 100)
        while (await pixels(page))[150, 200].min() < 200:
            await asyncio.sleep(0)


async def test_a_release_that_the_browser_never_told_is_noticed(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, witness = stand
    witness.forget()
    shift, letter, keypad = 50, 38, 87

    async def press(page: Page, code: str, name: str, modifiers: int = 0) -> None:
        await page.send("Input.dispatchKeyEvent", type="rawKeyDown", code=code, key=name, modifiers=modifiers)

    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.until("document.documentElement.dataset.exact")
        await page.click(100, 100)
        await press(page, "ShiftLeft", "Shift", SHIFT)
        await running.until("Shift", witness.saw(("press", shift)))
        await page.evaluate("new Promise((done) => setTimeout(done, 150))")  # the pointer's events may be that late
        await page.move(120, 120)
        await running.until("Shift is up, says the pointer", witness.saw(("press", shift), ("release", shift)))
        await press(page, "KeyA", "a")
        await running.until("a key that nobody repeats", witness.saw(("press", letter), ("release", letter)))
        assert witness.look().count(("press", letter)) < 30

        witness.forget()
        await key(page, "Numpad1", "1")
        await running.until("a key of the keypad", witness.saw(("press", keypad), ("release", keypad)))
        assert witness.num_lock, "it is a digit there as here"
        await key(page, "Numpad1", "End")
        await running.until("the same, without Num Lock", lambda: not witness.num_lock)

        witness.forget()
        await page.evaluate("document.querySelector('[data-action=places]').click()")
        await key(page, "KeyQ", "a")
        await running.until("the key at that place", witness.saw(("press", 24), ("release", 24)))
        await page.evaluate("document.querySelector('[data-action=places]').click()")
        await key(page, "KeyQ", "a")
        await running.until("the letter again", witness.saw(("press", 38), ("release", 38)))


async def test_the_clipboards_meet(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, witness = stand
    witness.forget()
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.click(10, 10)
        await page.evaluate(
            """(() => {
                const data = new DataTransfer();
                data.setData("text/plain", "from the page\\r\\nand its second line");
                const field = document.getElementById("typing");
                const about = { code: "KeyV", key: "v", ctrlKey: true, bubbles: true, cancelable: true };
                field.dispatchEvent(new KeyboardEvent("keydown", about));
                const pasted = { clipboardData: data, bubbles: true, cancelable: true };
                field.dispatchEvent(new ClipboardEvent("paste", pasted));
            })()"""
        )
        await running.until("the pasting key, once the clipboard is there", witness.saw(("press", 55), ("release", 55)))
        display = running.source[1]
        clipboard, peer = X11Clipboard(display), Peer(display)
        try:
            assert await clipboard.get() == "from the page\nand its second line"
            await page.evaluate("navigator.clipboard.writeText = async (text) => void (window.copied = text)")
            assert clipboard.set("from the host")
            assert await page.until("window.copied") == "from the host"
            refusal = "Promise.reject(new DOMException('', 'NotAllowedError'))"
            await page.evaluate(f"navigator.clipboard.writeText = () => {refusal}")
            assert clipboard.set("refused by the browser")
            await page.until("document.getElementById('toast').textContent.includes('clipboard changed')")
            await page.evaluate("document.querySelector('#toast button').click()")
            assert await page.evaluate("document.getElementById('paste-text').value") == "refused by the browser"
            await page.evaluate("document.getElementById('paste').close()")
            await meet_with_pictures(page, peer)
            witness.forget()
            await page.evaluate(
                """(() => {
                    const data = new DataTransfer();
                    data.setData("text/plain", "x".repeat(1048001));
                    const pasted = { clipboardData: data, bubbles: true, cancelable: true };
                    document.getElementById("typing").dispatchEvent(new ClipboardEvent("paste", pasted));
                    const key = { code: "KeyA", key: "a", bubbles: true, cancelable: true };
                    document.getElementById("typing").dispatchEvent(new KeyboardEvent("keydown", key));
                })()"""
            )
            await page.until("document.getElementById('toast').textContent.includes('too long')")
            await running.until("a key typed behind it", witness.saw(("press", 38)))
            assert not witness.saw(("press", 55))(), "nothing else is pasted in its place"
        finally:
            clipboard.close()
            peer.close()


async def meet_with_pictures(page: Page, peer: Peer) -> None:
    """A picture that was copied at either end is fetched when somebody pastes it at the other."""
    said = "document.getElementById('toast').textContent"
    pixel = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    peer.own({"image/png": ("image/png", 8, pixel), "text/html": ("text/html", 8, b"<img>")})
    await page.until(f"{said}.includes('picture was copied')")
    assert "image/png" not in peer.asked
    await page.evaluate(
        """navigator.clipboard.write = async ([item]) => {
            const bytes = new Uint8Array(await (await item.getType("image/png")).arrayBuffer());
            window.brought = btoa(String.fromCharCode(...bytes));
        }"""
    )
    await page.evaluate("document.querySelector('#toast button').click()")
    assert base64.b64decode(await page.until("window.brought")) == pixel
    await page.evaluate(f"navigator.clipboard.write = () => {'Promise.reject(new DOMException())'}")
    peer.own({"image/png": ("image/png", 8, pixel)})
    await page.until(f"{said}.includes('picture was copied')")
    await page.evaluate("document.querySelector('#toast button').click()")
    await page.until("document.getElementById('paste-picture').naturalWidth === 1")
    await page.evaluate("document.getElementById('paste').close()")
    peer.cleared.clear()
    await page.evaluate(
        """(() => {
            const data = new DataTransfer();
            data.setData("text/html", "<b>x</b>");
            data.items.add(new File([new Uint8Array(300000).fill(7)], "image.png", { type: "image/png" }));
            const pasted = { clipboardData: data, bubbles: true, cancelable: true };
            document.getElementById("typing").dispatchEvent(new ClipboardEvent("paste", pasted));
        })()"""
    )
    await asyncio.wait_for(peer.cleared.wait(), 8)
    assert await peer.ask("image/png") == ("image/png", 8, b"\7" * 300_000)
    assert await peer.ask("text/html") == ("text/html", 8, b"<b>x</b>")


async def test_a_pasting_key_goes_with_the_control_that_it_was_pressed_with(
    chromium: Browser, stand: tuple[Desk, Witness]
) -> None:
    running, witness = stand
    witness.forget()
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.click(10, 10)
        await running.until("a click", witness.saw(("down", 1), ("up", 1)))
        witness.forget()
        # All keys of a quick Ctrl+V, and a letter behind them, go before the host can have taken the text.
        await page.evaluate(
            """(() => {
                const field = document.getElementById("typing");
                const about = { bubbles: true, cancelable: true };
                const say = (kind, code, key, ctrlKey) =>
                    field.dispatchEvent(new KeyboardEvent(kind, { ...about, code, key, ctrlKey }));
                const data = new DataTransfer();
                data.setData("text/plain", "a text");
                say("keydown", "ControlLeft", "Control", true);
                say("keydown", "KeyV", "v", true);
                field.dispatchEvent(new ClipboardEvent("paste", { ...about, clipboardData: data }));
                say("keyup", "KeyV", "v", true);
                say("keyup", "ControlLeft", "Control", false);
                say("keydown", "KeyB", "b", false);
                say("keyup", "KeyB", "b", false);
            })()"""
        )
        await running.until("the letter", witness.saw(("press", 56), ("release", 56)))
        pasted = [("press", 37), ("press", 55), ("release", 55), ("release", 37)]
        assert witness.look() == [*pasted, ("press", 56), ("release", 56)]


async def test_fingers_tap_press_and_scroll(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, witness = stand
    witness.forget()
    async with opened(chromium, 400, 600, touch=True) as page:
        await visit(page, running.host["url"], "running")
        await page.until("document.documentElement.dataset.exact")

        async def touch(kind: str, *points: tuple[int, int]) -> None:
            fingers = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
            await page.send("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)

        await touch("touchStart", (100, 250))
        await touch("touchEnd")
        await running.until("a tap", witness.saw(("down", 1), ("up", 1)))
        assert witness.at == (200, 200)  # 800 x 600 lies 400 wide at the top of 150
        await touch("touchStart", (200, 300))
        await running.until("a long press", witness.saw(("down", 3), ("up", 3)))
        await touch("touchEnd")
        await touch("touchStart", (200, 300), (240, 300))
        await touch("touchMove", (200, 240), (240, 240))
        await touch("touchEnd")
        await running.until("a notch down", witness.saw(("down", 5), ("up", 5)))
        witness.forget()
        await page.evaluate("document.querySelector('[data-action=pinch]').click()")  # off: the page is a phone's
        await touch("touchStart", (150, 300), (250, 300))
        await touch("touchMove", (100, 300), (300, 300))
        await touch("touchEnd")
        await running.until("a pinch", witness.saw(("press", 37), ("down", 4), ("up", 4), ("release", 37)))
        await touch("touchStart", (100, 250), (150, 250), (200, 250))
        await touch("touchMove", (120, 250), (170, 250), (220, 250))
        await touch("touchEnd")
        await running.until("a drag", witness.saw(("down", 1), ("up", 1)))
        assert witness.at == (340, 200)


async def test_a_mouse_that_is_locked_moves_the_hosts_by_as_much_until_esc(
    chromium: Browser, stand: tuple[Desk, Witness]
) -> None:
    running, witness = stand
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        await page.until("!document.querySelector('[data-action=lock]').hidden")
        await page.move(400, 300)
        await running.until("the pointer", lambda: witness.look() is not None and witness.at == (400, 300))
        await key(page, "KeyL", "L", ALT | CONTROL | SHIFT)
        await page.until("document.pointerLockElement?.id === 'desktop'")
        assert await page.evaluate("/Esc/.test(document.getElementById('toast').textContent)")
        await page.move(430, 280)
        await page.move(460, 260)
        await running.until("the movement", lambda: witness.look() is not None and witness.at == (460, 260))
        await page.evaluate("document.exitPointerLock()")
        await page.until("/free/.test(document.getElementById('toast').textContent)")
        await page.move(10, 20)
        await running.until("the place", lambda: witness.look() is not None and witness.at == (10, 20))


async def test_a_host_that_is_not_heard_is_said_to_be_until_it_is_again(chromium: Browser, tmp_path: Path) -> None:
    async with desk(tmp_path, "--no-direct") as (running, _), opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        running.started["host"].signal(signal.SIGSTOP)
        await page.until(f"{STATE} == 'stale'")
        assert await page.evaluate("document.getElementById('notice').checkVisibility()")
        running.started["host"].signal(signal.SIGCONT)
        await page.until(f"{STATE} == 'running'")
        assert not await page.evaluate("document.getElementById('notice').checkVisibility()")


async def test_keys_of_the_page_itself_bring_toolbar_and_figures_and_lead_out(
    chromium: Browser, stand: tuple[Desk, Witness]
) -> None:
    running, _ = stand
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        own = ALT | CONTROL | SHIFT
        await key(page, "KeyT", "T", own)
        assert await page.until("'shown' in document.getElementById('toolbar').dataset")
        assert await page.evaluate("document.getElementById('toolbar').contains(document.activeElement)")
        await page.evaluate("document.getElementById('typing').focus()")
        await key(page, "KeyS", "S", own)
        await page.until("document.getElementById('figures').innerText.includes('glass to glass')")
        await key(page, "KeyQ", "Q", own)
        await page.until(f"{STATE} == 'ended' && document.getElementById('entrance').checkVisibility()")


async def test_a_pointer_of_any_size_becomes_the_pages_cursor(chromium: Browser, stand: tuple[Desk, Witness]) -> None:
    running, _ = stand
    async with opened(chromium) as page:
        await visit(page, running.host["url"], "running")
        shown = await page.evaluate(
            """(async () => {
                const { Cursor } = await import(new URL("ui/cursor.js", document.querySelector("script[src]").src));
                const packed = async (pixels) => {
                    const stream = new Blob([pixels]).stream().pipeThrough(new CompressionStream("deflate"));
                    return new Uint8Array(await new Response(stream).arrayBuffer());
                };
                const pixels = new Uint8Array(64 * 64 * 4).fill(255);
                pixels.fill(0, 0, 4);  // one clear corner
                const image = await packed(pixels);
                const measure = async (shape, ratio) => {
                    const element = document.createElement("div");
                    await new Cursor(element, new Image()).show(shape, ratio);
                    const url = /url\\("?([^)"]+)"?\\)/.exec(element.style.cursor);
                    if (!url) return [element.style.cursor];
                    const picture = new Image();
                    picture.src = url[1];
                    await picture.decode();
                    const bitmap = await createImageBitmap(picture);
                    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
                    const context = canvas.getContext("2d");
                    context.drawImage(bitmap, 0, 0);
                    const alpha = (x, y) => context.getImageData(x, y, 1, 1).data[3];
                    const hot = element.style.cursor.match(/(\\d+) (\\d+)(?=, default)/);
                    return [bitmap.width, bitmap.height, +hot[1], +hot[2], alpha(0, 0), alpha(bitmap.width - 1, 9)];
                };
                const of = (width, height, scale) =>
                    ({ width, height, scale, hot_x: width / 2, hot_y: height / 4, image });
                return [
                    await measure(of(64, 64, 1), 1),
                    await measure(of(128, 128, 2), 1),
                    await measure(of(256, 256, 4), 1),
                    await measure(of(0, 0, 1), 1),
                ];
            })()"""
        )
    assert shown == [[64, 64, 32, 16, 0, 255], [128, 128, 64, 32, 0, 255], [128, 128, 64, 32, 0, 255], ["none"]]


async def test_pages_are_at_any_worker_of_a_relay_and_go_on_when_each_has_crashed(tmp_path: Path) -> None:
    if (why := steering.unable()) is not None:
        without(why)
    async with (
        browser(need("chromium"), size=(800, 600)) as chromium,  # no tabs but these two: one may be behind the other
        desk(tmp_path, "--no-direct", relay=("--workers", "2")) as (running, _),
        opened(chromium, 640, 360) as first,
        opened(chromium, 640, 360) as second,
    ):
        pages = (first, second)
        for page in pages:
            await page.send("Page.bringToFront")  # a tab behind another shows nothing
            await visit(page, running.host["url"], "running")
        supervisor = running.started["relay"].process.pid
        workers = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        assert len(workers) == 2
        for worker in workers:
            os.kill(int(worker), signal.SIGKILL)
            for page in pages:
                await page.send("Page.bringToFront")
                await moves(page)
        for page in pages:
            await page.until(f"{STATE} == 'running'")
