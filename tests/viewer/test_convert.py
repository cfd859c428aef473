"""Pictures on the canvas: right colours, and the same whether all or only a part was converted."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.media.frame import Chroma, Rect
from avl_viewer.decode.canvas import NOTHING, PICTURE, Canvas
from avl_viewer.decode.convert import BLOCK, Converter
from tests.viewer import pictures

SIZE = (640, 368)


def canvas_of(rgb: pictures.Rgb, chroma: Chroma = Chroma.YUV444) -> Canvas:
    return pictures.picture(1, rgb, chroma=chroma).canvas


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


def test_rows_lie_behind_one_another_as_a_window_takes_them() -> None:
    canvas = canvas_of(pictures.card(*SIZE))
    canvas.refresh()
    assert canvas.pixels.flags.c_contiguous and canvas.pixels.shape == (SIZE[1], SIZE[0], 4)
    rows = np.frombuffer(canvas.pixels.data, np.uint8).reshape(SIZE[1], SIZE[0] * 4)
    assert np.array_equal(rows[5, 4 * 7 : 4 * 7 + 3], canvas.rgb()[5, 7, ::-1])


@pytest.mark.parametrize("chroma", list(Chroma))
@pytest.mark.parametrize("size", [SIZE, (637, 361)])
def test_parts_converted_alone_equal_the_whole(chroma: Chroma, size: tuple[int, int]) -> None:
    before, after = pictures.card(*size, seed=1), pictures.card(*size, seed=2)
    right, bottom = (size[0] - 1) // BLOCK * BLOCK, (size[1] - 1) // BLOCK * BLOCK
    dirty = [Rect(0, 0, 48, 32), Rect(right, bottom, size[0] - right, size[1] - bottom), Rect(304, 96, 16, 16)]
    desk = pictures.Desk()
    desk.picture(1, before, chroma=chroma)
    expected, whole = desk.canvas.rgb(), canvas_of(after, chroma).rgb()
    generation = desk.canvas.generation
    changed = desk.picture(2, after, dirty, chroma).dirty
    assert desk.canvas.generation == generation
    for rect in changed:
        part = np.s_[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        expected[part] = whole[part]
    assert np.array_equal(desk.canvas.rgb(), expected)
    for rect in dirty:
        assert any(covers(one, rect) for one in changed)


def covers(outer: Rect, inner: Rect) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.x + outer.width >= inner.x + inner.width
        and outer.y + outer.height >= inner.y + inner.height
    )


@pytest.mark.parametrize(
    "dirty", [[Rect(0, 0, 592, 304)], [Rect(32 * i % 608, 32 * i % 320, 16, 16) for i in range(25)]]
)
def test_large_or_many_parts_are_those_of_the_new_picture_and_no_others(dirty: list[Rect]) -> None:
    after = pictures.card(*SIZE, seed=2)
    desk = pictures.Desk()
    desk.picture(1, pictures.card(*SIZE, seed=1))
    expected, whole = desk.canvas.rgb(), canvas_of(after).rgb()
    changed = desk.picture(2, after, dirty).dirty
    assert changed == tuple(dirty)
    for rect in changed:
        part = np.s_[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
        expected[part] = whole[part]
    assert np.array_equal(desk.canvas.rgb(), expected)


def test_nothing_dirty_changes_nothing() -> None:
    desk = pictures.Desk()
    desk.picture(1, pictures.card(*SIZE, seed=1))
    before = desk.canvas.rgb()
    assert desk.picture(2, pictures.card(*SIZE, seed=2), ()).dirty == ()
    assert np.array_equal(desk.canvas.rgb(), before)


def test_another_size_is_another_desktop_of_which_nothing_else_is_shown() -> None:
    desk = pictures.Desk()
    desk.picture(1, pictures.card(320, 200))
    generation = desk.canvas.generation
    card = pictures.card(*SIZE)
    desk.picture(2, card, [Rect(0, 0, 16, 16)])
    assert desk.canvas.generation == generation + 1 and desk.canvas.size == SIZE
    rgb = desk.canvas.rgb()
    assert pictures.psnr(rgb[:16, :16], card[:16, :16]) > 45
    assert not rgb[16:].any() and not rgb[:, 16:].any() and not desk.canvas.shown
    assert (desk.canvas.sources == NOTHING).sum() == desk.canvas.sources.size - 1
    desk.picture(3, card)
    assert pictures.psnr(desk.canvas.rgb(), card) > 50 and desk.canvas.shown


def test_an_odd_size_is_cut_from_the_even_picture_that_was_coded() -> None:
    card = pictures.card(101, 67)
    rgb = canvas_of(card, Chroma.YUV420).rgb()
    assert rgb.shape == (67, 101, 3)


def test_a_picture_of_fewer_pixels_is_stretched_over_its_place() -> None:
    rgb = pictures.flat(64, 48, (53, 132, 228))
    stretched = pictures.rgb_of(pictures.yuv(rgb), 130, 97)
    assert stretched.shape == (97, 130, 3) and abs(stretched.astype(int) - (53, 132, 228)).max() <= 3


def test_pictures_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(ValueError, match="rgb24"):
        Converter().region(VideoFrame(64, 64, "rgb24"), (64, 64), Rect(0, 0, 64, 64))


cells = st.tuples(st.integers(0, 43), st.integers(0, 43), st.integers(1, 20), st.integers(1, 20))


@settings(deadline=None, max_examples=40)
@given(st.lists(cells, max_size=8), st.integers(1, 700), st.integers(1, 700))
def test_what_is_dirty_is_shown_and_stays_within_the_picture(
    dirty: list[tuple[int, int, int, int]], width: int, height: int
) -> None:
    rects = []
    for column, row, across, down in dirty:
        x, y = column * BLOCK, row * BLOCK
        right, bottom = min(width, x + across * BLOCK), min(height, y + down * BLOCK)
        if right > x and bottom > y:
            rects.append(Rect(x, y, right - x, bottom - y))
    desk = pictures.Desk()
    found = desk.picture(1, pictures.flat(width, height, (250, 250, 250)), rects).dirty
    assert all(covers(Rect(0, 0, width, height), one) for one in found)
    # What an earlier one covers has been shown by then.
    wanted = np.zeros((height, width), np.bool_)
    for rect in rects:
        wanted[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = True
    assert np.array_equal(desk.canvas.rgb().min(axis=2) > 200, wanted)
    assert (desk.canvas.sources == PICTURE).any() == bool(rects)
