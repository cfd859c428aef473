"""JitterBuffer: packets of sound between the network and the loudspeaker (spec 16-sound, 16.3).

What plays asks for the next 10 ms and says when they will be heard. The buffer answers with what to make them of, and
how much faster or slower to play, so that the delay from capture to loudspeaker stays at its target: as short as the
jitter allows, and no shorter than that of the film which the sound belongs to.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from enum import Enum

from avl_protocol.media.sound import PACKET, Sound
from avl_protocol.wire.registry import T_SOUND_DELAY

#: Packets whose delays are remembered, the share of them that may be late, and seconds that are waited beyond it.
REMEMBERED, LATE, MARGIN = 1000, 0.003, 0.003
#: While fewer packets than this are known, so many seconds more are waited.
FEW, UNKNOWN = 50, 0.010
#: Seconds that the delay may be too short before a packet is made up, or, where one is missing anyway, before what is
#: made up does not stand in for it; and too long before one is left out; and packets between two that are left out.
TOO_SHORT, SHORT, TOO_LONG, APART = 0.020, 0.006, 0.030, 5
#: Seconds that the delay may be too long before all of that is left out at once.
JUMP = 0.5
#: Packets made up in a row before there is silence.
CONCEALED = 12
#: How much of a wrong delay is made good in a second, and the most by which the speed may differ for that.
GAIN, MOST = 1.0, 0.005
#: The same of what was made of packets and waits to be played, while nothing is wrong; and seconds of it that may.
LEFT_GAIN, LEFT = 0.1, 0.001
#: Weight of one packet in what is known of the host's sound clock, and seconds by which it may be wrong before it is
#: taken to have been set.
WEIGHT, SET = 0.02, 0.050
#: Seconds for which a film's delay holds after its last picture.
HOLDS = 1.0
#: Packets that were missing, remembered to tell a late one from one that came twice.
MISSED = 64
#: Packets that wait at most: what is older than that will not be played any more.
WAITING = 200


class Play(Enum):
    """What the next 10 ms are made of."""

    SILENCE = "nothing"
    PACKET = "a packet"
    CONCEAL = "what was played before: a packet is missing"
    TWO = "two packets, the first fading into the second: the delay is too long"


@dataclass(frozen=True, slots=True)
class Step:
    """The next 10 ms. `packet` is played; with CONCEAL it is the one behind that which is missing, or empty. `after` is
    the second of TWO. `speed`: how many seconds of sound to play in a second."""

    play: Play
    packet: bytes = b""
    after: bytes = b""
    speed: float = 1.0


@dataclass(slots=True)
class Heard:
    """Packets so far."""

    received: int = 0
    played: int = 0
    concealed: int = 0
    late: int = 0


class JitterBuffer:
    """Times are seconds of our clock. One thread puts packets in and takes steps out."""

    def __init__(self) -> None:
        self._packets: dict[int, bytes] = {}
        #: The packet whose turn it is; None: silence. All before `_floor` had their turn.
        self._next: int | None = None
        self._floor = 0
        #: The last one before a silence that was announced.
        self._last: int | None = None
        #: When position 0 was captured, as told of late.
        self._epoch: float | None = None
        self._order: deque[float] = deque()
        self._delays: list[float] = []
        self._missed: deque[int] = deque(maxlen=MISSED)
        self._concealed = self._since_left_out = 0
        self._film, self._film_until = 0.0, float("-inf")
        #: How long before it is heard a packet has to be here.
        self._lead = 0.0
        #: How long after its capture the sound was heard that was asked for last.
        self.delay: float | None = None
        self.heard = Heard()

    @property
    def waiting(self) -> int:
        """Packets that wait for their turn."""
        return len(self._packets)

    def drop(self) -> None:
        """What waits is not to be played."""
        self._packets.clear()
        self._next = self._last = None

    def put(self, sound: Sound, captured: float, arrived: float) -> None:
        """An object came. `captured`: of its newest packet, in our clock."""
        told = captured - sound.position * PACKET
        if self._epoch is None or abs(told - self._epoch) > SET:
            self._begin_anew(told)
        else:
            self._epoch += (told - self._epoch) * WEIGHT
        for position, packet in enumerate(sound.packets, sound.first):
            self._put(position, packet, arrived)
        if sound.silence:
            self._last = max(sound.position, self._last or 0)
        elif self._last is not None and sound.position > self._last:
            self._last = None

    def _begin_anew(self, epoch: float) -> None:
        """The host's sound has another clock: what was known of its delays says nothing."""
        self._epoch = epoch
        self._order.clear()
        self._delays.clear()
        self._packets.clear()
        self._next = self._last = None

    def _put(self, position: int, packet: bytes, arrived: float) -> None:
        if position in self._packets:
            return
        gone = position < self._floor
        if gone and position not in self._missed:
            return  # it was played, or is older than anything that matters
        self.heard.received += 1
        self._note(arrived - self._captured(position))
        if gone:
            self._missed.remove(position)
            self.heard.late += 1
        else:
            self._packets[position] = packet
            if len(self._packets) > WAITING:
                del self._packets[min(self._packets)]

    def _note(self, delay: float) -> None:
        self._order.append(delay)
        insort(self._delays, delay)
        if len(self._order) > REMEMBERED:
            del self._delays[bisect_left(self._delays, self._order.popleft())]

    def _captured(self, position: int) -> float:
        assert self._epoch is not None
        return self._epoch + position * PACKET

    def film(self, delay: float, now: float) -> None:
        """Pictures are shown so long after their capture."""
        self._film, self._film_until = delay, now + HOLDS

    def target(self, now: float) -> float:
        """Seconds from capture to loudspeaker that are wanted."""
        wanted = 0.0
        if self._delays:
            few = int(len(self._delays) * LATE)
            wanted = self._delays[-1 - few] + self._lead + MARGIN + (UNKNOWN if len(self._delays) < FEW else 0.0)
        if now < self._film_until:
            wanted = max(wanted, self._film)
        return min(wanted, T_SOUND_DELAY)

    def step(self, heard_at: float, now: float, left: float = 0.0) -> Step:
        """What to play next, which will be heard at `heard_at`; `left`: so many seconds of what was taken before are
        heard first."""
        self._lead = heard_at - now
        if self._next is None and not self._begin(heard_at, now):
            return Step(Play.SILENCE)
        assert self._next is not None
        if self._last is not None and self._next > self._last:
            return self._rest()
        self.delay = heard_at - self._captured(self._next)
        wrong = self.delay - self.target(now)
        if wrong > JUMP:
            self._jump(wrong)
        speed = _speed(wrong, left)
        self._since_left_out += 1
        short = TOO_SHORT if self._next in self._packets else SHORT
        if wrong < -short and self._concealed < CONCEALED:
            self._concealed += 1
            self.heard.concealed += 1
            return Step(Play.CONCEAL)
        packet = self._turn()
        if packet is None:
            return self._missing(speed)
        self._concealed = 0
        self.heard.played += 1
        if wrong > TOO_LONG and self._since_left_out >= APART and self._next in self._packets:
            self._since_left_out = 0
            return Step(Play.TWO, packet, self._turn() or b"", speed)
        return Step(Play.PACKET, packet, speed=speed)

    def _turn(self) -> bytes | None:
        """The packet whose turn it is; it has had that."""
        assert self._next is not None
        self._next += 1
        self._floor = self._next
        return self._packets.pop(self._next - 1, None)

    def _begin(self, heard_at: float, now: float) -> bool:
        """Whether it is the first packet's turn, after a silence."""
        if not self._packets:
            return False
        first = min(self._packets)
        if heard_at < self._captured(first) + self.target(now):
            return False
        self._next, self._concealed, self._since_left_out = first, 0, 0
        return True

    def _rest(self) -> Step:
        """There is silence until more comes."""
        self._next = self._last = None
        return Step(Play.SILENCE)

    def _jump(self, wrong: float) -> None:
        """Nobody asked for sound for so long: go on with what is due by now, or with what comes next: a time that was
        wrong once must not make late what is not."""
        assert self._next is not None
        due = min(self._next + int(wrong / PACKET), max(self._packets, default=self._next - 1) + 1)
        for position in [position for position in self._packets if position < due]:
            del self._packets[position]
        self._next = self._floor = due

    def _missing(self, speed: float) -> Step:
        assert self._next is not None
        if not self._packets and self._concealed >= CONCEALED:
            return self._rest()
        self._concealed += 1
        self.heard.concealed += 1
        self._missed.append(self._next - 1)
        behind = self._packets.get(self._next, b"")
        return Step(Play.CONCEAL, behind, speed=speed)


def _speed(wrong: float, left: float) -> float:
    """How fast to play where the delay is so much too long. Packets are taken whole, one in 10 ms: what plays can be so
    much later than the slowest of them asks for, but not a bit earlier."""
    if 0 <= wrong <= PACKET:
        return 1 + min(MOST, max(0.0, left - LEFT) * LEFT_GAIN)
    beyond = wrong if wrong < 0 else wrong - PACKET
    return 1 + max(-MOST, min(MOST, beyond * GAIN))
