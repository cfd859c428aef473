"""Chapter 4 of the specification, 4.4 to 4.8: a session at its host and at its viewer, without a relay between them."""

from __future__ import annotations

from typing import Any

import pytest

from avl_protocol.crypto.attempts import Try
from avl_protocol.crypto.identity import Identity, endorse_signer
from avl_protocol.session.host import HostSession, HostState
from avl_protocol.session.mediain import ReceivedFrame
from avl_protocol.session.secure import SecureChannels
from avl_protocol.session.viewer import ViewerSession, ViewerSettings, ViewerState
from avl_protocol.wire.codec import CONTROL, INPUT
from avl_protocol.wire.endtoend import (
    Batch,
    Beacon,
    BulkMessage,
    ClockPong,
    ControlMessage,
    Echo,
    Grant,
    Visible,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MAX_CHANNEL_MESSAGE, Channel, CloseCode, InputKind, Permission
from tests.protocol.handshakes import HOST, SESSION, VIEWER, WALL, Run, Seeded, host, viewer

EVERYTHING = Permission(sum(Permission))
MEDIA_SESSION = bytes(range(16))
SIGNER = Identity(bytes(32))
KEY, BUTTON, MOVE, TEXT = int(InputKind.KEY), int(InputKind.BUTTON), int(InputKind.MOVE), int(InputKind.TEXT)


class Pipes:
    """A session's channels as queues that the test empties into the other end."""

    handle = 7

    def __init__(self) -> None:
        self.out: list[tuple[int, bytes]] = []
        self.opened: set[int] = set()
        self.refused: list[tuple[int, CloseCode]] = []
        self.ended: set[int] = set()
        self.closed: CloseCode | None = None

    def open(self, channel: int) -> None:
        self.opened.add(channel)

    def adopt(self, channel: int, stream: int) -> bool:
        self.opened.add(channel)
        return True

    def send(self, channel: int, data: bytes) -> None:
        if data:
            self.out.append((channel, data))

    def finish(self, channel: int) -> None:
        self.ended.add(channel)

    def refuse(self, channel: int, stream: int, code: CloseCode) -> None:
        self.refused.append((channel, code))

    def consume(self, stream: int, size: int) -> None:
        return

    def backlog(self, channel: int) -> int:
        return 0

    def is_open(self, channel: int) -> bool:
        return channel in self.opened

    def close(self, code: CloseCode) -> None:
        self.closed = code


class Door:
    """Lets the one code in, to what the test says."""

    def __init__(self, permissions: Permission) -> None:
        self.permissions = permissions

    def begin(self, viewer: bytes, now: float) -> Try:
        return Try(("7K3P9QX2", None), viewer, now, (None, None), None)  # type: ignore[arg-type]

    def confirmed(self, attempt: Try, which: int) -> Permission | None:
        return self.permissions

    def failed(self, attempt: Try) -> None:
        return


class Owner:
    """What both ends tell, written down. `first`: what the host says first."""

    def __init__(self) -> None:
        self.applied: list[tuple[Any, ...]] = []
        self.echoes: list[tuple[int, float]] = []
        self.stale: list[bool] = []
        self.messages: list[ControlMessage | BulkMessage] = []
        self.code: CloseCode | None = None
        self.first: ControlMessage = Grant(
            int(EVERYTHING), MEDIA_SESSION, SIGNER.public, endorse_signer(HOST, MEDIA_SESSION, SIGNER.public), (), 0
        )

    def session_asks(self, session: HostSession, name: str, wish: Permission, now: float) -> bool:
        return False

    def session_grant(self, session: HostSession, now: float) -> Grant:
        return self.first  # type: ignore[return-value]

    def session_input(self, session: HostSession, events: list[tuple[Any, ...]], now: float) -> None:
        self.applied += events

    def session_message(self, *told: Any) -> None:
        self.messages.append(told[-2])

    def session_admitted(self, *told: Any) -> None:
        return

    def session_ended(self, *told: Any) -> None:
        reason = told[0] if isinstance(told[0], Refused) else told[1]
        self.code = reason.code if isinstance(reason, Refused) else reason

    def session_waiting(self, seconds: int, now: float) -> None:
        return

    def session_frames(self, frames: list[ReceivedFrame], now: float) -> None:
        return

    def session_recover(self, track: int, number: int, now: float) -> None:
        return

    def session_echo(self, sequence: int, host_time: float, now: float) -> None:
        self.echoes.append((sequence, host_time))

    def session_stale(self, stale: bool, now: float) -> None:
        self.stale.append(stale)


class Both:
    """A host's and a viewer's end of one session."""

    def __init__(self, permissions: Permission = EVERYTHING, first: ControlMessage | None = None) -> None:
        self.now = 100.0
        self.at_host, self.at_viewer = Owner(), Owner()
        self.at_host.first = first or self.at_host.first
        self.host_pipes, self.viewer_pipes = Pipes(), Pipes()
        self.host = HostSession(
            HOST, SESSION, self.host_pipes, Door(permissions), self.at_host, Seeded("host"), WALL, self.now  # type: ignore[arg-type]
        )
        settings = ViewerSettings(VIEWER, HOST.number, SESSION, "7K3P-9QX2", "a viewer", EVERYTHING, (0, 1))
        self.viewer = ViewerSession(settings, self.viewer_pipes, self.at_viewer, Seeded("viewer"), WALL, self.now)  # type: ignore[arg-type]
        self.viewer.start()
        self.run()

    def run(self) -> None:
        """Carry bytes until nothing waits."""
        while self.host_pipes.out or self.viewer_pipes.out:
            for channel, data in self._taken(self.viewer_pipes):
                self.host.channel_received(channel, channel, data, False, self.now)
            for channel, data in self._taken(self.host_pipes):
                self.viewer.channel_received(channel, channel, data, False, self.now)

    @staticmethod
    def _taken(pipes: Pipes) -> list[tuple[int, bytes]]:
        taken, pipes.out = pipes.out, []
        return taken

    def at(self, seconds: float, deliver: bool = True) -> None:
        """Let time pass to so many seconds after the beginning, every timer firing when it is due."""
        end = 100.0 + seconds
        while True:
            due = min((at for m in (self.host, self.viewer) if (at := m.next_timeout()) is not None), default=end)
            self.now = min(due, end)
            self.host.handle_timer(self.now)
            self.viewer.handle_timer(self.now)
            if deliver:
                self.run()
            if due > end:
                return

    def batch(self, sequence: int, *events: tuple[Any, ...], age: float = 0.0) -> None:
        """Input that a viewer sends past its own outbox."""
        assert self.viewer._secure is not None
        raw = INPUT.encode(Batch(sequence, round((self.now - age) * 1e6), events))
        self.viewer._secure.send(Channel.INPUT, raw)
        self.run()


# -- admission ---------------------------------------------------------------------------------------------------------


def test_both_ends_are_admitted_and_know_what_for() -> None:
    both = Both(Permission.VIEW | Permission.POINTER)
    assert (both.host.state, both.viewer.state) == (HostState.ADMITTED, ViewerState.ADMITTED)
    assert both.host.channels() == (0, 1)


def test_a_channel_that_the_host_opens_ends_the_session() -> None:
    both = Both()
    both.viewer_pipes.opened.discard(Channel.BULK)
    both.viewer.channel_received(Channel.BULK, 99, b"x", False, both.now)
    assert both.at_viewer.code is CloseCode.SESSION_PROTOCOL


def test_the_host_s_first_message_is_grant() -> None:
    both = Both(first=Visible(True))
    assert both.viewer.state is ViewerState.ENDED
    assert both.at_viewer.code is CloseCode.SESSION_PROTOCOL


@pytest.mark.parametrize(
    ("permissions", "opens"),
    [
        (Permission.VIEW, {0}),
        (Permission.VIEW | Permission.KEYBOARD, {0, 1}),
        (Permission.VIEW | Permission.CLIPBOARD_OUT, {0, 2}),
        (EVERYTHING, {0, 1, 2}),
    ],
)
def test_a_host_refuses_channels_that_the_permissions_do_not_open(permissions: Permission, opens: set[int]) -> None:
    both = Both(permissions)
    both.host_pipes.refused.clear()
    for channel in (1, 2, 3, 9):
        both.host.channel_received(channel, channel, b"", False, both.now)
    assert {channel for channel, _ in both.host_pipes.refused} == {1, 2, 3, 9} - opens
    assert {code for _, code in both.host_pipes.refused} <= {CloseCode.FORBIDDEN}
    early = Both.__new__(Both)
    early.at_host, pipes = Owner(), Pipes()
    session = HostSession(HOST, SESSION, pipes, Door(EVERYTHING), early.at_host, Seeded("h"), WALL, 0.0)  # type: ignore[arg-type]
    session.channel_received(Channel.INPUT, 1, b"x", False, 0.0)
    assert pipes.refused == [(Channel.INPUT, CloseCode.FORBIDDEN)], "nothing but channel 0 before admission"


def test_who_is_not_admitted_in_time_is_told_so_at_both_ends() -> None:
    pipes, owner = Pipes(), Owner()
    session = HostSession(HOST, SESSION, pipes, Door(EVERYTHING), owner, Seeded("h"), WALL, 0.0)  # type: ignore[arg-type]
    session.handle_timer(9.9)
    assert owner.code is None
    session.handle_timer(10.0)
    assert owner.code is CloseCode.TIMEOUT
    settings = ViewerSettings(VIEWER, HOST.number, SESSION, "7K3P-9QX2", "", EVERYTHING, (0,))
    waiting = ViewerSession(settings, Pipes(), told := Owner(), Seeded("v"), WALL, 0.0)  # type: ignore[arg-type]
    waiting.handle_timer(10.0)
    assert told.code is CloseCode.TIMEOUT


# -- the running session -----------------------------------------------------------------------------------------------


def test_a_beacon_comes_each_second_and_its_absence_stops_input() -> None:
    both = Both()
    beacons: list[float] = []
    decode = both.viewer._beacon

    def beacon(message: Beacon, now: float) -> None:
        beacons.append(now - 100.0)
        decode(message, now)

    both.viewer._beacon = beacon  # type: ignore[method-assign]
    both.at(5.5)
    assert beacons == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert both.at_viewer.stale == []
    both.at(7.9, deliver=False)
    assert both.at_viewer.stale == []
    both.at(8.0, deliver=False)
    assert both.at_viewer.stale == [True]
    both.viewer_pipes.out.clear()
    with pytest.raises(Refused):
        both.viewer.send_input([(MOVE, 1, 2)], both.now)
    assert [channel for channel, _ in both.viewer_pipes.out if channel == Channel.INPUT] == []
    both.at(9.0)
    assert both.at_viewer.stale == [True, False]
    both.viewer.send_input([(MOVE, 1, 2)], both.now)
    both.run()
    assert both.at_host.applied == [(MOVE, 1, 2)]


def test_a_clock_is_answered_at_once_with_the_host_s_own() -> None:
    both = Both()
    answered: list[tuple[int, int, float]] = []
    control = both.viewer._control

    def watch(message: ControlMessage, now: float) -> None:
        if isinstance(message, ClockPong):
            answered.append((message.sent_us, message.host_us, now))
        control(message, now)

    both.viewer._control = watch  # type: ignore[method-assign]
    both.at(25.0)
    assert [round(now - 100.0, 3) for _, _, now in answered] == [0.2, 0.4, 0.6, 0.8, 10.8, 20.8]
    assert all(sent == host == round(now * 1e6) for sent, host, now in answered)
    assert both.viewer.clock.offset == pytest.approx(0.0)


def test_a_channel_nobody_acknowledges_is_given_up_before_it_holds_too_much() -> None:
    keys = Run(viewer(), host()).admit()
    pipes = Pipes()
    channels = SecureChannels(keys[1], False, SESSION, pipes)
    message = CONTROL.encode(Visible(True)) + bytes(10_000)
    held = 0
    with pytest.raises(Refused) as caught:
        for _ in range(1000):
            channels.send(Channel.CONTROL, message)
            held += len(message)
    assert caught.value.code is CloseCode.TOO_SLOW
    sent = sum(len(data) for _, data in pipes.out)
    assert sent <= 64 << 10
    assert held - sent <= MAX_CHANNEL_MESSAGE


# -- input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [5, 4, 0, -1])
def test_input_whose_number_does_not_rise_ends_the_session(second: int) -> None:
    both = Both()
    both.batch(5, (MOVE, 1, 1))
    assert both.at_host.code is None
    both.batch(second, (MOVE, 2, 2))
    assert both.at_host.code is CloseCode.SESSION_PROTOCOL
    assert both.at_host.applied == [(MOVE, 1, 1)]


def test_old_input_is_discarded_and_a_release_never_is() -> None:
    both = Both()
    press, click, text = (KEY, 4, True, 0, "a"), (BUTTON, 1, True), (TEXT, "x")
    both.batch(1, press, click, text, (MOVE, 1, 1), age=1.9)
    assert both.at_host.applied == [press, click, text, (MOVE, 1, 1)]
    both.at_host.applied.clear()
    both.batch(2, press, click, text, (int(InputKind.WHEEL), 0, 120), (MOVE, 2, 2), age=2.1)
    assert both.at_host.applied == [(MOVE, 2, 2)]
    both.at_host.applied.clear()
    up, off = (KEY, 4, False, 0, ""), (BUTTON, 1, False)
    both.batch(3, (MOVE, 3, 3), up, off, (KEY, 5, False, 0, ""), age=10.1)
    assert both.at_host.applied == [up, off], "what is held is let go of, however old the order"
    assert both.host.discarded == 4 + 2


def test_input_without_permission_is_discarded() -> None:
    both = Both(Permission.VIEW | Permission.POINTER)
    both.batch(1, (KEY, 4, True, 0, "a"), (TEXT, "x"), (MOVE, 1, 1))
    assert both.at_host.applied == [(MOVE, 1, 1)]
    both = Both(Permission.VIEW | Permission.KEYBOARD)
    both.batch(1, (KEY, 4, True, 0, "a"), (MOVE, 1, 1), (BUTTON, 1, True))
    assert both.at_host.applied == [(KEY, 4, True, 0, "a")]


def test_every_batch_is_echoed_with_what_was_discarded() -> None:
    both = Both()
    echoes: list[Echo] = []
    decode = INPUT.decode
    both.batch(1, (MOVE, 1, 1))
    both.batch(3, (TEXT, "late"), age=5.0)
    both.batch(4)
    assert both.at_viewer.echoes == [(1, 100.0), (3, 100.0), (4, 100.0)]
    assert both.host.discarded == 1
    assert echoes == [] and isinstance(decode(INPUT.encode(Echo(1, 2, 3))), Echo)


def test_what_a_viewer_holds_is_released_when_it_falls_silent_or_goes() -> None:
    press, click = (KEY, 4, True, 0, "a"), (BUTTON, 1, True)
    released = [(KEY, 4, False, 0, ""), (BUTTON, 1, False)]

    def holding() -> Both:
        both = Both()
        both.viewer.send_input([press, click], both.now)
        both.run()
        both.at_host.applied.clear()
        return both

    both = holding()
    both.at(30.0)
    assert both.at_host.applied == [], "a viewer that is there says so"
    both = holding()
    both.at(1.9, deliver=False)
    assert both.at_host.applied == []
    both.at(2.1, deliver=False)
    assert both.at_host.applied == released
    for leave in (
        lambda both: both.host.channel_reset(Channel.INPUT, both.now),
        lambda both: both.host.channel_reset(Channel.CONTROL, both.now),
        lambda both: both.host.lost(both.now),
        lambda both: both.host.end(CloseCode.EVICTED, both.now),
        lambda both: both.viewer.send_input([(int(InputKind.RELEASE_ALL),)], both.now),
        lambda both: both.viewer.end(both.now),
    ):
        both = holding()
        leave(both)
        both.run()
        assert both.at_host.applied == released


# -- the end -----------------------------------------------------------------------------------------------------------


def test_an_end_without_fin_is_a_loss() -> None:
    both = Both()
    both.viewer.end(both.now)
    both.run()
    assert both.at_host.code is CloseCode.ENDED
    both = Both()
    both.host.channel_received(Channel.CONTROL, 0, b"", True, both.now)
    assert both.at_host.code is CloseCode.SESSION_LOST
    both = Both()
    both.viewer.channel_received(Channel.CONTROL, 0, b"", True, both.now)
    assert both.at_viewer.code is CloseCode.SESSION_LOST
    both = Both()
    both.host.end(CloseCode.DISPLAY_LOST, both.now)
    both.run()
    assert both.at_viewer.code is CloseCode.DISPLAY_LOST
