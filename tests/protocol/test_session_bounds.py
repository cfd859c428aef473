"""What a host announces too large ends the session before anything is allocated, and no decoder sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avl_protocol.media.bounds_vp9 import indexed
from avl_protocol.media.frame import Chroma, EncodedFrame
from avl_protocol.media.packetizer import packetize
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.endtoend import Decoder, Layout
from avl_protocol.wire.registry import CloseCode
from spec.vectors.bounds_cases import EVERY, FIRST, parameters
from spec.vectors.bounds_codec_cases import Case, vp9_inter, vp9_key
from tests.protocol.meeting import Meeting
from tests.protocol.sealed import TRACK, frame

SIZES = [(20_000, 20_000), (1 << 40, 1), (0, 0), (-5, 10), (8192, 8192)]


def show(meeting: Meeting, picture: EncodedFrame) -> None:
    """The host sends this picture."""
    number, flags, data = meeting.source.sender.seal(picture)
    for datagram in packetize(data, 5, TRACK, number, flags):
        meeting.viewer.datagram_received(datagram, meeting.now)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_desktop_larger_than_viewers_take_ends_the_session(width: int, height: int) -> None:
    meeting = Meeting().start()
    assert meeting.host._secure is not None
    meeting.host._secure.send(0, CONTROL.encode(Layout(width, height)))
    meeting.carry()
    assert meeting.reason is CloseCode.TOO_LARGE
    assert not [message for message in meeting.viewer_owner.messages if isinstance(message, Layout)]


@pytest.mark.parametrize(("width", "height"), [size for size in SIZES if min(size) >= 0])
def test_a_picture_larger_than_viewers_take_ends_the_session(width: int, height: int) -> None:
    meeting = Meeting().start()
    show(meeting, replace(frame(True), width=width, height=height))
    assert meeting.reason is CloseCode.TOO_LARGE and not meeting.viewer_owner.frames


@pytest.mark.parametrize("size", [size for size in [*SIZES, (64, 0)] if min(size) >= 0], ids=str)
def test_a_picture_of_a_desktop_that_no_viewer_takes_ends_the_session(size: tuple[int, int]) -> None:
    """As an object of exact pixels of such a desktop does, one without pixels included."""
    meeting = Meeting().start()
    show(meeting, replace(frame(True), desktop=size))
    assert meeting.reason is CloseCode.TOO_LARGE and not meeting.viewer_owner.frames


@pytest.mark.parametrize("case", [case for case in EVERY if case.key], ids=lambda case: case.about)
def test_a_bitstream_is_what_was_announced_or_the_session_ends(case: Case) -> None:
    meeting = Meeting().start()
    announced = replace(frame(True, case.unit), codec=case.codec, width=case.width, height=case.height)
    show(meeting, replace(announced, chroma=case.chroma))
    assert len(meeting.viewer_owner.frames) == case.taken
    assert (meeting.viewer.state is ViewerState.ADMITTED) == case.taken
    assert meeting.reason is (None if case.taken else CloseCode.SESSION_PROTOCOL)


def test_later_objects_are_held_to_the_codec_of_their_group() -> None:
    meeting = Meeting().start()
    key = replace(frame(True, indexed(vp9_key(64, 48))), codec="vp09.00.41.08", width=64, height=48)
    show(meeting, replace(key, chroma=Chroma.YUV420))
    show(meeting, frame(False, indexed(vp9_inter())))
    assert len(meeting.viewer_owner.frames) == 2
    show(meeting, frame(False, indexed(vp9_inter(size=(4096, 4096), found=3))))
    assert meeting.reason is CloseCode.SESSION_PROTOCOL and len(meeting.viewer_owner.frames) == 2


def test_parameters_that_come_with_a_later_picture_are_read_too() -> None:
    meeting = Meeting().start()
    show(meeting, replace(frame(True, parameters(64, 48) + FIRST), width=64, height=48, chroma=Chroma.YUV420))
    assert len(meeting.viewer_owner.frames) == 1
    show(meeting, frame(False, parameters(4096, 4096) + FIRST))
    assert meeting.reason is CloseCode.SESSION_PROTOCOL and len(meeting.viewer_owner.frames) == 1


def test_a_viewer_says_what_it_decodes() -> None:
    meeting = Meeting().start()
    (told,) = [message for message in meeting.host_owner.messages if isinstance(message, Decoder)]
    assert told == Decoder((0, 1))
