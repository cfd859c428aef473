"""SoundCoder: what plays here into objects of sound, and silence into nothing (spec 16-sound, 16.2)."""

from __future__ import annotations

from array import array
from typing import Protocol

from avl_protocol.media import sound
from avl_protocol.media.frame import SoundFrame
from avl_protocol.media.sound import PACKET, Sound
from avl_protocol.wire.registry import T_SOUND_SILENCE

#: The loudest sample of what counts as silence: -80 dBFS.
SILENT = 1e-4
#: Bits per second: stereo at which music is transparent to most, and still little beside any picture.
BITRATE = 96_000
#: Weight of one block in what is known of the hardware's clock, and seconds by which it may be wrong before what was
#: not heard meanwhile counts as having passed.
WEIGHT, MISSED = 0.02, 0.030


class PacketCoder(Protocol):
    """What makes packets: Opus (`endpoint/sound/opus.py`), or a double."""

    def encode(self, samples: bytes) -> bytes:
        """The packet of 10 ms."""

    def expect_loss(self, share: float) -> None:
        """So much of what is sent will be lost."""


def silent(samples: bytes) -> bool:
    """Whether nobody hears this."""
    values = array("f", samples)
    return min(values) >= -SILENT and max(values) <= SILENT


class SoundCoder:
    """One thread's. `repeat`: each object says the packet before it again."""

    def __init__(self, coder: PacketCoder) -> None:
        self._coder = coder
        self.repeat = False
        self._expected = 0.0
        self.expected = 0.0
        #: The number of the next block, and when number 0 was heard.
        self._position = 0
        self._epoch: float | None = None
        self._quiet = T_SOUND_SILENCE
        #: The last packet that was sent, and its number.
        self._last: tuple[int, bytes] | None = None

    def take(self, samples: bytes, heard: float) -> SoundFrame | None:
        """The object of 10 ms whose first sample was heard at `heard`; None where it is silent."""
        position = self._place(heard)
        was_quiet = self._quiet >= T_SOUND_SILENCE
        self._quiet = self._quiet + PACKET if silent(samples) else 0.0
        ends = self._quiet >= T_SOUND_SILENCE - PACKET / 2
        if ends:
            self._quiet = T_SOUND_SILENCE
            if was_quiet:
                return None
        if self.expected != self._expected:
            self._expected = self.expected
            self._coder.expect_loss(self._expected)
        packet = self._coder.encode(samples)
        packets: tuple[bytes, ...] = (packet,)
        if self.repeat and self._last is not None and self._last[0] == position - 1:
            packets = (self._last[1], packet)
        self._last = position, packet
        assert self._epoch is not None
        captured = self._epoch + position * PACKET
        object_ = Sound(captured_us=round(captured * 1e6), position=position, packets=packets, silence=ends)
        return SoundFrame(data=sound.encode(object_), captured=captured)

    def _place(self, heard: float) -> int:
        """The number of the block that was heard then: the next one, unless something was missed."""
        if self._epoch is None:
            self._epoch = heard
        wrong = heard - (self._epoch + self._position * PACKET)
        if wrong > MISSED:
            missed = round(wrong / PACKET)
            self._position += missed
            wrong -= missed * PACKET
        elif wrong < -MISSED:
            self._epoch += wrong  # the clock was set, or the hardware is another
            wrong = 0.0
        self._epoch += wrong * WEIGHT
        self._position += 1
        return self._position - 1
