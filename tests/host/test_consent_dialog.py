"""The question on the host's screen, answered by clicks of XTEST (the only pointer Xvfb has)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from avl_host.input.desktop import DesktopSink
from avl_host.input.sink import StoppedLoop
from avl_host.sessions.consent_dialog import ALLOW, DENY, GUARD, DialogUnavailable, ask, question, wrapped
from avl_protocol.wire.registry import Permission
from tests.host.conftest import XServer

pytestmark = pytest.mark.display
TEXT = question("ABCD-EFGH-JKMN-PQRS-TVWX-YZ01-2345", "Laptop", Permission.VIEW | Permission.POINTER)
#: Where the window lies on a 640x480 screen, its border included.
LEFT, TOP = (640 - 520) // 2 + 2, (480 - 220) // 3 + 2


def click(server: XServer, box: object) -> None:
    """Click into the middle of a button."""
    x, y, width, height = (getattr(box, name) for name in ("x", "y", "width", "height"))
    sink = DesktopSink(server.display, StoppedLoop())
    sink.move(LEFT + x + width // 2, TOP + y + height // 2)
    sink.button(1, True)
    sink.button(1, False)
    sink.close()


async def answered(server: XServer, box: object, wait: float, seconds: float = 3.0, injected: bool = True) -> bool:
    """Ask, click after `wait` seconds, and tell the answer."""
    asked = asyncio.create_task(ask(server.display, TEXT, seconds, injected))
    await asyncio.sleep(wait)
    click(server, box)
    return await asked


@pytest.mark.parametrize(
    "name", ["Laptop", "", "a" * 5000, "Desk\n" * 50, "\u202e" + "x y " * 200, "admin (YOUR-OWN-DESK) " * 9]
)
@pytest.mark.parametrize("columns", [47, 52, 78])
def test_a_name_hides_neither_who_asks_nor_what_for(name: str, columns: int) -> None:
    device = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ01-2345"
    lines = wrapped(question(device, name, Permission.VIEW | Permission.KEYBOARD), columns)
    assert lines[:2] == [f"Viewer {device}", "wants to see this screen, type and click."]
    assert all(line.isprintable() for line in lines)
    assert len(lines) == (2 if not name else 3 if len(name) < 30 else 4)


def test_who_only_watches_is_asked_for_that() -> None:
    assert question("ID", "x", Permission.VIEW).splitlines()[1] == "wants to see this screen."
    draws = question("ID", "x", Permission.VIEW | Permission.ANNOTATE)
    assert draws.splitlines()[1] == "wants to see this screen and draw over it."


async def test_allow(xvfb: XServer) -> None:
    async with asyncio.timeout(2.5):
        assert await answered(xvfb, ALLOW, GUARD + 0.2)


async def test_deny_needs_no_waiting(xvfb: XServer) -> None:
    async with asyncio.timeout(0.7):
        assert not await answered(xvfb, DENY, 0.1)


async def test_silence_denies(xvfb: XServer) -> None:
    async with asyncio.timeout(1.0):
        assert not await ask(xvfb.display, TEXT, 0.3)


async def test_a_click_that_was_under_way_allows_nothing(xvfb: XServer) -> None:
    assert not await answered(xvfb, ALLOW, 0.1, seconds=0.5)


async def test_a_click_made_by_a_program_allows_nothing(xvfb: XServer) -> None:
    assert not await answered(xvfb, ALLOW, GUARD + 0.1, seconds=1.0, injected=False)


async def test_nobody_can_be_asked() -> None:
    with pytest.raises(DialogUnavailable):
        await ask(":998", TEXT)


async def test_the_display_dies_while_asking(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    asked = asyncio.create_task(ask(server.display, TEXT, 5))
    await asyncio.sleep(0.1)
    server.end()
    with pytest.raises(DialogUnavailable):
        async with asyncio.timeout(3):
            await asked
