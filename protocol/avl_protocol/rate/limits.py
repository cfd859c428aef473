"""Limits: what anybody may cost a program that takes connections, in one place, each default with its reason.

A stranger is whoever has connected and has neither registered as a host nor been admitted by one; a friend has.
Strangers get what a beginning takes and little more. Friends get more than the fastest of them needs, so that no
session is ever held back, and still not so much that one could hold up the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated


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
    """Everything that is bounded, each with its reason, which settings show. Sizes in bytes, times in seconds."""

    unproved: Annotated[
        Allowance, "Openings of one source that need not prove their address. An opening costs 2 ms."
    ] = Allowance(10, 40)
    proved: Annotated[
        Allowance,
        "Openings of one source that have proved their address: a full office behind one comes in within seconds.",
    ] = Allowance(50, 200)
    network_openings: Annotated[
        int,
        "A network may open so many times what a source may: whoever has an address often has its neighbours.",
    ] = 8
    unproved_in_all: Annotated[
        Allowance,
        "Openings that need not prove their address, of all together, beyond which everybody is asked to (a Retry "
        "costs a round trip, and us nothing): honest ones are far fewer.",
    ] = Allowance(50, 100)
    retry_above: Annotated[
        int, "Everybody is asked to prove their address, too, while so many handshakes are half open."
    ] = 64
    half_open: Annotated[Places, "Handshakes that are half open, each of 88 kB for 5 s at most."] = Places(32, 128, 512)
    half_open_grace: Annotated[
        float,
        "Seconds after which a half-open handshake gives way to another of its source or network: on a bad link one "
        "takes a second.",
    ] = 2.0

    stranger_packets: Annotated[
        Allowance,
        "QUIC packets of one stranger: a handshake takes 10, fetching the page over HTTP/3 some 500 acknowledgements.",
    ] = Allowance(300, 1000)
    friend_packets: Annotated[
        Allowance, "QUIC packets of a friend: media of 100 Mbit/s in both directions are 20,000."
    ] = Allowance(25_000, 25_000)
    stranger_frames: Annotated[
        Allowance,
        "Frames of one stranger's WebSocket: HELLO, ATTACH and a handshake in pieces are fewer than 100.",
    ] = Allowance(100, 500)
    friend_frames: Annotated[Allowance, "Frames of a friend's WebSocket, as for packets."] = Allowance(20_000, 20_000)
    stranger_bytes: Annotated[
        Allowance,
        "Bytes of one stranger's WebSocket; a handshake is below 10 kB, a moving session's parked channels below "
        "1 MiB.",
    ] = Allowance(256 << 10, 2 << 20)
    message_parts: Annotated[int, "Fragments of one WebSocket message; a proxy that divides 16 KiB makes fewer."] = 64
    stranger_messages: Annotated[
        Allowance,
        "Messages on hop control of one stranger: HELLO, REGISTER, or an ATTACH for each of eight sessions.",
    ] = Allowance(10, 64)
    friend_messages: Annotated[
        Allowance,
        "Messages on hop control of a friend: a host that comes back to a relay answers for hundreds of viewers within "
        "a second.",
    ] = Allowance(200, 2000)
    hop_unread: Annotated[
        int, "Bytes on hop control that a neighbour may leave unread; an honest one leaves some hundred."
    ] = 64 << 10

    turn_packets: Annotated[
        int,
        "Packets of one connection that are taken in one turn of the event loop before the others are served: at "
        "0.1 ms each, so at most some milliseconds.",
    ] = 64
    turn_friend_seconds: Annotated[
        float,
        "Seconds that a friend's packets may take in one turn: 64 usual ones take 3 ms, one full of tiny frames some "
        "tenths of one.",
    ] = 0.004
    turn_frames: Annotated[int, "Frames of one WebSocket that are taken in one turn, at 0.02 ms each."] = 64
    turn_strangers: Annotated[int, "Strangers' packets that are taken in one turn after those of friends."] = 64
    turn_seconds: Annotated[
        float,
        "Seconds that strangers' packets may take in one turn: what a stranger begins costs up to 2 ms each, and "
        "nobody notices 2 ms.",
    ] = 0.002
    waiting_strangers: Annotated[
        int, "Packets of strangers that wait for their turn: later ones are lost, and honest ones are sent again."
    ] = 256
    waiting_friends: Annotated[
        int, "Packets of friends that wait for their turn: what a receive buffer held when the machine was busy."
    ] = 2048

    strangers: Annotated[
        Places,
        "Strangers on QUIC, and on WebSockets; each keeps about 93 kB. A full office behind one address connects "
        "within seconds and then is no stranger any more.",
    ] = Places(32, 128, 320)
    connections: Annotated[
        Places,
        "Connections on QUIC, and on WebSockets, friends included: hosts of a company behind one address.",
    ] = Places(256, 1024, 8192)
    stranger_grace: Annotated[
        float,
        "Seconds that a stranger has before it gives way to a newcomer of its own source or network: admission takes "
        "one, on a bad link a few.",
    ] = 5.0
    pages: Annotated[Places, "TCP connections to the page before they ask for a WebSocket: browsers open six each."] = (
        Places(128, 512, 1024)
    )
    request_seconds: Annotated[float, "Seconds for a request's head."] = 10.0
    answer_seconds: Annotated[float, "Seconds for all of an answer to be read: the page is below 1 MB."] = 60.0
    answers: Annotated[
        int, "Answers over HTTP/3 that one source reads at once, of 128 kB each at most; further ones wait for these."
    ] = 32
    requests: Annotated[
        Allowance,
        "Requests of one source to the page, which loads some 100 files: an office behind one address, or who reloads "
        "it again and again, loads it twenty times at once, and once a second from then on.",
    ] = Allowance(100, 2000)
    forward_session: Annotated[
        Allowance | None,
        "Bytes a second that a relay forwards to one viewer of one session; none: what the links carry. Only who pays "
        "for traffic knows how much it may be. Media beyond it lose whole objects, the host is told of the rate that "
        "is left, streams wait.",
    ] = None
    forward_device: Annotated[
        Allowance | None, "Bytes a second that a relay forwards of one device to all its viewers; none: no bound."
    ] = None
    forward_total: Annotated[Allowance | None, "Bytes a second that a relay forwards in all; none: no bound."] = None
    memory: Annotated[int, "Bytes that a relay may have; 0: what its control group, or else the machine, has."] = 0
    memory_strangers: Annotated[
        float,
        "The share of memory from which on a relay sends its newest strangers away. Between this share and the last is "
        "what one second of a flood can take.",
    ] = 0.70
    memory_spares: Annotated[float, "The share from which on it gives up caches and parity."] = 0.75
    memory_queues: Annotated[float, "The share from which on it drops what waits for its slowest viewers."] = 0.80
    memory_newcomers: Annotated[
        float,
        "The share from which on it takes no new sessions. Behind it is what a machine needs that does not swap.",
    ] = 0.85
    memory_shed: Annotated[
        float,
        "Of the strangers, and of the viewers for whom most waits, this share goes, or loses what waits, a second.",
    ] = 0.25
    descriptors: Annotated[int, "File descriptors that TCP never gets: UDP, logs, state and what Python opens."] = 64


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
