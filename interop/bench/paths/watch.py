"""Somebody at a desktop: presses and lets go of keys, sees pictures come, and knows afterwards what went missing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable

from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import InputKind
from avl_viewer.api import Desktop
from avl_viewer.present.presenter import Picture
from tests.simulator.world import RunningHost

#: Seconds between two keystrokes, and for which a key is down at least and at most: fast typing, where keys overlap.
KEY_EVERY, SHORTEST, LONGEST = 0.04, 0.05, 0.25
#: Usages of the letters: neighbours in time are different keys.
LETTERS = range(0x04, 0x1E)


class Watcher:
    """Types and watches until it is stopped. Times are the simulation's."""

    def __init__(self, desktop: Desktop, host: RunningHost, now: Callable[[], float]) -> None:
        self._desktop = desktop
        self._host = host
        self._now = now
        #: When each object was there, its track and number.
        self.pictures: list[tuple[float, int, int]] = []
        #: What was typed: each keystroke's number and when it was made; those that were refused at once are left out.
        self.typed: list[tuple[int, float]] = []
        presenter = desktop._presenter
        shown = presenter.picture

        def picture(one: Picture) -> None:
            self.pictures.append((now(), one.track, one.number))
            shown(one)

        presenter.picture = picture  # type: ignore[method-assign, assignment]
        self._task = asyncio.get_running_loop().create_task(self._type())

    async def _type(self) -> None:
        loop = asyncio.get_running_loop()
        for count in itertools.count():
            usage = LETTERS[count % len(LETTERS)]
            if self._press(usage, True, f"{count}."):
                self.typed.append((count, self._now()))
                # seven lengths in turn
                loop.call_later(SHORTEST + count % 7 / 6 * (LONGEST - SHORTEST), self._press, usage, False, "")
            await asyncio.sleep(KEY_EVERY)

    def _press(self, usage: int, down: bool, text: str) -> bool:
        """Whether it was taken: while nobody answers, a viewer shows that and sends nothing."""
        try:
            self._desktop._client.send_input([(int(InputKind.KEY), usage, down, 0, text)])
        except Refused:
            return False
        return True

    async def stop(self) -> None:
        """Type no more, film no more, and wait until what was typed has arrived or has been forgotten."""
        self._task.cancel()
        self._host.source.set_still(True)
        await asyncio.sleep(3.0)

    def arrived(self) -> list[int]:
        """The numbers of the keystrokes that reached the desktop, in order."""
        return [int(part) for part in self._host.sink.typed.split(".") if part]

    def doubled(self) -> int:
        """Keystrokes that came twice or out of order."""
        arrived = self.arrived()
        return sum(1 for one, other in itertools.pairwise(arrived) if other <= one)

    def missing(self, since: float = 0.0, until: float = float("inf")) -> int:
        """Keystrokes made in between that did not arrive."""
        there = set(self.arrived())
        return sum(1 for number, at in self.typed if since <= at <= until and number not in there)

    def gap(self, since: float, until: float = float("inf")) -> float:
        """The longest time for which no picture came, in seconds, from the last one before `since` on."""
        times = [at for at, _, _ in self.pictures if at <= until]
        before = [at for at in times if at <= since]
        seen = [*before[-1:], *(at for at in times if at > since)]
        return max((other - one for one, other in itertools.pairwise(seen)), default=float("inf"))

    def lost_pictures(self, since: float, until: float) -> int:
        """Object numbers of either track that were left out between two moments."""
        lost = 0
        for numbers in by_track((track, number) for at, track, number in self.pictures if since <= at <= until):
            lost += max(numbers) - min(numbers) + 1 - len(set(numbers))
        return lost

    def twice(self) -> int:
        """Objects that were shown twice."""
        seen = by_track((track, number) for _, track, number in self.pictures)
        return sum(len(numbers) - len(set(numbers)) for numbers in seen)


def by_track(objects: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The numbers of the objects of each track, in the order in which they came."""
    found: dict[int, list[int]] = {}
    for track, number in objects:
        found.setdefault(track, []).append(number)
    return list(found.values())
