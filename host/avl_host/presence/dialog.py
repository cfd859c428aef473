"""Asker: shows the questions of a ConsentDesk in a window, one after the other, and has each asker know its answer.

The window knows nothing: it draws what the desk says, and tells it what was pressed and by whom.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import xcffib

from avl_host.input.ownwindows import OwnWindows
from avl_host.presence.consent import Choice, ConsentDesk, Place, Prompt
from avl_host.presence.question import Decision, Question, Span, lines, meaning
from avl_host.presence.spoken import say
from avl_host.presence.surface import (
    ALARM,
    ANSWER_KEY,
    FAINT,
    INK,
    PALE,
    Box,
    Hotkey,
    Pressed,
    Surface,
    Typed,
    Unavailable,
)
from avl_protocol.wire.registry import Permission

_WIDTH, _MARGIN, _GAP = 560, 24, 12
_BUTTON_WIDTH, _BUTTON_HEIGHT, _SWITCH = 120, 36, 20
#: So many lines of switches in one column; more make two.
_COLUMN = 7
_ROW = 28


class Layout:
    """Where everything of a question lies, in the window's pixels."""

    def __init__(self, question: Question, line: int) -> None:
        self.switches: dict[Permission, Box] = {}
        self.spans: dict[Span, Box] = {}
        top = _MARGIN + len(lines(question)) * line + _GAP + (line if question.switches else 0)
        tall = _COLUMN if len(question.switches) <= _COLUMN else math.ceil(len(question.switches) / 2)
        for at, one in enumerate(question.switches):
            column, row = divmod(at, tall)
            self.switches[one] = Box(
                _MARGIN + column * (_WIDTH // 2), top + row * _ROW, _WIDTH // 2 - 2 * _MARGIN, _SWITCH
            )
        bottom = top + min(len(question.switches), tall) * _ROW + _GAP
        #: Where the words above the spans stand.
        self.how_long = bottom
        if question.spans:
            bottom += line + _GAP // 2
            for at, span in enumerate(question.spans):
                row, column = divmod(at, 2)
                left = _MARGIN + column * (_WIDTH // 2)
                self.spans[span] = Box(left, bottom + row * _ROW, _WIDTH // 2 - 2 * _MARGIN, _SWITCH)
            bottom += math.ceil(len(question.spans) / 2) * _ROW + _GAP
        right = _WIDTH - _BUTTON_WIDTH - _MARGIN
        self.deny = Box(right - _BUTTON_WIDTH - _MARGIN, bottom, _BUTTON_WIDTH, _BUTTON_HEIGHT)
        self.allow = Box(right, bottom, _BUTTON_WIDTH, _BUTTON_HEIGHT)
        self.keys = bottom + _BUTTON_HEIGHT + _GAP
        self.height = self.keys + line + _GAP

    def on(self, screen: tuple[int, int]) -> Box:
        """Where the window goes on a desktop of this size: in its upper third, whole if there is room."""
        width, height = screen
        return Box(max(2, (width - _WIDTH) // 2), max(2, (height - self.height) // 3), _WIDTH, self.height)

    def place(self, x: float, y: float) -> Place | None:
        """What lies at a point."""
        if self.deny.holds(x, y):
            return Choice.DENY
        if self.allow.holds(x, y):
            return Choice.ALLOW
        for one, box in self.switches.items():
            if box.holds(x, y):
                return one
        return next((span for span, box in self.spans.items() if box.holds(x, y)), None)


class Asker:
    """Asks the person at one X display. `clock`: seconds, monotonic; `own`: see Surface; `left_of_day`: seconds until
    midnight where that is."""

    def __init__(
        self,
        display: str,
        own: OwnWindows,
        clock: Callable[[], float],
        left_of_day: Callable[[], float] = lambda: float(Span.DAY.value),
    ) -> None:
        self._display = display
        self._own = own
        self._clock = clock
        self._left_of_day = left_of_day
        self.desk = ConsentDesk()
        self._answers: dict[int, asyncio.Future[Decision]] = {}
        self._window: _Window | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, question: Question) -> Decision | None:
        """What the person allows of a question's wish; nothing: it was denied, by hand or because T_CONSENT passed.
        None where nobody can be asked."""
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        try:
            if self._window is None:
                self._window = _Window(self._display, self._own, self._look)
        except (Unavailable, xcffib.XcffibException):
            return None
        number = self.desk.ask(question, self._clock())
        self._answers[number] = answer
        self._look()
        try:
            return await answer
        except Unavailable:
            return None
        finally:
            self._answers.pop(number, None)
            self.desk.withdraw(number, self._clock())
            self._look()

    def _look(self) -> None:
        """Tell the desk what was pressed, its askers what was decided, and draw what is before the person now."""
        now = self._clock()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._pressed(now)
            self.desk.handle_timer(now)
            while self.desk.answers:
                answer = self.desk.answers.popleft()
                if (waits := self._answers.get(answer.number)) is not None and not waits.done():
                    waits.set_result(Decision(answer.allowed, answer.span.seconds(self._left_of_day())))
            self._draw(now)
        except xcffib.XcffibException:
            self._gone()

    def _pressed(self, now: float) -> None:
        if self._window is None:
            return
        for place, step, by_hand in self._window.read():
            if place is not None:
                self.desk.press(place, now, by_hand=by_hand)
            elif step:
                self.desk.step(step, by_hand=by_hand)
            else:
                self.desk.press(self.desk.focus, now, by_hand=by_hand)

    def _draw(self, now: float) -> None:
        prompt, window = self.desk.current, self._window
        if window is None:
            return
        if prompt is None:
            window.close()
            self._window = None
            return
        window.draw(self.desk, prompt, now)
        # Once a second for the seconds left, and when the desk wants it.
        pause = (prompt.until - now) % 1.0 or 1.0
        if (at := self.desk.next_timeout()) is not None:
            pause = min(pause, at - now)
        self._timer = asyncio.get_running_loop().call_later(max(0.0, pause), self._look)

    def _gone(self) -> None:
        """The display went away while somebody was asked."""
        if self._window is not None:
            self._window.close()
            self._window = None
        for waits in self._answers.values():
            if not waits.done():
                waits.set_exception(Unavailable(f"The display {self._display} went away while somebody was asked."))


class _Window:
    """What the person sees. Methods raise xcffib.XcffibException when the display is gone."""

    def __init__(self, display: str, own: OwnWindows, happened: Callable[[], None]) -> None:
        self.surface = Surface(display, own, still=True)
        self._layout: Layout | None = None
        self._number = 0
        self._drawn: Callable[[], None] = lambda: None
        self._happened = happened
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.surface.descriptor, happened)
        self.surface.watch_hotkey(True)

    def read(self) -> list[tuple[Place | None, int, bool]]:
        """What was pressed: a place, or None with the way of the keyboard (0: it pressed); and whether by hand."""
        found: list[tuple[Place | None, int, bool]] = []
        for event in self.surface.events(self._drawn):
            if isinstance(event, Pressed):
                if event.by_hand:
                    self.surface.take_keyboard()
                place = self._layout.place(event.x, event.y) if self._layout is not None else None
                if place is not None:
                    found.append((place, 0, event.by_hand))
            elif isinstance(event, Hotkey):
                if event.by_hand and event.key == ANSWER_KEY:
                    self.surface.take_keyboard()
            elif isinstance(event, Typed) and event.key == "escape":
                found.append((Choice.DENY, 0, event.by_hand))
            elif isinstance(event, Typed):
                found.append((None, {"next": 1, "back": -1, "press": 0}[event.key], event.by_hand))
        return found

    def draw(self, desk: ConsentDesk, prompt: Prompt, now: float) -> None:
        """Show a question as it stands."""
        surface = self.surface
        if self._number != prompt.number or self._layout is None:
            self._number, self._layout = prompt.number, Layout(prompt.question, surface.line)
            surface.place(self._layout.on(surface.screen))
            # An answer of the server may have brought events along: the socket tells of those no more.
            self._loop.call_soon(self._happened)
        self._drawn = lambda: self._paint(self.surface, desk, prompt, now)
        surface.raise_()
        self._drawn()

    def _paint(self, surface: Surface, desk: ConsentDesk, prompt: Prompt, now: float) -> None:
        layout, question = self._layout, prompt.question
        assert layout is not None
        surface.clear()
        columns = (_WIDTH - 2 * _MARGIN) // surface.advance
        y = _MARGIN
        for line in lines(question):
            surface.write(_MARGIN, y, line[:columns], ALARM if line == say("question.unverified") else INK)
            y += surface.line
        if question.switches:
            surface.write(
                _MARGIN,
                y + _GAP // 2,
                say("question.may" if question.wish & Permission.VIEW else "question.mayAlso"),
                FAINT,
            )
        for one, box in layout.switches.items():
            surface.tick(Box(box.x, box.y, _SWITCH, _SWITCH), one in prompt.on)
            surface.write(box.x + _SWITCH + 8, surface.middle(box), meaning(one))
            if desk.focus is one:
                surface.outline(Box(box.x - 4, box.y - 4, box.width + 8, box.height + 8), 1)
        if layout.spans:
            surface.write(_MARGIN, layout.how_long, say("question.howLong"), FAINT)
        for span, box in layout.spans.items():
            surface.choice(Box(box.x, box.y, _SWITCH, _SWITCH), span is prompt.span)
            surface.write(box.x + _SWITCH + 8, surface.middle(box), span.words)
            if desk.focus is span:
                surface.outline(Box(box.x - 4, box.y - 4, box.width + 8, box.height + 8), 1)
        left = max(0, math.ceil(prompt.until - now))
        key = "question.deniedMore" if desk.waiting else "question.denied"
        surface.write(_MARGIN, surface.middle(layout.deny), say(key, seconds=left, more=desk.waiting), FAINT)
        surface.button(layout.deny, say("deny"), focused=desk.focus is Choice.DENY)
        surface.write(_MARGIN, layout.keys, say("question.keys", key=ANSWER_KEY), FAINT)
        ready = INK if prompt.armed else FAINT
        surface.button(layout.allow, say("allow"), focused=desk.focus is Choice.ALLOW, front=ready, back=PALE)
        surface.show()

    def close(self) -> None:
        """Take it away."""
        self._loop.remove_reader(self.surface.descriptor)
        self.surface.close()
