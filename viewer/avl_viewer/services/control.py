"""Control: who else is here, who has control, and asking for it (spec 04-session, 4.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import Control, People
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode, ControlAct, Permission
from avl_viewer.present.company import Company, company_of
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

_ACTS = Permission.POINTER | Permission.KEYBOARD


class ControlService(Service[ViewerSession]):
    """Keeps what the host said last, and tells the presenter."""

    def __init__(self, loop: asyncio.AbstractEventLoop, presenter: Presenter) -> None:
        self._loop = loop
        self._presenter = presenter
        self._session: ViewerSession | None = None
        self._company = Company()
        #: Whether this host has said who is here.
        self._known = False
        self._waiting: list[tuple[Callable[[Company], bool], asyncio.Future[None]]] = []

    @property
    def company(self) -> Company:
        """Who is here, as the host said last."""
        return self._company

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Nothing is known of who is there."""
        self._session = session
        self._company, self._known = Company(), False

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nobody will have control any more."""
        self._session = None
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            if not future.done():
                future.set_exception(reason)
                future.exception()  # somebody may no longer be waiting, which is no error

    def told(self, session: ViewerSession, message: People, now: float) -> None:
        """The host says who is here."""
        self._company = company = company_of(message)
        self._known = True
        self._presenter.company(company)
        for condition, future in self._waiting:
            if not future.done() and condition(company):
                future.set_result(None)
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]

    def check(self) -> None:
        """Raises Refused(NOT_PERMITTED), with who has control, where the host would discard our input."""
        if not self._company.mine:
            raise Refused(CloseCode.NOT_PERMITTED, f"{self._company.sentence()} Ask for it first.")

    def say(self, act: ControlAct, to: int = 0) -> None:
        """Ask for control, let go of it, or give it to the person of a number. Raises Refused."""
        running(self._session, _ACTS).send(Control(act, to))

    def until(self, condition: Callable[[Company], bool]) -> asyncio.Future[None]:
        """Done once the host says that it is so; fails when the session ends."""
        future: asyncio.Future[None] = self._loop.create_future()
        if self._known and condition(self._company):
            future.set_result(None)
        else:
            self._waiting = [entry for entry in self._waiting if not entry[1].done()]
            self._waiting.append((condition, future))
        return future
