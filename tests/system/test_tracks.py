"""Two pictures of one host, each a track of its own, from two cards that move apart to a viewer that shows both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from avl_host.capture.pattern import PatternSource, read_number
from avl_protocol.media.frame import EncodedFrame
from avl_protocol.media.track import video
from avl_protocol.session.hop.server import HopServer
from avl_protocol.session.hop.serverevents import HopServerEvent, Said
from avl_protocol.wire.messages import Attach, HopMessage, Tracks
from avl_protocol.wire.registry import ObjectFlag
from avl_viewer.api import Desktop
from avl_viewer.decode.convert import Canvas
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.present.presenter import Picture
from tests.simulator.run import Simulation
from tests.simulator.world import RunningHost, system
from tests.system.seen import online, run, until

FIRST, SECOND = 1, 2
SIZES = {FIRST: (320, 192), SECOND: (160, 96)}


class Seen:
    """Every picture that a viewer shows, by track."""

    def __init__(self, desktop: Desktop) -> None:
        self.pictures: dict[int, list[Picture]] = {FIRST: [], SECOND: []}
        self._desktop = desktop
        desktop.on_picture = lambda picture: self.pictures[picture.track].append(picture)

    def numbers(self, track: int) -> list[int]:
        """The objects shown of a track."""
        return [picture.number for picture in self.pictures[track]]

    def card(self, track: int) -> int | None:
        """The number on the card in the newest picture of a track."""
        newest = self.pictures[track][-1]
        canvas = Canvas()
        canvas.show(newest.frame, newest.width, newest.height, None)
        return read_number(np.ascontiguousarray(canvas.rgb()[:, :, ::-1]))


@asynccontextmanager
async def two_tracks(simulation: Simulation, via: str = "relay") -> AsyncIterator[tuple[RunningHost, Desktop, Seen]]:
    """A host with a second card, and a viewer that has got a picture of both."""
    second = PatternSource(simulation.clock.monotonic, SIZES[SECOND])
    async with system(simulation, via=via) as s, s.host(SIZES[FIRST], more=(second,)) as host:
        await online(host)
        async with s.viewer(host) as desktop:
            seen = Seen(desktop)
            await until(lambda: all(seen.pictures.values()))
            yield host, desktop, seen


def sealed(host: RunningHost, track: int) -> list[bool]:
    """Whether each object that a host seals of a track from now on is a key object, as they come."""
    sender = next(one.sender for one in host.agent.publisher.publications if one.track.id == track)
    seal, made = sender.seal, list[bool]()

    def keep(frame: EncodedFrame) -> tuple[int, int, bytes]:
        result = seal(frame)
        made.append(bool(result[1] & ObjectFlag.KEY))
        return result

    sender.seal = keep  # type: ignore[method-assign]
    return made


def test_both_tracks_are_decoded_and_shown_in_order(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_tracks(simulation, via) as (_, desktop, seen):
            await asyncio.sleep(2.0)
            for track, size in SIZES.items():
                numbers = seen.numbers(track)
                assert len(numbers) >= 55 and numbers == sorted(set(numbers))
                assert {(picture.width, picture.height) for picture in seen.pictures[track]} == {size}
                due = round(simulation.clock.monotonic() * 30)
                card = seen.card(track)
                assert card is not None and due - 8 <= card <= due
            assert desktop.size == SIZES[FIRST], "the first track is the desktop"
            assert (await desktop.screenshot()).pixels.shape == (192, 320, 3)

    run(main)


def test_a_track_that_is_not_wanted_stops_alone_and_is_made_no_more(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_tracks(simulation, via) as (host, desktop, seen):
            first, second = sealed(host, FIRST), sealed(host, SECOND)
            desktop.subscribe(SECOND, False)
            await asyncio.sleep(0.5)
            before, shown = len(second), len(seen.pictures[SECOND])
            first.clear()
            await asyncio.sleep(1.0)
            assert len(second) == before and len(seen.pictures[SECOND]) == shown, "nobody wants it"
            assert len(first) >= 28 and not any(first), "the other goes on, without a key object"
            desktop.subscribe(SECOND, True)
            await asyncio.sleep(0.5)
            assert second[before] and len(seen.pictures[SECOND]) >= shown + 10, "it begins with a key object"
            assert not any(first)
            desktop.subscribe(FIRST, False)
            await asyncio.sleep(0.5)
            shown = len(seen.pictures[FIRST])
            await asyncio.sleep(0.5)
            assert len(seen.pictures[FIRST]) == shown

    run(main)


def test_recovery_of_one_track_does_not_disturb_the_other(via: str) -> None:
    async def main(simulation: Simulation) -> None:
        async with two_tracks(simulation, via) as (host, _, seen):
            await asyncio.sleep(0.5)
            first, second = sealed(host, FIRST), sealed(host, SECOND)
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
            assert failed and sum(second) == 1 and sum(first) == 0
            assert len(first) >= 28
            numbers = seen.numbers(FIRST)
            assert numbers[-28:] == list(range(numbers[-28], numbers[-28] + 28))

    run(main)


def test_who_leaves_takes_the_keys_of_both_tracks_along() -> None:
    """Both begin a group under keys that who is gone has not, and who stays sees them."""

    async def main(simulation: Simulation) -> None:
        second = PatternSource(simulation.clock.monotonic, SIZES[SECOND])
        async with system(simulation) as s, s.host(more=(second,)) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                seen = Seen(desktop)
                async with s.viewer(host, name="other", address="10.0.0.9") as other:
                    await until(lambda: all(seen.pictures.values()) and other.stats()["fps"] > 0)
                    senders = [one.sender for one in host.agent.publisher.publications]
                    generations = [sender.current_key.generation for sender in senders]
                await asyncio.sleep(1.0)
                after = [sender.current_key.generation for sender in senders]
                assert after[0] == after[1] > max(generations)
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
        async with two_tracks(simulation):
            first, *others = (message for message in said if not isinstance(message, Attach))
            assert first == Tracks((video(FIRST).row, video(SECOND).row))
            assert not any(isinstance(message, Tracks) for message in others)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HopServer, "next_event", noted)
        run(main)
