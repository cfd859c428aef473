"""What is computed from the notes of a session over a link, and how it is shown: courses made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from interop.bench.rig import course
from interop.bench.rig.course import Answer, Seen, Stretch
from interop.bench.rig.linktables import Grid, compared, grids, table_markdown
from interop.bench.rig.netns import Backlog


def picture(at: float, typed: int | None = None, echo_us: int = 0, film: int | None = None) -> Seen:
    return Seen(at=at, age=0.050, drawn_age=0.060, film=film, typed=typed, echo_us=echo_us, size=12_500)


def backlog(*waiting: int) -> list[Backlog]:
    """A sample each 100 ms from 100.05 on, by bytes that wait."""
    return [
        Backlog(at=100.05 + 0.1 * place, waiting=size, packets=0, passed=10_000 * place, dropped=place)
        for place, size in enumerate(waiting)
    ]


def test_counts_of_keys_go_on_where_the_blocks_begin_again() -> None:
    notes = [
        {"shown": 100 + n / 10, "captured_us": 100e6 + n * 1e5 - 4e4, "typed": blocks, "film": None, "drawn_us": None}
        | {"echo_us": 0, "size": 1}
        for n, blocks in enumerate([100, None, 200, 3, 2, 100])
    ]
    found = course.seen(notes)
    assert [each.typed for each in found] == [100, None, 200, 259, 258, 356]
    assert found[0].age == pytest.approx(0.040)
    assert found[0].drawn_age is None


def test_a_key_is_answered_by_the_first_picture_that_shows_it() -> None:
    pictures = [picture(100.0, 0), picture(100.1, None, 5_000_000), picture(100.2, 1, 7_000_000), picture(100.3, 3)]
    keys: list[dict[str, Any]] = [
        {"sent": 100.05, "applied_us": 5_000_000},
        {"sent": 100.06, "applied_us": 7_000_001},
        {"sent": 100.25, "applied_us": None},
        {"sent": 100.26, "applied_us": None},
    ]
    found = course.answers(keys, pictures)
    assert [answer.shown and round(answer.shown, 3) for answer in found] == [0.15, 0.24, 0.05, None]
    assert [answer.echoed and round(answer.echoed, 3) for answer in found] == [0.05, None, None, None]


def test_a_stretch_counts_what_was_shown_in_it_and_cuts_gaps_at_its_ends() -> None:
    during = Stretch(100.0, 101.0, 1e6, 60)
    pictures = [picture(99.9, film=1), *(picture(100.0 + n / 20, film=n // 2) for n in range(10)), picture(101.2)]
    keys = [Answer(99.9, 9.0, 9.0), Answer(100.1, 0.1, 0.05), Answer(100.2, 0.3, 0.1), Answer(100.3, None, None)]
    result = course.stretch(during, pictures, keys, backlog(0, 12_500, 25_000, 0, 0))
    assert result["fps"] == 10
    assert result["source_percent"] == pytest.approx(100 * 5 / 60, abs=0.1)
    assert (result["freezes"], result["freeze_s"], result["longest_gap"]) == (1, 0.55, 550)
    assert (result["glass_p50"], result["glass_p99"], result["drawn_p50"]) == (50, 50, 60)
    assert (result["keys"], result["keys_unanswered"]) == (3, 1)
    assert (result["typing_p50"], result["typing_max"], result["echo_p50"]) == (200, 300, 75)
    assert (result["queue_p50"], result["queue_max"]) == (0, 200)
    assert (result["use"], result["dropped"]) == (0.8, 4)
    assert result["media_mbps"] == 1.0


def test_a_stretch_in_which_nothing_came_is_one_freeze_and_says_none_for_the_rest() -> None:
    result = course.stretch(Stretch(100.0, 102.0, 1e6, 0), [], [], [])
    assert (result["fps"], result["freezes"], result["longest_gap"]) == (0, 1, 2000)
    assert result["glass_p50"] is result["typing_max"] is result["queue_p95"] is result["use"] is None


def test_a_queue_has_recovered_once_it_stays_short() -> None:
    change = Stretch(100.0, 110.0, 1e6, 0)
    long, short = 20_000, 5_000  # 160 and 40 ms
    assert course.recovery(change, backlog(long, long, short, long, *[short] * 7)) == pytest.approx(0.45)
    assert course.recovery(change, backlog(*[short] * 6)) == pytest.approx(0.05)
    assert course.recovery(change, backlog(*[short] * 4, long)) is None
    assert course.recovery(Stretch(100.3, 110.0, 1e6, 0), backlog(*[short] * 9)) == pytest.approx(0.05)


def test_the_aftermath_looks_no_further_than_its_seconds() -> None:
    change = Stretch(100.0, 110.0, 1e6, 0)
    pictures = [picture(100.0 + n / 10) for n in range(31)] + [picture(109.0)]
    keys = [Answer(101.0, 0.4, None), Answer(108.0, 2.0, None)]
    result = course.aftermath(change, pictures, keys, backlog(*[1000] * 10))
    assert (result["longest_gap"], result["typing_max"], result["recovery_s"]) == (100, 400, 0.05)


def test_the_whole_weighs_each_rate_with_its_own_capacity() -> None:
    both = [Stretch(100.0, 100.5, 1e6, 30), Stretch(100.5, 101.0, 3e6, 30)]
    result = course.whole(both, [picture(100.2), picture(100.7)], [], backlog(*[12_500] * 10))
    assert (result["queue_p50"], result["queue_max"]) == (pytest.approx(66.7, abs=0.1), 100)
    assert result["use"] == pytest.approx(90_000 * 8 / 2e6)
    assert (result["fps"], "rate_mbps" in result) == (2, False)


def report() -> dict[str, Any]:
    during = [Stretch(100.0, 101.0, 2e7, 60), Stretch(101.0, 102.0, 2e6, 60)]
    pictures = [picture(100 + n / 20, film=n) for n in range(40)]
    line = {"passed": 1, "lost": 0, "late_p50_us": 50, "late_p99_us": 99, "late_max_us": 100}
    result = {
        "stretches": [course.stretch(each, pictures, [], backlog(*[1000] * 20)) for each in during],
        "steps": [{"from_mbps": 20.0, **course.aftermath(during[1], pictures, [], backlog(*[1000] * 20))}],
        "whole": course.whole(during, pictures, [], backlog(*[1000] * 20)),
        "datagrams": {"MEDIA": 812, "REPAIR": 7},
        "repaired": 5,
        "lost_share": 0.01,
        "damaged": 0,
        "decoder_errors": 0,
        "recoveries": 4,
        "key_frames": 1,
        "still_key_frames": 2,
        "keys_refused": 0,
        "settled_s": None,
        "still_psnr_db": 44.0,
        "cores": {"host": 0.5, "foreign": 0.6},
        "moving_psnr_db": {"p50": 30.0, "min": 28.0},
        "noisy": True,
        "forwarder": {"peers": [{"forth": line, "back": line}]},
    }
    return {
        "date": "2030-01-01T00:00:00+00:00",
        "commit": "0123456789ab",
        "network": "two namespaces",
        "machine": {"processor": "a", "cores": 2, "memory_gb": 8, "kernel": "6", "python": "3"},
        "settings": {"delay": 20.0, "seconds": 1.0, "upload": True, "max_bitrate": None},
        "scenarios": {"drop20-2": result, "steady5": {"failure": "the host ended"}},
        "prediction": {"cases": {}},
    }


def test_every_row_of_a_table_is_as_long_as_its_heading() -> None:
    written = report()
    found = grids(written)
    assert [len(grid.rows) for grid in found] == [2, 1, 1]
    for grid in found:
        assert all(len(row) == len(grid.heading) for row in grid.rows)
        assert grid.rich().row_count == len(grid.rows)
    text = table_markdown(written)
    assert "a link between host and relay, 20 ms each way" in text
    assert "| drop20-2 | 812 / 7 / 0 | 5 | 1 | 0 / 0 | 4 | 1 / 2 | 0 | – | 44 |" in text
    assert "0.6 noisy" in text
    assert "(simulated)" not in text


def test_a_simulated_link_of_the_same_name_stands_beside_the_measured_one() -> None:
    figures = {"fps": 60.0, "frame50": 0.048, "frame95": 0.120, "recovery": None}
    cases = {
        "link-drop20-2": {"avl": figures, "gcc": {}},
        "link-steady5": {"avl": figures},
        "D2-drop": {"avl": figures},
    }
    grid = compared(report()["scenarios"], {"cases": cases})
    assert grid == Grid(
        "Measured (simulated)",
        ("scenario", "fps", "glass to glass p50", "p95", "p99", "frozen s", "queue p95", "recovered after s"),
        [("drop20-2", "20 (60)", "50 (48)", "50 (120)", "50 (–)", "0 (–)", "4 (–)", "0.05 (–)")],
    )
