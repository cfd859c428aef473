"""Playback: objects of sound into samples, as they are to be heard: jitter buffer, decoder, resampler (spec 16-sound,
16.3)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

from avl_protocol.media.jitter import JitterBuffer, Play, Step
from avl_protocol.media.sound import PACKET, RATE, SAMPLES, Sound

if TYPE_CHECKING:  # who only types loads no numpy
    import numpy as np
    from numpy.typing import NDArray

#: Pictures whose median delay is the film's.
FILM = 15
CHANNELS = 2
BLOCK_BYTES = SAMPLES * CHANNELS * 4
SILENCE = bytes(BLOCK_BYTES)


class PacketDecoder(Protocol):
    """What makes samples of packets: Opus (`endpoint/sound/opus.py`), or a double."""

    def decode(self, packet: bytes) -> bytes:
        """10 ms: 480 floats for each of two channels, interleaved."""

    def conceal(self, behind: bytes = b"") -> bytes:
        """10 ms in place of a packet that is missing."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """10 ms of sound. `captured`: when the first of it was heard at the host, in seconds of our clock; None: it is
    silence."""

    samples: bytes
    captured: float | None


class Playback:
    """One session's sound on one thread. Times are seconds of our clock."""

    def __init__(self, decoder: PacketDecoder) -> None:
        from avl_viewer.sound.resampler import Resampler

        self.buffer = JitterBuffer()
        self._decoder = decoder
        self._resampler = Resampler(CHANNELS)
        self._film: deque[float] = deque(maxlen=FILM)
        self._silent = True

    @property
    def idle(self) -> bool:
        """Whether nothing is to be heard until more comes."""
        return self._silent and not self.buffer.waiting

    def put(self, sound: Sound, captured: float, arrived: float) -> None:
        """An object came."""
        self.buffer.put(sound, captured, arrived)

    def film(self, delay: float, now: float) -> None:
        """A picture of a film was shown so long after its capture."""
        self._film.append(delay)
        self.buffer.film(median(self._film), now)

    def block(self, heard_at: float, now: float) -> Block:
        """The next 10 ms, which will be heard at `heard_at`."""
        resampler, captured = self._resampler, None
        while resampler.ready < SAMPLES:
            ahead = resampler.ready / RATE
            step = self.buffer.step(
                heard_at + ahead, now, ahead
            )  # it has to be here now, however much later it is heard
            self._silent = step.play is Play.SILENCE
            if captured is None and not self._silent and self.buffer.delay is not None:
                captured = heard_at - self.buffer.delay
            resampler.put(self._samples(step), step.speed)
        return Block(resampler.take(SAMPLES), captured)

    def _samples(self, step: Step) -> bytes:
        if step.play is Play.PACKET:
            return self._decoder.decode(step.packet)
        if step.play is Play.TWO:
            return _faded(self._decoder.decode(step.packet), self._decoder.decode(step.after))
        return self._decoder.conceal(step.packet) if step.play is Play.CONCEAL else SILENCE

    def drop(self) -> None:
        """What waits can't be played."""
        self.buffer.drop()
        self._silent = True

    def close(self) -> None:
        """Let go of the decoder."""
        self._decoder.close()


def _faded(first: bytes, second: bytes) -> bytes:
    """10 ms in which one becomes the other."""
    import numpy as np

    one, other = (np.frombuffer(part, np.float32).reshape(-1, CHANNELS) for part in (first, second))
    share = np.linspace(0, 1, len(one), dtype=np.float32)[:, None]
    mixed: NDArray[np.float32] = one * (1 - share) + other * share
    return mixed.tobytes()


def louder(samples: bytes, volume: float) -> bytes:
    """The same at another volume; 1: as it is."""
    if volume == 1.0:
        return samples
    import numpy as np

    return (np.frombuffer(samples, np.float32) * np.float32(volume)).tobytes()


#: Seconds that a block lasts.
BLOCK = PACKET
