"""Chapter 4 of the specification, 4.4 to 4.6: what must be said first, and when; beside the tests of sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from avl_protocol.session.host import HostSession
from avl_protocol.wire.codec import INPUT
from avl_protocol.wire.endtoend import Batch, Beacon, ChannelMessage, ClockPong, Echo, Grant
from avl_protocol.wire.registry import Channel, CloseCode, InputKind, Permission
from tests.protocol.handshakes import VIEWER
from tests.protocol.meeting import EVERYTHING, Meeting

KEY, MOVE, TEXT = int(InputKind.KEY), int(InputKind.MOVE), int(InputKind.TEXT)


def heard(meeting: Meeting) -> list[tuple[float, ChannelMessage]]:
    """From now on, messages of the host with the time at which they reach the viewer."""
    messages: list[tuple[float, ChannelMessage]] = []
    dispatch = meeting.viewer._dispatch

    def watch(message: ChannelMessage, channel: int, now: float) -> None:
        messages.append((now, message))
        dispatch(message, channel, now)

    meeting.viewer._dispatch = watch  # type: ignore[method-assign]
    return messages


@pytest.mark.parametrize("first", [Beacon(0), ClockPong(0, 0)])
def test_a_host_that_does_not_begin_with_grant_is_left(first: ChannelMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting()
    monkeypatch.setattr(meeting.host_owner, "grant", lambda _session, _now: cast(Grant, first))
    meeting.start()
    assert meeting.reason is CloseCode.SESSION_PROTOCOL
    assert meeting.viewer_owner.grant is None


def test_beacons_come_each_second_with_the_host_s_clock() -> None:
    meeting = Meeting().start()
    messages = heard(meeting)
    meeting.at(5.5)
    beacons = [(now, message.host_us) for now, message in messages if isinstance(message, Beacon)]
    assert [now for now, _ in beacons] == [101.0, 102.0, 103.0, 104.0, 105.0]
    assert all(host_us == round(now * 1e6) for now, host_us in beacons)


def test_a_clock_is_answered_at_once_with_the_host_s_own() -> None:
    meeting = Meeting()
    messages = heard(meeting)
    meeting.start()
    meeting.at(25.0)
    answers = [(round(now, 3), message) for now, message in messages if isinstance(message, ClockPong)]
    assert [now for now, _ in answers] == [100.0, 100.2, 100.4, 100.6, 100.8, 110.8, 120.8]
    assert all(answer.sent_us == answer.host_us == round(now * 1e6) for now, answer in answers)


def batch(meeting: Meeting, sequence: int, *events: tuple[Any, ...], age: float = 0.0) -> None:
    """Input that a viewer sends past its own outbox."""
    secure = meeting.viewer._secure
    assert secure is not None
    secure.send(Channel.INPUT, INPUT.encode(Batch(sequence, round((meeting.now - age) * 1e6), events)))
    meeting.carry()


def test_every_batch_is_echoed_once_applied_with_what_was_discarded_in_all() -> None:
    meeting = Meeting(wish=EVERYTHING & ~Permission.POINTER).start()
    echoes: list[Echo] = []
    receive = meeting.viewer._secure.receive  # type: ignore[union-attr]

    def watch(channel: int, data: bytes) -> list[bytes]:
        raw = receive(channel, data)
        if channel == Channel.INPUT:
            echoes.extend(cast(Echo, INPUT.decode(each)) for each in raw)
        return raw

    meeting.viewer._secure.receive = watch  # type: ignore[method-assign, union-attr]
    batch(meeting, 1, (KEY, 4, True, 0, "a"))
    batch(meeting, 2, (TEXT, "late"), (TEXT, "too"), age=2.5)
    batch(meeting, 7, (MOVE, 1, 1))
    batch(meeting, 8)
    assert echoes == [
        Echo(1, 100_000_000, 0),
        Echo(2, 100_000_000, 2),
        Echo(7, 100_000_000, 3),
        Echo(8, 100_000_000, 3),
    ]
    assert meeting.host_owner.events == [(KEY, 4, True, 0, "a")]


def test_a_grant_whose_signer_is_not_the_host_s_is_tampering(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting()
    genuine = meeting.host_owner.grant

    def grant(session: HostSession, now: float) -> Grant:
        return replace(genuine(session, now), signer=VIEWER.public)

    monkeypatch.setattr(meeting.host_owner, "grant", grant)
    meeting.start()
    assert meeting.reason is CloseCode.TAMPERED
    assert meeting.viewer.media is None
