"""A session's channels on their way from one hop to another: every byte once, whatever is lost (spec 08-paths, 8.5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.session.hosting import HostState
from avl_protocol.session.moves import ARRIVING
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.endtoend import Clipboard, Decoder, Layout
from avl_protocol.wire.registry import Channel, CloseCode, InputKind
from tests.protocol.handshakes import SESSION
from tests.protocol.meeting import Meeting, MemoryPath, Moved

CLIP = "a clipboard's text " * 40


class Talk:
    """A running meeting in which both sides say numbered things on every channel, and what must have arrived."""

    def __init__(self) -> None:
        self.meeting = Meeting().start()
        assert self.meeting.viewer.state is ViewerState.ADMITTED
        self.meeting.host_owner.messages.clear()
        self.meeting.viewer_owner.messages.clear()
        self.viewer_said: list[int] = []
        self.host_said: list[int] = []
        self.typed: list[int] = []
        self._count = 0

    def viewer_says(self) -> None:
        self._count += 1
        self.meeting.viewer.send(Decoder((self._count,)))
        self.meeting.viewer.send(Clipboard(self._count, CLIP))
        self.typed.append(self.meeting.viewer.send_input([(int(InputKind.TEXT), str(self._count))], self.meeting.now))
        self.viewer_said.append(self._count)

    def host_says(self) -> None:
        self._count += 1
        self.meeting.host.send(Layout(self._count, 1, (), ()))
        self.meeting.host.send(Clipboard(self._count, CLIP))
        self.host_said.append(self._count)

    def check(self) -> None:
        """Everything has arrived, once, and in order."""
        heard = self.meeting.host_owner.messages
        assert [m.chroma[0] for m in heard if isinstance(m, Decoder)] == self.viewer_said
        assert [m.serial for m in heard if isinstance(m, Clipboard)] == self.viewer_said
        assert [event[1] for event in self.meeting.host_owner.events] == [str(said) for said in self.viewer_said]
        told = self.meeting.viewer_owner.messages
        assert [m.width for m in told if isinstance(m, Layout)] == self.host_said
        assert [m.serial for m in told if isinstance(m, Clipboard)] == self.host_said
        assert self.meeting.viewer_owner.echoes == self.typed
        assert self.meeting.viewer_owner.ended is None and self.meeting.host_owner.ended is None

    def both_say(self) -> None:
        self.viewer_says()
        self.host_says()
        self.meeting.carry()


@pytest.mark.parametrize("direct", [True, False])
def test_an_idle_session_goes_to_another_way_and_on(direct: bool) -> None:
    talk = Talk()
    meeting = talk.meeting
    talk.both_say()
    path = meeting.another_path(direct=direct)
    meeting.move(path)
    assert meeting.viewer.attachment is path.viewer_attachment and meeting.host.attachment is path.host_attachment
    assert meeting.viewer_owner.moved == [path.viewer_attachment] and meeting.host_owner.moved == 1
    assert meeting.viewer.moving is None and not meeting.viewer.detached and not meeting.host.detached
    sent = len(meeting.viewer_pipes.sent), len(meeting.host_pipes.sent)
    talk.both_say()
    talk.check()
    assert (len(meeting.viewer_pipes.sent), len(meeting.host_pipes.sent)) == sent, "nothing goes the old way any more"
    assert Channel.BULK in path.viewer_pipes.bulk and Channel.BULK in path.host_pipes.bulk


def test_the_old_streams_are_given_up_without_harm_to_the_session() -> None:
    talk = Talk()
    talk.meeting.move(talk.meeting.another_path())
    both = talk.meeting.viewer_pipes.refused, talk.meeting.host_pipes.refused
    assert [{code for _, code in refused} for refused in both] == [{CloseCode.NO_ERROR}] * 2


@pytest.mark.parametrize("carried", range(0, 30, 3))
def test_what_is_under_way_both_ways_arrives_once(carried: int) -> None:
    talk = Talk()
    meeting = talk.meeting
    for _ in range(3):
        talk.viewer_says()
        talk.host_says()
    for _ in range(carried):
        for from_viewer, pipes in ((True, meeting.viewer_pipes), (False, meeting.host_pipes)):
            if pipes.out:
                meeting.hand(meeting.paths[0], from_viewer, pipes.out.popleft())
    path = meeting.another_path()
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    talk.viewer_says()
    talk.host_says()
    meeting.carry()
    talk.both_say()
    talk.check()


@settings(deadline=None)
@given(
    st.integers(0, 3600),
    st.integers(0, 3600),
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_way_may_break_at_any_byte_and_nothing_is_lost_or_doubled(
    from_viewer: int, from_host: int, viewer_says: int, host_says: int, noticed: bool, direct: bool, back: bool
) -> None:
    talk = Talk()
    meeting = talk.meeting
    meeting.paths[0].room = {True: from_viewer, False: from_host}
    for _ in range(viewer_says):
        talk.viewer_says()
    for _ in range(host_says):
        talk.host_says()
    meeting.carry()
    meeting.lose(meeting.paths[0], host=noticed)
    path = meeting.another_path(direct=direct)
    path.room[False] = from_host // 3 if back else None
    meeting.move(path)
    if back:
        meeting.lose(path, host=not noticed)
        meeting.move(meeting.another_path())
    talk.both_say()
    talk.check()


def test_every_single_byte_boundary_of_one_exchange_is_survived() -> None:
    length = 0
    talk = Talk()
    before = len(talk.meeting.viewer_pipes.sent)
    talk.viewer_says()
    length = len(talk.meeting.viewer_pipes.sent) - before
    for cut in range(length + 1):
        talk = Talk()
        talk.meeting.paths[0].room = {True: cut, False: cut}
        talk.viewer_says()
        talk.meeting.carry()
        talk.meeting.lose(talk.meeting.paths[0], host=cut % 2 == 0)
        talk.meeting.move(talk.meeting.another_path())
        talk.both_say()
        talk.check()


def test_a_session_may_come_back_to_where_it_was() -> None:
    talk = Talk()
    meeting = talk.meeting
    there = meeting.another_path(direct=True)
    for path in (there, meeting.paths[0], there, meeting.paths[0]):
        meeting.move(path)
        talk.both_say()
        assert meeting.viewer.attachment is path.viewer_attachment and meeting.host.attachment is path.host_attachment
    talk.check()
    assert meeting.host_owner.moved == 4


def test_a_stream_that_the_host_opens_is_not_taken_for_the_rest_of_one_that_was_left() -> None:
    talk = Talk()
    meeting = talk.meeting
    meeting.move(meeting.another_path())
    meeting.viewer.channel_received(meeting.viewer_attachment, 0, 0, b"the last of it", False, meeting.now)
    assert meeting.viewer_owner.ended is None
    meeting.viewer.channel_opened(meeting.viewer_attachment, 0, 4711, meeting.now)
    assert meeting.reason is CloseCode.SESSION_PROTOCOL


def test_a_move_is_overtaken_by_another() -> None:
    talk = Talk()
    meeting = talk.meeting
    first, second = meeting.another_path(), meeting.another_path()
    talk.viewer_says()
    meeting.viewer.move(first.viewer_attachment, meeting.now)
    talk.host_says()
    meeting.viewer.move(second.viewer_attachment, meeting.now)
    meeting.carry()
    talk.both_say()
    talk.check()
    assert (
        meeting.viewer_owner.moved == [second.viewer_attachment] and meeting.host.attachment is second.host_attachment
    )


def test_the_first_move_arriving_after_the_second_changes_nothing() -> None:
    talk = Talk()
    meeting = talk.meeting
    first, second = meeting.another_path(), meeting.another_path()
    meeting.viewer.move(first.viewer_attachment, meeting.now)
    late = [moved for moved in first.viewer_pipes.out if moved.data]
    first.viewer_pipes.out.clear()
    meeting.move(second)
    for moved in late:
        meeting.hand(first, True, moved)
    meeting.carry()
    talk.both_say()
    talk.check()
    assert meeting.host.attachment is second.host_attachment
    assert {code for _, code in first.host_pipes.refused} == {CloseCode.TAMPERED}


def test_a_way_that_breaks_before_the_answer_leaves_the_session_to_be_moved_again() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    path.room[False] = 10
    talk.viewer_says()
    meeting.move(path)
    assert meeting.viewer.moving is path.viewer_attachment and meeting.host.attachment is path.host_attachment
    meeting.lose(path)
    assert meeting.viewer.moving is None
    meeting.move(meeting.paths[0])
    talk.both_say()
    talk.check()


# -- the old stream, while the move is under way -----------------------------------------------------------------------


def test_the_host_giving_up_the_old_stream_may_be_heard_before_its_answer() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    while path.viewer_pipes.out:
        meeting.hand(path, True, path.viewer_pipes.out.popleft())
    old = meeting.host_pipes.out
    assert any(moved.reset is not None for moved in old)
    while old:  # the relay is quicker than the direct path
        meeting.hand(meeting.paths[0], False, old.popleft())
    assert meeting.viewer_owner.ended is None
    meeting.carry()
    talk.both_say()
    talk.check()


def test_a_relay_that_gives_up_the_older_stream_of_a_channel_does_no_harm() -> None:
    talk = Talk()
    meeting = talk.meeting
    talk.viewer_says()
    meeting.viewer.move(meeting.viewer_attachment, meeting.now)
    for channel in (0, 1, 2):
        meeting.viewer.channel_reset(meeting.viewer_attachment, channel, channel, CloseCode.NO_ERROR, meeting.now)
        meeting.host.channel_reset(meeting.host_attachment, channel, channel, CloseCode.NO_ERROR, meeting.now)
    meeting.carry()
    talk.both_say()
    talk.check()


@pytest.mark.parametrize("code", [CloseCode.SESSION_LOST, CloseCode.GOING_AWAY, CloseCode.NO_ERROR])
def test_a_relay_that_has_lost_the_host_leaves_the_session_without_a_way(code: CloseCode) -> None:
    talk = Talk()
    meeting = talk.meeting
    for channel in (0, 1, 2):
        meeting.viewer.channel_reset(meeting.viewer_attachment, channel, channel, code, meeting.now)
    assert meeting.viewer_owner.ended is None and meeting.viewer.detached
    meeting.lose(meeting.paths[0])
    meeting.move(meeting.another_path())
    talk.both_say()
    talk.check()


@pytest.mark.parametrize("channel", [1, 2])
def test_a_stream_lost_alone_takes_its_channel_with_it_until_the_next_move(channel: int) -> None:
    talk = Talk()
    meeting = talk.meeting
    meeting.viewer.channel_reset(meeting.viewer_attachment, channel, channel, CloseCode.SESSION_LOST, meeting.now)
    meeting.host.channel_reset(meeting.host_attachment, channel, channel, CloseCode.SESSION_LOST, meeting.now)
    talk.viewer_says()
    meeting.carry()
    meeting.move(meeting.another_path())
    talk.both_say()
    talk.check()


# -- moves to be refused -----------------------------------------------------------------------------------------------


def header(meeting: Meeting, path: MemoryPath) -> bytes:
    """The viewer's Channel Resume of channel 0 for this way."""
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    data = next(moved.data for moved in path.viewer_pipes.out if moved.channel == 0 and moved.data)
    path.viewer_pipes.out.clear()
    return data


