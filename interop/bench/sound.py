"""Bench of sound: how long after it was heard at the host a click is heard at a viewer, what of the sound has to be
made up where packets are lost, how late it is beside its film, and what it costs.

    ./dev bench sound [--seconds 20] [--json]

The first is of real programs on this machine: a PulseAudio with two null sinks, one of which is the host's loudspeaker
and the other the viewer's; both are recorded, and a click is a sample. The rest is in virtual time, where links lose
what they are told to. The goals: one packet in 200 late at most; sound within 45 ms of its film.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, thread_time
from typing import Any

import numpy as np
import psutil

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.sound.pulse import BLOCK, RATE, SAMPLES, Stream
from avl_viewer.api import Desktop, connect
from avl_viewer.sound.output import PulseOutput
from avl_viewer.sound.player import SoundFigures, ThreadPlayer
from interop.bench.rig.measure import quantile
from interop.programs import Programs
from interop.soundserver import SoundServer
from tests.simulator.network import LinkShape
from tests.simulator.run import Simulation
from tests.simulator.run import run as simulated
from tests.simulator.world import system
from tests.system.film import Film
from tests.system.seen import online
from tests.system.sounding import Listener, Speakers

CODE = "7K3P-9QX2"
#: Seconds that a start may take, that are not looked at, and between two clicks.
PATIENCE, WARM, EVERY = 30.0, 4.0, 0.5
#: The same beside a film, which begins with a burst that is remembered for ten seconds.
BURST = 15.0
#: Losses of a path, and its delay and jitter each way in seconds.
LOSSES, DELAY, JITTER = (0.0, 0.01, 0.03), 0.02, 0.005
#: Links on which a film and its sound travel: bits per second, and seconds each way.
FILMS = ((20e6, 0.01), (3e6, 0.03))
#: What counts as a click, among a tone of a twentieth.
CLICK, LOUD = 0.9, 0.4


def share(part: int, of: int) -> float:
    """A share, of five digits."""
    return round(part / of, 5) if of else 0.0


def spread(seconds: list[float]) -> dict[str, float | None]:
    """Median and 95th percentile, in milliseconds."""
    times = [1000 * one for one in seconds]
    return {f"p{round(at * 100)}_ms": quantile(times, at) for at in (0.5, 0.95)}


# ------------------------------------------------------------------------------------------------- on this machine


class Clicks:
    """When clicks were heard somewhere, in seconds of our clock."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def look(self, samples: bytes, heard: float) -> None:
        """These were heard from then on."""
        loud = np.abs(np.frombuffer(samples, np.float32)[::2]) > LOUD
        if loud.any():
            at = heard + int(np.argmax(loud)) / RATE
            if not self.times or at > self.times[-1] + EVERY / 2:
                self.times.append(at)

    def after(self, others: Clicks, since: float) -> list[float]:
        """How long after each of the others' the one here came."""
        found = []
        for at in self.times:
            before = [other for other in others.times if since < other < at]
            if before and at - before[-1] < EVERY:
                found.append(at - before[-1])
        return found


