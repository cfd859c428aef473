"""HopRate: what one end of a hop knows of it, to send neither more nor less than it carries (spec 07-rate).

The transport tells it what leaves and arrives; feedback and probes go in and out here, so that nobody above or below
has to know that they exist. The controller behind it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avl_protocol.rate.collector import Collector
from avl_protocol.rate.control import RateController, RateState
from avl_protocol.rate.ledger import Ledger, Record, Sent
from avl_protocol.rate.sendqueue import Waiting, named_by
from avl_protocol.wire import datagram, feedback
from avl_protocol.wire.datagram import MediaHeader
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import MAX_FRAGMENT_PAYLOAD, DatagramType

#: Reports remembered by number, so that a repeated one counts once.
REMEMBERED = 64
#: Bytes around a datagram's payload: IPv4 (20), UDP (8), QUIC short header, tag and frame (about 32).
OVERHEAD = 60
#: Share of a full datagram that is media.
PAYLOAD = MAX_FRAGMENT_PAYLOAD / (MAX_FRAGMENT_PAYLOAD + 14 + OVERHEAD)
#: Seconds after the last sound during which no picture may make a long queue.
SOUND = 0.25
#: Seconds after the last picture or input during which probes are sent, and between questions whether to.
ACTIVITY, QUESTION = 5.0, 0.25
#: Seconds without an answer, beyond a round trip and a half, after which one datagram is sent to get one: it shows that
#: a path works again, and which of the last datagrams before a pause were lost.
TAIL = 0.12
#: Seconds without any answer after which the rate is halved, and again each time they have passed: a circuit breaker
#: (the idea of RFC 8083).
SILENCE = 1.0
#: Of what was measured before a pause, what a burst after it may use: all at first, FORGOTTEN seconds later this much;
#: each report gives some of it back.
LEAST_TRUST, FORGOTTEN, REGAINED = 0.4, 60.0, 0.1
#: The track of probes that carry nothing.
PROBE_TRACK = 0xFF
#: A key frame, scene change or first picture after a pause is at most so many seconds of the hop's capacity.
FRAME_LIMIT = 0.1


def frame_limit(rate: float) -> int:
    """Most bytes that one picture should have where an encoder may use `rate` bits per second (spec 07-rate, 7.4)."""
    return int(rate / 8 * FRAME_LIMIT)


class HopRate:
    """The two halves of a hop's end: ledger and controller for what we send, collector for what arrives."""

    def __init__(self, controller: RateController) -> None:
        self.controller = controller
        self.ledger = Ledger()
        self._collector = Collector()
        self._seen: dict[int, None] = {}
        self._newest = -1
        self._base = self._end = 0
        #: When the last fragment of an object left that was neither parity nor a repair: parity may be what a neighbour
        #: probed with.
        self.media_at = float("-inf")
        #: When a datagram last left or waited that goes by the rate: all but feedback.
        self.paced_at = float("-inf")
        #: When the peer last answered anything, in feedback or by the transport: while it does, however late, there is
        #: no silence.
        self.answered_at = float("-inf")
        #: When sound was last queued.
        self.sound_at = float("-inf")
        self._asked = self._prodded = self._broken = 0.0
        self._probe_rate = self._probe_ends = 0.0
        self._probing = 0
        #: How far what was measured before a pause still counts.
        self._trust = 1.0
        self._probes = 0
        self.refused = 0
        #: Gives datagrams worth sending as a probe: (how many, now).
        self.spare: Callable[[int, float], Sequence[bytes]] = _nothing

    # ---- what we send

    def datagram_sent(self, payload: bytes, cookie: object | None, now: float) -> Sent | None:
        """A datagram leaves. None for feedback, which nobody reports."""
        kind = payload[1 + (1 << (payload[1] >> 6))] if len(payload) >= feedback.SHORTEST else DatagramType.MEDIA
        if kind == DatagramType.FEEDBACK:
            return None
        if kind > DatagramType.PROBE:
            return self.ledger.unnamed(len(payload) + OVERHEAD, cookie, now)
        if kind == DatagramType.MEDIA:
            self.media_at = self.paced_at = now
        elif self._probing:
            self._probing -= 1
        return self.ledger.sent(payload, len(payload) + OVERHEAD, cookie, now)

    def media_sent(self, leaving: Sequence[Waiting], records: Sequence[Record], now: float) -> None:
        """Datagrams leave that DatagramQueue.take gave, with a record of each."""
        named = [waiting.named or named_by(waiting.payload) for waiting in leaving]
        if any(kind == DatagramType.MEDIA for kind, _, _ in named):
            self.media_at = self.paced_at = now
        self.ledger.sent_together([(name, fragment) for _, name, fragment in named], records, now)

    def resolved(self, record: Record, arrived: bool) -> None:
        """The transport's verdict on a datagram."""
        self.ledger.resolved(record, arrived)

    def arrived(self, records: Sequence[Record]) -> None:
        """The transport's verdict on datagrams: they arrived."""
        self.ledger.arrived(records)

    @property
    def probing(self) -> bool:
        """Whether what leaves next may be a probe, at a rate of its own."""
        return self._probing > 0

    def take_fates(self) -> list[tuple[object, bool]]:
        """Cookies of datagrams whose fate became known; True: arrived."""
        fates, self.ledger.fates = self.ledger.fates, []
        return fates

    @property
    def pacing_rate(self) -> float | None:
        """Bytes per second at which packets leave now."""
        return self._probe_rate if self._probing else self.controller.pacing_rate

    def sustained_rate(self, now: float) -> float | None:
        """Bytes per second at which packets leave that have left for a while; None: at no other than before. Sound goes
        before pictures, but behind what they have queued in the path."""
        return None if self._probing or now - self.sound_at > SOUND else self.controller.sustained_rate

    @property
    def media_rate(self) -> float | None:
        """Bits per second for the encoder: headers, parity and repairs are taken off."""
        rate = self.controller.target_bitrate
        if rate is None:
            return None
        fragments = max(1, round(rate / 8 / 60 / MAX_FRAGMENT_PAYLOAD))
        parity = self.controller.parity(fragments)
        return self._trust * rate * PAYLOAD * fragments / (fragments + parity) * (1.0 - min(0.5, self.controller.loss))

    def hold(self, now: float, backlog: int) -> bool:
        """Whether the next picture should wait, with so many bytes unsent."""
        return self.controller.hold(now, backlog, self.ledger.unanswered, self.ledger.oldest)

    def stalled(self, now: float) -> bool:
        """Whether one datagram should leave now, whatever the window says, because nothing is answered any more."""
        due = self._prod_at()
        if due is None or now < due:
            return False
        self._prodded = now
        if now - self._silent_since(now) > SILENCE:
            self._broken = now
            self.controller.on_persistent_congestion()
        return True

    def _silent_since(self, now: float) -> float:
        oldest = self.ledger.oldest
        return now if oldest is None else max(oldest, self.answered_at, self._broken)

    def _prod_at(self) -> float | None:
        oldest = self.ledger.oldest
        if oldest is None:
            return None
        return max(oldest, self.answered_at, self._prodded) + TAIL + 1.5 * self.ledger.least_rtt

    def probes(self, now: float, waiting: bool) -> list[bytes]:
        """Datagrams of a probe that should leave now, none while others wait."""
        self._asked = now
        if (idle := now - self.media_at - ACTIVITY) > 0:
            self._trust = max(LEAST_TRUST, min(self._trust, 1.0 - idle / FORGOTTEN))
        if now >= self._probe_ends:
            self._probing = 0  # what is left of a probe has waited too long and will not leave
        if self._probing or waiting or now - self.media_at > ACTIVITY:
            return []
        probe = self.controller.probe(now)
        if probe is None:
            return []
        out = list(self.spare(probe.packets, now))[: probe.packets]
        while len(out) < probe.packets:
            out.append(self.padding())
        self._probing, self._probe_rate, self._probe_ends = len(out), probe.rate, now + QUESTION
        return out

    def padding(self) -> bytes:
        """A probe that carries nothing."""
        self._probes = (self._probes + 1) % (1 << 32)
        header = MediaHeader(
            handle=0,
            type=DatagramType.PROBE,
            track=PROBE_TRACK,
            object=self._probes,
            flags=0,
            fragment=0,
            length=MAX_FRAGMENT_PAYLOAD,
        )
        return datagram.encode(header, bytes(MAX_FRAGMENT_PAYLOAD))

    def wakes_at(self) -> float | None:
        """When feedback should leave, a probe be thought of, or a stall be noticed."""
        when = self._collector.due()
        prod = self._prod_at()
        if prod is not None and (when is None or prod < when):
            when = prod
        if self.media_at + ACTIVITY >= self._asked:
            ask = self._asked + QUESTION
            if when is None or ask < when:
                when = ask
        return when

    # ---- what arrives

    def on_rtt(self, rtt: float) -> None:
        """A round trip of the transport, in seconds."""
        self._collector.follow(rtt)

    def datagram_received(self, payload: bytes, now: float) -> bool:
        """Take a datagram; True where it was for us alone, feedback or a probe."""
        if len(payload) < 4 or payload[0]:
            return False
        at = 1 + (1 << (payload[1] >> 6))
        if len(payload) <= at:
            return False
        kind = payload[at]
        if kind == DatagramType.FEEDBACK:
            self._feedback(payload, now)
            return True
        if kind <= DatagramType.PROBE and len(payload) >= at + feedback.SHORTEST - 2:
            self._collector.arrived(payload, now)
        return kind == DatagramType.PROBE

    def take_feedback(self, now: float) -> bytes | None:
        """The feedback datagram, where one is due."""
        due = self._collector.due()
        return self._collector.take(now) if due is not None and due <= now else None

    def _feedback(self, payload: bytes, now: float) -> None:
        """Damaged or senseless feedback is counted and changes nothing."""
        try:
            reports = feedback.decode(payload)
        except RemoteProtocolError:
            self.refused += 1
            return
        for report in reversed(reports):
            if report.sequence in self._seen or report.sequence <= self._newest - REMEMBERED:
                continue
            end = report.base + sum(sum(run.times) for run in report.runs)
            newer = report.sequence > self._newest
            if report.base < self._end if newer else end > self._base:
                self.refused += 1  # time runs backwards
                continue
            if newer:
                self._newest, self._base, self._end = report.sequence, report.base, end
            self._seen[report.sequence] = None
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
            arrivals, lost = self.ledger.reported(report, now)
            if arrivals:
                self.answered_at = now
            if arrivals or lost:
                self._trust = min(1.0, self._trust + REGAINED)
                self.controller.on_feedback(now, arrivals, lost)

    def state(self, now: float) -> RateState:
        """What the controller thinks."""
        return self.controller.state(now)


def _nothing(count: int, now: float) -> Sequence[bytes]:
    return ()
