"""Answers that take time: who may register or attach and where a device is, told at once, later, never, or too late."""

from __future__ import annotations

import pytest

from avl_protocol.session.hop.server import HopServerState
from avl_protocol.wire.messages import Attached, Detach, Incoming, Ping, Pong, Registered, Tracks
from avl_protocol.wire.registry import T_ASKED, CloseCode
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_relay.directory import LocalDirectory, Place, WhereIs
from avl_relay.forward.router import SESSIONS_PER_PEER
from tests.protocol.handshakes import identity
from tests.relay.stand import Neighbour, Stand, codes

HOST = identity("host")


class Slow:
    """An Access that answers when the test says so. `open`: kinds of questions that it answers at once all the same."""

    def __init__(self, *open_to: type) -> None:
        self.open_to = open_to
        self.asked: list[MayRegister | MayAttach] = []
        self.forgotten: list[MayRegister | MayAttach] = []

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        if isinstance(question, self.open_to):
            return ALLOWED
        self.asked.append(question)
        return None

    def forget(self, question: MayRegister | MayAttach) -> None:
        self.forgotten.append(question)


class Far(LocalDirectory):
    """A Directory that answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[WhereIs] = []
        self.forgotten: list[WhereIs] = []

    def find(self, question: WhereIs, now: float) -> Place | None:
        self.asked.append(question)
        return None

    def forget(self, question: WhereIs) -> None:
        self.forgotten.append(question)


class Relay(Stand):
    """A relay whose answers the test gives."""

    def __init__(self, *open_to: type, far: bool = False) -> None:
        self.slow = Slow(*open_to)
        self.far = Far()
        super().__init__(self.slow, self.far if far else None)

    def decide(self, at: int = -1, refused: CloseCode | None = None) -> None:
        """Answer a question about access."""
        self.router.decided(self.slow.asked[at], Decision(refused), self.now)
        self.settle()

    def locate(self, place: Place = Place.HERE, at: int = -1) -> None:
        """Answer a question about a place."""
        self.router.located(self.far.asked[at], place, self.now)
        self.settle()

    def tick(self, seconds: float) -> None:
        """Time passes, and what is due is done."""
        self.now += seconds
        self.router.handle_timer(self.now)
        self.settle()

    def comes(self, address: str = "10.0.0.2", yields: int = 0) -> Neighbour:
        """A host that has said REGISTER, and whose registration is asked about."""
        made = self.neighbour(address)
        self.register(made, HOST, yields)
        return made

    def idle(self) -> bool:
        """Whether nothing is asked, and no timer is set."""
        return self.router.snapshot()["questions"] == 0 and self.router.next_timeout() is None


def registered(host: Neighbour) -> bool:
    return any(isinstance(message, Registered) for message in host.heard)


def incoming(host: Neighbour) -> list[bytes]:
    return [message.session for message in host.heard if isinstance(message, Incoming)]


# -- registering -------------------------------------------------------------------------------------------------------


def test_a_host_is_registered_once_that_is_allowed() -> None:
    relay = Relay()
    host = relay.comes("192.0.2.5")
    (question,) = relay.slow.asked
    assert question == MayRegister(question.id, HOST.number, "192.0.2.5")
    assert not registered(host) and host.closed is None and relay.router.hosts == 0
    assert host.peer.state is HopServerState.ASKED
    relay.tick(T_ASKED - 0.1)
    relay.decide()
    assert registered(host) and relay.router.hosts == 1 and relay.idle()


def test_a_host_that_is_refused_is_told_why() -> None:
    relay = Relay()
    host = relay.comes()
    relay.decide(refused=CloseCode.FORBIDDEN)
    assert host.closed == CloseCode.FORBIDDEN and not registered(host)
    assert relay.router.hosts == 0 and relay.idle()


def test_a_host_about_which_nobody_answers_is_told_to_try_elsewhere() -> None:
    relay = Relay()
    host = relay.comes()
    relay.tick(T_ASKED)
    assert host.closed == CloseCode.UNAVAILABLE and relay.slow.forgotten == relay.slow.asked
    relay.decide()
    assert not registered(host) and relay.router.hosts == 0 and relay.idle()


def test_an_answer_about_a_host_that_is_gone_changes_nothing() -> None:
    relay = Relay()
    host = relay.comes()
    host.lost()
    assert relay.slow.forgotten == relay.slow.asked and relay.idle()
    relay.decide()
    relay.decide(refused=CloseCode.FORBIDDEN)
    assert relay.router.hosts == 0 and relay.idle()


def test_while_a_host_is_asked_about_it_may_say_no_more_than_ping() -> None:
    relay = Relay()
    host = relay.comes()
    host.say(Ping(7))
    assert host.last(Pong) == Pong(7) and host.closed is None
    host.connection.client.send_datagrams([b"\0media"], 2, None)
    relay.settle()
    assert host.closed is None
    host.say(Tracks(()))
    assert host.closed == CloseCode.PROTOCOL_ERROR and relay.slow.forgotten == relay.slow.asked
    relay.decide()
    assert relay.router.hosts == 0


def test_an_answer_counts_once() -> None:
    relay = Relay()
    host = relay.comes()
    relay.decide()
    relay.decide(refused=CloseCode.FORBIDDEN)
    assert host.closed is None and relay.router.hosts == 1


@pytest.mark.parametrize("older_first", [True, False])
def test_of_two_registrations_the_later_one_stays_whichever_is_answered_first(older_first: bool) -> None:
    relay = Relay()
    older, newer = relay.comes("10.0.0.2"), relay.comes("10.0.0.7")
    for at in (0, 1) if older_first else (1, 0):
        relay.decide(at)
    assert registered(older) is older_first
    assert older.closed == CloseCode.REPLACED and newer.closed is None
    assert registered(newer) and relay.router.hosts == 1 and relay.idle()
    older.lost()
    assert relay.router.hosts == 1


def test_a_registered_host_serves_on_while_its_successor_is_asked_about() -> None:
    relay = Relay(MayAttach)
    host = relay.comes()
    relay.decide()
    later = relay.comes("10.0.0.7")
    relay.meet(host, relay.viewer())
    relay.decide(refused=CloseCode.FORBIDDEN)
    assert later.closed == CloseCode.FORBIDDEN and host.closed is None and relay.router.sessions == 1


def test_whether_a_host_yields_is_judged_when_the_answer_comes() -> None:
    relay = Relay()
    yielding = relay.comes("10.0.0.7", yields=1)
    other = relay.comes()
    relay.decide(1)
    assert yielding.closed == CloseCode.REPLACED and other.closed is None, "the later one has come"
    again = relay.comes("10.0.0.7", yields=1)
    relay.decide()
    assert again.closed == CloseCode.TAKEN and other.closed is None


# -- attaching ---------------------------------------------------------------------------------------------------------


def test_a_viewer_attaches_once_it_may_and_the_device_was_found() -> None:
    relay = Relay(MayRegister, far=True)
    host, viewer = relay.host(), relay.viewer("192.0.2.9")
    relay.attach(viewer)
    (question,) = relay.slow.asked
    assert question == MayAttach(
        id=question.id, device=HOST.number, session=b"s" * 16, address="192.0.2.9", moves=False
    )
    assert relay.far.asked == [] and incoming(host) == []
    relay.decide()
    (where,) = relay.far.asked
    assert where == WhereIs(where.id, HOST.number) and where.id != question.id and incoming(host) == []
    relay.locate()
    assert incoming(host) == [b"s" * 16] and viewer.closed is None
    assert relay.router.snapshot()["questions"] == 0 and relay.router.sessions == 1


@pytest.mark.parametrize("code", [CloseCode.FORBIDDEN, CloseCode.LIMIT])
def test_a_viewer_that_is_refused_is_told_why_and_the_host_nothing(code: CloseCode) -> None:
    relay = Relay(MayRegister)
    host, viewer = relay.host(), relay.viewer()
    relay.attach(viewer)
    relay.decide(refused=code)
    assert viewer.closed == code and incoming(host) == [] and relay.idle()


def test_a_device_that_is_elsewhere_or_nowhere_is_unavailable() -> None:
    relay = Relay(MayRegister, MayAttach, far=True)
    relay.host()
    viewer = relay.viewer()
    relay.attach(viewer)
    relay.locate(Place.NOWHERE)
    assert viewer.closed == CloseCode.UNAVAILABLE and relay.idle()


@pytest.mark.parametrize("asks", ["access", "directory"])
def test_a_viewer_whom_nobody_answers_is_unavailable_in_time(asks: str) -> None:
    relay = Relay(MayRegister, *([MayAttach] if asks == "directory" else []), far=True)
    host, viewer = relay.host(), relay.viewer()
    relay.attach(viewer)
    relay.tick(T_ASKED - 0.1)
    assert viewer.closed is None
    relay.tick(0.1)
    assert viewer.closed == CloseCode.UNAVAILABLE and incoming(host) == [] and relay.idle()
    if asks == "access":
        assert relay.slow.forgotten == relay.slow.asked
        relay.decide()
    else:
        assert relay.far.forgotten == relay.far.asked
        relay.locate()
    assert incoming(host) == [] and relay.router.sessions == 0


def test_both_questions_together_take_no_longer_than_one() -> None:
    relay = Relay(MayRegister, far=True)
    relay.host()
    viewer = relay.viewer()
    relay.attach(viewer)
    relay.tick(T_ASKED - 1)
    relay.decide()
    relay.tick(1)
    assert viewer.closed == CloseCode.UNAVAILABLE and relay.far.forgotten == relay.far.asked


def test_an_answer_about_a_viewer_that_is_gone_changes_nothing() -> None:
    relay = Relay(MayRegister)
    host, viewer = relay.host(), relay.viewer()
    relay.attach(viewer)
    viewer.lost()
    assert relay.slow.forgotten == relay.slow.asked and relay.idle()
    relay.decide()
    assert incoming(host) == [] and relay.router.sessions == 0


@pytest.mark.parametrize("asks", ["access", "directory"])
def test_a_host_that_goes_while_an_attach_is_asked_about_is_unavailable(asks: str) -> None:
    relay = Relay(MayRegister, *([MayAttach] if asks == "directory" else []), far=asks == "directory")
    host, viewer = relay.host(), relay.viewer()
    relay.attach(viewer)
    host.lost()
    assert viewer.closed is None
    if asks == "access":
        relay.decide()
    else:
        relay.locate()
    assert viewer.closed == CloseCode.UNAVAILABLE and relay.idle()


def test_a_host_that_is_replaced_while_an_attach_is_asked_about_gets_it_by_its_new_connection() -> None:
    relay = Relay(MayRegister)
    host, viewer = relay.host(), relay.viewer()
    relay.attach(viewer)
    new = relay.host(address="10.0.0.7")
    relay.decide()
    assert incoming(host) == [] and incoming(new) == [b"s" * 16] and viewer.closed is None


@pytest.mark.parametrize("first", [0, 1])
def test_two_attaches_at_once_are_answered_each_for_itself(first: int) -> None:
    relay = Relay(MayRegister)
    host, viewer = relay.host(), relay.viewer()
    for session in (b"a" * 16, b"b" * 16):
        relay.attach(viewer, session)
    relay.decide(first)
    assert incoming(host) == [(b"a" * 16, b"b" * 16)[first]]
    relay.decide(1 - first)
    assert sorted(incoming(host)) == [b"a" * 16, b"b" * 16] and viewer.closed is None


def test_of_two_attaches_a_refusal_of_one_ends_the_connection_and_the_other_question() -> None:
    relay = Relay(MayRegister)
    host, viewer = relay.host(), relay.viewer()
    for session in (b"a" * 16, b"b" * 16):
        relay.attach(viewer, session)
    relay.decide(0, CloseCode.FORBIDDEN)
    assert viewer.closed == CloseCode.FORBIDDEN and relay.slow.forgotten == relay.slow.asked[1:]
    relay.decide(1)
    assert incoming(host) == [] and relay.idle()


def test_what_is_asked_about_counts_among_the_sessions_of_a_connection() -> None:
    relay = Relay(MayRegister)
    relay.host()
    viewer = relay.viewer()
    for at in range(SESSIONS_PER_PEER):
        relay.attach(viewer, bytes([at]) * 16)
    assert viewer.closed is None and relay.router.snapshot()["questions"] == SESSIONS_PER_PEER
    relay.attach(viewer, b"x" * 16)
    assert viewer.closed == CloseCode.LIMIT
    assert len(relay.slow.asked) == SESSIONS_PER_PEER and relay.idle()


def test_a_running_session_goes_on_while_another_attach_is_asked_about() -> None:
    relay = Relay(MayRegister, MayAttach)
    host, viewer = relay.host(), relay.viewer()
    handle = relay.meet(host, viewer)
    relay.slow.open_to = (MayRegister,)
    relay.attach(viewer, b"b" * 16)
    stream = viewer.open(handle, 1, b"input")
    assert stream not in [at for at, _ in viewer.told.resets]
    viewer.say(Detach(handle, 0))
    assert CloseCode.ENDED in codes(host)
    relay.decide()
    assert incoming(host)[-1] == b"b" * 16


def test_the_open_relay_answers_without_a_turn_of_the_loop() -> None:
    stand = Stand()
    host, viewer = stand.host(), stand.viewer()
    assert stand.meet(host, viewer) and isinstance(viewer.last(Attached), Attached)
    assert stand.router.snapshot()["questions"] == 0
