"""Input: applied in order, never when it is old, never left pressed, exact however long it is."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.session.hosting import HostState, Input
from avl_protocol.session.input.gate import InputGate
from avl_protocol.session.input.outbox import InputOutbox
from avl_protocol.wire.codec import INPUT
from avl_protocol.wire.endtoend import Batch
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import (
    T_ECHO,
    T_INPUT_OLD,
    T_INPUT_OLD_PRESS,
    T_INPUT_REFRESH,
    T_INPUT_REPEAT,
    T_INPUT_SILENCE,
    Channel,
    CloseCode,
    InputKind,
    Permission,
)
from tests.protocol.meeting import EVERYTHING, Meeting, Moved
from tests.protocol.messages import values

MOVE, BUTTON, WHEEL, KEY, TEXT = (
    int(k) for k in (InputKind.MOVE, InputKind.BUTTON, InputKind.WHEEL, InputKind.KEY, InputKind.TEXT)
)
A_DOWN, A_UP = (KEY, 4, True, 0, "a"), (KEY, 4, False, 0, "")
SHIFT_DOWN, SHIFT_UP = (KEY, 0xE1, True, 0, ""), (KEY, 0xE1, False, 0, "")
HOLDING = (int(InputKind.HOLDING),)
LEFT_DOWN, LEFT_UP = (BUTTON, 1, True), (BUTTON, 1, False)


def test_input_is_applied_in_order_and_echoed() -> None:
    meeting = Meeting().start()
    sequence = meeting.send_input((MOVE, 1, 2), LEFT_DOWN, LEFT_UP, A_DOWN, A_UP, (WHEEL, 0, -120), (TEXT, "äß"))
    assert meeting.host_owner.events == [
        (MOVE, 1, 2),
        LEFT_DOWN,
        LEFT_UP,
        A_DOWN,
        A_UP,
        (WHEEL, 0, -120),
        (TEXT, "äß"),
    ]
    assert meeting.viewer_owner.echoes[-1] >= sequence


def test_the_answer_to_input_waits_for_the_picture_but_not_for_the_end() -> None:
    meeting = Meeting().start()
    sent = meeting.paths[0].host_pipes.out
    meeting.host.applied(Input((), 8), meeting.now)
    meeting.host.applied(Input((), 9), meeting.now)
    assert not sent and meeting.host.next_timeout() == meeting.now + T_ECHO
    meeting.host.handle_timer(meeting.now + T_ECHO)
    assert sent
    meeting.host.applied(Input((), 10), meeting.now)
    meeting.host.end(CloseCode.ENDED, meeting.now)
    meeting.carry()
    assert meeting.viewer_owner.echoes == [8, 9, 10]


def test_held_keys_are_released_when_the_viewer_falls_silent_and_not_before() -> None:
    meeting = Meeting().start()
    meeting.send_input(SHIFT_DOWN, A_DOWN, LEFT_DOWN)
    meeting.at(30)  # the viewer keeps saying that it holds them
    held = [SHIFT_DOWN, A_DOWN, LEFT_DOWN]
    assert meeting.host_owner.events == held
    meeting.at(T_INPUT_REPEAT - T_INPUT_REFRESH - 0.01, deaf="viewer")
    assert meeting.host_owner.events == held
    meeting.at(T_INPUT_REFRESH + 0.02, deaf="viewer")
    assert meeting.host_owner.events == [*held, A_UP], "it would be repeated"
    meeting.at(T_INPUT_SILENCE - T_INPUT_REPEAT - T_INPUT_REFRESH - 0.02, deaf="viewer")
    assert meeting.host_owner.events == [*held, A_UP]
    meeting.at(T_INPUT_REFRESH + 0.02, deaf="viewer")
    assert meeting.host_owner.events == [*held, A_UP, SHIFT_UP, LEFT_UP]


def gate_that_let_go() -> InputGate:
    """One that has heard of a key at 0 s, and nothing for 400 ms."""
    gate = InputGate()
    assert gate.admit(Batch(1, 0, (A_DOWN,)), EVERYTHING, 0.0) == ([A_DOWN], 0)
    assert gate.silence_deadline() == T_INPUT_REPEAT
    assert gate.silent() == [A_UP]
    assert gate.silence_deadline() == T_INPUT_SILENCE
    return gate


def test_a_key_whose_release_was_late_is_typed_once_however_often_its_viewer_said_that_it_holds_it() -> None:
    gate = gate_that_let_go()
    assert gate.admit(Batch(2, 200_000, (HOLDING,)), EVERYTHING, 0.5) == ([], 0)
    assert gate.admit(Batch(3, 400_000, (HOLDING,)), EVERYTHING, 0.5) == ([], 0)
    assert gate.admit(Batch(4, 450_000, (A_UP,)), EVERYTHING, 0.5) == ([A_UP], 0)
    assert gate.admit(Batch(5, 900_000, (HOLDING,)), EVERYTHING, 0.9) == ([], 0)
    assert gate.silence_deadline() is None


def test_a_key_that_is_held_on_is_pressed_again_once_it_would_be_repeated_anyway() -> None:
    gate = gate_that_let_go()
    assert gate.admit(Batch(2, 800_000, (HOLDING,)), EVERYTHING, 1.3) == ([], 0), "who knows what came after"
    assert gate.admit(Batch(3, 1_100_000, (HOLDING,)), Permission.POINTER, 1.3) == ([], 0)
    assert gate.admit(Batch(4, 1_200_000, (HOLDING,)), EVERYTHING, 1.3) == ([A_DOWN], 0)
    assert gate.admit(Batch(5, 1_400_000, (HOLDING,)), EVERYTHING, 1.4) == ([], 0)
    assert gate.silent() == [A_UP]
    assert gate.silent() == [], "2 s of silence: forgotten"
    assert gate.admit(Batch(6, 5_000_000, (HOLDING,)), EVERYTHING, 5.0) == ([], 0)


def test_who_has_not_control_is_discarded_counted_and_holds_nothing() -> None:
    meeting = Meeting().start()
    meeting.send_input(SHIFT_DOWN, LEFT_DOWN)
    assert meeting.host.holding
    del meeting.host_owner.events[:]
    meeting.host.withhold(Permission.POINTER | Permission.KEYBOARD)
    meeting.carry()
    assert meeting.host_owner.events == [SHIFT_UP, LEFT_UP] and not meeting.host.holding
    del meeting.host_owner.events[:]
    meeting.send_input((MOVE, 1, 2), A_DOWN, A_UP, LEFT_UP)
    meeting.at(60)
    assert meeting.host_owner.events == [] and meeting.host.discarded == 4
    meeting.host.withhold(Permission(0))
    meeting.send_input(A_DOWN, A_UP)
    assert meeting.host_owner.events == [A_DOWN, A_UP] and meeting.host.discarded == 4


@pytest.mark.parametrize("how", ["lost", "end", "reset 0", "reset 1", "tampered", "leave", "release all"])
def test_nothing_stays_held_however_it_ends(how: str) -> None:
    meeting = Meeting().start()
    meeting.send_input(A_DOWN, (MOVE, 5, 5), LEFT_DOWN, (MOVE, 9, 9))
    del meeting.host_owner.events[:]
    if how == "lost":
        meeting.host.attachment_lost(meeting.host_attachment, meeting.now)
        assert meeting.host_owner.events == [], "it may be back at once, by another way"
        meeting.at(T_INPUT_SILENCE, deaf="viewer")
    elif how == "end":
        meeting.host.end(CloseCode.EVICTED, meeting.now)
    elif how == "reset 0":
        meeting.host.channel_reset(meeting.host_attachment, 0, 0, CloseCode.ENDED, meeting.now)
    elif how == "reset 1":
        meeting.host.channel_reset(meeting.host_attachment, 1, 1, CloseCode.NO_ERROR, meeting.now)
        assert meeting.host.state is HostState.ADMITTED
        meeting.at(T_INPUT_SILENCE, deaf="viewer")
    elif how == "tampered":
        meeting.host.channel_received(
            meeting.host_attachment, 1, 1, (40).to_bytes(2, "big") + bytes(40), False, meeting.now
        )
    elif how == "leave":
        meeting.viewer.end(meeting.now)
        meeting.carry()
    else:
        meeting.send_input((int(InputKind.RELEASE_ALL),))
    assert set(meeting.host_owner.events) == {A_UP, LEFT_UP}
    meeting.at(10, deaf="viewer")
    assert len(meeting.host_owner.events) == 2


def late(meeting: Meeting, seconds: float, *events: tuple[Any, ...]) -> None:
    """Input that spent `seconds` on its way."""
    held: list[Moved] = []

    def change(from_viewer: bool, moved: Moved) -> Moved | None:
        if from_viewer and moved.channel == 1:
            held.append(moved)
            return None
        return moved

    meeting.change = change
    meeting.send_input(*events)
    meeting.at(seconds)
    meeting.change = lambda from_viewer, moved: moved
    for moved in held:
        meeting.host.channel_received(meeting.host_attachment, 1, 1, moved.data, moved.end, meeting.now)
    meeting.carry()


def test_old_presses_are_discarded_and_old_moves_later() -> None:
    meeting = Meeting().start()
    events = ((MOVE, 1, 2), LEFT_DOWN, LEFT_UP, A_DOWN, A_UP, (TEXT, "rm -rf"), (WHEEL, 0, 120))
    late(meeting, T_INPUT_OLD_PRESS - 0.2, *events)
    assert meeting.host_owner.events == list(events)
    meeting = Meeting().start()
    late(meeting, T_INPUT_OLD_PRESS + 0.2, *events)
    assert meeting.host_owner.events == [(MOVE, 1, 2)]
    assert meeting.host.discarded == 6
    meeting = Meeting().start()
    late(meeting, T_INPUT_OLD + 0.2, *events)
    assert meeting.host_owner.events == []
    assert meeting.host.discarded == 7


def test_the_release_of_something_held_is_never_too_old() -> None:
    meeting = Meeting().start()
    gate = InputGate()
    gate.admit(Batch(1, 0, (A_DOWN, LEFT_DOWN)), EVERYTHING, 0.0)
    events, discarded = gate.admit(Batch(2, 0, (A_UP, LEFT_UP, (KEY, 5, False, 0, ""))), EVERYTHING, 60.0)
    assert events == [A_UP, LEFT_UP] and discarded == 1
    assert meeting.host.discarded == 0


@pytest.mark.parametrize(
    ("permissions", "kept"),
    [
        (Permission.POINTER, [(MOVE, 1, 2), LEFT_DOWN, (WHEEL, 0, 1)]),
        (Permission.KEYBOARD, [A_DOWN, (TEXT, "x")]),
        (Permission.VIEW, []),
    ],
)
def test_input_needs_its_own_permission(permissions: Permission, kept: list[tuple[Any, ...]]) -> None:
    events = ((MOVE, 1, 2), LEFT_DOWN, (WHEEL, 0, 1), A_DOWN, (TEXT, "x"))
    admitted, discarded = InputGate().admit(Batch(1, 0, events), permissions, 0.0)
    assert admitted == kept
    assert discarded == 5 - len(kept)


@pytest.mark.parametrize(
    "event",
    [
        (),
        (0,),
        (99,),
        ("1", 2, 3),
        (True, 1, 2),
        (MOVE, 1),
        (MOVE, 1, 2, 3),
        (MOVE, "1", 2),
        (MOVE, True, 2),
        (BUTTON, 1, 1),
        (KEY, 1, True, 0),
        (KEY, 1, True, 0, b""),
        (TEXT, b"x"),
        (TEXT, None),
        (TEXT, "x" * 20_000),
        (int(InputKind.RELEASE_ALL), 1),
    ],
)
def test_malformed_events_end_the_session(event: tuple[Any, ...]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        InputGate().admit(Batch(1, 0, (event,)), EVERYTHING, 0.0)
    assert caught.value.code is CloseCode.SESSION_PROTOCOL


@given(st.lists(values("any[]"), max_size=5), st.integers(), st.floats(0, 1e9))
def test_whatever_a_batch_holds_is_applied_or_the_peers_error(
    events: list[tuple[Any, ...]], time_us: int, now: float
) -> None:
    gate = InputGate()
    try:
        gate.admit(Batch(1, time_us, tuple(events)), EVERYTHING, now)
        gate.release()
    except RemoteProtocolError as error:
        assert error.code is CloseCode.SESSION_PROTOCOL


def test_input_out_of_order_ends_the_session() -> None:
    meeting = Meeting().start()
    meeting.send_input((MOVE, 1, 2))
    assert meeting.viewer._secure is not None
    meeting.viewer._secure.send(Channel.INPUT, INPUT.encode(Batch(1, 0, ((MOVE, 3, 4),))))
    meeting.carry()
    assert meeting.host_owner.ended is CloseCode.SESSION_PROTOCOL
    assert meeting.host_owner.events == [(MOVE, 1, 2)]


# -- on its way out ----------------------------------------------------------------------------------------------------


def test_moves_coalesce_while_the_hop_is_backed_up_and_nothing_else_does() -> None:
    meeting = Meeting().start()
    meeting.viewer_pipes.waiting = 100_000
    for at in range(50):
        meeting.viewer.send_input([(MOVE, at, at)], meeting.now)
    meeting.viewer.send_input([LEFT_DOWN, LEFT_UP], meeting.now)
    for at in range(50):
        last = meeting.viewer.send_input([(MOVE, at, -at)], meeting.now)
    assert not meeting.viewer_pipes.out
    meeting.viewer_pipes.waiting = 0
    meeting.send_input((TEXT, "go"))
    assert meeting.host_owner.events == [(MOVE, 49, 49), LEFT_DOWN, LEFT_UP, (MOVE, 49, -49), (TEXT, "go")]
    assert meeting.viewer_owner.echoes[-1] >= last


@settings(max_examples=30)
@given(st.text(max_size=6000), st.text(max_size=50))
def test_typed_text_of_any_length_arrives_exactly(text: str, more: str) -> None:
    outbox = InputOutbox()
    promised = [outbox.add([(TEXT, text)], 5.0), outbox.add([A_DOWN, A_UP, (TEXT, more)], 5.0)]
    batches = []
    while outbox.pending:
        batches.append(outbox.take()[0])
    assert [batch.sequence for batch in batches] == list(range(1, len(batches) + 1))
    assert promised[-1] == batches[-1].sequence
    typed = "".join(event[1] for batch in batches for event in batch.events if event[0] == TEXT)
    assert typed == text + more
    assert all(len(INPUT.encode(batch)) < 16_000 for batch in batches)
    assert not outbox.pending and not outbox.holds


def test_a_very_long_text_arrives_whole_although_much_of_it_waits() -> None:
    meeting = Meeting().start()
    text = "".join(random.Random(2).choices("abc äö€", k=2_000_000))
    last = meeting.viewer.send_input([(TEXT, text)], meeting.now)
    assert not meeting.viewer_pipes.waiting and meeting.viewer.input_waits
    meeting.carry()
    assert meeting.viewer_owner.echoes[-1] == last
    assert "".join(event[1] for event in meeting.host_owner.events) == text
