"""Objects of exact pixels as they travel, and what a viewer lacks of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media import exact
from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Rect
from avl_protocol.media.gaps import Gaps
from avl_protocol.wire.errors import LocalProtocolError, Refused, RemoteProtocolError
from avl_protocol.wire.registry import MAX_EXACT_RECTS, CloseCode, ExactCoding
from spec.vectors import exact_cases
from spec.vectors.make import HERE
from tests.protocol.messages import damaged

VECTORS: dict[str, Any] = json.loads((HERE / "exact.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["why"])
def test_an_object_says_what_it_says(case: dict[str, Any]) -> None:
    plaintext = bytes.fromhex(case["plaintext"])
    read = exact.decode(plaintext)
    assert exact_cases.told(read) == {key: value for key, value in case.items() if key not in ("why", "plaintext")}
    assert exact.encode(read) == plaintext


#: Those that only the frame betrays, which is looked at where there are pixels (tests/viewer/test_canvas.py).
FRAMES = {
    "a frame that is too short",
    "a frame that is too long",
    "a frame that grows to 16 MiB",
    "a frame that names no size",
    "a frame cut short",
    "no frame at all",
    "bytes behind the frame",
    "an index without a colour",
}


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_an_object_of_another_form_is_dropped(case: dict[str, Any]) -> None:
    expected = None if case["why"] in FRAMES else "SESSION_PROTOCOL"
    assert exact_cases.dropped(bytes.fromhex(case["plaintext"])) == expected


@pytest.mark.parametrize("case", VECTORS["too_large"], ids=lambda case: case["why"])
def test_a_desktop_that_is_too_large_ends_the_session(case: dict[str, Any]) -> None:
    assert exact_cases.dropped(bytes.fromhex(case["plaintext"])) == "TOO_LARGE"


@given(st.sampled_from(VECTORS["valid"][:4]), st.data())
def test_a_damaged_object_is_another_one_or_refused(case: dict[str, Any], data: st.DataObject) -> None:
    raw = data.draw(damaged(bytes.fromhex(case["plaintext"])))
    try:
        read = exact.decode(raw)
    except (RemoteProtocolError, Refused) as error:
        assert error.code in (CloseCode.SESSION_PROTOCOL, CloseCode.TOO_LARGE)
    else:
        assert read.size <= 4 * read.width * read.height


@given(st.binary(max_size=200))
def test_any_plaintext_is_read_or_refused(raw: bytes) -> None:
    try:
        exact.decode(raw)
    except (RemoteProtocolError, Refused):
        return


def test_what_can_t_be_sent_is_our_own_error() -> None:
    one = ExactRect(Rect(0, 0, 16, 16), ExactCoding.SOLID, b"abc")
    for rects in ((), (one,) * (MAX_EXACT_RECTS + 1)):
        with pytest.raises(LocalProtocolError):
            exact.encode(Exact(captured_us=1, input_echo_us=0, width=16, height=16, rects=rects))


@pytest.mark.parametrize("story", VECTORS["gaps"], ids=lambda story: story["about"])
def test_gaps(story: dict[str, Any]) -> None:
    gaps = Gaps(story["first"])
    for step in story["steps"]:
        now, arguments = step["at"] / 1000, step["with"]
        if step["do"] == "due":
            assert [list(row) for row in gaps.due(now, arguments[0] / 1000)] == step["out"]
        elif step["do"] == "replaced":
            gaps.replaced([(first, last) for first, last in arguments[0]])
        else:
            getattr(gaps, step["do"])(*arguments, now)
        assert ([list(row) for row in gaps.rows], gaps.newest) == (step["rows"], step["newest"])


@given(st.lists(st.integers(0, 60)), st.integers(0, 60))
def test_what_has_not_come_is_missing_and_nothing_else(came: list[int], told: int) -> None:
    gaps = Gaps(0)
    for number in came:
        gaps.came(number, 0.0)
    gaps.told(told, 0.0)
    missing = {number for first, last in gaps.rows for number in range(first, last + 1)}
    assert missing == set(range(max([told, *came]) + 1)) - set(came)
    assert gaps.lacks(told) == any(number <= told for number in missing)
