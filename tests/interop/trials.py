"""Trials for tests: a small internet of namespaces with the programs in it, where the machine has what that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interop.bench.rig.netns import LinkImpossible
from interop.natnet import Kind, Natnet, lacking
from interop.programs import Programs
from interop.trial import Trial
from tests.tools import need, without

#: Longest gaps, in seconds, on a machine that does other things too: the goals are the bench's to measure.
SOON = 1.5


@asynccontextmanager
async def trial(folder: Path, host: Kind = "endpoint-independent") -> AsyncIterator[Trial]:
    """A small internet with relay, host and viewer."""
    for tool in ("ip", "nft", "conntrack", "Xvfb", "openbox", "xterm"):
        need(tool)
    if why := lacking():
        without(why)
    try:
        net = Natnet(host)
    except LinkImpossible as error:
        without(str(error))
    programs = Programs(folder)
    made = Trial(programs, net)
    try:
        yield made
    finally:
        made.end()
        programs.end()
        net.close()
