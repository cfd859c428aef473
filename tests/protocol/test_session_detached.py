"""A session without a way: what it keeps and drops, what becomes of input, and how it ends (spec 08-paths, 8.10)."""

from __future__ import annotations

from typing import Any

import pytest

from avl_protocol.session.input.ledger import Dropped, Fate
from avl_protocol.session.input.outbox import InputOutbox
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Beacon, Clipboard, Decoder, Layout
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import (
    T_BEACON,
    T_INPUT_OLD,
    T_INPUT_OLD_PRESS,
    T_INPUT_REFRESH,
    T_INPUT_REPEAT,
    T_INPUT_SILENCE,
    T_RESUME,
    T_STALE,
    Channel,
    CloseCode,
    InputKind,
)
from tests.protocol.meeting import Meeting

MOVE = int(InputKind.MOVE)
A_DOWN, A_UP = (int(InputKind.KEY), 4, True, 0, ""), (int(InputKind.KEY), 4, False, 0, "")
CLICK, RELEASED = (int(InputKind.BUTTON), 1, True), (int(InputKind.BUTTON), 1, False)
WHEEL, TEXT = (int(InputKind.WHEEL), 0, 1), (int(InputKind.TEXT), "x")


def lost() -> Meeting:
    """A running session that has just lost its way."""
    meeting = Meeting().start()
    meeting.at(0.5)
    meeting.host_owner.messages.clear()
    meeting.viewer_owner.messages.clear()
    meeting.lose(meeting.paths[0])
    assert meeting.viewer.detached and meeting.host.detached
    assert meeting.viewer_owner.ended is None and meeting.host_owner.ended is None
    return meeting


def back(meeting: Meeting) -> None:
    """Another way is there."""
    meeting.move(meeting.another_path())
    assert not meeting.viewer.detached and not meeting.host.detached


# -- what is kept and what is not --------------------------------------------------------------------------------------


def test_what_a_viewer_says_meanwhile_arrives_when_there_is_a_way() -> None:
    meeting = lost()
    meeting.viewer.send(Decoder((7,)))
    meeting.viewer.send(Clipboard(3, "text"))
    meeting.at(60)
    back(meeting)
    assert [m for m in meeting.host_owner.messages if isinstance(m, Decoder)] == [Decoder((7,))]
    assert [m for m in meeting.host_owner.messages if isinstance(m, Clipboard)] == [Clipboard(3, "text")]


def test_the_host_is_told_of_each_channel_that_has_a_way_for_the_first_time_and_again() -> None:
    meeting = lost()
    assert meeting.host_owner.opened == [Channel.INPUT, Channel.BULK, Channel.SOUND]
    assert not meeting.host.send(Clipboard(1, "text"))
    back(meeting)
    assert meeting.host_owner.opened == [Channel.INPUT, Channel.BULK, Channel.SOUND] * 2
    assert meeting.host.send(Clipboard(2, "text"))


def test_what_a_host_says_into_the_void_is_dropped_and_it_is_told_that_the_viewer_is_back() -> None:
    meeting = lost()
    assert meeting.host_owner.detached == 1
    for serial in range(1000):
        meeting.host.send(Layout(serial, 1, (), ()))
        meeting.host.send(Clipboard(serial, "x" * 10_000))
    assert meeting.host_owner.ended is None
    back(meeting)
    assert meeting.viewer_owner.messages == [] and meeting.host_owner.moved == 1
    meeting.host.send(Layout(1, 1, (), ()))
    meeting.carry()
    assert meeting.viewer_owner.messages == [Layout(1, 1, (), ())]


def test_nothing_is_sent_on_a_way_that_is_gone() -> None:
    meeting = lost()
    sent = len(meeting.viewer_pipes.sent), len(meeting.host_pipes.sent)
    meeting.viewer.send(Decoder((7,)))
    meeting.host.send(Layout(1, 1, (), ()))
    meeting.at(20)
    assert (len(meeting.viewer_pipes.sent), len(meeting.host_pipes.sent)) == sent


def test_beacons_cease_and_come_back_at_once_with_the_viewer() -> None:
    meeting = lost()
    meeting.at(T_STALE)
    assert meeting.viewer.stale
    back(meeting)
    assert not meeting.viewer.stale and not meeting.viewer_owner.stale
    beacons = len(meeting.paths[1].host_pipes.sent)
    meeting.at(T_BEACON)
    assert len(meeting.paths[1].host_pipes.sent) > beacons
    assert Beacon not in {type(message) for message in meeting.viewer_owner.messages}


