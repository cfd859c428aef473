"""A desktop below half size: every pixel of it counts, and what has changed is what a fresh half would be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avl_protocol.media.frame import Rect

pytest.importorskip("PySide6.QtGui")
from PySide6.QtGui import QImage

from avl_viewer.present.halves import Halves, levels


def pixels(image: QImage) -> Any:
    """Its colours."""
    whole = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return whole[:, : image.width(), :3].astype(int)


@pytest.mark.parametrize(("width", "height"), [(40, 20), (41, 23), (1, 3)])
def test_a_half_is_the_mean_of_four_and_follows_what_changes(width: int, height: int) -> None:
    source = np.random.default_rng(width)
    desktop = source.integers(0, 256, (height, width, 4), np.uint8)
    image = QImage(desktop.data, width, height, width * 4, QImage.Format.Format_RGB32)
    halves = Halves(image)
    half, part = halves.get(1)
    quarter, _ = halves.get(2)
    assert (part.width(), part.height()) == (width / 2, height / 2)
    padded = np.pad(desktop[:, :, :3], ((0, height % 2), (0, width % 2), (0, 0)), "edge").astype(float)
    mean = padded.reshape(half.height(), 2, half.width(), 2, 3).mean((1, 3))
    assert np.abs(pixels(half) - mean).max() < 4, "what Qt's fixed point leaves"
    for _ in range(20):
        x, y = int(source.integers(width)), int(source.integers(height))
        rect = Rect(x, y, int(source.integers(1, width - x + 1)), int(source.integers(1, height - y + 1)))
        desktop[y : y + rect.height, x : x + rect.width] = source.integers(0, 256, 4)
        halves.changed((rect,))
    fresh = Halves(image)
    assert (pixels(half) == pixels(fresh.get(1)[0])).all()
    assert (pixels(quarter) == pixels(fresh.get(2)[0])).all()
    halves.keep(1)
    assert halves.get(1)[0] is half


def test_what_is_left_to_smooth_scaling_is_more_than_a_half() -> None:
    assert [levels(scale) for scale in (2.0, 1.0, 0.75, 0.51, 0.5, 0.4, 0.25, 0.2)] == [0, 0, 0, 0, 1, 1, 2, 2]
