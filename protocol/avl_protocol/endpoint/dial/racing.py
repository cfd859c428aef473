"""Racing: ways of which the better one gets a short head start, since a network that drops UDP does not say so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from avl_protocol.endpoint.dial.dialling import Unreachable

T = TypeVar("T")

#: Seconds that UDP has before TCP is tried too.
HEAD_START = 0.4


async def race(ways: Sequence[Callable[[], Awaitable[T]]]) -> T:
    """What the first to succeed comes to; each begins HEAD_START after the one before, or as soon as that has failed,
    and those that are still under way are given up. Raises Unreachable, of the first that failed, if all have."""
    left, running = list(ways), list[asyncio.Future[T]]()
    failure: Unreachable | None = None
    try:
        while left or running:
            if left:
                running.append(asyncio.ensure_future(left.pop(0)()))
            done, _ = await asyncio.wait(
                running, timeout=HEAD_START if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                running.remove(task)
                error = task.exception()
                if error is None:
                    return task.result()
                if not isinstance(error, Unreachable):
                    raise error
                failure = failure or error
        assert failure is not None
        raise failure
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
