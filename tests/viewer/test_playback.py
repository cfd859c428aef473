"""What a viewer plays: Opus and back, the resampler, and packets that come just before they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from avl_protocol.endpoint.sound.opus import Decoder, Encoder, OpusError
from avl_protocol.media.sound import PACKET, RATE, SAMPLES, Sound
from avl_viewer.sound.playback import Playback
from avl_viewer.sound.resampler import Resampler
from interop.tones import pitch, tone

BLOCKS = 60


def coded(frequency: float, channels: int) -> list[bytes]:
    """Packets of a tone."""
    encoder = Encoder(voice=channels == 1, bitrate=96_000)
    encoder.expect_loss(0.1)
    packets = [encoder.encode(tone(frequency, channels, start=n * SAMPLES)) for n in range(BLOCKS)]
    encoder.close()
    return packets


@pytest.mark.parametrize("channels", (1, 2))
def test_a_tone_is_the_same_behind_opus_and_goes_on_where_a_packet_is_missing(channels: int) -> None:
    packets, decoder = coded(440, channels), Decoder(channels)
    heard = [decoder.conceal(packets[n + 1]) if n in (20, 40) else decoder.decode(packets[n]) for n in range(BLOCKS)]
    decoder.close()
    assert {len(block) for block in heard} == {SAMPLES * channels * 4}
    assert abs(pitch(b"".join(heard[15:]), channels) - 440) < 5
    loud = [np.abs(np.frombuffer(block, np.float32)).max() for block in heard[15:]]
    assert min(loud) > 0.2


def test_what_is_no_opus_is_concealed_and_what_is_no_block_is_refused() -> None:
    decoder, encoder = Decoder(2), Encoder(voice=False, bitrate=96_000)
    assert len(decoder.decode(b"\xff" * 9)) == SAMPLES * 8
    with pytest.raises(OpusError):
        encoder.encode(bytes(7))
    decoder.close()
    encoder.close()


@pytest.mark.parametrize("speed", (0.995, 1.0, 1.005))
def test_a_tone_at_another_speed_is_as_much_higher_and_as_clean(speed: float) -> None:
    resampler, made = Resampler(2), b""
    for n in range(200):
        resampler.put(tone(1000, start=n * SAMPLES), speed)
        made += resampler.take(resampler.ready)
    assert len(made) / 8 == pytest.approx(200 * SAMPLES / speed, abs=4)
    assert pitch(made[8000 : 8000 + 8 * RATE], 2) == pytest.approx(1000 * speed, abs=1.01)
    frames = np.frombuffer(made, np.float32)[::2][100 : 100 + RATE]
    wave = 2 * np.pi * 1000 * speed * np.arange(RATE) / RATE
    basis = np.stack((np.sin(wave), np.cos(wave)), 1)
    rest = frames - basis @ np.linalg.lstsq(basis, frames, rcond=None)[0]
    assert 20 * np.log10(np.std(rest) / np.std(frames)) < -60


class Plain:
    """A decoder of packets that say nothing."""

    def decode(self, packet: bytes) -> bytes:
        return bytes(SAMPLES * 8)

    def conceal(self, behind: bytes = b"") -> bytes:
        return bytes(SAMPLES * 8)

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("phase", (0.0, 0.003, 0.006, 0.009))
def test_jitter_of_half_a_packet_makes_nothing_late_whatever_the_resampler_holds(phase: float) -> None:
    """The resampler asks before a block is due, by what it has left."""
    playback, chance = Playback(Plain()), np.random.default_rng(3)
    arrivals = [(n * PACKET + 0.02 + chance.uniform(0, 0.005), n) for n in range(1000)]
    due = arrivals[0][0] + phase
    for at, number in arrivals:
        while due <= at:
            playback.block(due, due)
            due += PACKET
        playback.put(Sound(captured_us=0, position=number, packets=(b"p",)), number * PACKET, at)
    heard = playback.buffer.heard
    assert heard.late / heard.received <= 0.005 and heard.concealed <= 5
