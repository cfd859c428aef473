"""A client's side of the hop: who the relay is comes first, and nothing is believed before."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.crypto.identity import HOST_CERTIFICATE, RELAY_CERTIFICATE, device_record, endorse_certificate
from avl_protocol.endpoint.tls import self_signed
from avl_protocol.session.hop.client import HopClient, HopClientSettings, HopClientState
from avl_protocol.session.hop.clientevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    HopClientEvent,
    HopLost,
    HopSaid,
    HopUp,
)
from avl_protocol.session.hop.mediaevents import MediaReceived
from avl_protocol.session.hop.stream import CONTROL_HEADER, HopStream, channel_header, hop_bytes
from avl_protocol.wire.codec import HOP
from avl_protocol.wire.errors import LocalProtocolError, Refused
from avl_protocol.wire.framing import frame
from avl_protocol.wire.messages import (
    Attach,
    Attached,
    Close,
    Detach,
    Goaway,
    Hello,
    HopMessage,
    Incoming,
    Ping,
    Pong,
    Register,
    Registered,
    Welcome,
)
from avl_protocol.wire.registry import MAX_HOP_MESSAGE, T_HELLO, CloseCode, Role
from tests.protocol.handshakes import HOST, WALL, Seeded, identity
from tests.protocol.memory import Connection, Deaf

RELAY, STRANGER = identity("relay"), identity("another relay")
CERTIFICATE = b"certificate"
RECORD = device_record(WALL, WALL + 1000, "test")


def welcome(**changes: object) -> Welcome:
    values: dict[str, object] = {
        "version": 1,
        "nonce": b"n" * 16,
        "observed": "10.0.0.9 1",
        "identity": RELAY.public,
        "endorsement": endorse_certificate(RELAY, CERTIFICATE),
        "name": "relay.test:4433",
    }
    return Welcome(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Told:
    """What a link has told."""

    up: int = 0
    messages: list[HopMessage] = field(default_factory=list)
    opened: list[tuple[int, int, int]] = field(default_factory=list)
    channels: list[tuple[int, int, int, bytes, bool]] = field(default_factory=list)
    resets: list[tuple[int, int, int, int]] = field(default_factory=list)
    media: list[bytes] = field(default_factory=list)
    lost: Refused | None = None

    def take(self, hop: HopClient) -> Told:
        """Take all events that wait."""
        while (event := hop.next_event()) is not None:
            assert self.lost is None, f"{event} after the loss"
            self._one(event)
        return self

    def _one(self, event: HopClientEvent) -> None:
        if isinstance(event, HopUp):
            self.up += 1
        elif isinstance(event, HopSaid):
            self.messages.append(event.message)
        elif isinstance(event, ChannelOpened):
            self.opened.append((event.handle, event.channel, event.stream))
        elif isinstance(event, ChannelReceived):
            self.channels.append((event.handle, event.channel, event.stream, event.data, event.end))
        elif isinstance(event, ChannelReset):
            self.resets.append((event.handle, event.channel, event.stream, event.code))
        elif isinstance(event, MediaReceived):
            self.media += event.datagrams
        elif isinstance(event, HopLost):
            self.lost = event.reason


class Hop:
    """A link whose relay is played by the test."""

    def __init__(
        self,
        *,
        role: Role = Role.VIEWER,
        pin: bytes | None = RELAY.pin,
        trusted: bool = False,
        device: int | None = None,
        only_device: bool = False,
        certificate: bytes = CERTIFICATE,
        wall: float | None = None,
    ) -> None:
        self.now = 50.0
        self._told, self.relay, self.connection = Told(), Deaf(), Connection(certificate=certificate)
        own = HOST if role is Role.HOST else None
        self.hop = HopClient(
            HopClientSettings(
                role=role, software="test", pin=pin, identity=own, record=RECORD, device=device, only_device=only_device
            )
        )
        self.hop.attach_carrier(self.connection.client, lambda: trusted, wall)
        self.connection.join(self.hop, self.relay)
        self.hop.carrier_ready(self.now)
        self.run()

    @property
    def owner(self) -> Told:
        """What the link has told so far."""
        return self._told.take(self.hop)

    def run(self) -> None:
        self.connection.run(self.now)

    def say(self, *messages: HopMessage) -> None:
        """The relay says something on the control stream."""
        for message in messages:
            self.raw(hop_bytes(message))

    def raw(self, data: bytes, stream: int = 0, end: bool = False) -> None:
        self.connection.server.send_stream(stream, data, end)
        self.run()

    @property
    def heard(self) -> list[HopMessage]:
        """What the relay was told on the control stream, in all."""
        return HopStream().receive(bytes(self.relay.streams[0])[len(CONTROL_HEADER) :])

    @property
    def closed(self) -> int | None:
        ended = self.connection.client.closed
        return ended[0] if ended else None


def test_a_channel_that_the_neighbour_opens_is_told_before_its_first_byte() -> None:
    hop = Hop(role=Role.HOST)
    hop.say(welcome(), Registered(7))
    hop.raw(channel_header(5, 2), 1)
    assert (hop.owner.opened, hop.owner.channels) == ([(5, 2, 1)], [])
    hop.raw(channel_header(5, 1) + b"record", 5)
    assert (hop.owner.opened[1:], hop.owner.channels) == ([(5, 1, 5)], [(5, 1, 5, b"record", False)])


def test_a_client_says_hello_and_waits() -> None:
    hop = Hop()
    assert hop.heard == [Hello((1,), Role.VIEWER, "test")]
    assert hop.hop.state is HopClientState.GREETING and hop.owner.up == 0


@pytest.mark.parametrize("role", [Role.HOST, Role.VIEWER])
@pytest.mark.parametrize(
    "wrong",
    [
        {"identity": STRANGER.public, "endorsement": endorse_certificate(STRANGER, CERTIFICATE)},
        {"endorsement": endorse_certificate(STRANGER, CERTIFICATE)},
        {"endorsement": endorse_certificate(RELAY, b"another certificate")},
        {"endorsement": b""},
        {"identity": b""},
        {"endorsement": bytes(64)},
    ],
)
def test_a_relay_that_is_not_the_pinned_one_hears_nothing_but_hello(role: Role, wrong: dict[str, object]) -> None:
    hop = Hop(role=role)
    hop.say(welcome(**wrong))
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.WRONG_RELAY
    assert hop.owner.lost.exit_status == 3
    assert hop.closed == CloseCode.WRONG_RELAY
    assert [type(message) for message in hop.heard] == [Hello]
    assert hop.owner.up == 0
    assert hop.hop.next_timeout() is None


def test_the_pinned_relay_is_up() -> None:
    hop = Hop()
    hop.say(welcome())
    assert hop.owner.up == 1 and hop.hop.state is HopClientState.UP
    assert hop.hop.next_timeout() is None


def test_a_host_registers_first_and_is_up_when_that_was_taken() -> None:
    hop = Hop(role=Role.HOST)
    hop.say(welcome())
    assert isinstance(hop.heard[-1], Register) and hop.owner.up == 0
    hop.say(Registered(9))
    assert hop.owner.up == 1 and hop.hop.media_handle == 9


def test_without_a_pin_tls_has_verified_the_relay() -> None:
    hop = Hop(pin=None, trusted=True)
    hop.say(welcome(identity=STRANGER.public, endorsement=b""))
    assert hop.owner.up == 1


def test_a_relay_that_nobody_vouches_for_is_left() -> None:
    hop = Hop(pin=None)
    hop.say(welcome())
    assert hop.owner.up == 0 and hop.owner.lost is not None and hop.owner.lost.code is CloseCode.WRONG_RELAY
    assert [type(message) for message in hop.heard] == [Hello]


@pytest.mark.parametrize("only_device", [True, False])
def test_the_device_itself_vouches_for_its_certificate(only_device: bool) -> None:
    hop = Hop(pin=None, device=HOST.number, only_device=only_device)
    hop.say(welcome(identity=HOST.public, endorsement=endorse_certificate(HOST, CERTIFICATE, HOST_CERTIFICATE)))
    assert hop.owner.up == 1 and hop.hop.at_device


@pytest.mark.parametrize("trusted", [True, False])
def test_who_is_at_a_direct_address_and_is_not_the_device_is_the_wrong_host(trusted: bool) -> None:
    hop = Hop(pin=None, trusted=trusted, device=HOST.number, only_device=True)
    hop.say(welcome())
    assert hop.owner.up == 0 and hop.owner.lost is not None and hop.owner.lost.code is CloseCode.WRONG_HOST
    assert hop.closed == CloseCode.WRONG_HOST


def test_the_devices_endorsement_of_another_certificate_is_worth_nothing() -> None:
    hop = Hop(pin=None, device=HOST.number, only_device=True)
    hop.say(
        welcome(identity=HOST.public, endorsement=endorse_certificate(HOST, b"another certificate", HOST_CERTIFICATE))
    )
    assert hop.owner.up == 0 and hop.closed is not None and not hop.hop.at_device


def test_a_version_that_was_not_offered_is_refused() -> None:
    hop = Hop()
    hop.say(welcome(version=2))
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.VERSION
    assert hop.owner.lost.exit_status == 3
    assert [type(message) for message in hop.heard] == [Hello]


EARLY = [
    Attached(b"s" * 16, 1, 1),
    Incoming(session=b"s" * 16, handle=1),
    Detach(1, 0),
    Registered(1),
    Ping(5),
    Goaway(),
]


@pytest.mark.parametrize("message", EARLY, ids=lambda m: type(m).__name__)
def test_a_relay_that_speaks_before_welcome_is_left(message: HopMessage) -> None:
    hop = Hop()
    hop.say(message)
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.PROTOCOL_ERROR
    assert hop.closed == CloseCode.PROTOCOL_ERROR
    assert hop.owner.messages == []


@pytest.mark.parametrize(
    "message", [Incoming(session=b"s" * 16, handle=1), Detach(1, 0), Hello((1,), 1)], ids=lambda m: type(m).__name__
)
def test_sessions_before_registration_are_a_protocol_error(message: HopMessage) -> None:
    hop = Hop(role=Role.HOST)
    hop.say(welcome(), message)
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.PROTOCOL_ERROR


def test_a_second_welcome_changes_nothing_that_was_checked() -> None:
    hop = Hop()
    hop.say(welcome())
    hop.say(welcome(identity=STRANGER.public))
    assert hop.owner.up == 1


@pytest.mark.parametrize("code", [CloseCode.UNAVAILABLE, CloseCode.LIMIT, CloseCode.VERSION, CloseCode.BAD_RECORD])
def test_a_close_says_why_in_every_state(code: CloseCode) -> None:
    for before in ([], [welcome()]):
        hop = Hop()
        hop.say(*before, Close(code))
        assert hop.owner.lost is not None and hop.owner.lost.code is code


def test_pings_are_answered_once_up() -> None:
    hop = Hop()
    hop.say(welcome(), Ping(77))
    assert hop.heard[-1] == Pong(77)


def test_an_unanswered_hello_or_register_ends_in_time() -> None:
    for before in ([], [welcome()]):
        hop = Hop(role=Role.HOST)
        hop.say(*before)
        due = hop.hop.next_timeout()
        assert due == pytest.approx(hop.now + T_HELLO)
        hop.hop.handle_timer(hop.now + T_HELLO - 0.1)
        assert hop.owner.lost is None
        hop.hop.handle_timer(hop.now + T_HELLO)
        assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.TIMEOUT


def test_the_end_of_the_control_stream_is_the_end_of_the_hop() -> None:
    hop = Hop()
    hop.say(welcome())
    hop.raw(b"", end=True)
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.GOING_AWAY
    hop = Hop()
    hop.say(welcome())
    hop.connection.server.reset_stream(0, 1)
    hop.run()
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.GOING_AWAY


def test_a_carrier_that_is_lost_is_told_once_with_its_code() -> None:
    hop = Hop()
    hop.say(welcome())
    hop.hop.carrier_lost(CloseCode.TIMEOUT, "", hop.now)
    hop.hop.carrier_lost(CloseCode.INTERNAL, "", hop.now)
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.TIMEOUT


@pytest.mark.parametrize(("code", "read"), [(0, CloseCode.GOING_AWAY), (4711, CloseCode.SESSION_LOST)])
def test_a_carriers_code_without_a_meaning_is_still_a_loss(code: int, read: CloseCode) -> None:
    hop = Hop()
    hop.hop.carrier_lost(code, "", hop.now)
    assert hop.owner.lost is not None and hop.owner.lost.code is read


@pytest.mark.parametrize("code", [63, 4711, 1 << 40])
def test_a_close_with_a_code_that_nobody_knows_is_a_loss(code: int) -> None:
    hop = Hop()
    hop.say(welcome())
    hop.say(Close(code))
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.SESSION_LOST
    assert hop.owner.lost.exit_status > 0


def test_media_before_the_relay_is_known_is_nobodys() -> None:
    hop = Hop()
    hop.connection.server.send_datagrams([b"\0early"], 2, None)
    hop.run()
    hop.say(welcome())
    hop.connection.server.send_datagrams([b"\0later"], 2, None)
    hop.run()
    assert hop.owner.media == [b"\0later"]


def test_channels_are_sorted_by_their_header_however_it_is_cut() -> None:
    hop = Hop(role=Role.HOST)
    hop.say(welcome(), Registered(1))
    data = channel_header(300, 1) + b"bytes"
    for at in range(len(data)):
        hop.raw(data[at : at + 1], stream=1)
    hop.raw(b"", stream=1, end=True)
    assert b"".join(entry[3] for entry in hop.owner.channels) == b"bytes"
    assert {entry[:3] for entry in hop.owner.channels} == {(300, 1, 1)}
    assert hop.owner.channels[-1][4]


def test_streams_that_end_within_their_header_leave_nothing_behind() -> None:
    hop = Hop(role=Role.HOST)
    hop.say(welcome(), Registered(1))
    for at in range(200):
        stream = 1 + 4 * at
        if at % 2:
            hop.raw(channel_header(300, 1)[:2], stream=stream, end=True)
        else:
            hop.raw(channel_header(300, 1)[:2], stream=stream)
            hop.connection.server.reset_stream(stream, 1)
            hop.run()
    assert hop.hop.beginning == 0
    assert hop.owner.channels == [] and hop.owner.lost is None


@given(st.binary(max_size=100), st.booleans(), st.booleans())
def test_whatever_a_relay_says_ends_the_hop_or_is_ignored(raw: bytes, greeted: bool, control: bool) -> None:
    hop = Hop()
    if greeted:
        hop.say(welcome())
    hop.raw(raw, stream=0 if control else 1)
    if hop.owner.lost is not None:
        assert hop.owner.lost.code in CloseCode
        assert hop.hop.state is HopClientState.DOWN


def test_an_oversized_message_ends_the_hop() -> None:
    hop = Hop()
    hop.raw(b"\x80\x01\x00\x01")
    assert hop.closed == CloseCode.PROTOCOL_ERROR


def test_messages_of_a_later_version_are_ignored() -> None:
    hop = Hop()
    hop.say(welcome())
    hop.raw(frame(b"\x3f\x80", MAX_HOP_MESSAGE))
    assert hop.hop.state is HopClientState.UP


def test_nothing_is_sent_once_it_is_over() -> None:
    hop = Hop()
    hop.say(welcome())
    hop.hop.close(CloseCode.NO_ERROR)
    hop.hop.send(Attach(b"d" * 17, b"s" * 16))
    hop.run()
    assert [type(message) for message in hop.heard] == [Hello]
    assert HOP.decode(HOP.encode(Ping(1))) == Ping(1)


def test_a_link_without_a_carrier_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        HopClient(HopClientSettings(role=Role.VIEWER, software="test")).carrier.open_stream()


@pytest.mark.parametrize("days", [-3, 40])
@pytest.mark.parametrize("whose", ["pinned", "device", "nobody"])
def test_a_relay_whose_certificate_is_over_is_refused_though_its_identity_endorsed_it(whose: str, days: int) -> None:
    der = self_signed(["relay.test"], now=WALL, entropy=Seeded("certificate")).der
    own, label = (HOST, HOST_CERTIFICATE) if whose == "device" else (RELAY, RELAY_CERTIFICATE)
    greeting = welcome(identity=own.public, endorsement=endorse_certificate(own, der, label))
    for wall, up in ((WALL + days * 86_400, False), (WALL, whose != "nobody")):
        pin = RELAY.pin if whose == "pinned" else None
        hop = Hop(pin=pin, device=HOST.number, certificate=der, wall=wall)
        hop.say(greeting)
        assert hop.owner.up == up
        if not up:
            assert hop.owner.lost is not None and [type(message) for message in hop.heard] == [Hello]
            expected = CloseCode.CLOCK if wall != WALL else CloseCode.WRONG_RELAY
            assert hop.owner.lost.code is expected and hop.owner.lost.exit_status == 3


def test_a_certificate_that_is_over_is_told_as_a_wrong_clock_where_the_other_side_has_another_time() -> None:
    der = self_signed(["relay.test"], now=WALL, entropy=Seeded("certificate")).der
    for time, told in (
        (WALL, "The clocks differ by 40 days: this machine's is ahead of the relay's."),
        (WALL + 40 * 86_400, "By this machine's clock the other side's certificate ended 27 days ago."),
    ):
        hop = Hop(certificate=der, wall=WALL + 40 * 86_400)
        hop.say(welcome(endorsement=endorse_certificate(RELAY, der), time_ms=time * 1000))
        assert str(hop.owner.lost).startswith(told)


def test_a_host_whose_record_is_refused_for_its_time_is_told_how_far_the_clocks_are_apart() -> None:
    der = self_signed(["relay.test"], now=WALL, entropy=Seeded("certificate")).der
    hop = Hop(role=Role.HOST, certificate=der, wall=WALL)
    endorsement = endorse_certificate(RELAY, der)
    hop.say(welcome(endorsement=endorsement, time_ms=(WALL + 5 * 86_400) * 1000))
    hop.hop.carrier_lost(CloseCode.CLOCK, "", hop.now)
    assert hop.owner.lost is not None and hop.owner.lost.code is CloseCode.CLOCK
    assert str(hop.owner.lost).startswith("The clocks differ by 5 days: this machine's is behind the relay's.")
