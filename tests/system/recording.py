"""A recording relay: every byte that it is given and every byte that it passes on, in both directions, kept.

What is kept is what a relay sees: the hops' plaintext, TLS taken off. `open_capture` opens it with a session's keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from avl_protocol.crypto.channel import open_channel
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener
from avl_protocol.media.reassembler import Assembled, Reassembler
from avl_protocol.session.hop.server import HopServer, HopServerState
from avl_protocol.session.hop.stream import HeaderReader
from avl_protocol.wire import datagram
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.endtoend import Grant, MediaKeys
from avl_protocol.wire.framing import FrameReader
from avl_protocol.wire.registry import MAX_RECORD_DATA, StreamType

#: Handshake messages of each direction before the first record, where nobody is asked.
HANDSHAKE_MESSAGES = 3


@dataclass
class Capture:
    """Streams by (peer, whether the relay received it, stream); datagrams by (peer, whether the relay received it)."""

    streams: dict[tuple[HopServer, bool, int], bytearray] = field(default_factory=dict)
    datagrams: dict[tuple[HopServer, bool], list[bytes]] = field(default_factory=dict)

    def stream(self, peer: HopServer, received: bool, stream: int, data: bytes) -> None:
        """Keep a stream's bytes."""
        self.streams.setdefault((peer, received, stream), bytearray()).extend(data)

    def datagram(self, peer: HopServer, received: bool, data: bytes) -> None:
        """Keep a datagram."""
        self.datagrams.setdefault((peer, received), []).append(data)

    def objects(self, peer: HopServer, received: bool) -> list[tuple[int, Assembled]]:
        """Media objects put together from a peer's datagrams, sealed as they are, each with its track."""
        tracks: dict[int, Reassembler] = {}
        out = []
        for data in self.datagrams.get((peer, received), []):
            header, payload = datagram.decode(data)
            whole = tracks.setdefault(header.track, Reassembler()).add(header, payload, 0.0)
            if whole is not None:
                out.append((header.track, whole))
        return out

    def blobs(self) -> list[bytes]:
        """Everything an eavesdropper could search: streams, datagrams, and objects put together."""
        pieces = [bytes(data) for data in self.streams.values()]
        pieces += [data for kept in self.datagrams.values() for data in kept]
        pieces += [whole.sealed for peer, received in self.datagrams for _, whole in self.objects(peer, received)]
        return pieces


class _RecordingCarrier:
    """A carrier that keeps what is sent on it."""

    def __init__(self, carrier: Any, peer: HopServer, capture: Capture) -> None:
        self._carrier, self._peer, self._capture = carrier, peer, capture

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        self._capture.stream(self._peer, False, stream, data)
        self._carrier.send_stream(stream, data, end)

    def send_datagrams(self, payloads: Sequence[bytes], *more: Any) -> None:
        for data in payloads:
            self._capture.datagram(self._peer, False, data)
        self._carrier.send_datagrams(payloads, *more)


def record(monkeypatch: pytest.MonkeyPatch) -> Capture:
    """From now on every relay of this process records."""
    capture = Capture()
    attach, stream_received, datagrams_received = (
        HopServer.attach_carrier,
        HopServer.stream_received,
        HopServer.datagrams_received,
    )

    def attaching(peer: HopServer, carrier: Any) -> None:
        attach(peer, _RecordingCarrier(carrier, peer, capture))

    def receiving(peer: HopServer, stream: int, data: bytes, end: bool, now: float) -> None:
        capture.stream(peer, True, stream, data)
        stream_received(peer, stream, data, end, now)

    def receiving_datagrams(peer: HopServer, datagrams: Sequence[bytes], now: float) -> None:
        for data in datagrams:
            capture.datagram(peer, True, data)
        datagrams_received(peer, datagrams, now)

    monkeypatch.setattr(HopServer, "attach_carrier", attaching)
    monkeypatch.setattr(HopServer, "stream_received", receiving)
    monkeypatch.setattr(HopServer, "datagrams_received", receiving_datagrams)
    return capture


@dataclass
class Opened:
    """A capture opened: plaintext by (channel, whether the viewer said it), and that of media objects."""

    channels: dict[tuple[int, bool], bytes] = field(default_factory=dict)
    objects: list[bytes] = field(default_factory=list)


def _behind_handshake(data: bytes) -> bytes:
    for _ in range(HANDSHAKE_MESSAGES):
        data = data[2 + int.from_bytes(data[:2], "big") :]
    return data


def open_capture(capture: Capture, keys: SessionKeys, session_id: bytes) -> Opened:
    """Open what one viewer's session said and was told, with the keys that only its ends have."""
    opened = Opened()
    media: list[MediaKey] = []
    grant: Grant | None = None
    viewer: HopServer | None = None
    for (peer, received, stream), data in list(capture.streams.items()):
        if not received or peer.state is HopServerState.HOST or peer.device is not None:
            continue
        begun = HeaderReader().feed(bytes(data))
        if begun is None or begun[0].type != StreamType.CHANNEL:
            continue
        viewer, channel = peer, begun[0].channel
        for from_viewer, raw in ((True, begun[1]), (False, bytes(capture.streams.get((peer, False, stream), b"")))):
            records = _behind_handshake(raw) if channel == 0 else raw
            plain = open_channel(keys, channel, not from_viewer, session_id).receive(records)
            opened.channels[channel, from_viewer] = b"".join(plain)
            if channel == 0 and not from_viewer:
                frames = FrameReader(MAX_RECORD_DATA)
                for message in (CONTROL.decode(m) for chunk in plain for m in frames.feed(chunk)):
                    if isinstance(message, Grant):
                        grant = message
                    if isinstance(message, (Grant, MediaKeys)):
                        media += [MediaKey.from_bytes(key) for key in message.keys]
    assert grant is not None and viewer is not None
    opener = ObjectOpener(grant.media_session, grant.signer)
    for key in media:
        opener.add_key(key.generation, key.step, key.base)
    for track, whole in capture.objects(viewer, False):
        opened.objects.append(opener.open(track, whole.number, whole.flags, whole.sealed))
    return opened
