"""What a viewer's canvas may show of a desktop, held against what it does show, over links that are no good.

Once changes pause the canvas is the host's screen, pixel for pixel, within a bound. Until then every cell that counts
as exact shows a state that the desktop had, and never an older one than before; and whenever all of it is said to be
exact it is what the desktop once looked like as a whole.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from avl_viewer.api import Desktop
from avl_viewer.decode.canvas import EXACT, PICTURE
from avl_viewer.present.presenter import Picture
from tests.simulator.desktop import FILM_DARK, FILM_STEP, Memory, SimulatedDesktop, prints
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation, run
from tests.simulator.world import HOST, RELAY, VIEWER, System, system

#: Seconds for which the desktop is used, and from when on.
BEGIN, SECONDS = 1.5, 5.0
#: Seconds after its last change in which a viewer has to show it as it is, and those for each of its bytes on the
#: slowest link, twice.
BOUND = 6.0
#: By how much a film may seem to grow darker: what a coarse picture makes of its noise.
DARKER = 8 * FILM_STEP
#: A second viewer.
OTHER = "10.0.0.9"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run broke, in sentences; nothing, it is hoped. `seconds`: after the last change until each viewer was
    exact, `events`: what happened to the links, in words."""

    seed: int
    broken: tuple[str, ...]
    seconds: tuple[float, ...]
    events: tuple[str, ...]
    looks: int
    trace: str = ""


