"""x264 as the desktop needs it, judged by decoding what comes out."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags
from numpy.typing import NDArray

from avl_host.encode import video
from avl_host.encode.budget import Allowance, Budget
from avl_host.encode.encoder import Encoded, EncoderSettings, Part
from avl_host.encode.options import live_options
from avl_host.encode.video import H264Encoder, codec_string
from avl_protocol.media.frame import Chroma, Rect


class Viewer:
    """Decodes as a viewer does."""

    def __init__(self) -> None:
        self._context: Any = av.CodecContext.create("h264", "r")
        self._context.thread_type = "SLICE"
        self._context.flags |= Flags.low_delay
        self.frame: Any = None

    def show(self, data: bytes) -> NDArray[np.uint8]:
        """BGRA pixels of an access unit."""
        (self.frame,) = self._context.decode(av.Packet(data))
        converted = self.frame.reformat(
            format="bgra", src_colorspace=1, dst_colorspace=1, src_color_range=1, dst_color_range=2
        )
        pixels: NDArray[np.uint8] = converted.to_ndarray()
        return pixels

    def close(self) -> None:
        """Flush before the context is dropped."""
        self._context.decode(None)


def page(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    """Something like coloured text: small blocks on a plain ground."""
    noise = np.random.default_rng(seed)
    pixels = np.full((height, width, 4), 30, np.uint8)
    small = noise.random((height // 2 + 1, width // 2 + 1)) < 0.12
    ink = small.repeat(2, 0).repeat(2, 1)[:height, :width]
    colours = noise.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    pixels[ink, :3] = colours.repeat(16, 0).repeat(16, 1)[:height, :width][ink]
    return pixels


def whole(pixels: NDArray[np.uint8], *damage: Rect) -> Part:
    """A picture of which everything changed, or the rectangles given."""
    return Part(pixels, damage or (Rect(0, 0, pixels.shape[1], pixels.shape[0]),))


def same(pixels: NDArray[np.uint8]) -> Part:
    """The same picture again, for refinement."""
    return Part(pixels, ())


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Over the three colours, in dB."""
    error = float(((a[..., :3].astype(np.int32) - b[..., :3]) ** 2).mean())
    return 10 * math.log10(255 * 255 / max(error, 1e-9))


#: Bytes that a picture may have where a test is not about that.
AMPLE = 100_000


def encoder(
    width: int,
    height: int,
    chroma: Chroma = Chroma.YUV444,
    bitrate: int = 8_000_000,
    scale: Fraction = Fraction(1),
    *,
    light: bool = False,
) -> H264Encoder:
    # A machine too slow for the motion would code it more coarsely.
    return H264Encoder(
        EncoderSettings(width=width, height=height, chroma=chroma, bitrate=bitrate, scale=scale, light=light),
        lambda: 0.0,
    )


def settle(coder: H264Encoder, viewer: Viewer, pixels: NDArray[np.uint8], frames: int = 60) -> NDArray[np.uint8]:
    """Refine at 30 pictures a second."""
    shown = viewer.show(coder.encode(whole(pixels), AMPLE).data)
    for _ in range(1, frames):
        shown = viewer.show(coder.encode(same(pixels), AMPLE).data)
    return shown


@pytest.mark.parametrize(("size", "level"), [((640, 360), 44.0), ((333, 211), 44.0)])
def test_444_settles_close_to_the_original(size: tuple[int, int], level: float) -> None:
    pixels = page(*size)
    coder, viewer = encoder(*size), Viewer()
    shown = settle(coder, viewer, pixels)
    assert shown.shape == pixels.shape
    assert psnr(shown, pixels) > level
    assert coder.codec.startswith("avc1.F4")
    viewer.close()
    coder.close()


def test_420_keeps_size_and_colour() -> None:
    # Odd sizes are coded one pixel larger; the picture lies at the top left.
    pixels = np.full((211, 333, 4), 255, np.uint8)
    pixels[:, :100] = (0, 0, 255, 255)
    pixels[:, 100:200] = (255, 0, 0, 255)
    coder, viewer = encoder(333, 211, Chroma.YUV420), Viewer()
    shown = settle(coder, viewer, pixels, 20)
    assert shown.shape == (212, 334, 4)
    for x, colour in ((50, (0, 0, 255)), (150, (255, 0, 0)), (300, (255, 255, 255))):
        assert np.abs(shown[100, x, :3].astype(int) - colour).max() <= 3
    assert coder.codec.startswith("avc1.64")
    viewer.close()
    coder.close()


def test_colour_is_signalled() -> None:
    coder, viewer = encoder(64, 64), Viewer()
    viewer.show(coder.encode(whole(page(64, 64)), AMPLE).data)
    frame = viewer.frame
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 13, 1)
    viewer.close()
    coder.close()


