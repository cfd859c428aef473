"""Vectors of bounds of the codecs beside H.264: objects that are or are not the picture that was announced."""

from __future__ import annotations

from typing import NamedTuple

from avl_protocol.media.bounds_vp9 import indexed
from avl_protocol.media.frame import Chroma
from spec.vectors.bitwriter import Writer

VP9, AV1, H265 = "vp09.00.41.08", "av01.0.13M.08", "hev1.1.6.L186.B0"


class Case(NamedTuple):
    """What it is, its codec, the bitstream, the size and chroma announced, whether the object is a key object, and
    whether a viewer takes it."""

    about: str
    codec: str
    unit: bytes
    width: int
    height: int
    chroma: Chroma
    key: bool
    taken: bool


def vp9_key(
    width: int,
    height: int,
    *,
    profile: int = 0,
    marker: int = 2,
    existing: int = 0,
    shown: int = 1,
    sync: int = 0x498342,
    space: int = 2,
    subsampled: int = 0,
    rendered: int = 0,
) -> bytes:
    """The uncompressed header of a key frame, and something behind it (VP9, 6.2)."""
    writer = Writer().bits(marker, 2).bits(profile & 1, 1).bits(profile >> 1, 1).bits(existing, 1)
    writer.bits(0, 1).bits(shown, 1).bits(0, 1).bits(sync, 24).bits(space, 3).bits(0, 1)
    if profile & 1:
        writer.bits(subsampled, 3)
    return writer.bits(width - 1, 16).bits(height - 1, 16).bits(rendered, 1).bits(5, 7).data() + b"\x82\x41"


def vp9_inter(
    *, size: tuple[int, int] | None = None, slots: int = 1, found: int = 1, resilient: int = 0, profile: int = 0
) -> bytes:
    """That of a frame that refers to others; `found`: from which reference it has its size (3: from none)."""
    writer = Writer().bits(2, 2).bits(profile, 2).bits(0, 1).bits(1, 1).bits(1, 1).bits(resilient, 1)
    if not resilient:
        writer.bits(0, 2)
    writer.bits(slots, 8).bits(0, 12).bits(0, found)
    if size is None:
        writer.bits(1, 1)
    else:
        writer.bits(size[0] - 1, 16).bits(size[1] - 1, 16)
    return writer.bits(0, 1).bits(9, 7).data() + b"\x11\x22"


def av1_unit(kind: int, payload: bytes, *, header: int = 2) -> bytes:
    """A unit with its size (AV1, 5.3)."""
    size = len(payload)
    return bytes((kind << 3 | header, *((size & 0x7F | 0x80, size >> 7) if size > 127 else (size,)))) + payload


def av1_sequence(
    width: int,
    height: int,
    *,
    profile: int = 0,
    still: int = 0,
    points: int = 0,
    numbers: int = 0,
    ordered: int = 1,
    tools: int = 3,
    superres: int = 0,
    deep: int = 0,
    mono: int = 0,
    described: tuple[int, int, int] | None = None,
    grain: int = 0,
    level: int = 8,
) -> bytes:
    """A sequence header (AV1, 5.5.1)."""
    writer = Writer().bits(profile, 3).bits(still, 1).bits(0, 3).bits(points, 5).bits(0, 12).bits(level, 5)
    if level > 7:
        writer.bits(0, 1)
    writer.bits(15, 4).bits(15, 4).bits(width - 1, 16).bits(height - 1, 16).bits(numbers, 1).bits(0, 7)
    writer.bits(ordered, 1)
    if ordered:
        writer.bits(0, 2)
    writer.bits(tools, 2)
    if ordered:
        writer.bits(6, 3)
    writer.bits(superres, 1).bits(3, 2).bits(deep, 1).bits(mono, 1).bits(int(described is not None), 1)
    if described is not None:
        for value in described:
            writer.bits(value, 8)
    return av1_unit(1, writer.bits(0, 4).bits(grain, 1).bits(1, 1).data())


def av1_frame(kind: int = 0, *, existing: int = 0, shown: int = 1, tools: int = 0, override: int = 0) -> bytes:
    """A frame: the beginning of its header, and something behind it (AV1, 5.9.2)."""
    writer = Writer().bits(existing, 1).bits(kind, 2).bits(shown, 1)
    if kind:
        writer.bits(0, 1)
    writer.bits(0, 1).bits(tools, 1)
    if tools:
        writer.bits(1, 1)
    return av1_unit(6, writer.bits(override, 1).bits(0x155, 16).data())


