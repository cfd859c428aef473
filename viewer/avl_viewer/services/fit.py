"""Fit: the desktop is to have the size of our window (spec 04-session, 4.11)."""

from __future__ import annotations

import asyncio

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Fit, Fitted
from avl_protocol.wire.errors import Refused, not_permitted
from avl_protocol.wire.registry import CloseCode, FitState, Permission
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

#: What a person is told.
SENTENCES = {
    FitState.NEAREST: "The desktop's display has no such size: it took the nearest, and the rest is scaled.",
    FitState.OTHER: "The desktop fits another viewer's window now; here it is scaled.",
    FitState.NOT_PERMITTED: "This session may not choose the desktop's size: it is scaled.",
    FitState.UNABLE: "The size of this desktop can't be changed: it is scaled.",
}


class FitService(Service[ViewerSession]):
    """Says what is wished for, again to each session, and tells a person when that comes to nothing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, presenter: Presenter) -> None:
        self._loop = loop
        self._presenter = presenter
        self._session: ViewerSession | None = None
        self._wish: Fit | None = None
        self._state: int = FitState.TAKEN
        self._waiting: list[asyncio.Future[Fitted]] = []

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Another host, or the same one anew, knows nothing of it."""
        self._session, self._state = session, FitState.TAKEN
        if self._wish is not None:
            self._say(self._wish)

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nobody will answer."""
        self._session = None
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_exception(reason)
                future.exception()  # somebody may no longer be waiting, which is no error

    def want(self, width: int, height: int, scale: int = 100) -> None:
        """The desktop is to have this size in pixels, with things drawn `scale` hundredths as large as usual; 0 x 0: it
        need not any more. Raises Refused."""
        self._wish = Fit(width, height, scale) if width and height else None
        running(self._session, Permission.MONITORS)
        self._say(self._wish or Fit(0, 0))

    def _say(self, wish: Fit) -> None:
        session = self._session
        if session is not None and session.state is ViewerState.ADMITTED:
            session.send(wish)

    def answer(self) -> asyncio.Future[Fitted]:
        """The host's next answer."""
        future: asyncio.Future[Fitted] = self._loop.create_future()
        self._waiting.append(future)
        return future

    def told(self, session: ViewerSession, message: Fitted, now: float) -> None:
        """What became of it."""
        before, self._state = self._state, message.state
        sentence = SENTENCES.get(FitState(message.state)) if message.state in FitState._value2member_map_ else None
        if self._wish is not None and message.state != before and sentence is not None:
            self._presenter.remark(sentence)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(message)


def size_of(answer: Fitted) -> tuple[int, int]:
    """The size that the desktop took. Raises Refused where it took none for us."""
    if answer.state in (FitState.TAKEN, FitState.NEAREST):
        return answer.width, answer.height
    if answer.state == FitState.NOT_PERMITTED:
        raise not_permitted(Permission.MONITORS)
    sentence = SENTENCES[FitState.OTHER if answer.state == FitState.OTHER else FitState.UNABLE]
    raise Refused(CloseCode.NOT_PERMITTED, sentence)
