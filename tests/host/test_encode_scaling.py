"""Where things lie in a picture made smaller."""

from __future__ import annotations

from fractions import Fraction

import pytest

from avl_host.encode.scaling import coded_rects, coded_size
from avl_protocol.media.frame import Rect

MOST, HALF = Fraction(3, 4), Fraction(1, 2)


@pytest.mark.parametrize(
    ("size", "scale", "coded"),
    [
        ((1920, 1080), MOST, (1440, 810)),
        ((1920, 1080), HALF, (960, 540)),
        ((1366, 768), HALF, (684, 384)),
        ((1366, 768), MOST, (1024, 576)),
        ((1367, 767), Fraction(1), (1367, 767)),
        ((3, 1), HALF, (3, 1)),
        ((63, 900), HALF, (63, 900)),
        ((64, 900), HALF, (32, 450)),
    ],
)
def test_sizes(size: tuple[int, int], scale: Fraction, coded: tuple[int, int]) -> None:
    assert coded_size(*size, scale) == coded


def test_changes_lie_where_the_picture_has_them_with_a_seam() -> None:
    (rect,) = coded_rects((Rect(640, 320, 64, 128),), 1920, 1080, MOST)
    assert rect == Rect(480 - 4, 240 - 4, 48 + 8, 96 + 8)
    assert coded_rects((Rect(640, 320, 64, 128),), 1920, 1080, Fraction(1)) == (Rect(640, 320, 64, 128),)
    assert coded_rects((), 1920, 1080, HALF) == ()


def test_changes_stay_within_the_picture() -> None:
    assert coded_rects((Rect(0, 0, 1366, 768),), 1366, 768, HALF) == (Rect(0, 0, 684, 384),)
    assert coded_rects((Rect(1344, 704, 22, 64),), 1366, 768, HALF) == (Rect(668, 348, 16, 36),)
