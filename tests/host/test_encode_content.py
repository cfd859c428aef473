"""Film or text, told from what the pictures took."""

from __future__ import annotations

import pytest

from avl_host.encode.content import NOTHING, Content
from avl_host.encode.rungs import MOTION_BITS, STILL_BITS


def show(
    content: Content,
    start: float,
    seconds: float,
    bits: float,
    quantiser: float = 36.0,
    part: float = 1.0,
    fps: int = 60,
) -> float:
    """A stream of pictures; the time after it."""
    count = round(seconds * fps)
    for at in range(count):
        content.coded(part, bits, quantiser, fps, start + at / fps)
    return start + count / fps


def test_a_film_is_told_within_a_second_or_so_and_so_is_its_end() -> None:
    content = Content()
    at = show(content, 100.0, 0.8, 0.05)
    assert not content.motion
    at = show(content, at, 0.6, 0.05)
    assert content.motion
    assert content.need.bits_per_pixel == pytest.approx(0.05, rel=0.3)
    due = content.due
    assert due is not None
    assert 0.5 < due - at < 2
    content.passed(due - 0.01)
    assert content.motion
    content.passed(due)
    assert not content.motion
    assert content.need is NOTHING
    assert content.due is None


def test_typing_and_single_large_changes_are_no_film() -> None:
    content = Content()
    at = show(content, 100.0, 3.0, 0.001, part=0.02)
    for _ in range(5):
        content.coded(1.0, 0.4, 40.0, 60, at)
        at += 1.0
        assert not content.motion
        assert content.need is NOTHING


def test_text_that_scrolls_takes_little_and_is_no_film() -> None:
    content = Content()
    show(content, 100.0, 4.0, 0.008, quantiser=30.0)
    assert not content.motion
    assert content.need.bits_per_pixel < STILL_BITS[60]


def test_what_is_coded_coarsely_needed_more() -> None:
    needs = []
    for quantiser in (30.0, 36.0, 42.0):
        content = Content()
        show(content, 100.0, 3.0, 0.05, quantiser)
        needs.append(content.need.bits_per_pixel)
    assert needs == sorted(needs)
    assert needs[1] == pytest.approx(0.05, rel=0.01)


def test_ruined_pictures_are_taken_for_a_film() -> None:
    content = Content()
    show(content, 100.0, 3.0, 0.005, quantiser=60.0, fps=10)
    assert content.motion
    assert content.need.bits_per_pixel == pytest.approx(MOTION_BITS[10], rel=0.05)


def test_one_cut_does_not_spoil_the_mean() -> None:
    content = Content()
    at = show(content, 100.0, 3.0, 0.05)
    content.coded(1.0, 0.8, 40.0, 60, at)
    assert content.need.bits_per_pixel < 0.09
