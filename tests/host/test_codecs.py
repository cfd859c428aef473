"""Codecs and hardware beside libx264: what they make is what they were given, in the size that it may have; which one
is used follows what works and what the audience decodes."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from avl_host.doctor import encoders
from avl_host.encode.codecs import libav, probing
from avl_host.encode.codecs.av1 import AV1
from avl_host.encode.codecs.coder import Coder, Steering
from avl_host.encode.codecs.coders import Coders, decodable
from avl_host.encode.codecs.drift import LEAST_BITRATE, PICTURES, Drift
from avl_host.encode.codecs.h265 import H265
from avl_host.encode.codecs.hardware import HARDWARE, NVENC
from avl_host.encode.codecs.libav import LARGEST, LibavEncoder
from avl_host.encode.codecs.probe import attempt, failure
from avl_host.encode.codecs.switching import SwitchingEncoder, opener
from avl_host.encode.codecs.table import CODERS, DECODERS, SOFTWARE
from avl_host.encode.codecs.vp9 import VP9
from avl_host.encode.encoder import Encoded, Encoder, EncoderFailed, EncoderSettings, Part
from avl_host.encode.video import codec_string
from avl_protocol.endpoint.loop.priority import SamePriority
from avl_protocol.media.bounds import codec_of
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.wire.endtoend import Decoder
from avl_protocol.wire.registry import VideoCodec
from tests.host.hosting import sharing_of
from tests.host.test_video import page, psnr

#: Each with the chroma samplings that it codes, and the beginning of its codec string.
KINDS = [
    (VP9, Chroma.YUV420, "vp09.00."),
    (VP9, Chroma.YUV444, "vp09.01."),
    (AV1, Chroma.YUV420, "av01.0."),
    (H265, Chroma.YUV420, "hev1.1.6.L"),
    (H265, Chroma.YUV444, "hev1.4."),
]
ROOM = 400_000
#: Stands for hardware that works.
CARD = Coder(
    library="libx264",
    codec=VideoCodec.H264,
    formats={Chroma.YUV420: "nv12"},
    options=lambda settings: {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"},
    name=lambda data, settings: codec_string(data),
    steering=Steering.BITRATE,
    hardware=True,
)


def clock() -> float:
    """A clock that stands still."""
    return 0.0


def whole(pixels: NDArray[np.uint8], *damage: Rect) -> Part:
    """A picture of which everything changed, or the rectangles given."""
    return Part(pixels, damage or (Rect(0, 0, pixels.shape[1], pixels.shape[0]),))


def same(pixels: NDArray[np.uint8]) -> Part:
    """The same picture again."""
    return Part(pixels, ())


def settings(width: int = 320, height: int = 180, chroma: Chroma = Chroma.YUV420, **more: Any) -> EncoderSettings:
    return EncoderSettings(width=width, height=height, chroma=chroma, bitrate=8_000_000, **more)


class Viewer:
    """Decodes as a viewer does."""

    def __init__(self, codec: VideoCodec) -> None:
        context = av.CodecContext.create(DECODERS[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_type, context.thread_count = "SLICE", 1
        context.flags |= int(Flags.low_delay)
        self._context = context
        self.size = (0, 0)

    def show(self, data: bytes) -> NDArray[np.uint8]:
        (frame,) = self._context.decode(av.Packet(data))
        self.size = (frame.width, frame.height)
        shown = frame.reformat(format="bgra", src_colorspace=1, dst_colorspace=1, src_color_range=1, dst_color_range=2)
        return shown.to_ndarray().astype(np.uint8, copy=False)

    def close(self) -> None:
        self._context.decode(None)


@pytest.mark.parametrize(("coder", "chroma", "name"), KINDS, ids=lambda value: getattr(value, "library", None))
def test_one_picture_in_one_out_and_it_is_that_picture(coder: Coder, chroma: Chroma, name: str) -> None:
    encoder, viewer = LibavEncoder(coder, settings(chroma=chroma), clock), Viewer(coder.codec)
    assert encoder.codec == ""
    for number in range(6):
        pixels = page(320, 180, seed=number // 3)
        picture = whole(pixels) if number % 3 == 0 else same(pixels)
        encoded = encoder.encode(picture, ROOM, key=number == 3)
        shown = viewer.show(encoded.data)
        assert encoded.key == (number in (0, 3))
        assert viewer.size == (320, 180)
    assert encoder.codec.startswith(name) and codec_of(encoder.codec) is coder.codec
    # Small coloured letters in 4:2:0 are 22 dB at best.
    assert psnr(shown, pixels) > (30 if chroma is Chroma.YUV444 else 20)
    encoder.close()
    encoder.close()
    viewer.close()


@pytest.mark.parametrize("coder", SOFTWARE, ids=lambda coder: coder.library)
@pytest.mark.parametrize("size", [(322, 182), (321, 181), (64, 64)])
def test_any_size_is_coded(coder: Coder, size: tuple[int, int]) -> None:
    encoder, viewer = LibavEncoder(coder, settings(*size), clock), Viewer(coder.codec)
    viewer.show(encoder.encode(whole(page(*size)), ROOM).data)
    across, down = viewer.size
    assert across - size[0] in (0, size[0] % 2) and down - size[1] in (0, size[1] % 2)
    encoder.close()
    viewer.close()


def test_a_smaller_picture_is_coded_at_its_scale() -> None:
    encoder, viewer = LibavEncoder(VP9, settings(scale=Fraction(1, 2)), clock), Viewer(VideoCodec.VP9)
    viewer.show(encoder.encode(whole(page(320, 180)), ROOM).data)
    assert viewer.size == (160, 90)
    encoder.close()
    viewer.close()


def test_pictures_in_motion_come_near_the_size_that_they_may_have() -> None:
    width, height, room = 640, 360, 6_000
    film = page(width + 200, height, seed=5)
    encoder = LibavEncoder(VP9, settings(width, height), clock)
    sizes = [
        len(encoder.encode(whole(np.ascontiguousarray(film[:, at * 6 : at * 6 + width])), room).data)
        for at in range(30)
    ]
    encoder.close()
    assert room / 4 < sum(sizes[10:]) / 20 < room * 1.3, sizes


def test_a_small_change_is_cheap_and_refinement_makes_it_good() -> None:
    encoder, viewer = LibavEncoder(VP9, settings(chroma=Chroma.YUV444), clock), Viewer(VideoCodec.VP9)
    before, after = page(320, 180), page(320, 180)
    after[64:80, 64:128] = 255 - after[64:80, 64:128]
    first = encoder.encode(whole(before), ROOM)
    changed = encoder.encode(whole(after, Rect(64, 64, 64, 16)), ROOM)
    assert len(changed.data) < len(first.data) / 4
    viewer.show(first.data)
    coarse = psnr(viewer.show(changed.data), after)
    fine = [psnr(viewer.show(encoder.encode(same(after), ROOM).data), after) for at in range(10)]
    assert fine[-1] > coarse + 3 and fine[-1] > 36
    encoder.close()
    viewer.close()


@pytest.mark.parametrize("coder", SOFTWARE, ids=lambda coder: coder.library)
def test_no_picture_is_larger_than_an_object(coder: Coder) -> None:
    noise = np.random.default_rng(3)
    encoder = LibavEncoder(coder, settings(1280, 960), clock)
    for _ in range(2):
        pixels = noise.integers(0, 256, (960, 1280, 4), dtype=np.uint8)
        assert len(encoder.encode(whole(pixels), 100_000).data) <= LARGEST
    encoder.close()


def test_a_key_picture_too_large_is_coded_again_more_coarsely() -> None:
    first = LibavEncoder(VP9, settings(640, 360), clock)
    assert len(first.encode(whole(page(640, 360)), 60_000).data) > 30_000
    second = LibavEncoder(VP9, settings(640, 360), clock)
    encoded = second.encode(whole(page(640, 360)), 15_000)
    assert encoded.key and len(encoded.data) < 25_000
    first.close()
    second.close()


def test_an_encoder_that_is_off_its_rate_is_opened_again() -> None:
    drift = Drift(4_000_000)
    for _ in range(PICTURES):
        drift.coded(8_000, 4_000, 60)
    assert drift.off and drift.bitrate == 2_000_000
    drift.begin()
    for _ in range(PICTURES):
        drift.coded(4_000, 4_200, 60)
    assert not drift.off, "near enough"
    for _ in range(PICTURES):
        drift.coded(100, 4_200, 60)
    assert not drift.off, "little changes: that it takes little says nothing"
    for _ in range(PICTURES):
        drift.coded(4_000, 12_000, 60)
    assert drift.off and drift.bitrate == 4_000_000
    drift.begin()
    for _ in range(PICTURES - 1):
        drift.coded(8_000, 4_000, 60)
    drift.begin()
    drift.coded(8_000, 4_000, 60)
    assert not drift.off, "a group has just begun"
    for _ in range(20):
        drift.halve()
    assert drift.bitrate == LEAST_BITRATE


def test_where_quantisers_can_not_be_told_a_rate_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libav, "quantiser_offset", lambda: None)
    width, height = 320, 180
    film = page(width + 400, height, seed=5)[::4, ::4].repeat(4, 0).repeat(4, 1)
    encoder, viewer = LibavEncoder(VP9, replace(settings(width, height), bitrate=1_000_000), clock), Viewer(VP9.codec)
    sizes = []
    for at in range(60):
        encoded = encoder.encode(whole(np.ascontiguousarray(film[:, at * 6 : at * 6 + width])), 2_000)
        viewer.show(encoded.data)
        sizes.append(len(encoded.data))
    assert 500 < sum(sizes[30:]) / 30 < 4_000
    encoder.close()
    viewer.close()


@pytest.mark.parametrize("coder", [AV1, H265], ids=lambda coder: coder.library)
def test_a_lower_rate_is_followed_by_who_must_be_opened_for_it(coder: Coder) -> None:
    width, height, room = 320, 180, 1_000
    film = page(width + 1600, height, seed=5)[::4, ::4].repeat(4, 0).repeat(4, 1)
    encoder, viewer = LibavEncoder(coder, settings(width, height), clock), Viewer(coder.codec)
    sizes, keys = [], 0
    for at in range(3 * PICTURES + 60):
        encoded = encoder.encode(whole(np.ascontiguousarray(film[:, at * 6 : at * 6 + width])), room)
        viewer.show(encoded.data)
        sizes.append(len(encoded.data))
        keys += encoded.key
    assert 1 < keys <= 4 and sum(sizes[-20:]) < sum(sizes[PICTURES - 20 : PICTURES]) * 0.9
    encoder.close()
    viewer.close()


def test_what_viewers_would_refuse_fails_here() -> None:
    bare = replace(VP9, finished=bytes)
    encoder = LibavEncoder(bare, settings(), clock)
    with pytest.raises(EncoderFailed, match="viewers refuse"):
        encoder.encode(whole(page(320, 180)), ROOM)
    encoder.close()


# -- which one is used -------------------------------------------------------------------------------------------------

FULL = decodable(Decoder((0, 1), ((2, 0, 1), (3, 0))))
PLAIN = decodable(Decoder((0, 1)))


def test_what_a_viewer_decodes_is_read_from_its_word_and_the_unknown_left_out() -> None:
    told = Decoder((0, 1, 7), ((2, 0, 9), (3,), (), (99, 0)))
    assert decodable(told) == {
        (VideoCodec.H264, Chroma.YUV420),
        (VideoCodec.H264, Chroma.YUV444),
        (VideoCodec.VP9, Chroma.YUV420),
    }


@pytest.mark.parametrize(
    ("wanted", "audience", "codec", "chroma"),
    [
        (VideoCodec.H264, [FULL, PLAIN], VideoCodec.H264, Chroma.YUV444),
        (VideoCodec.H264, [FULL, decodable(Decoder((0,)))], VideoCodec.H264, Chroma.YUV420),
        (VideoCodec.VP9, [], VideoCodec.VP9, Chroma.YUV444),
        (VideoCodec.VP9, [FULL, FULL], VideoCodec.VP9, Chroma.YUV444),
        (VideoCodec.VP9, [FULL, decodable(Decoder((0,), ((2, 0),)))], VideoCodec.VP9, Chroma.YUV420),
        (VideoCodec.VP9, [FULL, PLAIN], VideoCodec.H264, Chroma.YUV444),
        (VideoCodec.AV1, [FULL], VideoCodec.AV1, Chroma.YUV420),
        (VideoCodec.H265, [FULL], VideoCodec.H264, Chroma.YUV444),
        (VideoCodec.VP9, [decodable(Decoder(()))], VideoCodec.H264, Chroma.YUV420),
    ],
)
def test_the_codec_that_is_asked_for_is_used_while_everybody_decodes_it(
    wanted: VideoCodec, audience: list[Any], codec: VideoCodec, chroma: Chroma
) -> None:
    coders = Coders(CODERS, wanted)
    assert coders.choose(audience) is chroma and coders.chosen is codec
    best = coders.best(chroma, (320, 180))
    assert (VideoCodec.H264 if best is None else best.codec) is codec


@pytest.mark.parametrize("size", [(1, 1), (16, 40), (32, 32), (64, 63), (64, 64), (4096, 64), (8192, 64)])
@pytest.mark.parametrize("coder", [*SOFTWARE, replace(CARD, least=160, most=4096)], ids=lambda coder: coder.library)
def test_what_a_coder_is_too_large_or_too_small_for_it_is_not_given(coder: Coder, size: tuple[int, int]) -> None:
    told: list[str] = []
    coders = Coders([coder], coder.codec, told.append)
    coders.works(coder)
    coders.choose([FULL | decodable(Decoder((), ((int(VideoCodec.H265), 0),)))])
    encoder = SwitchingEncoder(settings(*size), coders, opener(clock))
    assert encoder.encode(whole(page(*size)), ROOM).key and not told
    assert (encoder.library == coder.library or not coder.fits(*size)) and coder.fits(320, 180)
    encoder.close()


def test_a_publisher_tells_the_codec_by_its_audience() -> None:
    coders = Coders(CODERS, VideoCodec.VP9)
    publisher = sharing_of(clock, coders=coders)
    publisher.set_viewer(1, FULL)
    chosen = [coders.chosen]
    publisher.set_viewer(2, PLAIN)
    chosen.append(coders.chosen)
    publisher.set_viewer(2, None)
    assert [*chosen, coders.chosen] == [VideoCodec.VP9, VideoCodec.H264, VideoCodec.VP9]


class Failing:
    """An encoder that works for some pictures."""

    def __init__(self, encoder: Encoder, works: int) -> None:
        self._encoder, self._left, self.closed = encoder, works, False

    @property
    def codec(self) -> str:
        return self._encoder.codec

    def encode(self, picture: Any, size: int, key: bool = False) -> Encoded:
        self._left -= 1
        if self._left < 0:
            raise EncoderFailed("the card fell off the bus")
        return self._encoder.encode(picture, size, key)

    def close(self) -> None:
        self.closed = True
        self._encoder.close()


def test_a_change_of_codec_begins_with_a_key_picture() -> None:
    coders = Coders(CODERS, VideoCodec.VP9)
    coders.choose([FULL])
    encoder = SwitchingEncoder(settings(chroma=Chroma.YUV444), coders, opener(clock))
    pixels = page(320, 180)
    first, second = encoder.encode(whole(pixels), ROOM), encoder.encode(same(pixels), ROOM)
    assert (first.key, second.key) == (True, False) and encoder.codec.startswith("vp09.")
    coders.choose([FULL, PLAIN])
    third = encoder.encode(same(pixels), ROOM)
    assert third.key and encoder.codec.startswith("avc1.") and encoder.library == "libx264"
    coders.choose([FULL])
    assert encoder.encode(same(pixels), ROOM).key and encoder.library == "libvpx-vp9"
    encoder.close()


def test_whatever_encodes_was_made_with_threads_that_take_their_time() -> None:
    priority = SamePriority()
    coders = Coders(CODERS, VideoCodec.VP9)
    coders.choose([FULL])
    encoder = SwitchingEncoder(settings(chroma=Chroma.YUV444), coders, opener(clock, priority))
    assert priority.made == 1
    coders.choose([FULL, PLAIN])
    encoder.encode(whole(page(320, 180)), ROOM)
    assert encoder.library == "libx264"
    assert priority.made == 2, "also one that takes over in the middle"
    encoder.close()


def test_hardware_is_used_once_it_was_found_to_work_and_left_in_the_middle_when_it_fails() -> None:
    told: list[str] = []
    card = replace(CARD, library="card")
    coders = Coders([card], told=told.append)
    made: list[Failing] = []

    def open_coder(coder: Coder | None, wanted: EncoderSettings) -> Encoder:
        if coder is None:
            return opener(clock)(None, wanted)
        made.append(Failing(LibavEncoder(CARD, wanted, clock), 3))
        return made[-1]

    encoder, viewer = SwitchingEncoder(settings(), coders, open_coder), Viewer(VideoCodec.H264)
    pixels = page(320, 180)
    viewer.show(encoder.encode(whole(pixels), ROOM).data)
    assert encoder.library == "libx264" and not made
    coders.works(card)
    keys = []
    for at in range(1, 6):
        pixels = pixels.copy()
        pixels[16 * at : 16 * at + 16] = 255 - pixels[16 * at : 16 * at + 16]
        encoded = encoder.encode(whole(pixels, Rect(0, 16 * at, 320, 16)), ROOM)
        shown = viewer.show(encoded.data)
        keys.append(encoded.key)
        assert encoder.library == coders.library(settings().chroma, (320, 180)) == ("card" if at <= 3 else "libx264")
    # It begins with the card's first, and with x264's, which is whole although little had changed.
    assert keys == [True, False, False, True, False]
    assert psnr(shown, pixels) > 20
    assert made[0].closed and len(made) == 1
    assert told == ["the card fell off the bus; the host goes on without it"]
    encoder.close()
    viewer.close()


def test_a_coder_that_can_not_be_opened_is_passed_over() -> None:
    told: list[str] = []
    coders = Coders(CODERS, told=told.append)
    coders.works(NVENC)
    encoder = SwitchingEncoder(settings(), coders, opener(clock))
    assert encoder.encode(whole(page(320, 180)), ROOM).key and encoder.library == "libx264"
    assert len(told) == 1 and told[0].startswith("h264_nvenc cannot be opened")
    encoder.close()


def test_when_x264_fails_nothing_is_left() -> None:
    encoder = SwitchingEncoder(settings(), Coders(), lambda coder, wanted: Failing(opener(clock)(coder, wanted), 0))
    with pytest.raises(EncoderFailed, match="fell off"):
        encoder.encode(whole(page(320, 180)), ROOM)
    encoder.close()


# -- what works --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coder", [*SOFTWARE, CARD], ids=lambda coder: coder.library)
def test_a_coder_that_works_is_found_to(coder: Coder) -> None:
    assert attempt(coder) == ""


def test_a_coder_that_makes_something_else_is_found_out() -> None:
    turned = replace(CARD, formats={Chroma.YUV420: "yuv444p"})
    assert "viewers refuse" in attempt(turned)
    encoder = LibavEncoder(CARD, settings(640, 360), clock)
    grey = encoder.encode(whole(np.full((360, 640, 4), 200, np.uint8)), ROOM).data
    encoder.close()
    assert "does not look like" in attempt(replace(CARD, finished=lambda data: grey))


@pytest.mark.parametrize("coder", HARDWARE, ids=lambda coder: coder.library)
def test_hardware_that_is_not_there_is_named_with_the_reason(coder: Coder) -> None:
    why = failure(replace(coder, needs=("/nowhere/at-all",)))
    assert "built without it" in why or "there is no /nowhere/at-all here" in why


def test_a_probe_in_a_process_of_its_own_tells_what_the_driver_says() -> None:
    assert "cuda" in failure(replace(NVENC, needs=()), patience=60).lower()
    assert failure(VP9, patience=60) == ""


@pytest.mark.parametrize(
    ("program", "patience", "why"),
    [
        ("import time; time.sleep(60)", 1.0, "did not answer within 1 seconds"),
        ("import os; os.kill(os.getpid(), 11)", 60.0, "signal 11"),
        ("raise SystemExit(3)", 60.0, "failed (3)"),
        ("print('first'); print('no such card'); raise SystemExit(1)", 60.0, "no such card"),
    ],
)
def test_a_driver_that_hangs_or_crashes_costs_nobody_else(program: str, patience: float, why: str) -> None:
    assert why in failure(CARD, (sys.executable, "-c", program), patience)


def test_a_program_that_can_not_be_started_is_a_reason() -> None:
    assert "cannot be tried" in failure(CARD, ("/nowhere/python",))


def test_the_first_hardware_that_works_ends_the_search() -> None:
    tried: list[str] = []

    def fails(coder: Coder) -> str:
        tried.append(coder.library)
        return "" if coder is HARDWARE[1] else "no"

    coders = Coders(CODERS)
    probing.begin(CODERS, coders, fails).join()
    assert tried == [HARDWARE[0].library, HARDWARE[1].library]
    assert coders.best(Chroma.YUV420, (320, 180)) is HARDWARE[1]
    assert coders.best(Chroma.YUV444, (320, 180)) is None, "it codes no 4:4:4"


def test_the_doctor_lists_every_coder_with_the_reason() -> None:
    found = list(encoders(lambda coder: "no card" if coder.hardware else ""))
    assert len(found) == len(CODERS) and all(finding.ok for finding in found), "who lacks one lacks nothing"
    listed = {finding.subject: finding.text for finding in found}
    assert listed["VP9, libvpx-vp9"] == "codes 4:2:0 and 4:4:4, used with --codec vp9"
    assert listed["H264, h264_vaapi"] == "not used: no card"
