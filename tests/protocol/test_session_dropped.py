"""Input that comes to nothing is told of, exactly once for each fate, and what was applied never is (4.6)."""

from __future__ import annotations

from typing import Any

import pytest

from avl_protocol.session.input.ledger import Dropped, Fate, InputLedger, acts
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_INPUT_OLD_PRESS, T_INPUT_UNCONFIRMED, T_STALE, CloseCode, InputKind
from tests.protocol.meeting import Meeting, Moved

MOVE = (int(InputKind.MOVE), 1, 2)
A_DOWN, A_UP = (int(InputKind.KEY), 4, True, 0, "a"), (int(InputKind.KEY), 4, False, 0, "")
CLICK, TEXT = (int(InputKind.BUTTON), 1, True), (int(InputKind.TEXT), "x")
HOLDING, RELEASE_ALL = (int(InputKind.HOLDING),), (int(InputKind.RELEASE_ALL),)


def without_input(from_viewer: bool, moved: Moved) -> Moved | None:
    """A relay that drops input and lets all else pass."""
    return None if from_viewer and moved.channel == 1 else moved


@pytest.mark.parametrize("event", [TEXT, A_DOWN, CLICK, MOVE])
def test_input_that_a_relay_drops_is_told_of_after_five_seconds_and_once(event: tuple[Any, ...]) -> None:
    meeting = Meeting().start()
    meeting.change = without_input
    number = meeting.viewer.send_input([event], meeting.now)
    meeting.at(T_INPUT_UNCONFIRMED - 0.01)
    assert meeting.viewer_owner.dropped == []
    meeting.at(0.02)
    told = [Dropped(number, (event,), Fate.UNCONFIRMED)]
    assert meeting.viewer_owner.dropped == told and not meeting.viewer.stale, "beacons come: nothing else says so"
    meeting.at(30)
    assert meeting.viewer_owner.dropped == told


def test_each_echo_gives_the_rest_five_seconds_more() -> None:
    ledger = InputLedger()
    for number in (1, 2, 3):
        ledger.sent(Batch(number, 0, (TEXT,)), 0.1 * number)
    assert ledger.due() == pytest.approx(0.1 + T_INPUT_UNCONFIRMED)
    assert ledger.applied(1, 0, 4.0) == []
    assert ledger.due() == 4.0 + T_INPUT_UNCONFIRMED and ledger.overdue(8.9) == []
    assert [told.sequence for told in ledger.overdue(9.0)] == [2, 3]
    assert ledger.due() is None
    ledger.sent(Batch(4, 0, (TEXT,)), 20.0)
    assert ledger.due() == 20.0 + T_INPUT_UNCONFIRMED
    assert ledger.applied(4, 1, 21.0) == [Dropped(2, (TEXT,), Fate.DISCARDED)], "and what became of it, once known"


def test_saying_that_something_is_held_or_let_go_of_is_nothing_that_can_be_lost() -> None:
    ledger = InputLedger()
    ledger.sent(Batch(1, 0, (HOLDING,)), 0.0)
    ledger.sent(Batch(2, 0, (RELEASE_ALL,)), 0.0)
    assert ledger.due() is None and ledger.give_up() == []
    assert ledger.applied(2, 7, 1.0) == [], "a host may say what it likes"


def test_what_the_host_found_too_old_is_told_of_press_by_press() -> None:
    meeting = Meeting().start()
    held: list[Moved] = []

    def delay(from_viewer: bool, moved: Moved) -> Moved | None:
        if from_viewer and moved.channel == 1:
            held.append(moved)
            return None
        return moved

    meeting.change = delay
    number = meeting.viewer.send_input([MOVE, A_DOWN, A_UP], meeting.now)
    meeting.at(T_INPUT_OLD_PRESS + 0.1)
    meeting.change = lambda from_viewer, moved: moved
    for moved in held:
        meeting.host.channel_received(meeting.host_attachment, 1, 1, moved.data, moved.end, meeting.now)
    meeting.carry()
    assert meeting.host_owner.events == [MOVE]
    [dropped] = meeting.viewer_owner.dropped
    assert (dropped.sequence, dropped.fate) == (number, Fate.DISCARDED)
    assert [event for event in dropped.events if acts(event)] == [A_DOWN]
    meeting.send_input(TEXT)
    assert len(meeting.viewer_owner.dropped) == 1


def test_a_session_that_is_over_tells_of_all_that_was_under_way() -> None:
    meeting = Meeting().start()
    meeting.change = without_input
    sent = meeting.viewer.send_input([A_DOWN], meeting.now)
    meeting.viewer_pipes.waiting = 100_000
    waits = meeting.viewer.send_input([TEXT], meeting.now)
    meeting.viewer.lost(Refused(CloseCode.SESSION_LOST), meeting.now)
    assert meeting.viewer_owner.dropped == [
        Dropped(sent, (A_DOWN,), Fate.UNCONFIRMED),
        Dropped(waits, (TEXT,), Fate.UNSENT),
    ]


def test_all_that_arrives_in_time_is_told_of_as_applied_and_nothing_else() -> None:
    meeting = Meeting().start()
    for _ in range(50):
        meeting.send_input(MOVE, A_DOWN, A_UP, TEXT)
        meeting.at(0.05)
    meeting.at(T_INPUT_UNCONFIRMED + T_STALE)
    assert meeting.viewer_owner.dropped == []
