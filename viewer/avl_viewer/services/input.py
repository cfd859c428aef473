"""Input: what a person or a program does, sent to the host, and what became of it (spec 04-session, 4.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import may, needed, takes
from avl_protocol.wire.endtoend import Echo
from avl_protocol.wire.errors import Refused, not_permitted
from avl_protocol.wire.registry import T_INPUT_UNCONFIRMED, CloseCode, InputDevice, InputKind
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

#: The message about an action that was done in part only.
_REASONS = {
    Fate.UNSENT: (CloseCode.SESSION_LOST, "The input waited too long for the host and was not sent."),
    Fate.DISCARDED: (
        CloseCode.SESSION_LOST,
        "The input was sent, and the host left it out: it came too late, the desktop has another size by now, or "
        "somebody else has control.",
    ),
    Fate.UNCONFIRMED: (
        CloseCode.TIMEOUT,
        f"The host has not confirmed the input for {T_INPUT_UNCONFIRMED:.0f} s: it may not have arrived.",
    ),
}
_UNKNOWN = (
    "The host's system takes no such input: movements of a mouse need a host of today, fingers and pens a system that "
    "has them (avl-host doctor says what is missing)."
)


class InputRequests:
    """Futures by the batches that they wait for; all fail when the session ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[range, asyncio.Future[None]]] = []

    def wait(self, batches: range) -> asyncio.Future[None]:
        """Done when the host has applied these batches; fails when it has not applied a part of them."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((batches, future))
        return future

    def applied(self, sequence: int) -> None:
        """The host applied input up to `sequence`."""
        for batches, future in self._waiting:
            if batches[-1] <= sequence and not future.done():
                future.set_result(None)
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]

    def dropped(self, dropped: list[Dropped]) -> None:
        """Input came to nothing, or nothing is said of it."""
        fates = {one.sequence: one.fate for one in dropped}
        for batches, future in self._waiting:
            fate = next((fates[number] for number in batches if number in fates), None)
            if fate is not None:
                _fail(future, Refused(*_REASONS[fate]))
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]

    def fail(self, reason: Refused) -> None:
        """Nothing will be applied any more."""
        waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            _fail(future, reason)


def _fail(future: asyncio.Future[None], reason: Refused) -> None:
    if not future.done():
        future.set_exception(reason)
        future.exception()  # somebody may not wait for it, which is no error


class InputService(Service[ViewerSession]):
    """Sends input, and reports lost input to the presenter and to the caller that waits for it.

    `check` raises Refused where somebody else has control; `devices` are those that the host's system takes.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        presenter: Presenter,
        book: PictureBook,
        check: Callable[[], None],
        devices: Callable[[], InputDevice],
    ) -> None:
        self._devices = devices
        self._check = check
        self._presenter = presenter
        self._book = book
        self._requests = InputRequests(loop)
        self._session: ViewerSession | None = None

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Input goes there from now on."""
        self._session = session

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """What was not applied will not be."""
        self._session = None
        self._requests.fail(reason)

    def send(self, events: list[tuple[Any, ...]], now: float) -> asyncio.Future[None]:
        """Send input; the future is done when the host has applied it, and fails when a part of it came to nothing.

        Raises Refused, of which nothing is sent.
        """
        session = running(self._session)
        refused = next((event for event in events if not may(session.permissions, event)), None)
        if refused is not None:
            raise not_permitted(needed(refused))
        if any(event[0] != InputKind.RELEASE_ALL for event in events):
            self._check()
        if not all(takes(self._devices(), event) for event in events):
            raise Refused(CloseCode.NOT_PERMITTED, _UNKNOWN)
        first = session.next_input
        sequence = session.send_input(events, now)
        self._book.input_sent(sequence, now)
        return self._requests.wait(range(first, sequence + 1))

    def applied(self, session: ViewerSession, echo: Echo, now: float) -> None:
        """The host has applied what was sent, up to a batch."""
        self._book.input_applied(echo.sequence, echo.host_us / 1e6)
        self._requests.applied(echo.sequence)

    def dropped(self, dropped: list[Dropped]) -> None:
        """Input came to nothing."""
        self._requests.dropped(dropped)
        self._presenter.dropped(dropped)
