"""Fit: the desktop takes the size of a viewer's window, and its own again when nobody wants that (spec 04-session,
4.11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from avl_host.display.display import Display, SizeRefused, bounded, bounded_scale
from avl_host.services.audience import Audience
from avl_host.services.control import ControlService
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Fit, Fitted
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_FIT, FitState, Permission

#: Where the state of a display is kept that has another size than its own.
KEPT = "display.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """A size and a scale that a desktop can have."""

    width: int
    height: int
    scale: int


class FitService(Service[HostSession]):
    """Decides whose window the desktop fits, and has the display follow. `folder` keeps what the display was like, so
    that a host that was killed puts it back when it starts again. `display` None: its size can't be changed."""

    def __init__(
        self,
        audience: Audience,
        control: ControlService,
        display: Display | None,
        folder: StateFolder | None,
        tell: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._audience = audience
        self._control = control
        self._display = display
        self._folder = folder
        self._tell = tell
        self._clock = clock
        #: Whose window the desktop is to fit, who asked last behind.
        self._wishes: dict[HostSession, Wish] = {}
        #: What the display was like; None while it is its own.
        self._before: str | None = None
        #: What it was made to be, by whom, and what became of that.
        self._shown: tuple[HostSession, Wish] | None = None
        self._answer = Fitted(FitState.UNABLE, 0, 0)
        self._due: float | None = None
        self._closed = False
        #: Set while the display is not being changed.
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def fits(self) -> int | None:
        """The number of the viewer whose window the desktop fits; None while it has its own size."""
        return None if self._shown is None else self._audience.number(self._shown[0])

    # sessions

    def allowed(self, session: HostSession, now: float) -> None:
        """It may no longer choose sizes."""
        if not permits(session.permissions, Permission.MONITORS) and self._wishes.pop(session, None) is not None:
            session.send(self._told(FitState.NOT_PERMITTED))
            self.decide()

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed an answer."""
        if session in self._wishes and self._idle.is_set() and self._due is None:
            self._tell_one(session)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """Its window is gone."""
        if self._wishes.pop(session, None) is not None:
            self.decide()

    # messages

    def asked(self, session: HostSession, message: Fit, now: float) -> None:
        """A viewer has a window of this size, or (0 x 0) wants nothing any more."""
        self._wishes.pop(session, None)
        if message.width > 0 and message.height > 0:
            width, height = bounded(message.width, message.height)
            self._wishes[session] = Wish(width, height, bounded_scale(message.scale))
        self.decide()

    def refused(self, session: HostSession, message: Fit, now: float) -> None:
        """It may not choose."""
        session.send(self._told(FitState.NOT_PERMITTED))

    # deciding

    def decide(self) -> None:
        """Who wishes, or who has control, is another: let the display follow once nobody changes it for a moment."""
        if self._closed or (not self._wishes and self._before is None and self._idle.is_set()):
            return
        self._due = self._clock() + T_FIT
        self._audience.changed()

    def _chosen(self) -> HostSession | None:
        """Whose window counts: that of who has control, else of who asked last and is here."""
        here = [session for session in self._wishes if not session.detached] or list(self._wishes)
        having = [session for session in here if self._control.holds(session)]
        return next(reversed(having or here), None)

    def next_timeout(self) -> float | None:
        """When the display is to follow."""
        return self._due if self._idle.is_set() else None

    def handle_timer(self, now: float) -> None:
        """Let it follow, if it is time and it is not about to."""
        if self._due is not None and now >= self._due and self._idle.is_set():
            self._due = None
            self._audience.start(self._follow())
            self._idle.clear()  # it sets this at its end, which it has only if it was started

    async def _follow(self) -> None:
        """Have the display as it is wanted now."""
        try:
            session = self._chosen()
            if session is not None:
                await self._resize(session, self._wishes[session])
            elif self._before is not None:
                await self._restore()
        finally:
            self._idle.set()
        for one in list(self._wishes):
            self._tell_one(one)
        self._audience.changed()

    async def _resize(self, session: HostSession, wish: Wish) -> None:
        if self._shown is not None and self._shown[1] == wish and self._before is not None:
            self._shown = (session, wish)
            return
        try:
            if self._display is None:
                raise SizeRefused("The size of this desktop can't be changed.")
            if self._before is None:
                self._keep(await self._display.state())
            size = await self._display.resize(wish.width, wish.height, wish.scale)
        except SizeRefused as error:
            self._shown = None
            self._answer = self._told(FitState.UNABLE)
            self._tell(f"no viewer's window is fitted: {error}")
            return
        state = FitState.TAKEN if size == (wish.width, wish.height) else FitState.NEAREST
        self._shown = (session, wish)
        self._answer = Fitted(state, *size, wish.scale)

    def _tell_one(self, session: HostSession) -> None:
        """Tell a viewer that wishes what has become of that."""
        if self._shown is None or self._shown[0] is session:
            session.send(self._answer)
        else:
            session.send(self._told(FitState.OTHER))

    def _told(self, state: FitState) -> Fitted:
        return Fitted(state, self._answer.width, self._answer.height, self._answer.scale)

    # putting back

    def _keep(self, state: str) -> None:
        self._before = state
        if self._folder is not None and self._display is not None:
            kept = json.dumps({"display": self._display.name, "state": state}).encode()
            self._folder.keep(KEPT, kept, "a host that is killed will not put the display's size back")

    async def _restore(self) -> None:
        before, self._before, self._shown = self._before, None, None
        self._answer = Fitted(FitState.UNABLE, 0, 0)
        if before is None or self._display is None:
            return
        try:
            await self._display.restore(before)
        except SizeRefused as error:
            self._tell(f"the display has not its own size again: {error}")
        if self._folder is not None:
            self._folder.keep(KEPT, b"", "the next host puts the display's size back once more")

    async def begin(self) -> None:
        """Put back what a host left that was killed."""
        kept = self._folder.read(KEPT) if self._folder is not None else None
        if not kept or self._display is None:
            return
        try:
            told = json.loads(kept)
            if told["display"] == self._display.name:
                self._before = str(told["state"])
        except (ValueError, KeyError, TypeError):
            self._tell(f"what was kept in {KEPT} of the display's size is damaged, and was left alone")
        await self._restore()

    async def close(self) -> None:
        """Put the display back; it follows nobody from now on."""
        self._closed = True
        self._due = None
        self._wishes.clear()
        await self._idle.wait()
        await self._restore()
