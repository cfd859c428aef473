"""Vectors of bounds: sizes that a viewer takes, and access units that are or are not the picture that was announced."""

from __future__ import annotations

from typing import Any

from avl_protocol.media import bounds
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from spec.vectors.bitwriter import START, Writer
from spec.vectors.bounds_codec_cases import CASES, Case
from spec.vectors.notation import drawn

SIZES = [
    (1, 1),
    (8192, 2048),
    (4096, 4096),
    (7680, 2160),
    (2048, 8192),
    (0, 1),
    (1, 0),
    (8193, 1),
    (1, 8193),
    (4097, 4096),
    (8192, 8192),
    (1 << 40, 1),
]
#: A slice that begins a picture, and one that goes on with it.
FIRST, NEXT = START + b"\x65\x88\x84", START + b"\x65\x20\x21"


def parameters(
    width: int,
    height: int,
    *,
    profile: int = 100,
    idc: int = 1,
    depth: int = 8,
    references: int = 1,
    order: int = 2,
    crop: tuple[int, int, int, int] = (0, 0, 0, 0),
    lists: bool = False,
    separate: int = 0,
    fields: bool = False,
) -> bytes:
    """A sequence parameter set of macroblocks that hold `width` x `height`; `crop` in its own units."""
    writer = Writer().bits(profile, 8).bits(0, 8).bits(51, 8).numbers(0)
    if profile >= 100:
        writer.numbers(idc)
        if idc == 3:
            writer.bits(separate, 1)
        writer.numbers(depth - 8, depth - 8).bits(0, 1).bits(int(lists), 1)
        if lists:
            for index in range(12 if idc == 3 else 8):
                writer.bits(int(index in (0, 6)), 1)
                if index in (0, 6):
                    writer.numbers(*[0] * (16 if index < 6 else 64))
    writer.numbers(0, order)
    if order == 0:
        writer.numbers(2)
    elif order == 1:
        writer.bits(0, 1).numbers(5, 6, 2, 3, 4)
    across, down = -(-width // 16), -(-height // (32 if fields else 16))
    writer.numbers(references).bits(0, 1).numbers(across - 1, down - 1).bits(int(not fields), 1)
    if fields:
        writer.bits(0, 1)
    writer.bits(1, 1).bits(int(any(crop)), 1)
    if any(crop):
        writer.numbers(*crop)
    return writer.bits(0, 1).unit(b"\x67")


#: What it is, the access unit, the size and chroma announced, and whether a viewer takes it.
UNITS: list[tuple[str, bytes, int, int, Chroma, bool]] = [
    ("whole macroblocks", parameters(64, 48) + FIRST + NEXT, 64, 48, Chroma.YUV420, True),
    ("cropped", parameters(1366, 768, crop=(0, 5, 0, 0)) + FIRST, 1366, 768, Chroma.YUV420, True),
    ("odd, one more coded", parameters(101, 67, crop=(0, 5, 0, 6)) + FIRST, 101, 67, Chroma.YUV420, True),
    (
        "odd in 4:4:4",
        parameters(101, 67, profile=244, idc=3, crop=(0, 11, 0, 13)) + FIRST,
        101,
        67,
        Chroma.YUV444,
        True,
    ),
    ("baseline", parameters(64, 48, profile=66, order=0) + FIRST, 64, 48, Chroma.YUV420, True),
    ("order by cycles", parameters(64, 48, order=1) + FIRST, 64, 48, Chroma.YUV420, True),
    ("scaling lists", parameters(64, 48, lists=True) + FIRST, 64, 48, Chroma.YUV420, True),
    ("lists in 4:4:4", parameters(64, 48, profile=244, idc=3, lists=True) + FIRST, 64, 48, Chroma.YUV444, True),
    ("fields", parameters(64, 64, fields=True) + FIRST, 64, 64, Chroma.YUV420, True),
    ("escapes", parameters(8192, 2048, order=0) + FIRST, 8192, 2048, Chroma.YUV420, True),
    ("no parameters", FIRST + NEXT + NEXT, 64, 48, Chroma.YUV420, True),
    ("nothing", b"", 64, 48, Chroma.YUV420, True),
    ("no H.264", b"frame 1", 64, 48, Chroma.YUV420, True),
    ("larger than announced", parameters(8192, 8192) + FIRST, 64, 48, Chroma.YUV420, False),
    ("smaller than announced", parameters(64, 48) + FIRST, 640, 480, Chroma.YUV420, False),
    ("two more", parameters(64, 48) + FIRST, 62, 48, Chroma.YUV420, False),
    ("an odd height in whole macroblocks", parameters(64, 48, profile=244, idc=3) + FIRST, 64, 47, Chroma.YUV444, True),
    (
        "cropped to almost nothing",
        parameters(8192, 2048, crop=(0, 4064, 0, 1000)) + FIRST,
        64,
        48,
        Chroma.YUV420,
        False,
    ),
    ("a second, larger one", parameters(64, 48) + parameters(4096, 4096) + FIRST, 64, 48, Chroma.YUV420, False),
    ("another chroma", parameters(64, 48) + FIRST, 64, 48, Chroma.YUV444, False),
    ("4:2:2", parameters(64, 48, profile=122, idc=2) + FIRST, 64, 48, Chroma.YUV420, False),
    ("separate planes", parameters(64, 48, profile=244, idc=3, separate=1) + FIRST, 64, 48, Chroma.YUV444, False),
    ("ten bits", parameters(64, 48, profile=110, depth=10) + FIRST, 64, 48, Chroma.YUV420, False),
    ("four references", parameters(64, 48, references=4) + FIRST, 64, 48, Chroma.YUV420, True),
    ("sixteen references", parameters(64, 48, references=16) + FIRST, 64, 48, Chroma.YUV420, False),
    ("two pictures", parameters(64, 48) + FIRST + NEXT + FIRST, 64, 48, Chroma.YUV420, False),
    ("cut short", parameters(64, 48)[:7], 64, 48, Chroma.YUV420, False),
    ("an endless number", START + b"\x67\x64\x00\x33" + bytes((0, 0, 3)) * 9, 64, 48, Chroma.YUV420, False),
    ("short start codes", parameters(64, 48)[1:] + FIRST[1:], 64, 48, Chroma.YUV420, True),
    ("units without end", (b"\x00\x00\x01\x09" * 600), 64, 48, Chroma.YUV420, False),
]


H264 = "avc1.640034"
#: Those of all codecs.
EVERY = [
    *(Case(about, H264, unit, across, down, chroma, True, good) for about, unit, across, down, chroma, good in UNITS),
    *CASES,
]


def taken(case: Case) -> bool:
    """Whether a viewer gives it to its decoder."""
    try:
        bounds.check_bitstream(case.unit, case, case.key)
    except RemoteProtocolError:
        return False
    return True


def fits(width: int, height: int) -> bool:
    """Whether a viewer takes a desktop of this size."""
    try:
        bounds.check_size(width, height)
    except Refused:
        return False
    return True


def damaged() -> list[Case]:
    """Each short one with one bit changed, and whether it is taken then."""
    out = []
    for case in EVERY:
        bits = 8 * min(len(case.unit), 24)
        if bits and len(case.unit) <= 64:
            place = int.from_bytes(drawn(case.about, 4), "big") % bits
            unit = bytearray(case.unit)
            unit[place >> 3] ^= 1 << (place & 7)
            changed = case._replace(about=f"{case.about}; bit {place} changed", unit=bytes(unit))
            out.append(changed._replace(taken=taken(changed)))
    return out


def cases() -> dict[str, Any]:
    """The file."""
    return {
        "sizes": [{"width": width, "height": height, "fits": fits(width, height)} for width, height in SIZES],
        "units": [
            {**case._asdict(), "unit": case.unit.hex(), "chroma": int(case.chroma)} for case in (*EVERY, *damaged())
        ],
    }
