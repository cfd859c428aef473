"""Clipboard: what is copied on the host's desktop, and what viewers copied that can be pasted there (spec 04-session,
4.7).

A text crosses at once. Other formats are offered, and cross when somebody pastes: a program here fetches them from the
viewer that offered them, a viewer from the program here that holds them, or, through us, from another viewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from avl_host.desktop.clipboard import ClipboardPort
from avl_host.desktop.copypolicy import CopyPolicy
from avl_host.files.copied import CopiedFiles
from avl_host.services.audience import Audience
from avl_protocol.session.fetching import Fetched, Giver, Taker
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.clipformats import FILES, ORIGIN_BYTES, Copy, Format, kind_of, offered, rows
from avl_protocol.wire.cliptext import Content, as_told, content_of
from avl_protocol.wire.endtoend import (
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
from avl_protocol.wire.registry import MAX_CLIPBOARD_DATA, T_CLIPBOARD_ORDER, Channel, ClipboardState, Permission

#: The stamp of a copy that a viewer offered: the desktop's clipboard counts those of its programs.
VIEWERS = -1


@dataclass(frozen=True, slots=True)
class _Ends:
    """Both ends of a session's fetches that are ours."""

    giver: Giver
    taker: Taker


class _Offered:
    """A copy that a viewer offers. Each format is fetched once, whoever pastes it, and kept as far as there is room."""

    def __init__(
        self, session: HostSession, fetch: Callable[[str, Callable[[Fetched], None]], None], since: float
    ) -> None:
        self.session = session
        self.since = since
        self._fetch = fetch
        self._asking: dict[str, asyncio.Future[Fetched]] = {}
        self.kept: dict[str, bytes] = {}

    async def give(self, format: str) -> Fetched:
        """Its bytes in a format, or why they are not to be had."""
        if format in self.kept:
            return self.kept[format]
        asking = self._asking.get(format)
        if asking is None:
            asking = self._asking[format] = asyncio.get_running_loop().create_future()
            self._fetch(format, lambda result: self._came(format, result))
        return await asyncio.shield(asking)

    def _came(self, format: str, result: Fetched) -> None:
        asking = self._asking.pop(format)
        if isinstance(result, bytes) and len(result) + sum(map(len, self.kept.values())) <= MAX_CLIPBOARD_DATA:
            self.kept[format] = result
        if not asking.done():
            asking.set_result(result)


