"""Viewers at links of all kinds, who come and go: those with a good link notice no others.

A real relay, a host and viewers that do what every hop does (acknowledge, report, repair, ask for key objects), of
pictures that nobody has to draw.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.reassembler import Reassembler
from avl_protocol.media.track import video
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.media.sender import SentFragment, repair
from avl_protocol.wire import datagram
from avl_protocol.wire.messages import Accept, Admit, Attach, Attached, Detach, HopMessage, Incoming, Recover, Tracks
from avl_protocol.wire.registry import T_KEY_SPACING, Channel, CloseCode, DatagramType, ObjectFlag
from interop.bench.attack import hops
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation, run
from tests.simulator.world import HOST, PORT, RELAY, System

FILM = video(1)
#: Pictures a second, bytes of one (two datagrams, .4 Mbit/s), and how many times as large one is that stands alone.
PACE, PICTURE, KEY = 24, 2000, 4
WAY = 0.01
GOOD = LinkShape(delay=WAY, rate=20e6, queue=0.3)
LOSSY = LinkShape(delay=WAY, rate=20e6, queue=0.3, loss=0.02)
THIN = LinkShape(delay=WAY, rate=300e3, queue=0.5)
#: Seconds until all is calm, and that are looked at then.
CALM, LOOK = 0.5, 1.5


class Camera:
    """The host."""

    def __init__(self, simulation: Simulation, pin: bytes) -> None:
        self._clock = simulation.clock
        self.identity = Identity(simulation.entropy(32))
        self.link = hops.host(pin, self.identity)
        self.link.on_message, self.link.on_fates = self._message, self._settled
        #: When each picture was taken, and how many of them stood alone.
        self.taken: list[float] = []
        self.keys = 0
        self._wants_key, self._next_key = True, 0.0

    async def film(self) -> None:
        """Without end."""
        began = self._clock.monotonic()
        while True:
            self._take()
            await asyncio.sleep(began + len(self.taken) / PACE - self._clock.monotonic())

    def _take(self) -> None:
        now, hop, number = self._clock.monotonic(), self.link.hop, len(self.taken)
        if key := self._wants_key and now >= self._next_key:
            self._wants_key, self._next_key = False, now + T_KEY_SPACING
        self.keys += key
        flags = int(ObjectFlag.KEY) if key else 0
        pieces = packetize(bytes(PICTURE * KEY if key else PICTURE), hop.media_handle, FILM.id, number, flags)
        cookies = [SentFragment(piece, FILM, now) for piece in pieces]
        self.taken.append(now)
        hop.carrier.send_datagrams(pieces, FILM.priority, now + FILM.lifetime, cookies)

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Incoming):
            self.link.hop.send(Accept(message.handle))
            self.link.hop.send(Admit(message.handle, (FILM.id,), (int(Channel.CONTROL),)))
        self._wants_key = self._wants_key or isinstance(message, (Incoming, Recover))

    def _settled(self, fates: Sequence[tuple[object, bool]]) -> None:
        for cookie, arrived in fates:
            repair(cookie, arrived, self.link.hop.carrier, self._clock.monotonic())


@dataclass
class Watcher:
    """A viewer: what came, whole or in part, and when it was whole."""

    simulation: Simulation
    pin: bytes
    address: str
    begun: set[int] = field(default_factory=set)
    whole: dict[int, float] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)

    async def enter(self, relay: tuple[str, int], device: bytes) -> None:
        """Come in."""
        self._objects = Reassembler()
        self._attached: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.link = hops.viewer(self.pin)
        self.link.on_message, self.link.on_media = self._message, self._take
        endpoint: Endpoint = self.simulation.endpoint(self.address, options=ConnectionOptions(ack_delay=0.0125))
        await endpoint.bind((self.address, 5000))
        await self.link.dial(relay, endpoint)
        self.link.hop.send(Attach(device, self.simulation.entropy(16)))
        self.handle = await self._attached

    async def recover(self) -> None:
        """Ask for a picture that stands alone where one is given up, without end."""
        while True:
            await asyncio.sleep(T_KEY_SPACING)
            if late := self._objects.incomplete(self.simulation.clock.monotonic()):
                self.link.hop.send(Recover(self.handle, FILM.id, late[0]))

    def _message(self, message: HopMessage) -> None:
        if isinstance(message, Attached):
            self._attached.set_result(message.handle)

    def _take(self, data: bytes) -> None:
        header, payload = datagram.decode(data)
        now = self.simulation.clock.monotonic()
        if header.type <= DatagramType.REPAIR:
            self.begun.add(header.object)
            if header.flags & ObjectFlag.KEY:
                self.alone.add(header.object)
            if self._objects.add(header, payload, now) is not None:
                self.whole.setdefault(header.object, now)

    def shown(self) -> list[int]:
        """The pictures that can be shown: those that stand alone, and what follows them without a gap."""
        out: list[int] = []
        for number in sorted(self.whole):
            if number in self.alone or (out and out[-1] == number - 1):
                out.append(number)
        return out


@dataclass(frozen=True)
class Seen:
    """Of the time that is looked at: for each kind of viewer the pictures a second that each could show; of those with
    a good link the median and the 95th percentile of the pictures' ages in seconds, and how many they got in part;
    bytes that the host sent for a picture, less what those that stood alone had more; and the number of these."""

    rates: dict[str, list[float]]
    ages: tuple[float, float]
    halves: int
    upload: float
    keys: int


KINDS = {"good": GOOD, "lossy": LOSSY, "thin": THIN}


def audience(folder: Path, monkeypatch: pytest.MonkeyPatch, coming: int = 0, **kinds: int) -> Seen:
    """What so many viewers of each kind see, while `coming` more come in and leave again."""

    async def main(simulation: Simulation) -> Seen:
        monkeypatch.setattr(hops, "CLOCK", simulation.clock)
        system = System(simulation=simulation, folder=folder, relay=RELAY, host=HOST, via="relay")
        relay = await system.start_relay()
        network, at = simulation.network, (RELAY, PORT)
        network.shape(HOST, RELAY, GOOD)
        camera = Camera(simulation, relay.identity.pin)
        own = simulation.endpoint(HOST, options=ConnectionOptions(ack_delay=0.005))
        await own.bind((HOST, 5000))
        await camera.link.dial(at, own)
        camera.link.hop.send(Tracks((FILM.row,)))
        device = camera.identity.number.to_bytes(17, "big")

        def watcher(number: int, shape: LinkShape) -> Watcher:
            address = f"10.{10 + number}.0.1"
            network.shape(RELAY, address, shape)
            return Watcher(simulation, relay.identity.pin, address)

        all_of = [(kind, watcher(number, KINDS[kind])) for number, kind in enumerate(_dealt(kinds))]
        guests = [watcher(len(all_of) + number, GOOD) for number in range(coming)]
        async with asyncio.TaskGroup() as tasks:
            works = [tasks.create_task(camera.film())]
            await asyncio.gather(*(one.enter(at, device) for _, one in all_of))
            works += [tasks.create_task(one.recover()) for _, one in all_of]
            await asyncio.sleep(CALM)
            upload, first, keys = network.link(HOST, RELAY), len(camera.taken), camera.keys
            before, ends = upload.bytes, simulation.clock.monotonic() + LOOK
            for guest in guests:
                await guest.enter(at, device)
                await asyncio.sleep(LOOK / 2 / coming)
            for guest in guests:
                guest.link.hop.send(Detach(guest.handle, CloseCode.NO_ERROR))
                await asyncio.sleep(LOOK / 4 / coming)
            await asyncio.sleep(ends - simulation.clock.monotonic())
            last, sent, made = len(camera.taken), upload.bytes - before, camera.keys - keys
            await asyncio.sleep(0.5)  # what is on its way arrives
            for work in works:
                work.cancel()
        await relay.close()
        span = range(first, last)
        shown = [(kind, [number for number in one.shown() if number in span], one) for kind, one in all_of]
        ages = [
            one.whole[number] - camera.taken[number] for kind, seen, one in shown if kind == "good" for number in seen
        ]
        return Seen(
            rates={kind: [len(seen) * PACE / len(span) for of, seen, _ in shown if of == kind] for kind in kinds},
            ages=(statistics.median(ages), statistics.quantiles(ages, n=20)[-1]),
            halves=sum(len(one.begun & set(span) - one.whole.keys()) for kind, one in all_of if kind == "good"),
            upload=(sent - made * (KEY - 1) * PICTURE) / len(span),
            keys=made,
        )

    return run(main, 1, GOOD)[0]


def _dealt(kinds: dict[str, int]) -> list[str]:
    """Kinds in turns, so that no kind comes first."""
    return [kind for turn in range(max(kinds.values())) for kind, many in kinds.items() if turn < many]


@pytest.mark.parametrize(
    ("good", "lossy", "thin", "coming"), [(4, 3, 3, 4), (40, 30, 30, 10)], ids=["ten", "a_hundred"]
)
def test_who_has_a_good_link_does_not_notice_the_others(
    good: int, lossy: int, thin: int, coming: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = audience(tmp_path / "alone", monkeypatch, coming, good=1)
    mixed = audience(tmp_path / "mixed", monkeypatch, coming, good=good, lossy=lossy, thin=thin)
    assert alone.rates["good"] == [PACE]
    assert min(mixed.rates["good"]) >= 0.98 * PACE, "the same pictures"
    assert mixed.ages[0] < alone.ages[0] + 0.003, "as soon"
    assert mixed.ages[1] < alone.ages[1] + 0.015, "which pictures that stand alone, and are larger, may raise"
    assert mixed.halves == alone.halves == 0, "a picture comes as a whole or not at all"
    assert mixed.upload < 1.25 * alone.upload, "one upload, whoever watches, and a train that asks what the way carries"
    assert mixed.keys <= 4 * LOOK + 1, "who comes, and who cannot follow, share the pictures that stand alone"
    assert statistics.mean(mixed.rates["lossy"]) > 0.9 * PACE, "what is lost is repaired for who lost it"
    assert 1.0 < min(mixed.rates["thin"]) <= max(mixed.rates["thin"]) < 0.8 * PACE, "a thin link gets what it carries"
