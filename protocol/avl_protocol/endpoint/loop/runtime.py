"""Run a program's main coroutine on uvloop where it is installed, else on asyncio's own loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

#: Seconds after which all that a program needs is loaded.
LOADED = 2.0
#: Objects made, less those that are gone again, until Python looks among them for cycles that nothing refers to: a
#: datagram makes some, and all of them go without that.
YOUNG = 10_000


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` to its end in a new event loop and return what it returns."""

    async def whole() -> Result:
        asyncio.get_running_loop().call_later(LOADED, spare_what_is_loaded)
        return await main

    try:
        import uvloop
    except ImportError:
        return asyncio.run(whole())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(whole())


def spare_what_is_loaded() -> None:
    """Leave out of Python's search for cycles what is there by now: modules and what they made stay to the end anyhow,
    and one look at all of it stops everything for up to a tenth of a second."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.freeze()