def test_the_told_quality_is_the_quality() -> None:
    pixels = page(640, 360)
    coder, viewer = encoder(640, 360), Viewer()
    coder.encode(whole(pixels), AMPLE)
    viewer.close()
    coder.close()
    coder, viewer = encoder(640, 360), Viewer()
    for at in range(12):
        encoded = coder.encode(whole(pixels) if at == 0 else same(pixels), AMPLE)
        viewer.show(encoded.data)
    reference = av.VideoFrame.from_numpy_buffer(pixels, "bgra").reformat(
        format="yuv444p", src_colorspace=1, dst_colorspace=1, src_color_range=2, dst_color_range=1
    )
    worst = min(
        10 * math.log10(255 * 255 / float(((a.astype(int) - b) ** 2).mean()))
        for a, b in zip(reference.to_ndarray(), viewer.frame.to_ndarray(), strict=True)
    )
    assert worst > 45, "a refined picture is as good as what is told of it"
    assert encoded.qp is not None and encoded.qp < 12
    viewer.close()
    coder.close()


def test_light_coding_keeps_the_picture_and_leaves_out_what_takes_time() -> None:
    pixels = page(640, 360)
    shown = {}
    for light in (False, True):
        coder, viewer = encoder(640, 360, Chroma.YUV420, light=light), Viewer()
        first = coder.encode(whole(pixels), AMPLE)
        shown[light] = viewer.show(first.data)
        # H.264, 7.3.2.2: after two numbers that are 0 a picture parameter set tells by a bit whether it is CABAC.
        (parameters,) = [unit for unit in first.data.split(b"\0\0\1") if unit[0] & 0x1F == 8]
        assert bool(parameters[1] & 0x20) is not light
        viewer.close()
        coder.close()
    assert psnr(shown[True], shown[False]) > 25
    assert psnr(shown[True], pixels) > 30


def test_keys_come_on_demand_only_and_stand_alone() -> None:
    pixels = page(320, 240)
    coder, viewer = encoder(320, 240), Viewer()
    kinds = []
    for at in range(40):
        encoded = coder.encode(same(pixels) if at else whole(pixels), AMPLE, key=at == 20)
        kinds.append(encoded.key)
        if at == 20:
            assert psnr(viewer.show(encoded.data), pixels) > 20
            assert codec_string(encoded.data) == coder.codec
    assert [at for at, key in enumerate(kinds) if key] == [0, 20]
    viewer.close()
    coder.close()


def test_a_small_change_costs_little_and_spoils_nothing() -> None:
    pixels = page(640, 360)
    coder, viewer = encoder(640, 360), Viewer()
    settle(coder, viewer, pixels)
    pixels[70:90, 70:120] = 200
    encoded = coder.encode(whole(pixels, Rect(64, 64, 64, 64)), AMPLE)
    shown = viewer.show(encoded.data)
    assert len(encoded.data) < 3000
    assert psnr(shown, pixels) > 40
    viewer.close()
    coder.close()


def test_damage_alone_is_converted() -> None:
    before = page(640, 360)
    after = page(640, 360, seed=2)
    coder, viewer = encoder(640, 360), Viewer()
    settle(coder, viewer, before, 30)
    mixed = before.copy()
    mixed[128:192, 64:320] = after[128:192, 64:320]
    shown = viewer.show(coder.encode(whole(after, Rect(64, 128, 256, 64)), AMPLE).data)
    for _ in range(30):
        shown = viewer.show(coder.encode(same(after), AMPLE).data)
    assert psnr(shown, mixed) > 40, "more, or less, than the damage was taken over"
    viewer.close()
    coder.close()


class Stream:
    """Pictures that differ altogether, 60 a second, under a budget."""

    def __init__(self, size: tuple[int, int], chroma: Chroma, budget: Budget) -> None:
        self.coder = encoder(*size, chroma, budget.bitrate)
        self.allowance = Allowance(budget, 60)
        self._pages = [page(*size, seed=seed) for seed in range(7)]
        self._count = 0

    def take(self, count: int, key: bool = False) -> list[Encoded]:
        """So many pictures."""
        taken = []
        for _ in range(count):
            at = self._count / 60
            picture = whole(self._pages[self._count % len(self._pages)])
            taken.append(self.coder.encode(picture, self.allowance.limit(at, key), key))
            self.allowance.spend(len(taken[-1].data))
            self._count += 1
        return taken


@pytest.mark.parametrize("chroma", list(Chroma))
def test_a_budget_is_followed_by_the_next_picture_and_without_a_key(chroma: Chroma) -> None:
    stream = Stream((320, 192), chroma, Budget(3_000_000))
    stream.take(25)
    for target in (400_000, 3_000_000, 300_000, 2_000_000):
        stream.allowance.set_budget(Budget(target))
        taken = stream.take(20)
        share = target / 8 / 60
        sizes = [len(encoded.data) / share for encoded in taken]
        assert not any(encoded.key for encoded in taken)
        # A higher rate is taken up one picture later: x264 has room for no more than what the last one was allowed.
        assert 0.5 < sizes[target > 1_000_000] < 1.2, (target, sizes)
        assert sizes[0] < 1.2
        assert sum(sizes[:10]) / 10 == pytest.approx(1, abs=0.15), (target, sizes)
    stream.coder.close()


