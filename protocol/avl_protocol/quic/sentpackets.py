"""Packets that were written without aioquic, as its loss recovery keeps them (its QuicSentPacket).

Plain objects, because there is one a packet; of the usual packet, one datagram of media, no more is kept than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aioquic import tls
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicDeliveryState

from avl_protocol.rate.hop import OVERHEAD
from avl_protocol.rate.ledger import PENDING, Record
from avl_protocol.rate.sendqueue import Waiting

ONE_RTT = tls.Epoch.ONE_RTT
#: What is told of a packet's fate: `handler(state, *arguments)`.
Handler = tuple[Callable[..., None], tuple[Any, ...]]


class SentPacket:
    """A packet of any frames; of each that wants to know, `delivery_handlers` are told what became of it."""

    __slots__ = ("delivery_handlers", "in_flight", "packet_number", "sent_bytes", "sent_time")

    epoch = ONE_RTT
    is_crypto_packet = False
    packet_type = QuicPacketType.ONE_RTT
    quic_logger_frames: tuple[()] = ()

    def __init__(self, number: int, size: int, now: float, eliciting: bool, handlers: Sequence[Handler]) -> None:
        self.packet_number = number
        self.sent_bytes = size
        self.sent_time = now
        self.in_flight = eliciting
        self.delivery_handlers = handlers

    @property
    def is_ack_eliciting(self) -> bool:
        """Whether it asks for an acknowledgement: nothing else that is written here counts for the window."""
        return self.in_flight


class SentProbe:
    """A packet that asks whether the path carries one of its size. It takes nothing of the window, since its loss says
    nothing of congestion (RFC 9000, section 14.4). `fate(state, *arguments)` is told what became of it."""

    __slots__ = ("delivery_handlers", "packet_number", "sent_bytes", "sent_time")

    epoch = ONE_RTT
    in_flight = is_crypto_packet = False
    is_ack_eliciting = True
    packet_type = QuicPacketType.ONE_RTT
    quic_logger_frames: tuple[()] = ()

    def __init__(self, number: int, size: int, now: float, fate: Handler) -> None:
        self.packet_number = number
        self.sent_bytes = size
        self.sent_time = now
        self.delivery_handlers = (fate,)


class SentDatagram:
    """A packet of one datagram, and the ledger's record of that. `fate(state, record)` is told what became of it."""

    __slots__ = ("_fate", "again", "cookie", "index", "packet_number", "sent", "sent_bytes", "size", "state")

    epoch = ONE_RTT
    in_flight = is_ack_eliciting = True
    is_crypto_packet = False
    packet_type = QuicPacketType.ONE_RTT
    quic_logger_frames: tuple[()] = ()

    def __init__(
        self,
        number: int,
        now: float,
        waiting: Waiting,
        around: int,
        again: bool,
        fate: Callable[[QuicDeliveryState, Record], None],
    ) -> None:
        self.packet_number = number
        self.sent = now
        size = len(waiting.payload)
        self.sent_bytes = size + around
        self.size = size + OVERHEAD
        self.cookie = waiting.cookie
        self.again = again
        self.index = -1
        self.state = PENDING
        self._fate = fate

    @property
    def sent_time(self) -> float:
        """For aioquic, where it measures."""
        return self.sent

    @property
    def delivery_handlers(self) -> Sequence[Handler]:
        """For aioquic, where it finds out."""
        return ((self._fate, (self,)),)
