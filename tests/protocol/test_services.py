"""Services: which one a message goes to, who may send it, and what all of them are told of sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from avl_protocol.session.services import Receives, Service, Services
from avl_protocol.wire.endtoend import ChannelMessage, Clipboard, ClipboardAsk, Cursor, Ticket
from avl_protocol.wire.errors import LocalProtocolError, Refused
from avl_protocol.wire.registry import Channel, CloseCode, Permission


@dataclass(frozen=True)
class Session:
    permissions: Permission


@dataclass
class Recorder(Service[Session]):
    """Writes down what it is given and told; wants to be called `at`."""

    at: float | None = None
    seen: list[object] = field(default_factory=list)

    def take(self, session: Session, message: ChannelMessage, now: float) -> None:
        self.seen.append((message, now))

    def refuse(self, session: Session, message: ChannelMessage, now: float) -> None:
        self.seen.append("refused")

    def admitted(self, session: Session, now: float) -> None:
        self.seen.append("admitted")

    def opened(self, session: Session, channel: int, now: float) -> None:
        self.seen.append(f"opened {channel}")

    def moved(self, session: Session, now: float) -> None:
        self.seen.append("moved")

    def lost(self, session: Session, now: float) -> None:
        self.seen.append("lost")

    def ended(self, session: Session, reason: Refused, now: float) -> None:
        self.seen.append(reason.code)

    def next_timeout(self) -> float | None:
        return self.at


class Idle(Service[Session]):
    """Follows nothing."""


READER, NOBODY = Session(Permission.CLIPBOARD_OUT), Session(Permission.VIEW)


def test_a_message_goes_to_its_service_and_to_no_other() -> None:
    services: Services[Session] = Services()
    pointer, clipboard = Recorder(), Recorder()
    services.register(pointer, Channel.CONTROL, Receives(Cursor, pointer.take))
    services.register(clipboard, Channel.BULK, Receives(Clipboard, clipboard.take))
    shape, text = Cursor(serial=1, width=0, height=0, hot_x=0, hot_y=0, image=b""), Clipboard(1, "text")
    services.receive(NOBODY, shape, 1.0)
    services.receive(NOBODY, text, 2.0)
    assert pointer.seen == [(shape, 1.0)] and clipboard.seen == [(text, 2.0)]


def test_what_a_session_may_not_send_is_ignored_or_refused_before_the_service_sees_it() -> None:
    services: Services[Session] = Services()
    clipboard = Recorder()
    services.register(
        clipboard,
        Channel.BULK,
        Receives(ClipboardAsk, clipboard.take, Permission.CLIPBOARD_OUT),
        Receives(Clipboard, clipboard.take, Permission.CLIPBOARD_IN, clipboard.refuse),
    )
    services.receive(NOBODY, ClipboardAsk(), 1.0)
    assert clipboard.seen == []
    services.receive(READER, ClipboardAsk(), 2.0)
    services.receive(READER, Clipboard(1, "text"), 3.0)
    assert clipboard.seen == [(ClipboardAsk(), 2.0), "refused"]


def test_what_no_service_receives_is_ignored() -> None:
    services: Services[Session] = Services()
    services.register(Idle(), Channel.CONTROL)
    services.receive(READER, Ticket(b"ticket", 5), 1.0)


def test_a_message_has_one_service_and_one_channel() -> None:
    services: Services[Session] = Services()
    one = Recorder()
    services.register(one, Channel.CONTROL, Receives(Cursor, one.take))
    with pytest.raises(LocalProtocolError, match="Cursor has two services"):
        services.register(Recorder(), Channel.CONTROL, Receives(Cursor, one.take))
    with pytest.raises(LocalProtocolError, match="Clipboard does not travel on channel CONTROL"):
        services.register(Recorder(), Channel.CONTROL, Receives(Clipboard, one.take))


def test_all_are_told_of_sessions_in_order_and_the_earliest_timer_counts() -> None:
    services: Services[Session] = Services()
    first, second = Recorder(at=7.0), Recorder(at=5.0)
    for service in (first, Idle(), second):
        services.register(service, Channel.CONTROL)
    assert services.next_timeout() == 5.0 and next(iter(services)) is first
    services.admitted(READER, 1.0)
    services.opened(READER, 2, 2.0)
    services.lost(READER, 3.0)
    services.moved(READER, 4.0)
    services.ended(READER, Refused(CloseCode.ENDED), 5.0)
    assert first.seen == second.seen == ["admitted", "opened 2", "lost", "moved", CloseCode.ENDED]
    first.at = second.at = None
    assert services.next_timeout() is None
