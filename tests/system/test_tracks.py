"""Two desktops of one host, each two tracks of its own, to a viewer that shows both: cards that move apart, each above
a strip of snow, so that each has exact pixels and pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from avl_host.capture.pattern import read_number
from avl_host.publish.publisher import desktop
from avl_protocol.media.track import exact, video
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.serverevents import HopServerEvent, Said
from avl_protocol.wire.messages import Attach, HopMessage, Tracks
from avl_viewer.api import Desktop
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.present.presenter import Picture
from tests.simulator.run import Simulation
from tests.simulator.world import RunningHost, system
from tests.system.seen import Sealed, online, run, sealed, until
from tests.system.snow import HEIGHT, Snow

#: Desktops by the numbers of their first tracks, with those of their second ones.
FIRST, SECOND = 1, 3
EXACT = {FIRST: 2, SECOND: 4}
CARDS = {FIRST: (320, 192), SECOND: (160, 96)}
SIZES = {desktop: (width, height + HEIGHT) for desktop, (width, height) in CARDS.items()}


class Seen:
    """Every object that a viewer shows, by desktop."""

    def __init__(self, desktop: Desktop) -> None:
        self.pictures: dict[int, list[Picture]] = {FIRST: [], SECOND: []}
        self._desktop = desktop
        desktop.on_picture = lambda picture: self.pictures[picture.desktop].append(picture)

    def numbers(self, track: int) -> list[int]:
        """The objects shown of a track."""
        return [picture.number for pictures in self.pictures.values() for picture in pictures if picture.track == track]

    def card(self, desktop: int) -> int | None:
        """The number on the card that a desktop shows."""
        canvas = self.pictures[desktop][-1].canvas
        return read_number(np.ascontiguousarray(canvas.rgb()[:, :, ::-1]))


@asynccontextmanager
async def two_desktops(simulation: Simulation, via: str = "relay") -> AsyncIterator[tuple[RunningHost, Desktop, Seen]]:
    """A host with a second card, and a viewer that has got pictures and exact pixels of both."""
    first, second = (Snow(simulation.clock.monotonic, CARDS[desktop]) for desktop in (FIRST, SECOND))
    async with system(simulation, via=via) as s, s.host(shows=first, more=(second,)) as host:  # type: ignore[arg-type]
        await online(host)
        async with s.viewer(host) as desktop:
            seen = Seen(desktop)
            await until(lambda: all(seen.numbers(track) for track in (*EXACT, *EXACT.values())))
            yield host, desktop, seen


def keys(made: list[Sealed]) -> int:
    """How many of these objects begin a group of pictures."""
    return sum(one.key for one in made)


def of_pictures(made: list[Sealed]) -> list[Sealed]:
    """Those of these objects that are pictures."""
    return [one for one in made if one.track.dependent]


def both(host: RunningHost) -> tuple[list[Sealed], list[Sealed]]:
    """What a host seals of each desktop from now on."""
    return sealed(host), sealed(host, desktop=1)


def test_both_desktops_are_shown_in_order(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_desktops(simulation, via) as (_, desktop, seen):
            await asyncio.sleep(2.0)
            for first, size in SIZES.items():
                assert len(seen.pictures[first]) >= 55
                for track in (first, EXACT[first]):
                    numbers = seen.numbers(track)
                    assert len(numbers) >= 10 and numbers == sorted(set(numbers))
                assert {picture.canvas.size for picture in seen.pictures[first]} == {size}
                due = round(simulation.clock.monotonic() * 30)
                card = seen.card(first)
                assert card is not None and due - 8 <= card <= due
            assert desktop.size == SIZES[FIRST], "the first is the desktop"
            assert (await desktop.screenshot()).pixels.shape == (192 + HEIGHT, 320, 3)

    run(main)


def test_a_desktop_that_is_not_wanted_stops_alone_and_is_made_no_more(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_desktops(simulation, via) as (host, desktop, seen):
            await asyncio.sleep(1.0)
            first, second = both(host)

            def subscribe(which: int, wanted: bool) -> None:
                desktop.subscribe(which, wanted)
                desktop.subscribe(EXACT[which], wanted)

            subscribe(SECOND, False)
            await asyncio.sleep(0.5)
            before, shown = len(second), len(seen.pictures[SECOND])
            first.clear()
            await asyncio.sleep(1.0)
            assert len(second) == before and len(seen.pictures[SECOND]) == shown, "nobody wants it"
            assert len(of_pictures(first)) >= 28 and not keys(first), "the other goes on, without a key object"
            subscribe(SECOND, True)
            await asyncio.sleep(0.5)
            assert of_pictures(second[before:])[0].key, "it begins with a key object"
            assert len(seen.pictures[SECOND]) >= shown + 10
            card, due = seen.card(SECOND), round(simulation.clock.monotonic() * 30)
            assert card is not None and due - 8 <= card <= due
            assert not keys(first)
            subscribe(FIRST, False)
            await asyncio.sleep(0.5)
            shown = len(seen.pictures[FIRST])
            await asyncio.sleep(0.5)
            assert len(seen.pictures[FIRST]) == shown

    run(main)


def test_a_track_that_is_not_wanted_stops_without_the_other_of_its_desktop(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_desktops(simulation, via) as (_, desktop, seen):
            desktop.subscribe(FIRST, False)
            await asyncio.sleep(0.5)
            pictures, others = len(seen.numbers(FIRST)), len(seen.numbers(EXACT[FIRST]))
            await asyncio.sleep(1.0)
            assert len(seen.numbers(FIRST)) == pictures
            assert len(seen.numbers(EXACT[FIRST])) >= others + 25

    run(main)


def test_recovery_of_one_desktop_does_not_disturb_the_other(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_desktops(simulation, via) as (host, _, seen):
            await asyncio.sleep(1.0)
            first, second = both(host)
            decode, failed = VideoDecoder.decode, list[int]()

            def fail_once(decoder: VideoDecoder, data: bytes) -> Any:
                frame = decode(decoder, data)
                if frame.width == SIZES[SECOND][0] and not failed:
                    failed.append(frame.width)
                    raise DecodeError("damaged")
                return frame

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(VideoDecoder, "decode", fail_once)
                await asyncio.sleep(1.0)
            assert failed and keys(second) == 1 and keys(first) == 0
            assert len(of_pictures(first)) >= 28
            for track in (FIRST, EXACT[FIRST]):
                numbers = seen.numbers(track)
                assert numbers[-28:] == list(range(numbers[-28], numbers[-28] + 28))

    run(main)


def test_who_leaves_takes_the_keys_of_all_tracks_along() -> None:
    """All begin a group under keys that who is gone has not, and who stays sees them."""

    async def main(simulation: Simulation) -> None:
        first, second = (Snow(simulation.clock.monotonic, CARDS[desktop]) for desktop in (FIRST, SECOND))
        async with system(simulation) as s, s.host(shows=first, more=(second,)) as host:  # type: ignore[arg-type]
            await online(host)
            async with s.viewer(host) as desktop:
                seen = Seen(desktop)
                async with s.viewer(host, name="other", address="10.0.0.9") as other:
                    await until(
                        lambda: (
                            all(seen.numbers(track) for track in (*EXACT, *EXACT.values())) and other.stats()["fps"] > 0
                        )
                    )
                    senders = [
                        sender
                        for one in host.agent.publisher.publications
                        for sender in one.senders
                        if sender is not one.lower  # nobody needs those
                    ]
                    assert len(senders) == 4
                    generations = [sender.current_key.generation for sender in senders]
                await asyncio.sleep(1.0)
                after = [sender.current_key.generation for sender in senders]
                assert len(set(after)) == 1 and after[0] > max(generations)
                shown = [len(pictures) for pictures in seen.pictures.values()]
                await asyncio.sleep(1.0)
                assert all(
                    len(pictures) >= before + 28 for pictures, before in zip(seen.pictures.values(), shown, strict=True)
                )

    run(main)


def test_a_relay_is_told_the_tracks_before_any_session() -> None:
    said: list[HopMessage] = []
    plain = HopServer.next_event

    def noted(peer: HopServer) -> HopServerEvent | None:
        event = plain(peer)
        if isinstance(event, Said):
            said.append(event.message)
        return event

    async def main(simulation: Simulation) -> None:
        async with two_desktops(simulation):
            first, *others = (message for message in said if not isinstance(message, Attach))
            assert first == Tracks(tuple(track.row for at in range(2) for track in desktop(at)))
            assert {(video(1).row, exact(2).row), (video(3).row, exact(4).row)} == {
                tuple(track.row for track in desktop(at)[:2]) for at in range(2)
            }
            assert not any(isinstance(message, Tracks) for message in others)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HopServer, "next_event", noted)
        run(main)
