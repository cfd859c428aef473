"""Seeker: finds the direct path to the host of a running session, again and again until there is one (spec 08-paths,
8.3 and 8.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.path.candidate import Address, Candidate, from_rows, is_lan, reachable, to_rows
from avl_protocol.path.punch import NONCE_BYTES, PunchKey, tag_of
from avl_protocol.path.puncher import Puncher
from avl_protocol.wire.endtoend import Candidates

#: Seconds after the first answer for which a better one is waited for.
GATHER = 0.02
#: Seconds between rounds that found nothing.
ROUNDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Punch:
    """Send this datagram, which is not QUIC, to an address."""

    data: bytes
    address: Address


@dataclass(frozen=True, slots=True)
class Found:
    """A connection may be opened to the host there, with this first destination connection ID."""

    address: Address
    destination: bytes
    lan: bool


#: Candidates are ours, for the host.
SeekerEvent = Candidates | Punch | Found


class Seeker:
    """One session's search; what comes of it is taken with `next_event`. `near`: whether a relay of ours sees the host
    at our own address."""

    def __init__(self, *, key: bytes, whereabouts: Whereabouts, entropy: Callable[[int], bytes]) -> None:
        self.near = False
        self._events: deque[SeekerEvent] = deque()
        self._key = PunchKey(key)
        self._whereabouts = whereabouts
        self._entropy = entropy
        self._puncher = Puncher(self._key, True, entropy)
        self._host: list[Candidate] = []
        self._serial = 0
        self._heard = -1
        self._round = 0
        self._next: float | None = None
        self._choose_at: float | None = None

    def next_event(self) -> SeekerEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    def start(self, now: float) -> None:
        """The session is admitted: say where we are. The host does so too."""
        self._say()
        self._next = now + ROUNDS[0]

    def again(self, now: float) -> None:
        """The path that was found is gone, or the network has changed: begin anew."""
        self._round = 0
        self._begin(now)

    def settle(self) -> None:
        """A direct path is open: seek no more."""
        self._puncher.stop()
        self._next = self._choose_at = None

    def candidates(self, message: Candidates, now: float) -> None:
        """The host says where it might be reached."""
        if message.serial <= self._heard:
            return
        self._heard = message.serial
        self._host = from_rows(message.rows)
        if self._next is not None:
            self._aim(now)

    def _begin(self, now: float) -> None:
        self._say()
        self._aim(now)
        self._next = now + ROUNDS[min(self._round, len(ROUNDS) - 1)]
        self._round += 1

    def _say(self) -> None:
        self._serial += 1
        self._events.append(Candidates(self._serial, to_rows(self._whereabouts.candidates())))

    def _aim(self, now: float) -> None:
        targets = reachable(self._host, self._whereabouts.site(), near=self.near)
        self._choose_at = None
        self._puncher.aim([candidate.address for candidate in targets], now)
        self._flush()

    def raw(self, data: bytes, address: Address, now: float) -> None:
        """A datagram that is not QUIC."""
        if tag_of(data) != self._puncher.tag:
            return
        if self._puncher.receive(data, address, now) and self._choose_at is None and self._next is not None:
            self._choose_at = now + GATHER
        self._flush()

    def _flush(self) -> None:
        self._events += [Punch(data, address) for data, address in self._puncher.take_output()]

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = (self._puncher.next_timeout(), self._choose_at, self._next)
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed: punch, choose among the addresses that answered, or begin another round."""
        self._puncher.handle_timer(now)
        self._flush()
        if self._choose_at is not None and now >= self._choose_at:
            self._choose_at = None
            site = self._whereabouts.site()
            ranked = sorted(self._puncher.working, key=lambda row: (not is_lan(row[1][0], site), row[0]))
            if ranked:
                address = ranked[0][1]
                self._puncher.stop()
                nonce = self._entropy(NONCE_BYTES)
                self._events.append(Found(address, self._key.connection_id(nonce), is_lan(address[0], site)))
        if self._next is not None and now >= self._next:
            self._begin(now)
