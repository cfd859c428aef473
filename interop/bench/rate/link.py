"""Link: one direction of a path in virtual time: capacity, a queue, propagation, jitter and loss, and a log of it all.

A first-in-first-out queue needs no events of its own: when a packet enters, the moment it leaves is known already, for
nothing that comes later delays it. One event a packet, its arrival, is what makes long runs affordable. CoDel, which
decides as packets leave, is the exception (codel.py).
"""

from __future__ import annotations

import struct
from array import array
from collections import deque
from functools import partial
from hashlib import blake2b
from random import Random

from interop.bench.rate.capacity import Capacity
from interop.bench.rate.clock import Clock
from interop.bench.rate.codel import CodelQueue, Deliver, Entry
from interop.bench.rate.spec import Jitter, LinkSpec, Queue, Steps

#: What became of a packet, as hashed and counted.
PASSED, OVERFLOW, DROPPED, LOST = range(4)
_ENTRY = struct.Struct("<dBHHB")


class Passage:
    """What one flow's packets went through: parallel arrays, one entry per packet that left the queue, and drops.

    `entered` the queue, `left` it (end of serialisation), `arrived` (infinity when lost on the way), `waited` in the
    queue without its own serialisation; seconds. `missed`: when packets entered that never arrived.
    """

    __slots__ = ("arrived", "entered", "left", "missed", "sent", "size", "waited")

    def __init__(self) -> None:
        self.entered = array("d")
        self.left = array("d")
        self.arrived = array("d")
        self.waited = array("d")
        self.size = array("d")
        self.missed = array("d")
        self.sent = 0


class Link:
    """Packets are any objects: `deliver(packet)` is called when one arrives.

    `steps` replace the capacity of `spec` where that names a trace. Randomness comes from `rng` alone; `digest` tells
    two runs apart by (time, link, flow, size, verdict) of every packet.
    """

    def __init__(self, *, clock: Clock, spec: LinkSpec, rng: Random, number: int = 0, steps: Steps = ()) -> None:
        self.clock = clock
        self.spec = spec
        chosen = steps or spec.capacity
        self.capacity = Capacity(chosen) if chosen else None
        self.flows: dict[int, Passage] = {}
        self.marks = 0
        self._rng = rng
        self._number = number
        self._free = 0.0  # when the last packet accepted will have left
        self._last = 0.0  # order is kept: nothing arrives before what was sent earlier, path delays aside
        self._bad = False
        self._bytes = 0
        self._waiting: deque[tuple[float, int]] = deque()
        self._hash = blake2b(digest_size=16)
        self._lossy = spec.loss > 0 or spec.burst is not None
        self._codel = None
        if spec.queue is Queue.CODEL:
            if self.capacity is None:
                raise ValueError("CoDel needs a capacity")
            self._codel = CodelQueue(
                clock=clock, capacity=self.capacity, limit=spec.limit, leave=self._leave, drop=self._drop
            )

    def send(self, packet: object, size: int, deliver: Deliver, flow: int = 0, delay: float = 0.0) -> None:
        """Send `size` bytes of `flow`, whose own propagation takes `delay` seconds."""
        now = self.clock.now
        passage = self.flows.get(flow)
        if passage is None:
            passage = self.flows[flow] = Passage()
        passage.sent += 1
        if self._codel is not None:
            if not self._codel.push(
                Entry(packet=packet, size=size, deliver=deliver, flow=flow, delay=delay, entered=now)
            ):
                self._drop(now, flow, size, OVERFLOW)
            return
        capacity = self.capacity
        if capacity is None:
            self._pass(passage, packet, size, deliver, flow, delay, now, now, 0.0)
            return
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            self._bytes -= waiting.popleft()[1]
        if self._bytes + size > self.spec.limit:
            self._drop(now, flow, size, OVERFLOW)
            return
        free = self._free
        bits = size * 8
        self._free = left = capacity.finish(free if free > now else now, bits)
        self._bytes += size
        waiting.append((left, size))
        waited = left - now - bits / capacity.rate
        self._pass(passage, packet, size, deliver, flow, delay, now, left, waited if waited > 0 else 0.0)

    def _pass(
        self,
        passage: Passage,
        packet: object,
        size: int,
        deliver: Deliver,
        flow: int,
        delay: float,
        entered: float,
        left: float,
        waited: float,
    ) -> None:
        """The packet leaves the queue at `left`: loss, jitter and propagation follow."""
        spec = self.spec
        if spec.queue is Queue.MARK and waited > spec.threshold:
            self.marks += 1
        passage.entered.append(entered)
        passage.left.append(left)
        passage.waited.append(waited)
        passage.size.append(size)
        if self._lossy and self._loses():
            passage.arrived.append(float("inf"))
            passage.missed.append(entered)
            self._hash.update(_ENTRY.pack(entered, self._number, flow, size, LOST))
            return
        if spec.jitter is not None:
            left += drawn(self._rng, spec.jitter)
            left = self._last = max(left, self._last)
        when = left + delay
        passage.arrived.append(when)
        self._hash.update(_ENTRY.pack(entered, self._number, flow, size, PASSED))
        self.clock.call_at(when, partial(deliver, packet))

    def _leave(self, entry: Entry, left: float, waited: float) -> None:
        passage = self.flows[entry.flow]
        self._pass(
            passage, entry.packet, entry.size, entry.deliver, entry.flow, entry.delay, entry.entered, left, waited
        )

    def _drop(self, entered: float, flow: int, size: int, verdict: int = DROPPED) -> None:
        self.flows[flow].missed.append(entered)
        self._hash.update(_ENTRY.pack(entered, self._number, flow, size, verdict))

    def _loses(self) -> bool:
        """One packet's draw of independent loss and of the Gilbert-Elliott chain."""
        draw = self._rng.random
        if self.spec.burst is not None:
            enter, leave = self.spec.burst
            self._bad = draw() >= leave if self._bad else draw() < enter
        return self._bad or draw() < self.spec.loss

    @property
    def digest(self) -> str:
        """Hash of everything that went over the link so far, in hex."""
        return self._hash.copy().hexdigest()


def drawn(rng: Random, jitter: Jitter) -> float:
    """One delay of the truncated Gaussian, 0 to its limit, by rejection."""
    while True:
        value = rng.gauss(jitter.mean, jitter.deviation)
        if 0.0 <= value <= jitter.limit:
            return value
