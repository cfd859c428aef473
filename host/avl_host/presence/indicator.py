"""IndicatorWindow: "seen by ..." on the host's screen: who is here, who may act, and the buttons that end it.

It is there whenever somebody is, above everything, and answers a hand alone. When nothing has happened for a while it
folds to a tab, since neither the person nor the viewer reaches what it covers; a click on the tab unfolds it. A click
on its heading moves it to another edge. A hotkey ends everything also while a program holds the keyboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import xcffib

from avl_host.input.ownwindows import OwnWindows
from avl_host.presence.scene import Acts, Onlooker, Scene, gives, words
from avl_host.presence.spoken import say
from avl_host.presence.surface import ALARM, END_KEY, FAINT, INK, WHITE, Box, Hotkey, Pressed, Surface
from avl_protocol.wire.registry import ControlMode

_WIDTH, _MARGIN, _BUTTON, _GIVE = 520, 12, 30, 70
#: Seconds without news after which it folds; the letters of a name that the tab has room for.
FOLDS_AFTER, TAB_NAME = 10.0, 24
#: People with a line of their own.
MOST = 5
#: Where it goes, one after the other: parts of the room that is left beside and above it.
_EDGES = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0), (0.0, 1.0), (0.0, 0.0))


class Plan:
    """Where everything of a scene lies, in the window's pixels."""

    def __init__(self, scene: Scene, line: int) -> None:
        self.end_all = Box(_WIDTH - 96 - 6, 6, 96, _BUTTON)
        self.take = Box(self.end_all.x - 136 - 8, 6, 136, _BUTTON)
        self.heading = Box(0, 0, self.take.x, 6 + _BUTTON)
        self.rows: list[tuple[Onlooker, int]] = []
        self.give: dict[int, Box] = {}
        row, y = max(line, _BUTTON), _BUTTON + 10
        # Who acts alone, or wants to, is never among those who are only counted; who is lost comes last.
        people = sorted(scene.people, key=lambda one: (not (one.holds or one.asks), not one.here))
        for one in people[:MOST]:
            self.rows.append((one, y))
            if gives(one, scene.mode):
                self.give[one.number] = Box(_WIDTH - _GIVE - _MARGIN, y, _GIVE, _BUTTON - 4)
            y += row
        self.more = len(scene.people) - MOST
        self.more_at = y
        if self.more > 0:
            y += row
        self.takes = any(one.acts for one in scene.people)
        self.height = y + 4

    def on(self, screen: tuple[int, int], edge: int) -> Box:
        """Where the window goes on a desktop of this size."""
        return _at_edge(_WIDTH, self.height, screen, edge)


