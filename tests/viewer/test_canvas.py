"""The canvas: composed by the rules of 5.7.2, whatever comes in whatever order, and never more than was announced."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avl_protocol.media import exact
from avl_protocol.media.exact import Exact
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CELL
from avl_viewer.decode.canvas import PICTURE, Canvas
from spec.vectors.exact_cases import PlainCanvas
from spec.vectors.make import HERE
from tests.viewer import pictures

VECTORS: dict[str, Any] = json.loads((HERE / "exact.json").read_text("utf-8"))
#: What planar YUV makes of the colours of the stories: its own rounding is not the canvas' affair.
LUMA = {"00ff00": (173, 42, 26), "0000ff": (63, 102, 240), "ff0000": (32, 240, 118), "808080": (126, 128, 128)}


def received(one: Exact, complete: bool = True) -> ReceivedExact:
    return ReceivedExact(track=2, number=0, exact=one, size=0, complete=complete, first=0.0, last=0.0)


def picture(size: tuple[int, int], captured: int, rects: tuple[Rect, ...], colour: str) -> tuple[Any, ReceivedFrame]:
    """A picture of one colour of the whole desktop, and what it says of itself."""
    width, height = size[0] + size[0] % 2, size[1] + size[1] % 2
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, LUMA[colour], strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    preamble = Preamble(group=1, captured_us=captured, input_echo_us=0, depends=0, dirty=rects)
    return frame, ReceivedFrame(
        track=1,
        number=0,
        preamble=preamble,
        data=b"",
        size=0,
        codec="",
        width=size[0],
        height=size[1],
        chroma=Chroma.YUV420,
        desktop=size,
        place=Rect(0, 0, *size),
        first=0.0,
        last=0.0,
    )


def seen(canvas: Canvas) -> dict[str, Any]:
    """The canvas as PlainCanvas tells it; what in pictures is nearly a colour of the stories is taken for it."""
    pixels = np.ascontiguousarray(canvas.rgb()[:, :, ::-1])
    cells = np.repeat(np.repeat(canvas.sources == PICTURE, CELL, 0), CELL, 1)
    of_pictures = cells[: pixels.shape[0], : pixels.shape[1]]
    for name in LUMA:
        colour = np.frombuffer(bytes.fromhex(name), np.uint8)
        near = (np.abs(pixels.astype(np.int16) - colour) <= 2).all(axis=2)
        pixels[near & of_pictures] = colour
    exact_pixels = round(canvas.exact * pixels.shape[0] * pixels.shape[1])
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return {"size": list(canvas.size), "pixels": digest, "exact": exact_pixels}


@pytest.mark.parametrize("story", VECTORS["canvas"], ids=lambda story: story["about"])
def test_stories(story: dict[str, Any]) -> None:
    canvas = Canvas()
    for step in story["steps"]:
        if "object" in step:
            one = exact.decode(bytes.fromhex(step["object"]))
            assert canvas.show(received(one, step["complete"])).complete == step["used"]
        else:
            shown = step["picture"]
            rects = tuple(Rect(*sides) for sides in shown["rects"])
            canvas.stage(*picture(tuple(shown["desktop"]), shown["captured_us"], rects, shown["colour"]))
        assert seen(canvas) == {key: step[key] for key in ("size", "pixels", "exact")}


def test_what_was_lies_under_what_has_not_come_and_nowhere_else() -> None:
    """Smaller one way and larger the other than the desktop before."""
    desk, before = pictures.Desk(), pictures.card(100, 60, seed=1)
    desk.exact(1, before)
    old = desk.canvas.pixels
    now = pictures.card(90, 80, seed=2)
    desk.exact(2, now, [Rect(16, 16, 32, 48)])
    desk.canvas.underlay(old)
    expected = np.zeros((80, 90, 3), np.uint8)
    expected[:60] = before[:, :90]
    expected[16:64, 16:48] = now[16:64, 16:48]
    assert np.array_equal(desk.canvas.rgb(), expected)
    assert not desk.canvas.shown
    assert desk.canvas.exact == pytest.approx(32 * 48 / (90 * 80))
    desk.exact(3, now)
    assert np.array_equal(desk.canvas.rgb(), now)


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_what_is_dropped_changes_nothing_and_takes_no_memory(case: dict[str, Any]) -> None:
    canvas = Canvas()
    canvas.show(received(exact.decode(bytes.fromhex(VECTORS["valid"][0]["plaintext"]))))
    before = seen(canvas)
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            canvas.show(received(exact.decode(bytes.fromhex(case["plaintext"]))))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert seen(canvas) == before


STEPS = [step for story in VECTORS["canvas"][:7] for step in story["steps"] if "object" in step]


@settings(deadline=None)
@given(st.permutations(range(len(STEPS))), st.lists(st.booleans(), min_size=len(STEPS), max_size=len(STEPS)))
def test_in_any_order_the_canvas_is_that_of_the_rules(order: list[int], complete: list[bool]) -> None:
    canvas, plain = Canvas(), PlainCanvas()
    for at in order[:8]:
        one = exact.decode(bytes.fromhex(STEPS[at]["object"]))
        assert canvas.show(received(one, complete[at])).complete == plain.show(one, complete[at])
        assert seen(canvas) == plain.seen()


def test_pictures_are_converted_when_somebody_looks_and_only_the_newest() -> None:
    canvas = Canvas()
    everything = (Rect(0, 0, 64, 64),)
    canvas.stage(*picture((64, 64), 100, everything, "00ff00"))
    assert not canvas.pixels.any()
    canvas.stage(*picture((64, 64), 200, (Rect(0, 0, 32, 64),), "0000ff"))
    canvas.refresh()
    # The right half is no older than the second picture, which shows it too.
    assert (np.abs(canvas.pixels[:, :, :3].astype(int) - (0, 0, 255)).max()) <= 2
    assert canvas.exact == 0.0 and canvas.shown