DELIMITER = av1_unit(2, b"")


def h265_parameters(
    width: int,
    height: int,
    *,
    idc: int = 1,
    crop: tuple[int, int, int, int] = (0, 0, 0, 0),
    depth: int = 8,
    layers: int = 0,
    references: int = 1,
    header: int = 0x4201,
) -> bytes:
    """A sequence parameter set (H.265, 7.3.2.2.1)."""
    writer = Writer().bits(0, 4).bits(layers, 3).bits(1, 1)
    writer.bits(1, 8).bits(0x60000000, 32).bits(0, 48).bits(186, 8).numbers(0, idc)
    if idc == 3:
        writer.bits(0, 1)
    writer.numbers(width, height).bits(int(any(crop)), 1)
    if any(crop):
        writer.numbers(*crop)
    writer.numbers(depth - 8, depth - 8, 4).bits(1, 1).numbers(references, 0, 0)
    return writer.unit(header.to_bytes(2, "big"))


#: A slice that begins a picture, and one that goes on with it.
H265_FIRST, H265_NEXT = b"\0\0\0\1\x26\x01\xaf\x11", b"\0\0\0\1\x26\x01\x2f\x11"


def _vp9(about: str, unit: bytes, taken: bool, *, key: bool = True, size: tuple[int, int] = (64, 48)) -> Case:
    return Case(about, VP9, unit, *size, Chroma.YUV420, key, taken)


def _av1(about: str, unit: bytes, taken: bool, *, key: bool = True, size: tuple[int, int] = (64, 48)) -> Case:
    return Case(about, AV1, unit, *size, Chroma.YUV420, key, taken)


def _h265(about: str, unit: bytes, taken: bool, *, size: tuple[int, int] = (64, 48), wide: bool = False) -> Case:
    return Case(about, H265, unit, *size, Chroma.YUV444 if wide else Chroma.YUV420, True, taken)