@pytest.mark.parametrize("at", [0, 15, 16, 17, 18, 19, -1])
def test_a_header_with_a_changed_byte_costs_its_stream_and_not_the_session(at: int) -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    data = bytearray(header(meeting, path))
    data[at] ^= 1
    meeting.hand(path, True, Moved(stream=0, data=bytes(data)))
    assert path.host_pipes.refused == [(0, CloseCode.TAMPERED)]
    assert meeting.host_owner.ended is None and meeting.host.attachment is meeting.host_attachment
    assert meeting.host_owner.moved == 0 and not meeting.host.detached


def test_a_header_made_for_another_connection_is_refused() -> None:
    talk = Talk()
    meeting = talk.meeting
    path, middle = meeting.another_path(direct=True), meeting.another_path(direct=True)
    middle.host_pipes.server_certificate = b"another certificate"
    meeting.hand(middle, True, Moved(stream=0, data=header(meeting, path)))
    assert middle.host_pipes.refused == [(0, CloseCode.TAMPERED)] and meeting.host.attachment is meeting.host_attachment
    relayed = meeting.another_path()
    meeting.hand(relayed, True, Moved(stream=0, data=header(meeting, path)))
    assert (
        relayed.host_pipes.refused == [(0, CloseCode.TAMPERED)] and meeting.host.attachment is meeting.host_attachment
    )


