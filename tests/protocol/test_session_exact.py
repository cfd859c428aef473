"""Exact pixels in a session: what a viewer lacks it says, what the host answers it heeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.session.media.receiver import ReceivedExact
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.endtoend import Beacon, ControlMessage, Missing, Replaced
from avl_protocol.wire.registry import T_KEY_SPACING, CloseCode
from tests.protocol.meeting import Meeting
from tests.protocol.sealed import EXACT, EXACT_TRACK, TRACK, exact_frame, exact_pixels

PATIENCE = 0.15


class Desk(Meeting):
    """A session that is under way: what of the host's exact pixels comes is the test's choice."""

    def comes(self, datagrams: list[bytes]) -> None:
        """These datagrams reach the viewer."""
        for data in datagrams:
            self.viewer.datagram_received(data, self.now)
        self.carry()

    def says(self, message: ControlMessage) -> None:
        """The host says this."""
        assert self.host.send(message)
        self.carry()

    @property
    def wishes(self) -> list[Missing]:
        """What the viewer has asked for so far."""
        return [message for message in self.host_owner.messages if isinstance(message, Missing)]

    @property
    def exact_numbers(self) -> list[int]:
        """The objects of exact pixels that the viewer has told of."""
        return [one.number for one in self.viewer_owner.frames if isinstance(one, ReceivedExact)]


def desk() -> Desk:
    made = Desk()
    made.start()
    assert made.viewer.state is ViewerState.ADMITTED
    return made


def test_both_tracks_of_a_desktop_are_granted_and_what_comes_is_told_at_once() -> None:
    meeting = desk()
    assert [track.id for track in meeting.viewer.tracks] == [TRACK, EXACT_TRACK]
    meeting.comes(meeting.exact.send())
    assert meeting.exact_numbers == [0]
    meeting.comes(meeting.source.send(True))
    assert [one.track for one in meeting.viewer_owner.frames] == [EXACT_TRACK, TRACK]


def test_a_grant_says_from_which_object_on_exact_pixels_can_be_opened() -> None:
    meeting = Desk()
    for _ in range(5):
        meeting.exact.send()
    meeting.start()
    assert meeting.viewer.tracks[1] == replace(EXACT, first=5)
    meeting.comes(meeting.exact.send())
    meeting.at(2.0)
    assert meeting.exact_numbers == [5] and meeting.wishes == [], "what was before is no business of ours"


def test_what_is_lost_is_asked_for_again_and_again_until_it_is_replaced() -> None:
    meeting = desk()
    meeting.exact.send(), meeting.exact.send()  # lost
    meeting.comes(meeting.exact.send())
    meeting.at(PATIENCE - 0.001)
    assert meeting.wishes == []
    meeting.at(0.002)
    assert meeting.wishes == [Missing(EXACT_TRACK, ((0, 1),))]
    meeting.at(T_KEY_SPACING - 0.01)
    assert len(meeting.wishes) == 1
    meeting.at(0.02)
    assert meeting.wishes == [Missing(EXACT_TRACK, ((0, 1),))] * 2
    meeting.says(Replaced(EXACT_TRACK, ((0, 1),), 2))
    meeting.at(3.0)
    assert len(meeting.wishes) == 2
    assert not meeting.viewer_owner.recoveries, "no key object is asked for"


def test_the_last_objects_before_a_pause_are_asked_for_after_a_beacon() -> None:
    meeting = desk()
    meeting.exact.send()  # lost
    meeting.says(Beacon(round(meeting.now * 1e6), ((EXACT_TRACK, 0, 1),)))
    meeting.at(PATIENCE + 0.001)
    assert meeting.wishes == [Missing(EXACT_TRACK, ((0, 0),))]
    assert meeting.viewer.media is not None and not meeting.viewer.media.settled(EXACT_TRACK)


@pytest.mark.parametrize(
    ("rows", "settled"),
    [
        (((EXACT_TRACK, 0, 1),), True),
        (((EXACT_TRACK, 0, 0),), False),
        (((EXACT_TRACK, 0, 2),), False),
        (((EXACT_TRACK, 0),), False),
        (((EXACT_TRACK,), ()), False),
        (((TRACK, 0, 1),), False),
        (((77, 0, 1),), False),
        (((EXACT_TRACK, 0, 1, 9),), True),
    ],
    ids=str,
)
def test_a_beacon_says_whether_all_was_sent(rows: tuple[tuple[int, ...], ...], settled: bool) -> None:
    meeting = desk()
    meeting.comes(meeting.exact.send())
    before = meeting.viewer_owner.settled
    meeting.says(Beacon(round(meeting.now * 1e6), rows))
    assert meeting.viewer_owner.settled == before + 1
    assert meeting.viewer.media is not None and meeting.viewer.media.settled(EXACT_TRACK) == settled
    assert meeting.reason is None


def test_an_answer_is_told_as_a_change_of_what_is_settled() -> None:
    meeting = desk()
    assert meeting.viewer.media is not None
    meeting.exact.send()  # lost
    meeting.comes(meeting.exact.send(settled=True))
    before = meeting.viewer_owner.settled
    meeting.says(Replaced(EXACT_TRACK, ((0, 0),), 1))
    assert meeting.viewer_owner.settled == before + 1
    assert not meeting.viewer.media.settled(EXACT_TRACK)
    meeting.comes(meeting.exact.send(settled=True))
    assert meeting.viewer.media.settled(EXACT_TRACK)
    assert meeting.viewer_owner.messages == [], "it is the session's own business"


def test_answers_that_fit_nothing_change_nothing() -> None:
    meeting = desk()
    meeting.exact.send()  # lost
    meeting.comes(meeting.exact.send())
    for rows in ((), ((0,),), ((0, 0, 0),), ((5, 1),), ((7, 1 << 60),)):
        meeting.says(Replaced(EXACT_TRACK, rows, -1))
    meeting.says(Replaced(TRACK, ((0, 0),), 3))
    meeting.says(Replaced(1 << 40, ((0, 0),), 3))
    meeting.at(PATIENCE + 0.001)
    assert meeting.wishes == [Missing(EXACT_TRACK, ((0, 0),))] and meeting.reason is None


def test_a_copy_that_was_left_out_is_asked_for() -> None:
    meeting = desk()
    meeting.comes(meeting.exact.send())
    meeting.viewer.left_out(EXACT_TRACK, 0, meeting.now)
    meeting.at(PATIENCE + 0.001)
    assert meeting.wishes == [Missing(EXACT_TRACK, ((0, 0),))]


def test_after_the_end_nothing_is_asked_for() -> None:
    meeting = desk()
    meeting.comes(meeting.exact.send())
    meeting.viewer.end(meeting.now)
    meeting.viewer.left_out(EXACT_TRACK, 0, meeting.now)
    assert meeting.viewer.next_timeout() is None


def test_an_object_of_another_form_is_counted_and_a_desktop_too_large_ends_the_session() -> None:
    meeting = desk()
    meeting.comes(meeting.exact.object(replace(exact_frame(), data=b"\1nothing")))
    assert meeting.reason is None and meeting.viewer.media is not None and meeting.viewer.media.damaged == 1
    made = replace(exact_pixels(), width=20_000, height=20_000)
    meeting.comes(meeting.exact.object(exact_frame(made)))
    assert meeting.reason is CloseCode.TOO_LARGE and meeting.exact_numbers == []


def test_a_host_s_session_hands_its_viewer_s_wish_on() -> None:
    meeting = desk()
    wish = Missing(EXACT_TRACK, ((3, 4), (9, 9)))
    meeting.viewer.send(wish)
    meeting.carry()
    assert meeting.wishes == [wish]
    assert CONTROL.decode(CONTROL.encode(wish)) == wish