class ClipboardService(Service[HostSession]):
    """One clipboard and all who may read or set it."""

    def __init__(
        self,
        audience: Audience,
        port: ClipboardPort,
        policy: CopyPolicy,
        files: CopiedFiles,
        entropy: Callable[[int], bytes],
        clock: Callable[[], float],
    ) -> None:
        self._audience = audience
        self._port = port
        self._policy = policy
        self._files = files
        self._entropy = entropy
        self._clock = clock
        self._serial = 0
        #: The newest copy as far as we know, the viewer's offer that it is if it is one, the first serial that told it.
        self._copy = Copy(stamp=VIEWERS)
        self._offer: _Offered | None = None
        self._first = 1
        #: When it was copied.
        self._since = 0.0
        self._ends: dict[HostSession, _Ends] = {}
        #: Offers of viewers whose text is still to come, and the serial of each viewer's newest copy.
        self._coming: dict[HostSession, ClipboardOffer] = {}
        self._latest: dict[HostSession, int] = {}
        #: Sessions that had no path when the clipboard changed, or when they had asked for it.
        self._missed: set[HostSession] = set()

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """Its viewer may be told from now on."""
        self._ends[session] = _Ends(Giver(session.send), Taker(session.send))

    def opened(self, session: HostSession, channel: int, now: float) -> None:
        """What was copied before there was a path to tell it by is told now (R-SESS-51), and what was under way goes
        on."""
        if channel != Channel.BULK:
            return
        if (ends := self._ends.get(session)) is not None:
            ends.taker.pump()
            ends.giver.pump()
        if session in self._missed:
            self._missed.discard(session)
            self._audience.start(self._answer(session))

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It misses nothing any more, and what it offered and nobody fetched is not to be had (R-SESS-299)."""
        self._missed.discard(session)
        self._coming.pop(session, None)
        self._latest.pop(session, None)
        if self._offer is not None and self._offer.session is session:
            kept = self._offer.kept
            left = tuple(Format(each.name, len(kept[each.name])) for each in self._copy.formats if each.name in kept)
            content = self._copy.content if left or isinstance(self._copy.content, str) else ClipboardState.EMPTY
            self._copy = Copy(content, left, self._copy.origin, VIEWERS)
            self._port.narrow(self._copy)
        ends = self._ends.pop(session, None)
        if ends is not None:
            ends.giver.clear()
            ends.taker.clear()

    def next_timeout(self) -> float | None:
        """When a fetch is given up."""
        return min((at for ends in self._ends.values() if (at := ends.taker.next_timeout()) is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Give up what does not come."""
        for ends in list(self._ends.values()):
            ends.taker.handle_timer(now)

    # copies of viewers

    def set(self, session: HostSession, message: Clipboard, now: float) -> None:
        """A viewer sets the clipboard: say what became of it, and tell the others (R-SESS-24)."""
        offer = self._coming.pop(session, None)
        content = content_of(message.text)
        if content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            self._answer_set(session, message.serial, ClipboardState(content))
        else:
            if offer is None or offer.serial != message.serial:
                offer = ClipboardOffer(message.serial, ())
            self._take(session, message.serial, content, offer, now)

    def set_refused(self, session: HostSession, message: Clipboard | ClipboardOffer, now: float) -> None:
        """A viewer that may not set it is told so."""
        if isinstance(message, Clipboard) or not message.text:
            self._answer_set(session, message.serial, ClipboardState.NOT_PERMITTED)

    def offered(self, session: HostSession, message: ClipboardOffer, now: float) -> None:
        """A viewer offers a copy: what it says of its formats counts, and its text follows (R-SESS-292)."""
        self._coming.pop(session, None)
        if message.text:
            self._coming[session] = message
        else:
            self._take(session, message.serial, ClipboardState.NOT_TEXT, message, now)

    def _take(self, session: HostSession, serial: int, content: Content, offer: ClipboardOffer, now: float) -> None:
        """Make a viewer's copy that of the desktop, as far as it may come (R-SESS-298) and is the newest
        (R-SESS-301)."""
        self._latest[session] = serial
        made = min(offer.time_us / 1e6, now) if offer.time_us > 0 else now
        if made < self._since - T_CLIPBOARD_ORDER:
            self._answer_set(session, serial, ClipboardState.GONE)
            return
        named = offered(offer.formats)
        formats = self._files.coming(self._policy.coming(named), session.permissions)
        fitting = tuple(each for each in formats if each.size <= self._policy.most)
        if isinstance(content, str) and "text" not in self._policy.comes:
            content = ClipboardState.NOT_PERMITTED
        if not fitting and content not in (ClipboardState.EMPTY,) and not isinstance(content, str):
            refused = ClipboardState.NOT_PERMITTED if named or content is ClipboardState.NOT_PERMITTED else content
            self._answer_set(session, serial, ClipboardState.TOO_LARGE if formats else ClipboardState(refused))
            return
        origin = offer.origin if len(offer.origin) == ORIGIN_BYTES else b""
        if origin and origin == self._copy.origin:
            self._answer_set(session, serial, ClipboardState.TEXT)  # it is here already (R-SESS-297)
            return
        copy = Copy(content, fitting, origin or (self._entropy(ORIGIN_BYTES) if fitting else b""), VIEWERS)
        held = _Offered(session, lambda format, done: self._fetch(session, serial, format, done), made)
        if offer.keep and fitting:
            self._audience.start(self._keep(session, serial, copy, held))
        else:
            self._hold(session, serial, copy, held)

    async def _keep(self, session: HostSession, serial: int, copy: Copy, held: _Offered) -> None:
        """Fetch a copy whose viewer is about to leave, then hold it; a later one of the same viewer comes first."""
        for each in copy.formats:
            result = await held.give(each.name)
            if isinstance(result, ClipboardState):
                self._answer_set(session, serial, result)
                return
        if self._latest.get(session) == serial and held.since >= self._since - T_CLIPBOARD_ORDER:
            self._hold(session, serial, copy, held)
        else:
            self._answer_set(session, serial, ClipboardState.GONE)

    def _hold(self, session: HostSession, serial: int, copy: Copy, held: _Offered) -> None:
        text = copy.content if isinstance(copy.content, str) else ""

        async def give(format: str) -> Fetched:
            result = await held.give(format)
            return self._files.for_programs(result) if format == FILES else result

        if not (self._port.offer(copy, give) if copy.formats else self._port.set(text)):
            self._answer_set(session, serial, ClipboardState.NO_ANSWER)
            return
        self._answer_set(session, serial, ClipboardState.TEXT)
        self._note(copy, held if copy.formats else None, held.since)
        self._tell_all(session)

    def _answer_set(self, session: HostSession, serial: int, state: ClipboardState) -> None:
        session.send(ClipboardSet(serial, state is ClipboardState.TEXT, state))

    def _fetch(self, session: HostSession, serial: int, format: str, done: Callable[[Fetched], None]) -> None:
        ends = self._ends.get(session)
        if ends is None:
            done(ClipboardState.GONE)
        else:
            ends.taker.fetch(serial, format, self._policy.most, self._clock(), done)
            self._audience.changed()

    # copies of the desktop

    def changed(self, copy: Copy) -> None:
        """A program of the host has copied: tell those who may read it (R-SESS-23)."""
        if copy.origin and copy.origin == self._copy.origin:
            return  # a viewer on this very display has put it back (R-SESS-297)
        if copy.stamp != self._copy.stamp:
            self._note(copy, None, self._clock())
        self._tell_all(None)

    def asked(self, session: HostSession, message: ClipboardAsk, now: float) -> None:
        """A viewer asks what the clipboard holds; the program that owns it may need a while."""
        self._audience.start(self._answer(session))

    async def _answer(self, session: HostSession) -> None:
        copy = await self._port.look()
        if copy.stamp != self._copy.stamp and not (copy.origin and copy.origin == self._copy.origin):
            self._note(copy, None, self._clock())
        self._serial += 1
        self._tell(session)

    def _note(self, copy: Copy, offer: _Offered | None, since: float) -> None:
        """This is the newest copy: older ones are gone."""
        origin = copy.origin or (self._entropy(ORIGIN_BYTES) if copy.formats else b"")
        self._copy = Copy(copy.content, copy.formats, origin, copy.stamp)
        self._offer = offer
        self._since = since
        self._first = self._serial + 1

    def _tell_all(self, source: HostSession | None) -> None:
        self._serial += 1

        def tell(session: HostSession) -> None:
            if session is not source:
                self._tell(session)

        self._audience.everybody(tell)

    def _told(self, session: HostSession) -> tuple[ClipboardOffer | Clipboard, ...]:
        """What a viewer is told of the newest copy, as far as it may leave (R-SESS-298)."""
        state, text = as_told(self._policy.text_leaving(self._copy.content))
        clipboard = Clipboard(self._serial, text, state)
        formats = self._files.leaving(self._policy.leaving(self._copy.formats), session.permissions)
        if not formats:
            return (clipboard,)
        with_text = state == ClipboardState.TEXT
        return ClipboardOffer(self._serial, rows(formats), with_text, self._copy.origin), clipboard

    def _tell(self, session: HostSession) -> None:
        """Tell a session, or remember that it has to be told once there is a path."""
        if session in self._ends and permits(session.permissions, Permission.CLIPBOARD_OUT):
            told = all(map(session.send, self._told(session)))
            (self._missed.discard if told else self._missed.add)(session)

    # what is fetched

    def fetched(self, session: HostSession, message: ClipboardFetch, now: float) -> None:
        """Somebody pastes at a viewer (R-SESS-293)."""
        ends = self._ends.get(session)
        if ends is None or not ends.giver.begin(message.fetch):
            return
        may = self._files.leaving((Format(message.format),), session.permissions)
        if kind_of(message.format) not in self._policy.leaves or not may:
            ends.giver.give(message.fetch, ClipboardState.NOT_PERMITTED)
        elif not self._first <= message.serial <= self._serial or not self._copy.has(message.format):
            ends.giver.give(message.fetch, ClipboardState.GONE)
        else:
            self._audience.start(self._give(ends.giver, message.fetch, message.format))

    def fetch_refused(self, session: HostSession, message: ClipboardFetch, now: float) -> None:
        """A viewer that may not read it is told so."""
        session.send(ClipboardDone(message.fetch, ClipboardState.NOT_PERMITTED))

    async def _give(self, giver: Giver, fetch: int, format: str) -> None:
        first, offer = self._first, self._offer
        if offer is not None:
            result = await offer.give(format)
            result = self._files.of_viewer(result) if format == FILES else result
        else:
            result = await self._port.fetch(self._copy.stamp, format, self._policy.most)
            result = self._files.of_system(result) if format == FILES else result
        if first != self._first:
            result = ClipboardState.GONE
        elif isinstance(result, bytes) and len(result) > self._policy.most:
            result = ClipboardState.TOO_LARGE
        giver.give(fetch, result)

    def taken(self, session: HostSession, message: ClipboardTaken, now: float) -> None:
        """A viewer has more of what it fetches."""
        if (ends := self._ends.get(session)) is not None:
            ends.giver.taken(message)

    def stopped(self, session: HostSession, message: ClipboardStop, now: float) -> None:
        """A viewer wants no more of it."""
        if (ends := self._ends.get(session)) is not None:
            ends.giver.stop(message)

    def part(self, session: HostSession, message: ClipboardPart, now: float) -> None:
        """A part of what we fetch from a viewer."""
        if (ends := self._ends.get(session)) is not None:
            ends.taker.part(message, now)

    def done(self, session: HostSession, message: ClipboardDone, now: float) -> None:
        """That was all of it."""
        if (ends := self._ends.get(session)) is not None:
            ends.taker.done(message)
