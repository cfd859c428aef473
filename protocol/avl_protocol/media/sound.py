"""Objects of sound: packets of Opus as they travel inside the seal (spec 16-sound, 16.2).

Only the form is read and written here. What is in a packet is the affair of who encodes and decodes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avl_protocol.wire import varint
from avl_protocol.wire.buffer import Reader
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_SOUND_PACKET, MAX_SOUND_PACKETS, CloseCode

#: What all sound is: samples a second, samples of a packet, and seconds that one lasts.
RATE, SAMPLES, PACKET = 48_000, 480, 0.010

_KEY, _SILENCE = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One object. `captured_us` is when the first sample of the newest packet was heard at the host, by its clock;
    `position` the number of that packet; `packets` it and those right before it, the oldest first. `silence`: nothing
    follows for a while."""

    captured_us: int
    position: int
    packets: tuple[bytes, ...]
    silence: bool = False

    @property
    def first(self) -> int:
        """The position of the oldest packet."""
        return self.position - len(self.packets) + 1


def encode(sound: Sound) -> bytes:
    """The plaintext of an object. Raises LocalProtocolError for packets that can't travel."""
    if not are_packets(sound.packets) or sound.first < 0:
        raise LocalProtocolError("no packets of sound")
    out = [bytes((_KEY | (_SILENCE if sound.silence else 0),))]
    out += [varint.encode(sound.captured_us), varint.encode(sound.position), bytes((len(sound.packets),))]
    for packet in sound.packets:
        out += [varint.encode(len(packet)), packet]
    return b"".join(out)


def decode(data: bytes | memoryview) -> Sound:
    """The object of this plaintext. Raises RemoteProtocolError for what is not of this form (R-MEDIA-220)."""
    reader = Reader(data, CloseCode.SESSION_PROTOCOL)
    bits = reader.uint(1)
    captured, position, count = reader.integer(), reader.integer(), reader.uint(1)
    if not bits & _KEY or not 0 < count <= min(MAX_SOUND_PACKETS, position + 1):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "no object of sound")
    packets = tuple(bytes(reader.take(reader.integer())) for _ in range(count))
    if len(reader) or not are_packets(packets):
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "packets of sound out of range")
    return Sound(captured_us=captured, position=position, packets=packets, silence=bool(bits & _SILENCE))


def are_packets(packets: Iterable[bytes]) -> bool:
    """Whether these may travel together: 1 to SOUND_PACKETS, each of 1 to SOUND_PACKET bytes."""
    sizes = [len(packet) for packet in packets]
    return 0 < len(sizes) <= MAX_SOUND_PACKETS and all(0 < size <= MAX_SOUND_PACKET for size in sizes)
