"""What a link does while a session runs over it, and the session that is put through it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from avl_protocol.wire.target import RelayAddress, parse_address, parse_target
from interop import stage
from interop.bench.rig import audience, content, course, measure
from interop.bench.rig.course import Result, Stretch
from interop.bench.rig.glass import Glass
from interop.bench.rig.layout import PARKED, SIZE
from interop.bench.rig.load import Load
from interop.bench.rig.netns import FAR, FAR_DEVICE, NEAR, Backlog, Bottleneck, Cable
from interop.programs import Programs

#: Seconds of film and typing before anything counts; of stillness, at least and at most, before the last picture is
#: judged, and between two looks at it.
WARMS, STANDS, SETTLES, LOOKED = 4.0, 4.0, 10.0, 0.5
#: Seconds between two looks at the bottleneck, and between two whether everybody is alive.
SAMPLED, CHECKED = 0.04, 1.0
#: Milliseconds of queue of a thin way back (RFC 8867's).
THIN_QUEUE = 300.0
#: Mbit/s at which a link is none.
OPEN = 1000.0


Command = list[str | Path]


def module_path() -> str:
    """Where programs of this repository are found, before whatever this process was told."""
    return os.pathsep.join([str(stage.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A bottleneck of some `rates` (Mbit/s) one after another, with a queue of `queue` milliseconds at the first, that
    loses `loss` percent of all datagrams, in each direction. `thin`: Mbit/s of the other direction, with a queue of
    THIN_QUEUE milliseconds and somebody's TCP transfer in it (0: neither)."""

    name: str
    rates: tuple[float, ...]
    loss: float = 0.0
    queue: float = 200.0
    thin: float = 0.0

    @property
    def queue_bytes(self) -> int:
        """The queue's size: it stays what it is when the rate changes."""
        return round(self.rates[0] * 1e6 / 8 * self.queue / 1000)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="open", rates=(OPEN,)),
        Scenario(name="steady20", rates=(20,)),
        Scenario(name="steady5", rates=(5,)),
        Scenario(name="steady2", rates=(2,)),
        Scenario(name="drop20-2", rates=(20, 2), queue=500),
        Scenario(name="drop20-4-20", rates=(20, 4, 20), queue=500),
        Scenario(name="loss3", rates=(10,), loss=3),
        Scenario(name="upload", rates=(20,), thin=0.256),
    )
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all scenarios: one-way `delay` in milliseconds, `seconds` at each rate, whether host and relay
    have the link between them (`upload`) or relay and viewer, and the host's `--max-bitrate` (None: its own)."""

    delay: float
    seconds: float
    upload: bool
    max_bitrate: float | None = None


@dataclass(slots=True)
class Desk:
    """The host's screen with what is on it, for all scenarios of a run."""

    programs: Programs
    load: Load
    display: str = ""
    glass: Glass = field(init=False)
    content: content.Remote = field(init=False)

    async def open(self) -> None:
        """A display, and the film's program on it. Raises ProgramFailed."""
        self.display = (await stage.start_display(self.programs, "host-screen", SIZE))[0]
        control = self.programs.folder / "content.socket"
        command: Command = [sys.executable, "-m", "interop.bench.rig.content", "--display", self.display]
        self.programs.start("content", [*command, "--control", control], {"PYTHONPATH": module_path()})
        await self.programs.until("the content is ready", stage.READY, control.exists)
        for program in self.programs.started:
            self.load.add("screen", program.process.pid)
        self.content = content.Remote(control)
        self.glass = Glass(self.display)
        self.glass.move(*PARKED)

    def close(self) -> None:
        """Leave; the programs are ended by who owns them."""
        if hasattr(self, "glass"):
            self.glass.close()
            self.content.close()


