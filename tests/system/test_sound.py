"""Sound from a host to its viewers, and a voice back, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from avl_host.publish.publisher import SOUND
from avl_host.sound.microphone import MemoryMicrophone
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode, Permission, SoundState
from avl_viewer.api import Desktop
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.world import HOST, RELAY, VIEWER, RunningHost, system
from tests.system.film import Film
from tests.system.seen import online, run, until
from tests.system.sounding import Listener, Speakers


@asynccontextmanager
async def sounding(
    simulation: Simulation, via: str = "relay", microphone: MemoryMicrophone | None = None, **settings: object
) -> AsyncIterator[tuple[RunningHost, Desktop, Speakers, Listener]]:
    """A host that plays something, and a viewer that is in."""
    speakers = Speakers(simulation)
    async with (
        system(simulation, via=via) as s,
        s.host(sound=speakers, microphone_to=microphone, microphone=microphone is not None, **settings) as host,  # type: ignore[arg-type]
    ):
        await online(host)
        async with s.viewer(host) as desktop:
            listener = Listener(desktop, simulation)
            yield host, desktop, speakers, listener


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    """Listen until the block ends."""
    task = asyncio.get_running_loop().create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("via", ["relay", "direct", "moved"])
def test_what_plays_at_the_host_is_heard_soon(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation, via) as (_, desktop, speakers, listener), listening(listener):
            await asyncio.sleep(4.0)
            delays = listener.delays(speakers)
            assert len(delays) >= 12 and max(delays[3:]) < 0.06
            told = [heard - captured for heard, captured in listener.clicks[3:]]
            assert max(abs(one - other) for one, other in zip(told, delays[3:], strict=True)) < 0.015
            figures = desktop.stats()["audio"]
            assert figures["concealed"] == 0 and figures["late"] == 0 and figures["buffer_ms"] < 60

    run(main)


def test_sound_is_taken_and_sent_only_while_somebody_listens() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (host, _, speakers, listener):
            await asyncio.sleep(1.0)
            assert host.agent.publisher.sound is not None and speakers.listener is None
            async with listening(listener):
                await until(lambda: len(listener.blocks) > 20)
                assert speakers.starts <= 2
            await asyncio.sleep(0.5)
            newest = host.agent.publisher.sound.newest
            assert speakers.listener is None
            await asyncio.sleep(1.0)
            assert host.agent.publisher.sound.newest == newest

    run(main)


def test_silence_sends_nothing_and_is_no_loss() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (host, desktop, speakers, listener), listening(listener):
            sound = host.agent.publisher.sound
            assert sound is not None
            await asyncio.sleep(1.0)
            speakers.on = False
            await asyncio.sleep(0.5)
            newest = sound.newest
            await asyncio.sleep(5.0)
            assert sound.newest == newest
            speakers.on = True
            await asyncio.sleep(1.0)
            assert sound.newest > newest + 90
            assert desktop.stats()["audio"]["concealed"] == 0
            assert max(listener.delays(speakers)[-3:]) < 0.06

    run(main)


def test_a_viewer_without_audio_out_gets_no_sound_whatever_it_asks() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation, forbid=Permission.AUDIO_OUT) as (host, desktop, speakers, listener):
            with pytest.raises(Refused) as refused:
                await listener.run()
            assert refused.value.code is CloseCode.NOT_PERMITTED
            desktop.subscribe(SOUND.id, True)
            await asyncio.sleep(1.0)
            assert speakers.listener is None
            assert host.agent.publisher.sound is not None and host.agent.publisher.sound.newest == -1

    run(main)


def test_permission_that_comes_or_goes_brings_or_takes_the_sound() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (host, _, speakers, listener), listening(listener):
            await until(lambda: len(listener.blocks) > 20)
            host.agent.change(replace(host.agent.settings, forbid=Permission.AUDIO_OUT))
            await asyncio.sleep(0.5)
            heard = len(listener.blocks)
            assert speakers.listener is None
            host.agent.change(replace(host.agent.settings, forbid=Permission(0)))
            await asyncio.sleep(1.0)
            assert len(listener.blocks) > heard + 50

    run(main)


def test_what_is_lost_on_the_way_is_hardly_heard() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (_, desktop, speakers, listener), listening(listener):
            await until(lambda: len(listener.blocks) > 0)
            for track in (1, 2):
                desktop.subscribe(track, False)
            await asyncio.sleep(4.0)
            before = desktop.client.sound_figures
            await asyncio.sleep(20.0)
            after = desktop.client.sound_figures
            assert before is not None and after is not None
            concealed, played = after.concealed - before.concealed, after.played - before.played
            assert concealed / (concealed + played) <= 0.008
            assert (after.late - before.late) / (after.received - before.received) <= 0.005
            assert max(listener.delays(speakers)) < 0.35

    run(main, shape=LinkShape(delay=0.02, loss=0.03))


def test_sound_is_not_earlier_than_its_film() -> None:
    """The pictures take long on their way through a narrow link, and sound would overtake them."""

    async def main(simulation: Simulation) -> None:
        speakers = Speakers(simulation)
        film = Film(simulation.clock.monotonic, (320, 192))
        async with system(simulation) as s, s.host(sound=speakers, shows=film) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                listener = Listener(desktop, simulation)
                async with listening(listener):
                    await asyncio.sleep(6.0)
                    ages = desktop.stats()["glass_to_glass_ms"]
                    delays = listener.delays(speakers)[-8:]
                    assert ages["p50"] > 0
                    assert min(delays) * 1000 > ages["p50"] - 45
                    assert desktop.stats()["audio"]["concealed"] < 0.05

    run(main, shape=LinkShape(delay=0.03, rate=3_000_000))


def test_a_host_without_a_sound_server_says_so_and_one_that_comes_back_is_heard() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (host, desktop, speakers, listener), listening(listener):
            await until(lambda: speakers.listener is not None)
            speakers.on = False
            speakers.say(SoundState.NO_SERVER, "No sound server answers here: start one.")
            await until(lambda: desktop.sound.trouble != "")
            assert "no sound server" in desktop.sound.trouble
            assert [line for line in host.said if "sound" in line] == [
                "sound: No sound server answers here: start one."
            ]
            speakers.say(SoundState.HEARD)
            speakers.on = True
            await until(lambda: desktop.sound.trouble == "")
            heard = len(listener.blocks)
            await until(lambda: len(listener.blocks) > heard + 20)

    run(main)


def test_a_host_that_looks_for_a_sound_server_in_vain_sends_no_more_than_one_without_sound() -> None:
    async def main(simulation: Simulation) -> None:
        spent = []
        for vain in (False, True):
            speakers = Speakers(simulation)
            speakers.end()
            async with system(simulation) as s, s.host(sound=speakers if vain else None) as host:
                await online(host)
                async with s.viewer(host) as desktop, listening(Listener(desktop, simulation)):
                    host.source.set_still(True)
                    await asyncio.sleep(15.0)
                    links = [simulation.network.link(*way) for way in ((HOST, RELAY), (RELAY, HOST))]
                    before = sum(link.bytes for link in links)
                    for _ in range(6):
                        await asyncio.sleep(10.0)
                        if vain:
                            assert speakers.listener is not None
                            speakers.say(SoundState.NO_SERVER, "No sound server answers here: start one.")
                    spent.append((sum(link.bytes for link in links) - before) / 60)
        assert max(spent) < 250 and spent[1] < spent[0] + 10, spent

    run(main)


def test_sound_goes_on_after_a_path_was_lost() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (_, _, speakers, listener), listening(listener):
            await until(lambda: len(listener.blocks) > 50)
            simulation.network.at(VIEWER).asleep = True
            await asyncio.sleep(1.0)
            simulation.network.at(VIEWER).asleep = False
            heard = len(listener.blocks)
            await until(lambda: len(listener.blocks) > heard + 300)
            assert max(listener.delays(speakers)[-4:]) < 0.12

    run(main)


# the microphone


def spoken(desktop: Desktop, count: int, last: bool = False) -> None:
    for n in range(count):
        desktop.client.features.voice.say(1, bytes((n + 1,)), last and n == count - 1)


def test_a_code_admits_to_the_microphone_only_where_the_host_takes_one() -> None:
    async def main(simulation: Simulation) -> None:
        async with sounding(simulation) as (_, desktop, _, _):
            assert not desktop.permissions & Permission.AUDIO_IN
            with pytest.raises(Refused) as refused:
                desktop.client.features.voice.turn(True)
            assert refused.value.code is CloseCode.NOT_PERMITTED

    run(main)


def test_a_voice_is_played_at_the_host_and_shown_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(simulation: Simulation) -> None:
        microphone = MemoryMicrophone()
        async with sounding(simulation, microphone=microphone) as (host, desktop, _, _):
            assert microphone.there and desktop.permissions & Permission.AUDIO_IN
            voice = desktop.client.features.voice
            monkeypatch.setattr(voice, "_changed", desktop.presenter.microphone)
            spoken(desktop, 3)
            await asyncio.sleep(0.5)
            assert microphone.said == [], "nothing is sent before a person turns it on"
            voice.turn(True)
            assert desktop.presenter.speaking
            spoken(desktop, 3)
            await asyncio.sleep(0.2)
            assert [packets for _, _, packets in microphone.said] == [(b"\1",), (b"\2",), (b"\3",)]
            assert [one.speaks for one in host.agent.presence.scene.people] == [True]
            assert desktop.presenter.host_sound.speakers == 1
            await asyncio.sleep(1.0)  # silence: it no longer speaks
            assert [one.speaks for one in host.agent.presence.scene.people] == [False]
            assert len(microphone.hushed) == 1 and desktop.presenter.host_sound.speakers == 0
            spoken(desktop, 1)
            voice.turn(False)
            await asyncio.sleep(0.1)
            assert len(microphone.hushed) == 2 and not desktop.presenter.speaking
        assert not microphone.there

    run(main)


def test_what_a_slow_path_can_t_carry_of_a_voice_is_left_out_and_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(simulation: Simulation) -> None:
        microphone = MemoryMicrophone()
        async with sounding(simulation, microphone=microphone) as (_, desktop, _, _):
            voice = desktop.client.features.voice
            monkeypatch.setattr(voice, "_changed", desktop.presenter.microphone)
            voice.turn(True)
            simulation.network.at(HOST).asleep = True
            for _ in range(300):
                voice.say(1, bytes(80))
                await asyncio.sleep(0.01)
            assert voice.left_out > 150
            simulation.network.at(HOST).asleep = False
            await until(lambda: len(microphone.said) > 0)
            await asyncio.sleep(2.0)
            assert len(microphone.said) < 100

    run(main)