class Tab:
    """The same folded: a line that says who is here, or how many."""

    def __init__(self, scene: Scene, line: int, advance: int) -> None:
        name = scene.people[0].name
        name = name if len(name) <= TAB_NAME else name[: TAB_NAME - 3] + "..."
        self.text = say("seen.one", name=name if len(scene.people) == 1 else len(scene.people))
        self.mark = Box(4, (line - 10) // 2 + 1, 10, 10)
        self.width, self.height = 20 + len(self.text) * advance + 4, line + 2

    def on(self, screen: tuple[int, int], edge: int) -> Box:
        """Where it goes on a desktop of this size."""
        return _at_edge(self.width, self.height, screen, edge)


def _at_edge(wide: int, high: int, screen: tuple[int, int], edge: int) -> Box:
    across, down = _EDGES[edge % len(_EDGES)]
    width, height = screen
    x, y = (max(0, width - wide - 4), max(0, height - high - 4))
    return Box(2 + round(across * x), 2 + round(down * y), wide, high)


class IndicatorWindow:
    """At one X display. Raises Unavailable where it can't be shown; a display that goes away later ends it quietly.

    `acts` is what its buttons do.
    """

    def __init__(self, display: str, own: OwnWindows, acts: Acts) -> None:
        self._acts = acts
        self._scene = Scene()
        self._plan: Plan | Tab | None = None
        self._fold: asyncio.TimerHandle | None = None
        self._folded = False
        self._edge = 0
        self._surface: Surface | None = Surface(display, own)
        self._descriptor = self._surface.descriptor
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._happened)

    @property
    def window(self) -> int:
        """Its number at the X server; 0 once it is closed."""
        return self._surface.window if self._surface is not None else 0

    def show(self, scene: Scene) -> None:
        """See Indicator."""
        self._scene = scene
        self._unfold()

    def _unfold(self) -> None:
        """Show all of it for a while; for as long as somebody waits for an answer."""
        self._folded = False
        if self._fold is not None:
            self._fold.cancel()
            self._fold = None
        if self._scene.people and not any(one.asks for one in self._scene.people):
            self._fold = self._loop.call_later(FOLDS_AFTER, self.fold)
        self._guarded(self._update)

    def fold(self) -> None:
        """Leave no more of it than a tab."""
        self._folded = True
        self._guarded(self._update)

    @property
    def folds(self) -> bool:
        """Whether it is folded, or will be unless something happens."""
        return self._folded or self._fold is not None

    def move(self) -> None:
        """Go to the next edge."""
        self._edge += 1
        self._guarded(self._update)

    def close(self) -> None:
        """See Indicator."""
        if self._fold is not None:
            self._fold.cancel()
        if self._surface is not None:
            self._loop.remove_reader(self._descriptor)
            self._surface.close()
            self._surface = None

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except xcffib.XcffibException:
            self.close()

    def _update(self) -> None:
        surface = self._surface
        if surface is None:
            return
        if not self._scene.people:
            self._plan = None
            surface.watch_hotkey(False)
            surface.hide()
            return
        self._plan = (
            Tab(self._scene, surface.line, surface.advance) if self._folded else Plan(self._scene, surface.line)
        )
        surface.watch_hotkey(True)
        surface.place(self._plan.on(surface.screen, self._edge))
        self._paint()
        # An answer of the server may have brought events along: the socket tells of those no more.
        self._loop.call_soon(self._happened)

    def _happened(self) -> None:
        self._guarded(self._read)

    def _read(self) -> None:
        if self._surface is None:
            return
        for event in self._surface.events(self._paint):
            if isinstance(event, Hotkey):
                if event.by_hand and event.key == END_KEY:
                    self._acts.end_all()
            elif isinstance(event, Pressed) and event.by_hand and isinstance(self._plan, Tab):
                self._unfold()
            elif isinstance(event, Pressed) and event.by_hand and isinstance(self._plan, Plan):
                self._pressed(self._plan, event.x, event.y)
            if self._surface is None:
                return

    def _pressed(self, plan: Plan, x: float, y: float) -> None:
        if plan.end_all.holds(x, y):
            self._acts.end_all()
        elif plan.takes and plan.take.holds(x, y):
            self._acts.take()
        elif plan.heading.holds(x, y):
            self.move()
        else:
            for number, box in plan.give.items():
                if box.holds(x, y):
                    self._acts.give(number)
                    break

    def _paint(self) -> None:
        surface, plan = self._surface, self._plan
        if surface is None or plan is None:
            return
        surface.clear()
        if isinstance(plan, Tab):
            surface.fill(plan.mark, ALARM)
            surface.write(20, 1, plan.text, INK)
            surface.show()
            return
        mark = Box(_MARGIN, 14, 14, 14)
        surface.fill(mark, ALARM)
        count = len(self._scene.people)
        heading = say("seen.count", n=count) if count > 1 else say("seen.by")
        surface.write(_MARGIN + 24, surface.middle(mark), heading, FAINT)
        columns = (_WIDTH - 2 * _MARGIN) // surface.advance
        for one, y in plan.rows:
            does = words(one, self._scene.mode)
            room = columns - len(does) - 2 - (8 if one.number in plan.give else 0)
            name = one.name if one.verified else say("who.unverified", name=one.name)
            name = name if len(name) <= room else name[: max(1, room - 3)] + "..."
            line = surface.middle(Box(_MARGIN, y, _WIDTH, _BUTTON - 4))
            surface.write(_MARGIN, line, name, INK)
            surface.write(
                _MARGIN + (len(name) + 1) * surface.advance, line, does, ALARM if one.holds or one.asks else FAINT
            )
        if plan.more > 0:
            surface.write(_MARGIN, plan.more_at + 2, say("seen.more", n=plan.more), FAINT)
        for box in plan.give.values():
            surface.button(box, say("give"))
        if plan.takes:
            surface.button(plan.take, say("letAct" if self._scene.mode is ControlMode.HOST else "take"))
        surface.button(plan.end_all, say("endAll"), front=WHITE, back=ALARM)
        surface.show()
