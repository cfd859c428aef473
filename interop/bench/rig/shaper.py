"""The distance of a link: a UDP forwarder that keeps every datagram for a while and loses some at random.

`python -m interop.bench.rig.shaper --listen HOST:PORT --target HOST:PORT`. It stands before the bottleneck. Not every
kernel has a qdisc that delays, and this forwarder is also what undoes segmentation offload: it is handed batches of the
kernel one datagram at a time and sends them one at a time, so that the bottleneck sees packets as a wire has them.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avl_protocol.endpoint.program.state import write_ready
from avl_protocol.wire.target import join, parse_address

Address = tuple[str, int]
#: Bytes of a socket's buffers; a full queue of the bottleneck is charged to the sender's, at twice its size.
BUFFER = 16 << 20
#: Datagrams taken from a socket before others get their turn, and peers that are told apart.
TAKEN, PEERS = 64, 64
#: Seconds between two looks whether who started this is still there.
ORPHANED = 1.0
_SO_TIMESTAMPNS, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 35, 32, 33
_TIMESPEC = struct.Struct("@qq")
_LARGEST = 65535


@dataclass(slots=True, kw_only=True)
class Line:
    """One direction. `delay` in seconds, `loss` the share that gets lost, `chance` uniform in [0, 1).

    Order is kept: what comes later never leaves earlier.
    """

    delay: float
    loss: float
    chance: Callable[[], float]
    passed: int = 0
    lost: int = 0
    late: array[float] = field(default_factory=lambda: array("d"))
    _waiting: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, data: bytes, arrived: float) -> None:
        """A datagram has come."""
        if self.loss and self.chance() < self.loss:
            self.lost += 1
            return
        due = arrived + self.delay
        if self._waiting:
            due = max(due, self._waiting[-1][0])
        self._waiting.append((due, data))

    def due(self) -> float | None:
        """When the next one has to leave; None while nothing waits."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, now: float) -> bytes | None:
        """A datagram that has to leave by now, if there is one; how late that is goes on record."""
        if not self._waiting or self._waiting[0][0] > now:
            return None
        due, data = self._waiting.popleft()
        self.passed += 1
        self.late.append(now - due)
        return data

    def report(self) -> dict[str, float | int | None]:
        """Counts, and how late datagrams left, in microseconds."""
        quantiles = np.percentile(self.late, (50, 99, 100)) * 1e6 if self.late else (None, None, None)
        late = {
            f"late_{name}_us": None if value is None else round(float(value))
            for name, value in zip(("p50", "p99", "max"), quantiles, strict=True)
        }
        return {"passed": self.passed, "lost": self.lost, **late}


@dataclass(slots=True)
class _Peer:
    """Someone who sends to us: what it sends goes `forth` through a socket of its own, what comes there goes `back`."""

    address: Address
    socket: socket.socket
    forth: Line
    back: Line


class Shaper:
    """Datagrams of everyone who sends to `listen` go to `target` and answers return. Raises OSError.

    `delay` in seconds and `loss` as a share hold for each direction.
    """

    def __init__(self, *, listen: Address, target: Address, delay: float, loss: float, seed: int) -> None:
        self._target = target
        self._delay, self._loss, self._seed = delay, loss, seed
        self._lines: list[Line] = []
        self._peers: dict[Address, _Peer] = {}
        self._by_socket: dict[socket.socket, _Peer] = {}
        self._outer = _bound(listen)
        #: Datagrams that the system would not take.
        self.refused = 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self._outer.getsockname()[:2]
        return host, port

    def turn(self, patience: float) -> None:
        """Wait until something comes or has to leave, at most `patience` seconds, and do what is to be done."""
        due = min((at for line in self._lines if (at := line.due()) is not None), default=None)
        wait = patience if due is None else min(patience, max(0.0, due - time.monotonic()))
        for heard in select.select([self._outer, *self._by_socket], [], [], wait)[0]:
            self._receive(heard)
        for peer in self._peers.values():
            while (data := peer.forth.take(time.monotonic())) is not None:
                self._send(peer.socket, data, self._target)
            while (data := peer.back.take(time.monotonic())) is not None:
                self._send(self._outer, data, peer.address)

    def report(self) -> dict[str, Any]:
        """Both directions of every peer, in the order in which they came."""
        rows = [{"forth": peer.forth.report(), "back": peer.back.report()} for peer in self._peers.values()]
        return {"peers": rows, "refused": self.refused}

    def close(self) -> None:
        """Close all sockets; what waits is lost."""
        for bound in (self._outer, *self._by_socket):
            bound.close()

    def _receive(self, heard: socket.socket) -> None:
        # The kernel says when a datagram came, so that being late to take it makes it no later.
        ahead = time.time() - time.monotonic()
        for _ in range(TAKEN):
            try:
                data, ancillary, _, source = heard.recvmsg(_LARGEST, 64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # what was sent earlier found nobody
            now = time.monotonic()
            came = now
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack_from(value)
                    came = min(now, max(now - 1.0, seconds + nanoseconds / 1e9 - ahead))
            if heard is self._outer:
                peer = self._peers.get(source) or self._meet(source)
                if peer is not None:
                    peer.forth.put(data, came)
            else:
                self._by_socket[heard].back.put(data, came)

    def _meet(self, source: Address) -> _Peer | None:
        if len(self._peers) >= PEERS:
            return None
        forth, back = self._line(), self._line()
        peer = _Peer(source, _bound(("", 0)), forth, back)
        self._peers[source] = self._by_socket[peer.socket] = peer
        return peer

    def _line(self) -> Line:
        chance = random.Random(f"{self._seed} {len(self._lines)}").random
        self._lines.append(Line(delay=self._delay, loss=self._loss, chance=chance))
        return self._lines[-1]

    def _send(self, bound: socket.socket, data: bytes, target: Address) -> None:
        try:
            bound.sendto(data, target)
        except OSError:
            self.refused += 1


def _bound(address: Address) -> socket.socket:
    """A UDP socket with large buffers that says when each datagram came."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    forced = ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF))
    for force, usual in forced:
        try:
            bound.setsockopt(socket.SOL_SOCKET, force, BUFFER)
        except PermissionError:
            bound.setsockopt(socket.SOL_SOCKET, usual, BUFFER)
    try:
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Forward until ended, or until who started this is gone; then write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--listen", required=True, type=parse_address)
    parser.add_argument("--target", required=True, type=parse_address)
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds, each way")
    parser.add_argument("--loss", type=float, default=0.0, help="percent, each way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    chosen = parser.parse_args()
    parent = os.getppid()
    signal.signal(signal.SIGTERM, _stop)
    try:
        shaper = Shaper(
            listen=chosen.listen,
            target=chosen.target,
            delay=chosen.delay / 1000,
            loss=chosen.loss / 100,
            seed=chosen.seed,
        )
    except OSError as error:
        sys.exit(f"shaper: {join(*chosen.listen)}: {error}")
    try:
        # Before what it stands between, where the system allows it: its lateness would count as theirs.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass
    try:
        write_ready(chosen.ready_file, {"address": join(*shaper.address)})
        while os.getppid() == parent:
            shaper.turn(ORPHANED)
    except KeyboardInterrupt:
        pass
    finally:
        shaper.close()
        write_ready(chosen.report, shaper.report())


if __name__ == "__main__":
    main()
