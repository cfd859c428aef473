"""Traces of input on its way: a viewer's outbox, ledger and sender, and a host's gate (spec 04-session, 4.6).

Events are rows as they travel: the kind's number, then its fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from avl_protocol.session.input.gate import InputGate
from avl_protocol.session.input.ledger import Dropped, InputLedger
from avl_protocol.session.input.outbox import InputOutbox
from avl_protocol.session.input.sender import InputSender
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.session.secure import SecureChannels
from avl_protocol.wire.codec import INPUT
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.registry import InputKind, PenState, Permission, TouchPhase
from spec.vectors.notation import error_of
from spec.vectors.trace import Answer, Call, Story, ms, record

Row = list[Any]

A, B, SHIFT = 0x04, 0x05, 0xE1
RELEASE_ALL: Row = [int(InputKind.RELEASE_ALL)]
HOLDING: Row = [int(InputKind.HOLDING)]


def _move(x: int, y: int = 0) -> Row:
    return [int(InputKind.MOVE), x, y]


def _button(down: bool, button: int = 1) -> Row:
    return [int(InputKind.BUTTON), button, down]


def _wheel(dy: int) -> Row:
    return [int(InputKind.WHEEL), 0, dy]


def _key(usage: int, down: bool, text: str = "") -> Row:
    return [int(InputKind.KEY), usage, down, 0, text]


def _text(text: str) -> Row:
    return [int(InputKind.TEXT), text]


def _by(dx: int, dy: int = 0) -> Row:
    return [int(InputKind.MOVE_BY), dx, dy]


def _touch(contact: int, phase: TouchPhase, x: int, y: int = 0) -> Row:
    return [int(InputKind.TOUCH), contact, int(phase), x, y]


def _pen(x: int, state: PenState, pressure: int = 0) -> Row:
    return [int(InputKind.PEN), x, 0, pressure, 0, 0, int(state)]


BEGIN, MOVES, END = TouchPhase.BEGIN, TouchPhase.MOVE, TouchPhase.END
AIR, TIP = PenState.NEAR, PenState.NEAR | PenState.TIP


def _rows(events: Iterable[Iterable[Any]]) -> list[Row]:
    return [list(event) for event in events]


def _events(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _lost(dropped: Iterable[Dropped]) -> list[dict[str, Any]]:
    return [{"sequence": one.sequence, "events": _rows(one.events), "fate": one.fate.name} for one in dropped]


# the outbox


def _add(at: float, *events: Row) -> Call:
    return at, "add", {"events": list(events)}


def _plain(at: float, do: str) -> Call:
    return at, do, {}


_OUTBOX = (
    Story(
        "of moves that follow each other only the last stays; a click between them keeps its place",
        (
            _add(0, _move(1)),
            _add(10, _move(2)),
            _add(20, _move(3), _button(True)),
            _add(30, _button(False), _move(4)),
            _add(40, _move(5)),
            _add(65, _move(6)),
            _plain(70, "take"),
            _add(80, _move(7)),
            _plain(90, "take"),
        ),
    ),
    Story(
        "movements that wait are added up within 50 ms, none is lost, and none is sent once it is 2 s old",
        (
            _add(0, _by(3, 1), _by(4, -2)),
            _add(50, _by(1)),
            _add(51, _by(10)),
            _add(60, _button(True), _by(1), _by(1)),
            _plain(70, "take"),
            _add(110, _by(5)),
            _plain(2050, "expire"),
            _plain(2052, "expire"),
            _plain(2060, "take"),
        ),
    ),
    Story(
        "of one finger's moves, and of a pen's in the air, only the newest waits; a stroke keeps all of its points",
        (
            _add(0, _touch(1, BEGIN, 10), _touch(2, BEGIN, 20)),
            _add(5, _touch(1, MOVES, 11), _touch(2, MOVES, 21)),
            _add(10, _touch(1, MOVES, 12), _touch(2, MOVES, 22), _touch(3, MOVES, 30)),
            _add(20, _touch(1, END, 12), _touch(2, MOVES, 23)),
            _add(30, _pen(1, AIR), _pen(2, AIR), _pen(3, TIP, 100), _pen(4, TIP, 200), _pen(5, AIR), _pen(6, AIR)),
            _plain(40, "hold"),
            _plain(2010, "expire"),
            _plain(2020, "take"),
            _add(2030, _touch(2, END, 23)),
            _plain(2040, "take"),
            _plain(2050, "hold"),
        ),
    ),
    Story(
        "what is made more than 50 ms after a batch began goes into the next, and a batch holds 64 events",
        (
            _add(0, _key(A, True)),
            _add(49, _key(A, False)),
            _add(51, _key(B, True)),
            _add(60, *[_wheel(n) for n in range(1, 70)]),
            _plain(61, "take"),
            _plain(62, "take"),
            _plain(63, "take"),
        ),
    ),
    Story(
        "text travels alone, at most 1024 characters at a time, whatever each takes in bytes or UTF-16",
        (
            _add(0, _text("one"), _text("two"), _key(A, True)),
            _plain(1, "take"),
            _plain(2, "take"),
            _plain(3, "take"),
            _add(10, _text("\U0001f600" * 1025)),
            _plain(11, "take"),
            _plain(12, "take"),
        ),
    ),
    Story(
        "presses, clicks, wheel and text are forgotten after 2 s, moves after 10 s, letting go and holding never",
        (
            _add(0, _key(A, True), _key(A, False), _move(1), _wheel(120)),
            _add(1000, _text("late"), _button(True)),
            _plain(1990, "expire"),
            _plain(2010, "expire"),
            _add(2500, _button(False)),
            _plain(3010, "expire"),
            _plain(9990, "expire"),
            _plain(10_010, "expire"),
            _plain(60_000, "expire"),
            _plain(60_000, "take"),
            _plain(60_000, "take"),
        ),
    ),
    Story(
        "what is held is said to be held when nothing else waits",
        (
            _plain(0, "hold"),
            _add(10, _key(A, True)),
            _plain(20, "hold"),
            _plain(30, "take"),
            _plain(230, "hold"),
            _plain(240, "hold"),
            _plain(250, "take"),
            _add(300, _key(A, False)),
            _plain(310, "take"),
            _plain(500, "hold"),
        ),
    ),
    Story(
        "what waits is forgotten at once when the host is not heard, and the host is told to let go of all",
        (
            _plain(0, "clear"),
            _add(10, _key(A, True)),
            _plain(20, "take"),
            _add(230, _text("x"), _move(1)),
            _plain(240, "clear"),
            _plain(250, "take"),
            _plain(260, "clear"),
            _add(300, _button(True)),
            _plain(310, "take"),
            _plain(510, "hold"),
            _plain(520, "clear"),
            _plain(530, "take"),
            _add(600, RELEASE_ALL),
            _plain(610, "hold"),
        ),
    ),
)


def _outbox() -> Any:
    outbox = InputOutbox()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        out: Any = None
        if do == "add":
            out = outbox.add(_events(given["events"]), now)
        elif do == "take":
            batch, made = outbox.take()
            out = {"sequence": batch.sequence, "made": ms(made), "events": _rows(batch.events)}
        elif do == "hold":
            outbox.hold(now)
        else:
            out = _lost(outbox.expire(now) if do == "expire" else outbox.clear(now))
        state = {"pending": outbox.pending, "holds": outbox.holds, "discarded": outbox.discarded}
        return {"returned": out, **state}, outbox.due()

    return call


def outboxes() -> list[Any]:
    """What waits to be sent."""
    return record(_OUTBOX, _outbox)


# the ledger


def _sent(at: float, sequence: int, *events: Row) -> Call:
    return at, "sent", {"sequence": sequence, "events": list(events)}


def _applied(at: float, sequence: int, discarded: int) -> Call:
    return at, "applied", {"sequence": sequence, "discarded": discarded}


_LEDGER = (
    Story(
        "what the host does not answer for 5 s is told once, counted from the last answer",
        (
            _sent(0, 1, _key(A, True)),
            _sent(1000, 2, _key(A, False)),
            _applied(3000, 1, 0),
            _plain(7990, "overdue"),
            _plain(8010, "overdue"),
            _plain(9000, "overdue"),
            _sent(9000, 3, _wheel(120)),
            _plain(13_990, "overdue"),
            _plain(14_010, "overdue"),
            _applied(14_100, 3, 0),
            _plain(30_000, "overdue"),
        ),
    ),
    Story(
        "of a batch of which the host discarded some, what somebody meant is thought to be gone first",
        (
            _sent(0, 1, _move(1), _key(A, True), _key(A, False), _wheel(120)),
            _sent(10, 2, _move(2), _text("x")),
            _applied(20, 1, 2),
            _applied(30, 2, 3),
            _sent(40, 3, _move(3), _button(True)),
            _sent(50, 4, _button(False), _move(4)),
            _applied(60, 4, 7),
            _applied(70, 4, 5),  # a number that falls says nothing
            _sent(80, 5, _move(5)),
            _applied(90, 5, 8),
        ),
    ),
    Story(
        "movements, fingers that come down and strokes are what somebody meant; the rest of them is not",
        (
            _sent(
                0, 1, _touch(1, MOVES, 1), _by(1), _touch(1, END, 1), _pen(1, AIR), _pen(2, TIP, 9), _touch(2, BEGIN, 1)
            ),
            _applied(10, 1, 3),
            _sent(20, 2, _touch(1, MOVES, 1), _pen(1, AIR)),
            _applied(30, 2, 4),
        ),
    ),
    Story(
        "letting go of all and holding are neither waited for nor counted",
        (
            _sent(0, 1, HOLDING),
            _sent(100, 2, RELEASE_ALL),
            _plain(6000, "overdue"),
            _sent(6000, 3, HOLDING, _key(A, True)),
            _applied(6100, 3, 2),
            _applied(6200, 9, 2),
        ),
    ),
    Story(
        "when nothing will be answered any more, all that was not is told, once",
        (
            _sent(0, 1, _key(A, True)),
            _sent(10, 2, HOLDING),
            _sent(20, 3, _move(1), _key(A, False)),
            _applied(30, 1, 0),
            _plain(40, "give_up"),
            _plain(50, "give_up"),
        ),
    ),
)


def _ledger() -> Any:
    ledger = InputLedger()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        lost: list[Dropped] = []
        if do == "sent":
            ledger.sent(Batch(given["sequence"], 0, tuple(_events(given["events"]))), now)
        elif do == "applied":
            lost = ledger.applied(given["sequence"], given["discarded"], now)
        else:
            lost = ledger.overdue(now) if do == "overdue" else ledger.give_up()
        return _lost(lost), ledger.due()

    return call


def ledgers() -> list[Any]:
    """What became of what was sent."""
    return record(_LEDGER, _ledger)


# from the outbox into records


def _send(at: float, *events: Row) -> Call:
    return at, "send", {"events": list(events)}


def _hop(at: float, *, is_open: bool = True, backlog: int = 0, writable: bool = True) -> Call:
    return at, "hop", {"open": is_open, "backlog": backlog, "writable": writable}


_SENDER = (
    Story(
        "what is made leaves at once, with its time on the host's clock",
        (
            _send(1000, _key(A, True)),
            _send(1010.5, _move(1), _move(2)),
            _applied(1030, 2, 0),
            _plain(1040, "take_dropped"),
        ),
        {"ahead": 5000},
    ),
    Story(
        "a time before the host's clock began is zero",
        (_send(1000, _move(1)), _send(3000, _move(2))),
        {"ahead": -2000},
    ),
    Story(
        "while more than 4 KiB are under way moves wait and become one; what waited leaves in order",
        (
            _hop(0, backlog=4096),
            _send(10, _move(1)),
            _hop(20, backlog=4097),
            _send(20, _move(2)),
            _send(30, _move(3)),
            _send(100, _button(True)),
            _send(110, _move(4)),
            _send(120, _move(5)),
            _plain(130, "flush"),
            _hop(140, backlog=0),
            _plain(140, "flush"),
            _plain(150, "take_dropped"),
        ),
        {"ahead": 0},
    ),
    Story(
        "a press that could not leave for 2 s is not sent late, its release is",
        (
            _hop(0, is_open=False),
            _send(10, _key(A, True), _key(A, False)),
            _plain(1000, "flush"),
            _hop(2020, is_open=True, writable=False),
            _plain(2020, "flush"),
            _plain(2030, "take_dropped"),
            _hop(2040),
            _plain(2040, "flush"),
            _plain(2050, "take_dropped"),
        ),
        {"ahead": 0},
    ),
    Story(
        "what the host discards or does not answer is told of with what was never sent, in the order it was learnt",
        (
            _send(0, _key(A, True)),
            _send(10, _text("x")),
            _applied(20, 1, 1),
            _send(30, _wheel(120)),
            _plain(5010, "overdue"),
            _plain(5030, "overdue"),
            _plain(5040, "take_dropped"),
            _hop(5050, is_open=False),
            _send(5060, _button(True)),
            _plain(5070, "give_up"),
            _plain(5080, "take_dropped"),
        ),
        {"ahead": 0},
    ),
    Story(
        "when the host is not heard what waits is dropped, and letting go of all is sent as soon as it can be",
        (
            _send(0, _button(True)),
            _hop(10, backlog=9000),
            _send(20, _text("x")),
            _plain(500, "clear"),
            _plain(510, "take_dropped"),
            _hop(900),
            _plain(900, "flush"),
            _plain(910, "take_dropped"),
        ),
        {"ahead": 0},
    ),
)


@dataclass(slots=True)
class _Hop:
    """The channels and their streams, as far as input sees them."""

    is_open_now: bool = True
    under_way: int = 0
    writable_now: bool = True
    sent: list[Batch] = field(default_factory=list)

    def is_open(self, _channel: int) -> bool:
        return self.is_open_now

    def backlog(self, _channel: int) -> int:
        return self.under_way

    def writable(self, _channel: int) -> bool:
        return self.writable_now

    def send(self, _channel: int, data: bytes) -> None:
        batch = INPUT.decode(data)
        assert isinstance(batch, Batch)
        self.sent.append(batch)


def _sender(ahead: float) -> Any:
    hop = _Hop()
    sender = InputSender(cast(SecureChannels, hop), cast(SessionPipes, hop), lambda at: at + ahead / 1000)

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        out: Any = None
        if do == "hop":
            hop.is_open_now, hop.under_way, hop.writable_now = given["open"], given["backlog"], given["writable"]
        elif do == "send":
            out = sender.send(_events(given["events"]), now)
        elif do == "applied":
            sender.applied(given["sequence"], given["discarded"], now)
        elif do == "take_dropped":
            out = _lost(sender.take_dropped())
        else:
            calls = {"flush": sender.flush, "overdue": sender.overdue, "clear": sender.clear}
            {**calls, "give_up": sender.give_up}[do](now)
        sent = [{"sequence": b.sequence, "time_us": b.time_us, "events": _rows(b.events)} for b in hop.sent]
        hop.sent.clear()
        return ({"returned": out, "sent": sent},)

    return call


def senders() -> list[Any]:
    """What leaves when; `ahead` is by how many milliseconds the host's clock is ahead."""
    return record(_SENDER, _sender)


