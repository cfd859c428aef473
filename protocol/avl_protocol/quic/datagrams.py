"""DatagramConnection: a QUIC connection whose datagrams have priority, deadline, fate and a rate controller.

What leaves is entered in the hop's ledger as its packet is written, so that send times are those of packets; feedback
and probes leave from here too, and nobody above sees them.
"""

from __future__ import annotations

from collections.abc import Sequence

from aioquic.buffer import size_uint_var
from aioquic.quic.packet import QuicFrameType
from aioquic.quic.packet_builder import QuicDeliveryState, QuicPacketBuilder

from avl_protocol.quic.congestion import CongestionAdapter, PacerAdapter
from avl_protocol.quic.credit import CreditedConnection
from avl_protocol.quic.qlog import RateLog, Trace
from avl_protocol.rate.control import RateController
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import OVERHEAD, HopRate
from avl_protocol.rate.ledger import Sent
from avl_protocol.rate.sendqueue import DatagramQueue, Waiting
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, Priority

#: Feedback goes before all media; probes go last, and are worth nothing after this many seconds.
FEEDBACK_PRIORITY, PROBE_PRIORITY, PROBE_LIFE = Priority.FEEDBACK, Priority.PROBE, 0.1


class DatagramConnection(CreditedConnection):
    """The datagram half of a Connection."""

    _now = 0.0

    def _begin_datagrams(self, settings: RateSettings) -> None:
        self._settings = settings
        congestion = self._loss._cc
        assert isinstance(congestion, CongestionAdapter)
        self._congestion = congestion
        self.hop = HopRate(guard(Controller(settings)))
        congestion.attach(self.hop)
        self._pace = PacerAdapter(congestion, self._max_datagram_size)
        self._loss._pacer = self._pace  # type: ignore[assignment]
        self.queue = DatagramQueue()
        trace = self._quic_logger
        self._rate_log = RateLog(trace, self.hop) if isinstance(trace, Trace) else None

    @property
    def answered_at(self) -> float:
        """When the peer last acknowledged a packet, in seconds of the caller's clock."""
        return self._congestion.answered_at

    @property
    def max_datagram(self) -> int:
        """Largest DATAGRAM payload that fits one packet and that the peer takes; 0 when it takes none."""
        accepted = self._remote_max_datagram_frame_size
        if accepted is None:
            return 0
        header, tag, frame = 3 + len(self._peer_cid.cid), 16, 3
        return max(0, min(MAX_DATAGRAM_PAYLOAD, self._max_datagram_size - header - tag - frame, accepted - frame))

    def use_controller(self, controller: RateController) -> None:
        """Let another rate controller decide from now on."""
        self.hop.controller = controller
        self._congestion.attach(self.hop)

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None
    ) -> None:
        """Queue datagrams; raises LocalProtocolError when one is larger than `max_datagram`."""
        largest = self.max_datagram
        for payload in payloads:
            if len(payload) > largest:
                raise LocalProtocolError(f"datagram of {len(payload)} bytes, {largest} is the most")
        self.queue.add(payloads, priority, deadline, cookies)
        self.on_wanted()

    def take_fates(self) -> list[tuple[object, bool]]:
        """Cookies of datagrams whose fate became known since the last call; True: acknowledged."""
        return self.hop.take_fates()

    def end_log(self) -> None:
        """Nothing more will happen here: finish the qlog file, where there is one."""
        if self._rate_log is not None:
            self._rate_log.end()

    def _prepare_datagrams(self, now: float) -> None:
        """Before packets are built at `now`: drop what is late, add feedback and probes."""
        self._now = now
        if self.queue.holds_behind(FEEDBACK_PRIORITY):
            self.hop.media_at = now  # what leaves next is media's to pace
        self._congestion.follow(now)
        self.queue.expire(now)
        if self._rate_log is not None:
            self._rate_log.tell(now, self._congestion.bytes_in_flight)
        if not self._handshake_confirmed or not self.max_datagram:
            return
        while (feedback := self.hop.take_feedback(now)) is not None:
            self.queue.add([feedback], FEEDBACK_PRIORITY, None, None)
        if self.hop.stalled(now):
            self._probe_pending = True
        probes = self.hop.probes(now, bool(self.queue))
        if probes:
            self.queue.add(probes, PROBE_PRIORITY, now + PROBE_LIFE, None)

    def _on_datagram_fate(self, state: QuicDeliveryState, record: Sent) -> None:
        self.hop.resolved(record, state == QuicDeliveryState.ACKED)

    def _write_datagram_frame(self, builder: QuicPacketBuilder, data: Waiting, frame_type: QuicFrameType) -> bool:  # type: ignore[override]
        payload = data.payload
        size = len(payload)
        capacity = 1 + size_uint_var(size) + size
        if capacity > builder.remaining_flight_space:
            builder.start_frame(frame_type, capacity=capacity)  # raises: it has no room here
        record = self.hop.datagram_sent(payload, data.cookie, self._now)
        if record is None:
            buffer = builder.start_frame(frame_type, capacity=capacity)
        else:
            buffer = builder.start_frame(
                frame_type, capacity=capacity, handler=self._on_datagram_fate, handler_args=(record,)
            )
        self._pace.size = (self._pace.size or 0) + size + OVERHEAD
        buffer.push_uint_var(size)
        buffer.push_bytes(payload)
        if self._quic_logger is not None and builder.quic_logger_frames is not None:
            builder.quic_logger_frames.append(self._quic_logger.encode_datagram_frame(length=size))
        return True
