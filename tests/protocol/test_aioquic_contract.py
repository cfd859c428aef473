"""aioquic is pinned, subclassed and read where it is private: what we lean on is there and behaves as we take it to."""

from __future__ import annotations

import ast
import collections
from importlib.metadata import version
from pathlib import Path

import pytest
from aioquic.h3.connection import H3Connection
from aioquic.quic.connection import QuicConnection
from aioquic.quic.recovery import QuicPacketNumberWindow
from aioquic.quic.stream import QuicStream

import avl_protocol.quic as package
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.contract import PRIVATE_NAMES
from avl_protocol.quic.http3 import Http3Connection
from tests.protocol.pair import Pair


def theirs(pair: Pair) -> dict[str, object]:
    """One instance of each class of theirs whose private names we use."""
    stream = QuicStream(stream_id=0)
    return {
        "QuicConnection": pair.client,
        "QuicPacketRecovery": pair.client._loss,
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