# -- how it ends -------------------------------------------------------------------------------------------------------


def test_a_host_gives_a_session_up_after_ten_minutes_without_a_way() -> None:
    meeting = lost()
    meeting.at(T_RESUME - 0.1)
    assert meeting.host_owner.ended is None
    meeting.at(0.2)
    assert meeting.host_owner.ended is CloseCode.SESSION_LOST and meeting.host.next_timeout() is None


def test_ten_minutes_begin_anew_with_each_loss() -> None:
    meeting = lost()
    meeting.at(T_RESUME - 1)
    back(meeting)
    meeting.at(T_RESUME)
    assert meeting.host_owner.ended is None
    meeting.lose(meeting.paths[1])
    meeting.at(T_RESUME - 1)
    assert meeting.host_owner.ended is None
    back(meeting)


def test_a_host_that_keeps_nothing_ends_with_the_way() -> None:
    meeting = Meeting()
    meeting.host._keep = 0.0
    meeting.start()
    meeting.lose(meeting.paths[0], viewer=False)
    assert meeting.host_owner.ended is CloseCode.SESSION_LOST


def test_a_host_that_has_ended_the_session_takes_no_move() -> None:
    meeting = lost()
    meeting.host.end(CloseCode.EVICTED, meeting.now)
    events = list(meeting.host_owner.events)
    meeting.move(meeting.another_path())
    meeting.at(T_STALE + 1)
    assert meeting.viewer.detached and meeting.host_owner.events == events and meeting.host_owner.moved == 0
    assert meeting.viewer_owner.ended is None and meeting.viewer.stale, "the relay says that nobody knows the session"


def test_a_session_may_be_ended_while_it_is_nowhere() -> None:
    meeting = lost()
    meeting.viewer.end(meeting.now)
    assert meeting.reason is CloseCode.ENDED and meeting.viewer.state is ViewerState.ENDED
    meeting.host.end(CloseCode.ENDED, meeting.now)
    assert meeting.host_owner.ended is CloseCode.ENDED


def test_before_admission_the_loss_of_the_way_is_the_end() -> None:
    meeting = Meeting(asks=True).start()
    meeting.lose(meeting.paths[0])
    assert meeting.reason is CloseCode.TIMEOUT and meeting.host_owner.ended is CloseCode.SESSION_LOST


# -- input -------------------------------------------------------------------------------------------------------------


def test_input_made_a_moment_before_the_way_is_back_arrives_in_order() -> None:
    meeting = lost()
    meeting.at(0.2)
    numbers = [meeting.viewer.send_input([event], meeting.now) for event in (A_DOWN, A_UP, TEXT, (MOVE, 3, 4))]
    meeting.at(1.0)
    back(meeting)
    assert meeting.host_owner.events == [A_DOWN, A_UP, TEXT, (MOVE, 3, 4)]
    assert meeting.viewer_owner.echoes[-1] == numbers[-1] and meeting.viewer_owner.dropped == []


@pytest.mark.parametrize("event", [A_DOWN, CLICK, WHEEL, TEXT])
def test_a_press_that_could_not_be_sent_for_two_seconds_is_forgotten_and_told_by_number(event: tuple[Any, ...]) -> None:
    meeting = lost()
    number = meeting.viewer.send_input([event], meeting.now)
    meeting.at(T_INPUT_OLD_PRESS - 0.01)
    assert meeting.viewer_owner.dropped == []
    meeting.at(0.02)
    assert meeting.viewer_owner.dropped == [Dropped(number, (event,), Fate.UNSENT)], (
        "two seconds, and not whenever something else happens"
    )
    back(meeting)
    assert event not in meeting.host_owner.events


def test_a_release_is_never_too_old() -> None:
    meeting = Meeting().start()
    meeting.send_input(A_DOWN)
    meeting.lose(meeting.paths[0])
    meeting.viewer.send_input([A_UP], meeting.now)
    meeting.at(T_INPUT_OLD_PRESS + 0.5)
    assert meeting.viewer_owner.dropped == []
    back(meeting)
    assert meeting.host_owner.events[-1] == A_UP


