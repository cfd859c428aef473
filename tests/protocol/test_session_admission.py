"""From the first byte to GRANT: who comes in, who does not, and what each is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.crypto.attempts import Code
from avl_protocol.session import viewer as viewer_module
from avl_protocol.session.hosting import HostState
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Decoder
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import LANES, T_CONSENT, T_UNADMITTED, Channel, CloseCode, InputKind, Permission
from tests.protocol.handshakes import SESSION
from tests.protocol.meeting import CODE, EVERYTHING, VIEW_CODE, Meeting, Moved, OneCodeAdmission
from tests.protocol.messages import damaged

POINTER = int(InputKind.MOVE), 3, 4


def test_the_right_code_admits_to_everything() -> None:
    meeting = Meeting().start()
    assert meeting.viewer.state is ViewerState.ADMITTED and meeting.host.state is HostState.ADMITTED
    assert meeting.viewer.permissions == EVERYTHING == meeting.host.permissions
    assert meeting.host.channels() == (0, 1, 2, 3, *LANES)
    assert meeting.viewer_owner.grant is not None and meeting.viewer_owner.grant.name == "desk"
    assert any(isinstance(message, Decoder) for message in meeting.host_owner.messages)
    assert meeting.viewer.clock.offset == pytest.approx(0.0)


def test_a_code_is_right_in_any_spelling() -> None:
    assert Meeting(code=" 7k3p 9qx2").start().reason is None


def test_a_viewer_gets_no_more_than_it_wished_for() -> None:
    meeting = Meeting(wish=Permission.VIEW | Permission.POINTER).start()
    assert meeting.viewer.permissions == Permission.VIEW | Permission.POINTER
    assert meeting.host.channels() == (0, 1)


@pytest.mark.parametrize("code", ["WRONG-ONE", "", "7K3P-9QX3", "VIEW"])
def test_a_wrong_code_is_refused_and_counted(code: str) -> None:
    meeting = Meeting(code=code).start()
    assert meeting.reason is CloseCode.REFUSED
    assert meeting.host_owner.admitted == 0
    assert meeting.host.state is HostState.ENDED
    assert meeting.admission.failures == 1


def sizes(meeting: Meeting) -> list[int]:
    """Sizes of what the host said, in order: what an observer could tell refusals apart by."""
    told: list[int] = []
    carry = meeting.change

    def look(from_viewer: bool, moved: Moved) -> Moved | None:
        if not from_viewer and moved.data:
            told.append(len(moved.data))
        return carry(from_viewer, moved)

    meeting.change = look
    meeting.start()
    return told


def test_every_wrong_code_is_answered_alike_whether_it_exists_is_exhausted_or_never_was() -> None:
    exhausted = OneCodeAdmission(Code(CODE, fixed=True), Code(VIEW_CODE, fixed=True))
    for _ in range(10):
        Meeting(code="WRONG", admission=exhausted).start()
    used = OneCodeAdmission(Code(CODE, one_use=True))
    assert Meeting(admission=used).start().reason is None
    told = {
        "wrong": sizes(Meeting(code="WRONG")),
        "exhausted": sizes(Meeting(code=CODE, admission=exhausted)),
        "used up": sizes(Meeting(code=CODE, admission=used)),
    }
    assert len({tuple(value) for value in told.values()}) == 1, told
    assert len(told["wrong"]) == 2  # HOST_HELLO and CHALLENGE: the viewer itself finds that neither code fits


def test_three_wrong_tries_in_a_row_replace_a_printed_code() -> None:
    admission = OneCodeAdmission()
    for at in range(3):
        assert admission.replaced == 0, at
        assert Meeting(code=VIEW_CODE, admission=admission, viewer=f"stranger {at}").start().reason is None
        Meeting(code="WRONG", admission=admission, viewer=f"stranger {at}").start()
    assert admission.replaced == 1
    assert Meeting(code=CODE, admission=admission).start().reason is CloseCode.REFUSED
    new = admission.budget.codes[0]
    assert new is not None and new != "7K3P9QX2"
    assert Meeting(code=new, admission=admission).start().reason is None


def test_who_hangs_up_before_confirming_has_used_its_try() -> None:
    admission = OneCodeAdmission()
    for at in range(3):
        meeting = Meeting(code=CODE, admission=admission, viewer=f"stranger {at}")
        messages = 0

        def change(from_viewer: bool, moved: Moved) -> Moved | None:
            nonlocal messages
            messages += from_viewer and bool(moved.data)
            return None if from_viewer and messages == 3 else moved  # CONFIRM never comes

        meeting.change = change
        meeting.start()
        meeting.at(T_UNADMITTED + 1)
        assert meeting.host_owner.ended is CloseCode.TIMEOUT
    assert admission.replaced == 1


def test_a_one_use_code_is_gone_after_its_first_success() -> None:
    admission = OneCodeAdmission(Code(CODE, one_use=True))
    assert Meeting(admission=admission).start().reason is None
    assert Meeting(admission=admission).start().reason is CloseCode.REFUSED


def test_another_hosts_identity_is_refused_by_the_viewer_before_it_says_who_it_is() -> None:
    meeting = Meeting(device=12345).start()
    # The prologue differs, so that message 1 is understood and message 2 is not: nothing of the viewer was sent.
    assert meeting.reason in (CloseCode.WRONG_HOST, CloseCode.TAMPERED, CloseCode.SESSION_PROTOCOL)
    assert meeting.host_owner.ended is not None
    assert meeting.admission.failures == 0


def test_another_session_id_on_the_way_makes_the_handshake_fail() -> None:
    meeting = Meeting(host_session_id=bytes(reversed(SESSION))).start()
    assert meeting.reason in (CloseCode.TAMPERED, CloseCode.SESSION_PROTOCOL)
    assert meeting.host_owner.admitted == 0


def test_versions_that_have_nothing_in_common_end_with_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_module, "SESSION_VERSIONS", (7, 8))
    meeting = Meeting().start()
    assert meeting.host_owner.ended is CloseCode.SESSION_VERSION
    assert meeting.reason is not None and meeting.host_owner.admitted == 0


# -- a person is asked -------------------------------------------------------------------------------------------------


def test_a_person_can_allow() -> None:
    meeting = Meeting(asks=True).start()
    assert meeting.viewer_owner.waiting == T_CONSENT
    assert meeting.host_owner.asked == [("someone", EVERYTHING)]
    assert meeting.host_owner.admitted == 0 and meeting.viewer.state is ViewerState.HANDSHAKE
    meeting.at(20)
    meeting.answer(True, True)
    meeting.carry()
    assert meeting.host_owner.admitted == 1 and meeting.viewer_owner.grant is not None


@pytest.mark.parametrize(
    ("allowed", "answered", "code"),
    [(False, True, CloseCode.DENIED), (False, False, CloseCode.NO_CONSENT)],
)
def test_a_person_can_decline_or_not_answer(allowed: bool, answered: bool, code: CloseCode) -> None:
    meeting = Meeting(asks=True).start()
    meeting.answer(allowed, answered)
    meeting.carry()
    assert meeting.reason is code
    assert meeting.host_owner.ended is code
    meeting.answer(True, True)
    assert meeting.host_owner.admitted == 0


def test_a_person_is_not_asked_about_a_wrong_code() -> None:
    assert Meeting(code="WRONG", asks=True).start().host_owner.asked == []


def test_nothing_lasts_for_ever_even_when_nobody_answers() -> None:
    meeting = Meeting(asks=True).start()
    meeting.at(T_CONSENT + T_UNADMITTED - 1)
    assert meeting.host_owner.ended is None
    meeting.at(2)
    assert meeting.host_owner.ended is CloseCode.TIMEOUT
    assert meeting.reason is not None


def test_who_can_not_wait_and_sends_records_while_a_person_is_asked_is_out() -> None:
    meeting = Meeting(asks=True).start()
    meeting.host.channel_received(
        meeting.host_attachment, 0, 0, (20).to_bytes(2, "big") + bytes(20), False, meeting.now
    )
    assert meeting.host_owner.ended is CloseCode.SESSION_PROTOCOL


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_session_that_is_not_admitted_lives_ten_seconds_on_both_sides() -> None:
    for lost_from_viewer in (True, False):
        meeting = Meeting()

        def change(from_viewer: bool, moved: Moved, which: bool = lost_from_viewer) -> Moved | None:
            return None if from_viewer == which else moved

        meeting.change = change
        meeting.start()
        meeting.at(T_UNADMITTED - 0.1)
        assert meeting.host.state is HostState.HANDSHAKE and meeting.viewer.state is ViewerState.HANDSHAKE
        meeting.at(0.2)
        assert meeting.host_owner.ended is CloseCode.TIMEOUT
        assert meeting.reason is CloseCode.TIMEOUT
        assert meeting.host.next_timeout() is None and meeting.viewer.next_timeout() is None


# -- view only ---------------------------------------------------------------------------------------------------------


def test_the_view_code_admits_to_viewing_and_opens_no_other_channel() -> None:
    meeting = Meeting(code=VIEW_CODE).start()
    assert meeting.viewer.permissions == Permission.VIEW
    assert meeting.host.channels() == (0,)
    assert meeting.viewer_pipes.streams == {0}
    with pytest.raises(Refused) as caught:
        meeting.viewer.send_input([POINTER], meeting.now)
    assert caught.value.code is CloseCode.NOT_PERMITTED


@pytest.mark.parametrize("channel", [Channel.INPUT, Channel.BULK, 3, 77])
def test_a_host_refuses_a_channel_that_the_permissions_do_not_open(channel: int) -> None:
    meeting = Meeting(code=VIEW_CODE).start()
    meeting.host.channel_opened(meeting.host_attachment, channel, channel, meeting.now)
    meeting.host.channel_received(meeting.host_attachment, channel, channel, b"whatever", False, meeting.now)
    assert meeting.host_pipes.refused == [(channel, CloseCode.FORBIDDEN)]
    assert meeting.host.state is HostState.ADMITTED
    assert meeting.host_owner.events == []


def test_a_viewer_that_lies_about_its_permissions_is_stopped_by_the_host() -> None:
    meeting = Meeting(code=VIEW_CODE).start()
    meeting.viewer.permissions = EVERYTHING
    meeting.viewer._pipes.open(Channel.INPUT)
    meeting.viewer.send_input([POINTER], meeting.now)
    meeting.carry()
    assert meeting.host_owner.events == []
    assert (Channel.INPUT, CloseCode.FORBIDDEN) in meeting.host_pipes.refused


def test_a_second_stream_for_a_channel_is_refused_unless_it_begins_as_a_move() -> None:
    meeting = Meeting().start()
    for stream, data in ((101, b"x" * 60), (201, SESSION + b"\x01\x01\x00" + bytes(16))):
        meeting.host.channel_opened(meeting.host_attachment, Channel.INPUT, stream, meeting.now)
        meeting.host.channel_received(meeting.host_attachment, Channel.INPUT, stream, data, False, meeting.now)
    assert meeting.host_pipes.refused == [(Channel.INPUT, CloseCode.TAMPERED)] * 2
    meeting.send_input(POINTER)
    assert meeting.host_owner.events == [POINTER]


def test_before_admission_there_is_channel_0_only() -> None:
    meeting = Meeting(asks=True).start()
    meeting.host.channel_opened(meeting.host_attachment, Channel.INPUT, Channel.INPUT, meeting.now)
    meeting.host.channel_received(meeting.host_attachment, Channel.INPUT, Channel.INPUT, b"x", False, meeting.now)
    assert meeting.host_pipes.refused == [(Channel.INPUT, CloseCode.FORBIDDEN)]


def test_a_channel_that_the_host_opens_ends_the_session() -> None:
    meeting = Meeting(code=VIEW_CODE).start()
    meeting.viewer.channel_opened(meeting.viewer_attachment, Channel.INPUT, 99, meeting.now)
    assert meeting.reason is CloseCode.SESSION_PROTOCOL


# -- bad bytes ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.data(), st.integers(0, 9), st.booleans())
def test_a_changed_byte_anywhere_in_the_handshake_admits_nobody(
    data: st.DataObject, number: int, from_viewer: bool
) -> None:
    meeting = Meeting()
    seen = 0

    def change(came_from_viewer: bool, moved: Moved) -> Moved | None:
        nonlocal seen
        if came_from_viewer is from_viewer and moved.data:
            seen += 1
            if seen == number + 1:
                return Moved(stream=moved.channel, data=data.draw(damaged(moved.data)))
        return moved

    meeting.change = change
    meeting.start()
    meeting.at(2 * T_UNADMITTED)
    if from_viewer and number < 2:
        assert meeting.host_owner.admitted == 0
    if not from_viewer and number < 3:
        assert meeting.viewer_owner.grant is None
    if meeting.viewer_owner.ended is not None:
        assert meeting.viewer_owner.ended.code in (
            CloseCode.TAMPERED,
            CloseCode.SESSION_PROTOCOL,
            CloseCode.TIMEOUT,
            CloseCode.SESSION_LOST,
            CloseCode.REFUSED,
            CloseCode.WRONG_HOST,
            CloseCode.ENDED,
        )


@given(st.lists(st.binary(max_size=200), max_size=6), st.booleans())
def test_whatever_a_stranger_says_first_raises_nothing(pieces: list[bytes], end: bool) -> None:
    meeting = Meeting()
    meeting.host.channel_opened(meeting.host_attachment, 0, 0, meeting.now)
    for piece in pieces:
        meeting.host.channel_received(meeting.host_attachment, 0, 0, piece, False, meeting.now)
    meeting.host.channel_received(meeting.host_attachment, 0, 0, b"", end, meeting.now)
    assert meeting.host_owner.admitted == 0
    meeting.at(T_UNADMITTED + 1, deaf="viewer")
    assert meeting.host.state is HostState.ENDED


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_whatever_a_host_says_first_raises_nothing(pieces: list[bytes]) -> None:
    meeting = Meeting()
    meeting.viewer.start()
    for piece in pieces:
        meeting.viewer.channel_received(meeting.viewer_attachment, 0, 0, piece, False, meeting.now)
    assert meeting.viewer_owner.grant is None
    meeting.at(T_UNADMITTED + 1, deaf="host")
    assert meeting.viewer.state is ViewerState.ENDED


def test_an_oversized_handshake_message_is_refused_by_its_length() -> None:
    meeting = Meeting()
    meeting.host.channel_opened(meeting.host_attachment, 0, 0, meeting.now)
    meeting.host.channel_received(meeting.host_attachment, 0, 0, (4097).to_bytes(2, "big"), False, meeting.now)
    assert meeting.host_owner.ended is CloseCode.SESSION_PROTOCOL
