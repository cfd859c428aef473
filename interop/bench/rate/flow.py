"""MediaFlow: one sender and one receiver of avl's media over two links: a synthetic encoder, and from sealing to decode
order the product's own code."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import ObjectOpener
from avl_protocol.media.frame import Chroma, EncodedFrame, Rect
from avl_protocol.media.track import video
from avl_protocol.rate.control import RateController
from avl_protocol.rate.controller import Controller
from avl_protocol.rate.hop import frame_limit
from avl_protocol.rate.settings import RateSettings
from avl_protocol.session.media.keys import MediaKeyring
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.media.sender import MediaSender, repair
from avl_protocol.wire.registry import T_KEY_SPACING, DatagramType
from interop.bench.rate import baselines
from interop.bench.rate.carriers import ModelCarrier
from interop.bench.rate.clock import Clock
from interop.bench.rate.link import Link
from interop.bench.rate.log import FlowLog
from interop.bench.rate.quicend import QuicEnd
from interop.bench.rate.source import Source
from interop.bench.rate.spec import FlowSpec

#: Puts a packet of so many bytes on its way.
Transmit = Callable[[bytes, int], None]
TRACK = 1
PACKET = 1210
KINDS = {
    DatagramType.MEDIA: "media",
    DatagramType.PARITY: "parity",
    DatagramType.REPAIR: "repair",
    DatagramType.PROBE: "probe",
    DatagramType.FEEDBACK: "feedback",
}
#: A browser's event loop: seconds between stalls on average, and their length.
STALL_EVERY, STALL = 0.5, (0.002, 0.05)
RECOVER_SIZE = 80


def controller_named(name: str, spec: FlowSpec) -> RateController:
    """avl's controller, or a baseline."""
    if name == "avl":
        return Controller(RateSettings(least=spec.rmin, start=spec.rstart, most=spec.rmax, packet_size=PACKET))
    return baselines.make(name, spec.rmin, spec.rstart, spec.rmax, PACKET)


