"""H.265's bounds: every sequence parameter set, and how many pictures there are (ITU-T H.265, 7.3 and annex B; spec
05-media, 5.3)."""

from __future__ import annotations

from avl_protocol.media.bits import MOST_UNITS, Bits, like, unescaped, units, unlike
from avl_protocol.media.bounds_h264 import FORMATS
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import MAX_PICTURE_REFERENCES

#: NAL unit types: slices are below the first, the sequence parameter set, and the last that means anything.
_NO_SLICES, _PARAMETERS, _LAST = 32, 33, 40
#: Pixels that a picture is coded in multiples of, at most.
_BLOCK = 64


def check(unit: bytes, width: int, height: int, chroma: Chroma) -> None:
    """Look through an access unit in Annex B form. Raises RemoteProtocolError where it is not what was announced.

    What is no H.265 at all passes: the decoder refuses it without allocating anything.
    """
    pictures = 0
    for count, at in enumerate(units(unit)):
        header = int.from_bytes(unit[at : at + 2], "big")
        kind, layer = header >> 9 & 0x3F, header >> 3 & 0x3F
        if kind < _NO_SLICES:
            pictures += unit[at + 2 : at + 3] >= b"\x80"  # first_slice_segment_in_pic_flag
        elif kind == _PARAMETERS:
            _check_parameters(unescaped(unit[at + 2 :]), width, height, chroma)
        if layer or kind > _LAST or pictures > 1 or count >= MOST_UNITS:
            raise unlike()


def _check_parameters(bits: Bits, width: int, height: int, chroma: Chroma) -> None:
    """Read a sequence parameter set up to the size of its decoded picture buffer (H.265, 7.3.2.2.1)."""
    idc, across, down = FORMATS[chroma]
    bits.bits(4)
    layers = bits.bits(3)  # sps_max_sub_layers_minus1
    bits.bits(1 + 96)  # profile_tier_level of one layer
    bits.number()
    format_idc = bits.number()
    separate = format_idc == 3 and bits.bits(1)
    coded_width, coded_height = bits.number(), bits.number()
    left, right, top, bottom = (bits.number() for _ in range(4)) if bits.bits(1) else (0, 0, 0, 0)
    cut_x, cut_y = (left + right) * across, (top + bottom) * down
    deep = bits.number() | bits.number()
    bits.number()
    bits.bits(1)
    references = bits.number()  # sps_max_dec_pic_buffering_minus1: besides the one being decoded
    fits = like(coded_width - cut_x, width) and like(coded_height - cut_y, height) and cut_x < _BLOCK and cut_y < _BLOCK
    if not fits or layers or separate or deep or format_idc != idc or references > MAX_PICTURE_REFERENCES:
        raise unlike()