def test_moves_wait_longer_and_only_the_last_of_them() -> None:
    outbox = InputOutbox()
    for step in range(100):
        outbox.add([(MOVE, step, step)], 0.001 * step)
    outbox.add([CLICK], 0.1)
    assert outbox.expire(T_INPUT_OLD_PRESS + 0.2) == [Dropped(1, (CLICK,), Fate.UNSENT)]
    assert outbox.expire(T_INPUT_OLD - 0.01) == []
    batch, _ = outbox.take()
    assert batch.events == ((MOVE, 99, 99),) and not outbox.pending
    outbox.add([(MOVE, 1, 1)], 0.0)
    assert outbox.expire(T_INPUT_OLD + 0.01) == [Dropped(2, ((MOVE, 1, 1),), Fate.UNSENT)]
    assert not outbox.pending and outbox.discarded == 2


def test_what_waits_is_forgotten_when_the_host_is_not_heard() -> None:
    meeting = lost()
    meeting.at(2.0)
    number = meeting.viewer.send_input([(MOVE, 1, 1)], meeting.now)
    meeting.at(T_STALE)
    assert Dropped(number, ((MOVE, 1, 1),), Fate.UNSENT) in meeting.viewer_owner.dropped
    with pytest.raises(Refused) as caught:
        meeting.viewer.send_input([CLICK], meeting.now)
    assert caught.value.code is CloseCode.SESSION_LOST
    back(meeting)
    assert meeting.host_owner.events == []


def test_saying_that_a_key_is_held_is_nothing_that_can_be_lost() -> None:
    meeting = Meeting().start()
    meeting.send_input(A_DOWN)
    meeting.lose(meeting.paths[0])
    meeting.at(T_STALE + 0.1)
    assert meeting.viewer.stale and meeting.viewer_owner.dropped == []


def test_newer_input_does_not_put_off_what_is_too_old() -> None:
    meeting = lost()
    first = meeting.viewer.send_input([CLICK], meeting.now)
    meeting.at(1.5)
    second = meeting.viewer.send_input([TEXT], meeting.now)
    meeting.at(0.51)
    assert meeting.viewer_owner.dropped == [Dropped(first, (CLICK,), Fate.UNSENT)]
    back(meeting)
    assert meeting.host_owner.events == [TEXT] and meeting.viewer_owner.echoes == [second]


def test_what_is_held_stays_held_across_a_quick_move_and_not_across_two_seconds() -> None:
    meeting = Meeting().start()
    meeting.send_input(A_DOWN, CLICK)
    meeting.lose(meeting.paths[0])
    meeting.at(T_INPUT_REPEAT - T_INPUT_REFRESH)
    back(meeting)
    meeting.at(10)
    events = [A_DOWN, CLICK]
    assert meeting.host_owner.events == events, "the viewer has gone on saying that it holds them"
    meeting.lose(meeting.paths[1])
    meeting.at(T_INPUT_SILENCE - 0.6)
    back(meeting)
    meeting.at(10)
    events += [A_UP, A_DOWN]
    assert meeting.host_owner.events == events, "a key is not repeated while nobody knows, a button is no key"
    meeting.lose(meeting.paths[2])
    meeting.at(T_INPUT_SILENCE - 0.6)
    events.append(A_UP)
    assert meeting.host_owner.events == events
    meeting.at(0.7)
    events.append(RELEASED)
    assert meeting.host_owner.events == events
    back(meeting)
    meeting.at(10)
    assert meeting.host_owner.events == events


def test_a_press_on_its_way_whose_release_the_viewer_has_forgotten_is_let_go_of() -> None:
    meeting = Meeting().start()
    meeting.at(0.5)
    meeting.change = lambda from_viewer, moved: None
    meeting.at(T_STALE - T_BEACON)
    meeting.viewer.send_input([A_DOWN], meeting.now)
    meeting.viewer_pipes.waiting = 100_000
    released = meeting.viewer.send_input([A_UP], meeting.now)
    meeting.at(T_BEACON)
    assert meeting.viewer.stale and meeting.viewer_owner.dropped == [Dropped(released, (A_UP,), Fate.UNSENT)]
    meeting.lose(meeting.paths[0])
    meeting.change = lambda from_viewer, moved: moved
    meeting.viewer_pipes.waiting = 0
    back(meeting)
    assert meeting.host_owner.events == [A_DOWN, A_UP]
