"""The pointer's shape as it travels: every one fits a control record, and is shown in its size, at its place."""

from __future__ import annotations

import numpy as np
import pytest

from avl_host.capture.source import CursorImage
from avl_host.desktop.pointer import LARGEST, MOST, as_travels
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.registry import MAX_RECORD_DATA
from avl_viewer.present.cursor import cursor_shape
from tests.protocol.handshakes import Seeded


def noise(width: int, height: int) -> CursorImage:
    """A shape that does not compress."""
    return CursorImage(
        serial=7,
        width=width,
        height=height,
        hot_x=width // 3,
        hot_y=height // 2,
        rgba=Seeded("noise")(width * height * 4),
    )


@pytest.mark.parametrize(
    "size", [(0, 0), (1, 1), (16, 16), (32, 48), (64, 64), (65, 63), (96, 96), (256, 256), (512, 300)]
)
def test_every_shape_is_shown_in_its_size_with_its_hot_spot(size: tuple[int, int]) -> None:
    image = noise(*size)
    message = as_travels(image)
    assert len(message.image) <= MOST and len(CONTROL.encode(message)) <= MAX_RECORD_DATA
    shape = cursor_shape(message)
    assert shape is not None
    assert (shape.serial, shape.width, shape.height) == (7, *size)
    assert (shape.hot_x, shape.hot_y) == (image.hot_x, image.hot_y) and len(shape.rgba) == size[0] * size[1] * 4
    if message.scale == 1:
        assert shape.rgba == image.rgba


def test_fewer_pixels_look_like_the_whole() -> None:
    detailed = np.frombuffer(noise(96, 96).rgba, np.uint8).reshape(96, 96, 4).copy()
    detailed[:, 48:, 3] = 0  # nothing on the right
    detailed[:, :48, :3] //= 4  # dark on the left
    detailed[:, :48, 3] = 255
    message = as_travels(CursorImage(serial=1, width=96, height=96, hot_x=0, hot_y=0, rgba=detailed.tobytes()))
    shape = cursor_shape(message)
    assert message.scale > 1 and shape is not None
    shown = np.frombuffer(shape.rgba, np.uint8).reshape(96, 96, 4)
    assert np.all(shown[:, :48, 3] == 255) and np.all(shown[:, 48:, 3] == 0), "the outline stays where it is"
    assert abs(float(shown[:, :48, :3].mean()) - float(detailed[:, :48, :3].mean())) < 2


def test_one_beyond_every_screen_is_made_smaller() -> None:
    message = as_travels(
        CursorImage(
            serial=1, width=2 * LARGEST, height=10, hot_x=LARGEST, hot_y=4, rgba=b"\xff" * (2 * LARGEST * 10 * 4)
        )
    )
    assert (message.width, message.height, message.hot_x, message.hot_y) == (LARGEST, 5, LARGEST // 2, 2)
    assert cursor_shape(message) is not None
