"""Fetching: the content of a clipboard on its way from the end that offered it to the end where somebody pastes
(spec 04-session, 4.7).

Giver and Taker are the two ends of it; a session has one of each at both ends. What leaves is bounded by what has
arrived, so that a large picture holds up neither texts nor the desktop's pictures. `send` is False where there is no
path now: what was not sent leaves by `pump`, once there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_protocol.wire.endtoend import (
    ClipboardDone,
    ClipboardFetch,
    ClipboardPart,
    ClipboardStop,
    ClipboardTaken,
)
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_DATA,
    MAX_CLIPBOARD_FETCHES,
    MAX_CLIPBOARD_PART,
    MAX_CLIPBOARD_WINDOW,
    T_CLIPBOARD,
    ClipboardState,
)

#: What a fetch comes to: the content, or why it is not to be had.
Fetched = bytes | ClipboardState


@dataclass(slots=True)
class _Given:
    """A fetch of the other end: what it gets (None: it is being read), how much of it left, and how much arrived."""

    result: Fetched | None = None
    sent: int = 0
    taken: int = 0


class Giver:
    """Gives what the other end fetches."""

    def __init__(self, send: Callable[[ClipboardPart | ClipboardDone], bool]) -> None:
        self._send = send
        self._running: dict[int, _Given] = {}

    def begin(self, fetch: int) -> bool:
        """The other end fetches; False for one too many, which is answered already (R-SESS-294), and for a number that
        runs. Else `give` follows."""
        if fetch in self._running:
            return False
        self._running[fetch] = _Given()
        if len(self._running) > MAX_CLIPBOARD_FETCHES:
            self.give(fetch, ClipboardState.NO_ANSWER)
            return False
        return True

    def give(self, fetch: int, result: Fetched) -> None:
        """Give this, if it is still wanted."""
        given = self._running.get(fetch)
        if given is not None and given.result is None:
            too_large = isinstance(result, bytes) and len(result) > MAX_CLIPBOARD_DATA
            given.result = ClipboardState.TOO_LARGE if too_large else result
            self._go_on(fetch, given)

    def taken(self, message: ClipboardTaken) -> None:
        """So much has arrived: more may leave."""
        given = self._running.get(message.fetch)
        if given is not None and given.taken < message.taken <= given.sent:
            given.taken = message.taken
            self._go_on(message.fetch, given)

    def stop(self, message: ClipboardStop) -> None:
        """It is not wanted any more."""
        self._running.pop(message.fetch, None)

    def pump(self) -> None:
        """There is a path again."""
        for fetch, given in list(self._running.items()):
            self._go_on(fetch, given)

    def clear(self) -> None:
        """The session is over."""
        self._running.clear()

    def _go_on(self, fetch: int, given: _Given) -> None:
        if given.result is None:
            return
        if isinstance(given.result, bytes):
            data = given.result
            while given.sent < len(data):
                room = min(MAX_CLIPBOARD_PART, given.taken + MAX_CLIPBOARD_WINDOW - given.sent)
                piece = data[given.sent : given.sent + room] if room > 0 else b""
                if not piece or not self._send(ClipboardPart(fetch, piece, len(data))):
                    return
                given.sent += len(piece)
        state = 0 if isinstance(given.result, bytes) else int(given.result)
        if self._send(ClipboardDone(fetch, state)):
            self._running.pop(fetch, None)


@dataclass(slots=True)
class _Wanted:
    """A fetch of ours: what was asked, what has come, how much of that was told, and until when more is waited for."""

    ask: ClipboardFetch
    most: int
    done: Callable[[Fetched], None]
    until: float
    asked: bool = False
    data: bytearray = field(default_factory=bytearray)
    size: int | None = None
    told: int = 0


class Taker:
    """Fetches from the other end. Times are seconds."""

    def __init__(self, send: Callable[[ClipboardFetch | ClipboardTaken | ClipboardStop], bool]) -> None:
        self._send = send
        self._count = 0
        self._running: dict[int, _Wanted] = {}
        #: Fetches of which the other end could not be told that they are not wanted any more.
        self._unstopped: set[int] = set()

    def fetch(self, serial: int, format: str, most: int, now: float, done: Callable[[Fetched], None]) -> int:
        """Fetch at most `most` bytes; `done` is called with them, or with why there are none: at once where too much
        is fetched already. Its number."""
        self._count += 1
        number = self._count
        if len(self._running) >= MAX_CLIPBOARD_FETCHES:
            done(ClipboardState.NO_ANSWER)
            return number
        ask = ClipboardFetch(number, serial, format)
        wanted = self._running[number] = _Wanted(ask, min(most, MAX_CLIPBOARD_DATA), done, now + T_CLIPBOARD)
        wanted.asked = self._send(ask)
        return number

    def part(self, message: ClipboardPart, now: float) -> None:
        """A part has come (R-SESS-295)."""
        wanted = self._running.get(message.fetch)
        if wanted is None:
            return
        size = message.size if wanted.size is None else wanted.size
        if size > wanted.most:
            self.stop(message.fetch, ClipboardState.TOO_LARGE)
        elif size != message.size or not message.data or len(wanted.data) + len(message.data) > size:
            self.stop(message.fetch, ClipboardState.NO_ANSWER)
        else:
            wanted.size, wanted.until = size, now + T_CLIPBOARD
            wanted.data += message.data
            self._acknowledge(wanted)

    def done(self, message: ClipboardDone) -> None:
        """That was all, or it is not to be had. A reason that this version does not know is none that helps."""
        wanted = self._running.pop(message.fetch, None)
        if wanted is None:
            return
        if message.state:
            known = message.state in ClipboardState._value2member_map_
            wanted.done(ClipboardState(message.state) if known else ClipboardState.NO_ANSWER)
        elif len(wanted.data) == (wanted.size or 0):
            wanted.done(bytes(wanted.data))
        else:
            wanted.done(ClipboardState.NO_ANSWER)

    def stop(self, fetch: int, why: ClipboardState = ClipboardState.NO_ANSWER) -> None:
        """It is not wanted any more."""
        wanted = self._running.pop(fetch, None)
        if wanted is not None:
            if wanted.asked and not self._send(ClipboardStop(fetch)):
                self._unstopped.add(fetch)
            wanted.done(why)

    def pump(self) -> None:
        """There is a path again."""
        self._unstopped = {fetch for fetch in self._unstopped if not self._send(ClipboardStop(fetch))}
        for wanted in list(self._running.values()):
            wanted.asked = wanted.asked or self._send(wanted.ask)
            self._acknowledge(wanted)

    def clear(self) -> None:
        """The session is over: nothing more will come."""
        running, self._running = self._running, {}
        self._unstopped.clear()
        for wanted in running.values():
            wanted.done(ClipboardState.NO_ANSWER)

    def _acknowledge(self, wanted: _Wanted) -> None:
        have = len(wanted.data)
        if wanted.told < have and self._send(ClipboardTaken(wanted.ask.fetch, have)):
            wanted.told = have

    # time

    def next_timeout(self) -> float | None:
        """When the next fetch is given up."""
        return min((wanted.until for wanted in self._running.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Give up what does not come."""
        for fetch, wanted in list(self._running.items()):
            if now >= wanted.until:
                self.stop(fetch)
