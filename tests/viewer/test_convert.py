"""The canvas: right colours, and the same whether all or only a part was converted."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.frame import Chroma, Rect
from avl_viewer.decode.convert import BLOCK, WHOLE_COUNT, Canvas, blocks
from tests.viewer import pictures

SIZE = (640, 368)


def canvas_of(rgb: pictures.Rgb, chroma: Chroma = Chroma.YUV444) -> Canvas:
    canvas = Canvas()
    canvas.show(pictures.yuv(rgb, chroma), rgb.shape[1], rgb.shape[0], None)
    return canvas


def test_444_colours_are_those_of_the_host() -> None:
    card = pictures.card(*SIZE)
    assert pictures.psnr(canvas_of(card).rgb(), card) > 50


@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (53, 132, 228)]
)
@pytest.mark.parametrize("chroma", list(Chroma))
def test_a_flat_colour_is_off_by_no_more_than_what_eight_bits_lose(
    colour: tuple[int, int, int], chroma: Chroma
) -> None:
    rgb = canvas_of(pictures.flat(64, 64, colour), chroma).rgb().astype(int)
    assert abs(rgb - colour).max() <= 3
    if colour in ((0, 0, 0), (255, 255, 255)):
        assert (rgb == colour).all()


def test_alpha_is_opaque_and_rows_lie_in_the_buffer_as_said() -> None:
    canvas = canvas_of(pictures.card(*SIZE))
    assert (canvas.pixels[..., 3] == 255).all()
    rows = np.frombuffer(canvas.buffer, np.uint8).reshape(-1, canvas.stride)
    assert np.array_equal(rows[5, 4 * 7 : 4 * 7 + 4], canvas.pixels[5, 7])


@pytest.mark.parametrize("chroma", list(Chroma))
@pytest.mark.parametrize("size", [SIZE, (637, 361)])
def test_parts_converted_alone_equal_the_whole(chroma: Chroma, size: tuple[int, int]) -> None:
    before, after = pictures.card(*size, seed=1), pictures.card(*size, seed=2)
    dirty = [Rect(3, 5, 40, 17), Rect(size[0] - 21, size[1] - 9, 21, 9), Rect(300, 100, 1, 1)]
    canvas = canvas_of(before, chroma)
    expected, whole = canvas.rgb(), canvas_of(after, chroma).rgb()
    changed = canvas.show(pictures.yuv(after, chroma), *size, dirty)
    assert canvas.generation == 1
    for rect in changed:
        part = np.s_[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        expected[part] = whole[part]
    assert np.array_equal(canvas.rgb(), expected)
    for rect in dirty:
        assert any(covers(block, rect) for block in changed)


def covers(outer: Rect, inner: Rect) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.x + outer.width >= inner.x + inner.width
        and outer.y + outer.height >= inner.y + inner.height
    )


@pytest.mark.parametrize(
    "dirty", [[Rect(0, 0, 600, 300)], [Rect(20 * i, 20 * i % 300, 4, 4) for i in range(WHOLE_COUNT + 5)]]
)
def test_large_or_many_parts_take_the_whole_picture_over(dirty: list[Rect]) -> None:
    after = pictures.card(*SIZE, seed=2)
    canvas = canvas_of(pictures.card(*SIZE, seed=1))
    changed = canvas.show(pictures.yuv(after), *SIZE, dirty)
    assert canvas.generation == 2
    assert changed == blocks(dirty, *SIZE)
    assert pictures.psnr(canvas.rgb(), after) > 50


def test_nothing_dirty_changes_nothing() -> None:
    canvas = canvas_of(pictures.card(*SIZE, seed=1))
    before = canvas.rgb()
    assert canvas.show(pictures.yuv(pictures.card(*SIZE, seed=2)), *SIZE, ()) == ()
    assert np.array_equal(canvas.rgb(), before)


def test_another_size_is_taken_over_whole_whatever_is_said_to_be_dirty() -> None:
    canvas = canvas_of(pictures.card(320, 200))
    card = pictures.card(*SIZE)
    assert canvas.show(pictures.yuv(card), *SIZE, [Rect(0, 0, 8, 8)]) == (Rect(0, 0, *SIZE),)
    assert pictures.psnr(canvas.rgb(), card) > 50


def test_an_odd_size_is_cut_from_the_even_picture_that_was_coded() -> None:
    card = pictures.card(101, 67)
    rgb = canvas_of(card, Chroma.YUV420).rgb()
    assert rgb.shape == (67, 101, 3)


def test_pictures_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(ValueError, match="rgb24"):
        Canvas().show(VideoFrame(64, 64, "rgb24"), 64, 64, None)
    with pytest.raises(ValueError, match="smaller"):
        Canvas().show(VideoFrame(64, 64, "yuv444p"), 80, 64, None)


numbers = st.integers(-50, 800)


@given(
    st.lists(st.builds(Rect, numbers, numbers, numbers, numbers), max_size=8), st.integers(1, 700), st.integers(1, 700)
)
def test_blocks_cover_what_is_dirty_and_stay_within_the_picture(dirty: list[Rect], width: int, height: int) -> None:
    found = blocks(dirty, width, height)
    for block in found:
        assert block.x % BLOCK == 0 == block.y % BLOCK
        assert block.width > 0 and block.height > 0
        assert covers(Rect(0, 0, width, height), block)
    for rect in dirty:
        left, top = max(0, rect.x), max(0, rect.y)
        right, bottom = min(width, rect.x + rect.width), min(height, rect.y + rect.height)
        if right > left and bottom > top:
            assert any(covers(block, Rect(left, top, right - left, bottom - top)) for block in found)