# the host's gate

_ALL = Permission.POINTER | Permission.KEYBOARD


def _admit(at: float, sequence: int, *events: Row, made: float | None = None, may: Permission = _ALL) -> Call:
    time_us = round((at if made is None else made) * 1000)
    given = {"sequence": sequence, "time_us": time_us, "events": list(events), "permissions": int(may)}
    return at, "admit", given


_GATE = (
    Story(
        "after 400 ms of silence keys are let go of, after 2 s the rest",
        (
            _admit(0, 1, _key(SHIFT, True), _key(A, True), _button(True)),
            _admit(200, 2, HOLDING),
            _plain(601, "silent"),
            _plain(2201, "silent"),
            _plain(5000, "silent"),
        ),
    ),
    Story(
        "a key that was held on in a silence is pressed again, once its desktop would repeat it anyhow",
        (
            _admit(0, 1, _key(SHIFT, True), _key(A, True, "A")),
            _admit(200, 2, HOLDING),
            _plain(601, "silent"),
            _admit(650, 3, HOLDING, made=640),  # it is down for less than 700 ms
            _admit(1300, 4, HOLDING, made=850),  # it was made too long ago to show that
            _admit(1310, 5, HOLDING, made=1050),
            _plain(1720, "silent"),
            _admit(1800, 6, _key(A, False), made=1790),
            _admit(1900, 7, _key(SHIFT, False)),
        ),
    ),
    Story(
        "old moves, clicks, keys, wheel and text are discarded, but never the release of what is held",
        (
            _admit(10_000, 1, _key(A, True), _button(True)),
            _admit(12_100, 2, _move(1), _button(True, 2), _wheel(120), _key(B, True), _text("x"), made=10_050),
            _admit(12_150, 3, _key(B, False), _button(False, 2), made=10_050),
            _admit(20_100, 4, _move(2), _key(A, False), _button(False), made=10_080),
            _admit(20_200, 5, _key(A, False), made=10_090),
        ),
    ),
    Story(
        "what is not permitted is discarded and counted, letting go of all is always heard",
        (
            _admit(0, 1, _move(1), _key(A, True), _text("x"), may=Permission.POINTER),
            _admit(10, 2, _move(2), _wheel(120), _button(True), _key(A, True), may=Permission.KEYBOARD),
            _admit(20, 3, RELEASE_ALL, may=Permission(0)),
            _admit(30, 4, HOLDING, _move(3), may=Permission(0)),
            _admit(40, 5, _key(B, True)),
            _plain(441, "silent"),
            _admit(900, 6, HOLDING, may=Permission.POINTER),  # who lost the permission presses nothing again
            _admit(910, 7, HOLDING),
        ),
    ),
    Story(
        "a number that does not rise ends the session, one that is left out does not",
        (
            _admit(0, 1, _key(A, True)),
            _admit(10, 5, _key(A, False)),
            _admit(20, 5, _key(A, True)),
            _admit(30, 4, _key(A, True)),
            _admit(40, 6, _move(1)),
        ),
    ),
    Story("a first batch numbered zero does not rise above nothing", (_admit(0, 0, _move(1)),)),
    *[
        Story(f"{why} ends the session", (_admit(0, 1, event),))
        for why, event in (
            ("an event of no kind", []),
            ("an event of an unknown kind", [99]),
            ("an event whose kind is true", [True, 1, 1]),
            ("a move without a place", [int(InputKind.MOVE), 1]),
            ("a move to a text", [int(InputKind.MOVE), 1, "2"]),
            ("a button whose state is a number", [int(InputKind.BUTTON), 1, 1]),
            ("letting go of all of something", [*RELEASE_ALL, 1]),
            ("a movement by a fraction", [int(InputKind.MOVE_BY), 1, "0.5"]),
            ("a finger that does what is not known", [int(InputKind.TOUCH), 1, 3, 5, 5]),
            ("a finger without a place", [int(InputKind.TOUCH), 1, 0]),
            ("a pen without a state", [int(InputKind.PEN), 1, 1, 0, 0, 0]),
        )
    ],
    Story(
        "movements, fingers and a pen's stroke are too old after 2 s, but lifting what is down never is",
        (
            _admit(10_000, 1, _touch(1, BEGIN, 5), _pen(7, TIP, 500)),
            _admit(12_100, 2, _by(1), _touch(1, MOVES, 6), _touch(2, BEGIN, 9), _pen(8, TIP, 400), made=10_050),
            _admit(12_150, 3, _touch(1, END, 6), _touch(2, MOVES, 9), _touch(2, END, 9), _pen(9, AIR), made=10_050),
            _admit(12_160, 4, _pen(9, AIR), made=10_060),
            _admit(12_200, 5, _by(2, 3)),
        ),
    ),
    Story(
        "fingers need no permission but that of the pointer, come down before they move, and are ten at most",
        (
            _admit(0, 1, _touch(1, BEGIN, 5), _by(1), _pen(1, AIR), may=Permission.KEYBOARD),
            _admit(10, 2, _touch(1, MOVES, 5), _touch(1, END, 5)),
            _admit(20, 3, *[_touch(contact, BEGIN, contact) for contact in range(11)], may=Permission.POINTER),
            _admit(30, 4, _touch(3, BEGIN, 33), _touch(10, MOVES, 1)),
        ),
    ),
    Story(
        "fingers and a pen that fell silent are lifted after 2 s, where they were last",
        (
            _admit(0, 1, _touch(1, BEGIN, 5), _touch(2, BEGIN, 6), _touch(2, MOVES, 8), _pen(4, TIP, 99)),
            _admit(200, 2, HOLDING),
            _plain(2201, "silent"),
            _admit(3000, 3, _pen(4, AIR)),
            _plain(3100, "release"),
            _plain(3200, "release"),
        ),
    ),
    Story(
        "all that is held is released when the session ends: keys in the reverse order of their presses, then buttons",
        (
            _admit(0, 1, _key(SHIFT, True), _key(A, True), _button(True), _button(True, 3)),
            _plain(10, "release"),
            _plain(20, "release"),
            _admit(30, 2, _key(A, False)),  # too late to be a release, and young enough to be passed on
        ),
    ),
)


def _gate() -> Any:
    gate = InputGate()

    def call(now: float, do: str, given: dict[str, Any]) -> Answer:
        if do != "admit":
            released = gate.silent() if do == "silent" else gate.release()
            return {"events": _rows(released)}, gate.silence_deadline()
        batch = Batch(given["sequence"], given["time_us"], tuple(_events(given["events"])))
        admitted: list[tuple[list[tuple[Any, ...]], int]] = []
        may = Permission(given["permissions"])
        try:
            error = error_of(lambda: admitted.append(gate.admit(batch, may, now)))
        except AssertionError:
            ((events, discarded),) = admitted
            return {"events": _rows(events), "discarded": discarded}, gate.silence_deadline()
        return {"error": error}, gate.silence_deadline()

    return call


def gates() -> list[Any]:
    """What a host applies of a viewer's input. `time_us` and `at` are times of one clock, the host's."""
    return record(_GATE, _gate)
