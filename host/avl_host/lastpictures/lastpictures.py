"""LastPictures: leaves a small picture of the desktop at relays, sealed to each person who may look at it anyhow (spec
11, 11.9).

A relay says who that might be; the host believes what its owner and they have signed. Nothing is captured while there
is nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Protocol

from avl_host.lastpictures.photograph import Unpictured
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.files.conveyor import Workshop
from avl_protocol.endpoint.loop.world import World
from avl_protocol.rights.lastpicture import seal
from avl_protocol.wire.errors import GrantRefused
from avl_protocol.wire.messages import LastPicture
from avl_protocol.wire.registry import MAX_READERS


class Hop(Protocol):
    """To a relay (session/hop/client.py)."""

    def send(self, message: LastPicture) -> object:
        """Send it."""


#: What a row of READERS comes to: the picture key, and thumbprint of its person's key. Raises GrantRefused.
Reads = Callable[[tuple[str, ...]], tuple[bytes, str]]


class LastPictures:
    """One of a host. `take()` makes a picture, on a thread of `workshop`; raises Unpictured. `interval`: seconds
    between two of them; `began(person, key)` is told of who is left pictures from now on; `after` re-arms the
    timer."""

    def __init__(
        self,
        world: World,
        *,
        identity: Identity,
        interval: float,
        take: Callable[[], bytes],
        workshop: Workshop,
        reads: Reads,
        began: Callable[[str, bytes], None],
        tell: Callable[[str], None],
        after: Callable[[], None],
    ) -> None:
        self._world, self._identity, self._interval = world, identity, interval
        self._take, self._workshop, self._reads = take, workshop, reads
        self._began, self._tell, self._after = began, tell, after
        self._rows: dict[Hop, tuple[str, ...]] = {}
        #: What each reader was left last, at each relay.
        self._left: dict[Hop, dict[bytes, bytes]] = {}
        self._known: set[bytes] = set()
        self._due = world.clock.monotonic()
        self._taking: asyncio.Task[None] | None = None
        self._troubled = ""

    # relays

    def heard(self, hop: Hop, rows: tuple[str, ...]) -> None:
        """A relay says for whom pictures might be left there, in place of what it said before."""
        self._rows[hop] = rows[:MAX_READERS]
        left = self._left.setdefault(hop, {})
        wanted = self._readers(hop)
        self._left[hop] = {key: picture for key, picture in left.items() if key in wanted}

    def down(self, hop: Hop) -> None:
        """A relay is gone."""
        self._rows.pop(hop, None)
        self._left.pop(hop, None)

    def _readers(self, hop: Hop) -> dict[bytes, str]:
        """Whose picture keys are good at a relay now (R-RIGHT-25)."""
        found: dict[bytes, str] = {}
        for row in self._rows.get(hop, ()):
            try:
                key, person = self._reads(tuple(row.split(" ")))
            except GrantRefused:
                continue
            found.setdefault(key, person)
        return found

    # time

    def next_timeout(self) -> float | None:
        """When the next picture is due, if there is anybody to leave it for."""
        return self._due if self._taking is None and any(self._rows.values()) else None

    def handle_timer(self, now: float) -> None:
        """Take a picture, if it is time and somebody may have it."""
        due = self.next_timeout()
        if due is None or now < due:
            return
        self._due = now + self._interval
        if any(self._readers(hop) for hop in self._rows):
            self._taking = asyncio.get_running_loop().create_task(self._make())
            self._taking.add_done_callback(self._world.faults.task_done)

    async def _make(self) -> None:
        try:
            image = await self._workshop.do(self._take)
        except Unpictured as error:
            if str(error) != self._troubled:
                self._troubled = str(error)
                self._tell(f"no last picture of this desktop can be left: {error}")
        else:
            self._troubled = ""
            self._leave(image)
        finally:
            self._taking = None
            self._after()

    def _leave(self, image: bytes) -> None:
        """Seal a picture to each reader who was left another one, or none."""
        digest, taken = hashlib.sha256(image).digest(), int(self._world.clock.wall())
        for hop in self._rows:
            left = self._left.setdefault(hop, {})
            for key, person in self._readers(hop).items():
                if left.get(key) == digest:
                    continue
                try:
                    sealed = seal(self._identity, key, taken, image, self._world.entropy)
                except ValueError:
                    continue  # no point of the curve: whoever signed it opens nothing
                hop.send(LastPicture(key, taken, sealed))
                left[key] = digest
                if key not in self._known:
                    self._known.add(key)
                    self._began(person, key)

    def close(self) -> None:
        """Take no more."""
        self._rows.clear()
        if self._taking is not None:
            self._taking.cancel()
