"""Our rate controller and pacer in the places where aioquic keeps its own.

aioquic grows its window while the application sends little, so that a keyframe later leaves as one burst; and it
derives the pacing rate itself. The controller decides both here, through two small adapters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from aioquic.quic.congestion.base import QuicCongestionControl, register_congestion_control
from aioquic.quic.packet_builder import QuicSentPacket

from avl_protocol.rate.interim import InterimController
from avl_protocol.rate.pacer import Pacer

NAME = "avl"


class RateController(Protocol):
    """What a hop's rate controller offers. Times are seconds, sizes bytes."""

    @property
    def congestion_window(self) -> int:
        """Bytes that may be in flight."""

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second, None for no pacing."""

    @property
    def target_bitrate(self) -> float | None:
        """Bits per second the hop could carry now, None while unknown."""

    def on_sent(self, in_flight: int) -> None:
        """A packet left and so many bytes are unacknowledged."""

    def on_acked(self, now: float, size: int) -> None:
        """A packet of `size` bytes was acknowledged."""

    def on_lost(self, now: float, packets: int) -> None:
        """Packets were declared lost."""

    def on_persistent_congestion(self) -> None:
        """RFC 9002, section 7.6."""

    def on_rtt(self, now: float, rtt: float) -> None:
        """A raw round-trip sample."""


class CongestionAdapter(QuicCongestionControl):
    """aioquic's view of a RateController."""

    def __init__(self, *, max_datagram_size: int) -> None:
        super().__init__(max_datagram_size=max_datagram_size)
        self.use(InterimController(max_datagram_size))

    def use(self, controller: RateController) -> None:
        """Let `controller` decide from now on."""
        self.controller = controller
        self.congestion_window = controller.congestion_window

    def on_packet_sent(self, *, packet: QuicSentPacket) -> None:
        self.bytes_in_flight += packet.sent_bytes
        self.controller.on_sent(self.bytes_in_flight)

    def on_packet_acked(self, *, now: float, packet: QuicSentPacket) -> None:
        self.bytes_in_flight -= packet.sent_bytes
        self.controller.on_acked(now, packet.sent_bytes)
        self.congestion_window = self.controller.congestion_window

    def on_packets_expired(self, *, packets: Iterable[QuicSentPacket]) -> None:
        self.bytes_in_flight -= sum(packet.sent_bytes for packet in packets)

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        lost = [packet.sent_bytes for packet in packets]
        self.bytes_in_flight -= sum(lost)
        self.controller.on_lost(now, len(lost))
        self.congestion_window = self.controller.congestion_window

    def on_persistent_congestion(self) -> None:
        self.controller.on_persistent_congestion()
        self.congestion_window = self.controller.congestion_window

    def on_rtt_measurement(self, *, now: float, rtt: float) -> None:
        self.controller.on_rtt(now, rtt)


class PacerAdapter:
    """aioquic's view of a Pacer that follows the controller's rate."""

    def __init__(self, congestion: CongestionAdapter, packet_size: int) -> None:
        self._congestion = congestion
        self._pacer = Pacer(packet_size)

    def next_send_time(self, now: float) -> float | None:
        """None: send now."""
        self._pacer.rate = self._congestion.controller.pacing_rate
        return self._pacer.next_send_time(now)

    def update_after_send(self, now: float) -> None:
        """A packet left."""
        self._pacer.sent(now)

    def update_rate(self, congestion_window: int, smoothed_rtt: float) -> None:
        """aioquic's own idea of a rate is not used: the controller is asked before every packet."""


register_congestion_control(NAME, CongestionAdapter)
