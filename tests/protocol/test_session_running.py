"""The running session: tampering, ends, silence, back-pressure and stale hosts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.session.hosting import HostState
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.endtoend import Clipboard, ClockPing, Cursor, End, MediaKeys, NeedKeys
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import (
    MAX_CLIPBOARD_TEXT,
    T_BEACON,
    T_RESUME,
    T_STALE,
    CloseCode,
    InputKind,
)
from tests.protocol.meeting import Meeting, Moved

MOVE = int(InputKind.MOVE)


# -- tampering and ends ------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from([0, 1, 2]), st.booleans(), st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_of_a_record_ends_the_session_as_tampered(
    channel: int, from_viewer: bool, place: int, bits: int
) -> None:
    meeting = Meeting().start()
    done: list[int] = []

    def change(came_from_viewer: bool, moved: Moved) -> Moved | None:
        if came_from_viewer is from_viewer and moved.channel == channel and len(moved.data) > 2 and not done:
            at = 2 + place % (len(moved.data) - 2)  # behind the length, which decides what a record is
            done.append(at)
            return Moved(stream=channel, data=moved.data[:at] + bytes((moved.data[at] ^ bits,)) + moved.data[at + 1 :])
        return moved

    meeting.change = change
    meeting.send_input((MOVE, 1, 2))
    meeting.viewer.send(Clipboard(1, "text"))
    meeting.host.send(Clipboard(1, "text"))
    meeting.carry()
    meeting.at(T_BEACON * 2.5)
    if channel == 0 and from_viewer:
        meeting.viewer.send(NeedKeys(1, 2))
        meeting.carry()
    assert done
    codes = {meeting.reason, meeting.host_owner.ended}
    assert CloseCode.TAMPERED in codes
    assert None not in codes


def test_a_record_that_was_left_out_is_noticed_by_the_next() -> None:
    meeting = Meeting().start()
    drop = [True]
    meeting.change = lambda from_viewer, moved: None if from_viewer and moved.data and drop and drop.pop() else moved
    meeting.send_input((MOVE, 1, 2))
    meeting.send_input((MOVE, 3, 4))
    assert meeting.host_owner.ended is CloseCode.TAMPERED
    assert meeting.host_owner.events == []


def test_a_record_that_came_twice_is_noticed() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: (
        Moved(stream=moved.channel, data=moved.data * 2) if from_viewer else moved
    )
    meeting.send_input((MOVE, 1, 2))
    assert meeting.host_owner.ended is CloseCode.TAMPERED
    assert meeting.host_owner.events in ([], [(MOVE, 1, 2)])


def test_the_end_of_channel_0_without_a_word_is_a_loss() -> None:
    meeting = Meeting().start()
    meeting.viewer.channel_received(meeting.viewer_attachment, 0, 0, b"", True, meeting.now)
    assert meeting.reason is None and meeting.viewer.detached and meeting.viewer_owner.adrift == 1
    meeting.host.channel_received(meeting.host_attachment, 0, 0, b"", True, meeting.now)
    assert meeting.host_owner.ended is None and meeting.host.detached
    meeting.at(T_RESUME, deaf="viewer")
    assert meeting.host_owner.ended is CloseCode.SESSION_LOST


def test_a_record_cut_short_is_a_loss_not_an_end() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: (
        Moved(stream=moved.channel, data=moved.data[:-1]) if moved.data else moved
    )
    meeting.host.end(CloseCode.DISPLAY_LOST, meeting.now)
    meeting.carry()
    assert meeting.reason in (CloseCode.SESSION_LOST, CloseCode.TAMPERED)


@pytest.mark.parametrize("code", [CloseCode.ENDED, CloseCode.DISPLAY_LOST, CloseCode.EVICTED])
def test_a_host_that_ends_says_why(code: CloseCode) -> None:
    meeting = Meeting().start()
    meeting.host.end(code, meeting.now)
    meeting.carry()
    assert meeting.reason is code
    assert meeting.host_owner.ended is code
    meeting.host.end(CloseCode.INTERNAL, meeting.now)
    meeting.at(60)
    assert not meeting.host_pipes.out


@pytest.mark.parametrize("code", [0, 63, 4711, 1 << 40])
def test_an_end_with_a_code_that_nobody_knows_is_no_success(code: int) -> None:
    meeting = Meeting().start()
    assert meeting.host._secure is not None
    meeting.host._secure.send(0, CONTROL.encode(End(code)))
    meeting.carry()
    assert meeting.viewer_owner.ended is not None
    assert meeting.viewer_owner.ended.exit_status > 0
    assert meeting.reason is (CloseCode.NO_ERROR if code == 0 else CloseCode.EVICTED)


def test_a_viewer_that_leaves_is_told_apart_from_one_that_was_lost() -> None:
    meeting = Meeting().start()
    meeting.viewer.end(meeting.now)
    meeting.carry()
    assert meeting.host_owner.ended is CloseCode.ENDED
    assert meeting.reason is CloseCode.ENDED


@pytest.mark.parametrize("code", [CloseCode.EVICTED, CloseCode.TAMPERED, 4711])
def test_an_abandoned_channel_0_ends_both(code: int) -> None:
    meeting = Meeting().start()
    meeting.viewer.channel_reset(meeting.viewer_attachment, 0, 0, code, meeting.now)
    assert meeting.reason is (code if isinstance(code, CloseCode) else CloseCode.SESSION_LOST)
    meeting.host.channel_reset(meeting.host_attachment, 0, 0, CloseCode.ENDED, meeting.now)
    assert meeting.host_owner.ended is CloseCode.SESSION_LOST


@given(st.binary(max_size=60), st.sampled_from([0, 1, 2]), st.booleans())
def test_sealed_nonsense_ends_the_session_and_raises_nothing(raw: bytes, channel: int, from_viewer: bool) -> None:
    meeting = Meeting().start()
    sender = meeting.viewer if from_viewer else meeting.host
    assert sender._secure is not None
    sender._secure.send(channel, raw)
    meeting.carry()
    meeting.at(1.0)
    code = meeting.host_owner.ended if from_viewer else meeting.reason
    assert code in (None, CloseCode.SESSION_PROTOCOL)


@pytest.mark.parametrize("message", [b"\x01\x80", CONTROL.encode(MediaKeys((b"short",)))])
def test_malformed_control_messages_end_the_viewers_session(message: bytes) -> None:
    meeting = Meeting().start()
    assert meeting.host._secure is not None
    meeting.host._secure.send(0, message)
    meeting.carry()
    assert meeting.reason is CloseCode.SESSION_PROTOCOL


# -- beacons and clock -------------------------------------------------------------------------------------------------


def test_a_host_sends_a_beacon_every_second_and_a_silent_one_is_stale() -> None:
    meeting = Meeting().start()
    meeting.at(10)
    assert not meeting.viewer_owner.stale
    silent = [True]
    meeting.change = lambda from_viewer, moved: None if not from_viewer and silent else moved
    meeting.at(T_STALE + 0.1)
    assert meeting.viewer_owner.stale
    with pytest.raises(Refused) as caught:
        meeting.viewer.send_input([(MOVE, 1, 1)], meeting.now)
    assert caught.value.code is CloseCode.SESSION_LOST
    assert meeting.viewer.state is ViewerState.ADMITTED


def test_a_stale_viewer_goes_on_when_the_host_is_heard_again() -> None:
    meeting = Meeting().start()
    held: list[Moved] = []

    def change(from_viewer: bool, moved: Moved) -> Moved | None:
        if not from_viewer:
            held.append(moved)
            return None
        return moved

    meeting.change = change
    meeting.at(T_STALE + 0.1)
    assert meeting.viewer.stale
    meeting.change = lambda from_viewer, moved: moved
    for moved in held:
        meeting.viewer.channel_received(
            meeting.viewer_attachment, moved.channel, moved.channel, moved.data, moved.end, meeting.now
        )
    assert not meeting.viewer.stale
    meeting.send_input((MOVE, 1, 1))
    assert meeting.host_owner.events == [(MOVE, 1, 1)]


def test_clocks_are_matched_by_exchanges() -> None:
    meeting = Meeting().start()
    sent = len(meeting.host_pipes.sent)
    meeting.at(1.05)
    assert len(meeting.host_pipes.sent) > sent
    assert meeting.viewer.clock.error == pytest.approx(0.0, abs=1e-6)


# -- back-pressure -----------------------------------------------------------------------------------------------------


def test_a_viewer_that_does_not_acknowledge_ends_as_too_slow_and_holds_bounded_memory() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: moved if from_viewer else None
    image = bytes(12_000)
    for serial in range(400):
        meeting.host.send(Cursor(serial=serial, width=50, height=60, hot_x=0, hot_y=0, image=image))
        if meeting.host.state is HostState.ENDED:
            break
    assert meeting.host_owner.ended is CloseCode.TOO_SLOW
    assert serial < 130
    assert meeting.host.next_timeout() is None


def test_a_viewer_that_asks_without_ever_reading_is_ended_too() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: moved if from_viewer else None
    assert meeting.viewer._secure is not None
    ping = CONTROL.encode(ClockPing(1 << 60))
    for _ in range(80_000):
        if meeting.host_owner.ended is not None:
            break
        for _ in range(100):
            meeting.viewer_pipes.send_stream(0, _record(meeting, ping))
        meeting.carry()
    assert meeting.host_owner.ended is CloseCode.TOO_SLOW


def _record(meeting: Meeting, message: bytes) -> bytes:
    """A record that the viewer's sealer makes although nothing is acknowledged."""
    assert meeting.viewer._secure is not None
    channel = meeting.viewer._secure._conversation(0).secure
    channel.retained = 0
    channel._kept.clear()
    channel._first_kept = channel._sealer.counter
    return channel.send(bytes((len(message),)) + message)


def test_clipboards_that_nobody_acknowledges_end_the_session_and_raise_nothing() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: moved if from_viewer else None
    for serial in range(12):
        meeting.host.send(Clipboard(serial, "x" * MAX_CLIPBOARD_TEXT))
    assert meeting.host_owner.ended is CloseCode.TOO_SLOW


def test_the_viewers_own_clipboard_says_too_slow_to_its_caller() -> None:
    meeting = Meeting().start()
    meeting.change = lambda from_viewer, moved: None
    with pytest.raises(Refused) as caught:
        for serial in range(12):
            meeting.viewer.send(Clipboard(serial, "x" * MAX_CLIPBOARD_TEXT))
    assert caught.value.code is CloseCode.TOO_SLOW


def test_a_large_clipboard_arrives_whole_in_both_directions() -> None:
    meeting = Meeting().start()
    text = "".join(random.Random(1).choices("abcäöü€", k=300_000))
    meeting.viewer.send(Clipboard(1, text))
    meeting.host.send(Clipboard(2, text))
    meeting.carry()
    assert Clipboard(1, text) in meeting.host_owner.messages
    assert Clipboard(2, text) in meeting.viewer_owner.messages
