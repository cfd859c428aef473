"""A state folder that vanished or can't be written costs what depends on it, and no session."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil

import pytest

from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.seen import number, online, run


@pytest.mark.parametrize("how", ["gone", "full"])
def test_viewers_come_in_and_stay_though_nothing_can_be_kept(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(ready_file=s.folder / "host" / "ready.json") as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                host.source.set_still(True)
                if how == "gone":
                    shutil.rmtree(s.folder / "host")
                    shutil.rmtree(s.folder / "viewer")
                else:

                    def full(descriptor: int) -> None:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

                    monkeypatch.setattr(os, "fsync", full)
                    # The viewer's identity is made before the disk is full; what it can't make it can't do without.
                await asyncio.sleep(130.0)  # tickets are kept again and again meanwhile, at both ends
                await desktop.type("still here")
                folder = "viewer" if how == "full" else "fresh"
                async with s.viewer(host, address="10.0.0.9", name=folder) as other:
                    await number(other)
                    await other.type("!")
                    assert host.sink.typed == "still here!"
                told = [line for line in host.said if "can't write" in line]
                assert any("may need the code again" in line for line in told)
                assert len(told) == len(set(told)) <= 3, "each is told once"
            if how == "full":
                assert not [name for name in os.listdir(s.folder / "host") if name.startswith(".")]

    run(main)