def test_a_header_that_was_used_is_refused_the_second_time() -> None:
    talk = Talk()
    meeting = talk.meeting
    path, elsewhere = meeting.another_path(), meeting.another_path()
    data = header(meeting, path)
    meeting.hand(path, True, Moved(stream=0, data=data))
    meeting.hand(elsewhere, True, Moved(stream=0, data=data))
    assert elsewhere.host_pipes.refused == [(0, CloseCode.TAMPERED)]
    assert meeting.host.attachment is path.host_attachment


def test_a_host_that_answers_wrongly_costs_the_way_and_not_the_session() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    meeting.change = lambda from_viewer, moved: (
        Moved(stream=moved.stream, data=b"\xff" * 60)
        if not from_viewer and moved.data and moved.data[:16] == SESSION
        else moved
    )
    meeting.move(path)
    assert meeting.viewer_owner.unmoved == [path.viewer_attachment] and meeting.viewer_owner.ended is None
    meeting.change = lambda from_viewer, moved: moved
    meeting.move(meeting.paths[0])
    talk.both_say()
    talk.check()


def test_a_host_that_resets_the_new_stream_has_refused_the_way() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    path.viewer_pipes.out.clear()
    meeting.viewer.channel_reset(path.viewer_attachment, 1, 1, CloseCode.TAMPERED, meeting.now)
    assert meeting.viewer_owner.unmoved == [path.viewer_attachment] and meeting.viewer.moving is None
    meeting.move(meeting.paths[0])
    talk.both_say()
    talk.check()


