"""Another client of the X server that copies and pastes to the letter of ICCCM, or as old and odd programs do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xproto as xp

#: Type, bits and bytes of a property.
Property = tuple[str, int, bytes]


@dataclass
class _Asking:
    """A request under way."""

    answer: asyncio.Future[int]
    piece: asyncio.Event


class Peer:
    """Create it on the running loop."""

    def __init__(self, display: str, selection: str = "CLIPBOARD") -> None:
        self.x: Any = xcffib.connect(display)  # type: ignore[no-untyped-call]
        self._loop = asyncio.get_running_loop()
        self._root = self.x.get_setup().roots[0].root
        self._asking: dict[int, _Asking] = {}
        self._owned: Mapping[str, Property] = {}
        self._silent: frozenset[str] = frozenset()
        self.asked: list[str] = []
        self.failed: list[Exception] = []
        self._late: list[Any] = []
        self._gone = False
        self.cleared = asyncio.Event()
        self.window = self._window()
        self.clipboard = self.atom(selection)
        self._fd = self.x.get_file_descriptor()
        self._loop.add_reader(self._fd, self._take)

    def close(self) -> None:
        """Disconnect."""
        self._loop.remove_reader(self._fd)
        self.x.disconnect()

    def atom(self, name: str) -> int:
        """The atom of a name."""
        return int(self._round(lambda: self.x.core.InternAtom(False, len(name), name).reply().atom))

    def name(self, atom: int) -> str:
        """The name of an atom."""
        return str(self._round(lambda: self.x.core.GetAtomName(atom).reply().name.to_string()))

    def _round(self, call: Callable[[], Any]) -> Any:
        result = call()
        self._loop.call_soon(self._take)  # events may have been read on the way
        return result

    def _window(self) -> int:
        made: int = self.x.generate_id()
        self.x.core.CreateWindow(
            0,
            made,
            self._root,
            0,
            0,
            1,
            1,
            0,
            xp.WindowClass.InputOnly,
            0,
            xp.CW.EventMask,
            [xp.EventMask.PropertyChange],
        )
        return made

    # pasting

    async def ask(
        self, target: str, *, time: int = 0, old: bool = False, pairs: tuple[tuple[str, str], ...] = ()
    ) -> Property | None:
        """Ask for a target; None when it is refused. `old`: without naming a property; `pairs`: of MULTIPLE."""
        window, kind = self._window(), self.atom(target)
        place = 0 if old else self.atom("PEER")
        asking = self._asking[window] = _Asking(self._loop.create_future(), asyncio.Event())
        if pairs:
            atoms = b"".join(self.atom(name).to_bytes(4, "little") for pair in pairs for name in pair)
            self.x.core.ChangeProperty(0, window, place, self.atom("ATOM_PAIR"), 32, len(atoms) // 4, atoms)
        self.x.core.ConvertSelection(window, self.clipboard, kind, place, time)
        self.x.flush()
        async with asyncio.timeout(8):
            found = await asking.answer
        self.told_window = window
        return await self.read(window, found) if found else None

    async def read(self, window: int, place: int) -> Property:
        """A property, in pieces where it comes so."""
        asking = self._asking[window]
        asking.piece.clear()
        kind, bits, data = self.take(window, place)
        if kind != "INCR":
            return kind, bits, data
        whole = b""
        while True:
            async with asyncio.timeout(8):
                await asking.piece.wait()
            asking.piece.clear()
            kind, bits, data = self.take(window, place)
            if kind and not data:
                return kind, bits, whole
            whole += data

    def take(self, window: int, place: int) -> Property:
        """Read and delete a property."""
        told = self._round(lambda: self.x.core.GetProperty(True, window, place, 0, 0, 1 << 22).reply())
        self.x.flush()
        return self.name(told.type) if told.type else "", told.format, bytes(told.value.buf())

    # copying

    def own(
        self, offers: Mapping[str, Property], *, silent: frozenset[str] = frozenset(), targets: bool = True
    ) -> None:
        """Own the clipboard. `silent`: targets that are never answered; `targets`: whether TARGETS is known."""
        named = dict(offers)
        if targets:
            atoms = [self.atom(name) for name in ("TARGETS", *offers, *silent)]
            named["TARGETS"] = ("ATOM", 32, b"".join(atom.to_bytes(4, "little") for atom in atoms))
        self._owned, self._silent = named, silent
        self.x.core.SetSelectionOwner(self.window, self.clipboard, 0)
        self.x.flush()

    def _serve(self, event: Any) -> None:
        target = self.name(event.target)
        self.asked.append(target)
        if target in self._silent:
            self._late.append(event)
            return
        self._answer(event, target)

    def answer_late(self, offer: Property) -> None:
        """Answer all that was asked and not answered."""
        for event in self._late:
            self._owned = {**self._owned, self.name(event.target): offer}
            self._answer(event, self.name(event.target))
        self._late.clear()
        self._round(lambda: self.x.core.GetInputFocus().reply())

    def _answer(self, event: Any, target: str) -> None:
        place = event.property or event.target
        if (offer := self._owned.get(target)) is None:
            place = 0
        else:
            kind, bits, data = offer
            self.x.core.ChangeProperty(0, event.requestor, place, self.atom(kind), bits, len(data) * 8 // bits, data)
        answer: Any = xp.SelectionNotifyEvent.synthetic(  # type: ignore[no-untyped-call]
            event.time, event.requestor, event.selection, event.target, place
        )
        self.x.core.SendEvent(False, event.requestor, 0, answer.pack())
        self.x.flush()

    # events

    def _take(self) -> None:
        while (event := self._next()) is not None:
            if isinstance(event, xp.SelectionNotifyEvent) and event.requestor in self._asking:
                self._asking[event.requestor].answer.set_result(event.property)
            elif isinstance(event, xp.SelectionRequestEvent):
                self._serve(event)
            elif isinstance(event, xp.SelectionClearEvent):
                self.cleared.set()
            elif isinstance(event, xp.PropertyNotifyEvent) and event.state == xp.Property.NewValue:
                asking = self._asking.get(event.window)
                if asking is not None:
                    asking.piece.set()

    def _next(self) -> Any:
        """The next event; past errors, since what is read but left in the queue makes no descriptor readable."""
        while not self._gone:
            try:
                return self.x.poll_for_event()
            except xcffib.ConnectionException as error:
                self._lose(error)
            except xcffib.XcffibException as error:
                self.failed.append(error)
        return None

    def _lose(self, error: Exception) -> None:
        """The display is gone: its descriptor would be readable for ever, and nobody gets an answer."""
        self._gone = True
        self._loop.remove_reader(self._fd)
        self.failed.append(error)
        for asking in self._asking.values():
            if not asking.answer.done():
                asking.answer.set_exception(error)
