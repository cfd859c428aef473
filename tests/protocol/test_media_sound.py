"""Objects of sound as they travel, and the jitter buffer that plays them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.media import sound
from avl_protocol.media.jitter import JitterBuffer, Play
from avl_protocol.media.sound import PACKET, Sound
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_SOUND_PACKET, T_SOUND_DELAY
from spec.vectors import sound_cases
from spec.vectors.make import HERE
from tests.protocol.messages import damaged

VECTORS: dict[str, Any] = json.loads((HERE / "sound.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["why"])
def test_an_object_says_what_it_says(case: dict[str, Any]) -> None:
    plaintext = bytes.fromhex(case["plaintext"])
    read = sound.decode(plaintext)
    assert sound_cases.told(read) == {key: value for key, value in case.items() if key not in ("why", "plaintext")}
    assert sound.encode(read) == plaintext


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_an_object_of_another_form_is_dropped(case: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        sound.decode(bytes.fromhex(case["plaintext"]))


@given(st.data())
def test_damage_is_told_and_nothing_else(data: st.DataObject) -> None:
    whole = sound.encode(Sound(captured_us=7, position=3, packets=(b"abc", b"d")))
    try:
        sound.decode(data.draw(damaged(whole)))
    except RemoteProtocolError:
        pass


def test_what_can_t_travel_is_not_made() -> None:
    for packets in ((), (b"",), (b"a" * (MAX_SOUND_PACKET + 1),), (b"a", b"b", b"c")):
        with pytest.raises(LocalProtocolError):
            sound.encode(Sound(captured_us=0, position=1, packets=packets))


# the buffer, with a loudspeaker that takes 10 ms at a time and follows the speed that it is told


class Speaker:
    """Plays what a buffer gives, on a clock that is fast by `drift`, and remembers what it was."""

    def __init__(self, buffer: JitterBuffer, drift: float = 0.0) -> None:
        self.buffer = buffer
        self.at = 0.0
        self._drift = drift
        #: When it played what, and how long after its capture.
        self.steps: list[tuple[float, Play, bytes, float | None]] = []

    def until(self, now: float) -> None:
        while self.at <= now:
            step = self.buffer.step(self.at, self.at)
            self.steps.append((self.at, step.play, step.packet, self.buffer.delay))
            self.at += PACKET / step.speed / (1 + self._drift)

    def share(self, play: Play, since: float = 0.0) -> float:
        played: list[Play] = [step[1] for step in self.steps if step[0] >= since and step[1] is not Play.SILENCE]
        return played.count(play) / len(played)


def run(
    seconds: float,
    delay: Any,
    *,
    drift: float = 0.0,
    lost: Any = lambda number: False,
    again: bool = False,
    film: float | None = None,
) -> tuple[JitterBuffer, Speaker]:
    """Sound for so long, of which packet n arrives `delay(n)` after its capture."""
    buffer = JitterBuffer()
    speaker = Speaker(buffer, drift)
    arrivals = sorted((n * PACKET + delay(n), n) for n in range(int(seconds / PACKET)) if not lost(n))
    for at, number in arrivals:
        speaker.until(at)
        if film is not None:
            buffer.film(film, at)
        packets = tuple(str(n).encode() for n in range(max(0, number - again), number + 1))
        buffer.put(Sound(captured_us=0, position=number, packets=packets), number * PACKET, at)
    return buffer, speaker


@pytest.mark.parametrize("seed", range(8))
def test_at_most_one_packet_in_200_is_late_whatever_the_jitter(seed: int) -> None:
    chance = random.Random(seed)
    scale = chance.choice((0.002, 0.008, 0.02, 0.04))
    delays = [0.03 + chance.expovariate(1 / scale) for _ in range(6000)]
    buffer, speaker = run(60.0, delays.__getitem__)
    assert buffer.heard.late / buffer.heard.received <= 0.005
    assert speaker.share(Play.CONCEAL) <= 0.01


@pytest.mark.parametrize("phase", (0.0, 0.002, 0.004, 0.006, 0.008))
def test_who_takes_whole_packets_by_a_clock_makes_none_late_and_does_not_wait_for_long(phase: float) -> None:
    """A resampler takes one more where less than 10 ms are left. A burst is forgotten after ten seconds, and soon
    after that not heard in the delay any more."""
    chance = random.Random(7)
    buffer = JitterBuffer()
    arrivals = [n * PACKET + 0.02 + chance.uniform(0, 0.005 if n > 300 else 0.04) for n in range(6000)]
    due, left, late, delays = phase, 0.0, 0, []
    for number, at in sorted(enumerate(arrivals), key=lambda one: one[1]):
        while due <= at:
            while left < PACKET:
                left += PACKET / buffer.step(due + left, due, left).speed
            left -= PACKET
            due += PACKET
            if due > 20 and buffer.delay is not None:
                delays.append(buffer.delay)
        late = buffer.heard.late if due < 14 else late
        buffer.put(Sound(captured_us=0, position=number, packets=(b"p",)), number * PACKET, at)
    assert (buffer.heard.late - late) / 4600 <= 0.005
    assert max(delays) < 0.020 + 0.005 + 0.003 + 2.2 * PACKET


def test_the_delay_falls_again_when_the_jitter_is_over() -> None:
    chance = random.Random(5)
    buffer, speaker = run(60.0, lambda n: 0.03 + (chance.uniform(0, 0.1) if n < 1000 else 0.0))
    assert max(step[3] or 0.0 for step in speaker.steps if step[0] < 12) > 0.1
    assert buffer.delay is not None and buffer.delay < 0.05


@pytest.mark.parametrize("drift", (-0.0005, 0.0005))
def test_clocks_that_drift_apart_change_neither_the_delay_nor_what_is_heard(drift: float) -> None:
    """Ten minutes by half a second in a thousand: 300 ms, were nothing done."""
    buffer, speaker = run(600.0, lambda n: 0.03, drift=drift)
    assert buffer.heard.concealed == 0 and speaker.share(Play.TWO) == 0.0
    late = [step[3] for step in speaker.steps if step[0] > 20 and step[3] is not None]
    assert max(late) - min(late) < 0.012


def test_what_is_repeated_stands_in_for_what_is_lost() -> None:
    chance = random.Random(3)
    gone = {n for n in range(6000) if chance.random() < 0.03}
    _, alone = run(60.0, lambda n: 0.03, lost=gone.__contains__)
    _, twice = run(60.0, lambda n: 0.03, lost=gone.__contains__, again=True)
    assert 0.02 < alone.share(Play.CONCEAL) < 0.04
    assert twice.share(Play.CONCEAL, since=2.0) < 0.003


def test_a_position_is_played_once_whichever_object_brings_it() -> None:
    buffer, speaker = run(3.0, lambda n: 0.03 + 0.011 * (n % 2), again=True)
    played = [packet for _, play, packet, _ in speaker.steps if play in (Play.PACKET, Play.TWO)]
    assert len(played) == len(set(played)) and len(played) > 280
    assert buffer.heard.received == 300


@pytest.mark.parametrize("film", (0.02, 0.08, 0.25, 0.5))
def test_sound_is_no_earlier_than_its_film(film: float) -> None:
    _, speaker = run(20.0, lambda n: 0.03 + 0.002 * (n % 5), film=film)
    delays = [step[3] for step in speaker.steps if step[0] > 2 and step[3] is not None]
    assert min(delays) > film - 0.045
    if film > 0.06:
        assert max(delays) < film + 0.045


def test_no_film_holds_sound_for_longer_than_may_be() -> None:
    buffer, _ = run(3.0, lambda n: 0.03, film=3.0)
    assert buffer.target(3.0) == T_SOUND_DELAY


def test_a_time_that_was_wrong_once_silences_nothing_for_long() -> None:
    """A loudspeaker that says that it plays in ten seconds, once."""
    buffer, speaker = run(3.0, lambda n: 0.03)
    buffer.step(speaker.at + 10.0, speaker.at)
    before = buffer.heard.played
    for number in range(300, 400):
        at = number * PACKET + 0.03
        buffer.put(Sound(captured_us=0, position=number, packets=(b"p",)), number * PACKET, at)
        speaker.until(at)
    assert buffer.heard.played - before > 60


def test_a_stall_costs_what_it_lasts_and_no_more() -> None:
    """Nothing for 300 ms, then all at once."""
    buffer, speaker = run(30.0, lambda n: 0.03 if not 500 <= n < 530 else 0.03 + (530 - n) * PACKET)
    assert speaker.share(Play.CONCEAL, since=6.0) < 0.01
    assert buffer.delay is not None and buffer.delay < 0.06
