"""Another codec than H.264 from end to end, and back to H.264 while somebody watches who decodes nothing else."""

from __future__ import annotations

import asyncio

import pytest

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.codecs.table import SOFTWARE
from avl_protocol.media.frame import EncodedFrame
from avl_protocol.session.media.sender import MediaSender
from avl_protocol.wire.endtoend import Decoder
from avl_viewer import client
from avl_viewer.api import Desktop
from tests.simulator.run import Simulation
from tests.simulator.world import RunningHost, system
from tests.system.seen import number, online, run, until


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The codec of everything that a host sends, and whether it is a key picture."""
    seen: list[tuple[str, bool]] = []
    seal = MediaSender.seal

    def noted(sender: MediaSender, frame: EncodedFrame) -> tuple[int, int, bytes]:
        seen.append((frame.codec.split(".")[0], frame.key))
        return seal(sender, frame)

    monkeypatch.setattr(MediaSender, "seal", noted)
    return seen


async def follows(desktop: Desktop, host: RunningHost) -> None:
    """What is seen is what the host shows."""
    shown = await number(desktop)
    assert 0 <= host.source.number - shown <= 3


@pytest.mark.parametrize("coder", SOFTWARE, ids=lambda coder: coder.library)
def test_the_picture_arrives_in_every_codec(coder: Coder, sealed: list[tuple[str, bool]]) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(coders=Coders(SOFTWARE, coder.codec)) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                for _ in range(3):
                    await follows(desktop, host)
                    await asyncio.sleep(0.5)

    run(main)
    assert {codec for codec, _ in sealed} == {{"H265": "hev1", "VP9": "vp09", "AV1": "av01"}[coder.codec.name]}


def test_h264_is_used_while_somebody_decodes_nothing_else(
    sealed: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    coders = Coders(SOFTWARE, next(coder.codec for coder in SOFTWARE if coder.library == "libvpx-vp9"))

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(coders=coders) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await number(desktop)
                monkeypatch.setattr(client, "DECODES", Decoder((0,)))
                async with s.viewer(host, name="an older one") as other:
                    await until(lambda: sealed[-1][0] == "avc1")
                    await asyncio.sleep(1.0)
                    await follows(desktop, host)
                    await follows(other, host)
                await until(lambda: sealed[-1][0] == "vp09")
                await asyncio.sleep(1.0)
                await follows(desktop, host)

    run(main)
    codecs = [codec for codec, _ in sealed]
    changes = [at for at in range(1, len(codecs)) if codecs[at] != codecs[at - 1]]
    assert [codecs[at] for at in changes] == ["avc1", "vp09"]
    assert all(sealed[at][1] for at in (0, *changes)), "each begins with a key picture"
