"""Two machines in one: network namespaces joined by a virtual cable, with a bottleneck at its near end.

What a rate controller does on a slow link is only seen on a link that is slow. Loopback is not, and this machine's own
network belongs to others; a namespace belongs to the bench. Each one is held open by a process that reads from us, so
that namespaces, cable and bottleneck are gone when they are closed and also when this process is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

#: Addresses of the two ends of the cable.
NEAR, FAR = "10.77.0.1", "10.77.0.2"
#: Name of the cable's near end, which has the bottleneck, and of its far end.
NEAR_DEVICE, FAR_DEVICE = "near", "far"
#: Seconds of the link's rate that may pass at once, and the least bytes: the bottleneck must not starve when it is
#: woken late, nor let a whole frame through unshaped.
BURST_SECONDS, LEAST_BURST = 0.002, 3100
_QUIET = "/proc/sys/net/ipv6/conf/default/disable_ipv6"
#: Nothing shall cross the bottleneck but what the bench sends: no neighbour discovery, where there is IPv6 at all.
_HOLD = f"ip link set lo up && {{ [ ! -e {_QUIET} ] || echo 1 >{_QUIET}; }} && echo up && exec cat"
_TOOLS = ("ip", "tc", "unshare", "nsenter", "setpriv")


class LinkImpossible(Exception):
    """This machine allows no namespaces, no cable or no shaping; the text says what failed."""


def _complaint(process: subprocess.Popen[str]) -> str:
    """What an ended process had to say."""
    assert process.stderr is not None
    process.wait()
    return process.stderr.read().strip() or f"status {process.returncode}"


def _end(process: subprocess.Popen[str]) -> None:
    """Let a process that reads from us find the end, and wait for it."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # it ended first
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    """A process that ends with us: it reads from our pipe."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network of its own, known by the process that holds it open; `owned`: inside a user namespace of its own."""

    pid: int
    owned: bool

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """`command`, to be run inside: the same process, in the other network. It dies with the thread that starts it,
        so that nothing keeps a namespace alive."""
        return [*self.via("--net"), "setpriv", "--pdeathsig", "KILL", "--", *command]

    def via(self, *kinds: str) -> list[str | Path]:
        """What to put before a command that shall run inside, in some kinds of this process's namespaces."""
        user = ["--user", "--preserve-credentials"] if self.owned else []
        return ["nsenter", "--target", str(self.pid), *user, *kinds, "--"]

    def run(self, *command: str) -> None:
        """Run `command` inside to its end. Raises LinkImpossible when it fails."""
        done = subprocess.run(self.command(command), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise LinkImpossible(f"{' '.join(command)}: {done.stderr.strip()}")


class Namespaces:
    """Namespaces that are held open together, and gone together; where this user is not root they share a user
    namespace. Raises LinkImpossible, also when one of `tools` is missing."""

    def __init__(self, *tools: str) -> None:
        missing = [tool for tool in (*_TOOLS, *tools) if shutil.which(tool) is None]
        if missing:
            raise LinkImpossible(f"not on this machine: {', '.join(missing)}")
        self._holders: list[subprocess.Popen[str]] = []
        self._owned = os.geteuid() != 0

    def add(self) -> Namespace:
        """One more. Raises LinkImpossible, and then none is left."""
        if not self._owned:
            prefix: list[str] = []
        elif self._holders:
            prefix = [str(part) for part in Namespace(self._holders[0].pid, True).via()]
        else:
            prefix = ["unshare", "--user", "--map-root-user", "--"]
        process = _start([*prefix, "unshare", "--net", "sh", "-c", _HOLD])
        self._holders.append(process)
        assert process.stdout is not None
        if not process.stdout.readline():
            text = _complaint(process)
            self.close()
            raise LinkImpossible(f"a network namespace: {text}")
        return Namespace(process.pid, self._owned)

    def close(self) -> None:
        """Take them all down; whatever runs inside has to be ended by who started it."""
        while self._holders:
            _end(self._holders.pop())


class Cable:
    """Two namespaces, `near` (NEAR) and `far` (FAR), and the cable between them; with `delay`, in milliseconds each
    way, a distance in its place (`distance`). Raises LinkImpossible."""

    def __init__(self, delay: float = 0.0) -> None:
        self._both = Namespaces()
        self._distance: subprocess.Popen[str] | None = None
        self.near, self.far = self._both.add(), self._both.add()
        try:
            self._lay(delay)
        except LinkImpossible:
            self.close()
            raise

    def _lay(self, delay: float) -> None:
        if delay:
            self._part(delay)
        else:
            there = ["netns", str(self.far.pid)]
            self.near.run("ip", "link", "add", NEAR_DEVICE, "type", "veth", "peer", "name", FAR_DEVICE, *there)
        for end, device, address in ((self.near, NEAR_DEVICE, NEAR), (self.far, FAR_DEVICE, FAR)):
            end.run("ip", "address", "add", f"{address}/30", "dev", device)
            end.run("ip", "link", "set", device, "up")

    def _part(self, delay: float) -> None:
        """Two devices with a distance between them, each moved to its end."""
        module = [sys.executable, "-m", "interop.bench.rig.distance", "--delay", str(delay)]
        self._distance = process = _start([*module, NEAR_DEVICE, FAR_DEVICE])
        assert process.stdout is not None
        if not process.stdout.readline():
            raise LinkImpossible(f"a distance: {_complaint(process)}")
        for end, device in ((self.near, NEAR_DEVICE), (self.far, FAR_DEVICE)):
            move = ["ip", "link", "set", device, "netns", str(end.pid)]
            done = subprocess.run(move, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode:
                raise LinkImpossible(f"{' '.join(move)}: {done.stderr.strip()}")

    @property
    def distance(self) -> int | None:
        """The process that is the distance; None where there is none."""
        return None if self._distance is None else self._distance.pid

    def close(self) -> None:
        """Take it all down; whatever runs inside has to be ended by who started it."""
        if self._distance is not None:
            _end(self._distance)
            self._distance = None
        self._both.close()

    def __enter__(self) -> Cable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The bottleneck at one moment: seconds (monotonic), bytes and packets that wait; since the start: bytes that
    have passed and packets that were dropped."""

    at: float
    waiting: int
    packets: int
    passed: int
    dropped: int


class Bottleneck:
    """A token bucket with a drop-tail queue (tc-tbf) on the near end of a cable; bytes count with Ethernet headers.

    One `tc` is kept running and read from, since starting one takes longer than the queue stays the same.
    """

    def __init__(self, near: Namespace, device: str = NEAR_DEVICE) -> None:
        self._device = device
        self._verb = "add"
        self._tc = _start([str(part) for part in near.command(["tc", "-s", "-j", "-batch", "-"])])

    def shape(self, rate: float, queue: int) -> None:
        """Let through `rate` bit/s and keep at most `queue` bytes waiting; what waits already stays.

        Raises LinkImpossible.
        """
        burst = max(LEAST_BURST, round(rate * BURST_SECONDS / 8))
        bucket = f"rate {round(rate)}bit burst {burst} limit {max(queue, burst)}"
        self._tell(f"qdisc {self._verb} dev {self._device} root tbf {bucket}")
        self._verb = "change"
        self.sample()

    def sample(self) -> Backlog:
        """How it stands now. Raises LinkImpossible when there is no bottleneck to be read."""
        self._tell(f"qdisc show dev {self._device}")
        at = time.monotonic()
        assert self._tc.stdout is not None
        line = self._tc.stdout.readline()
        if not line:
            raise LinkImpossible(f"tc: {_complaint(self._tc)}")
        found = json.loads(line)[0]
        if found["kind"] != "tbf":
            raise LinkImpossible(f"the cable has no bottleneck but {found['kind']}")
        return Backlog(
            at=at, waiting=found["backlog"], packets=found["qlen"], passed=found["bytes"], dropped=found["drops"]
        )

    def close(self) -> None:
        """Stop reading; the bottleneck stays until its cable goes."""
        _end(self._tc)

    def _tell(self, line: str) -> None:
        assert self._tc.stdin is not None
        try:
            self._tc.stdin.write(line + "\n")
            self._tc.stdin.flush()
        except BrokenPipeError:
            raise LinkImpossible(f"tc: {_complaint(self._tc)}") from None


def lacking() -> str:
    """Why this machine can't have a link of its own, by trying; empty where it can."""
    try:
        with Cable() as cable:
            bottleneck = Bottleneck(cable.near)
            try:
                bottleneck.shape(1e6, 100_000)
            finally:
                bottleneck.close()
    except LinkImpossible as impossible:
        return str(impossible)
    return ""