@contextmanager
def thread(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """`work` until the block ends, on a thread of its own."""
    ended = threading.Event()
    running = threading.Thread(target=work, args=(ended,))
    running.start()
    try:
        yield
    finally:
        ended.set()
        running.join()


def click(ended: threading.Event) -> None:
    """Play a quiet tone with clicks at the host's loudspeaker."""
    stream = Stream(record=False, device="speakers", channels=2, title="clicks", ahead=0.02)
    at = 0
    while not ended.is_set():
        wave = 0.05 * np.sin(2 * np.pi * 220 * np.arange(at, at + SAMPLES) / RATE)
        if at // SAMPLES % round(EVERY / BLOCK) == 0:
            wave[:96] = CLICK
        stream.write(np.repeat(wave, 2).astype(np.float32).tobytes())
        at += SAMPLES
    stream.close()


def hear(source: str, clicks: Clicks) -> Callable[[threading.Event], None]:
    """Look for clicks in what a source gives."""

    def work(ended: threading.Event) -> None:
        stream = Stream(record=True, device=source, channels=2, title="clicks")
        while not ended.is_set():
            samples = stream.read()
            clicks.look(samples, monotonic() - BLOCK)
        stream.close()

    return work


async def listens(desktop: Desktop, clicks: Clicks, seconds: float) -> tuple[SoundFigures, float]:
    """Take the sound as a program does; how it went, and what of a core this loop took."""
    used = thread_time()

    async def take() -> None:
        async with desktop.sound.listen() as blocks:
            async for block in blocks:
                clicks.look(block.samples, monotonic())

    task = asyncio.ensure_future(take())
    await asyncio.sleep(WARM + seconds)
    figures = desktop.client.sound_figures or SoundFigures()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return figures, (thread_time() - used) / (WARM + seconds)


async def plays(desktop: Desktop, clicks: Clicks, seconds: float) -> SoundFigures:
    """Play the sound as the window does, into the viewer's sink; how it went."""
    player = ThreadPlayer(
        lambda: PulseOutput("ear"), now=monotonic, faults=Faults(), trouble=lambda text: print(text, file=sys.stderr)
    )
    desktop.client.listen(player)
    try:
        with thread(hear("ear.monitor", clicks)):
            await asyncio.sleep(WARM + seconds)
        return player.figures()
    finally:
        desktop.client.listen(None)


async def here(folder: Path, seconds: float) -> dict[str, Any]:
    """Clicks of this machine's host at a program and at a loudspeaker, and what of a core sound takes."""
    ready = folder / "ready.json"
    flags: list[str | Path] = ["--source", "pattern", "--listen", "127.0.0.1:0", "--code", CODE, "--no-indicator"]
    flags += ["--state", folder / "host", "--ready-file", ready]
    programs = Programs(folder)
    try:
        host = programs.start("host", [Path(sys.executable).with_name("avl-host"), "run", *flags])
        target = (await programs.ready_file(ready, PATIENCE))["target"]
        process = psutil.Process(host.process.pid)

        def used() -> float:
            times = process.cpu_times()
            return float(times.user + times.system)

        with ExitStack() as held:
            at_host, at_program, at_ear = Clicks(), Clicks(), Clicks()
            held.enter_context(thread(click))
            held.enter_context(thread(hear("speakers.monitor", at_host)))
            async with connect(target, code=CODE, state=folder / "viewer", pictures=False) as desktop:
                await asyncio.sleep(WARM)
                before = used()
                await asyncio.sleep(seconds / 2)
                idle = (used() - before) / (seconds / 2)
                begun, before = monotonic(), used()
                program, loop = await listens(desktop, at_program, seconds)
                busy = (used() - before) / (WARM + seconds)
                since = begun + WARM
                by_program = at_program.after(at_host, since)
                begun = monotonic()
                ear = await plays(desktop, at_ear, seconds)
                by_ear = at_ear.after(at_host, begun + WARM)
        return {
            "program": {"clicks": len(by_program), **spread(by_program), **shares(SoundFigures(), program)},
            "loudspeaker": {"clicks": len(by_ear), **spread(by_ear), **shares(SoundFigures(), ear)},
            "cpu": {"host": round(busy - idle, 4), "viewer": round(loop, 4)},
        }
    finally:
        programs.end()


def shares(before: SoundFigures, after: SoundFigures) -> dict[str, float]:
    """What was made up, and what came too late, of what came between."""
    concealed, played = after.concealed - before.concealed, after.played - before.played
    return {
        "concealed": share(concealed, concealed + played),
        "late": share(after.late - before.late, after.received - before.received),
    }


# --------------------------------------------------------------------------------------------------- in virtual time


def lossy(loss: float, seconds: float) -> dict[str, Any]:
    """Sound alone on a path that loses so much."""
    found: dict[str, Any] = {}

    async def main(simulation: Simulation) -> None:
        speakers = Speakers(simulation)
        async with system(simulation, via="direct") as s, s.host(sound=speakers) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                listener = Listener(desktop, simulation)
                task = asyncio.ensure_future(listener.run())
                for track in (1, 2):
                    desktop.subscribe(track, False)
                await asyncio.sleep(WARM)
                before, heard = desktop.client.sound_figures or SoundFigures(), len(listener.clicks)
                await asyncio.sleep(seconds)
                after = desktop.client.sound_figures or SoundFigures()
                found.update(loss=loss, **spread(listener.delays(speakers)[heard:]), **shares(before, after))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    simulated(main, 1, LinkShape(delay=DELAY, jitter=JITTER, loss=loss))
    return found


def beside(rate: float, delay: float, seconds: float) -> dict[str, Any]:
    """How much later than its film sound is heard, of samples every 50 ms; what is negative is earlier."""
    found: dict[str, Any] = {}

    async def main(simulation: Simulation) -> None:
        speakers = Speakers(simulation)
        shows: Any = Film(simulation.clock.monotonic, (320, 192))
        async with system(simulation, via="direct") as s, s.host(sound=speakers, shows=shows) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                listener = Listener(desktop, simulation)
                task = asyncio.ensure_future(listener.run())
                await asyncio.sleep(BURST)
                apart, sound, film = [], [], []
                for _ in range(round(seconds / 0.05)):
                    await asyncio.sleep(0.05)
                    shown = desktop.stats()["glass_to_glass_ms"]["p50"]
                    figures = desktop.client.sound_figures
                    if shown is not None and figures is not None and figures.delay is not None:
                        sound.append(figures.delay)
                        film.append(shown / 1000)
                        apart.append(abs(figures.delay - shown / 1000))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                found.update(
                    mbit=rate / 1e6,
                    film=spread(film),
                    sound=spread(sound),
                    apart=spread(apart),
                    furthest_ms=round(max(apart, default=0.0) * 1000, 1),
                )

    simulated(main, 1, LinkShape(delay=delay, rate=rate))
    return found


# ---------------------------------------------------------------------------------------------------------- figures


def told(figures: dict[str, Any]) -> str:
    """The tables."""
    real = figures["here"]
    lines = ["| on this machine, heard by | clicks | p50, ms | p95, ms | made up | late |", "| --- " * 6 + "|"]
    for name in ("program", "loudspeaker"):
        row = "| {name} | {clicks} | {p50_ms} | {p95_ms} | {concealed:.2%} | {late:.2%} |"
        lines.append(row.format(name=name, **real[name]))
    lines += ["", "| CPU | of a core |", "| --- | --- |"]
    lines += [f"| {name} | {real['cpu'][name]:.1%} |" for name in ("host", "viewer")]
    lines += ["", "| lost | p50, ms | p95, ms | made up | late |", "| --- " * 5 + "|"]
    row = "| {loss:.0%} | {p50_ms} | {p95_ms} | {concealed:.2%} | {late:.2%} |"
    lines += [row.format(**one) for one in figures["losses"]]
    lines += [
        "",
        "| film at, Mbit/s | film p50, ms | sound p50, ms | apart p50, ms | p95 | at most |",
        "| --- " * 6 + "|",
    ]
    row = "| {mbit:.0f} | {film[p50_ms]} | {sound[p50_ms]} | {apart[p50_ms]} | {apart[p95_ms]} | {furthest_ms} |"
    lines += [row.format(**one) for one in figures["films"]]
    return "\n".join(lines)


def main() -> int:
    """Print the figures."""
    made = argparse.ArgumentParser(prog="./dev bench sound")
    made.add_argument("--seconds", type=float, default=20.0, help="how long each is looked at")
    made.add_argument("--json", action="store_true", help="one JSON object")
    chosen = made.parse_args()
    if missing := SoundServer.lacking():
        print(
            f"bench sound: {', '.join(missing)}: not installed (apt install pulseaudio pulseaudio-utils)",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SoundServer(folder / "server", ("speakers", "ear")) as server:
            os.environ["PULSE_SERVER"] = server.address
            real = asyncio.run(here(folder, chosen.seconds))
    figures = {
        "here": real,
        "losses": [lossy(loss, chosen.seconds) for loss in LOSSES],
        "films": [beside(rate, delay, chosen.seconds) for rate, delay in FILMS],
    }
    print(json.dumps(figures) if chosen.json else told(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