class Session:
    """Relay, host and viewer with a link between two of them. `open` first, `close` always."""

    def __init__(self, desk: Desk, scenario: Scenario, settings: Settings, folder: Path) -> None:
        self._desk, self._scenario, self._settings = desk, scenario, settings
        self._folder = folder
        self.programs = Programs(folder)
        self._cable: Cable | None = None
        self._bottleneck: Bottleneck | None = None
        self._thin: Bottleneck | None = None
        self._viewer: audience.Remote | None = None
        self._backlog: list[Backlog] = []

    async def open(self) -> None:
        """Start everything, the viewer last. Raises LinkImpossible, ProgramFailed."""
        self._cable = cable = Cable()
        self._bottleneck = Bottleneck(cable.near)
        self._bottleneck.shape(self._scenario.rates[0] * 1e6, self._scenario.queue_bytes)
        if self._scenario.thin:
            self._thin = Bottleneck(cable.far, FAR_DEVICE)
            self._thin.shape(self._scenario.thin * 1e6, round(self._scenario.thin * 1e6 / 8 * THIN_QUEUE / 1000))
            sink = self._module("upload", "--listen", f"{NEAR}:0")
            self._start("upload", cable.near.command(sink), "other")
        self._start("typed", self._module("typed", "--display", self._desk.display), "screen")
        await self._ready("typed")
        settings = self._settings
        serve: Command = [stage.BIN / "avl-relay", "serve", "--http", "127.0.0.1:0"]
        listen, place = (FAR, cable.far) if settings.upload else ("127.0.0.1", cable.near)
        self._start("relay", place.command([*serve, "--listen", f"{listen}:0", *self._kept("relay")]), "relay")
        relay = await self._ready("relay")
        front = "127.0.0.1" if settings.upload else NEAR
        distance = ["--delay", str(settings.delay), "--loss", str(self._scenario.loss)]
        module = self._module("shaper", "--listen", f"{front}:0", "--target", relay["quic"], *distance)
        self._start("shaper", cable.near.command([*module, "--report", self._folder / "shaper-report.json"]), "link")
        shaper = await self._ready("shaper")
        where = ["--relay", shaper["address"] if settings.upload else relay["quic"], "--pin", relay["pin"]]
        most = [] if settings.max_bitrate is None else ["--max-bitrate", str(settings.max_bitrate)]
        command = [stage.BIN / "avl-host", "run", "--no-indicator", *where, *most, "--display", self._desk.display]
        self._start("host", cable.near.command([*command, *self._kept("host")]), "host")
        host = await self._ready("host")
        await self._admit(host, relay["quic"] if settings.upload else shaper["address"])

    async def _admit(self, host: Mapping[str, Any], address: str) -> None:
        assert self._cable is not None
        target = parse_target(host["target"])
        target = replace(target, relay=RelayAddress(*parse_address(address), target.relay.pin))
        control = self._folder / "audience.socket"
        command: Command = [sys.executable, "-m", "interop.bench.rig.audience", str(target)]
        command += ["--state", self._folder / "viewer", "--control", control]
        self._start("viewer", self._cable.far.command(command), "viewer", {"AVL_CODE": host["code"]})
        await self.programs.until("the viewer shows a picture", stage.READY, control.exists)
        self._viewer = audience.Remote(control)

    async def run(self) -> Result:
        """The film and typing over the link, at all its rates; everything that was measured.

        Raises ProgramFailed, ConnectionError, LinkImpossible.
        """
        assert self._viewer is not None and self._bottleneck is not None
        desk, scenario = self._desk, self._scenario
        base = desk.content.show("film")["frames"]
        self._viewer.ask("type")
        if scenario.thin:
            await self._upload()
        await self._watch(WARMS)
        before = desk.load.sample()
        stretches = []
        begin, first = time.monotonic(), desk.content.report()["frames"]
        for place, rate in enumerate(scenario.rates):
            if place:
                self._bottleneck.shape(rate * 1e6, scenario.queue_bytes)
                begin = time.monotonic()
            await self._watch(self._settings.seconds)
            end, last = time.monotonic(), desk.content.report()["frames"]
            stretches.append(Stretch(begin, end, rate * 1e6, last - first))
            first = last
        usage = desk.load.since(before)
        self._viewer.ask("rest")
        result = await self._settle()
        notes = self._viewer.ask("end", base)
        return {**self._figures(stretches, notes), **result, "cores": dict(usage.cores), "noisy": usage.noisy}

    async def _upload(self) -> None:
        """Begin somebody's TCP transfer against the session's pictures, to the end."""
        assert self._cable is not None
        address = (await self._ready("upload"))["address"]
        command: Command = [sys.executable, "-m", "interop.bench.rig.upload", "--to", address]
        self._start("uploading", self._cable.far.command(command), "other")

    async def _watch(self, seconds: float) -> None:
        """Let time pass, and look at the bottleneck meanwhile."""
        assert self._bottleneck is not None
        end = time.monotonic() + seconds
        checked = 0.0
        while (now := time.monotonic()) < end:
            self._backlog.append(self._bottleneck.sample())
            if now - checked >= CHECKED:
                checked = now
                self.programs.check()
                self._desk.programs.check()
            await asyncio.sleep(min(SAMPLED, max(0.0, end - now)))

    async def _settle(self) -> Result:
        """The viewer's picture against the host's screen once that stands still: seconds until it is as good as a
        person can tell (None: not in time), and dB at the end."""
        start = self._desk.content.show("desk")["now"] / 1e9
        settled: float | None = None
        while True:
            await self._watch(LOOKED)
            taken = time.monotonic() - start
            decibels = self._still()
            if settled is None and decibels >= measure.SETTLED_DB:
                settled = round(taken, 1)
            if taken >= (SETTLES if settled is None else STANDS):
                return {"settled_s": settled, "still_psnr_db": decibels}

    def _still(self) -> float:
        assert self._viewer is not None
        file = self._folder / "still.npy"
        self._viewer.ask("still", file)
        rgb = np.load(file)
        truth = self._desk.glass.patch(0, 0, *SIZE).read()
        return measure.psnr(rgb[:, :, ::-1], truth) if rgb.shape[:2] == truth.shape[:2] else 0.0

    def _figures(self, stretches: list[Stretch], notes: Mapping[str, Any]) -> Result:
        pictures = course.seen(notes["frames"])
        keys = course.answers(notes["keys"], pictures)
        steps = [(earlier.rate, later) for earlier, later in itertools.pairwise(stretches)]
        fidelity, end = notes["fidelity_db"], stretches[-1].end
        return {
            "stretches": [course.stretch(stretch, pictures, keys, self._backlog) for stretch in stretches],
            "steps": [
                {"from_mbps": rate / 1e6, **course.aftermath(change, pictures, keys, self._backlog)}
                for rate, change in steps
            ],
            "whole": course.whole(stretches, pictures, keys, self._backlog),
            "keys_refused": notes["keys_refused"],
            "key_frames": sum(frame["key"] for frame in notes["frames"] if frame["shown"] < end),
            "still_key_frames": sum(frame["key"] for frame in notes["frames"] if frame["shown"] >= end),
            "recoveries": notes["recoveries"],
            "decoder_errors": notes["undecodable"],
            "damaged": notes["stats"].get("damaged"),
            "lost_share": notes["stats"].get("loss"),
            "repaired": notes["stats"].get("repaired"),
            "datagrams": notes["datagrams"],
            "moving_psnr_db": {"p50": measure.quantile(fidelity, 0.5), "min": min(fidelity, default=None)},
            "stats": notes["stats"],
        }

    def close(self) -> Result:
        """End everything; what the forwarder counted, if it got that far."""
        if self._viewer is not None:
            self._viewer.close()
        self.programs.end()
        for bottleneck in (self._bottleneck, self._thin):
            if bottleneck is not None:
                bottleneck.close()
        if self._cable is not None:
            self._cable.close()
        report = self._folder / "shaper-report.json"
        return {"forwarder": json.loads(report.read_text("utf-8"))} if report.exists() else {}

    def _module(self, name: str, *arguments: str) -> Command:
        ready = self._folder / f"{name}.json"
        return [sys.executable, "-m", f"interop.bench.rig.{name}", *arguments, "--ready-file", ready]

    def _kept(self, name: str) -> Command:
        return stage.kept(self._folder, name)

    async def _ready(self, name: str) -> dict[str, Any]:
        return await self.programs.ready_file(self._folder / f"{name}.json", stage.READY)

    def _start(self, name: str, command: Command, role: str, environment: Mapping[str, str] | None = None) -> None:
        here = {"PYTHONPATH": module_path(), "DISPLAY": self._desk.display, "LANG": "C.UTF-8", **(environment or {})}
        self._desk.load.add(role, self.programs.start(name, command, here).process.pid)


async def play(desk: Desk, scenario: Scenario, settings: Settings, folder: Path) -> Result:
    """One scenario from beginning to end. Raises ProgramFailed, ConnectionError, LinkImpossible."""
    session = Session(desk, scenario, settings, folder)
    result: Result = {"rates_mbps": scenario.rates, "loss_percent": scenario.loss, "queue_bytes": scenario.queue_bytes}
    try:
        desk.content.show("desk")
        await session.open()
        result |= await session.run()
    finally:
        result |= session.close()
    return result
