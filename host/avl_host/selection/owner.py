"""SelectionOwner: gives our copy to programs that paste, in each form they may ask for (ICCCM 2.1 to 2.7).

A request names a target and a property; refusing it is an answer without a property. What is long goes in pieces
(INCR), to as many at once as ask; MULTIPLE asks for several targets in one request. A format that has to be fetched is
answered when it is here, and refused when it does not come: a program that pastes is never left without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import xcffib
import xcffib.xproto

from avl_host.selection import targets
from avl_host.selection.display import SelectionDisplay
from avl_protocol.session.fetching import Fetched
from avl_protocol.wire import clipfiles
from avl_protocol.wire.clipformats import FILES, GNOME, ORIGIN, PLAIN, Copy
from avl_protocol.wire.registry import ClipboardState

#: One property holds at most this much; more goes in pieces of this size. Well under the server's longest request.
PIECE = 65536
#: Seconds that a requestor may take for each piece.
PATIENCE = 10.0
#: Most targets that one MULTIPLE may ask for.
MOST_TARGETS = 64
#: Most requests that wait for what has to be fetched.
MOST_LATE = 64

#: Fetches a format of a copy, or says why it is not to be had; it does not take for ever.
Give = Callable[[str], Awaitable[Fetched]]


async def nothing(format: str) -> Fetched:
    """Gives no format: the copy is a text alone."""
    return ClipboardState.GONE


@dataclass(frozen=True, slots=True)
class Offer:
    """What is owned, and how its formats are had."""

    copy: Copy
    give: Give = field(default=nothing)


@dataclass(slots=True)
class _Outgoing:
    """A transfer in pieces to a requestor's property."""

    kind: int
    data: bytes
    sent: int
    timer: asyncio.TimerHandle


