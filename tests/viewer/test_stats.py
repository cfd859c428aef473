"""The figures of a session."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media.exact import Exact, ExactRect
from avl_protocol.media.frame import Chroma, Rect
from avl_protocol.media.preamble import Preamble
from avl_protocol.session.media.receiver import ReceivedExact, ReceivedFrame
from avl_protocol.wire.registry import ExactCoding
from avl_viewer.decode.picturebook import PictureBook, PictureKind
from avl_viewer.figures.stats import KEPT, SHORT, WINDOW, Arrival, Stats, quantiles

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
        desktop=(640, 480),
        place=Rect(0, 0, 64, 48),
        first=at - 0.001,
        last=at,
    )


def arrival(number: int, at: float, captured: float, echo: float = 0.0, track: int = 1) -> Arrival:
    return Arrival(track, number, 1000, captured, echo, at - 0.001, at)


def exact(number: int, at: float, echo: float = 0.0) -> ReceivedExact:
    rect = ExactRect(Rect(0, 0, 64, 48), ExactCoding.SOLID, b"\1\2\3")
    one = Exact(captured_us=0, input_echo_us=round(echo * 1e6), width=64, height=48, rects=(rect,))
    return ReceivedExact(track=2, number=number, exact=one, size=50, complete=True, first=at - 0.001, last=at)


def report(stats: Stats, now: float, lost: int = 0, received: int = 0) -> dict[str, object]:
    return stats.report(now, "relay", 0.02, lost, received, {})


def show(stats: Stats, number: int, captured: float, age: float, echo: float = 0.0) -> None:
    stats.received(arrival(number, captured + age / 2, captured, echo))
    stats.decoded(1, number, 0.002, captured + age - 0.001)
    stats.presented(1, number, captured + age)


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


def test_an_input_that_changed_nothing_has_no_answer_in_what_changes_much_later() -> None:
    stats = Stats()
    for number, sent, shown in ((1, 5.0, 13.0), (2, 14.0, 14.9)):
        stats.input_sent(number, sent)
        stats.input_applied(number, 100 + sent)
        show(stats, number, shown - 0.01, 0.01, echo=100 + sent)
    assert report(stats, 15.0)["input_to_photon_ms"] == {"p50": 900.0, "p95": 900.0}


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
        stats.received(arrival(number, number / 60, number / 60))
        stats.input_sent(number, number / 60)
        stats.stage("grab", 0.001, number / 60)
    kept = stats.snapshot()
    assert 0 < kept["frames underway"] <= KEPT and 0 < kept["inputs sent"] <= KEPT
    assert 0 < kept.part("stages")["grab"] <= KEPT


def test_a_picture_that_was_never_received_is_not_counted() -> None:
    assert Stats().presented(1, 7, 1.0) is None


def test_both_tracks_of_a_desktop_count_each_by_its_own_numbers() -> None:
    stats = Stats()
    for track in (1, 2):
        stats.received(arrival(7, 5.0, 4.9, track=track))
    assert stats.decoded(2, 7, 0.001, 5.01) == 4.9
    assert stats.presented(2, 7, 5.02) == pytest.approx(0.12)
    assert stats.snapshot()["frames underway"] == 1, "the other track's object is still to be shown"
    assert stats.presented(1, 7, 5.1) == pytest.approx(0.2)
    assert report(stats, 5.1)["fps"] == 2


def test_input_to_photon_ends_with_exact_pixels_too() -> None:
    book = PictureBook()
    book.input_sent(1, 5.0)
    book.input_applied(1, 105.01)
    for number, echo in ((0, 105.0), (1, 105.01)):
        book.received(exact(number, 5.02, echo), 5.0)
        book.decoded(exact(number, 5.02, echo), 5.02, 5.021)
        book.presented(2, number, 5.03)
    assert report(book.stats, 5.05)["input_to_photon_ms"] == {"p50": 30.0, "p95": 30.0}


def test_the_book_is_asked_while_other_threads_present_pictures() -> None:
    """It was not guarded then: `deque mutated during iteration`, and a traceback on the person's terminal."""
    book = PictureBook()
    asked, done = threading.Event(), threading.Event()
    finished: list[int] = []

    class Slow(deque[tuple[float, float]]):
        """Samples in whose middle the presenter's thread comes along, as if it had been given the CPU."""

        def __iter__(self) -> Iterator[tuple[float, float]]:
            for one in super().__iter__():
                asked.set()
                done.wait(0.05)
                yield one

    def present() -> None:
        asked.wait()
        book.host_stages((1000,), 1.1)
        finished.append(1)
        done.set()

    book.host_stages((1000,), 1.0)
    book.stats._stages["grab"] = Slow(book.stats._stages["grab"])
    presenter = threading.Thread(target=present)
    presenter.start()
    try:
        stages = book.report(1.1, "relay", None, 0, 0, {})["stages_ms"]
    finally:
        asked.set()
        presenter.join()
    assert stages["grab"] == 1.0 and finished == [1]


def test_the_book_tells_when_objects_were_captured_and_what_pictures_are() -> None:
    book = PictureBook()
    assert book.kind is None
    book.received(exact(0, 1.0), 0.9)
    assert book.kind is None, "exact pixels are no video"
    for number, key in ((0, True), (1, False), (2, False)):
        book.received(frame(number, 1.0, key=key), 0.9)
    assert book.kind == PictureKind("avc1", "YUV444", 64, 48)
    assert book.decoded(frame(0, 1.0, key=True), 1.0, 1.002) == 0.9
    assert book.decoded(frame(2, 1.0), 1.0, 1.002) == 0.9
    assert book.decoded(frame(9, 1.0), 1.0, 1.002) == 0.999, "of what is not known, when it came"
    book.presented(1, 2, 1.1)
    book.host_stages((1000, 2000, 3000), 1.1)
    stages = book.report(1.1, "relay", None, 0, 0, {})["stages_ms"]
    assert (stages["grab"], stages["compare"], stages["convert"]) == (1.0, 2.0, 3.0)
    assert (book.encoder, book.decoder) == (None, None)
    for coder, device in (("libx264", "vaapi"), ("", None)):
        book.encoded_by(coder)
        book.decoded_by(device)
    assert (book.encoder, book.decoder) == ("libx264", "software"), "exact pixels say nothing of it"
    book.renew()
    assert book.report(1.1, "relay", None, 0, 0, {})["stages_ms"] == {}
    assert (book.kind, book.encoder, book.decoder) == (None, None, None)