_KEY = vp9_key(64, 48)
_SEQUENCE = av1_sequence(64, 48)
CASES: list[Case] = [
    _vp9("VP9: a key frame", indexed(_KEY), True),
    _vp9("VP9: odd, one more coded", indexed(vp9_key(102, 68)), True, size=(101, 67)),
    _vp9("VP9: odd as it is", indexed(vp9_key(101, 67)), True, size=(101, 67)),
    _vp9("VP9: as large as it gets", indexed(vp9_key(8192, 2048)), True, size=(8192, 2048)),
    Case("VP9: 4:4:4", "vp09.01.41.08", indexed(vp9_key(64, 48, profile=1)), 64, 48, Chroma.YUV444, True, True),
    _vp9("VP9: another key frame within a group", indexed(_KEY), True, key=False),
    _vp9("VP9: a size from the first reference", indexed(vp9_inter(found=0)), True, key=False),
    _vp9("VP9: a size from the third reference", indexed(vp9_inter(found=2)), True, key=False),
    _vp9("VP9: resilient", indexed(vp9_inter(resilient=1)), True, key=False),
    _vp9("VP9: its own size", indexed(vp9_inter(size=(64, 48), found=3)), True, key=False),
    _vp9("VP9: four slots filled", indexed(vp9_inter(slots=15)), True, key=False),
    _vp9("VP9: longer than 255 bytes", indexed(_KEY + bytes(range(256))), True),
    _vp9("VP9: nothing", b"", False),
    _vp9("VP9: no index", _KEY, False),
    _vp9("VP9: an index of nothing", b"\xc0\x00\xc0", False),
    _vp9("VP9: an index alone", b"\xc0", False),
    _vp9("VP9: an index of too little", _KEY + bytes((0xC0, len(_KEY) - 1, 0xC0)), False),
    _vp9("VP9: two frames in the index", _KEY * 2 + bytes((0xC1, len(_KEY), len(_KEY), 0xC1)), False),
    _vp9("VP9: two markers that differ", _KEY + bytes((0xC8, len(_KEY), 0xC0)), False),
    _vp9("VP9: larger than announced", indexed(vp9_key(16384, 16384)), False),
    _vp9("VP9: smaller than announced", indexed(_KEY), False, size=(640, 480)),
    _vp9("VP9: one more of an even size", indexed(vp9_key(65, 48)), False),
    _vp9("VP9: shown at another size", indexed(vp9_key(64, 48, rendered=1)), False),
    _vp9("VP9: another profile", indexed(vp9_key(64, 48, profile=1)), False),
    _vp9("VP9: ten bits", indexed(vp9_key(64, 48, profile=2)), False),
    Case("VP9: 4:4:0", VP9, indexed(vp9_key(64, 48, profile=1, subsampled=2)), 64, 48, Chroma.YUV444, True, False),
    _vp9("VP9: RGB", indexed(vp9_key(64, 48, space=7)), False),
    _vp9("VP9: no frame", indexed(vp9_key(64, 48, marker=1)), False),
    _vp9("VP9: no sync code", indexed(vp9_key(64, 48, sync=0x498343)), False),
    _vp9("VP9: one of the frames before", indexed(vp9_key(64, 48, existing=1)), False),
    _vp9("VP9: not shown", indexed(vp9_key(64, 48, shown=0)), False),
    _vp9("VP9: a key object without a key frame", indexed(vp9_inter()), False),
    _vp9("VP9: a later frame that is larger", indexed(vp9_inter(size=(1024, 768), found=3)), False, key=False),
    _vp9("VP9: eight slots filled", indexed(vp9_inter(slots=255)), False, key=False),
    _vp9("VP9: H.264", b"\0\0\0\1\x65\x88\x84", False),
    _av1("AV1: a key frame", DELIMITER + _SEQUENCE + av1_frame(), True),
    _av1("AV1: without a delimiter", _SEQUENCE + av1_frame(), True),
    _av1("AV1: screen content tools", _SEQUENCE + av1_frame(tools=1), True),
    _av1("AV1: odd, one more coded", av1_sequence(102, 68) + av1_frame(), True, size=(101, 67)),
    _av1("AV1: as large as it gets", av1_sequence(8192, 2048) + av1_frame(), True, size=(8192, 2048)),
    _av1("AV1: without order hints", av1_sequence(64, 48, ordered=0) + av1_frame(), True),
    _av1("AV1: a low level", av1_sequence(64, 48, level=4) + av1_frame(), True),
    _av1("AV1: a described colour", av1_sequence(64, 48, described=(1, 13, 1)) + av1_frame(), True),
    _av1("AV1: a later frame", DELIMITER + av1_frame(1), True, key=False),
    _av1("AV1: another key frame within a group", DELIMITER + _SEQUENCE + av1_frame(), True, key=False),
    _av1("AV1: a long unit", _SEQUENCE + av1_unit(6, b"\x10" + bytes(300)), True),
    _av1("AV1: nothing", b"", False),
    _av1("AV1: larger than announced", av1_sequence(8192, 8192) + av1_frame(), False),
    _av1("AV1: smaller than announced", _SEQUENCE + av1_frame(), False, size=(640, 480)),
    _av1("AV1: another size by itself", _SEQUENCE + av1_frame(override=1), False),
    _av1("AV1: a later size by itself", av1_frame(1, override=1), False, key=False),
    _av1("AV1: two frames", _SEQUENCE + av1_frame() + av1_frame(1), False),
    _av1("AV1: two sequence headers", _SEQUENCE + av1_sequence(4096, 4096) + av1_frame(), False),
    _av1("AV1: a larger one later", av1_sequence(4096, 4096) + av1_frame(1), False, key=False),
    _av1("AV1: a header behind its frame", av1_frame() + _SEQUENCE, False),
    _av1("AV1: a key object without a header", DELIMITER + av1_frame(), False),
    _av1("AV1: a key object without a key frame", _SEQUENCE + av1_frame(1), False),
    _av1("AV1: one of the frames before", av1_frame(1, existing=1), False, key=False),
    _av1("AV1: not shown", av1_frame(1, shown=0), False, key=False),
    _av1("AV1: intra only", av1_frame(2), False, key=False),
    _av1("AV1: a switch", av1_frame(3), False, key=False),
    _av1("AV1: a still picture", av1_sequence(64, 48, still=1) + av1_frame(), False),
    _av1("AV1: 4:4:4", av1_sequence(64, 48, profile=1) + av1_frame(), False),
    Case("AV1: announced as 4:4:4", AV1, _SEQUENCE + av1_frame(), 64, 48, Chroma.YUV444, True, False),
    _av1("AV1: several operating points", av1_sequence(64, 48, points=1) + av1_frame(), False),
    _av1("AV1: frame numbers", av1_sequence(64, 48, numbers=1) + av1_frame(), False),
    _av1("AV1: tools of the sequence", av1_sequence(64, 48, tools=2) + av1_frame(), False),
    _av1("AV1: super-resolution", av1_sequence(64, 48, superres=1) + av1_frame(), False),
    _av1("AV1: ten bits", av1_sequence(64, 48, deep=1) + av1_frame(), False),
    _av1("AV1: grey", av1_sequence(64, 48, mono=1) + av1_frame(), False),
    _av1("AV1: RGB", av1_sequence(64, 48, described=(1, 13, 0)) + av1_frame(), False),
    _av1("AV1: film grain", av1_sequence(64, 48, grain=1) + av1_frame(), False),
    _av1("AV1: cut short", (_SEQUENCE + av1_frame())[:-1], False),
    _av1("AV1: no size", _SEQUENCE + bytes((6 << 3,)) + b"\x10\x00", False),
    _av1("AV1: an extension", _SEQUENCE + av1_unit(6, b"\x00\x10\x00", header=6), False),
    _av1("AV1: an endless size", _SEQUENCE + b"\x32\xff\xff\xff\xff\x01", False),
    _av1("AV1: a list of tiles", _SEQUENCE + av1_unit(8, b"\0\0\0\0"), False),
    _av1("AV1: a delimiter that holds something", av1_unit(2, b"\0") + _SEQUENCE + av1_frame(), False),
    _h265("H.265: whole blocks", h265_parameters(64, 48) + H265_FIRST + H265_NEXT, True),
    _h265("H.265: cropped", h265_parameters(1368, 768, crop=(0, 1, 0, 0)) + H265_FIRST, True, size=(1366, 768)),
    _h265("H.265: 4:4:4", h265_parameters(64, 48, idc=3) + H265_FIRST, True, wide=True),
    _h265("H.265: odd", h265_parameters(104, 72, crop=(0, 1, 0, 2)) + H265_FIRST, True, size=(101, 67)),
    _h265("H.265: four references", h265_parameters(64, 48, references=4) + H265_FIRST, True),
    _h265("H.265: no parameters", H265_FIRST + H265_NEXT, True),
    _h265("H.265: larger than announced", h265_parameters(8192, 8192) + H265_FIRST, False),
    _h265("H.265: smaller than announced", h265_parameters(64, 48) + H265_FIRST, False, size=(640, 480)),
    _h265("H.265: cropped to almost nothing", h265_parameters(8192, 48, crop=(0, 4064, 0, 0)) + H265_FIRST, False),
    _h265("H.265: a second, larger one", h265_parameters(64, 48) + h265_parameters(4096, 4096) + H265_FIRST, False),
    _h265("H.265: another chroma", h265_parameters(64, 48, idc=3) + H265_FIRST, False),
    _h265("H.265: ten bits", h265_parameters(64, 48, depth=10) + H265_FIRST, False),
    _h265("H.265: several layers of time", h265_parameters(64, 48, layers=1) + H265_FIRST, False),
    _h265("H.265: sixteen references", h265_parameters(64, 48, references=15) + H265_FIRST, False),
    _h265("H.265: two pictures", h265_parameters(64, 48) + H265_FIRST + H265_FIRST, False),
    _h265("H.265: another layer", h265_parameters(64, 48, header=0x4209) + H265_FIRST, False),
    _h265("H.265: a unit of no meaning", H265_FIRST + b"\0\0\0\1\x7c\x01\x19", False),
    _h265("H.265: cut short", h265_parameters(64, 48)[:9], False),
    _h265("H.265: units without end", b"\x00\x00\x01\x46\x01" * 600, False),
    Case("a codec of nobody's", "mp4v.20.9", b"", 64, 48, Chroma.YUV420, True, False),
    Case("no codec", "", b"", 64, 48, Chroma.YUV420, True, False),
]
