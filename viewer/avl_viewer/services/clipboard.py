"""Clipboard: the host's clipboard, read and set from here (spec 04-session, 4.7).

A text crosses at once. Other formats are offered, and cross when somebody pastes: here we fetch them from the host, and
what we offered the host fetches from us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from avl_protocol.session.fetching import Fetched, Giver, Taker
from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.clipformats import ORIGIN_BYTES, Copy, offered, rows
from avl_protocol.wire.cliptext import as_told, content_of, told
from avl_protocol.wire.endtoend import (
    BulkMessage,
    Clipboard,
    ClipboardAsk,
    ClipboardDone,
    ClipboardFetch,
    ClipboardOffer,
    ClipboardPart,
    ClipboardSet,
    ClipboardStop,
    ClipboardTaken,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_CLIPBOARD_DATA, ClipboardState, Permission
from avl_viewer.clipboard import format_not_given, not_given, not_taken
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

#: Seconds for the host's clipboard to answer: a program there may need some; where a relay drops it, nobody does.
PATIENCE = 15.0
#: Reads a format of what we offered, or says why it is not to be had.
Read = Callable[[str], Awaitable[Fetched]]


class ClipboardRequests:
    """Futures of what was asked and has not been answered; all fail when the session ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._serial = 0
        self._setting: dict[int, asyncio.Future[ClipboardState]] = {}
        self._getting: list[asyncio.Future[Copy]] = []

    @property
    def unanswered(self) -> bool:
        """Whether the host has something of ours of which it has not said what became of it."""
        return bool(self._setting)

    def set(self) -> tuple[int, asyncio.Future[ClipboardState]]:
        """Serial number to set the clipboard under, and what becomes of it: TEXT, or why it was not taken."""
        self._serial += 1
        future: asyncio.Future[ClipboardState] = self._loop.create_future()
        self._setting[self._serial] = future
        return self._serial, future

    def get(self) -> asyncio.Future[Copy]:
        """What the host tells of its clipboard next."""
        future: asyncio.Future[Copy] = self._loop.create_future()
        self._getting.append(future)
        return future

    def was_set(self, serial: int, taken: bool, state: int) -> None:
        """The host answered a set; a reason that this version does not know is none that helps."""
        future = self._setting.pop(serial, None)
        if future is not None and not future.done():
            known = state in ClipboardState._value2member_map_ and state != ClipboardState.TEXT
            why = ClipboardState(state) if known else ClipboardState.NO_ANSWER
            future.set_result(ClipboardState.TEXT if taken else why)

    def was_told(self, copy: Copy) -> bool:
        """The host told its clipboard; whether somebody had asked for it."""
        asking, self._getting = self._getting, []
        for future in asking:
            if not future.done():
                future.set_result(copy)
        return bool(asking)

    def fail(self, reason: Refused) -> None:
        """Nothing will be answered any more."""
        waiting: list[asyncio.Future[Any]] = [*self._setting.values(), *self._getting]
        self._setting.clear()
        self._getting.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(reason)
                future.exception()  # somebody may no longer be waiting, which is no error


@dataclass(frozen=True, slots=True)
class _Ours:
    """Our newest copy, as the host knows it, and how its formats are read."""

    serial: int
    copy: Copy
    read: Read


