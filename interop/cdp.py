"""A headless Chromium driven through the Chrome DevTools Protocol over two pipes: no driver program, no port.

`--remote-debugging-pipe` has the browser read commands from descriptor 3 and write answers to descriptor 4, each a JSON
object that ends with a zero byte; a shell maps them to our end of stdin and stdout.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

#: What keeps a browser of tests to itself: no first run, nothing fetched in the background.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--remote-debugging-pipe",
)
ANSWER_LIMIT = 64 * 1024 * 1024
DEADLINE = 20.0
#: character -> (KeyboardEvent.code, virtual key code) of the keys that follow no rule.
CODES = {
    " ": ("Space", 32),
    "-": ("Minus", 189),
    "=": ("Equal", 187),
    "[": ("BracketLeft", 219),
    "]": ("BracketRight", 221),
    "\\": ("Backslash", 220),
    ";": ("Semicolon", 186),
    "'": ("Quote", 222),
    "`": ("Backquote", 192),
    ",": ("Comma", 188),
    ".": ("Period", 190),
    "/": ("Slash", 191),
    "\r": ("Enter", 13),
}
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=True))


class BrowserError(Exception):
    """The browser refused a command, a script threw, or no answer came."""


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        #: What the page logged and the exceptions nobody caught, in order.
        self.console: list[str] = []

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this tab; its result, or BrowserError."""
        return await self._browser.send(method, self._session, **parameters)

    async def evaluate(self, expression: str, seconds: float = DEADLINE) -> Any:
        """The value of a JavaScript expression; a promise is awaited. What it throws becomes a BrowserError."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self._browser.send("Runtime.evaluate", self._session, seconds=seconds, **asked)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = DEADLINE) -> Any:
        """The value of an expression once it is true, looked at on every animation frame of the page."""
        script = f"""new Promise((resolve, reject) => {{
            const end = performance.now() + {seconds * 1000};
            const look = async () => {{
                try {{
                    const value = await ({expression});
                    if (value) return resolve(value);
                    if (performance.now() > end) return reject(new Error("still false: " + {json.dumps(expression)}));
                    requestAnimationFrame(look);
                }} catch (error) {{ reject(error); }}
            }};
            look();
        }})"""
        return await self.evaluate(script, seconds)

    async def screenshot(self) -> bytes:
        """The visible page as a PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", format="png"))["data"])

    async def move(self, x: float, y: float) -> None:
        """Move the pointer to a point of the viewport."""
        await self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def click(self, x: float, y: float) -> None:
        """Click with the left button."""
        await self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    async def type(self, text: str) -> None:
        """Press and release the key of each character of a US keyboard; `\\r` is Enter."""
        for character in text:
            await self.key(character, True)
            await self.key(character, False)

    async def key(self, character: str, down: bool) -> None:
        """Press or release one of these keys."""
        plain = SHIFTED.get(character, character.lower())
        rule = (f"Digit{plain}" if plain.isdigit() else f"Key{plain.upper()}", ord(plain.upper()))
        code, number = CODES.get(plain, rule)
        shift = 8 if character in SHIFTED or character.isupper() else 0
        key = "Enter" if character == "\r" else character
        about = {"code": code, "key": key, "modifiers": shift, "windowsVirtualKeyCode": number}
        kind = {"type": "keyDown", "text": character} if down else {"type": "keyUp"}
        await self.send("Input.dispatchKeyEvent", **kind, **about)

    def heard(self, method: str, parameters: dict[str, Any]) -> None:
        """Keep what the page says."""
        if method == "Runtime.consoleAPICalled":
            words = (str(part.get("value", part.get("description", ""))) for part in parameters["args"])
            self.console.append(f"{parameters['type']}: {' '.join(words)}")
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.console.append(f"uncaught: {details.get('exception', {}).get('description') or details['text']}")
        elif method == "Log.entryAdded":
            entry = parameters["entry"]
            self.console.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")


class Browser:
    """A running browser; made by `browser()`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self._writer = process.stdin
        self._reader = process.stdout
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._listening = asyncio.ensure_future(self._listen())

    async def send(
        self, method: str, session: str | None = None, *, seconds: float = DEADLINE, **parameters: Any
    ) -> dict[str, Any]:
        """One command, which may take so many seconds; its result, or BrowserError."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(json.dumps(message).encode() + b"\0")
        try:
            return await asyncio.wait_for(answer, seconds + 5)
        except TimeoutError:
            raise BrowserError(f"no answer to {method}") from None
        finally:
            self._waiting.pop(number, None)

    async def page(self, address: str = "about:blank") -> Page:
        """Open a tab, listening before the first line of its page runs."""
        page = await self.attach((await self.send("Target.createTarget", url="about:blank"))["targetId"])
        if address != "about:blank":
            await page.send("Page.navigate", url=address)
        return page

    async def attach(self, target: str) -> Page:
        """A tab or window that is there, by the id of its target."""
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            await page.send(f"{domain}.enable")
        return page

    async def close(self) -> None:
        """End the browser and everything it started."""
        self._listening.cancel()
        self._writer.close()
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 5)
            os.killpg(self.process.pid, signal.SIGKILL)
        except TimeoutError:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        except ProcessLookupError:
            await self.process.wait()

    async def _listen(self) -> None:
        """Hand answers to who waits for them and events to their page."""
        try:
            while True:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                waiting = self._waiting.get(message.get("id", 0))
                if waiting is not None and not waiting.done():
                    if "error" in message:
                        waiting.set_exception(BrowserError(message["error"]["message"]))
                    else:
                        waiting.set_result(message["result"])
                elif "method" in message and message.get("sessionId") in self._pages:
                    self._pages[message["sessionId"]].heard(message["method"], message["params"])
        except asyncio.IncompleteReadError:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(BrowserError("the browser ended"))


@asynccontextmanager
async def browser(
    program: str = "chromium",
    *,
    size: tuple[int, int] = (1440, 900),
    flags: Sequence[str] = (),
    within: Callable[[Sequence[str | Path]], Sequence[str | Path]] = lambda command: command,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Browser]:
    """A browser with a profile of its own, ended when the block is left; `log` receives what it says on stderr, and
    `within` makes its command one that runs in a network namespace. With a DISPLAY in `environment`, which is added to
    ours, it has a window there, and sound."""
    surroundings = dict(environment or {})
    with tempfile.TemporaryDirectory(prefix="avl-browser-", ignore_cleanup_errors=True) as profile:
        shared_memory = () if os.access("/dev/shm", os.W_OK) else ("--disable-dev-shm-usage",)
        command = [
            program,
            *([] if "DISPLAY" in surroundings else ["--headless"]),
            *FLAGS,
            *shared_memory,
            f"--window-size={size[0]},{size[1]}",
            f"--user-data-dir={profile}",
            *flags,
        ]
        with (log or Path(os.devnull)).open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                'exec "$@" 3<&0 4>&1 0</dev/null 1>&2',
                "sh",
                *within(command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **surroundings},
                limit=ANSWER_LIMIT,
                start_new_session=True,
            )
        running = Browser(process)
        try:
            yield running
        finally:
            await running.close()
