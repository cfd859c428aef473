"""What every process of a measurement has in common: a folder with the marks and what the others have told, the film
that is sent, and how what comes of it is noted.

`python -m MODULE FOLDER --viewers N --rate MBIT --pace N`. A process says that it is ready, and where it is, by a file
NAME.json in the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avl_protocol.endpoint.loop.clock import SystemClock, entropy
from avl_protocol.endpoint.program.state import write_ready
from avl_protocol.media.packetizer import packetize
from avl_protocol.media.reassembler import Reassembler
from avl_protocol.media.track import video
from avl_protocol.wire import datagram
from avl_protocol.wire.registry import DatagramType, ObjectFlag
from interop.bench.relay.marks import OBJECTS, Marks

CLOCK = SystemClock()
HERE = "127.0.0.1"
FILM = video(1)
#: Pictures a second where nothing else is said, and how many times as large as another a key picture is.
PACE, KEY = 60, 4
#: Seconds between two looks whether another process is ready.
LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Part:
    """One process's part in a measurement; `rate` in bit/s, `pace` in pictures a second."""

    folder: Path
    viewers: int
    rate: float
    pace: float = PACE

    def marks(self) -> Marks:
        """The marks of all."""
        return Marks(self.folder / "marks", self.viewers)

    async def told(self, name: str) -> dict[str, Any]:
        """What another process says once it is ready."""
        path = self.folder / f"{name}.json"
        while not path.exists():
            await asyncio.sleep(LOOK)
        return dict(json.loads(path.read_text()))

    def tell(self, name: str, **what: Any) -> None:
        """Be ready."""
        write_ready(self.folder / f"{name}.json", what)


def part(about: str | None, *roles: str) -> tuple[str, Part]:
    """This process's role and part, from its command line."""
    parser = argparse.ArgumentParser(description=about)
    if roles:
        parser.add_argument("role", choices=roles)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--viewers", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--pace", type=float, required=True)
    chosen = parser.parse_args()
    return getattr(chosen, "role", ""), Part(chosen.folder, chosen.viewers, chosen.rate * 1e6, chosen.pace)


class Film:
    """The film: objects of random bytes, since nobody on the way can read what they are."""

    def __init__(self, rate: float, pace: float) -> None:
        self.pace = pace
        self._picture = entropy(round(rate / 8 / pace))

    def sealed(self, key: bool) -> bytes:
        """One object."""
        return self._picture * KEY if key else self._picture

    def pieces(self, number: int, handle: int, key: bool = False) -> list[bytes]:
        """The datagrams of an object."""
        return packetize(self.sealed(key), handle, FILM.id, number, int(ObjectFlag.KEY) if key else 0)

    async def show(self, send: Callable[[int], None]) -> None:
        """`send` each object's number when it is due, whatever the one before cost, until all of them were sent."""
        begins = CLOCK.monotonic()
        for number in range(OBJECTS):
            await asyncio.sleep(max(0.0, begins + number / self.pace - CLOCK.monotonic()))
            send(number)


class Receipt:
    """What comes to one viewer, row `place` of the marks: put together as viewers do it, gaps filled from parity.
    `clock` says when what is being taken arrived."""

    def __init__(self, marks: Marks, place: int, clock: Callable[[], float] = CLOCK.monotonic) -> None:
        self._came, self._datagrams, self._place = marks.came[place], marks.datagrams, place
        self._clock = clock
        self._objects = Reassembler()

    def take(self, data: bytes) -> None:
        """A datagram of media."""
        self._datagrams[self._place] += 1
        header, payload = datagram.decode(data)
        if header.type <= DatagramType.REPAIR:
            now = self._clock()
            if self._objects.add(header, payload, now) is not None:
                self._came[header.object] = now

    def given_up(self) -> int | None:
        """The oldest object that was given up since the last call."""
        late = self._objects.incomplete(CLOCK.monotonic())
        return late[0] if late else None
