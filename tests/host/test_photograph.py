"""One look at the desktop: small, the same for the same pixels, and never more than can be sealed."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avl_host.capture.pattern import PatternSource
from avl_host.capture.source import CaptureSource, SourceLost
from avl_host.lastpictures.photograph import SIDES, Unpictured, jpeg, photograph
from avl_host.settings.model import Configuration
from avl_protocol.endpoint.settings.faults import BadSettings
from avl_protocol.endpoint.settings.load import from_flags, load
from avl_protocol.rights.lastpicture import MOST_IMAGE


def seen(image: bytes) -> NDArray[np.uint8]:
    with av.open(io.BytesIO(image), "r") as opened:
        made: NDArray[Any] = next(opened.decode(video=0)).to_ndarray(format="bgr24")
    return made.astype(np.uint8)


@pytest.mark.parametrize("size", [(1920, 1080), (640, 360), (161, 97), (16, 2000), (3000, 1), (1, 1)])
def test_a_desktop_of_any_size_is_small_and_keeps_its_shape(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.full((height, width, 4), (200, 30, 10, 255), np.uint8)
    image = jpeg(pixels)
    assert image == jpeg(pixels) and len(image) <= MOST_IMAGE
    small = seen(image)
    assert max(small.shape[:2]) <= max(2, min(SIDES[0], max(size)))
    assert np.abs(small.astype(int) - (200, 30, 10)).max() < 12
    if min(size) > 90:
        assert abs(small.shape[1] / small.shape[0] - width / height) < 0.05


def test_noise_that_fits_nowhere_is_made_coarser() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (270, 480, 4), dtype=np.uint8)
    assert len(jpeg(noise)) <= MOST_IMAGE


def test_a_source_is_opened_for_one_look_and_one_that_is_lost_is_told_of() -> None:
    closed: list[bool] = []

    class Source(PatternSource):
        def close(self) -> None:
            closed.append(True)

    class Lost(Source):
        def grab(self, *asked: object, **more: object) -> None:
            raise SourceLost("the display is gone")

    def absent() -> CaptureSource:
        raise SourceLost("no display answers")

    assert seen(photograph(lambda: Source(lambda: 0.0))).shape == (270, 480, 3)
    assert closed == [True]
    with pytest.raises(Unpictured, match="is gone"):
        photograph(lambda: Lost(lambda: 0.0))
    assert closed == [True, True]
    with pytest.raises(Unpictured, match="no display"):
        photograph(absent)


def test_pictures_are_off_unless_somebody_has_said_so_and_a_minute_apart_at_least() -> None:
    def seconds(**flags: float) -> float | None:
        chosen = load(Configuration, file=None, variables={}, flags=[from_flags(flags)])
        return chosen.settings.host("pattern").last_picture

    assert seconds() is None and seconds(last_picture=0) is None
    assert seconds(last_picture=5) == 300
    with pytest.raises(BadSettings, match="1 minute or more"):
        seconds(last_picture=0.5)
