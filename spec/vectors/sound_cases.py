"""Vectors of sound: objects, and stories of the jitter buffer (spec 16-sound)."""

from __future__ import annotations

from typing import Any

from avl_protocol.media import sound
from avl_protocol.media.jitter import JitterBuffer
from avl_protocol.media.sound import Sound
from avl_protocol.wire.registry import MAX_SOUND_PACKET, MAX_SOUND_PACKETS
from spec.vectors.notation import drawn
from spec.vectors.trace import Answer, Call, Story, ms, record

_ONE = Sound(captured_us=1_800_000_000_000_000, position=70_000, packets=(drawn("packet", 120),))

VALID: list[tuple[str, Sound]] = [
    ("one packet", _ONE),
    (
        "the first of all, and the last before a silence",
        Sound(captured_us=0, position=0, packets=(b"\xfc",), silence=True),
    ),
    ("a packet, and the one before it again", Sound(captured_us=5, position=1, packets=(b"a" * 70, b"b" * 3))),
    (
        "as much as there may be",
        Sound(captured_us=1, position=9, packets=(b"\0" * MAX_SOUND_PACKET,) * MAX_SOUND_PACKETS),
    ),
]


def _raw(bits: int, position: int, packets: tuple[bytes, ...], count: int | None = None, tail: bytes = b"") -> bytes:
    head = bytes((bits, 1, position, len(packets) if count is None else count))
    return head + b"".join(bytes((0x40 | len(packet) >> 8, len(packet) & 0xFF)) + packet for packet in packets) + tail


INVALID: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("no key object", _raw(0, 1, (b"a",))),
    ("no packet", _raw(1, 1, ())),
    ("an empty packet", _raw(1, 1, (b"",))),
    ("a packet that is too large", _raw(1, 1, (b"a" * (MAX_SOUND_PACKET + 1),))),
    ("too many packets", _raw(1, 9, (b"a",) * (MAX_SOUND_PACKETS + 1))),
    ("more packets than positions", _raw(1, 0, (b"a", b"b"))),
    ("fewer packets than it says", _raw(1, 9, (b"a",), count=2)),
    ("something left over", _raw(1, 9, (b"a",), tail=b"\0")),
]


def told(one: Sound) -> dict[str, Any]:
    """What an object says."""
    return {
        "captured_us": one.captured_us,
        "position": one.position,
        "packets": [packet.hex() for packet in one.packets],
        "silence": one.silence,
    }


# Stories. The sound of position 0 was captured at 0, unless told otherwise; no step is on the very edge of a rule.


def _put(at: float, position: int, *, packets: int = 1, silence: bool = False, ahead: float = 0.0) -> Call:
    captured = position * 10 + ahead
    return at, "put", {"position": position, "packets": packets, "silence": silence, "captured": captured}


def _steps(first: float, last: float, device: float = 0.0) -> list[Call]:
    """Every 10 ms from `first` to `last`, what is heard `device` milliseconds later."""
    count = int((last - first) / 10) + 1
    return [(first + 10 * n, "step", {"heard_at": first + 10 * n + device}) for n in range(count)]


def _story(about: str, *calls: Call | list[Call]) -> Story:
    flat = [one for call in calls for one in (call if isinstance(call, list) else [call])]
    return Story(about, tuple(sorted(flat, key=lambda call: call[0])))


_STORIES = (
    _story(
        "the delay is that of the slowest, and 5 ms",
        [_put(30 + 10 * n + 7 * (n % 3), n) for n in range(20)],
        _steps(21.5, 201.5),
    ),
    _story(
        "what plays takes its sound 40 ms before that is heard",
        [_put(21 + 10 * n + 7 * (n % 3), n) for n in range(20)],
        _steps(12.5, 212.5, 40.0),
    ),
    _story(
        "silence that was announced is nothing that is missing",
        [_put(21 + 10 * n, n, silence=n == 4) for n in range(5)],
        [_put(421 + 10 * n, 40 + n) for n in range(5)],
        _steps(12.5, 492.5),
    ),
    _story(
        "what is missing is made up, and silence follows in the end",
        [_put(21 + 10 * n, n) for n in range(12) if n not in (3, 6, 7)],
        _steps(12.5, 292.5),
    ),
    _story(
        "an object that repeats the one before it stands in for that; what comes twice counts once",
        [_put(21 + 10 * n, n, packets=min(2, n + 1)) for n in range(30) if n % 7 != 5],
        _steps(12.5, 352.5),
    ),
    _story(
        "who comes late is counted, and waited for from then on",
        [_put(21 + 10 * n + (45 if n == 8 else 0), n) for n in range(40)],
        _steps(12.5, 432.5),
    ),
    _story(
        "a time of hearing that is wrong once makes nothing late that is not",
        [_put(21 + 10 * n, n) for n in range(40)],
        _steps(12.5, 202.5),
        [(207.5, "step", {"heard_at": 10_207.5})],
        _steps(212.5, 402.5),
    ),
    _story(
        "sound waits for its film, and for no longer than that plays",
        [_put(21 + 10 * n, n) for n in range(60)],
        [(5.0, "film", {"delay": 90.0}), (205.0, "film", {"delay": 120.0})],
        _steps(12.5, 692.5),
    ),
    _story(
        "a delay that is too long is made shorter, a packet at a time",
        [_put(21 + 10 * n, n) for n in range(140)],
        [(5.0, "film", {"delay": 150.0})],
        _steps(122.5, 1402.5),
    ),
    _story(
        "two clocks that drift apart: the speed follows",
        [_put(21 + 10.02 * n, n, ahead=0.02 * n) for n in range(120)],
        _steps(12.5, 1192.5),
    ),
    _story(
        "nobody asked for a second: what is due is played next",
        [_put(21 + 10 * n, n) for n in range(90)],
        _steps(12.5, 112.5),
        _steps(812.5, 902.5),
    ),
    _story(
        "the host's sound has another clock",
        [_put(21 + 10 * n, n) for n in range(10)],
        [_put(221 + 10 * n, n, ahead=200.0) for n in range(10, 20)],
        _steps(12.5, 452.5),
    ),
)


def _player() -> Any:
    buffer = JitterBuffer()

    def call(now: float, do: str, arguments: dict[str, Any]) -> Answer:
        if do == "film":
            buffer.film(arguments["delay"] / 1000, now)
            return (None,)
        if do == "put":
            position, count = arguments["position"], arguments["packets"]
            packets = tuple(bytes((one % 256,)) for one in range(position - count + 1, position + 1))
            one = Sound(captured_us=0, position=position, packets=packets, silence=arguments["silence"])
            buffer.put(one, arguments["captured"] / 1000, now)
            return (None,)
        step = buffer.step(arguments["heard_at"] / 1000, now)
        heard = buffer.heard
        return (
            {
                "play": step.play.name,
                "packet": step.packet.hex(),
                "after": step.after.hex(),
                "speed": round(step.speed, 7),
                "target": ms(buffer.target(now)),
                "heard": [heard.received, heard.played, heard.concealed, heard.late],
            },
        )

    return call


def sounds() -> dict[str, Any]:
    """Objects."""
    return {
        "valid": [{"why": why, "plaintext": sound.encode(one).hex(), **told(one)} for why, one in VALID],
        "invalid": [{"why": why, "plaintext": raw.hex()} for why, raw in INVALID],
    }


def jitters() -> list[Any]:
    """Stories of the jitter buffer."""
    return record(_STORIES, _player)
