"""The portable sink on an X server, in a process of its own: pynput connects to DISPLAY when it is imported."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import xcffib
import xcffib.xproto

from tests.host.conftest import Typist, XServer

pytestmark = pytest.mark.display

PROGRAM = """
from avl_host.input.sink import StoppedLoop
from avl_host.input.sinks import open_sink
from avl_protocol.wire.keys import KEYS
from avl_protocol.wire.registry import Modifier
sink = open_sink("mss", StoppedLoop())
sink.move(100, 100)
sink.text("text é\\n")
def press(usage, text="", modifiers=0):
    sink.key(usage, True, modifiers, text)
    sink.key(usage, False, modifiers, text)
press(KEYS["a"], "q")
press(KEYS["7"])
press(KEYS["backspace"])
press(KEYS["slash"])
press(KEYS["enter"])
sink.scroll(0, 60)
sink.scroll(0, 60)
sink.button(1, True)
sink.key(KEYS["ctrl"], True, Modifier.CONTROL, "")
sink.close()
press(KEYS["b"], "b")
press(KEYS["c"], "cd\\u00a0")
press(KEYS["enter"])
sink.key(KEYS["ctrl"], True, Modifier.CONTROL, "")
press(KEYS["e"], "d", Modifier.CONTROL)
sink.close()
from pynput import mouse
print(*mouse.Controller().position)
"""


def focus_the_terminal(display: str) -> None:
    """pynput types into the window that has the focus; there is no window manager to give it one."""
    x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
    root = x.get_setup().roots[0].root
    for window in x.core.QueryTree(root).reply().children:
        if x.core.GetWindowAttributes(window).reply().map_state == xcffib.xproto.MapState.Viewable:
            x.core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, window, 0, is_checked=True).check()
    x.disconnect()


def test_what_is_typed_arrives(xvfb: XServer, typist: Typist) -> None:
    focus_the_terminal(xvfb.display)
    done = xvfb.run(sys.executable, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert typist.lines(3) == ["text é", "q/", "bcd\u00a0"]
    typist.process.wait(8)  # Ctrl+D, by its letter, ended cat, and with it the terminal.
    assert done.stdout.split() == ["100", "100"]
