"""The moving card, in any kind of time."""

from __future__ import annotations

import numpy as np
import pytest

from avl_host.capture.cells import changed_cells, grid
from avl_host.capture.pattern import PatternSource, read_number
from avl_host.capture.source import SourceLost
from avl_host.capture.sources import open_source
from avl_protocol.wire.registry import CELL


class Clock:
    """Time that is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("size", [(640, 360), (161, 97), (160, 96)])
def test_the_number_can_be_read_from_the_pixels(size: tuple[int, int]) -> None:
    clock = Clock()
    source = PatternSource(clock, size, rate=10)
    for step in range(60):
        clock.now = 100 + step / 10
        picture = source.grab()
        assert picture is not None
        assert read_number(picture.pixels) == source.number == step


def test_the_number_survives_noise() -> None:
    source = PatternSource(Clock())
    picture = source.grab()
    assert picture is not None
    noise = np.random.default_rng(1).integers(-60, 60, picture.pixels.shape)
    assert read_number(np.clip(picture.pixels.astype(int) + noise, 0, 255).astype(np.uint8)) == 0
    assert read_number(np.zeros((50, 50, 4), np.uint8)) is None


@pytest.mark.parametrize("missed", [1, 2, 3, 5, 9])
def test_an_older_card_beside_the_newest_is_no_number(missed: int) -> None:
    """A page that comes into view again shows that until it has what it missed: a number that was read from both was
    larger than all that followed."""
    clock = Clock()
    source = PatternSource(clock, rate=10)
    picture = source.grab()
    assert picture is not None
    shown, cleared = picture.pixels.copy(), picture.pixels[0, -1]
    clock.now += missed / 10
    picture = source.grab()
    assert picture is not None
    card = (picture.pixels != cleared).any(axis=2)
    shown[card] = picture.pixels[card]
    assert read_number(picture.pixels) == missed
    assert read_number(shown) is None


def test_nothing_changes_between_moves() -> None:
    clock = Clock()
    source = PatternSource(clock, rate=10)
    first = source.grab()
    assert first is not None
    assert first.changed.all() and first.changed.shape == grid(*source.size)
    assert source.grab() is None
    whole = source.grab(whole=True)
    assert whole is not None
    assert not whole.changed.any()
    before = whole.pixels.copy()
    assert source.due() == pytest.approx(100.1)
    clock.now = 100.1
    assert source.wait(0)
    moved = source.grab()
    assert moved is not None
    assert 0 < moved.changed.sum() * CELL * CELL < 640 * 360 / 2
    assert np.array_equal(moved.changed, changed_cells(before, moved.pixels, [(0, 360)]))


def test_it_stands_still_and_goes_on() -> None:
    clock = Clock()
    source = PatternSource(clock, rate=10)
    clock.now += 1
    source.set_still(True)
    assert source.grab() is not None
    assert source.due() is None
    clock.now += 5
    assert source.grab() is None
    source.set_still(False)
    clock.now += 0.1
    assert source.grab() is not None
    assert source.number == 11


def test_sources_by_name() -> None:
    assert open_source("pattern", Clock()).size == (640, 360)
    assert open_source("pattern:320x200", Clock()).size == (320, 200)
    with pytest.raises(ValueError, match="no source"):
        open_source("nonsense", Clock())
    with pytest.raises(SourceLost, match=":998"):
        open_source(":998", Clock())
