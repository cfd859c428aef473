"""DatagramSender: the datagrams of a connection, with priority, deadline, fate and a rate controller.

What leaves is entered in the hop's ledger as its packet is written, so that send times are those of packets; feedback
and probes leave from here too, and nobody above sees them.
"""

from __future__ import annotations

from collections.abc import Sequence

from aioquic.buffer import size_uint_var
from aioquic.quic.packet import QuicFrameType
from aioquic.quic.packet_builder import QuicDeliveryState, QuicPacketBuilder

from avl_protocol.quic.congestion import CongestionAdapter, PacerAdapter
from avl_protocol.quic.qlog import RateLog, Trace
from avl_protocol.rate.control import RateController
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import OVERHEAD, HopRate
from avl_protocol.rate.ledger import Record, Sent
from avl_protocol.rate.sendqueue import DatagramQueue, Waiting
from avl_protocol.rate.settings import RateSettings
from avl_protocol.wire.errors import LocalProtocolError
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import Priority

#: Feedback goes before all media; probes go last, and are worth nothing after this many seconds.
FEEDBACK_PRIORITY, PROBE_PRIORITY, PROBE_LIFE = Priority.FEEDBACK, Priority.PROBE, 0.1


class DatagramSender:
    """`queue` holds what waits, `hop` what is known of the path, `pacer` is asked when the next packet may leave.

    `packet_size`: bytes of a full packet. `trace`: the connection's qlog, where there is one.
    """

    def __init__(
        self, *, settings: RateSettings, congestion: CongestionAdapter, packet_size: int, trace: Trace | None
    ) -> None:
        self._settings = settings
        self._congestion = congestion
        self._trace = trace
        #: The time of the present turn.
        self.now = 0.0
        self.hop = HopRate(guard(Controller(settings)))
        congestion.attach(self.hop)
        self.pacer = PacerAdapter(congestion, packet_size, settings.burst)
        self.queue = DatagramQueue()
        self._log = None if trace is None else RateLog(trace, self.hop)

    @property
    def answered_at(self) -> float:
        """When the peer last acknowledged a packet, in seconds of the caller's clock."""
        return self._congestion.answered_at

    @property
    def recorded(self) -> bool:
        """Whether what happens here stands in a qlog."""
        return self._log is not None

    def use_controller(self, controller: RateController) -> None:
        """Let another rate controller decide from now on."""
        self.hop.controller = controller
        self._congestion.attach(self.hop)

    def begin_path(self) -> None:
        """The way has become another: nothing that was learned of it holds."""
        self.use_controller(guard(Controller(self._settings)))

    def add(
        self,
        payloads: Sequence[bytes],
        *,
        priority: int,
        deadline: float | None,
        cookies: Sequence[object] | None,
        largest: int,
    ) -> None:
        """Queue datagrams; raises LocalProtocolError when one has more than `largest` bytes."""
        if payloads and (size := max(map(len, payloads))) > largest:
            raise LocalProtocolError(f"datagram of {size} bytes, {largest} is the most")
        self.queue.add(payloads, priority, deadline, cookies)
        if priority == Priority.AUDIO:
            self.hop.sound_at = self.now

    def add_padding(self, count: int, until: float) -> None:
        """Queue full datagrams that carry nothing, before all others; they are dropped after `until`."""
        self.queue.add([self.hop.padding() for _ in range(count)], FEEDBACK_PRIORITY, until, None)

    def prepare(self, now: float, *, open_to: bool) -> bool:
        """Before packets are built at `now`: drop what is late, add feedback and probes if the peer takes them already
        (`open_to`). Returns whether one packet should leave whatever the window says, since nothing is answered."""
        hop, queue, congestion = self.hop, self.queue, self._congestion
        self.now = now
        if queue.holds_behind(FEEDBACK_PRIORITY):
            hop.paced_at = now  # what leaves next is the rate's to pace
        congestion.follow(now)
        queue.expire(now)
        if self._log is not None:
            self._log.tell(now, congestion.bytes_in_flight)
        if not open_to:
            return False
        while (feedback := hop.take_feedback(now)) is not None:
            queue.add([feedback], FEEDBACK_PRIORITY, None, None)
        stalled = hop.stalled(now)
        probes = hop.probes(now, bool(queue))
        if probes:
            queue.add(probes, PROBE_PRIORITY, now + PROBE_LIFE, None)
        return stalled

    def write(self, builder: QuicPacketBuilder, waiting: Waiting, frame_type: QuicFrameType) -> None:
        """Write a DATAGRAM frame into the packet being built; raises QuicPacketBuilderStop where it has no room."""
        payload = waiting.payload
        size = len(payload)
        capacity = 1 + size_uint_var(size) + size
        if capacity > builder.remaining_flight_space:
            builder.start_frame(frame_type, capacity=capacity)  # raises: it has no room here
        record = self.leaves(waiting)
        if record is None:
            buffer = builder.start_frame(frame_type, capacity=capacity)
        else:
            buffer = builder.start_frame(frame_type, capacity=capacity, handler=self.fate, handler_args=(record,))
        buffer.push_uint_var(size)
        buffer.push_bytes(payload)
        if self._trace is not None and builder.quic_logger_frames is not None:
            builder.quic_logger_frames.append(self._trace.encode_datagram_frame(length=size))

    def leaves(self, waiting: Waiting) -> Sent | None:
        """A datagram leaves in the packet being written; what `fate` wants to be told of, if anything."""
        self.pacer.size = (self.pacer.size or 0) + len(waiting.payload) + OVERHEAD
        return self.hop.datagram_sent(waiting.payload, waiting.cookie, self.now)

    def end_log(self) -> None:
        """Nothing more will happen here: finish the qlog file, where there is one."""
        if self._log is not None:
            self._log.end()

    def fate(self, state: QuicDeliveryState, record: Record) -> None:
        """What became of the packet that a datagram left in."""
        self.hop.resolved(record, state == QuicDeliveryState.ACKED)
