"""Who cannot follow: pictures with fewer bits for those, while there are such, and what they missed at their pace."""

from __future__ import annotations

from avl_host.encode.budget import Budget, Slow
from avl_host.encode.lower import LINGERS
from avl_protocol.media.frame import EncodedFrame, ExactFrame, Frame, Rect
from tests.host.desk import Bench, Desk, exacts, text

FILM = Rect(64, 64, 320, 192)
RATE = 300_000


def parts(frames: list[Frame]) -> tuple[list[EncodedFrame], list[EncodedFrame]]:
    """The pictures among what was sent: those for all, and those with fewer bits."""
    pictures = [frame for frame in frames if isinstance(frame, EncodedFrame)]
    return [one for one in pictures if not one.lower], [one for one in pictures if one.lower]


def playing() -> Bench:
    """A film that has run for a while."""
    bench = Bench()
    bench.pipeline.set_budget(Budget(8_000_000))
    bench.settle()
    upper, fewer = parts(bench.film(2.0, FILM, 30))
    assert len(upper) >= 50 and not fewer, "nobody needs them"
    return bench


def test_what_moves_is_coded_again_with_fewer_bits_while_somebody_cannot_follow() -> None:
    bench = playing()
    alone, _ = parts(bench.film(2.0, FILM, 30))
    bench.pipeline.set_slow(Slow(RATE, True))
    upper, fewer = parts(bench.film(2.0, FILM, 30))
    assert fewer[0].key and fewer[0].dirty
    assert sum(one.key for one in fewer) <= 2, "once more, when it is known how small they have to be"
    assert len(upper) == len(alone) and not any(one.key for one in upper)
    assert [len(one.data) for one in upper[-20:]] == [len(one.data) for one in alone[-20:]], (
        "nothing is taken from them"
    )
    _, fewer = parts(bench.film(3.0, FILM, 30))
    assert len(fewer) >= 25
    assert sum(len(one.data) for one in fewer) * 8 / 3.0 <= RATE
    stamps = [one.captured for one in (*upper, *fewer)]
    assert len(set(stamps)) == len(stamps), "which is newer is never in doubt"


def test_a_key_picture_of_one_is_none_of_the_other() -> None:
    bench = playing()
    bench.pipeline.set_slow(Slow(RATE, True))
    bench.film(5.0, FILM, 30)
    bench.pipeline.request_lower_key()
    upper, fewer = parts(bench.film(1.0, FILM, 30))
    assert sum(one.key for one in fewer) == 1 and not any(one.key for one in upper)
    bench.pipeline.request_key()
    upper, fewer = parts(bench.film(1.0, FILM, 30))
    assert sum(one.key for one in upper) == 1 and not any(one.key for one in fewer)


def test_it_ends_when_nobody_needs_it_any_more() -> None:
    bench = playing()
    bench.pipeline.set_slow(Slow(RATE, True))
    bench.film(1.0, FILM, 30)
    bench.pipeline.set_slow(None)
    bench.film(LINGERS + 0.1, FILM, 30)
    upper, fewer = parts(bench.film(1.0, FILM, 30))
    assert upper and not fewer
    assert bench.coders[-1].closed


def test_when_the_film_ends_exact_pixels_follow_for_all() -> None:
    bench = playing()
    bench.pipeline.set_slow(Slow(RATE, True))
    bench.film(1.0, FILM, 30)
    bench.settle()
    assert bench.equal and bench.pipeline.settled
    assert bench.run(5.0) == []


def test_what_somebody_missed_is_sent_as_fast_as_the_slowest_takes_it() -> None:
    seconds = {}
    for slow in (None, Slow(RATE, False)):
        desk = Desk()
        desk.pixels[:] = text(640, 352)
        bench = Bench(desk, bitrate=20_000_000)
        bench.settle()
        size = sum(len(frame.data) for _, frame in bench.frames)
        assert size > 60_000
        bench.pipeline.set_slow(slow)
        bench.run(5.0)
        bench.pipeline.request_missing(((0, 1000),), lambda rows, newest: None)
        began, sent = bench.now, []
        while not bench.pipeline.settled:
            sent += bench.run(0.25)
            assert bench.now < began + 60
        seconds[slow] = bench.now - began
        again = exacts(sent)
        assert isinstance(again[-1], ExactFrame) and again[-1].settled and bench.equal
        assert 0.8 * size <= sum(len(frame.data) for frame in again) <= 1.3 * size, "once"
    assert seconds[None] < 1.0
    assert size * 8 / seconds[Slow(RATE, False)] <= RATE
