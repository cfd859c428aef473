"""What tests of whole systems share: a run that ends, whether a host is online, and what a viewer sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from avl_host.capture.pattern import read_number
from avl_protocol.media.frame import Frame, SoundFrame
from avl_protocol.media.track import Track
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.wire.registry import ObjectFlag
from avl_viewer.api import Desktop
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.run import run as run_for_ever
from tests.simulator.world import RunningHost

Result = TypeVar("Result")


class Numbered(Protocol):
    """A source whose pictures tell a number."""

    @property
    def number(self) -> int:
        """Of the newest picture."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An object that a host has made."""

    track: Track
    number: int
    flags: int
    data: bytes

    @property
    def key(self) -> bool:
        """Whether it begins a group of pictures."""
        return self.track.dependent and bool(self.flags & ObjectFlag.KEY)


#: Virtual seconds after which what a test waits for will never come.
LIMIT = 300.0
#: A card that is not whole is looked at so many times, so many seconds apart.
WHOLE, LOOK = 500, 0.01


def run(
    main: Callable[[Simulation], Coroutine[Any, Any, Result]], seed: int = 0, shape: LinkShape | None = None
) -> tuple[Result, str]:
    """As the simulator's run, but it fails after LIMIT instead of simulating for ever."""

    async def limited(simulation: Simulation) -> Result:
        async with asyncio.timeout(LIMIT):
            return await main(simulation)

    return run_for_ever(limited, seed, shape)


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait, in virtual time, for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def online(host: RunningHost) -> None:
    """Wait until the host is registered."""
    await until(lambda: bool(host.said))


def sealed(host: RunningHost, told: Callable[[Sealed], None] | None = None, desktop: int = 0) -> list[Sealed]:
    """The objects that a host seals of a desktop from now on, as they come; `told` of each."""
    made: list[Sealed] = []
    for sender in host.agent.publisher.publications[desktop].senders:
        _overhear(sender, told or made.append)
    return made


def _overhear(sender: MediaSender, told: Callable[[Sealed], None]) -> None:
    seal = sender.seal

    def keep(frame: Frame | SoundFrame) -> tuple[int, int, bytes]:
        number, flags, data = seal(frame)
        told(Sealed(sender.track, number, flags, data))
        return number, flags, data

    sender.seal = keep  # type: ignore[method-assign]


async def number(desktop: Desktop) -> int:
    """The number on the card that the viewer sees; what it has missed of the desktop is waited for."""
    for _ in range(WHOLE):
        shown = read_number(np.ascontiguousarray((await desktop.screenshot()).pixels[:, :, ::-1]))
        if shown is not None:
            return shown
        await asyncio.sleep(LOOK)
    raise AssertionError("the viewer shows no whole card")


async def behind(desktop: Desktop, source: Numbered) -> int:
    """By how many moves of its card the viewer is behind a source."""
    shown = await number(desktop)
    return source.number - shown
