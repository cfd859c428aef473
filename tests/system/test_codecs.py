"""Another codec than H.264 from end to end, and back to H.264 while somebody watches who decodes nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.codecs.table import SOFTWARE
from avl_protocol.wire.endtoend import Decoder
from avl_protocol.wire.registry import VideoCodec
from avl_viewer import client
from avl_viewer.decode.video import VideoDecoder
from tests.simulator import world
from tests.simulator.run import Simulation
from tests.simulator.world import system
from tests.system.film import Film
from tests.system.seen import online, run, until


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[VideoCodec]:
    """The codec of every picture that viewers have decoded, of a host whose desktop is a film."""
    seen: list[VideoCodec] = []
    decode = VideoDecoder.decode

    def noted(decoder: VideoDecoder, data: bytes) -> Any:
        frame = decode(decoder, data)
        seen.append(decoder.codec)
        return frame

    monkeypatch.setattr(VideoDecoder, "decode", noted)
    monkeypatch.setattr(world, "PatternSource", Film)
    return seen


@pytest.mark.parametrize("coder", SOFTWARE, ids=lambda coder: coder.library)
def test_pictures_arrive_in_every_codec(coder: Coder, decoded: list[VideoCodec]) -> None:
    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(coders=Coders(SOFTWARE, coder.codec)) as host:
            await online(host)
            async with s.viewer(host) as desktop:
                await until(lambda: len(decoded) > 30)
                assert desktop.stats()["video"]["encoder"] == coder.library

    run(main)
    assert set(decoded) == {coder.codec}


def test_h264_is_used_while_somebody_decodes_nothing_else(
    decoded: list[VideoCodec], monkeypatch: pytest.MonkeyPatch
) -> None:
    coders = Coders(SOFTWARE, VideoCodec.VP9)

    async def main(simulation: Simulation) -> None:
        async with system(simulation) as s, s.host(coders=coders) as host:
            await online(host)
            async with s.viewer(host):
                await until(lambda: len(decoded) > 20)
                assert set(decoded) == {VideoCodec.VP9}
                monkeypatch.setattr(client, "DECODES", Decoder((0,)))
                async with s.viewer(host, name="an older one"):
                    await until(lambda: decoded[-1] is VideoCodec.H264)
                    await asyncio.sleep(0.5)
                    decoded.clear()
                    await asyncio.sleep(1.0)
                    assert set(decoded) == {VideoCodec.H264} and len(decoded) > 30, "both of them see it"
                await until(lambda: decoded[-1] is VideoCodec.VP9)
                await asyncio.sleep(1.0)

    run(main)
    assert Counter(decoded)[VideoCodec.VP9] > 10
