"""An audience of one host: the slow hurt nobody, who comes sees something at once, who leaves opens nothing more."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from avl_host.publish.publisher import LOWER
from avl_protocol.crypto.sframe import ObjectOpener, UnknownKey
from avl_protocol.wire.registry import CloseCode, ObjectFlag
from avl_viewer.api import Desktop
from avl_viewer.present.presenter import Picture
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, RunningHost, System, system
from tests.system.film import Film
from tests.system.seen import Sealed, online, run, sealed, until
from tests.system.snow import Snow

SIZE = (320, 192)
WAY = 0.02
FAST = LinkShape(delay=WAY, rate=6e6, queue=0.5)
SLOW = LinkShape(delay=WAY, rate=300e3, queue=0.5)
#: The tracks: pictures, exact pixels, and the pictures with fewer bits.
PICTURES, EXACT, FEWER = 1, 2, LOWER + 1


def place(number: int) -> str:
    """An address of a viewer, each in a network of its own."""
    return f"10.{number + 1}.0.1"


@dataclass
class Eye:
    """What one viewer is shown: when, of which track, and how old it was."""

    desktop: Desktop
    seen: list[tuple[float, int, float]] = field(default_factory=list)
    whole: float | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.desktop.on_picture = self._came

    def _came(self, picture: Picture) -> None:
        now = self._loop.time()
        self.seen.append((now, picture.track, now - picture.captured))
        if self.whole is None and picture.canvas.shown:
            self.whole = now

    async def watch(self, seconds: float) -> tuple[dict[int, float], float, float]:
        """From now on: pictures a second of each track, and the median and the greatest age of all in seconds."""
        self.seen.clear()
        await asyncio.sleep(seconds)
        ages = [age for _, _, age in self.seen]
        tracks = {track: sum(of == track for _, of, _ in self.seen) / seconds for track in (PICTURES, EXACT, FEWER)}
        return tracks, statistics.median(ages), max(ages)


@asynccontextmanager
async def stage(
    simulation: Simulation, kind: type[Film] | type[Snow] = Film, via: str = "relay", **settings: object
) -> AsyncIterator[tuple[System, RunningHost]]:
    """A host of a film, all of it moving, and links that are fast."""
    simulation.network.shape(HOST, RELAY, FAST)
    for number in range(60):
        for other in (RELAY, HOST):
            simulation.network.shape(other, place(number), FAST)
    shows = kind(simulation.clock.monotonic, SIZE)
    async with system(simulation, via=via) as s, s.host(shows=shows, **settings) as host:  # type: ignore[arg-type]
        await online(host)
        yield s, host


def viewer(s: System, host: RunningHost, number: int, **more: object) -> object:
    """A viewer at its place."""
    return s.viewer(host, address=place(number), name=f"viewer {number}", timeout=40.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("via", ["relay", "direct"])
def test_one_slow_viewer_leaves_the_others_as_they_were(via: str) -> None:
    """300 kbit/s beside 6 Mbit/s: before it came, while it is there, and after it has left, in one run."""

    async def main(simulation: Simulation) -> None:
        network = simulation.network
        async with stage(simulation, via=via) as (s, host), AsyncExitStack() as stack:
            for end in (RELAY, HOST):
                network.shape(end, place(9), SLOW)
            others = [Eye(await stack.enter_async_context(viewer(s, host, number))) for number in range(2)]  # type: ignore[arg-type]
            await asyncio.sleep(4.0)
            made = sealed(host)
            before = await asyncio.gather(*(eye.watch(3.0) for eye in others))
            assert not [one for one in made if one.track.id == FEWER], "nobody needs it"
            async with viewer(s, host, 9) as desktop:  # type: ignore[attr-defined]
                slow = Eye(desktop)
                await until(lambda: any(track == FEWER for _, track, _ in slow.seen), 10.0)
                await asyncio.sleep(2.0)
                made.clear()
                *beside, (rates, age, _) = await asyncio.gather(*(eye.watch(4.0) for eye in (*others, slow)))
                assert rates[FEWER] >= 20 and rates[PICTURES] == 0, rates
                assert age < 0.15, age
                assert not [one for one in made if one.key and one.track.id == PICTURES], "it costs no key objects"
            for was, now in zip(before, beside, strict=True):
                assert now[0][PICTURES] >= was[0][PICTURES] - 0.5 and now[0][FEWER] == 0
                assert now[1] <= was[1] + 0.002 and now[2] <= was[2] + 0.020
            await asyncio.sleep(3.0)
            made.clear()
            await asyncio.sleep(1.0)
            assert made and not [one for one in made if one.track.id == FEWER], "it was made for that one alone"

    run(main, seed=1)


def test_who_becomes_fast_gets_all_the_bits_again() -> None:
    async def main(simulation: Simulation) -> None:
        async with stage(simulation) as (s, host), viewer(s, host, 0), viewer(s, host, 1) as desktop:  # type: ignore[attr-defined]
            eye = Eye(desktop)
            await asyncio.sleep(2.0)
            for rate, track in ((300e3, FEWER), (6e6, PICTURES)):
                simulation.network.change(RELAY, place(1), rate=rate)
                await until(lambda track=track: eye.seen[-1][1] == track, 20.0)  # type: ignore[misc]
                await asyncio.sleep(2.0)
                rates, _, _ = await eye.watch(2.0)
                assert rates[track] >= 10, rates
                assert sum(rates.values()) == rates[track], "one of the two"

    run(main, seed=2)


#: Bytes a second that a host and one viewer have to say to each other while pictures change, headers included.
WORDS = 1500


def test_the_upload_does_not_grow_with_the_audience() -> None:
    async def main(simulation: Simulation) -> None:
        link = simulation.network.link(HOST, RELAY)
        async with stage(simulation) as (s, host), AsyncExitStack() as stack:
            sent = []
            for crowd in (1, 5):
                while len(host.agent.subscribers.subscribers()) < crowd:
                    number = len(host.agent.subscribers.subscribers())
                    await stack.enter_async_context(viewer(s, host, number))  # type: ignore[arg-type]
                await asyncio.sleep(3.0)
                before = link.bytes
                await asyncio.sleep(2.0)
                sent.append(link.bytes - before)
            # Pictures go up once; with each viewer the host has some words of its own, sealed for that one alone.
            assert sent[1] - sent[0] <= 4 * 2.0 * WORDS, sent

    run(main, seed=3)


def test_who_comes_late_has_a_picture_within_a_round_trip_and_300_ms() -> None:
    async def main(simulation: Simulation) -> None:
        async with stage(simulation, Snow) as (s, host), viewer(s, host, 0):  # type: ignore[attr-defined]
            await asyncio.sleep(3.0)
            made = sealed(host)
            for number in (1, 2, 3):
                async with viewer(s, host, number) as desktop:  # type: ignore[attr-defined]
                    admitted, eye = simulation.loop.time(), Eye(desktop)
                    made.clear()
                    await until(lambda eye=eye: eye.whole is not None)  # type: ignore[misc]
                    assert eye.whole is not None
                    assert eye.whole - admitted <= 4 * WAY + 0.3, eye.whole - admitted
                    await asyncio.sleep(0.5)
                    assert sum(one.key for one in made) == 1
                await asyncio.sleep(1.0)

    run(main, seed=4)


def test_fifty_who_come_within_300_ms_cost_one_key_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avl_protocol.crypto.attempts.FIXED_TRIES", 1000)
    monkeypatch.setattr("tests.system.test_audience.SIZE", (160, 96))

    async def main(simulation: Simulation) -> None:
        async with stage(simulation) as (s, host), viewer(s, host, 0), AsyncExitStack() as stack:  # type: ignore[attr-defined]
            await asyncio.sleep(2.0)
            made = sealed(host)
            eyes: list[Eye] = []

            async def come(number: int) -> None:
                await asyncio.sleep(0.3 * number / 50)
                eyes.append(Eye(await stack.enter_async_context(viewer(s, host, number + 1))))  # type: ignore[arg-type]

            await asyncio.gather(*(come(number) for number in range(50)))
            await until(lambda: all(eye.whole is not None for eye in eyes), 2.0)
            assert sum(one.key for one in made) == 1
            assert {one.track.id for one in made if one.key} == {PICTURES}
            await asyncio.sleep(0.3)
            assert len(host.agent.subscribers.subscribers()) == 51

    run(main, seed=5)


def test_who_is_removed_opens_no_object_that_is_made_later() -> None:
    """The next key object is sealed under a key that it was not given, and comes within 250 ms."""

    async def main(simulation: Simulation) -> None:
        async with stage(simulation, Snow) as (s, host), viewer(s, host, 0), viewer(s, host, 1) as goes:  # type: ignore[attr-defined]
            await asyncio.sleep(3.0)
            media = goes.client.session.media
            assert media is not None
            opener: ObjectOpener = media.opener
            made: list[tuple[float, Sealed]] = []
            sealed(host, lambda one: made.append((simulation.loop.time(), one)))
            last = max(host.agent.subscribers.subscribers(), key=lambda one: one.number)
            removed = simulation.loop.time()
            host.agent.subscribers.end(last.session, CloseCode.EVICTED, removed)
            await asyncio.sleep(1.0)
            for track in (PICTURES, EXACT):
                of = [(at, one) for at, one in made if one.track.id == track]
                first = next(at for at, (_, one) in enumerate(of) if one.flags & ObjectFlag.KEY)
                assert of[first][0] <= removed + 0.25
                assert len(of) > first + 10
                for _, one in of[first:]:
                    with pytest.raises(UnknownKey):
                        opener.open(track, one.number, one.flags, one.data)

    run(main, seed=6)
