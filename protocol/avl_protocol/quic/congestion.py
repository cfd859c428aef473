"""Our rate controller and pacer in the places where aioquic keeps its own.

aioquic grows its window while the application sends little, so that a keyframe later leaves as one burst; and it
derives the pacing rate itself. The controller decides both here, through two small adapters. Streams and datagrams
share its one budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager

from aioquic.quic.congestion.base import QuicCongestionControl, register_congestion_control
from aioquic.quic.packet_builder import QuicPacketBuilderStop, QuicSentPacket

from avl_protocol.quic.pathmtu import BASE, PathMtu
from avl_protocol.quic.sentpackets import SentDatagram
from avl_protocol.rate.ackwindow import AckWindow
from avl_protocol.rate.control import RateController
from avl_protocol.rate.hop import HopRate
from avl_protocol.rate.ledger import Sent
from avl_protocol.rate.pacer import BURST, Pacer

NAME = "avl"
#: Bytes that control and input may have in flight beyond the window: they must not wait for a keyframe's answer.
RESERVE = 4800
#: Seconds after the last datagram that the rate paces until acknowledgements alone decide.
QUIET = 0.25
#: Seconds over which the delivery of streams is counted.
COUNTED = 0.1
#: Packets of bulk that a window is divided into at least.
PACKETS = 4
#: Seconds of the path that a packet may take beside media, which wait behind it.
PACKET_TIME = 0.001


class CongestionAdapter(QuicCongestionControl):
    """aioquic's view of a hop's RateController, which `attach` names before the first packet; while no media flows, and
    so no feedback comes, of an AckWindow."""

    hop: HopRate

    def __init__(self, *, max_datagram_size: int) -> None:
        super().__init__(max_datagram_size=max_datagram_size)
        self.congestion_window = 10 * max_datagram_size
        self.streams = AckWindow(max_datagram_size)
        self.mtu = PathMtu()
        self.silent = True
        #: When the peer last acknowledged a packet, in seconds of the caller's clock.
        self.answered_at = 0.0
        self._acked = 0
        self._acked_at = 0.0

    def attach(self, hop: HopRate) -> None:
        """Let the controller of `hop` decide."""
        self.hop = hop
        self.follow(0.0)

    @property
    def _controller(self) -> RateController:
        return self.hop.controller

    @property
    def bulk_window(self) -> int:
        """Bytes in flight up to which bulk streams may add."""
        return self.streams.congestion_window if self.silent else self._controller.bulk_window

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave now."""
        return self.streams.pacing_rate if self.silent else self.hop.pacing_rate

    def sustained_rate(self, now: float) -> float | None:
        """Bytes per second at which packets leave that have left for a while; None: as `pacing_rate` says."""
        return None if self.silent else self.hop.sustained_rate(now)

    @property
    def bulk_size(self) -> int:
        """Bytes that a packet of a bulk stream may have: what the path carries, and a part of the window, so that
        others follow by which its loss is noticed. Beside media no more than is over soon."""
        largest = self.mtu.size
        if largest == BASE:
            return BASE
        largest = min(largest, self.bulk_window // PACKETS)
        target = self._controller.target_bitrate
        if not self.silent and target is not None:
            largest = min(largest, int(target / 8 * PACKET_TIME))
        return max(BASE, largest)

    def follow(self, now: float) -> None:
        """Take the window of who decides at `now`."""
        self.silent = now - self.hop.paced_at > QUIET
        window = self.streams.congestion_window if self.silent else self._controller.congestion_window
        self.congestion_window = window + RESERVE

    def on_packet_sent(self, *, packet: QuicSentPacket) -> None:
        self.bytes_in_flight += packet.sent_bytes
        self.streams.on_sent(self.bytes_in_flight)
        self._controller.on_sent(packet.sent_time or 0.0, packet.sent_bytes, self.bytes_in_flight)

    def on_packets_sent(self, now: float, size: int) -> None:
        """Packets of `size` bytes together left at `now`, all to be acknowledged."""
        self.bytes_in_flight += size
        self.streams.on_sent(self.bytes_in_flight)
        self._controller.on_sent(now, size, self.bytes_in_flight)

    def on_packet_acked(self, *, now: float, packet: QuicSentPacket) -> None:
        self.bytes_in_flight -= packet.sent_bytes
        self.answered_at = self.hop.answered_at = now
        self.streams.on_acked(now, packet.sent_bytes)
        self._controller.on_acked(now, packet.sent_bytes, packet.sent_time or 0.0)
        if packet.sent_bytes > BASE:
            self.mtu.arrived(packet.packet_number)
        for _, arguments in packet.delivery_handlers:
            if arguments and isinstance(arguments[0], (Sent, SentDatagram)):
                break
        else:
            self._acked += packet.sent_bytes

    def on_datagrams_acked(self, now: float, sizes: Sequence[int]) -> None:
        """Packets of one datagram each, of these sizes, were acknowledged."""
        size = sum(sizes)
        self.bytes_in_flight -= size
        self.answered_at = self.hop.answered_at = now
        self.streams.on_acked(now, sizes[0])  # may end a round, to which the others do not belong
        if len(sizes) > 1:
            self.streams.on_acked(now, size - sizes[0], len(sizes) - 1)
        self._controller.on_acked(now, size, now)

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        lost = []
        for packet in packets:
            lost.append(packet.sent_bytes)
            if packet.sent_bytes > BASE:
                self.mtu.lost(packet.packet_number, silence=False)
        self.bytes_in_flight -= sum(lost)
        self.streams.on_lost(now, len(lost))
        self._controller.on_lost(now, len(lost))
        self.follow(now)

    def on_persistent_congestion(self) -> None:
        self.streams.on_persistent_congestion()
        self._controller.on_persistent_congestion()

    def on_rtt_measurement(self, *, now: float, rtt: float) -> None:
        self.streams.on_rtt(now, rtt)
        self._controller.on_rtt(now, rtt)
        self.hop.on_rtt(rtt)
        if now - self._acked_at > COUNTED:
            self._controller.on_elsewhere(self._acked / (now - self._acked_at))
            self._acked, self._acked_at = 0, now
        self.follow(now)

    def on_packets_expired(self, *, packets: Iterable[QuicSentPacket]) -> None:
        for packet in packets:
            self.bytes_in_flight -= packet.sent_bytes
            if packet.sent_bytes > BASE:
                self.mtu.lost(packet.packet_number, silence=True)


class PacerAdapter:
    """aioquic's view of a Pacer that follows the controller's rate.

    `urgent`: what is written now leaves unpaced. `bulk`: at the rate itself, so that it makes no queue. `size`: bytes
    of the packet being written, where that is known. `waited`: what is written now has waited for its time.
    """

    def __init__(self, congestion: CongestionAdapter, packet_size: int, burst: float = BURST) -> None:
        self._congestion = congestion
        self._pacer = Pacer(packet_size, burst)
        self.urgent = self.bulk = self.waited = False
        self.size: int | None = None
        self._waiting: Sized | None = None
        self._left = False

    @contextmanager
    def while_any(self, waiting: Sized | None) -> Iterator[None]:
        """Let aioquic's writer stop once a packet has left and nothing waits: it would begin another in vain. None: let
        it go on."""
        self._waiting, self._left = waiting, False
        try:
            yield
        finally:
            self._waiting = None

    def next_send_time(self, now: float) -> float | None:
        """None: send now. Raises QuicPacketBuilderStop where there is nothing more to send (`while_any`)."""
        if self._left and self._waiting is not None and not self._waiting:
            raise QuicPacketBuilderStop
        if self.urgent:
            return None
        rate = self._congestion.pacing_rate
        target = self._congestion.hop.controller.target_bitrate
        if self.bulk and not self._congestion.silent and target is not None:
            rate = target / 8
        self._pacer.rate = rate
        self._pacer.sustained = self._congestion.sustained_rate(now)
        return self._pacer.next_send_time(now)

    def granted(self, now: float) -> float:
        """Bytes of which may have left when one more packet leaves now."""
        self._pacer.rate = self._congestion.pacing_rate
        self._pacer.sustained = self._congestion.sustained_rate(now)
        return self._pacer.granted(now, waited=self.waited)

    def spend(self, now: float, size: int) -> None:
        """Packets of `size` bytes together left."""
        self._pacer.sent(now, size, waited=self.waited)
        self._left = True

    def update_after_send(self, now: float) -> None:
        """A packet left."""
        self._pacer.sent(now, self.size, waited=self.waited)
        self.size = None
        self._left = True

    def update_rate(self, congestion_window: int, smoothed_rtt: float) -> None:
        """aioquic's own idea of a rate is not used: the controller is asked before every packet."""


register_congestion_control(NAME, CongestionAdapter)
