"""The figures of a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.frame import Chroma
from avl_protocol.media.preamble import Preamble
from avl_protocol.session.media.receiver import ReceivedFrame
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.figures.stats import KEPT, SHORT, WINDOW, Stats, quantiles

KEYS = {
    "path",
    "rtt_ms",
    "fps",
    "bitrate_bps",
    "loss",
    "input_to_photon_ms",
    "glass_to_glass_ms",
    "stages_ms",
}


def frame(number: int, at: float, echo: float = 0.0, size: int = 1000, key: bool = False) -> ReceivedFrame:
    preamble = Preamble(group=1, captured_us=0, input_echo_us=round(echo * 1e6), depends=None if key else number - 1)
    return ReceivedFrame(
        track=1,
        number=number,
        preamble=preamble,
        data=b"",
        size=size,
        codec="avc1",
        width=64,
        height=48,
        chroma=Chroma.YUV444,
        first=at - 0.001,
        last=at,
    )


def report(stats: Stats, now: float, lost: int = 0, received: int = 0) -> dict[str, object]:
    return stats.report(now, "relay", 0.02, lost, received, {})


def show(stats: Stats, number: int, captured: float, age: float, echo: float = 0.0) -> None:
    stats.frame_received(frame(number, captured + age / 2, echo), captured)
    stats.frame_decoded(number, 0.002, captured + age - 0.001)
    stats.frame_presented(number, captured + age)


def test_all_keys_are_there_before_anything_happened() -> None:
    first = report(Stats(), 0.0)
    assert set(first) >= KEYS
    assert first["fps"] == 0 and first["loss"] == 0 and first["rtt_ms"] == 20.0
    assert first["glass_to_glass_ms"] == {"p50": None, "p95": None}
    assert Stats().report(0.0, "relay", None, 0, 0, {"more": 1})["rtt_ms"] is None


def test_frames_bits_and_ages_are_of_the_last_second() -> None:
    stats = Stats()
    for number in range(120):
        show(stats, number, 10 + number / 60, 0.025)
    now = 10 + 119 / 60 + 0.025
    told = report(stats, now)
    assert told["fps"] == pytest.approx(60, abs=1)
    assert told["bitrate_bps"] == pytest.approx(60 * 8000, rel=0.05)
    assert told["glass_to_glass_ms"] == {"p50": 25.0, "p95": 25.0}
    stages = told["stages_ms"]
    assert isinstance(stages, dict)
    assert stages["decode"] == 2.0 and stages["network"] == 12.5 and stages["present"] == 1.0
    later = report(stats, now + SHORT + 0.1)
    assert later["fps"] == 0 and later["bitrate_bps"] == 0
    assert report(stats, now + WINDOW + 0.1)["glass_to_glass_ms"] == {"p50": None, "p95": None}


def test_input_to_photon_ends_with_the_first_picture_that_can_show_it() -> None:
    stats = Stats()
    stats.input_sent(1, 5.0)
    stats.input_applied(1, 105.01)  # the host's clock
    show(stats, 1, 5.0, 0.03, echo=105.0)  # captured before the input was applied
    assert report(stats, 5.03)["input_to_photon_ms"] == {"p50": None, "p95": None}
    show(stats, 2, 5.02, 0.03, echo=105.01)
    assert report(stats, 5.05)["input_to_photon_ms"] == {"p50": 50.0, "p95": 50.0}
    show(stats, 3, 5.04, 0.03, echo=105.01)
    assert report(stats, 5.07)["input_to_photon_ms"] == {"p50": 50.0, "p95": 50.0}


def test_loss_is_a_share_of_objects() -> None:
    assert report(Stats(), 0.0, lost=5, received=95)["loss"] == 0.05


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_quantiles_are_values_that_occurred(values: list[float]) -> None:
    told = quantiles(values)
    assert told["p50"] in [round(v * 1000, 1) for v in values]
    assert told["p95"] is not None and told["p50"] is not None and told["p95"] >= told["p50"]


def test_memory_is_bounded_however_long_it_runs() -> None:
    stats = Stats()
    for number in range(3 * KEPT):
        stats.frame_received(frame(number, number / 60), number / 60)
        stats.input_sent(number, number / 60)
        stats.stage("grab", 0.001, number / 60)
    kept = stats.snapshot()
    assert 0 < kept["frames underway"] <= KEPT and 0 < kept["inputs sent"] <= KEPT
    assert 0 < kept.part("stages")["grab"] <= KEPT


def test_a_picture_that_was_never_received_is_not_counted() -> None:
    assert Stats().frame_presented(7, 1.0) is None


def test_the_book_tells_presenters_what_changed() -> None:
    book = PictureBook()
    for number, key in ((0, True), (1, False), (2, False)):
        book.received(frame(number, 1.0, key=key), 0.9)
    first = book.decoded(frame(0, 1.0, key=True), "image", 1.0, 1.002)
    assert first.dirty is None and first.captured == 0.9 and first.frame == "image"
    assert book.decoded(frame(2, 1.0), "image", 1.0, 1.002).dirty is None
    book.presented(2, 1.1)
    book.host_stages((1000, 2000, 3000), 1.1)
    stages = book.stats.report(1.1, "relay", None, 0, 0, {})["stages_ms"]
    assert (stages["grab"], stages["compare"], stages["convert"]) == (1.0, 2.0, 3.0)
    book.renew()
    assert book.stats.report(1.1, "relay", None, 0, 0, {})["stages_ms"] == {}
