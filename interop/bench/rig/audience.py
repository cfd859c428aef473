"""The viewer of a link: a real session without a window, which notes of every picture when it came and what it says.

`python -m interop.bench.rig.audience TARGET --control SOCKET`, the code in AVL_CODE. No window, because nobody looks
and two cores have enough to do. It notes the raw times of the host's preambles: host and viewer are on one machine and
share its monotonic clock, so that no estimate of an offset is in the figures. Over the socket it is sent lines and
answers each with a line of JSON: `type` and `rest` begin and stop typing, `still FILE` saves the picture, `end FRAMES`
answers everything noted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avl_protocol.endpoint.loop.faults import Faults
from avl_protocol.endpoint.loop.runtime import run
from avl_protocol.endpoint.loop.world import World, system_world
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame, ReceivedObject
from avl_protocol.session.viewerevents import Frames, Received, Stuck, ViewerEvent
from avl_protocol.wire.endtoend import Echo
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.keys import parse_chord
from avl_protocol.wire.registry import DatagramType, InputKind
from avl_protocol.wire.target import parse_target
from avl_viewer.api import load_identity, thread_decoder
from avl_viewer.client import DesktopClient
from avl_viewer.config import ClientSettings
from avl_viewer.decode.decoder import DecodeError
from avl_viewer.decode.worker import Decoded, DecodeWorker
from avl_viewer.paths.paths import PathsEvent, PathsReady
from avl_viewer.present.headless import HeadlessPresenter
from avl_viewer.present.presenter import Picture
from interop.bench.rig import strip, typed
from interop.bench.rig.layout import MARKER, PANE
from interop.bench.rig.pictures import Film

#: Seconds between two keys; odd, lest keys fall into one phase with frames.
KEYS = (0.17, 0.23)
#: Seconds between two pictures that are kept to be compared with the film, and how many are kept.
KEPT_EVERY, KEPT = 1.5, 60
#: Seconds that coming in may take.
COMES_IN = 20.0
#: Bytes of a line over the socket: minutes of frames.
LINE = 1 << 26
_NUMBERS = 1 << 16


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """BGRX as the luma of BT.709, limited range: shape (height, width)."""
    weights = np.array([0.0722, 0.7152, 0.2126], np.float32) * np.float32(219 / 255)
    return pixels[:, :, :3].astype(np.float32) @ weights + np.float32(16)


class Notes:
    """What is known of every picture; fed by the network's and by the decoder's thread."""

    def __init__(self) -> None:
        #: One thread at a time looks at the canvas.
        self._looking = threading.Lock()
        #: One for each object in the order of showing: number, capture and input echo in microseconds, size in bytes,
        #: seconds when it was shown, and what was read in it.
        self.frames: list[dict[str, Any]] = []
        self._arrived: dict[tuple[int, int], ReceivedObject] = {}
        self._kept: list[tuple[int, NDArray[np.uint8]]] = []
        self._next_kept = 0.0

    def received(self, received: ReceivedObject) -> None:
        """An object has come whole and is about to be shown."""
        self._arrived[received.track, received.number] = received

    def shown(self, picture: Picture) -> None:
        """A picture, or exact pixels, are on the screen that nobody looks at."""
        received = self._arrived.pop((picture.track, picture.number))
        with self._looking:
            picture.canvas.refresh()
            pixels = picture.canvas.pixels
            now = time.monotonic()
            pane = pixels[PANE.y : PANE.y + PANE.height, PANE.x : PANE.x + PANE.width]
            upper, lower = (strip.decode(pane[row]) for row in (strip.UPPER, strip.LOWER))
            film = upper if upper is not None and upper == lower else None
            keys = typed.decode(pixels[typed.ROW, MARKER.x : MARKER.x + MARKER.width, 1])
            if film is not None and now >= self._next_kept and len(self._kept) < KEPT:
                self._next_kept = now + KEPT_EVERY
                self._kept.append((film.number, pane.copy()))
            said = received.exact if isinstance(received, ReceivedExact) else received.preamble
            self.frames.append(
                {
                    "number": received.number,
                    "captured_us": said.captured_us,
                    "echo_us": said.input_echo_us,
                    "key": isinstance(received, ReceivedFrame) and received.preamble.key,
                    "exact": isinstance(received, ReceivedExact),
                    "size": received.size,
                    "shown": now,
                    "film": None if film is None else film.number,
                    "drawn_us": None if film is None else film.microseconds,
                    "typed": keys,
                }
            )

    def fidelity(self, base: int) -> list[float]:
        """dB of the luma of pictures kept in motion against the film's own frames; `base`: a frame before them."""
        film = Film()
        inside = slice(strip.HEIGHT + 4, PANE.height - strip.HEIGHT - 4)
        values = []
        for number, pane in self._kept:
            source = luma(film.frame(base + (number - base) % _NUMBERS)[inside])
            error = float(np.square(source - luma(pane[inside])).mean())
            values.append(round(10 * math.log10(255 * 255 / error), 2) if error else 99.0)
        return values


