"""Survey: what this network allows, found out together with a relay (spec 08-paths, 8.2).

One socket does all of it, as in a session, so that the NAT's mapping is the one that peers will meet.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from avl_protocol.endpoint.diagnosis.finding import Finding
from avl_protocol.endpoint.diagnosis.netcheck import NetFacts, Reach, verdicts
from avl_protocol.endpoint.dial.dialler import Dialler, open_endpoint
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.endpoint.udp.network import Address
from avl_protocol.path.candidate import observed_address
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.hop.client import HopClient, HopClientSettings
from avl_protocol.session.hop.clientevents import HopLost, HopSaid, HopUp
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, NatTest, NatTested, Observed, Welcome
from avl_protocol.wire.registry import CloseCode, RawType, Role
from avl_protocol.wire.target import RelayAddress

#: Seconds that an answer may take, and how often a datagram that nobody acknowledges is sent.
ANSWER, TRIES = 1.0, 3
#: Bytes of the datagrams that begin a handshake; QUIC needs paths that carry them (RFC 9000, section 14.1).
INITIAL = 1200


class _Talk:
    """A link over which questions are asked of a relay. Everything it tells sets `news`."""

    def __init__(self, pin: bytes | None) -> None:
        self.hop = HopClient(HopClientSettings(role=Role.VIEWER, software="avl doctor", pin=pin))
        self.welcome: Welcome | None = None
        self.lost: Refused | None = None
        self.port: int | None = None
        self.observed: list[Address] = []
        self.filtered_in = False
        self.news = asyncio.Event()

    def take(self) -> None:
        """Learn from what the link tells; there is no session on it."""
        while (event := self.hop.next_event()) is not None:
            if isinstance(event, HopUp):
                self.welcome = event.welcome
                self._saw(event.welcome.observed)
            elif isinstance(event, HopLost):
                self.lost = event.reason
                self.news.set()
            elif isinstance(event, HopSaid):
                self._answered(event.message)

    def _answered(self, message: HopMessage) -> None:
        if isinstance(message, NatTested):
            self.port = message.port
        elif isinstance(message, Observed):
            self._saw(message.address)
        self.news.set()

    def _saw(self, text: str) -> None:
        if (address := observed_address(text)) is not None:
            self.observed.append(address)
        self.news.set()

    def raw(self, data: bytes, address: tuple[str, int], token: bytes) -> None:
        """A datagram that is not QUIC."""
        if data == bytes((RawType.FILTER,)) + token:
            self.filtered_in = True
            self.news.set()

    async def until(self, seconds: float, done: object) -> bool:
        """Wait until `done()` is true; False when it is not in time."""
        assert callable(done)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not done() and self.lost is None:
                    self.news.clear()
                    await self.news.wait()
        return bool(done())


async def survey(world: World, relay: RelayAddress, timeout: float = 5.0) -> NetFacts:
    """Ask a relay. Raises Refused when somebody else is there than who was pinned, OSError for a socket."""
    endpoint = await open_endpoint(world, ConnectionOptions())
    local = tuple(world.interfaces.addresses())
    try:
        udp, told = await _by_udp(world, endpoint, relay, timeout)
        tcp = await _by_tcp(world, endpoint, relay, timeout)
        place = (relay.host, relay.port)
        if told is None:
            return NetFacts(relay=place, udp=udp, tcp=tcp, local=local)
        talk, port = told
        four = [address for address in talk.observed if (":" in address[0]) == (":" in talk.observed[0][0])]
        six = any((":" in address[0]) != (":" in talk.observed[0][0]) for address in talk.observed)
        other = four[1] if port is not None and len(four) > 1 else None
        return NetFacts(
            relay=place,
            udp=udp,
            tcp=tcp,
            observed=tuple(dict.fromkeys(four)),
            local=local,
            mapping=other == four[0] if other is not None else None,
            filtering=talk.filtered_in if port is not None else None,
            ipv6=Reach(True) if ":" in talk.observed[0][0] or six else Reach(None),
            largest=INITIAL,
        )
    finally:
        await endpoint.close(CloseCode.NO_ERROR)


async def _by_udp(
    world: World, endpoint: Endpoint, relay: RelayAddress, timeout: float
) -> tuple[Reach, tuple[_Talk, int | None] | None]:
    talk = _Talk(relay.pin)
    hop = talk.hop
    token = world.entropy(16)
    endpoint.on_raw = lambda data, address: talk.raw(data, (address[0], address[1]), token)
    try:
        await Dialler(world, endpoint, tcp=False).reach(relay, hop, talk.take, timeout)
    except Unreachable:
        return Reach(False), None
    await talk.until(timeout, lambda: talk.welcome is not None)
    if talk.lost is not None and talk.welcome is None:
        raise talk.lost
    welcome = talk.welcome
    if welcome is None or not talk.observed:
        return Reach(False), None
    rtt = hop.carrier.rtt
    hop.send(NatTest(token))
    Dialler(world, endpoint).locate(relay, hop.carrier, welcome.nonce)
    if await talk.until(ANSWER, lambda: talk.port is not None):
        await talk.until(ANSWER, lambda: talk.filtered_in)
        assert talk.port is not None
        second = (hop.carrier.peer_address[0], talk.port)
        seen = len(talk.observed)
        for _ in range(TRIES):
            endpoint.send_raw(bytes((RawType.LOCATE,)) + welcome.nonce, second)
            if await talk.until(ANSWER / TRIES, lambda: len(talk.observed) > seen):
                break
    return Reach(True, rtt), (talk, talk.port)


async def _by_tcp(world: World, endpoint: Endpoint, relay: RelayAddress, timeout: float) -> Reach:
    if world.dial_tcp is None:
        return Reach(None)
    talk = _Talk(relay.pin)
    hop = talk.hop
    try:
        await Dialler(world, endpoint, udp=False).reach(relay, hop, talk.take, timeout)
    except Unreachable:
        return Reach(False)
    await talk.until(timeout, lambda: talk.welcome is not None)
    hop.close(CloseCode.NO_ERROR)
    return Reach(talk.welcome is not None)


async def findings_of(relay: RelayAddress, timeout: float, *, host: bool) -> list[Finding]:
    """What a relay and this network say, for a person; `host`: this machine is to be connected to."""
    return verdicts(await survey(system_world(), relay, timeout), host=host)