def test_noise_where_a_header_must_be_harms_nobody_and_leaves_room_for_the_viewer() -> None:
    talk = Talk()
    meeting = talk.meeting
    stranger = meeting.another_path()
    for stream in range(0, 100 * (ARRIVING + 5), 100):
        meeting.hand(stranger, True, Moved(stream=stream, data=SESSION + b"\x00"))
    meeting.hand(stranger, True, Moved(stream=1, data=b"\xff" * 100))
    assert len(stranger.host_pipes.refused) >= 6 and meeting.host_owner.ended is None
    meeting.move(meeting.another_path())
    talk.both_say()
    talk.check()


def test_a_channel_the_viewer_may_not_have_is_not_moved_either() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    meeting.hand(path, True, Moved(stream=7, data=header(meeting, path)))
    assert path.host_pipes.refused == [(7, CloseCode.FORBIDDEN)] and meeting.host.state is HostState.ADMITTED


def test_a_header_that_comes_byte_by_byte_is_taken() -> None:
    talk = Talk()
    meeting = talk.meeting
    path = meeting.another_path()
    meeting.change = lambda from_viewer, moved: moved
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    whole, path.viewer_pipes.out = list(path.viewer_pipes.out), type(path.viewer_pipes.out)()
    for moved in whole:
        for at in range(len(moved.data)):
            meeting.hand(path, True, Moved(stream=moved.stream, data=moved.data[at : at + 1]))
    answers, path.host_pipes.out = list(path.host_pipes.out), type(path.host_pipes.out)()
    for moved in answers:
        for at in range(len(moved.data)):
            meeting.hand(path, False, Moved(stream=moved.stream, data=moved.data[at : at + 1]))
    meeting.carry()
    talk.both_say()
    talk.check()


def test_a_session_that_is_not_admitted_does_not_move() -> None:
    meeting = Meeting()
    meeting.viewer.start()
    path = meeting.another_path()
    meeting.viewer.move(path.viewer_attachment, meeting.now)
    assert path.viewer_pipes.opened == []
