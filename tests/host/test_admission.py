"""The codes that let viewers in, over restarts."""

from __future__ import annotations

from pathlib import Path

from avl_host.config import EVERYTHING, HostSettings
from avl_host.rights.door import GrantDoor
from avl_host.sessions.admission import CodeAdmission
from avl_host.sessions.tickets import TicketBook
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.effective import OWNER
from avl_protocol.session.hosting import Returned
from avl_protocol.wire.registry import T_RESUME, Permission
from avl_protocol.wire.target import RelayAddress
from tests.protocol.handshakes import WALL, Seeded

FRIEND, STRANGER = b"f" * 32, b"s" * 32


def book(folder: Path) -> TicketBook:
    return TicketBook(StateFolder(folder), T_RESUME, Seeded("tickets"), lambda: float(WALL))


def admission(
    folder: Path, replaced: list[str] | None = None, tickets: TicketBook | None = None, **settings: object
) -> CodeAdmission:
    chosen = HostSettings(relays=(RelayAddress("h", 1),), state=folder, source="pattern", **settings)  # type: ignore[arg-type]
    told = replaced if replaced is not None else []
    known = tickets or book(folder)
    return CodeAdmission(
        settings=chosen,
        state=StateFolder(folder),
        tickets=known,
        door=door_of(StateFolder(folder), known),
        entropy=Seeded("door"),
        replaced=told.append,
    )


def door_of(state: StateFolder, tickets: TicketBook) -> GrantDoor:
    return GrantDoor(
        state=state,
        identity=Identity(bytes(32)),
        tickets=tickets,
        allows=OWNER,
        asks=False,
        wall=lambda: 0.0,
        tell=lambda _text: None,
    )


def fail(opened: CodeAdmission, viewer: bytes, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        opened.failed(opened.begin(viewer, now))


def test_each_code_admits_to_its_own(tmp_path: Path) -> None:
    opened = admission(tmp_path, code="CODE-1234", view_code="VIEW-1234")
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 0) == EVERYTHING
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 1) == Permission.VIEW


def test_the_view_code_admits_to_drawing_only_where_that_is_wanted(tmp_path: Path) -> None:
    opened = admission(tmp_path, code="CODE-1234", view_code="VIEW-1234", view_annotate=True)
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 0) == EVERYTHING
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 1) == Permission.VIEW | Permission.ANNOTATE


def test_a_printed_code_is_random_and_replaced_after_three_wrong_tries(tmp_path: Path) -> None:
    replaced: list[str] = []
    opened = admission(tmp_path, replaced)
    first = opened.codes[0]
    assert first is not None and len(first) == 8
    fail(opened, STRANGER, 2)
    assert replaced == []
    fail(opened, STRANGER, 1)
    assert replaced == ["somebody tried three wrong codes in a row"]
    assert opened.codes[0] != first
    fail(opened, STRANGER, 3)
    assert replaced[-1].endswith(", 2 times so far")


def test_a_fixed_code_stays_and_answers_ten_tries_an_hour(tmp_path: Path) -> None:
    replaced: list[str] = []
    opened = admission(tmp_path, replaced, code="CODE-1234")
    fail(opened, STRANGER, 10)
    assert opened.codes[0] == "C0DE1234" and replaced == []
    exhausted = opened.begin(STRANGER, 3599.0)
    assert exhausted.codes == (None, None)
    opened.failed(exhausted)
    assert opened.begin(STRANGER, 3600.0).codes[0] == "C0DE1234"


def test_who_succeeded_before_is_not_locked_out_by_strangers_even_after_a_restart(tmp_path: Path) -> None:
    opened = admission(tmp_path, code="CODE-1234")
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 0) is not None
    again = admission(tmp_path, code="CODE-1234")
    fail(again, STRANGER, 10)
    assert again.begin(STRANGER, 1.0).codes[0] is None
    assert again.begin(FRIEND, 1.0).codes[0] == "C0DE1234"


def test_who_has_only_viewed_is_a_stranger_to_the_control_code_even_after_a_restart(tmp_path: Path) -> None:
    opened = admission(tmp_path, code="CODE-1234", view_code="VIEW-1234")
    assert opened.confirmed(opened.begin(FRIEND, 0.0), 1) == Permission.VIEW
    for again in (opened, admission(tmp_path, code="CODE-1234", view_code="VIEW-1234")):
        fail(again, STRANGER, 10)
        assert again.begin(FRIEND, 1.0).codes == (None, "V1EW1234")


def test_a_damaged_memory_of_friends_is_no_reason_not_to_start(tmp_path: Path) -> None:
    StateFolder(tmp_path).write("known-control.bin", b"x" * 45)
    assert admission(tmp_path, code="CODE-1234").codes[0] == "C0DE1234"


def test_a_one_use_code_is_gone_and_that_is_told(tmp_path: Path) -> None:
    replaced: list[str] = []
    opened = admission(tmp_path, replaced, code="CODE-1234", code_once=True)
    first, second = opened.begin(FRIEND, 0.0), opened.begin(STRANGER, 0.0)
    assert opened.confirmed(first, 0) == EVERYTHING
    assert replaced == ["it was used, and is good for one use"] and opened.codes == (None, None)
    assert opened.confirmed(second, 0) is None


def test_a_ticket_admits_its_viewer_and_costs_no_try(tmp_path: Path) -> None:
    tickets = book(tmp_path)
    opened = admission(tmp_path, tickets=tickets, code="CODE-1234")
    ticket = tickets.issue(FRIEND, b"s" * 16, Permission.VIEW)
    assert ticket is not None
    fail(opened, STRANGER, 10)
    assert opened.redeem(ticket, FRIEND) == Returned(Permission.VIEW)
    assert opened.redeem(ticket, FRIEND) is None
