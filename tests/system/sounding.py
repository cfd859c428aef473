"""What plays at a simulated host, and a viewer that listens and knows when it heard what."""

from __future__ import annotations

import math
from array import array

from avl_host.sound.source import MemorySource
from avl_protocol.media.sound import PACKET, RATE, SAMPLES
from avl_viewer.api import Desktop
from avl_viewer.sound.playback import Block
from tests.simulator.run import Simulation

#: Seconds between two clicks, and what one is.
EVERY = 0.25
TONE = array("f", (0.25 * math.sin(2 * math.pi * 440 * n / RATE) for n in range(SAMPLES) for _ in range(2))).tobytes()
LOUD = array("f", (0.9 if n % 16 < 8 else -0.9 for n in range(SAMPLES) for _ in range(2))).tobytes()
SILENT = bytes(len(TONE))


class Speakers(MemorySource):
    """What plays at the host: a tone, with a click every EVERY seconds; or nothing."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self._clock = simulation.clock.monotonic
        self._loop = simulation.loop
        self.on = True
        #: When clicks were heard at the host.
        self.clicks: list[float] = []
        self._due = self._clock()
        self._next_click = self._due
        self._next = self._loop.call_later(PACKET, self._tick)

    def end(self) -> None:
        """Play nothing any more, as where there is no sound server."""
        self._next.cancel()

    def _tick(self) -> None:
        self._due += PACKET
        heard = self._due - PACKET
        click = self.on and heard >= self._next_click
        if click:
            self._next_click = heard + EVERY
            self.clicks.append(heard)
        self.play(LOUD if click else TONE if self.on else SILENT, heard)
        self._next = self._loop.call_later(max(0.0, self._due + PACKET - self._clock()), self._tick)


class Listener:
    """A viewer that listens, and when it heard which click."""

    def __init__(self, desktop: Desktop, simulation: Simulation) -> None:
        self.desktop = desktop
        self._clock = simulation.clock.monotonic
        self.blocks: list[tuple[float, Block]] = []
        self.loudness: list[float] = []

    async def run(self) -> None:
        async with self.desktop.sound.listen() as blocks:
            async for block in blocks:
                samples = array("f", block.samples)
                self.blocks.append((self._clock(), block))
                self.loudness.append(math.sqrt(sum(value * value for value in samples) / len(samples)))

    @property
    def clicks(self) -> list[tuple[float, float]]:
        """When each click was heard here, and when that was at the host as the block says."""
        found = []
        for at in range(1, len(self.blocks)):
            if self.loudness[at] > 0.4 and self.loudness[at - 1] < 0.4:
                heard, block = self.blocks[at]
                found.append((heard, block.captured or 0.0))
        return found

    def delays(self, speakers: Speakers) -> list[float]:
        """From each click at the host to the one here."""
        return [heard - max(at for at in speakers.clicks if at < heard) for heard, _ in self.clicks]
