"""Limits: what anybody may cost a program that takes connections, in one place, each default with its reason.

A stranger is whoever has connected and has neither registered as a host nor been admitted by one; a friend has.
Strangers get what a beginning takes and little more. Friends get more than the fastest of them needs, so that no
session is ever held back, and still not so much that one could hold up the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Allowance:
    """So much a second on the long run, and at most `burst` at once."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Places:
    """How many connections may be established: of one source (an IPv4 address or an IPv6 /64), of one network around it
    (IPv4 /24, IPv6 /48), and in all."""

    source: int
    network: int
    total: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that is bounded. Sizes in bytes, times in seconds."""

    #: Openings of one source that need not prove their address, and of those who have: a full office behind one address
    #: comes in within seconds. An opening costs 2 ms.
    unproved: Allowance = Allowance(10, 40)
    proved: Allowance = Allowance(50, 200)
    #: A network may open so many times what a source may: whoever has an address often has its neighbours.
    network_openings: int = 8
    #: Openings that need not prove their address, of all together, beyond which everybody is asked to (a Retry costs a
    #: round trip, and us nothing): honest ones are far fewer. The same while so many handshakes are half open.
    unproved_in_all: Allowance = Allowance(50, 100)
    retry_above: int = 64
    #: Handshakes that are half open, each of 88 kB for 5 s at most; and seconds after which one gives way to another of
    #: its source or network: on a bad link a handshake takes a second.
    half_open: Places = Places(32, 128, 512)
    half_open_grace: float = 2.0

    #: QUIC packets of one stranger: a handshake takes 10, fetching the page over HTTP/3 some 500 acknowledgements.
    stranger_packets: Allowance = Allowance(300, 1000)
    #: Of a friend: media of 100 Mbit/s in both directions are 20,000.
    friend_packets: Allowance = Allowance(25_000, 25_000)
    #: Frames of one stranger's WebSocket: HELLO, ATTACH and a handshake in pieces are fewer than 100.
    stranger_frames: Allowance = Allowance(100, 500)
    #: Of a friend, as for packets.
    friend_frames: Allowance = Allowance(20_000, 20_000)
    #: Bytes of one stranger's WebSocket; a handshake is below 10 kB, a moving session's parked channels below 1 MiB.
    stranger_bytes: Allowance = Allowance(256 << 10, 2 << 20)
    #: Fragments of one WebSocket message; a proxy that divides 16 KiB makes fewer.
    message_parts: int = 64
    #: Messages on hop control of one stranger: HELLO, REGISTER, or an ATTACH for each of eight sessions.
    stranger_messages: Allowance = Allowance(10, 64)
    #: Of a friend: a host that comes back to a relay answers for hundreds of viewers within a second.
    friend_messages: Allowance = Allowance(200, 2000)
    #: Bytes on hop control that a neighbour may leave unread; an honest one leaves some hundred.
    hop_unread: int = 64 << 10

    #: What one connection may have done in one turn of the event loop before the others are served: packets at 0.1 ms
    #: or frames at 0.02 ms each, so at most some milliseconds.
    turn_packets: int = 64
    #: And for how long, of a friend: 64 usual packets take 3 ms, one full of tiny frames some tenths of one.
    turn_friend_seconds: float = 0.004
    turn_frames: int = 64
    #: Strangers' packets that are taken in one turn after those of friends, and for how long: what a stranger begins
    #: costs up to 2 ms each, and nobody notices 2 ms.
    turn_strangers: int = 64
    turn_seconds: float = 0.002
    #: Packets that wait for their turn: of strangers (later ones are lost, and honest ones are sent again), and of
    #: friends (what a receive buffer held when the machine was busy).
    waiting_strangers: int = 256
    waiting_friends: int = 2048

    #: Strangers on QUIC, and on WebSockets; each keeps about 93 kB. A full office behind one address connects within
    #: seconds and then is no stranger any more.
    strangers: Places = Places(32, 128, 320)
    #: Connections on QUIC, and on WebSockets, friends included: hosts of a company behind one address.
    connections: Places = Places(256, 1024, 8192)
    #: Seconds that a stranger has before it gives way to a newcomer of its own source or network: admission takes one,
    #: on a bad link a few.
    stranger_grace: float = 5.0
    #: TCP connections to the page before they ask for a WebSocket: browsers open six each.
    pages: Places = Places(128, 512, 1024)
    #: Seconds for a request's head, and for all of an answer to be read: the page is below 1 MB.
    request_seconds: float = 10.0
    answer_seconds: float = 60.0
    #: Answers over HTTP/3 that one source reads at once, of 128 kB each at most; further ones wait for these.
    answers: int = 32
    #: Requests of one source to the page, which loads some 100 files: an office behind one address, or who reloads it
    #: again and again, loads it twenty times at once, and once a second from then on.
    requests: Allowance = Allowance(100, 2000)
    #: Bytes a second that a relay forwards to one viewer of one session, of one device to all its viewers, and in all;
    #: none: what the links carry. Only who pays for traffic knows how much it may be. Media beyond it lose whole
    #: objects, the host is told of the rate that is left, streams wait.
    forward_session: Allowance | None = None
    forward_device: Allowance | None = None
    forward_total: Allowance | None = None
    #: Bytes that a relay may have; 0: what its control group, or else the machine, has. From these shares of it on, in
    #: this order, it sends its newest strangers away, gives up caches and parity, drops what waits for its slowest
    #: viewers, and takes no new sessions. Between the first and the last is what one second of a flood can take, and
    #: behind the last what a machine needs that does not swap.
    memory: int = 0
    memory_strangers: float = 0.70
    memory_spares: float = 0.75
    memory_queues: float = 0.80
    memory_newcomers: float = 0.85
    #: Of the strangers, and of the viewers for whom most waits, this share goes, or loses what waits, a second.
    memory_shed: float = 0.25
    #: File descriptors that TCP never gets: UDP, logs, state and what Python opens.
    descriptors: int = 64


#: What holds where nothing else is said.
DEFAULT = Limits()


def for_address(connections: int) -> Limits:
    """The defaults, with so many connections of one source (and four times as many of its network)."""
    usual = DEFAULT.connections
    return replace(DEFAULT, connections=Places(connections, max(4 * connections, usual.network), usual.total))


class Bucket:
    """A token bucket: `rate` tokens a second, at most `burst`."""

    __slots__ = ("_burst", "_rate", "_tokens", "_when")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._when = burst, now

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def charge(self, amount: float, now: float) -> None:
        """Take tokens for what was done already, though there may be too few."""
        self._refill(now)
        self._tokens -= amount

    def owed(self, now: float) -> float:
        """Seconds until what was charged is there again; 0 while there is something left."""
        self._refill(now)
        return max(0.0, -self._tokens / self._rate)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._when) * self._rate)
        self._when = now


def bucket(allowance: Allowance, now: float) -> Bucket:
    """A full bucket of an allowance."""
    return Bucket(allowance.per_second, allowance.burst, now)
