"""What is coded as exact pixels is what a viewer shows, whatever it looks like; and copies are what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from avl_host.capture.cells import changed_cells, rectangles
from avl_host.encode.delivered import EXACT, PICTURE, Delivered
from avl_host.encode.exactcoder import ExactCoder
from avl_host.encode.shift import MOST_PAUSE, ShiftFinder, copies
from avl_protocol.media import exact
from avl_protocol.media.frame import Rect
from avl_protocol.session.media.receiver import ReceivedExact
from avl_protocol.wire.registry import CELL, ExactCoding
from avl_viewer.decode.canvas import Canvas
from tests.host.desk import Pixels, noise, text

SIZE = (150, 97)


def shown(pixels: Pixels, rects: tuple[Rect, ...], palettes: bool) -> tuple[Canvas, set[ExactCoding]]:
    """What a viewer makes of it, and the codings that were used."""
    height, width = pixels.shape[:2]
    coded = ExactCoder().code(pixels, rects, (), small=palettes)
    data = coded.encode((width, height), captured=1.0, input_echo=0.5, settled=True)
    one = exact.decode(data)
    assert (one.captured_us, one.input_echo_us, one.settled) == (1_000_000, 500_000, True)
    canvas = Canvas()
    canvas.show(ReceivedExact(track=2, number=0, exact=one, size=0, complete=True, first=0.0, last=0.0))
    return canvas, {each.coding for each in one.rects}


@settings(deadline=None)
@given(st.sampled_from([1, 2, 3, 4, 5, 16, 17, 200, 256, 257, 5000]), st.integers(0, 1 << 30), st.booleans())
def test_pixels_come_back(colours: int, seed: int, palettes: bool) -> None:
    drawn = np.random.default_rng(seed)
    some = drawn.integers(0, 256, (colours, 4), dtype=np.uint8)
    pixels = some[drawn.integers(0, colours, (SIZE[1], SIZE[0]))]
    canvas, codings = shown(pixels, (Rect(0, 0, *SIZE),), palettes)
    assert (canvas.pixels[:, :, :3] == pixels[:, :, :3]).all()
    if colours == 1:
        assert codings == {ExactCoding.SOLID}
    elif palettes and colours <= 16:
        assert codings == {ExactCoding.PALETTE}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=20))
def test_any_cells_come_back_and_no_others(places: list[tuple[int, int]]) -> None:
    pixels = text(*SIZE)
    cells = np.zeros((7, 10), np.bool_)
    for column, row in places:
        cells[row, column] = True
    canvas, _ = shown(pixels, rectangles(cells, *SIZE), False)
    wide = cells.repeat(CELL, 0).repeat(CELL, 1)[: SIZE[1], : SIZE[0]]
    assert (canvas.pixels[wide][:, :3] == pixels[wide][:, :3]).all()
    assert not canvas.pixels[~wide].any()


@pytest.mark.parametrize("down", [-200, -37, -16, -3, 5, 16, 90])
def test_what_is_said_to_be_scrolled_is_so_pixel_for_pixel(down: int) -> None:
    page = text(320, 900, 4)
    before = noise(400, 352, 1)
    after = before.copy()
    before[:, 32:352] = page[300:652]
    after[:, 32:352] = page[300 - down : 652 - down]
    changed = changed_cells(before, after, [(0, 352)])
    found = ShiftFinder().find(before, after, changed)
    assert found is not None and (found.across, found.down) == (0, down)
    assert not (found.cells & ~changed).any()
    for row, column in np.argwhere(found.cells):
        y, x = row * CELL, column * CELL
        assert (after[y : y + CELL, x : x + CELL] == before[y - down : y - down + CELL, x : x + CELL]).all()
    copied = before.copy()
    for rect, (x, y) in copies(found, found.cells, 400, 352):
        part = copied[y : y + rect.height, x : x + rect.width].copy()
        copied[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = part
    wide = found.cells.repeat(CELL, 0).repeat(CELL, 1)[:352, :400]
    assert (copied[wide] == after[wide]).all(), "no copy spoils the source of a later one"


def test_what_scrolls_is_found_in_a_window_beside_a_margin_that_does_not() -> None:
    """The window does not begin with a cell, lies over a photograph, and has a scroll bar."""
    finder, page = ShiftFinder(), text(600, 3000, 4)
    ground = noise(700, 400, 1)

    def scrolled(line: int) -> NDArray[np.uint8]:
        shown = ground.copy()
        shown[20:380, 40:640] = page[16 * line : 16 * line + 360]
        shown[20:380, 620:640] = noise(20, 360, line)
        return shown

    for now, later in ((0, 1), (1, 4), (4, 5), (5, 15), (3, 5)):
        before, after = scrolled(now), scrolled(later)
        changed = changed_cells(before, after, [(0, 400)])
        found = finder.find(before, after, changed)
        assert found is not None and (found.across, found.down) == (0, 16 * (now - later))
        assert found.cells.sum() > 0.4 * changed.sum()


def test_what_a_look_saw_that_was_not_sent_misleads_nobody() -> None:
    finder, page = ShiftFinder(), text(900, 700, 5)

    def moved(across: int) -> NDArray[np.uint8]:
        return np.ascontiguousarray(page[100:500, 100 + across : 500 + across])

    for sent, seen in ((0, 7), (0, 20), (20, 31), (20, 90)):  # of every second nothing is sent
        before, after = moved(sent), moved(seen)
        found = finder.find(before, after, changed_cells(before, after, [(0, 400)]))
        assert found is not None and (found.across, found.down) == (sent - seen, 0)


@pytest.mark.parametrize(("across", "down"), [(0, -16), (0, 23), (48, 0), (-20, 0)])
def test_what_stands_still_between_what_is_shifted_is_copied_with_it(across: int, down: int) -> None:
    page = np.full((480, 480, 4), 30, np.uint8)
    for place in range(0, 480, 48):
        page[place : place + 20, 8:472] = text(464, 20, place + 1)
    page[:, 180:300] = 30  # plain between the lines, and between two columns of them
    before, after = page[64:416, 64:416].copy(), page[64 - down : 416 - down, 64 - across : 416 - across].copy()
    changed = changed_cells(before, after, [(0, 352)])
    found = ShiftFinder().find(before, after, changed)
    assert found is not None and (found.across, found.down) == (across, down)
    whole = found.cells | found.still
    assert not (found.still & changed).any() and found.still.any()
    made = copies(found, whole, 352, 352)
    assert len(made) == 1 < len(copies(found, found.cells, 352, 352))
    copied = before.copy()
    for rect, (x, y) in made:
        part = copied[y : y + rect.height, x : x + rect.width].copy()
        copied[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = part
    wide = whole.repeat(CELL, 0).repeat(CELL, 1)[:352, :352]
    assert (copied[wide] == after[wide]).all()


@pytest.mark.parametrize("change", ["nothing alike", "blank", "small"])
def test_what_does_not_scroll_is_not_taken_for_it(change: str) -> None:
    before, after = noise(320, 320, 1), noise(320, 320, 2)
    if change == "blank":
        after[:] = 7
    elif change == "small":
        after = before.copy()
        after[100:110] = before[90:100]
    assert ShiftFinder().find(before, after, changed_cells(before, after, [(0, 320)])) is None


@pytest.mark.parametrize("vector", [(40, 25), (-3, 1), (-64, -48), (1, -130), (200, 0), (16, 16)])
def test_a_window_that_is_dragged_is_copied_pixel_for_pixel(vector: tuple[int, int]) -> None:
    across, down = vector
    before, after = text(1000, 700, 8), text(1000, 700, 8)
    window = text(420, 300, 9)
    window[:20], window[:, :2] = (90, 60, 40, 0), 255
    before[210:510, 290:710] = window
    after[210 + down : 510 + down, 290 + across : 710 + across] = window
    changed = changed_cells(before, after, [(0, 700)])
    found = ShiftFinder().find(before, after, changed)
    assert found is not None and (found.across, found.down) == vector
    assert found.cells.sum() > 0.75 * 420 * 300 / CELL**2, "the window but for its edge"
    copied = before.copy()
    for rect, (x, y) in copies(found, found.cells, 1000, 700):
        part = copied[y : y + rect.height, x : x + rect.width].copy()
        copied[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = part
    wide = found.cells.repeat(CELL, 0).repeat(CELL, 1)[:700, :1000]
    assert (copied[wide] == after[wide]).all(), "no copy spoils the source of a later one"


def test_after_looks_in_vain_a_drag_is_found_within_some_changes() -> None:
    finder = ShiftFinder()
    for number in range(8):
        before, after = text(448, 448, number), text(448, 448, number + 100)
        assert finder.find(before, after, changed_cells(before, after, [(0, 448)])) is None
    before, after = text(600, 448, 8), text(600, 448, 8)
    before[100:340, 100:400] = text(300, 240, 9)
    after[109:349, 107:407] = text(300, 240, 9)
    changed = changed_cells(before, after, [(0, 448)])
    found = [finder.find(before, after, changed) is not None for _ in range(12)]
    assert not found[0] and all(found[MOST_PAUSE:])


@given(st.integers(-40, 40), st.integers(-80, 80), st.integers(0, 1 << 30))
def test_what_the_audience_has_elsewhere(across: int, down: int, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    delivered = Delivered(48, 150)
    delivered.source[:] = np.where(drawn.random((10, 3)) < 0.8, EXACT, PICTURE)
    delivered.owed[:] = drawn.random((10, 3)) < 0.3
    delivered.again[:] = drawn.random((10, 3)) < 0.1
    waiting = drawn.random((10, 3)) < 0.1
    good = (delivered.source == EXACT) & ~delivered.again & ~waiting
    found = delivered.known_from(across, down, waiting)
    for row, column in np.ndindex(10, 3):
        rows = [y - down for y in range(row * CELL, min(150, (row + 1) * CELL))]
        columns = [x - across for x in range(column * CELL, (column + 1) * CELL)]
        inside = rows[0] >= 0 and rows[-1] < 150 and columns[0] >= 0 and columns[-1] < 48
        known = inside and all(
            good[y // CELL, x // CELL] for y in (rows[0], rows[-1]) for x in (columns[0], columns[-1])
        )
        assert bool(found[row, column]) == known


def test_nothing_is_copied_from_what_somebody_has_not_got() -> None:
    nowhere = np.zeros((4, 4), np.bool_)
    delivered = Delivered(64, 64)
    delivered.sent_exact((Rect(0, 0, 64, 64),), 0)
    delivered.owed[1, 1] = True
    assert delivered.known_from(0, 0, nowhere).all(), "all show what was sent, though it is another by now"
    delivered.owe_missing([(0, 0)])
    delivered.owe_again(np.eye(4, dtype=np.bool_))
    assert not delivered.known_from(0, 0, nowhere).any()
    delivered.sent_exact((Rect(0, 0, 64, 64),), 1)
    assert delivered.known_from(0, 0, nowhere).all()
    delivered.owe_everything()
    assert not delivered.known_from(0, 0, nowhere).any()


def test_what_was_carried_last_by_a_lost_object_is_owed_and_nothing_else() -> None:
    delivered = Delivered(64, 64)
    for number, rect in enumerate((Rect(0, 0, 64, 64), Rect(0, 0, 32, 16), Rect(16, 0, 16, 16))):
        delivered.sent_exact((rect,), number)
    assert delivered.settled
    delivered.owe_missing([(1, 1), (7, 9)])
    assert np.argwhere(delivered.again).tolist() == [[0, 0]] and not delivered.owed.any()
    delivered.owe_again(np.ones_like(delivered.owed))
    assert np.argwhere(delivered.owed).tolist() == [[0, 0]] and not delivered.again.any()
    delivered.sent_picture((Rect(0, 0, 16, 16),))
    assert not delivered.owed.any() and not delivered.settled
    delivered.owe_missing([(0, 2)])
    delivered.owe_again(np.ones_like(delivered.owed))
    assert delivered.owed.sum() == 15, "what a picture shows, exact pixels will follow anyway"
