"""What tests of whole systems look at: whether a host is online, and what a viewer sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from avl_host.capture.pattern import read_number
from avl_viewer.api import Desktop
from tests.simulator.world import RunningHost


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait, in virtual time, for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def online(host: RunningHost) -> None:
    """Wait until the host is registered."""
    await until(lambda: bool(host.said))


async def number(desktop: Desktop) -> int:
    """The number on the card that the viewer sees."""
    shown = read_number(np.ascontiguousarray((await desktop.screenshot()).pixels[:, :, ::-1]))
    assert shown is not None
    return shown
