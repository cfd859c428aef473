"""Puncher: which of a peer's addresses work, found out from both sides at once (spec 08-paths, 8.4).

Each end sends punches to all of the other's addresses: they open its own NAT for what comes from there. An address
works when its punch was answered, for then both directions have been seen to; so nobody starts a connection, which
costs a kilobyte a packet, towards an address that an attacker made up.

Until then each punch goes to an address that the peer merely names, or that a datagram merely came from: so punches are
bounded, in a round and for good, whatever the peer names and however often (R-PATH-80).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from avl_protocol.path.candidate import Address
from avl_protocol.path.punch import NONCE_BYTES, Punch, PunchKey

#: Seconds between the punches of one round to one address: often at first, since both NATs have to be open at once.
RHYTHM = (0.02,) * 10 + (0.05,) * 8 + (0.2,) * 8
#: Punches of one round, however many addresses share them.
ROUND = 64
#: Punches a second in the long run and at once: of one session, and of all sessions of a host.
OF_SESSION, OF_ALL = (4.0, 2 * ROUND), (16.0, 8 * ROUND)
#: Addresses at a time, those included that a peer turned out to have.
TARGETS = 24
#: Answers within any second: a punch can be repeated by who saw it.
ANSWERS = 100
#: Nonces of the peer's that are remembered, so that a repeated punch names no new address: more than two rounds' worth.
SEEN = 2048


class Allowance:
    """How many punches may leave: (a second, at most at once)."""

    def __init__(self, allowance: tuple[float, int]) -> None:
        self._rate, self._burst = allowance
        self._level, self._at = float(self._burst), float("-inf")

    def left(self, now: float) -> int:
        """Punches that may leave now."""
        if now > self._at:
            self._level = min(self._burst, self._level + (now - max(self._at, now - 3600.0)) * self._rate)
            self._at = now
        return int(self._level)

    def take(self) -> None:
        """One leaves."""
        self._level -= 1.0


def rhythm(punches: int) -> tuple[float, ...]:
    """The seconds behind each of so many punches to one address: all of RHYTHM, or fewer over the same time."""
    if punches >= len(RHYTHM):
        return RHYTHM
    chosen = [at * len(RHYTHM) // punches for at in range(punches)] + [len(RHYTHM)]
    return tuple(sum(RHYTHM[one:other]) for one, other in pairwise(chosen))


@dataclass(slots=True, kw_only=True)
class _Target:
    """An address under way: when the next punch leaves, the pauses behind each, how many left, when each nonce did."""

    due: float
    rhythm: tuple[float, ...]
    sent: int = 0
    nonces: dict[bytes, float] = field(default_factory=dict)
    rtt: float | None = None

    @property
    def over(self) -> bool:
        """Whether it gets no more punches in this round."""
        return self.rtt is not None or self.sent >= len(self.rhythm)


class Puncher:
    """One end of one session. Give `receive` what arrives, send what `take_output` returns.

    `shared`: what all sessions of a program may send together.
    """

    def __init__(
        self, key: PunchKey, from_viewer: bool, entropy: Callable[[int], bytes], shared: Allowance | None = None
    ) -> None:
        self._allowances = (Allowance(OF_SESSION), *((shared,) if shared is not None else ()))
        self._rhythm: tuple[float, ...] = RHYTHM
        self._key = key
        self._from_viewer = from_viewer
        self._entropy = entropy
        self._targets: dict[Address, _Target] = {}
        self._output: list[tuple[bytes, Address]] = []
        self._answered_at: deque[float] = deque(maxlen=ANSWERS)
        self._seen: dict[bytes, None] = {}

    @property
    def tag(self) -> bytes:
        """What names our session in punches."""
        return self._key.tag

    @property
    def working(self) -> list[tuple[float, Address]]:
        """Addresses that answered in this round with their round trips in seconds, quickest first."""
        return sorted((target.rtt, address) for address, target in self._targets.items() if target.rtt is not None)

    @property
    def over(self) -> bool:
        """Whether every address of this round has had its punches."""
        return all(target.over for target in self._targets.values())

    def aim(self, addresses: Sequence[Address], now: float) -> None:
        """Begin a round towards these addresses, in their order, instead of the last. They share what may be sent."""
        left = min(ROUND, *(allowance.left(now) for allowance in self._allowances))
        chosen = addresses[: min(TARGETS, left)]
        self._rhythm = rhythm(left // len(chosen)) if chosen else RHYTHM
        self._targets = {address: _Target(due=now, rhythm=self._rhythm) for address in chosen}
        self.handle_timer(now)

    def stop(self) -> None:
        """Send no more of this round."""
        self._targets.clear()
        self._output.clear()

    def receive(self, data: bytes, address: Address, now: float) -> bool:
        """Take a datagram from an address. True when it was the peer's answer that an address works."""
        punch = self._key.read(data, not self._from_viewer)
        if punch is None:
            return False
        if punch.answer:
            return self._answered(punch.nonce, address, now)
        if self._may_answer(now):
            self._output.append((self._key.make(Punch(True, punch.nonce), self._from_viewer), address))
        fresh = punch.nonce not in self._seen
        self._seen[punch.nonce] = None
        if len(self._seen) > SEEN:
            del self._seen[next(iter(self._seen))]
        if fresh and self._targets and address not in self._targets and len(self._targets) < TARGETS:
            self._targets[address] = _Target(
                due=now, rhythm=self._rhythm
            )  # what the peer's NAT made of an address that it named
            self.handle_timer(now)
        return False

    def _answered(self, nonce: bytes, address: Address, now: float) -> bool:
        target = self._targets.get(address)
        sent = target.nonces.pop(nonce, None) if target is not None else None
        if target is None or sent is None:
            return False
        target.rtt = min(now - sent, target.rtt) if target.rtt is not None else now - sent
        return True

    def _may_answer(self, now: float) -> bool:
        if len(self._answered_at) == ANSWERS and now - self._answered_at[0] < 1.0:
            return False
        self._answered_at.append(now)
        return True

    def take_output(self) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, with their addresses."""
        out, self._output = self._output, []
        return out

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        waiting = [target.due for target in self._targets.values() if not target.over]
        return min(waiting, default=None)

    def handle_timer(self, now: float) -> None:
        """Punch what is due, as far as punches are left; those that are not are left out."""
        for address, target in self._targets.items():
            if target.over or target.due > now:
                continue
            if all(allowance.left(now) > 0 for allowance in self._allowances):
                for allowance in self._allowances:
                    allowance.take()
                nonce = self._entropy(NONCE_BYTES)
                target.nonces[nonce] = now
                self._output.append((self._key.make(Punch(False, nonce), self._from_viewer), address))
            target.due = now + target.rhythm[target.sent]
            target.sent += 1
