"""aioquic is pinned, subclassed and read where it is private: what we lean on is there and behaves as we take it to."""

from __future__ import annotations

import ast
import collections
from importlib.metadata import version
from pathlib import Path

import pytest
from aioquic.h3.connection import H3Connection
from aioquic.quic.connection import QuicConnection, QuicNetworkPath
from aioquic.quic.packet_builder import QuicPacketBuilder
from aioquic.quic.recovery import QuicPacketNumberWindow
from aioquic.quic.stream import QuicStream
from aioquic.tls import Epoch

import avl_protocol.quic as package
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.contract import PRIVATE_NAMES
from avl_protocol.quic.http3 import Http3Connection
from tests.protocol.fixedrate import FixedRate
from tests.protocol.pair import Pair


def theirs(pair: Pair) -> dict[str, object]:
    """One instance of each class of theirs whose private names we use."""
    stream = QuicStream(stream_id=0)
    keys = pair.client._cryptos[Epoch.ONE_RTT]
    client = pair.client
    builder = QuicPacketBuilder(
        host_cid=client.host_cid,
        peer_cid=client._peer_cid.cid,
        version=1,
        is_client=True,
        max_datagram_size=1200,
    )
    return {
        "QuicConnection": pair.client,
        "QuicPacketRecovery": pair.client._loss,
        "QuicPacketBuilder": builder,
        "CryptoPair": keys,
        "AEAD": keys.send.aead,
        "HeaderProtection": keys.send.hp,
        "QuicPacketNumberWindow": QuicPacketNumberWindow(),
        "QuicStreamSender": stream.sender,
        "QuicStreamReceiver": stream.receiver,
        "Context": pair.client.tls,
        "H3Connection": Http3Connection(pair.client, enable_webtransport=True),
    }


def test_the_version_is_the_one_whose_private_names_are_known() -> None:
    assert version("aioquic") == "1.7.2"


def test_every_listed_name_exists() -> None:
    instances = theirs(Pair())
    assert set(instances) == set(PRIVATE_NAMES)
    missing = [
        f"{kind}.{name}"
        for kind, names in PRIVATE_NAMES.items()
        for name in names
        if not hasattr(instances[kind], name)
    ]
    assert missing == []


def test_no_private_name_of_theirs_is_used_that_is_not_listed() -> None:
    used: set[str] = set()
    for path in Path(str(package.__file__)).parent.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                used.add(node.attr)
            elif isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.name.startswith("__"):
                used.add(node.name)
    known: set[str] = set()
    for instance in theirs(Pair()).values():
        stock = next(kind for kind in type(instance).__mro__ if kind.__module__.startswith("aioquic"))
        known.update(name for name in vars(stock) if name.startswith("_"))
    fresh = Pair()
    known.update(name for name in vars(fresh.client) if name in QuicConnection.__init__.__code__.co_names)
    known.update(vars(Http3Connection(fresh.client)).keys() & set(H3Connection.__init__.__code__.co_names))
    listed = frozenset().union(*PRIVATE_NAMES.values())
    assert sorted((used & known) - listed) == []


def test_the_stock_queue_is_blocked_by_one_oversized_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason for a queue of our own."""
    pair = Pair()
    for name in ("_write_application", "_write_datagram_frame", "datagrams_to_send"):
        monkeypatch.setattr(Connection, name, getattr(QuicConnection, name))
    pair.server._datagrams_pending = collections.deque([b"x" * 1400, b"small"])
    assert pair.flush(pair.server) == []
    assert len(pair.server._datagrams_pending) == 2


def test_the_window_of_received_packets_may_be_widened() -> None:
    window = QuicPacketNumberWindow()
    window._size = 1024
    for number in range(1000, 1600):
        window.add(number)
    assert 700 not in window
    assert 1000 in window


def test_an_acknowledgement_due_exactly_now_is_held_back_by_the_stock_pacer() -> None:
    """Why `datagrams_to_send` moves it by the smallest step: otherwise its timer would fire for ever."""
    pair = Pair()
    pair.client.send_datagrams([b"\0"], 2, None, None)
    pair.deliver(pair.client, pair.flush(pair.client))
    space = next(space for space in pair.server._spaces.values() if space.is_application_data)
    blocked = pair.now + 5

    class Blocked:
        def next_send_time(self, now: float) -> float:
            return blocked

        def update_after_send(self, now: float) -> None: ...

        def update_rate(self, congestion_window: int, smoothed_rtt: float) -> None: ...

    pair.server._loss._pacer = Blocked()  # type: ignore[assignment]
    space.ack_at = pair.now
    assert QuicConnection.datagrams_to_send(pair.server, pair.now) == []
    assert len(pair.flush(pair.server)) == 1


def test_a_server_goes_where_a_clients_packets_come_from() -> None:
    """Why following an address takes no more than sending from it."""
    pair = Pair()
    pair.client.send_ping(0)
    for data in pair.flush(pair.client):
        QuicConnection.receive_datagram(pair.server, data, ("192.0.2.7", 7), pair.now)
    assert pair.server._network_paths[0].addr == ("192.0.2.7", 7)
    assert not pair.server._network_paths[0].is_validated
    pair.server.send_ping(0)
    sent = sum(len(data) for data in pair.flush(pair.server))
    assert 0 < sent <= 3 * pair.server._network_paths[0].bytes_received


def test_a_path_that_a_client_adds_is_tried_beside_the_one_in_use() -> None:
    """Why making before breaking takes no more than naming another path with a connection ID of its own."""
    pair = Pair()
    first, spare = pair.client._network_paths[0], len(pair.client._peer_cid_available)
    attempt = QuicNetworkPath((*first.addr[:2], "another"))
    attempt.peer_cid = pair.client._peer_cid_available.pop(0)
    pair.client._add_network_path(attempt)
    addresses = [address for _, address in pair.client.datagrams_to_send(pair.now)]
    assert attempt.addr in addresses and spare > 0
    assert pair.client._network_paths[0] is first, "it is not in use before it has answered"


def test_a_probe_leaves_whatever_the_window_says() -> None:
    pair = Pair()
    stream = pair.client.open_stream()
    pair.client.use_controller(FixedRate(1e9, 3000))
    pair.client.write_stream(stream, bytes(50_000))
    pair.flush(pair.client)
    assert pair.flush(pair.client) == []
    pair.client._probe_pending = True
    assert len(pair.flush(pair.client)) >= 1
    assert not pair.client._probe_pending


def test_without_a_sample_the_next_round_trip_is_taken_as_the_first() -> None:
    pair = Pair()
    loss = pair.client._loss
    assert loss._rtt_initialized and loss._rtt_smoothed > 0 and loss._pto_count == 0
    loss._rtt_initialized = False
    pair.client.send_ping(0)
    pair.run(0.2)
    assert loss._rtt_initialized and loss._rtt_min <= loss._rtt_latest == loss._rtt_smoothed