@pytest.mark.parametrize("size", [4_000, 12_000, 40_000])
def test_no_picture_is_larger_than_allowed_not_even_a_key(size: int) -> None:
    stream = Stream((640, 360), Chroma.YUV444, Budget(800_000))
    stream.take(5)
    text, noise = page(640, 360), np.random.default_rng(5).integers(0, 256, (360, 640, 4), np.uint8)
    kinds = []
    for at in range(12):
        # Between them pictures of a small budget, which leave x264 little room.
        stream.take(1)
        pixels = (text, noise)[at % 2]
        encoded = stream.coder.encode(whole(pixels), size, key=at % 4 < 2)
        kinds.append(encoded.key)
        # The two slices are coded at the same time, and neither knows exactly what the other takes.
        assert len(encoded.data) <= 1.05 * size, at
        if encoded.key and pixels is text:
            assert len(encoded.data) > 0.6 * min(size, 30_000), at
    assert kinds == [at % 4 < 2 for at in range(12)]
    stream.coder.close()


def test_room_for_a_key_is_made_unseen() -> None:
    pixels = page(320, 240)
    coder, viewer = encoder(320, 240), Viewer()
    for at in range(30):
        encoded = coder.encode(whole(pixels), AMPLE if at % 10 == 9 else 1_000, key=at % 10 == 9)
        shown = viewer.show(encoded.data)
        assert not viewer.frame.is_corrupt
        if at % 10 == 9:
            assert psnr(shown, pixels) > 29
    for _ in range(30):
        shown = viewer.show(coder.encode(same(pixels), AMPLE).data)
    assert psnr(shown, pixels) > 44
    viewer.close()
    coder.close()


def test_no_room_is_made_between_two_keys() -> None:
    pixels = page(320, 240)
    coder = encoder(320, 240)
    sizes = []
    for at, size in enumerate((AMPLE, 2_000, AMPLE, 2_000, AMPLE)):
        # The third follows a key at once, the last does not.
        encoded = coder.encode(whole(pixels), size, key=at != 3)
        sizes.append(len(encoded.data))
    assert max(sizes[1:4]) <= 1.05 * 2_000
    assert sizes[4] > 10_000
    coder.close()


@pytest.mark.parametrize("chroma", list(Chroma))
@pytest.mark.parametrize(("scale", "size"), [(Fraction(3, 4), (288, 180)), (Fraction(1, 2), (192, 120))])
def test_a_picture_is_coded_smaller(chroma: Chroma, scale: Fraction, size: tuple[int, int]) -> None:
    width, height = 384, 240
    down, across = np.mgrid[0:height, 0:width]
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., 0] = across * 255 // width
    pixels[..., 1] = down * 255 // height
    pixels[..., 2] = 128
    coder, viewer = encoder(width, height, chroma, scale=scale), Viewer()
    settle(coder, viewer, pixels, 10)
    # A part changes: it is seen at once where it belongs, and nothing around it is forgotten.
    pixels[128:192, 320:384] = (40, 40, 220, 255)
    shown = viewer.show(coder.encode(whole(pixels, Rect(320, 128, 64, 64)), AMPLE).data)
    y, x = round(160 * scale), round(352 * scale)
    assert np.abs(shown[y, x, :3].astype(int) - (40, 40, 220)).max() <= 20
    for _ in range(10):
        shown = viewer.show(coder.encode(same(pixels), AMPLE).data)
    assert (shown.shape[1], shown.shape[0]) == size
    rows = ((np.arange(size[1]) + 0.5) / float(scale)).astype(int)
    columns = ((np.arange(size[0]) + 0.5) / float(scale)).astype(int)
    assert psnr(shown, pixels[rows][:, columns]) > 30
    viewer.close()
    coder.close()


def test_options_are_reached_only_where_that_is_known_to_be_safe() -> None:
    context: Any = av.CodecContext.create("libx264", "w")
    context.bit_rate = 1234567
    options = live_options(context)
    assert options is not None, "this PyAV is not among the known versions"
    assert options.get_int("b") == 1234567
    assert options.set_int("maxrate", 99)
    assert options.get_int("maxrate") == 99
    assert not options.set_int("no such option", 1)
    assert options.get_int("no such option") is None
    assert live_options(context, "999.0") is None


def test_without_live_options_plain_rate_control_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "live_options", lambda context: None)
    pixels = page(320, 240)
    coder, viewer = encoder(320, 240, bitrate=4_000_000), Viewer()
    shown = settle(coder, viewer, pixels, 80)
    assert psnr(shown, pixels) > 40
    sizes = []
    for at in range(60):
        encoded = coder.encode(whole(page(320, 240, seed=at)), 1_000_000 // 8 // 60)
        sizes.append(len(encoded.data))
    assert sum(sizes[20:]) * 8 * 60 / 40 < 1_500_000
    viewer.close()
    coder.close()


def test_what_is_no_key_frame_has_no_codec_string() -> None:
    assert codec_string(b"") == ""
    assert codec_string(b"\x00\x00\x00\x01\x65\x88\x84\x00") == ""
    assert codec_string(b"\x00\x00\x01\x09\x10\x00\x00\x00\x01\x67\x64\x00\x2a\xac") == "avc1.64002A"
