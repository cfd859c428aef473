"""A stage for windows: a private X server, eyes that see its pixels, and hands that press its keys."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.damage
import xcffib.xproto
import xcffib.xtest
from numpy.typing import NDArray

from tests.tools import need

ROOT = Path(__file__).resolve().parents[2]
#: Seconds until something that should happen is said not to have happened.
PATIENCE = 30.0


class Display:
    """An Xvfb of 24-bit colour and our connection to it."""

    def __init__(self, width: int, height: int) -> None:
        reading, writing = os.pipe()
        self.server = subprocess.Popen(
            [need("Xvfb"), "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-noreset"],
            pass_fds=(writing,),
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.name = f":{int(pipe.readline())}"
        self.size = (width, height)
        self._x: Any = xcffib.connect(display=self.name)  # type: ignore[no-untyped-call]
        self._xtest = self._x(xcffib.xtest.key)
        self._root = self._x.get_setup().roots[0].root

    def grab(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> NDArray[np.uint8]:
        """What is on the screen: (height, width, 3) RGB. The whole screen by default."""
        width, height = width or self.size[0], height or self.size[1]
        reply = self._x.core.GetImage(
            xcffib.xproto.ImageFormat.ZPixmap, self._root, x, y, width, height, 0xFFFFFFFF
        ).reply()
        pixels = np.frombuffer(bytes(reply.data), np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(pixels[:, :, 2::-1])

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour of one pixel."""
        red, green, blue = self.grab(x, y, 1, 1)[0, 0].tolist()
        return red, green, blue

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0, after: int = 0) -> None:
        self._xtest.FakeInput(kind, detail, after, 0 if kind == 6 and detail else self._root, x, y, 0)
        self._x.flush()

    def key(self, code: int, down: bool, after: int = 0) -> None:
        """Press or release a key by the kernel's key code, so many milliseconds after what was done before."""
        self._fake(2 if down else 3, code + 8, after=after)

    def tap(self, *codes: int, after: int = 0) -> None:
        """Press keys one after the other and release them in reverse."""
        for code in codes:
            self.key(code, True, after)
        for code in reversed(codes):
            self.key(code, False, after)

    def move(self, x: int, y: int) -> None:
        """Put the pointer there."""
        self._fake(6, 0, x, y)

    def move_by(self, dx: int, dy: int) -> None:
        """Move the pointer as a mouse does."""
        self._fake(6, 1, dx, dy)

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        told = self._x.core.QueryPointer(self._root).reply()
        return told.root_x, told.root_y

    def sync(self) -> None:
        """Wait until the server has done all that was asked for."""
        self._x.core.GetInputFocus().reply()

    def button(self, number: int, down: bool) -> None:
        """Press or release a button of the mouse."""
        self._fake(4 if down else 5, number)

    def click(self, number: int = 1) -> None:
        """Press and release a button."""
        self.button(number, True)
        self.button(number, False)

    def shown_cursor(self) -> bool:
        """Whether the pointer has a visible pixel."""
        import xcffib.xfixes

        fixes = self._x(xcffib.xfixes.key)
        fixes.QueryVersion(4, 0).reply()
        return any(pixel >> 24 for pixel in fixes.GetCursorImage().reply().cursor_image)

    def focus(self, window: int) -> int:
        """Give a window the keyboard (0: none); the one that had it."""
        before: int = self._x.core.GetInputFocus().reply().focus
        self._x.core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, window, 0)
        self._x.flush()
        return before

    @contextmanager
    def keyboard_elsewhere(self) -> Iterator[None]:
        """All keys go to us, whatever window has the keyboard."""
        mode = xcffib.xproto.GrabMode.Async
        status = self._x.core.GrabKeyboard(False, self._root, 0, mode, mode).reply().status
        assert status == xcffib.xproto.GrabStatus.Success
        try:
            yield
        finally:
            self._x.core.UngrabKeyboard(0)
            self._x.core.GetInputFocus().reply()

    def window(self) -> int:
        """Another program's window."""
        made: int = self._x.generate_id()
        self._x.core.CreateWindow(0, made, self._root, 0, 0, 9, 9, 0, 1, 0, xcffib.xproto.CW.OverrideRedirect, [1])
        self._x.core.MapWindow(made)
        self._x.core.GetInputFocus().reply()
        return made

    def resize(self, width: int, height: int) -> None:
        """Give the largest window on the screen this size, at the upper left corner, as a window manager does."""
        tree = self._x.core.QueryTree(self._root).reply()
        shapes = {one: self._x.core.GetGeometry(one).reply() for one in tree.children}
        largest = max(shapes, key=lambda one: shapes[one].width * shapes[one].height)
        flags = xcffib.xproto.ConfigWindow
        self._x.core.ConfigureWindow(
            largest, flags.X | flags.Y | flags.Width | flags.Height, [0, 0, width, height], is_checked=True
        ).check()

    @contextmanager
    def painted(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """What anybody paints on the screen while this is open: x, y, width and height of each, there at its end."""
        damage = self._x(xcffib.damage.key)
        damage.QueryVersion(1, 1).reply()
        watch: int = self._x.generate_id()
        damage.Create(watch, self._root, xcffib.damage.ReportLevel.RawRectangles, is_checked=True).check()
        while self._x.poll_for_event() is not None:
            pass
        found: list[tuple[int, int, int, int]] = []
        try:
            yield found
            self._x.core.GetInputFocus().reply()  # what was painted before has been told by now
            while (event := self._x.poll_for_event()) is not None:
                if isinstance(event, xcffib.damage.NotifyEvent):
                    found.append((event.area.x, event.area.y, event.area.width, event.area.height))
        finally:
            damage.Destroy(watch, is_checked=True).check()

    def focus_is_set(self) -> bool:
        """Whether some window has the keyboard."""
        return bool(self._x.core.GetInputFocus().reply().focus > 1)

    def kill(self) -> None:
        """End the server as a crash does."""
        self.server.kill()
        self.server.wait(PATIENCE)

    def close(self) -> None:
        self._x.disconnect()
        self.server.terminate()
        self.server.wait(PATIENCE)


class Actor:
    """The viewer process of window_actor.py."""

    def __init__(self, display: Display, **settings: Any) -> None:
        environment = {**os.environ, "DISPLAY": display.name, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(ROOT)}
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.viewer.window_actor", json.dumps(settings)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.rows: list[list[Any]] = []
        self._prepared: set[int] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))
        self._said.put(None)

    def order(self, do: str, **what: Any) -> None:
        """Tell it to do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()

    def hear(self, key: str) -> Any:
        """The next thing it says under `key`; input rows on the way are kept in `rows`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            said = self._said.get(timeout=max(0.01, deadline - time.monotonic()))
            assert said is not None, f"the viewer ended before it said {key!r}"
            self.rows += said.get("rows", [])
            if key in said:
                return said[key] if key != "presented" and key != "shown" else (said[key], said["at"])

    def typed(self, count: int) -> list[list[Any]]:
        """Wait until so many rows came; all of them, taken."""
        while len(self.rows) < count:
            self.hear("rows")
        rows, self.rows = self.rows, []
        return rows

    def until(self, row: list[Any]) -> list[list[Any]]:
        """Wait for this row; all that came so far, taken."""
        while row not in self.rows:
            self.hear("rows")
        rows, self.rows = self.rows, []
        return rows

    def toast(self) -> str:
        """The line at the bottom of the window, empty where there is none."""
        self.order("settle")
        text: str = self.hear("toast")
        return text

    def menus(self) -> dict[str, tuple[int, int]]:
        """Where the buttons of the toolbar and of the panels of files are, by their texts; none of what is not seen."""
        self.order("settle")
        places: dict[str, tuple[int, int]] = self.hear("menus")
        return places

    def texts(self) -> list[str]:
        """What the panels of files say."""
        self.order("settle")
        said: list[str] = self.hear("panels")
        return said

    def settle(self) -> list[list[Any]]:
        """The rows that came until the window had done all there was to do; taken."""
        self.order("settle")
        self.hear("settled")
        rows, self.rows = self.rows, []
        return rows

    def show(self, number: int, size: tuple[int, int], seed: int = 0, **more: Any) -> None:
        """Have a picture on the screen; a number stands for the same picture every time."""
        if number not in self._prepared:
            self._prepared.add(number)
            self.order("prepare", number=number, size=size, seed=seed, **more)
            self.hear("prepared")
        self.order("show", numbers=[number])
        assert self.hear("presented")[0] == number

    def errors(self) -> str:
        """What it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read()

    def end(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stdin is not None and self.process.stdout is not None
        self._reader.join(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()
        sys.stderr.write(self.errors())
        self._errors.close()


@contextmanager
def staged(width: int = 1280, height: int = 800, **settings: Any) -> Iterator[tuple[Display, Actor]]:
    """An X server with a running viewer on it."""
    display = Display(width, height)
    try:
        actor = Actor(display, **settings)
        try:
            yield display, actor
        finally:
            actor.close()
    finally:
        display.close()


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition on another process' doings holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.005)