@dataclass(kw_only=True)
class Eye:
    """Looks at what one viewer shows whenever that changes."""

    name: str
    desktop: Desktop
    source: SimulatedDesktop
    loop: asyncio.AbstractEventLoop
    broken: list[str] = field(default_factory=list)
    looks: int = 0
    #: Whether it was closed by who had opened it.
    left: bool = False

    def __post_init__(self) -> None:
        self._size = (0, 0)
        self._last = np.zeros(0, np.int64)
        self._bright = np.zeros((0, 0))
        self._sizes: list[tuple[int, int]] = []
        self.desktop.on_picture = self._came

    def _came(self, picture: Picture) -> None:
        # All objects of one moment are shown first, then it is known whether that is all.
        self.loop.call_soon(self._look)

    def _say(self, text: str) -> None:
        if len(self.broken) < 8:
            self.broken.append(f"{self.loop.time():.3f} {self.name}: {text}")

    def _look(self) -> None:
        picture = self.desktop.presenter.latest()
        if picture is None:
            return
        canvas = picture.canvas
        canvas.refresh()
        memory = self.source.memories.get(canvas.size)
        if memory is None:
            self._say(f"a desktop of {canvas.size}, which it never was")
            return
        if canvas.size != self._size:
            self._resized(canvas.size, memory)
        self.looks += 1
        found = prints(canvas.pixels.view(np.uint32)[:, :, 0])
        sources = canvas.sources
        self._exact(found, sources, memory)
        self._film(canvas.pixels, sources, memory)
        if self.desktop.presenter.is_exact and not memory.whole(found):
            self._say("said to be exact, and the desktop never looked like that")

    def _resized(self, size: tuple[int, int], memory: Memory) -> None:
        if size in self._sizes:
            self._say(f"back at the size {size}")
        self._sizes.append(size)
        self._size = size
        self._last = np.zeros(memory.film.size, np.int64)
        self._bright = np.zeros(memory.film.shape)

    def _exact(self, found: Any, sources: Any, memory: Memory) -> None:
        flat, columns = found.ravel(), found.shape[1]
        for cell in np.flatnonzero(sources.ravel() == EXACT).tolist():
            state = memory.state(cell, int(flat[cell]), int(self._last[cell]))
            where = f"cell {cell % columns},{cell // columns}"
            if state is not None:
                self._last[cell] = state
            elif (older := memory.state(cell, int(flat[cell]), 0)) is not None:
                self._say(f"{where} shows state {older} after {self._last[cell]}")
            else:
                self._say(f"{where} shows what was never there")

    def _film(self, pixels: Any, sources: Any, memory: Memory) -> None:
        """A film grows brighter only."""
        cells = memory.film & (sources == PICTURE)
        if not cells.any():
            return
        rows, columns = (side // 16 for side in pixels.shape[:2])
        green = pixels[: rows * 16, : columns * 16, 1].reshape(rows, 16, columns, 16).mean(axis=(1, 3))
        bright = np.zeros(cells.shape)
        bright[:rows, :columns] = green
        # What was there before the film counts for nothing: it begins dark.
        cells &= (self._bright > 0) | (bright <= FILM_DARK + DARKER // 2)
        darker = cells & (bright < self._bright - DARKER)
        if darker.any():
            row, column = (int(found[0]) for found in np.nonzero(darker))
            before, after = self._bright[row, column], bright[row, column]
            self._say(f"film in cell {column},{row} went back from {before:.0f} to {after:.0f}")
        self._bright = np.where(cells, np.maximum(self._bright, bright), self._bright)

    def differs(self) -> str:
        """What is wrong now that all should be exact; "" if nothing is."""
        if self.desktop.client.ended.done():
            return f"its session is over: {self.desktop.client.ended.result()}"
        picture = self.desktop.presenter.latest()
        if picture is None:
            return "nothing is shown"
        canvas, host = picture.canvas, self.source.pixels
        if canvas.size != self.source.size:
            return f"a desktop of {canvas.size} and not of {self.source.size}"
        wrong = (canvas.rgb()[:, :, ::-1] != host[:, :, :3]).any(axis=2)
        if wrong.any():
            rows, columns = (np.unique(at // 16) for at in np.nonzero(wrong))
            where = f"in columns {columns.tolist()} and rows {rows.tolist()} of cells"
            return f"{int(wrong.sum())} pixels differ, {where}; {canvas.exact:.4f} count as exact"
        if not self.desktop.presenter.is_exact:
            return f"all pixels are right, but it is not said; {canvas.exact:.4f} count as exact"
        return ""


def links(chance: random.Random) -> LinkShape:
    """A link as bad as they come, or better."""
    return LinkShape(
        delay=chance.choice((0.002, 0.01, 0.03, 0.08)),
        jitter=chance.choice((0.0, 0.002, 0.01)),
        loss=chance.choice((0.0, 0.0, 0.01, 0.05)),
        duplicate=chance.choice((0.0, 0.0, 0.02)),
        reorder=chance.choice((0.0, 0.02, 0.1)),
        reorder_by=chance.choice((0.005, 0.04)),
        rate=chance.choice((None, 20e6, 8e6, 3e6)),
    )


async def trouble(simulation: Simulation, chance: random.Random, log: list[str], end: float) -> None:
    """What happens to the links until the desktop rests: they are then no better, but all there."""
    network, now = simulation.network, simulation.loop.time
    pairs = ((HOST, RELAY), (RELAY, VIEWER), (HOST, VIEWER))
    while (left := end - now()) > 0:
        await asyncio.sleep(min(left, chance.uniform(0.2, 1.5)))
        what = chance.choice(("shape", "shape", "burst", "cut", "sleep", "direct"))
        log.append(f"{now():.2f} {what}")
        if what == "shape":
            network.shape(*chance.choice(pairs), links(chance))
        elif what == "sleep":
            network.at(VIEWER).asleep = True
            await asyncio.sleep(chance.choice((0.3, 1.2)))
            network.at(VIEWER).asleep = False
        else:
            pair = (HOST, VIEWER) if what == "direct" else chance.choice(pairs)
            before = [network.link(*way).shape for way in (pair, pair[::-1])]
            loss = 0.4 if what == "burst" else 1.0
            network.change(*pair, loss=loss)
            await asyncio.sleep(chance.choice((0.2, 0.6)) if what != "direct" else 1.5)
            for way, shape in zip((pair, pair[::-1]), before, strict=True):
                network.link(*way).shape = shape


async def visit(
    parts: System, source: SimulatedDesktop, host: Any, chance: random.Random, log: list[str], eyes: list[Eye]
) -> None:
    """A second viewer comes, and may leave."""
    loop = parts.simulation.loop
    await asyncio.sleep(chance.uniform(0.5, 4.0))
    log.append(f"{loop.time():.2f} another comes")
    async with parts.viewer(host, address=OTHER, name="other", reconnect=True, timeout=20.0) as desktop:
        eye = Eye(name="other", desktop=desktop, source=source, loop=loop)
        eyes.append(eye)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            log.append(f"{loop.time():.2f} the other leaves")
            eye.left = True
        else:
            await asyncio.Event().wait()


def live(seed: int) -> Verdict:
    """One run."""
    chance = random.Random(seed)
    log: list[str] = []
    eyes: list[Eye] = []
    seconds: list[float] = []

    async def main(simulation: Simulation) -> None:
        network, loop = simulation.network, simulation.loop
        for pair in ((HOST, RELAY), (RELAY, VIEWER), (HOST, VIEWER)):
            network.shape(*pair, links(chance))
        network.shape(OTHER, RELAY, replace(links(chance), rate=chance.choice((1.5e6, 3e6, 10e6))))
        network.shape(OTHER, HOST, network.link(OTHER, RELAY).shape)
        source = SimulatedDesktop(loop.time, seed, begin=BEGIN, seconds=SECONDS)
        async with AsyncExitStack() as stack:
            parts = await stack.enter_async_context(system(simulation))
            host = await stack.enter_async_context(parts.host(shows=source, direct=chance.random() < 0.6))
            while not host.said:
                await asyncio.sleep(0.02)
            viewer = await stack.enter_async_context(parts.viewer(host, reconnect=True, timeout=20.0))
            eyes.append(Eye(name="viewer", desktop=viewer, source=source, loop=loop))
            visitor = None
            if chance.random() < 0.6:
                visitor = loop.create_task(visit(parts, source, host, chance, log, eyes))
            await trouble(simulation, chance, log, BEGIN + SECONDS)
            while not source.resting and loop.time() < BEGIN + SECONDS + BOUND:
                await asyncio.sleep(0.05)
            rest = max(BEGIN + SECONDS, loop.time())
            bound = BOUND + bounds(simulation)
            for eye in [eye for eye in eyes if not eye.left]:
                while (wrong := eye.differs()) and loop.time() < rest + bound and not eye.left:
                    await asyncio.sleep(0.05)
                if wrong and not eye.left:
                    eye.broken.append(f"{bound:.1f} s after the last change {eye.name}: {wrong}")
                seconds.append(round(loop.time() - rest, 2))
            if visitor is not None:
                visitor.cancel()
                await asyncio.wait([visitor])
                if not visitor.cancelled() and visitor.exception() is not None:
                    eyes[0].broken.append(f"the other could not come: {visitor.exception()!r}")

    async def limited(simulation: Simulation) -> None:
        async with asyncio.timeout(400):
            await main(simulation)

    trace, failed = "", []
    try:
        _, trace = run(limited, seed)
    except Exception as error:  # a program that fails breaks the rules too, and other seeds are still to be run
        failed.append(f"{type(error).__name__}: {error}")
    return Verdict(
        seed,
        (*failed, *(line for eye in eyes for line in eye.broken)),
        tuple(seconds),
        tuple(log),
        sum(eye.looks for eye in eyes),
        trace,
    )


def bounds(simulation: Simulation) -> float:
    """Seconds that the bytes of a whole desktop take on the slowest link of now, twice."""
    pairs = ((HOST, RELAY), (RELAY, VIEWER), (HOST, VIEWER), (HOST, OTHER), (RELAY, OTHER))
    rates = [rate for pair in pairs if (rate := simulation.network.link(*pair).shape.rate)]
    return 2 * 480 * 320 * 4 * 8 / min(rates, default=1e9)