class SelectionOwner:
    """Owns one selection of a display while it has a copy."""

    def __init__(self, display: SelectionDisplay, selection: str) -> None:
        self._display = display
        self._selection = display.atom(selection)
        self._loop = asyncio.get_running_loop()
        self.window = display.window()
        self._outgoing: dict[tuple[int, int], _Outgoing] = {}
        self._late: set[asyncio.Task[None]] = set()
        #: What is owned; None while another program owns the selection.
        self.offer: Offer | None = None
        #: Since when, by the server's clock.
        self.since = 0

    def own(self, offer: Offer) -> bool:
        """Own the selection with this from now on; False where another program got it meanwhile."""
        core = self._display.x.core
        since = self._display.time(self.window)
        core.SetSelectionOwner(self.window, self._selection, since)
        if core.GetSelectionOwner(self._selection).reply().owner != self.window:
            return False
        self.offer, self.since = offer, since
        return True

    @property
    def transfers(self) -> int:
        """What is long and programs are taking piece by piece."""
        return len(self._outgoing)

    def lost(self, when: int) -> bool:
        """Another program owns the selection since `when`; False when that was before it was ours."""
        if self.offer is not None and _before(when, self.since):
            return False
        self.offer = None
        return True

    def close(self) -> None:
        """Stop all transfers."""
        for task in self._late:
            task.cancel()
        for transfer in self._outgoing.values():
            transfer.timer.cancel()
        self._outgoing.clear()

    # requests

    def serve(self, event: Any) -> None:
        """Answer a SelectionRequest, at once or when what it asks for was fetched."""
        early = event.time != xcffib.xproto.Time.CurrentTime and _before(event.time, self.since)
        if self.offer is None or early:
            self._notify(event, False)
            return
        formats = self._fetched_first(self.offer.copy, event)
        if not formats:
            self._notify(event, self._answer(self.offer.copy, event, {}))
        elif len(self._late) >= MOST_LATE:
            self._notify(event, False)
        else:
            task = self._loop.create_task(self._serve_late(self.offer, event, formats))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _serve_late(self, offer: Offer, event: Any, formats: list[str]) -> None:
        """Fetch what a request asks for, and answer it. What does not come is refused."""
        ready: dict[str, bytes] = {}
        for name in formats:
            result = await offer.give(name)
            if isinstance(result, bytes):
                ready[name] = result
        try:
            self._notify(event, self._answer(offer.copy, event, ready))
            self._display.x.flush()
        except xcffib.ConnectionException:
            return  # The display is gone, as its events tell.

    def _notify(self, event: Any, answered: bool) -> None:
        name = (event.property or event.target) if answered else 0  # Old requestors name no property (ICCCM 2.2).
        answer: Any = xcffib.xproto.SelectionNotifyEvent.synthetic(  # type: ignore[no-untyped-call]
            event.time, event.requestor, event.selection, event.target, name
        )
        self._display.x.core.SendEvent(False, event.requestor, 0, answer.pack())

    def _fetched_first(self, copy: Copy, event: Any) -> list[str]:
        """The formats that have to be fetched before a request is answered."""
        display = self._display
        wanted = [event.target]
        if display.name(event.target) == "MULTIPLE" and event.property:
            try:
                wanted = (self._pairs(event.requestor, event.property) or [])[::2]
            except xcffib.xproto.WindowError:
                return []  # the requestor is gone
        found = (targets.asked(copy, display.name(target)) for target in wanted)
        return list(dict.fromkeys(name for name in found if name))

    def _answer(self, copy: Copy, event: Any, ready: Mapping[str, bytes]) -> bool:
        name = event.property or event.target
        if self._display.name(event.target) != "MULTIPLE":
            return self._convert(copy, event.requestor, event.target, name, ready)
        try:
            return bool(event.property) and self._multiple(copy, event.requestor, name, ready)
        except xcffib.xproto.WindowError:
            return False  # the requestor is gone

    def _pairs(self, requestor: int, name: int) -> list[int] | None:
        """The atoms of a MULTIPLE: a target and where to put it, and so on; None for what is no list of them."""
        _, bits, data = self._display.take(requestor, name, delete=False)
        atoms = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        return None if bits != 32 or len(atoms) % 2 or len(atoms) > 2 * MOST_TARGETS else atoms

    def _multiple(self, copy: Copy, requestor: int, name: int, ready: Mapping[str, bytes]) -> bool:
        """Each pair of the property is a target and where to put it; a pair that can't be had is made None."""
        atoms = self._pairs(requestor, name)
        if atoms is None:
            return False
        for at in range(0, len(atoms), 2):
            target, place = atoms[at : at + 2]
            if not place or not self._convert(copy, requestor, target, place, ready):
                atoms[at : at + 2] = [0, 0]
        self._display.put(requestor, name, self._display.atom("ATOM_PAIR"), 32, atoms)
        return True

    def _convert(self, copy: Copy, requestor: int, target: int, name: int, ready: Mapping[str, bytes]) -> bool:
        """Put a target into a property; False for one that can't be had."""
        display, wanted = self._display, self._display.name(target)
        if wanted == "TARGETS":
            names = ("TARGETS", "MULTIPLE", "TIMESTAMP", *targets.offers(copy))
            display.put(requestor, name, xcffib.xproto.Atom.ATOM, 32, [display.atom(each) for each in names])
            return True
        if wanted == "TIMESTAMP":
            display.put(requestor, name, xcffib.xproto.Atom.INTEGER, 32, [self.since])
            return True
        encoded = _encoded(copy, wanted, ready)
        if encoded is None:
            return False
        kind, data = display.atom(encoded[0]), encoded[1]
        if len(data) > PIECE:
            self._begin(requestor, name, kind, data)
        else:
            display.put(requestor, name, kind, 8, data)
        return True

    # what is long

    def _begin(self, requestor: int, name: int, kind: int, data: bytes) -> None:
        key = (requestor, name)
        self._forget(key)
        self._outgoing[key] = _Outgoing(kind, data, 0, self._loop.call_later(PATIENCE, self._forget, key))
        self._watch(requestor, xcffib.xproto.EventMask.PropertyChange)
        self._display.put(requestor, name, self._display.atom("INCR"), 32, [len(data)])

    def taken(self, requestor: int, name: int) -> None:
        """A requestor has deleted a property: it is ready for the next piece."""
        key = (requestor, name)
        transfer = self._outgoing.get(key)
        if transfer is None:
            return
        piece = transfer.data[transfer.sent : transfer.sent + PIECE]
        transfer.sent += len(piece)
        self._display.put(requestor, name, transfer.kind, 8, piece)
        transfer.timer.cancel()
        if piece:
            transfer.timer = self._loop.call_later(PATIENCE, self._forget, key)
        else:
            self._forget(key)  # The empty piece was the end.

    def _forget(self, key: tuple[int, int]) -> None:
        transfer = self._outgoing.pop(key, None)
        if transfer is not None:
            transfer.timer.cancel()
            if not any(window == key[0] for window, _ in self._outgoing):
                self._watch(key[0], 0)

    def _watch(self, window: int, mask: int) -> None:
        self._display.x.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])


def _encoded(copy: Copy, wanted: str, ready: Mapping[str, bytes]) -> tuple[str, bytes] | None:
    """The type of a copy under a target, and its bytes; None where it can't be had."""
    if wanted == ORIGIN and copy.origin:
        return ORIGIN, copy.origin
    format = targets.asked(copy, wanted)
    if format == FILES and format in ready and wanted.lower() == GNOME:
        return wanted, clipfiles.uris_of(clipfiles.paths_of(ready[format]), GNOME)
    if format and format != PLAIN:
        return (wanted, ready[format]) if format in ready else None
    if format == PLAIN:
        return targets.encode(ready[PLAIN].decode("utf-8", "replace"), wanted) if PLAIN in ready else None
    if isinstance(copy.content, str) or not copy.formats:
        return targets.encode(copy.content if isinstance(copy.content, str) else "", wanted)
    return None


def _before(one: int, other: int) -> bool:
    """Whether a time of the server comes before another; they go round after 49 days."""
    return 0 < (other - one) % (1 << 32) < 1 << 31
