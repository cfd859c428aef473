"""The relay's side of the hop: what may be said when, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto.identity import device_record, endorse_certificate, prove_registration, sign_record
from avl_protocol.endpoint.loop.driver import Driven
from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.session.hop.mediaevents import MediaReceived
from avl_protocol.session.hop.server import ALLOWED, HopServer, HopServerState, RelayIdentity
from avl_protocol.session.hop.serverevents import (
    ChannelOpened,
    ChannelReceived,
    Gone,
    HopServerEvent,
    Registering,
    Said,
)
from avl_protocol.session.hop.servers import HopServers
from avl_protocol.session.hop.stream import CONTROL_HEADER, HopStream, StreamHeader, channel_header, hop_bytes
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import (
    HOP,
    About,
    Accept,
    Admit,
    Attach,
    Attached,
    Close,
    Detach,
    Evict,
    Goaway,
    Head,
    HeadKnown,
    Hello,
    HopMessage,
    HopRate,
    Incoming,
    LastPicture,
    Logged,
    NatTest,
    NatTested,
    Observed,
    OperatorSays,
    Ping,
    Pong,
    Readers,
    Recover,
    Register,
    Registered,
    Reject,
    Statements,
    Subscribe,
    Tracks,
    Viewers,
    Welcome,
)
from avl_protocol.wire.registry import T_HELLO, CloseCode, Role
from tests.protocol.handshakes import HOST, WALL, identity
from tests.protocol.memory import Connection, Deaf

RELAY = identity("relay")
CERTIFICATE = b"certificate"
NONCE = b"n" * 16
NAME = "relay.test:4433"
RECORD = device_record(WALL - 10, WALL + 1000, "test")


def register(
    nonce: bytes = NONCE, certificate: bytes = CERTIFICATE, name: str = NAME, record: bytes = RECORD
) -> Register:
    proof = prove_registration(HOST, nonce, certificate, name, record)
    return Register(identity=HOST.public, record=record, signature=sign_record(HOST, record), proof=proof)


#: One of each.
SAMPLES: dict[type[HopMessage], HopMessage] = {
    type(message): message
    for message in (
        Hello((1,), Role.VIEWER),
        Welcome(version=1, nonce=NONCE, observed="", identity=b"", endorsement=b""),
        register(),
        Registered(1),
        Attach(b"d" * 17, b"s" * 16),
        Incoming(session=b"s" * 16, handle=1),
        Accept(1),
        Reject(1, 7),
        Attached(b"s" * 16, 1, 1),
        Tracks(()),
        Admit(1, (), ()),
        Evict(1, 0),
        Detach(1, 0),
        Subscribe(1, 1, 1),
        Recover(1, 1, 0),
        Viewers(1),
        Ping(5),
        Pong(5),
        Goaway(),
        Close(0),
        HopRate(1, "grow", "there is room", (1, 2)),
        NatTest(b"t" * 16),
        NatTested(b"t" * 16, 4434),
        Observed("192.0.2.1 5"),
        Statements(("a token",)),
        About(name="desk"),
        Head(size=1, root=b"r" * 32, chain=b"c" * 32, time_ms=1, key=b"k" * 32, signature=b"s" * 64),
        HeadKnown(0),
        Logged(0),
        OperatorSays(1, "hello"),
        Readers(("a token",)),
        LastPicture(b"k" * 32, 1, b"sealed"),
    )
}


@dataclass
class Owner:
    """Applies events by writing them down; registers whoever asks, unless `registers` is False."""

    registered: list[int] = field(default_factory=list)
    messages: list[HopMessage] = field(default_factory=list)
    channels: list[StreamHeader] = field(default_factory=list)
    carried: dict[int, bytearray] = field(default_factory=dict)
    datagrams: list[bytes] = field(default_factory=list)
    gone: int = 0
    refuse: CloseCode | None = None
    registers: bool = True

    def apply(self, peer: HopServer, event: HopServerEvent, now: float) -> None:
        if isinstance(event, Registering):
            self.registered.append(event.device)
            if self.registers:
                peer.registered(77)
        elif isinstance(event, Said):
            self.messages.append(event.message)
            if self.refuse is not None:
                raise Refused(self.refuse)
        elif isinstance(event, ChannelOpened):
            self.channels.append(event.header)
        elif isinstance(event, ChannelReceived):
            self.carried.setdefault(event.stream, bytearray()).extend(event.data)
        elif isinstance(event, MediaReceived):
            self.datagrams += event.datagrams
        elif isinstance(event, Gone):
            self.gone += 1


class Hop:
    """A peer whose client is played by the test, brought to a state."""

    def __init__(self, state: HopServerState = HopServerState.NEW) -> None:
        self.now = 50.0
        self.owner, self.client, self.connection = (
            Owner(registers=state is not HopServerState.ASKED),
            Deaf(),
            Connection(),
        )
        self.peers = HopServers(self.owner.apply)
        own = RelayIdentity(
            public=RELAY.public,
            certificate=CERTIFICATE,
            endorsement=endorse_certificate(RELAY, CERTIFICATE),
            name=NAME,
            page="http://page/",
        )
        self.peer = HopServer(own, nonce=NONCE, wall_ms=WALL * 1000, now=self.now)
        self.peer.attach_carrier(self.connection.server)
        self.peers.take(self.peer, self.now)
        self.driven = Driven(self.peer, self._take, Faults(), self.connection.server.close)
        self.connection.join(self.client, self.driven)
        self.raw(CONTROL_HEADER)
        if state is HopServerState.VIEWER:
            self.say(Hello((1,), Role.VIEWER))
        elif state is not HopServerState.NEW:
            self.say(Hello((1,), Role.HOST))
            if state in (HopServerState.ASKED, HopServerState.HOST):
                self.say(register())
            elif state is HopServerState.GONE:
                self.peers.close(self.peer, CloseCode.NO_ERROR, self.now)
        assert self.peer.state is state

    def _take(self) -> None:
        self.peers.take(self.peer, self.now)

    def tick(self, seconds: float) -> None:
        """Time passes, and whatever is due is done."""
        self.now += seconds
        self.peers.handle_timer(self.now)

    def raw(self, data: bytes, stream: int = 0, end: bool = False) -> None:
        self.connection.client.send_stream(stream, data, end)
        self.connection.run(self.now)

    def say(self, *messages: HopMessage) -> None:
        for message in messages:
            self.raw(hop_bytes(message))

    @property
    def heard(self) -> list[HopMessage]:
        return HopStream().receive(bytes(self.client.streams.get(0, b"")))

    @property
    def closed(self) -> int | None:
        ended = self.connection.server.closed
        return ended[0] if ended else None


def test_there_is_a_sample_of_every_message() -> None:
    assert set(SAMPLES) == set(HOP)


@pytest.mark.parametrize(
    "state",
    [HopServerState.NEW, HopServerState.WELCOMED, HopServerState.ASKED, HopServerState.HOST, HopServerState.VIEWER],
)
@pytest.mark.parametrize("kind", HOP, ids=lambda kind: kind.__name__)
def test_a_message_in_a_state_that_does_not_allow_it_is_a_protocol_error(
    state: HopServerState, kind: type[HopMessage]
) -> None:
    hop = Hop(state)
    hop.say(SAMPLES[kind])
    if kind in (Ping, Pong):
        assert hop.closed is None and hop.peer.state is state
    elif kind is Close:
        assert hop.closed == CloseCode.NO_ERROR
    elif kind in ALLOWED[state]:
        assert hop.closed is None
    else:
        assert hop.closed == CloseCode.PROTOCOL_ERROR
        assert hop.peer.state is HopServerState.GONE and hop.owner.gone == 1
        assert hop.owner.messages == []


def test_the_table_of_states_is_the_specifications() -> None:
    assert {
        HopServerState.NEW: (Hello,),
        HopServerState.WELCOMED: (Register,),
        HopServerState.ASKED: (),
        HopServerState.HOST: (
            *(Accept, Reject, Tracks, Admit, Evict, Detach, NatTest, About, HeadKnown, Logged),
            LastPicture,
        ),
        HopServerState.VIEWER: (Attach, Detach, Subscribe, Recover, NatTest, HeadKnown),
        HopServerState.GONE: (),
    } == ALLOWED


def test_a_viewer_is_welcomed_with_the_relays_endorsement() -> None:
    hop = Hop(HopServerState.VIEWER)
    (greeting,) = hop.heard
    assert isinstance(greeting, Welcome)
    assert (greeting.identity, greeting.nonce, greeting.name) == (RELAY.public, NONCE, NAME)
    assert greeting.observed == "10.0.0.9 1"
    assert greeting.page == "http://page/"
    assert not hop.connection.server.trusted


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (Hello((2, 3), Role.VIEWER), CloseCode.VERSION),
        (Hello((), Role.VIEWER), CloseCode.VERSION),
        (Hello((1,), Role.VIEWER, "", ("teleport",)), CloseCode.VERSION),
        (Hello((1,), 9), CloseCode.PROTOCOL_ERROR),
    ],
)
def test_a_hello_that_can_not_be_met_says_why(hello: Hello, code: CloseCode) -> None:
    hop = Hop()
    hop.say(hello)
    assert hop.closed == code
    assert hop.heard == []


def test_a_hello_of_several_versions_gets_the_common_one() -> None:
    hop = Hop()
    hop.say(Hello((1, 2, 9), Role.VIEWER, "later"))
    assert isinstance(hop.heard[0], Welcome) and hop.heard[0].version == 1


def test_a_proved_host_is_registered_and_trusted() -> None:
    hop = Hop(HopServerState.HOST)
    assert hop.owner.registered == [HOST.number] and hop.peer.device == HOST.number
    assert hop.heard[-1] == Registered(77)
    assert hop.connection.server.trusted


OTHER = register()


@pytest.mark.parametrize("begins", [WALL - 200_000, WALL + 190_000])
def test_a_registration_whose_clock_is_wrong_is_told_so(begins: int) -> None:
    hop = Hop(HopServerState.WELCOMED)
    hop.say(register(record=device_record(begins, begins + 10_000, "test")))
    assert hop.closed == CloseCode.CLOCK and hop.owner.registered == []


@pytest.mark.parametrize(
    "wrong",
    [
        register(nonce=b"x" * 16),
        register(certificate=b"another"),
        register(name="other.test:1"),
        register(record=b""),
        register(record=b"\xc0"),
        register(record=b"\x80"),
        Register(identity=HOST.public, record=RECORD, signature=bytes(64), proof=OTHER.proof),
        Register(identity=HOST.public, record=RECORD, signature=OTHER.signature, proof=bytes(64)),
        Register(identity=identity("thief").public, record=RECORD, signature=OTHER.signature, proof=OTHER.proof),
        Register(identity=b"", record=RECORD, signature=OTHER.signature, proof=OTHER.proof),
        Register(identity=HOST.public, record=RECORD, signature=b"", proof=b""),
    ],
)
def test_a_registration_that_proves_nothing_is_a_bad_record(wrong: Register) -> None:
    hop = Hop(HopServerState.WELCOMED)
    hop.say(wrong)
    assert hop.closed == CloseCode.BAD_RECORD
    assert hop.owner.registered == []


def test_who_says_nothing_is_gone_in_time() -> None:
    for state in (HopServerState.NEW, HopServerState.WELCOMED, HopServerState.ASKED):
        hop = Hop(state)
        assert hop.peer.next_timeout() == pytest.approx(hop.now + T_HELLO)
        hop.tick(T_HELLO)
        assert hop.closed == CloseCode.TIMEOUT and hop.owner.gone == 1
    for state in (HopServerState.HOST, HopServerState.VIEWER):
        assert Hop(state).peer.next_timeout() is None


def test_a_refusal_of_the_owner_ends_the_connection_with_its_code() -> None:
    hop = Hop(HopServerState.VIEWER)
    hop.owner.refuse = CloseCode.UNAVAILABLE
    hop.say(SAMPLES[Attach], SAMPLES[Attach])
    assert hop.closed == CloseCode.UNAVAILABLE
    assert len(hop.owner.messages) == 1


@pytest.mark.parametrize(
    "state", [HopServerState.NEW, HopServerState.WELCOMED, HopServerState.ASKED, HopServerState.HOST]
)
def test_only_viewers_open_channels(state: HopServerState) -> None:
    hop = Hop(state)
    hop.raw(channel_header(1, 0) + b"x", stream=4)
    assert hop.closed == CloseCode.PROTOCOL_ERROR
    assert hop.owner.channels == []


def test_a_viewers_channel_reaches_the_owner_with_its_bytes() -> None:
    hop = Hop(HopServerState.VIEWER)
    data = channel_header(700, 2) + b"bytes"
    for at in range(len(data)):
        hop.raw(data[at : at + 1], stream=4)
    assert [(h.handle, h.channel) for h in hop.owner.channels] == [(700, 2)]
    assert hop.owner.carried[4] == b"bytes"


def test_a_second_control_stream_is_a_protocol_error() -> None:
    hop = Hop(HopServerState.VIEWER)
    hop.raw(CONTROL_HEADER, stream=4)
    assert hop.closed == CloseCode.PROTOCOL_ERROR


def test_streams_that_end_within_their_header_leave_nothing_behind() -> None:
    hop = Hop(HopServerState.VIEWER)
    for at in range(1, 200):
        if at % 2:
            hop.raw(channel_header(700, 2)[:2], stream=4 * at, end=True)
        else:
            hop.raw(channel_header(700, 2)[:2], stream=4 * at)
            hop.connection.client.reset_stream(4 * at, 1)
            hop.connection.run(hop.now)
    assert hop.peer.streams == 0
    assert hop.owner.channels == [] and hop.closed is None


@pytest.mark.parametrize("how", ["end", "reset", "lost"])
def test_without_its_control_stream_a_neighbour_is_gone(how: str) -> None:
    hop = Hop(HopServerState.VIEWER)
    if how == "end":
        hop.raw(b"", end=True)
    elif how == "reset":
        hop.connection.client.reset_stream(0, 1)
        hop.connection.run(hop.now)
    else:
        hop.driven.carrier_lost(CloseCode.TIMEOUT, "", hop.now)
    assert hop.owner.gone == 1 and hop.peer.state is HopServerState.GONE


def test_viewers_send_no_media() -> None:
    for state in (HopServerState.VIEWER, HopServerState.WELCOMED, HopServerState.ASKED, HopServerState.HOST):
        hop = Hop(state)
        hop.connection.client.send_datagrams([b"\0media"], 2, None)
        hop.connection.run(hop.now)
        assert hop.owner.datagrams == ([b"\0media"] if state is HopServerState.HOST else [])


@given(
    st.binary(max_size=100),
    st.sampled_from([HopServerState.NEW, HopServerState.WELCOMED, HopServerState.VIEWER]),
    st.booleans(),
)
def test_whatever_a_stranger_says_ends_its_connection_or_is_ignored(
    raw: bytes, state: HopServerState, control: bool
) -> None:
    hop = Hop(state)
    hop.raw(raw, stream=0 if control else 4)
    assert hop.closed is None or hop.closed in (CloseCode.PROTOCOL_ERROR, CloseCode.VERSION, CloseCode.NO_ERROR)
    assert hop.owner.gone == (hop.closed is not None)


# -- what a neighbour may cost -----------------------------------------------------------------------------------------


def test_a_stranger_that_says_much_is_told_so_before_all_of_it_is_read() -> None:
    hop = Hop(HopServerState.VIEWER)
    hop.raw(hop_bytes(Ping(1)) * 5000)
    assert hop.closed == CloseCode.LIMIT and hop.peer.state is HopServerState.GONE
    assert sum(isinstance(message, Pong) for message in hop.heard) < 64


def test_messages_that_nobody_understands_cost_as_much() -> None:
    unknown = bytes.fromhex("03440080")
    assert HopStream().receive(unknown) == []
    hop = Hop(HopServerState.VIEWER)
    hop.raw(unknown * 100)
    assert hop.closed == CloseCode.LIMIT


def test_a_stranger_that_takes_its_time_may_go_on_for_ever() -> None:
    hop = Hop(HopServerState.VIEWER)
    for _ in range(500):
        hop.now += 0.1
        hop.say(Ping(1))
    assert hop.closed is None


def test_a_host_may_answer_for_hundreds_of_viewers_at_once() -> None:
    hop = Hop(HopServerState.HOST)
    for number in range(600):
        hop.raw(hop_bytes(Accept(number)) + hop_bytes(Admit(number, (1,), (0, 1))))
    assert hop.closed is None and len(hop.owner.messages) == 1200
    hop.raw(hop_bytes(Ping(1)) * 5000)
    assert hop.closed == CloseCode.LIMIT


def test_an_admitted_viewer_is_no_stranger() -> None:
    hop = Hop(HopServerState.VIEWER)
    hop.peer.trust()
    hop.peer.trust()
    assert hop.connection.server.trusted
    hop.raw(hop_bytes(Recover(1, 1, 0)) * 1500)
    assert hop.closed is None and len(hop.owner.messages) == 1500


def test_whoever_does_not_read_its_answers_gets_no_more_of_them() -> None:
    hop = Hop(HopServerState.HOST)
    hop.connection.server.withdraw_credit(0)
    for _ in range(20_000):
        hop.peer.send(Incoming(session=b"s" * 16, handle=1))
    assert hop.connection.server.closed == (CloseCode.LIMIT, "what is sent is not read")
    assert hop.connection.server.stream_backlog(0) < 70_000


# -- a registration that waits for an answer ---------------------------------------------------------------------------


def test_a_host_is_registered_when_the_answer_comes_and_no_sooner() -> None:
    hop = Hop(HopServerState.ASKED)
    assert hop.owner.registered == [HOST.number]
    assert not any(isinstance(message, Registered) for message in hop.heard) and not hop.connection.server.trusted
    hop.tick(T_HELLO - 1)
    hop.peer.registered(77)
    hop.connection.run(hop.now)
    assert hop.heard[-1] == Registered(77) and hop.connection.server.trusted
    assert hop.peer.state is HopServerState.HOST and hop.peer.next_timeout() is None
    hop.peer.registered(78)
    hop.connection.run(hop.now)
    assert hop.heard[-1] == Registered(77), "an answer counts once"


def test_an_answer_to_a_host_that_is_gone_changes_nothing() -> None:
    hop = Hop(HopServerState.ASKED)
    hop.driven.carrier_lost(CloseCode.TIMEOUT, "", hop.now)
    hop.peer.registered(77)
    assert hop.peer.state is HopServerState.GONE and hop.owner.gone == 1
    assert not any(isinstance(message, Registered) for message in hop.heard)


def test_what_happened_before_a_neighbour_broke_the_rules_is_told_and_what_came_with_a_refusal_is_not() -> None:
    broke = Hop(HopServerState.VIEWER)
    broke.raw(hop_bytes(SAMPLES[Detach]) + hop_bytes(SAMPLES[Viewers]))
    assert broke.closed == CloseCode.PROTOCOL_ERROR and broke.owner.messages == [SAMPLES[Detach]]
    refused = Hop(HopServerState.VIEWER)
    refused.owner.refuse = CloseCode.UNAVAILABLE
    refused.raw(hop_bytes(SAMPLES[Attach]) + hop_bytes(SAMPLES[Detach]))
    assert refused.owner.messages == [SAMPLES[Attach]] and refused.owner.gone == 1


@pytest.mark.parametrize("state", [HopServerState.HOST, HopServerState.VIEWER])
def test_who_is_here_is_told_that_this_side_goes_and_may_stay(state: HopServerState) -> None:
    hop = Hop(state)
    hop.peer.go_away(["other.test:4433"])
    hop.connection.run(hop.now)
    assert hop.closed is None and hop.peer.state is state
    hop.say(Ping(7))
    assert hop.heard[-2:] == [Goaway(("other.test:4433",)), Pong(7)], "the hop goes on"


def test_who_comes_while_this_side_goes_is_refused() -> None:
    early, new = Hop(HopServerState.ASKED), Hop()
    for hop in (early, new):
        hop.peer.go_away()
        hop.peers.take(hop.peer, hop.now)
    assert early.closed == CloseCode.GOING_AWAY and early.owner.gone == 1
    assert new.closed is None, "it has asked for nothing yet"
    new.say(Hello((1,), Role.VIEWER))
    assert new.closed == new.peer.ended == CloseCode.GOING_AWAY and new.peer.state is HopServerState.GONE
    viewer = Hop(HopServerState.VIEWER)
    viewer.peer.go_away()
    viewer.say(SAMPLES[Attach])
    assert viewer.closed == CloseCode.GOING_AWAY and viewer.owner.messages == []
