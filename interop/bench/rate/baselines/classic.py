"""ClassicController: the congestion control that aioquic 1.7.2 brings along, NewReno or CUBIC, behind a RateController.

What a program gets that leaves everything to its transport. The window is aioquic's own object, told of packets as its
recovery does; a target for media is derived from it, for a window has none.

Simplified: the transport reports sizes, not packet numbers, so what is acknowledged or lost is taken for the oldest
bytes there are (off by at most the reordering threshold), except losses that a report names; bytes in flight are the
transport's own count; the window is capped at what RMAX needs, because aioquic lets it grow while the application does
not fill it. aioquic's bursts of 16 packets are the pacer's business and left out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from aioquic.quic.congestion.base import QuicCongestionControl, create_congestion_control
from aioquic.quic.congestion.cubic import CubicCongestionControl
from aioquic.quic.congestion.reno import RenoCongestionControl
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicSentPacket
from aioquic.tls import Epoch

from avl_protocol.rate.control import Arrival, RateState
from interop.bench.rate.baselines.base import Baseline, clamped

#: Share of window / round trip that media may use: acknowledgements and repairs want some.
TARGET_SHARE = 0.9
#: The window is capped at so many times what `rmax` has in flight.
CAP_SHARE = 2.5
NAMES = {"reno": RenoCongestionControl, "cubic": CubicCongestionControl}


class ClassicController(Baseline):
    """`name` is "reno" or "cubic" (else KeyError); rates in bit/s, `packet_size` in bytes."""

    def __init__(self, *, name: str, rmin: float, rstart: float, rmax: float, packet_size: int) -> None:
        super().__init__(rmin, rstart, rmax, packet_size)
        self.name = name
        if name not in NAMES:
            raise KeyError(name)
        self.control: QuicCongestionControl = create_congestion_control(name, max_datagram_size=packet_size)
        self._packets: deque[QuicSentPacket] = deque()
        self._number = 0
        #: Bytes in `_packets`, and acknowledged ones that do not make up its first packet yet.
        self._bytes = 0
        self._acked = 0
        self._named, self._named_at = 0, -math.inf

    @property
    def congestion_window(self) -> int:
        """aioquic's window."""
        return int(self.control.congestion_window)

    @property
    def target_bitrate(self) -> float | None:
        """TARGET_SHARE of window / round trip; None before a round trip is known."""
        if self.smoothed_rtt is None:
            return None
        return clamped(TARGET_SHARE * 8 * self.congestion_window / self.smoothed_rtt, self.rmin, self.rmax)

    @property
    def pacing_rate(self) -> float | None:
        """Window / round trip, in bytes per second; None before a round trip is known."""
        return None if self.smoothed_rtt is None else self.congestion_window / self.smoothed_rtt

    def on_sent(self, now: float, size: int, in_flight: int) -> None:
        """A packet left; what the transport no longer counts is forgotten."""
        packet = QuicSentPacket(
            epoch=Epoch.ONE_RTT,
            in_flight=True,
            is_ack_eliciting=True,
            is_crypto_packet=False,
            packet_number=self._number,
            packet_type=QuicPacketType.ONE_RTT,
            sent_time=now,
            sent_bytes=size,
        )
        self._number += 1
        self._packets.append(packet)
        self._bytes += size
        self.control.on_packet_sent(packet=packet)
        while self._bytes > in_flight and len(self._packets) > 1:
            self._take()
        self.control.bytes_in_flight = in_flight
        self._cap()  # CUBIC begins anew after two idle seconds

    def on_acked(self, now: float, size: int, sent: float) -> None:
        """So many bytes were acknowledged, of one packet or of several."""
        if now == self._named_at:
            # A transport that counts what reports answered has counted the losses among them too.
            size, self._named = max(0, size - self._named), max(0, self._named - size)
        self._acked += size
        while self._packets and self._acked >= self._packets[0].sent_bytes:
            packet = self._take()
            self._acked -= packet.sent_bytes
            self.control.on_packet_acked(now=now, packet=packet)
            self._cap()
        if not self._packets:
            self._acked = 0

    def on_lost(self, now: float, packets: int) -> None:
        """The oldest packets were lost."""
        self._lose(now, [self._take() for _ in range(min(packets, len(self._packets)))])

    def on_feedback(self, now: float, arrivals: Sequence[Arrival], lost: Sequence[tuple[float, int]]) -> None:
        """Take the losses that a report names, unless the transport told of them before."""
        super().on_feedback(now, arrivals, lost)
        self._named, self._named_at = 0, now
        gone = []
        for sent, _ in lost:
            place = next((i for i, packet in enumerate(self._packets) if packet.sent_time == sent), None)
            if place is not None:
                gone.append(self._packets[place])
                del self._packets[place]
                self._bytes -= gone[-1].sent_bytes
                self._named += gone[-1].sent_bytes
        self._lose(now, gone)

    def on_persistent_congestion(self) -> None:
        """RFC 9002, section 7.6: the least window."""
        self.control.on_persistent_congestion()

    def take_rtt(self, now: float, rtt: float) -> None:
        """A round-trip sample; aioquic leaves slow start by it."""
        super().take_rtt(now, rtt)
        self.control.on_rtt_measurement(now=now, rtt=rtt)

    def state(self, now: float) -> RateState:
        """What it thinks; capacity and queue are unknown to it."""
        threshold = self.control.ssthresh
        slow_start = threshold is None or self.control.congestion_window < threshold
        target = self.target_bitrate or 0.0
        return RateState(
            state="slow start" if slow_start else "congestion avoidance",
            reason=f"window {self.congestion_window}",
            target=target,
            capacity=0.0,
            delivered=0.0,
            pacing=8 * (self.pacing_rate or 0.0),
            queue_delay=0.0,
            loss=self.loss,
            parity=0.0,
        )

    def _take(self) -> QuicSentPacket:
        packet = self._packets.popleft()
        self._bytes -= packet.sent_bytes
        return packet

    def _lose(self, now: float, packets: list[QuicSentPacket]) -> None:
        if packets:
            self.control.on_packets_lost(now=now, packets=packets)

    def _cap(self) -> None:
        if self.smoothed_rtt is not None:
            # Never below aioquic's own first window, or a short path could not carry rmax in bursts.
            cap = max(int(CAP_SHARE * self.rmax / 8 * self.smoothed_rtt), 10 * self.packet_size)
            self.control.congestion_window = min(self.control.congestion_window, cap)
