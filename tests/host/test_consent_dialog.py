"""The question on the host's screen, answered by a hand, and by programs that want to be one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from avl_host.input.desktop import DesktopSink
from avl_host.input.ownwindows import OwnWindows
from avl_host.input.sink import StoppedLoop
from avl_host.presence.consent import GUARD
from avl_host.presence.dialog import Asker, Layout
from avl_host.presence.question import NONE, Decision, Question, Span
from avl_host.presence.surface import Box, Surface
from avl_protocol.rights.effective import NEVER_IMPLIED, OWNER
from avl_protocol.wire.registry import T_CONSENT, Permission
from tests.host.conftest import XServer
from tests.host.hand import Hand

pytestmark = pytest.mark.display
WISH = Permission.VIEW | Permission.POINTER | Permission.KEYBOARD
QUESTION = Question(device="ABCD-EFGH-JKMN-PQRS-TVWX-YZ01-2345", claimed="Laptop", wish=WISH)
TAB, SPACE, ESCAPE, RETURN = 0xFF09, 0x20, 0xFF1B, 0xFF0D
CONTROL, ALT, SHIFT = 0xFFE3, 0xFFE9, 0xFFE1
#: USB HID usages of the same keys, as viewers send them.
KEYS = {"tab": 0x2B, "space": 0x2C, "escape": 0x29, "return": 0x28}


class Stand:
    """An asker at a display, the injector beside it, and a person."""

    def __init__(self, server: XServer) -> None:
        self.own = OwnWindows()
        self.ahead = 0.0
        self.asker = Asker(server.display, self.own, lambda: time.monotonic() + self.ahead)
        self.sink = DesktopSink(server.display, StoppedLoop(), self.own)
        #: As any other program that uses XTEST: it knows nothing of our windows.
        self.rude = DesktopSink(server.display, StoppedLoop())
        self.hand = Hand(server.display)
        self.hand.move(0, 0)
        probe = Surface(server.display, OwnWindows())
        self.line, self.screen = probe.line, probe.screen
        probe.close()

    def layout(self, question: Question = QUESTION) -> tuple[Layout, Box]:
        made = Layout(question, self.line)
        return made, made.on(self.screen)

    def at(self, box: Box, question: Question = QUESTION) -> tuple[int, int]:
        """The middle of a part of the window, in desktop pixels."""
        window = self.layout(question)[1]
        return window.x + box.x + min(10, box.width // 2), window.y + box.y + box.height // 2

    async def takes_keyboard(self) -> None:
        """A hand has keys go to the question."""
        self.hand.key(*(self.hand.keycode(keysym) for keysym in (CONTROL, ALT, SHIFT, RETURN)))
        await asyncio.sleep(0.1)

    def close(self) -> None:
        self.sink.close()
        self.rude.close()
        self.hand.close()


@pytest.fixture
def stand(xvfb: XServer) -> Iterator[Stand]:
    made = Stand(xvfb)
    yield made
    made.close()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def shown(stand: Stand, question: Question = QUESTION) -> asyncio.Task[Decision | None]:
    """A question that is up, its guard over."""
    asked = asyncio.create_task(stand.asker.ask(question))
    await until(lambda: stand.asker.desk.current is not None and stand.asker.desk.current.armed)
    return asked


async def test_allow_by_hand_gives_what_is_switched_on(stand: Stand) -> None:
    asked = await shown(stand)
    layout, _ = stand.layout()
    stand.hand.click(*stand.at(layout.switches[Permission.KEYBOARD]))
    stand.hand.click(*stand.at(layout.allow))
    async with asyncio.timeout(10):
        assert await asked == Decision(Permission.VIEW | Permission.POINTER)
    assert not stand.own, "the window is gone"


async def test_a_hand_says_for_how_long(stand: Stand) -> None:
    asked = await shown(stand)
    layout, _ = stand.layout()
    stand.hand.click(*stand.at(layout.spans[Span.HOUR]))
    stand.hand.click(*stand.at(layout.allow))
    async with asyncio.timeout(10):
        assert await asked == Decision(WISH, 3600.0)


async def test_deny_needs_no_waiting(stand: Stand) -> None:
    asked = asyncio.create_task(stand.asker.ask(QUESTION))
    await asyncio.sleep(0.1)
    stand.hand.click(*stand.at(stand.layout()[0].deny))
    async with asyncio.timeout(0.5):
        assert await asked == Decision(NONE)


async def test_silence_denies(stand: Stand) -> None:
    asked = asyncio.create_task(stand.asker.ask(QUESTION))
    await asyncio.sleep(0.1)
    stand.ahead = T_CONSENT
    async with asyncio.timeout(2.0):
        assert await asked == Decision(NONE)


async def test_a_click_that_was_under_way_allows_nothing(stand: Stand) -> None:
    asked = asyncio.create_task(stand.asker.ask(QUESTION))
    await until(lambda: stand.asker.desk.current is not None)
    stand.hand.click(*stand.at(stand.layout()[0].allow))
    time.sleep(GUARD + 0.1)  # the program is busy: it reads of the click only after the guard
    await until(lambda: stand.asker.desk.current is None or stand.asker.desk.current.armed)
    assert not asked.done()
    stand.hand.click(*stand.at(stand.layout()[0].allow))
    async with asyncio.timeout(10):
        assert await asked == Decision(WISH)


async def test_keys_answer_once_a_hand_has_given_them_to_the_question(stand: Stand) -> None:
    asked = await shown(stand)
    await stand.takes_keyboard()
    tab, space = (stand.hand.keycode(keysym) for keysym in (TAB, SPACE))
    stand.hand.key(tab)  # Deny -> Allow
    stand.hand.key(tab)  # -> pointer
    stand.hand.key(space)
    for _ in range(3):
        stand.hand.key(tab)  # -> keyboard -> until it is ended -> 15 minutes
    stand.hand.key(space)
    for _ in range(4):
        stand.hand.key(tab)
    stand.hand.key(stand.hand.keycode(RETURN))
    async with asyncio.timeout(10):
        assert await asked == Decision(Permission.VIEW | Permission.KEYBOARD, 900.0)
    asked = asyncio.create_task(stand.asker.ask(QUESTION))
    await asyncio.sleep(0.1)
    await stand.takes_keyboard()
    stand.hand.key(stand.hand.keycode(ESCAPE))
    async with asyncio.timeout(10):
        assert await asked == Decision(NONE)


#: Both positions of every switch: all as they stand at first, and all turned round by a hand.
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("polite", [True, False], ids=["our injector", "any program"])
async def test_a_thousand_injected_clicks_and_keys_answer_nothing(stand: Stand, turned: bool, polite: bool) -> None:
    question = Question(device=QUESTION.device, claimed="x", wish=OWNER)
    layout, _ = stand.layout(question)
    asked = await shown(stand, question)
    if turned:
        for box in (*layout.switches.values(), layout.spans[Span.QUARTER]):
            stand.hand.click(*stand.at(box, question))
    turned_on = OWNER & ~NEVER_IMPLIED if not turned else Permission.VIEW | NEVER_IMPLIED
    await until(lambda: stand.asker.desk.current is not None and stand.asker.desk.current.on == turned_on)
    before = stand.asker.desk.current
    assert before is not None
    on, span = before.on, Span.QUARTER if turned else Span.OPEN
    await until(lambda: before.span is span)
    await stand.takes_keyboard()
    sink = stand.sink if polite else stand.rude
    places = [layout.allow, *layout.switches.values(), *layout.spans.values(), layout.deny]
    for at in range(500):
        x, y = stand.at(layout.allow if at % 2 else places[at // 2 % len(places)], question)
        sink.move(x, y)
        sink.button(1, True)
        sink.button(1, False)
    for at in range(500):
        usage = list(KEYS.values())[at % 4]
        sink.key(usage, True, 0, "")
        sink.key(usage, False, 0, "")
        if at % 50 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0.3)
    now = stand.asker.desk.current
    assert now is not None and now.on == on and now.span is span and not asked.done()
    assert stand.asker.desk.focus is not None and not stand.asker.desk.answers
    stand.hand.click(*stand.at(layout.allow, question))
    async with asyncio.timeout(10):
        assert await asked == Decision(on, span.seconds(0.0))


async def test_a_viewer_can_not_have_keys_go_to_the_question(stand: Stand) -> None:
    asked = await shown(stand)
    for usage in (0xE0, 0xE2, 0xE1, KEYS["return"]):
        stand.rude.key(usage, True, 0, "")
    stand.rude.release_all()
    await asyncio.sleep(0.1)
    stand.hand.key(stand.hand.keycode(ESCAPE))
    await asyncio.sleep(0.2)
    assert not asked.done(), "what a person types meanwhile answers nothing"
    stand.hand.click(*stand.at(stand.layout()[0].deny))
    assert await asked == Decision(NONE)


async def test_a_hand_may_answer_while_a_viewer_moves_the_pointer_about(stand: Stand) -> None:
    """A viewer can't move the pointer onto the window, nor away from it."""
    asked = await shown(stand)
    layout, window = stand.layout()
    stand.sink.move(*stand.at(layout.allow))
    stand.sink.move(window.x - 20, window.y)
    stand.hand.move(*stand.at(layout.deny))
    for at in range(100):
        stand.sink.move(at, at)
        stand.sink.move(*stand.at(layout.allow))
    stand.hand.click(*stand.at(layout.deny))
    async with asyncio.timeout(10):
        assert await asked == Decision(NONE)
    stand.sink.move(5, 6)


async def test_what_viewers_do_beside_the_question_is_done(stand: Stand, xvfb: XServer) -> None:
    asked = await shown(stand)
    _, window = stand.layout()
    other = Surface(xvfb.display, OwnWindows())
    other.place(Box(window.x, window.y + window.height + 20, 100, 40))
    assert other.screen, "an answer of the server: it is there"
    stand.sink.move(window.x + 20, window.y + window.height + 40)
    stand.sink.button(1, True)
    stand.sink.button(1, False)
    clicks: list[object] = []
    async with asyncio.timeout(10):
        while not clicks:
            await asyncio.sleep(0.05)
            clicks += other.events(lambda: None)
    assert len(clicks) == 1
    other.close()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert not stand.own


async def test_nobody_can_be_asked() -> None:
    assert await Asker(":998", OwnWindows(), time.monotonic).ask(QUESTION) is None


async def test_the_display_dies_while_asking(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    asked = asyncio.create_task(Asker(server.display, OwnWindows(), time.monotonic).ask(QUESTION))
    await asyncio.sleep(0.1)
    server.end()
    async with asyncio.timeout(3):
        assert await asked is None