class MediaFlow:
    """A flow; `start` begins it."""

    def __init__(
        self,
        clock: Clock,
        number: int,
        spec: FlowSpec,
        forward: Link,
        backward: Link,
        source: Source,
        log: FlowLog,
        controller: str,
        transport: str,
        seed: int,
    ) -> None:
        self._clock = clock
        self._spec = spec
        self._source = source
        self._log = log
        self._rng = Random(f"{seed} {number}")
        entropy = self._rng.randbytes
        signer = Identity(entropy(32))
        session = entropy(16)
        track = video(TRACK)
        self._sender = MediaSender(session, track, signer.sign, MediaKeyring(entropy))
        opener = ObjectOpener(session, signer.public)
        key = self._sender.current_key
        opener.add_key(key.generation, key.step, key.base)
        self._receiver = MediaReceiver(opener, (track,))
        self._key_wanted, self._key_at = True, float("-inf")
        self._stopped = False
        self._stalled_until = self._next_stall = 0.0
        self._told = 0.0
        self._begun = self._checking = False

        def up(payload: bytes, size: int) -> None:
            self._count(payload, size)
            forward.send(payload, size, self._arrived, flow=number, delay=spec.delay)

        def down(payload: bytes, size: int) -> None:
            log.sent("feedback", size)
            backward.send(payload, size, self._answered, flow=number, delay=spec.delay)

        self._back = backward
        self._number = number
        self._near: ModelCarrier | QuicEnd
        self._far: ModelCarrier | QuicEnd
        self._near, self._far = self._ends(controller, transport, up, down, seed)
        self._near.on_fate = self._fate
        self._far.on_datagram = self._media
        self._near.offer_spare(lambda count, now: self._sender.spare(count, 0))

    def _ends(
        self, controller: str, transport: str, up: Transmit, down: Transmit, seed: int
    ) -> tuple[ModelCarrier, ModelCarrier] | tuple[QuicEnd, QuicEnd]:
        clock, spec = self._clock, self._spec
        ours, theirs = controller_named(controller, spec), controller_named("avl", spec)
        if transport == "model":
            return ModelCarrier(clock, ours, up), ModelCarrier(clock, theirs, down)
        settings = RateSettings(least=spec.rmin, start=spec.rstart, most=spec.rmax, packet_size=PACKET)
        near = QuicEnd(clock=clock, controller=ours, transmit=up, settings=settings, client=None, seed=f"{seed} near")
        return near, QuicEnd(
            clock=clock, controller=theirs, transmit=down, settings=settings, client=near, seed=f"{seed} far"
        )

    def start(self) -> None:
        """Begin to capture, where there is a handshake as soon as it is over."""
        if isinstance(self._near, QuicEnd) and not self._near.connection.max_datagram:
            if not self._begun:
                self._begun = True
                self._near.connect()
            self._clock.call_at(self._clock.now + 0.005, self.start)
            return
        self._tick()

    def stop(self) -> None:
        """Capture no more."""
        self._stopped = True

    def _count(self, payload: bytes, size: int) -> None:
        """What left by kind; the real transport's packets are all one, what they carry can't be read here."""
        if isinstance(self._near, QuicEnd):
            self._log.sent("media", size)
        else:
            self._log.sent(KINDS[DatagramType(payload[1 + (1 << (payload[1] >> 6))])], size)

    # ---- sender

    def _tick(self) -> None:
        if self._stopped:
            return
        now = self._clock.now
        self._clock.call_at(now + 1 / 60, self._tick)
        rate = self._near.rate or self._spec.rstart
        if now - self._told >= 0.05:
            self._told = now
            self._log.target(now, rate)
        if self._near.hold(now):
            if self._source.active(now):
                self._log.skipped(now)
            return
        key = self._key_wanted and now - self._key_at >= T_KEY_SPACING
        size = self._source.tick(now, rate, key, None if self._near.rate is None else frame_limit(self._near.rate))
        if size is None:
            return
        if key:
            self._key_wanted, self._key_at = False, now
        frame = EncodedFrame(
            key=key,
            data=bytes(max(1, size)),
            captured=now,
            input_echo=0.0,
            codec="avc1.64001f" if key else "",
            width=1280,
            height=720,
            chroma=Chroma.YUV420,
            desktop=(1280, 720),
            place=Rect(0, 0, 1280, 720),
        )
        sealed = self._sender.seal(frame)
        self._log.captured(sealed[0], now, size)
        self._sender.send(sealed, self._near, 0, now)  # type: ignore[arg-type]

    def _fate(self, cookie: object, acked: bool, now: float) -> None:
        repair(cookie, acked, self._near, now)  # type: ignore[arg-type]

    def _answered(self, payload: object) -> None:
        if payload is None:
            self._key_wanted = True
        else:
            self._near.received(payload, self._clock.now)

    # ---- receiver

    def _arrived(self, payload: object) -> None:
        now = self._clock.now
        if self._spec.stalls:
            if now >= self._next_stall:
                self._stalled_until = now + self._rng.uniform(*STALL)
                self._next_stall = self._stalled_until + self._rng.expovariate(1 / STALL_EVERY)
            if now < self._stalled_until:
                self._clock.call_at(self._stalled_until, lambda: self._far.received(payload, self._clock.now))
                return
        self._far.received(payload, now)

    def _media(self, payload: bytes, now: float) -> None:
        for frame in self._receiver.datagram(payload, now):
            self._log.shown(frame.number, now)
        self._check()

    def _check(self) -> None:
        now = self._clock.now
        if self._receiver.recoveries(now):
            self._back.send(None, RECOVER_SIZE, self._answered, flow=self._number, delay=self._spec.delay)
        check = self._receiver.next_check(now)
        if check is not None and not self._checking:
            self._checking = True
            self._clock.call_at(check + 1e-6, self._checked)

    def _checked(self) -> None:
        self._checking = False
        self._check()
