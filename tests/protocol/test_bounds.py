"""Whatever a bitstream holds, it is taken or refused, in bounded time; a header that another size is written into is
refused."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.bounds_vp9 import indexed
from avl_protocol.media.frame import Chroma
from spec.vectors.bounds_cases import EVERY, H264, parameters, taken
from spec.vectors.bounds_codec_cases import (
    AV1,
    H265,
    VP9,
    Case,
    av1_frame,
    av1_sequence,
    h265_parameters,
    vp9_inter,
    vp9_key,
)

SIDES = st.integers(1, 65_536)


def _case(codec: str, unit: bytes, width: int, height: int, key: bool = True) -> Case:
    return Case("", codec, unit, width, height, Chroma.YUV420, key, True)


@given(st.sampled_from([H264, H265, VP9, AV1]), st.binary(max_size=200), st.sampled_from(list(Chroma)), st.booleans())
def test_any_bitstream_is_taken_or_refused(codec: str, unit: bytes, chroma: Chroma, key: bool) -> None:
    for data in (unit, b"\0\0\1" + unit, indexed(unit)):
        taken(Case("", codec, data, 64, 48, chroma, key, True))


@given(st.sampled_from(EVERY), st.data())
def test_a_bitstream_that_was_changed_anywhere_is_taken_or_refused(case: Case, data: st.DataObject) -> None:
    unit = bytearray(case.unit)
    for place in data.draw(st.lists(st.integers(0, max(0, len(unit) - 1)), max_size=4)):
        if unit:
            unit[place] = data.draw(st.integers(0, 255))
    taken(case._replace(unit=bytes(unit[: data.draw(st.integers(0, len(unit)))])))


@given(SIDES, SIDES, st.integers(1, 8192), st.integers(1, 8192))
def test_a_size_is_the_announced_one_in_every_codec(width: int, height: int, across: int, down: int) -> None:
    same = width - across in (0, across % 2) and height - down in (0, down % 2)
    blocks = ((-width) % 16, (-height) % 16)
    cut = (0, blocks[0] // 2, 0, blocks[1] // 2)
    even = not (width % 2 or height % 2)
    sps: Any = parameters(width, height, crop=cut) if even else parameters(16, 16)
    assert taken(_case(H264, sps, across if even else 16, down if even else 16)) == (same or not even)
    assert taken(_case(H265, h265_parameters(width, height), across, down)) == same
    assert taken(_case(VP9, indexed(vp9_key(width, height)), across, down)) == same
    assert taken(_case(VP9, indexed(vp9_inter(size=(width, height), found=3)), across, down, key=False)) == same
    assert taken(_case(AV1, av1_sequence(width, height) + av1_frame(), across, down)) == same
