"""What ways to code exactly are measured by: every lane gives back what it took, and declines what it is not for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interop.bench import lanes as command
from interop.bench.rig.lanes import CONTENTS, Change, lanes
from interop.bench.rig.measure import equal

SIZES = ((16, 32), (64, 64), (200, 130))


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("size", SIZES)
def test_what_a_lane_takes_it_gives_back(content: str, size: tuple[int, int]) -> None:
    change = CONTENTS[content](*size)
    assert change.pixels.shape == change.before.shape == (size[1], size[0], 4)
    taken = 0
    for lane in lanes().values():
        data = lane.encode(change)
        if data is not None:
            taken += 1
            assert equal(lane.decode(data, change.before), change.pixels) == 100
    assert taken >= 4


def test_lanes_decline_what_they_are_not_for() -> None:
    every = lanes()
    scrolled, still = (CONTENTS[name](512, 256) for name in ("code", "photo"))
    assert every["host, copies"].encode(scrolled) is not None
    assert every["host, copies"].encode(still) is None


def test_the_host_s_lanes_take_less_of_what_they_are_for() -> None:
    every = lanes()
    scrolled, one, few = (CONTENTS[name](512, 256) for name in ("code", "plain", "widgets"))

    def size(name: str, change: Change) -> int:
        data = every[name].encode(change)
        assert data is not None
        return len(data)

    assert size("host, copies", scrolled) < size("host", scrolled) / 4
    assert size("host", one) < 32 < size("zstd 1", one)
    assert size("host, small", few) < size("host", few)


def test_what_was_measured_is_shown_by_pixel_and_for_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lanes.json"
    monkeypatch.setattr("sys.argv", ["lanes", "--contents", "glyph", "--share", "0.0005", "--out", str(out)])
    assert command.main() == 0
    report = json.loads(out.read_text())
    assert [found["lane"] for found in report["costs"]] == list(lanes())
    monkeypatch.setattr("sys.argv", ["lanes", "--markdown", str(out)])
    capsys.readouterr()
    assert command.main() == 0
    assert "| glyph | 16x32 | zstd 1 |" in capsys.readouterr().out
    cost = command.Cost(content="code", width=64, height=64, lane="a", encode_us=10.0, decode_us=5.0, size=1024)
    assert command.row(cost) == ("code", "64x64", "a", "10", "5", "1024", "2", "5.06")
