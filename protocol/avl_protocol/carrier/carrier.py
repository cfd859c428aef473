"""Carrier: the contract between sessions and every kind of connection.

Raw QUIC, WebTransport and WebSocket satisfy it structurally; the code above does not depend on the kind (spec
02-transport).
A carrier calls its receiver; it never calls back into itself while doing so, and it is driven by one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from avl_protocol.rate.control import RateState


class CarrierReceiver(Protocol):
    """What the owner of a carrier is told. Times are seconds of the caller's monotonic clock."""

    def carrier_ready(self, now: float) -> None:
        """The connection is established: streams and datagrams may be sent."""

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        """Bytes arrived in order on a stream (a new id: the peer opened it). Return credit with `consume`."""

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        """The peer abandoned its side of a stream."""

    def stream_writable(self, stream: int, now: float) -> None:
        """A stream whose backlog exceeded a limit has drained below half of it."""

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        """Datagram payloads arrived, their leading zero bytes included (spec 05-media): all of one wake-up, after what
        arrived on streams."""

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        """Datagrams were acknowledged (True) or declared lost, which may turn out spurious: each by its cookie."""

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        """The connection ended; nothing more will be told."""


class Carrier(Protocol):
    """Streams, datagrams, close codes, RTT and backlog of one connection to a neighbour."""

    @property
    def reliable_datagrams(self) -> bool:
        """True where datagrams are never lost: then no parity, no repair, control by backlog."""

    @property
    def max_datagram(self) -> int:
        """Largest datagram payload in bytes."""

    @property
    def rtt(self) -> float | None:
        """Smoothed round-trip time in seconds; None before the first sample."""

    @property
    def latest_rtt(self) -> float | None:
        """The last sample of the round-trip time in seconds; None before the first."""

    @property
    def heard_at(self) -> float:
        """When anything last arrived, in seconds of the caller's clock."""

    @property
    def answered_at(self) -> float:
        """When something last arrived that shows that what we send arrives too."""

    def ping(self, now: float) -> None:
        """Ask the neighbour for a sign of life, whatever else waits."""

    @property
    def rate(self) -> float | None:
        """Bits per second that an encoder may use on this hop now; None before anything is known."""

    def parity(self, fragments: int) -> int:
        """Parity fragments worth sending with an object (or block) of so many."""

    def hold(self, now: float) -> bool:
        """Whether the next picture should not be taken yet: it would only wait on the way."""

    def offer_spare(self, spare: Callable[[int, float], Sequence[bytes]]) -> None:
        """Where datagrams come from that measure the path and may be of use: (how many, now)."""

    def rate_state(self, now: float) -> RateState:
        """What the hop's rate controller thinks, for people and logs."""

    @property
    def datagram_backlog(self) -> int:
        """Bytes of datagrams accepted and not yet sent."""

    @property
    def next_datagram(self) -> object | None:
        """Cookie of the datagram that leaves next; None where none waits, or it has none."""

    @property
    def peer_certificate(self) -> bytes | None:
        """DER of the certificate the server presented (client side), else None."""

    @property
    def server_certificate(self) -> bytes | None:
        """DER of the certificate of this very connection, on both sides; None where there is none."""

    @property
    def peer_address(self) -> tuple[str, int]:
        """Where the neighbour is, as seen here."""

    def open_stream(self) -> int:
        """Open a bidirectional stream and return its id."""

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        """Queue bytes on a stream. Control and input streams leave before every datagram."""

    def set_stream_bulk(self, stream: int) -> None:
        """Mark a stream as bulk: it leaves after every datagram."""

    def reset_stream(self, stream: int, code: int) -> None:
        """Abandon both directions of a stream."""

    def consume(self, stream: int, size: int) -> None:
        """Return flow-control credit for bytes that were received on a stream and are now processed."""

    def stream_backlog(self, stream: int) -> int:
        """Bytes queued on a stream and not yet acknowledged by the neighbour."""

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        """Queue datagram payloads (leading zero byte included), at a rank of `priorities`; streams of input and control
        go before all of them. Past `deadline` an unsent one is dropped silently.

        Raises LocalProtocolError when a payload is larger than `max_datagram`.
        """

    def drop_datagrams(self, priority: int, useless: Callable[[bytes], bool] | None = None) -> int:
        """Forget unsent datagrams of a priority, or those of them that are `useless`, and return how many there
        were."""

    def trust_peer(self) -> None:
        """The neighbour has proved itself: it gets full flow-control windows."""

    def close(self, code: int, text: str) -> None:
        """Close the connection with a code of the registry and a short reason."""