class Audience(DesktopClient):
    """The client as it is, overheard."""

    def __init__(self, world: World, settings: ClientSettings) -> None:
        self.notes = Notes()
        self.keys: list[dict[str, Any]] = []
        self.datagrams: Counter[str] = Counter()
        self.undecodable = self.refused = self.recoveries = 0
        self._open: list[tuple[asyncio.Future[None], dict[str, Any]]] = []
        self.pictures = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shown(picture: Picture) -> None:
            self.notes.shown(picture)
            loop.call_soon_threadsafe(self.pictures.set)

        self.presenter = HeadlessPresenter(world.clock.monotonic, on_picture=shown)
        super().__init__(world, settings, self.presenter, self._make_decoder)

    def _make_decoder(
        self, decoded: Callable[[Decoded], None], failed: Callable[[Any, DecodeError], None]
    ) -> DecodeWorker:
        def counted(context: Any, error: DecodeError) -> None:
            self.undecodable += 1
            failed(context, error)

        return thread_decoder(time.monotonic, Faults())(decoded, counted)

    def paths_event(self, event: PathsEvent, now: float) -> None:
        """Count kinds of datagrams once a session begins: the type stands behind a zero and a varint (RFC 9000, section
        16)."""
        super().paths_event(event, now)
        if not isinstance(event, PathsReady):
            return
        session = self._session
        assert session is not None
        take = session.datagram_received

        def counted(data: bytes, now: float) -> None:
            kind = data[1 + (1 << (data[1] >> 6))]
            self.datagrams[DatagramType(kind).name if kind in DatagramType._value2member_map_ else str(kind)] += 1
            take(data, now)

        session.datagram_received = counted  # type: ignore[method-assign]

    def session_event(self, event: ViewerEvent, now: float) -> None:
        """Note the frames that arrive, how often a key frame was asked for, and when the host applied which keys."""
        if isinstance(event, Frames):
            for frame in event.frames:
                self.notes.received(frame)
        elif isinstance(event, Stuck):
            self.recoveries += 1
        super().session_event(event, now)
        if isinstance(event, Received) and isinstance(event.message, Echo):
            for future, key in self._open:
                if future.done():
                    key["applied_us"] = event.message.host_us
            self._open = [(future, key) for future, key in self._open if not future.done()]

    async def type_on(self) -> None:
        """Press and release a letter at odd intervals for as long as this runs."""
        intervals = random.Random(1)
        while True:
            usage = parse_chord("abcdefghijklmnopqrstuvwxyz"[len(self.keys) % 26]).usage
            kind = int(InputKind.KEY)
            key: dict[str, Any] = {"sent": time.monotonic(), "applied_us": None}
            try:
                future = self.send_input([(kind, usage, True, 0, ""), (kind, usage, False, 0, "")])
            except Refused:
                self.refused += 1  # the host is not heard: a person could not type either
            else:
                self.keys.append(key)
                self._open.append((future, key))
            await asyncio.sleep(intervals.uniform(*KEYS))

    async def everything(self, base: int) -> dict[str, Any]:
        """All that was noted; `base` is a frame of the film before the first."""
        fidelity = await asyncio.to_thread(self.notes.fidelity, base)
        return {
            "frames": self.notes.frames,
            "keys": self.keys,
            "keys_refused": self.refused,
            "datagrams": dict(self.datagrams),
            "undecodable": self.undecodable,
            "recoveries": self.recoveries,
            "fidelity_db": fidelity,
            "stats": self.stats(),
        }


async def serve(audience: Audience, control: Path) -> None:
    """Do what the lines over the socket say, until whoever sends them has hung up."""
    done = asyncio.Event()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        typing: asyncio.Task[None] | None = None
        try:
            while line := (await reader.readline()).decode().split():
                answer: dict[str, Any] = {}
                if line[0] == "type":
                    typing = asyncio.create_task(audience.type_on())
                elif line[0] == "rest" and typing is not None:
                    typing.cancel()
                elif line[0] == "still":
                    np.save(line[1], audience.presenter.screenshot())
                elif line[0] == "end":
                    answer = await audience.everything(int(line[1]))
                if audience.ended.done():
                    answer["ended"] = str(audience.ended.result())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        finally:
            done.set()

    unnamed = control.with_suffix(".new")
    server = await asyncio.start_unix_server(obey, unnamed)
    unnamed.rename(control)
    async with server:
        await done.wait()


class Remote:
    """The other end of the socket. Every call blocks; ConnectionError when the viewer is gone or its session over."""

    def __init__(self, control: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(control))
        self._lines = self._socket.makefile("rb", LINE)

    def ask(self, *words: object) -> dict[str, Any]:
        """Send a line; the answer."""
        self._socket.sendall(" ".join(str(word) for word in words).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the viewer is gone")
        answer = dict(json.loads(line))
        if "ended" in answer:
            raise ConnectionError(f"the viewer's session is over: {answer['ended']}")
        return answer

    def close(self) -> None:
        """Hang up, which ends the viewer."""
        self._lines.close()
        self._socket.close()


async def attend(target: str, state: Path, control: Path) -> None:
    """See the desktop for as long as somebody is on the socket. Raises Refused, TimeoutError."""
    world = system_world()
    identity = load_identity(state, world.entropy)
    settings = ClientSettings(
        target=parse_target(target),
        code=os.environ["AVL_CODE"],
        identity=identity,
        name="bench",
        patience=COMES_IN,
        timeout=COMES_IN,
        direct=False,
    )
    audience = Audience(world, settings)
    await audience.connect()
    try:
        async with asyncio.timeout(COMES_IN):
            await audience.pictures.wait()
        await serve(audience, control)
    finally:
        await audience.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--control", required=True, type=Path)
    chosen = parser.parse_args()
    run(attend(chosen.target, chosen.state, chosen.control))


if __name__ == "__main__":
    main()
