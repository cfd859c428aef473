"""Clipboard: the host's clipboard, read and set from here (spec 04-session, 4.7)."""

from __future__ import annotations

import asyncio
from typing import Any

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.cliptext import Content, as_told, content_of, told
from avl_protocol.wire.endtoend import Clipboard, ClipboardAsk, ClipboardSet
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import ClipboardState, Permission
from avl_viewer.clipboard import not_given, not_taken
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.running import running

#: Seconds for the host's clipboard to answer: a program there may need some; where a relay drops it, nobody does.
PATIENCE = 15.0


class ClipboardRequests:
    """Futures of what was asked and has not been answered; all fail when the session ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._serial = 0
        self._setting: dict[int, asyncio.Future[ClipboardState]] = {}
        self._getting: list[asyncio.Future[Content]] = []

    def set(self) -> tuple[int, asyncio.Future[ClipboardState]]:
        """Serial number to set the clipboard under, and what becomes of it: TEXT, or why it was not taken."""
        self._serial += 1
        future: asyncio.Future[ClipboardState] = self._loop.create_future()
        self._setting[self._serial] = future
        return self._serial, future

    def get(self) -> asyncio.Future[Content]:
        """What the host tells of its clipboard next."""
        future: asyncio.Future[Content] = self._loop.create_future()
        self._getting.append(future)
        return future

    def was_set(self, serial: int, taken: bool, state: int) -> None:
        """The host answered a set; a reason that this version does not know is none that helps."""
        future = self._setting.pop(serial, None)
        if future is not None and not future.done():
            known = state in ClipboardState._value2member_map_ and state != ClipboardState.TEXT
            why = ClipboardState(state) if known else ClipboardState.NO_ANSWER
            future.set_result(ClipboardState.TEXT if taken else why)

    def was_told(self, content: Content) -> bool:
        """The host told its clipboard; whether somebody had asked for it."""
        asking, self._getting = self._getting, []
        for future in asking:
            if not future.done():
                future.set_result(content)
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


class ClipboardService(Service[ViewerSession]):
    """Asks for the host's clipboard, sets it, and tells the presenter of what was copied there."""

    def __init__(self, loop: asyncio.AbstractEventLoop, presenter: Presenter) -> None:
        self._presenter = presenter
        self._requests = ClipboardRequests(loop)
        self._session: ViewerSession | None = None

    # sessions

    def admitted(self, session: ViewerSession, now: float) -> None:
        """It is this host's clipboard from now on."""
        self._session = session

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """What was asked will not be answered."""
        self._session = None
        self._requests.fail(reason)

    # what people do

    async def set(self, text: str) -> None:
        """Set the host's clipboard; "" empties it. Raises ClipboardError when that did not take it, Refused."""
        session = running(self._session, Permission.CLIPBOARD_IN)
        content = content_of(text)
        if content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            raise not_taken(ClipboardState(content))
        serial, answered = self._requests.set()
        state, told_text = as_told(content)
        session.send(Clipboard(serial, told_text, state))
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await answered
        except TimeoutError:
            answer = ClipboardState.NO_ANSWER
        if answer is not ClipboardState.TEXT:
            raise not_taken(answer)

    async def get(self) -> str:
        """The host's clipboard, "" when it is empty. Raises ClipboardError when it has no text to tell, Refused."""
        session = running(self._session, Permission.CLIPBOARD_OUT)
        answered = self._requests.get()
        session.send(ClipboardAsk())
        try:
            async with asyncio.timeout(PATIENCE):
                content = await answered
        except TimeoutError:
            content = ClipboardState.NO_ANSWER
        if content is ClipboardState.EMPTY:
            return ""
        if isinstance(content, ClipboardState):
            raise not_given(content)
        return content

    # messages

    def told(self, session: ViewerSession, message: Clipboard, now: float) -> None:
        """The host says what its clipboard holds: it was asked, or somebody has copied there."""
        content = told(message.state, message.text)
        asked = self._requests.was_told(content)
        if isinstance(content, str) or content is ClipboardState.EMPTY:
            self._presenter.clipboard(content if isinstance(content, str) else "")
        elif not asked:
            self._presenter.remark(str(not_given(content)))

    def was_set(self, session: ViewerSession, message: ClipboardSet, now: float) -> None:
        """The host has taken our text, or says why not."""
        self._requests.was_set(message.serial, message.taken, message.state)
