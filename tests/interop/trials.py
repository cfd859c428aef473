"""Trials for tests: a small internet of namespaces with the programs in it, where the machine has what that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interop.bench.rig.netns import LinkImpossible
from interop.natnet import Kind, Natnet, lacking
from interop.programs import Programs
from interop.trial import Account, Trial
from tests.tools import need, without

#: Longest gaps, in seconds, on a machine that does other things too: the goals are the bench's to measure.
SOON = 1.5

#: Seconds after which a press is never applied (R-SESS-19), and that a terminal and its clock may take beside that.
OLD, READS = 2.0, 1.0


async def accounted(t: Trial) -> Account:
    """End a trial, whose every line arrived once and in order, or is one that the viewer says was dropped; none late.

    How many are dropped depends on how fast the machine starts programs.
    """
    account = await t.finish()
    fault = account.fault()
    assert not fault, fault
    assert account.latest() < OLD + READS
    assert len(account.lines) - account.dropped - account.unknown > 20, "hardly anything was typed"
    return account


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
