"""Events: what happens, told as it happens to whoever keeps listening (server-sent events, HTML 9.2).

An answer of this relay ends within a minute, whoever asks (rate/limits.py): so does this one, in good order, and the
browser asks again by itself, with the last event that it has heard. What happened between is kept for that.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from avl_relay.api.identity import Identity
from avl_relay.api.operations import Answer, Call, Operation, Transaction
from avl_relay.api.shapes import Text, answer
from avl_relay.api.sight import sight_of
from avl_relay.live import Happening, Live
from avl_relay.store.engine import Store
from avl_relay.store.errors import StoreError
from avl_relay.store.tables import devices

#: Seconds of one answer, between two signs of life in it, and after which a browser asks again.
LASTS, BEATS, AGAIN = 50.0, 15.0, 1
#: Happenings that are kept, and that may wait for one listener.
KEPT, WAITING = 1024, 256
EVENT = answer({"event": Text(1, 16), "data": Text(2, 65_536)}, {"id": Text(1, 32)})
#: What a listener is told that has heard events of another process, or missed too many: look at everything anew.
RESYNC = b"event: resync\ndata: {}\n\n"
#: Seconds for which somebody's sight is taken to be what it was.
SIGHT = 30.0


class Events:
    """The resource: it listens from the start."""

    def __init__(
        self,
        live: Live,
        *,
        store: Callable[[], Awaitable[Store]],
        monotonic: Callable[[], float],
        entropy: Callable[[int], bytes],
        lasts: float = LASTS,
    ) -> None:
        #: Several processes of a relay number their events each on its own.
        self._own = entropy(4).hex()
        self._store, self._monotonic, self._lasts = store, monotonic, lasts
        self._number = 0
        self._kept: deque[tuple[int, Happening]] = deque(maxlen=KEPT)
        self._listeners: dict[asyncio.Queue[tuple[int, Happening] | None], None] = {}
        live.listen(self._happened)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def operations(self) -> Sequence[Operation]:
        """See Resource."""
        return (
            Operation(
                method="GET",
                path="/events",
                handler=self.listen,
                summary="What happens with devices that I see: presence, session, device, rights; to admins: alarm",
                query={"after": Text(1, 32, "[0-9a-f]{8}-[0-9]{1,18}", "the id of an event is expected")},
                answers=EVENT,
                media_type="text/event-stream",
                transaction=Transaction.NONE,
            ),
        )

    async def listen(self, call: Call) -> Answer | Response:
        """GET /events."""
        last = call.request.headers.get("last-event-id", call.query.get("after", ""))
        own, _, number = last.partition("-")
        after: int | None = self._number
        if last:
            after = int(number) if own == self._own and number.isdigit() and len(number) <= 18 else None
        audience = Audience(call.identity, self._store, self._monotonic, call.now)
        stream = self._stream(audience, after)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    def end(self) -> None:
        """Nobody hears more: the relay ends. Who listened asks again, and finds another or the same one back."""
        for queue in list(self._listeners):
            self._end(queue)

    def _happened(self, happening: Happening) -> None:
        self._number += 1
        self._kept.append((self._number, happening))
        for queue in list(self._listeners):
            try:
                queue.put_nowait((self._number, happening))
            except asyncio.QueueFull:  # it hears no more, and asks again for what it has missed
                self._end(queue)

    def _end(self, queue: asyncio.Queue[tuple[int, Happening] | None]) -> None:
        del self._listeners[queue]
        if queue.full():
            queue.get_nowait()
        queue.put_nowait(None)

    async def _stream(self, audience: Audience, after: int | None) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[tuple[int, Happening] | None] = asyncio.Queue(WAITING)
        ends = self._monotonic() + self._lasts
        resync = after is None or after < self._number - len(self._kept)
        first = self._number if resync or after is None else after
        missed = [one for one in self._kept if one[0] > first]
        self._listeners[queue] = None
        try:
            yield f"retry: {AGAIN * 1000}\nid: {self._own}-{first}\n\n".encode()
            if resync:
                yield RESYNC
            for number, happening in missed:
                if await audience.hears(happening):
                    yield self._written(number, happening)
            while (left := ends - self._monotonic()) > 0:
                try:
                    told = await asyncio.wait_for(queue.get(), min(BEATS, left))
                except TimeoutError:
                    yield b": \n\n"
                    continue
                if told is None:
                    return
                if await audience.hears(told[1]):
                    yield self._written(*told)
        finally:
            self._listeners.pop(queue, None)

    def _written(self, number: int, happening: Happening) -> bytes:
        about = json.dumps({**happening.about, "device": happening.device}, separators=(",", ":"))
        return f"id: {self._own}-{number}\nevent: {happening.kind}\ndata: {about}\n\n".encode()


class Audience:
    """One listener, and what it may hear."""

    def __init__(
        self, who: Identity, store: Callable[[], Awaitable[Store]], monotonic: Callable[[], float], now: int
    ) -> None:
        self._who, self._store, self._monotonic = who, store, monotonic
        self._wall = now - monotonic()
        self._seen: frozenset[str] = frozenset()
        self._until = float("-inf")

    async def hears(self, happening: Happening) -> bool:
        """Whether something is for it."""
        if happening.kind in ("device", "rights"):
            self._until = float("-inf")  # what it sees may have changed
        if self._who.administers:
            return True
        if happening.kind == "alarm":
            return False
        if not happening.device:
            return happening.about.get("person") == self._who.person or "group" in happening.about
        return happening.device in await self._sight()

    async def _sight(self) -> frozenset[str]:
        if (now := self._monotonic()) >= self._until:
            try:
                store = await self._store()
                async with store.reading() as db:
                    sight = await sight_of(db, self._who, int(now + self._wall))
                    assert sight.condition is not None
                    chosen = select(devices.c.number).where(sight.condition)
                    self._seen = frozenset((await db.execute(chosen)).scalars())
            except StoreError:
                self._seen = frozenset()
            self._until = now + SIGHT
        return self._seen
