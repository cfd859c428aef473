"""Copies: programs at both ends copy and paste while ways come and go at random, held against what must hold.

What is pasted is byte for byte the copy that it was asked for, or nothing; no end goes back to an older copy of the
other; and once all is calm both clipboards hold the newest.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from avl_protocol.session.fetching import Fetched
from avl_protocol.wire.clipformats import PNG, Copy, Format
from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_CLIPBOARD_ORDER, ClipboardState
from avl_viewer.api import Desktop
from interop.bench.paths.chaos import CALM, Verdict, trouble
from interop.bench.paths.gaps import HOST, HOST_NAT, VIEWER, VIEWER_NAT, Scene
from interop.bench.paths.nats import RELAY, SHAPE, first_picture, registered, surround
from interop.bench.paths.watch import Watcher
from tests.simulator.run import Simulation, run
from tests.simulator.world import RunningHost, system

#: Seconds between two copies at least: who copies twice in a moment, once at each end, can't say which is the newer.
APART = T_CLIPBOARD_ORDER + 0.2
#: Most bytes of a copied picture.
LARGEST = 200_000


def picture(number: int) -> bytes:
    """The picture of a copy."""
    chance = random.Random(number)
    return number.to_bytes(4, "big") + chance.randbytes(chance.randrange(1, LARGEST))


def number_of(content: Content) -> int:
    """The number of a copy by its text; 0 for what is none."""
    return int(content.split()[1]) if isinstance(content, str) and content.startswith("copy ") else 0


@dataclass
class Ends:
    """Both clipboards, as their programs see them."""

    host: RunningHost
    desktop: Desktop
    chance: random.Random
    now: Callable[[], float]
    made: int = 0
    #: The numbers of copies made at each end.
    there: set[int] = field(default_factory=set)
    here: set[int] = field(default_factory=set)
    #: What the viewer's system has: a copy of its own, or one of the host's with its stamp.
    local: int = 0
    of_host: Copy | None = None
    #: Copies of the other that each end has held, in order; and what went wrong.
    came: list[int] = field(default_factory=list)
    went: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    pasted: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def watch(self) -> None:
        """Follow what both clipboards are set to."""
        presenter, port = self.desktop.presenter, self.host.clipboard
        offer, copied = port.offer, presenter.copied

        def taken(copy: Copy, give: Callable[[str], object]) -> bool:
            self.went.append(number_of(copy.content))
            return offer(copy, give)  # type: ignore[arg-type]

        def told(copy: Copy) -> None:
            self.came.append(number_of(copy.content))
            self.local, self.of_host = number_of(copy.content), copy
            copied(copy)

        port.offer, presenter.copied = taken, told  # type: ignore[method-assign]

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it in the background."""
        task = asyncio.get_running_loop().create_task(work())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def copy_there(self) -> None:
        """A program of the host copies."""
        self.made += 1
        self.there.add(self.made)
        self.host.clipboard.copy(f"copy {self.made}", {PNG: picture(self.made)})

    async def copy_here(self) -> None:
        """A program of the viewer's system copies."""
        self.made += 1
        number = self.local = self.made
        self.here.add(number)
        self.of_host = None

        async def read(format: str) -> Fetched:
            await asyncio.sleep(self.chance.choice((0.0, 0.05)))
            return picture(number) if self.local == number and self.of_host is None else ClipboardState.GONE

        copy = Copy(f"copy {number}", (Format(PNG),))
        try:
            await self.desktop.client.features.clipboard.offer(copy, read)
        except Refused:
            return  # a newer one was there, or it takes too long to say: the calm will show

    async def paste_there(self) -> None:
        """A program of the host pastes."""
        asked = number_of(self.host.clipboard.content)
        began = self.now()
        result = await self.host.clipboard.paste(PNG)
        self._check("host", asked, result, self.now() - began)

    async def paste_here(self) -> None:
        """A program of the viewer's system pastes what the host copied."""
        copy = self.of_host
        if copy is None:
            return
        began = self.now()
        try:
            result: Fetched = await self.desktop.client.features.clipboard.fetch(copy.stamp, PNG)
        except Refused:
            result = ClipboardState.NO_ANSWER
        self._check("viewer", number_of(copy.content), result, self.now() - began)

    def _check(self, where: str, asked: int, result: Fetched, took: float) -> None:
        if isinstance(result, bytes):
            self.pasted += 1
            if result != picture(asked):
                self.broken.append(f"at the {where} copy {asked} was pasted as another")
        elif took > 60:
            self.broken.append(f"at the {where} a program waited {took:.0f} s for nothing")

    async def work(self) -> None:
        """Copy and paste at both ends."""
        while True:
            await asyncio.sleep(self.chance.uniform(APART, 3 * APART))
            if self.chance.random() < 0.5:
                self.copy_there()
            else:
                self.start(self.copy_here)
            for paste in (self.paste_here, self.paste_there):
                if self.chance.random() < 0.6:
                    self.start(paste)

    async def judge(self) -> None:
        """What was broken, once all is calm."""
        for where, numbers, made in (("host", self.went, self.here), ("viewer", self.came, self.there)):
            others = [number for number in numbers if number in made]
            if others != sorted(set(others)):
                self.broken.append(f"the {where} went back to an older copy: {others}")
        newest, there = self.made, number_of(self.host.clipboard.content)
        if (there, self.local) != (newest, newest):
            self.broken.append(f"copy {newest} is the newest; the host has {there}, the viewer {self.local}")
            return
        before = self.pasted
        await (self.paste_there() if newest in self.here else self.paste_here())
        if self.pasted == before:
            self.broken.append(f"copy {newest} could not be pasted although all was calm")


def live(seed: int) -> Verdict:
    """One run."""
    chance = random.Random(seed)
    log: list[str] = []

    async def main(simulation: Simulation) -> Verdict:
        now = simulation.clock.monotonic
        network = simulation.network
        host_ip = surround(network, HOST, HOST_NAT, chance.choice(("restricted", "restricted", "symmetric")))
        viewer_ip = surround(network, VIEWER, VIEWER_NAT, "restricted")
        async with system(simulation, RELAY, host_ip) as parts, parts.host(direct=True) as host:
            await registered(host)
            async with parts.viewer(host, address=viewer_ip, reconnect=True) as desktop:
                await first_picture(desktop)
                host.source.set_still(True)
                ends = Ends(host, desktop, random.Random(seed + 1), now)
                ends.watch()
                working = asyncio.get_running_loop().create_task(ends.work())
                watcher = Watcher(desktop, host, now)
                scene = Scene(simulation=simulation, parts=parts, host=host, desktop=desktop, watcher=watcher)
                await trouble(scene, chance, log)
                working.cancel()
                await asyncio.sleep(CALM + APART)
                await ends.judge()
                await watcher.stop()
                for task in ends.tasks:
                    task.cancel()
                return Verdict(tuple(ends.broken), tuple(log), ends.pasted, 0)

    async def limited(simulation: Simulation) -> Verdict:
        async with asyncio.timeout(400):
            return await main(simulation)

    return run(limited, seed, SHAPE)[0]
