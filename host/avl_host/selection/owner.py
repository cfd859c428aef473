"""SelectionOwner: gives our text to programs that paste, in each form they may ask for (ICCCM 2.1 to 2.7).

A request names a target and a property; refusing it is an answer without a property. Long texts go in pieces (INCR), to
as many at once as ask; MULTIPLE asks for several targets in one request.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import xcffib.xproto

from avl_host.selection import targets
from avl_host.selection.display import SelectionDisplay

#: One property holds at most this much; more goes in pieces of this size. Well under the server's longest request.
PIECE = 65536
#: Seconds that a requestor may take for each piece.
PATIENCE = 10.0
#: Most targets that one MULTIPLE may ask for.
MOST_TARGETS = 64


@dataclass(slots=True)
class _Outgoing:
    """A transfer in pieces to a requestor's property."""

    kind: int
    data: bytes
    sent: int
    timer: asyncio.TimerHandle


class SelectionOwner:
    """Owns one selection of a display while it has a text."""

    def __init__(self, display: SelectionDisplay, selection: str) -> None:
        self._display = display
        self._selection = display.atom(selection)
        self._loop = asyncio.get_running_loop()
        self.window = display.window()
        self._outgoing: dict[tuple[int, int], _Outgoing] = {}
        #: What is owned; None while another program owns the selection.
        self.text: str | None = None
        #: Since when, by the server's clock.
        self.since = 0

    def own(self, text: str) -> bool:
        """Own the selection with this text from now on; False where another program got it meanwhile."""
        core = self._display.x.core
        since = self._display.time(self.window)
        core.SetSelectionOwner(self.window, self._selection, since)
        if core.GetSelectionOwner(self._selection).reply().owner != self.window:
            return False
        self.text, self.since = text, since
        return True

    @property
    def transfers(self) -> int:
        """Long texts that programs are taking piece by piece."""
        return len(self._outgoing)

    def lost(self, when: int) -> bool:
        """Another program owns the selection since `when`; False when that was before it was ours."""
        if self.text is not None and _before(when, self.since):
            return False
        self.text = None
        return True

    def close(self) -> None:
        """Stop all transfers."""
        for transfer in self._outgoing.values():
            transfer.timer.cancel()
        self._outgoing.clear()

    # requests

    def serve(self, event: Any) -> None:
        """Answer a SelectionRequest."""
        name = event.property or event.target  # Old requestors name no property (ICCCM 2.2).
        early = event.time != xcffib.xproto.Time.CurrentTime and _before(event.time, self.since)
        if self.text is None or event.selection != self._selection or early or not self._answer(self.text, event, name):
            name = 0
        answer: Any = xcffib.xproto.SelectionNotifyEvent.synthetic(  # type: ignore[no-untyped-call]
            event.time, event.requestor, event.selection, event.target, name
        )
        self._display.x.core.SendEvent(False, event.requestor, 0, answer.pack())

    def _answer(self, text: str, event: Any, name: int) -> bool:
        if self._display.name(event.target) != "MULTIPLE":
            return self._convert(text, event.requestor, event.target, name)
        try:
            return bool(event.property) and self._multiple(text, event.requestor, name)
        except xcffib.xproto.WindowError:
            return False  # the requestor is gone

    def _multiple(self, text: str, requestor: int, name: int) -> bool:
        """Each pair of the property is a target and where to put it; a pair that can't be had is made None."""
        _, bits, data = self._display.take(requestor, name, delete=False)
        atoms = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        if bits != 32 or len(atoms) % 2 or len(atoms) > 2 * MOST_TARGETS:
            return False
        for at in range(0, len(atoms), 2):
            target, place = atoms[at : at + 2]
            if not place or not self._convert(text, requestor, target, place):
                atoms[at : at + 2] = [0, 0]
        self._display.put(requestor, name, self._display.atom("ATOM_PAIR"), 32, atoms)
        return True

    def _convert(self, text: str, requestor: int, target: int, name: int) -> bool:
        """Put a target into a property; False for one that can't be had."""
        display, wanted = self._display, self._display.name(target)
        if wanted == "TARGETS":
            names = ("TARGETS", "MULTIPLE", "TIMESTAMP", *targets.offered(text))
            display.put(requestor, name, xcffib.xproto.Atom.ATOM, 32, [display.atom(each) for each in names])
            return True
        if wanted == "TIMESTAMP":
            display.put(requestor, name, xcffib.xproto.Atom.INTEGER, 32, [self.since])
            return True
        encoded = targets.encode(text, wanted)
        if encoded is None:
            return False
        kind, data = display.atom(encoded[0]), encoded[1]
        if len(data) > PIECE:
            self._begin(requestor, name, kind, data)
        else:
            display.put(requestor, name, kind, 8, data)
        return True

    # long texts

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


def _before(one: int, other: int) -> bool:
    """Whether a time of the server comes before another; they go round after 49 days."""
    return 0 < (other - one) % (1 << 32) < 1 << 31
