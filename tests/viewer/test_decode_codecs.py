"""Every codec that a viewer names comes out as it went in, from one key picture to the next; hardware that fails leaves
the rest to software."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from avl_host.encode.codecs.coder import Coder
from avl_host.encode.codecs.coders import Coders, decodable
from avl_host.encode.codecs.libav import LibavEncoder
from avl_host.encode.codecs.table import SOFTWARE
from avl_host.encode.encoder import EncoderSettings, Part
from avl_protocol.media.bounds import check_bitstream
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import VideoCodec
from avl_viewer.decode import video
from avl_viewer.decode.decoder import DECODES, DecodeError, Decoder
from avl_viewer.decode.hardware import Hardware
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.decode.worker import Decoded, DecodeJob, InlineWorker
from tests.viewer import pictures
from tests.viewer.stage import ROOT

ROOM = 200_000
EVERY = [(coder, chroma) for coder in SOFTWARE for chroma in Chroma if coder.codes(chroma)]


def coded(coder: Coder, chroma: Chroma, shown: list[pictures.Rgb]) -> tuple[str, list[bytes]]:
    """The codec string, and what a host sends of these pictures, the first of which is a key picture."""
    height, width = shown[0].shape[:2]
    settings = EncoderSettings(width=width, height=height, chroma=chroma, bitrate=8_000_000)
    encoder = LibavEncoder(coder, settings, lambda: 0.0)
    units = []
    for rgb in shown:
        pixels = np.dstack([rgb[..., ::-1], np.full((height, width), 255, np.uint8)])
        whole = (Rect(0, 0, width, height),)
        units.append(encoder.encode(Part(pixels, whole), ROOM).data)
    encoder.close()
    return encoder.codec, units


def rgb_of(frame: Any, width: int, height: int) -> pictures.Rgb:
    shown = frame.reformat(format="rgb24", src_colorspace=1, dst_colorspace=1, src_color_range=1, dst_color_range=2)
    pixels: pictures.Rgb = shown.to_ndarray()[:height, :width]
    return pixels


class Results:
    """What a worker reported, in order."""

    def __init__(self) -> None:
        self.decoded: list[Decoded] = []
        self.failed: list[Any] = []

    def on_failed(self, context: Any, error: DecodeError) -> None:
        self.failed.append(context)

    def inline(self, open_decoder: Callable[[VideoCodec], Decoder]) -> InlineWorker:
        """A worker that reports here."""
        return InlineWorker(open_decoder, self.decoded.append, self.on_failed, lambda: 0.0)


@pytest.mark.parametrize(("coder", "chroma"), EVERY, ids=lambda value: getattr(value, "library", None))
def test_what_a_host_codes_is_what_a_viewer_shows(coder: Coder, chroma: Chroma) -> None:
    shown = [pictures.flat(322, 190, (40 * i, 90, 255 - 40 * i)) for i in range(5)] + [pictures.card(322, 190)]
    _, units = coded(coder, chroma, shown)
    decoder = VideoDecoder(coder.codec)
    for unit, expected in zip(units, shown, strict=True):
        frame = decoder.decode(unit)
        assert frame.format.name == {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"}[chroma]
        assert pictures.psnr(rgb_of(frame, 322, 190), expected) > (33 if expected is not shown[-1] else 20)
    decoder.close()


def test_a_viewer_names_what_hosts_can_code_for_it() -> None:
    for coder, chroma in EVERY:
        coders = Coders([coder], coder.codec)
        coders.choose([decodable(DECODES)])
        assert coders.best(chroma, (320, 180)) is coder
    assert Coders(SOFTWARE, VideoCodec.VP9).choose([decodable(DECODES)]) is Chroma.YUV444


def test_the_codec_may_change_with_a_key_picture() -> None:
    results, opened = Results(), list[VideoCodec]()

    def open_decoder(codec: VideoCodec) -> Decoder:
        opened.append(codec)
        return VideoDecoder(codec)

    worker = results.inline(open_decoder)
    h264 = pictures.encode([pictures.card(64, 64), pictures.card(64, 64, 1)])
    jobs = [(unit, VideoCodec.H264) for unit in h264]
    for coder, chroma in EVERY:
        jobs += [(unit, coder.codec) for unit in coded(coder, chroma, [pictures.card(64, 64)] * 2)[1]]
    jobs += [(unit, VideoCodec.H264) for unit in h264]
    for number, (unit, codec) in enumerate(jobs):
        worker.submit(DecodeJob(unit, number % 2 == 0, number, codec))
    worker.close()
    assert not results.failed and len(results.decoded) == len(jobs)
    assert opened[0] is opened[-1] is VideoCodec.H264 and set(opened) == set(VideoCodec)


@pytest.mark.parametrize("codec", list(VideoCodec))
@pytest.mark.parametrize("data", [b"", b"no video at all", bytes(200), b"\x12\x00", b"\x82\x49\x83\x42"])
def test_what_is_no_picture_is_an_error(codec: VideoCodec, data: bytes) -> None:
    decoder = VideoDecoder(codec)
    with pytest.raises(DecodeError):
        decoder.decode(data)
    decoder.close()


@pytest.mark.parametrize(("coder", "chroma"), EVERY, ids=lambda value: getattr(value, "library", None))
def test_a_damaged_header_that_is_taken_gives_a_picture_of_the_announced_size_or_none(
    coder: Coder, chroma: Chroma
) -> None:
    name, units = coded(coder, chroma, [pictures.card(64, 64), pictures.card(64, 64, 1)])
    group = Preamble(
        group=0, captured_us=0, input_echo_us=0, depends=None, codec=name, width=64, height=64, chroma=chroma
    )
    sizes, taken = set(), 0
    for place in range(8 * 100):
        unit = bytearray(units[0])
        unit[place >> 3] ^= 0x80 >> (place & 7)
        try:
            check_bitstream(bytes(unit), group, True)
        except RemoteProtocolError:
            continue
        taken += 1
        decoder = VideoDecoder(coder.codec)
        try:
            frame = decoder.decode(bytes(unit))
            sizes.add((frame.width, frame.height))
        except DecodeError:
            pass
        decoder.close()
    assert sizes <= {(64, 64)} and 0 < taken < 8 * 100


@pytest.mark.parametrize("coder", SOFTWARE, ids=lambda coder: coder.library)
def test_nothing_that_passes_the_bounds_takes_the_program_down(coder: Coder) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.viewer.hostile_codecs", coder.library],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]


# -- hardware ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "available", "found", "device"),
    [
        ("linux", ("cuda", "vaapi"), "/dev/nvidiactl", "cuda"),
        ("linux", ("cuda", "vaapi"), "/dev/dri/renderD*", "vaapi"),
        ("linux", ("vaapi",), "/dev/nvidiactl", None),
        ("linux", ("cuda",), "", None),
        ("darwin", ("videotoolbox",), "", "videotoolbox"),
        ("win32", ("cuda", "d3d11va"), "", "d3d11va"),
        ("sunos", ("cuda",), "/dev/nvidiactl", None),
    ],
)
def test_hardware_is_used_where_its_driver_is(
    platform: str, available: tuple[str, ...], found: str, device: str | None
) -> None:
    assert Hardware(platform, available, lambda path: [path] if path == found else []).device == device


def hardware(device: str) -> Hardware:
    made = Hardware("nowhere", ())
    made.device = device
    return made


def test_hardware_that_can_not_be_opened_leaves_it_to_software() -> None:
    card = hardware("nonsense")
    decoder = VideoDecoder(hardware=card)
    assert card.device is None and decoder.device is None
    assert decoder.decode(pictures.encode([pictures.card(64, 64)])[0]).width == 64
    decoder.close()


def test_hardware_that_fails_later_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def accelerated(device: str, **more: Any) -> None:
        opened.append(device)

    monkeypatch.setattr(video, "HWAccel", accelerated)  # stands for a card: software, opened in its name
    card, results = hardware("cuda"), Results()
    worker = results.inline(lambda codec: VideoDecoder(codec, hardware=card))
    unit = pictures.encode([pictures.card(64, 64)])[0]
    for number, data in enumerate([unit, b"what the card can't do", unit]):
        worker.submit(DecodeJob(data, number != 1, number))
    worker.close()
    assert [result.context for result in results.decoded] == [0, 2] and len(results.failed) == 1
    assert opened == ["cuda"] and card.device is None
