"""Lanes: channels that are opened when they are first needed, and from then on go where the session goes (spec 15,
15.1)."""

from __future__ import annotations

import pytest

from avl_protocol.wire.endtoend import FileCredit, FileList, FileStop, Rights
from avl_protocol.wire.errors import LocalProtocolError, Refused
from avl_protocol.wire.registry import LANES, Channel, CloseCode, Permission, RightsReason
from tests.protocol.meeting import EVERYTHING, Meeting, Moved

FIRST, SECOND = LANES[0], LANES[1]


def running(wish: Permission = EVERYTHING) -> Meeting:
    met = Meeting(wish=wish)
    met.viewer.start()
    met.carry()
    assert met.host_owner.admitted == 1
    return met


def change(met: Meeting, permissions: Permission) -> None:
    """The host gives or takes, and says so."""
    met.host.allow(permissions)
    met.host.send(Rights(int(permissions), 0, int(RightsReason.CHANGED)))
    met.carry()


def told(met: Meeting) -> list[object]:
    return [message for message in met.host_owner.messages if isinstance(message, FileList)]


def test_a_lane_is_opened_when_it_is_first_needed_and_then_carries_both_ways() -> None:
    met = running()
    assert not set(LANES) & {stream % 100 for stream in met.viewer_pipes.opened}
    assert not met.viewer.flows(FIRST)
    met.viewer.send(FileList(1, "a"), FIRST)
    met.viewer.send(FileList(2, "b"), FIRST)
    met.carry()
    assert told(met) == [FileList(1, "a"), FileList(2, "b")]
    assert met.viewer_owner.lanes == [FIRST] and met.host_owner.opened[-1] == FIRST
    assert met.viewer.flows(FIRST) and met.host.flows(FIRST)
    assert met.host.send(FileCredit(1, 5), FIRST)
    met.carry()
    assert met.viewer_owner.messages[-1] == FileCredit(1, 5)
    assert FIRST in met.viewer_pipes.bulk and FIRST in met.host_pipes.bulk
    assert not met.host.send(FileCredit(1, 5), SECOND), "nobody has opened this one"


def test_a_message_of_lanes_needs_one_and_no_other_travels_there() -> None:
    met = running()
    with pytest.raises(LocalProtocolError, match="FileList"):
        met.viewer.send(FileList(1, "a"))
    with pytest.raises(LocalProtocolError, match="FileStop"):
        met.host.send(FileStop(1, 1), Channel.BULK)


def test_lanes_in_use_move_with_the_session_and_others_stay_closed() -> None:
    met = running()
    met.viewer.send(FileList(1, "a"), SECOND)
    met.carry()
    met.lose(met.paths[0])
    met.viewer.send(FileList(2, "b"), SECOND)
    met.viewer.send(FileList(3, "c"), FIRST)
    assert not met.viewer.flows(SECOND)
    path = met.another_path(direct=True)
    met.move(path)
    assert sorted(told(met), key=str) == [FileList(1, "a"), FileList(2, "b"), FileList(3, "c")]
    assert {stream % 100 for stream in path.viewer_pipes.opened} == {0, 1, 2, 3, FIRST, SECOND}
    assert sorted(met.viewer_owner.lanes) == [FIRST, SECOND, SECOND]
    assert met.viewer_owner.moved == [path.viewer_attachment]


def test_a_lane_that_a_relay_does_not_let_through_yet_is_tried_again() -> None:
    met = running()
    refused: list[Moved] = []

    def late(from_viewer: bool, moved: Moved) -> Moved | None:
        if from_viewer and moved.channel == FIRST and len(refused) < 3:
            if moved.opens:
                refused.append(moved)
                met.hand(met.paths[0], False, Moved(stream=moved.stream, reset=int(CloseCode.FORBIDDEN)))
            return None
        return moved

    met.change = late
    met.viewer.send(FileList(1, "a"), FIRST)
    met.carry()
    met.at(1.0)
    assert len(refused) == 3 and told(met) == [FileList(1, "a")] and met.viewer_owner.unmoved == []


def test_lanes_are_abandoned_when_the_permissions_are_gone_and_opened_again_with_them() -> None:
    met = running()
    met.viewer.send(FileList(1, "a"), FIRST)
    met.carry()
    neither = EVERYTHING & ~(Permission.FILES_IN | Permission.FILES_OUT)
    change(met, neither)
    assert not met.host.flows(FIRST) and not met.viewer.flows(FIRST)
    assert not met.host.send(FileStop(1, 2), FIRST)
    with pytest.raises(Refused) as refused:
        met.viewer.send(FileList(2, "b"), FIRST)
    assert refused.value.code is CloseCode.NOT_PERMITTED
    change(met, EVERYTHING)
    met.viewer.send(FileList(3, "c"), FIRST)
    met.carry()
    assert told(met) == [FileList(1, "a"), FileList(3, "c")]


def test_without_the_permission_a_lane_is_refused_by_both_sides() -> None:
    met = running(Permission.VIEW)
    with pytest.raises(Refused):
        met.viewer.send(FileList(1, "a"), FIRST)
    met.hand(met.paths[0], True, Moved(stream=int(FIRST), opens=True))
    met.hand(met.paths[0], True, Moved(stream=int(FIRST), data=b"x" * 16))
    assert met.host_pipes.refused == [(FIRST, CloseCode.FORBIDDEN)]
