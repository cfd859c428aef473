"""H.264's bounds: every sequence parameter set, and how many pictures there are (ITU-T H.264, 7.3 and annex B; spec
05-media, 5.3)."""

from __future__ import annotations

from avl_protocol.media.bits import MOST_UNITS, Bits, like, unescaped, units, unlike
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import MAX_PICTURE_REFERENCES

#: NAL unit types: slices of a picture, and the sequence parameter set.
_SLICES, _PARAMETERS = (1, 5), 7
#: Profiles whose sequence parameter sets tell chroma, bit depth and scaling lists (H.264, 7.3.2.1.1).
_HIGH = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
#: chroma_format_idc, and the samples of luma for one of chroma, across and down.
FORMATS = {Chroma.YUV420: (1, 2, 2), Chroma.YUV444: (3, 1, 1)}
_MACROBLOCK = 16


def check(unit: bytes, width: int, height: int, chroma: Chroma) -> None:
    """Look through an access unit in Annex B form. Raises RemoteProtocolError where it is not what was announced.

    What is no H.264 at all passes: the decoder refuses it without allocating anything.
    """
    pictures = 0
    for count, at in enumerate(units(unit)):
        kind = unit[at] & 0x1F
        if kind in _SLICES:
            pictures += unit[at + 1 : at + 2] >= b"\x80"  # first_mb_in_slice is 0
        elif kind == _PARAMETERS:
            _check_parameters(unescaped(unit[at + 1 :]), width, height, chroma)
        if pictures > 1 or count >= MOST_UNITS:
            raise unlike()


def _check_parameters(bits: Bits, width: int, height: int, chroma: Chroma) -> None:
    """Read a sequence parameter set up to its frame cropping (H.264, 7.3.2.1.1)."""
    idc, across, down = FORMATS[chroma]
    profile = bits.bits(8)
    bits.bits(16)
    bits.number()
    format_idc, deep = 1, False
    if profile in _HIGH:
        format_idc = bits.number()
        separate = format_idc == 3 and bits.bits(1)
        deep = bool(bits.number() | bits.number() or separate)
        bits.bits(1)
        if bits.bits(1):
            for index in range(12 if format_idc == 3 else 8):
                if bits.bits(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.bits(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.number(), 256)):
            bits.signed()
    references = bits.number()
    bits.bits(1)
    coded_width = (bits.number() + 1) * _MACROBLOCK
    map_units = bits.number() + 1
    fields = 1 if bits.bits(1) else 2
    if fields == 2:
        bits.bits(1)
    bits.bits(1)
    coded_height = map_units * fields * _MACROBLOCK
    left, right, top, bottom = (bits.number() for _ in range(4)) if bits.bits(1) else (0, 0, 0, 0)
    cut_x, cut_y = (left + right) * across, (top + bottom) * down * fields
    fits = (
        like(coded_width - cut_x, width)
        and like(coded_height - cut_y, height)
        and cut_x < _MACROBLOCK
        and cut_y < _MACROBLOCK * fields
    )
    if not fits or format_idc != idc or deep or references > MAX_PICTURE_REFERENCES:
        raise unlike()


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
