"""A connection whose addresses change: it goes on, begins to measure anew, and is not led about (RFC 9000, 9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aioquic.quic.connection import NetworkAddress

from avl_protocol.quic.connection import Connection
from avl_protocol.quic.migration import AHEAD, AHEAD_LIFE, MIGRATIONS
from tests.protocol.fixedrate import FixedRate
from tests.protocol.pair import CLIENT, SERVER, Pair

VIDEO = 2
WIFI, LTE = "10.0.0.2", "192.0.2.7"


class Walk:
    """A pair whose client walks from network to network. `alive`: its addresses that carry packets; `at`: the one that
    packets leave from where nothing says which."""

    def __init__(self, delay: float = 0.04) -> None:
        self.pair = Pair(delay=delay)
        self.client, self.server = self.pair.client, self.pair.server
        self.rtt = delay
        self.at: tuple[str, int] = CLIENT
        self.alive: set[tuple[str, int]] = {CLIENT}
        self.run(5 * delay)
        self.sources: list[tuple[str, int]] = []

    @property
    def now(self) -> float:
        return self.pair.now

    def _source(self, address: NetworkAddress) -> tuple[str, int]:
        return (address[2], CLIENT[1]) if len(address) > 2 else self.at

    def _carry(self, sender: Connection, data: bytes, address: NetworkAddress) -> None:
        if sender is self.client:
            source = self._source(address)
            if source in self.alive:
                self.sources.append(source)
                self.server.receive_datagram(data, source, self.now)
        elif address[:2] in self.alive:
            self.client.receive_datagram(data, self.client.arriving_as(SERVER, (address[0],)), self.now)

    def flush(self, sender: Connection) -> None:
        for data, address in sender.datagrams_to_send(self.now):
            self._carry(sender, data, address)
        self.pair.drain()

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float:
        """Let time pass; how long it took."""
        began = self.now
        while self.now < began + seconds and not until():
            for sender in (self.client, self.server):
                self.pair.now += self.rtt / 2
                self.flush(sender)
                due = sender.get_timer()
                if due is not None and due <= self.now:
                    sender.handle_timer(self.now)
        return self.now - began

    def goes_on(self) -> None:
        """Both directions carry streams and datagrams."""
        stream = self.client.open_stream()
        self.client.write_stream(stream, b"question")
        self.run(1.0, lambda: self.pair.stream_bytes(self.server, stream) == b"question")
        self.server.write_stream(stream, b"answer")
        self.server.send_datagrams([b"\0picture"], VIDEO, None, None)
        before = len(self.pair.received(self.client))
        self.run(1.0, lambda: len(self.pair.received(self.client)) > before)
        assert self.pair.stream_bytes(self.client, stream) == b"answer"
        assert len(self.pair.received(self.client)) > before


def moved(host: str = LTE, port: int = 2) -> Walk:
    """The old address is gone, and the client has noticed."""
    walk = Walk()
    walk.at = (host, port)
    walk.alive = {walk.at}
    walk.client.follow(walk.now)
    return walk


def test_a_server_goes_on_at_the_new_address_within_a_round_trip() -> None:
    walk = moved()
    walk.server.send_datagrams([b"\0" + bytes(1000)] * 3, VIDEO, None, None)
    took = walk.run(1.0, lambda: len(walk.pair.received(walk.client)) == 3)
    assert took <= walk.rtt + 1e-9
    assert walk.server.migrations == 1
    walk.goes_on()


def test_enough_is_sent_ahead_for_a_picture_to_be_answered_before_the_address_is_proved() -> None:
    walk = moved()
    queue = walk.client.queue
    assert [len(queue[at].payload) > 1100 for at in range(len(queue))] == [True] * AHEAD
    sizes, until = [], walk.now + AHEAD_LIFE
    while walk.now < until:  # the pacer spreads them; nothing comes back
        sizes += [len(data) for data, _ in walk.client.datagrams_to_send(walk.now)]
        walk.pair.now += 0.005
    assert sum(size >= 1150 for size in sizes) >= AHEAD
    assert 3 * sum(sizes) >= 12_000


def test_a_new_address_comes_with_a_new_connection_id() -> None:
    walk = Walk()
    before = walk.client.peer_connection_id
    walk.client.follow(walk.now)
    after = walk.client.peer_connection_id
    assert before != after
    packets = [data for data, _ in walk.client.datagrams_to_send(walk.now)]
    assert packets and all(data[1 : 1 + len(after)] == after for data in packets)


def test_both_ends_begin_to_measure_anew_when_the_ip_address_has_changed() -> None:
    walk = Walk()
    before = walk.client.hop.controller, walk.server.hop.controller
    assert walk.server.smoothed_rtt is not None
    walk.at = (LTE, 2)
    walk.alive = {walk.at}
    walk.client.follow(walk.now)
    assert walk.client.hop.controller is not before[0] and walk.client.smoothed_rtt is None
    walk.flush(walk.client)
    assert walk.server.hop.controller is not before[1] and walk.server.smoothed_rtt is None
    walk.goes_on()
    assert walk.client.smoothed_rtt is not None and walk.server.smoothed_rtt is not None


def test_a_port_that_a_nat_has_changed_is_followed_with_what_was_measured() -> None:
    walk = Walk()
    before, rtt = walk.server.hop.controller, walk.server.smoothed_rtt
    walk.at = (CLIENT[0], 40_000)
    walk.alive = {walk.at}
    walk.client.ask()
    walk.run(3 * walk.rtt)
    assert walk.server.migrations == 1 and walk.server.get_peer_address() == walk.at
    assert walk.server.hop.controller is before and rtt is not None
    walk.goes_on()


# -- make before break -------------------------------------------------------------------------------------------------


def test_a_client_with_two_addresses_changes_over_and_loses_nothing() -> None:
    walk = Walk()
    walk.alive = {CLIENT, (LTE, 2)}
    walk.server.use_controller(FixedRate(1e9))
    stream = walk.client.open_stream()
    sent = 0
    for step in range(40):
        if step == 10:
            assert walk.client.try_from(WIFI, LTE)
        numbered = [b"\0" + number.to_bytes(4, "big") + bytes(400) for number in range(sent, sent + 5)]
        walk.server.send_datagrams(numbered, VIDEO, None, list(range(sent, sent + 5)))
        walk.client.write_stream(stream, step.to_bytes(2, "big"))
        sent += 5
        walk.run(walk.rtt)
    walk.run(1.0)
    pictures = [data for data in walk.pair.received(walk.client) if len(data) == 405]
    assert [int.from_bytes(data[1:5], "big") for data in pictures] == list(range(sent))
    assert walk.pair.stream_bytes(walk.server, stream) == b"".join(step.to_bytes(2, "big") for step in range(40))
    assert all(acked for _, acked in walk.server.take_fates())
    assert walk.client.local_pin == LTE and walk.server.get_peer_address() == (LTE, 2)
    assert walk.client.migrations == walk.server.migrations == 1
    walk.alive = {(LTE, 2)}
    walk.goes_on()


def test_until_the_new_address_has_answered_everything_else_leaves_from_the_old_one() -> None:
    walk = Walk()
    walk.alive = {CLIENT}  # nothing comes of the other
    controller = walk.client.hop.controller
    assert walk.client.try_from(WIFI, LTE)
    walk.goes_on()
    walk.run(10.0)
    walk.goes_on()
    assert walk.client.local_pin == WIFI and walk.server.get_peer_address() == CLIENT
    assert walk.client.hop.controller is controller and walk.client.migrations == walk.server.migrations == 0
    assert not walk.client.ended


def test_without_a_connection_id_to_spare_no_other_address_is_tried() -> None:
    walk = Walk()
    while walk.client.spare_connection_ids:
        walk.client.change_connection_id()
    assert not walk.client.try_from(WIFI, LTE)
    assert walk.client.local_pin is None
    walk.goes_on()
    early = Pair(handshake=False)
    assert not early.client.try_from(WIFI, LTE)


def test_a_client_may_follow_after_it_has_chosen_an_address() -> None:
    walk = Walk()
    walk.alive = {CLIENT, (LTE, 2)}
    assert walk.client.try_from(WIFI, LTE)
    walk.run(1.0)
    assert walk.client.local_pin == LTE
    walk.at, walk.alive = CLIENT, {CLIENT}
    walk.client.follow(walk.now)
    assert walk.client.local_pin is None
    walk.goes_on()
    assert walk.server.get_peer_address() == CLIENT


# -- who leads a server about ------------------------------------------------------------------------------------------


def hop(walk: Walk, port: int) -> bool:
    """The client sends from another port; whether the server took notice."""
    before = walk.server.migrations
    walk.client.send_ping(0)
    for data, _ in walk.client.datagrams_to_send(walk.now):
        walk.server.receive_datagram(data, (LTE, port), walk.now)
    walk.pair.drain()
    return walk.server.migrations > before


def test_more_than_six_new_addresses_at_once_are_not_listened_to() -> None:
    walk = Walk()
    assert [hop(walk, 100 + at) for at in range(10)] == [True] * int(MIGRATIONS) + [False] * 4
    walk.pair.now += 1.0
    assert [hop(walk, 200 + at) for at in range(4)] == [True, True, False, False], "two a second from then on"
    walk.pair.now += 60.0
    assert not walk.server.ended


def test_an_address_that_is_known_is_always_listened_to() -> None:
    walk = Walk()
    for at in range(10):
        hop(walk, 100 + at)
    known = walk.server.get_peer_address()
    assert known is not None
    assert walk.server.accepts_from(known, walk.now) and not walk.server.accepts_from((LTE, 999), walk.now)
    walk.at = (LTE, known[1])
    walk.alive = {walk.at}
    walk.goes_on()


def test_a_client_listens_to_its_server_alone() -> None:
    walk = Walk()
    assert walk.client.accepts_from(SERVER, walk.now)
    assert not walk.client.accepts_from(("10.0.0.66", 1), walk.now)
    assert not walk.client.accepts_from((SERVER[0], SERVER[1] + 1), walk.now)


# -- asking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asks", [True, False])
def test_a_question_leaves_even_where_the_window_is_full(asks: bool) -> None:
    walk = Walk()
    stream = walk.client.open_stream()
    walk.client.use_controller(FixedRate(1e9, 6000))
    walk.client.write_stream(stream, bytes(100_000))
    walk.client.datagrams_to_send(walk.now)  # lost
    assert walk.client.datagrams_to_send(walk.now) == []
    if asks:
        walk.client.ask()
        assert walk.client.wants_flush(walk.now)
    assert bool(walk.client.datagrams_to_send(walk.now)) is asks


def test_an_answer_shows_when_the_peer_was_last_there() -> None:
    walk = Walk()
    walk.run(5.0)
    before = walk.client.heard_at
    assert walk.now - before > 1.0
    walk.client.ask()
    walk.run(2 * walk.rtt)
    assert walk.client.heard_at > before and walk.now - walk.client.heard_at <= 2 * walk.rtt