class ClipboardService(Service[ViewerSession]):
    """Asks for the host's clipboard, sets it, and tells the presenter of what was copied there. `changed`: timers are
    to be looked at again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        presenter: Presenter,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._presenter = presenter
        self._entropy = entropy
        self._clock = clock
        self._changed = changed
        self._requests = ClipboardRequests(loop)
        self._session: ViewerSession | None = None
        self._giver, self._taker = Giver(self._send), Taker(self._send)
        self._ours: _Ours | None = None
        #: Readings of what we offered.
        self._readings: set[asyncio.Task[None]] = set()
        #: The offer whose text is still to come, and what the host told while it had something of ours unanswered.
        self._coming: ClipboardOffer | None = None
        self._withheld: Copy | None = None
        #: The origin of the copy that both have, as far as we know, and when the host was last heard to fetch.
        self._origin = b""
        self._heard = 0.0

    # sessions

    def admitted(self, session: ViewerSession, now: float) -> None:
        """It is this host's clipboard from now on."""
        self._session = session
        self._origin = b""

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """What was asked will not be answered."""
        self._session = self._ours = self._coming = self._withheld = None
        self._requests.fail(reason)
        self._giver.clear()
        self._taker.clear()
        for task in self._readings:
            task.cancel()

    def next_timeout(self) -> float | None:
        """When a fetch is given up."""
        return self._taker.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Give up what does not come."""
        self._taker.handle_timer(now)

    def _send(self, message: BulkMessage) -> bool:
        """Send, or leave it where we may not any more."""
        if self._session is None:
            return False
        try:
            self._session.send(message)
        except Refused:
            return False
        return True

    # what people do

    async def set(self, text: str) -> None:
        """Set the host's clipboard; "" empties it. Raises ClipboardError when that did not take it, Refused."""
        session = running(self._session, Permission.CLIPBOARD_IN)
        content = content_of(text)
        if content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            raise not_taken(ClipboardState(content))
        serial, answered = self._requests.set()
        self._ours, self._origin = None, b""
        state, told_text = as_told(content)
        session.send(ClipboardOffer(serial, (), text=True, time_us=self._time(session)))
        session.send(Clipboard(serial, told_text, state))
        await self._until_answered(answered)

    async def offer(self, copy: Copy, read: Read, *, keep: bool = False) -> None:
        """Set the host's clipboard to a copy, of which it reads what somebody pastes there; `keep`: all of it at once,
        since we are about to leave. Raises ClipboardError when the host did not take it, Refused."""
        session = running(self._session, Permission.CLIPBOARD_IN)
        if copy.origin and copy.origin == self._origin:
            return  # it has that (R-SESS-297)
        serial, answered = self._requests.set()
        origin = copy.origin or self._entropy(ORIGIN_BYTES)
        self._ours, self._origin = _Ours(serial, copy, read), origin
        text = copy.content if isinstance(copy.content, str) else None
        session.send(ClipboardOffer(serial, rows(copy.formats), text is not None, origin, keep, self._time(session)))
        if text is not None:
            session.send(Clipboard(serial, text))
        self._heard = self._clock()
        await self._until_answered(answered)

    def _time(self, session: ViewerSession) -> int:
        """Now, by the host's clock, in us (R-SESS-301)."""
        return max(1, round(session.clock.to_host(self._clock()) * 1e6))

    async def _until_answered(self, answered: asyncio.Future[ClipboardState]) -> None:
        """Wait until the host has said what became of our copy; while it fetches, it is not silent."""
        waits = PATIENCE
        while True:
            try:
                async with asyncio.timeout(waits):
                    answer = await asyncio.shield(answered)
                break
            except TimeoutError:
                waits = self._heard + PATIENCE - self._clock()
                if waits <= 0:
                    answer = ClipboardState.NO_ANSWER
                    break
        if answer is not ClipboardState.TEXT:
            raise not_taken(answer)

    async def get(self) -> str:
        """The host's clipboard, "" when it is empty. Raises ClipboardError when it has no text to tell, Refused."""
        content = (await self.look()).content
        if content is ClipboardState.EMPTY:
            return ""
        if isinstance(content, ClipboardState):
            raise not_given(content)
        return content

    async def look(self) -> Copy:
        """What the host's clipboard holds: its text, or why there is none, and its formats; its stamp is what `fetch`
        asks by. Raises Refused."""
        session = running(self._session, Permission.CLIPBOARD_OUT)
        answered = self._requests.get()
        session.send(ClipboardAsk())
        try:
            async with asyncio.timeout(PATIENCE):
                return await answered
        except TimeoutError:
            return Copy(ClipboardState.NO_ANSWER)

    async def fetch(self, stamp: int, format: str, most: int = MAX_CLIPBOARD_DATA) -> bytes:
        """The host's copy of this stamp in a format, at most `most` bytes. Raises ClipboardError where it is not to be
        had, Refused."""
        running(self._session, Permission.CLIPBOARD_OUT)
        fetched: asyncio.Future[Fetched] = self._loop.create_future()

        def done(result: Fetched) -> None:
            if not fetched.done():
                fetched.set_result(result)

        number = self._taker.fetch(stamp, format, most, self._clock(), done)
        self._changed()
        try:
            result = await fetched
        finally:
            self._taker.stop(number)
        if isinstance(result, ClipboardState):
            raise format_not_given(result)
        return result

    # messages

    def host_offers(self, session: ViewerSession, message: ClipboardOffer, now: float) -> None:
        """The host says in which formats its copy is to be had; its text, or that it has none, follows."""
        self._coming = message

    def told(self, session: ViewerSession, message: Clipboard, now: float) -> None:
        """The host says what its clipboard holds: it was asked, or somebody has copied there."""
        offer, self._coming = self._coming, None
        content = told(message.state, message.text)
        copy = Copy(content, stamp=message.serial)
        if offer is not None and offer.serial == message.serial:
            origin = offer.origin if len(offer.origin) == ORIGIN_BYTES else b""
            copy = Copy(content, offered(offer.formats), origin, message.serial)
        asked = self._requests.was_told(copy)
        if self._requests.unanswered:
            self._withheld = copy  # ours may be newer (R-SESS-296)
        else:
            self._present(copy, asked)

    def was_set(self, session: ViewerSession, message: ClipboardSet, now: float) -> None:
        """The host has taken our copy, or says why not: then what it told meanwhile counts."""
        self._requests.was_set(message.serial, message.taken, message.state)
        if message.taken:
            self._withheld = None
        elif self._withheld is not None and not self._requests.unanswered:
            self._present(self._withheld, False)

    def _present(self, copy: Copy, asked: bool) -> None:
        self._withheld = None
        if copy.origin and copy.origin == self._origin:
            return  # we have it already (R-SESS-297)
        self._origin = copy.origin
        self._ours = None
        if copy.formats:
            self._presenter.copied(copy)
        elif isinstance(copy.content, str) or copy.content is ClipboardState.EMPTY:
            self._presenter.clipboard(copy.content if isinstance(copy.content, str) else "")
        elif not asked:
            self._presenter.remark(str(not_given(copy.content)))

    # what the host fetches of ours

    def fetched(self, session: ViewerSession, message: ClipboardFetch, now: float) -> None:
        """Somebody pastes at the host (R-SESS-293)."""
        self._heard = now
        if not self._giver.begin(message.fetch):
            return
        ours = self._ours
        if ours is None or ours.serial != message.serial or not ours.copy.has(message.format):
            self._giver.give(message.fetch, ClipboardState.GONE)
            return
        task = self._loop.create_task(self._give(message.fetch, ours, message.format))
        self._readings.add(task)
        task.add_done_callback(self._readings.discard)

    async def _give(self, fetch: int, ours: _Ours, format: str) -> None:
        result = await ours.read(format)
        self._giver.give(fetch, result if self._ours is ours else ClipboardState.GONE)

    def taken(self, session: ViewerSession, message: ClipboardTaken, now: float) -> None:
        """The host has more of what it fetches."""
        self._heard = now
        self._giver.taken(message)

    def stopped(self, session: ViewerSession, message: ClipboardStop, now: float) -> None:
        """The host wants no more of it."""
        self._giver.stop(message)

    def part(self, session: ViewerSession, message: ClipboardPart, now: float) -> None:
        """A part of what we fetch."""
        self._taker.part(message, now)

    def done(self, session: ViewerSession, message: ClipboardDone, now: float) -> None:
        """That was all of it."""
        self._taker.done(message)
