"""Bounds: how large a desktop and its pictures may be, read from what announces them, before anything is allocated
(spec 05-media, 5.3).

A decoder believes the bitstream, not the preamble: a few bytes of a sequence parameter set make it allocate whatever
they say, and a few more begin another picture. So both are read here first (ITU-T H.264, 7.3 and annex B).
"""

from __future__ import annotations

from collections.abc import Iterator

from avl_protocol.media.frame import Chroma
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import MAX_PICTURE_PIXELS, MAX_PICTURE_REFERENCES, MAX_PICTURE_SIDE, CloseCode

#: NAL unit types: slices of a picture, and the sequence parameter set.
_SLICES, _PARAMETERS = (1, 5), 7
#: Profiles whose sequence parameter sets tell chroma, bit depth and scaling lists (H.264, 7.3.2.1.1).
_HIGH = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
#: chroma_format_idc, and the samples of luma for one of chroma, across and down.
_FORMATS = {Chroma.YUV420: (1, 2, 2), Chroma.YUV444: (3, 1, 1)}
#: Bytes of a sequence parameter set that are read, and NAL units of an access unit; more are nobody's.
_LONGEST, _MOST_UNITS = 4096, 512
_MACROBLOCK = 16
_UNLIKE = "The host's video is not as it was announced. Update avl on the host."


def check_size(width: int, height: int) -> None:
    """Raise Refused(TOO_LARGE) for a desktop or a picture that has no pixels or too many."""
    if not (0 < width <= MAX_PICTURE_SIDE and 0 < height <= MAX_PICTURE_SIDE and width * height <= MAX_PICTURE_PIXELS):
        raise Refused(CloseCode.TOO_LARGE)


def check_bitstream(unit: bytes, width: int, height: int, chroma: Chroma) -> None:
    """Look through an access unit in Annex B form of a picture announced as `width` x `height`.

    Raises RemoteProtocolError(SESSION_PROTOCOL) where a parameter set says otherwise or there is more than one picture.
    What is no H.264 at all passes: the decoder refuses it without allocating anything.
    """
    pictures = 0
    for count, at in enumerate(_units(unit)):
        kind = unit[at] & 0x1F
        if kind in _SLICES:
            pictures += unit[at + 1 : at + 2] >= b"\x80"  # first_mb_in_slice is 0
        elif kind == _PARAMETERS:
            _check_parameters(_Bits(unit[at + 1 : at + 1 + _LONGEST]), width, height, chroma)
        if pictures > 1 or count >= _MOST_UNITS:
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, _UNLIKE)


def _units(unit: bytes) -> Iterator[int]:
    """Where NAL units begin, with their header."""
    at = unit.find(b"\x00\x00\x01")
    while 0 <= at < len(unit) - 3:
        yield at + 3
        at = unit.find(b"\x00\x00\x01", at + 3)


class _Bits:
    """Bits of a NAL unit without its emulation prevention; past the end are ones, so that every number ends."""

    def __init__(self, data: bytes) -> None:
        data = data.partition(b"\x00\x00\x01")[0].replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """The next `count` bits."""
        value = 0
        for _ in range(count):
            self._left -= 1
            value = value << 1 | (self._value >> self._left & 1 if self._left >= 0 else 1)
        return value

    def number(self) -> int:
        """ue(v): an Exp-Golomb number of at most 32 bits. Raises RemoteProtocolError."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, _UNLIKE)
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v)."""
        number = self.number()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def _check_parameters(bits: _Bits, width: int, height: int, chroma: Chroma) -> None:
    """Read a sequence parameter set up to its frame cropping (H.264, 7.3.2.1.1)."""
    idc, across, down = _FORMATS[chroma]
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
    cropped = (coded_width - cut_x, coded_height - cut_y)
    fits = (
        cropped[0] - width in (0, width % 2)
        and cropped[1] - height in (0, height % 2)
        and cut_x < _MACROBLOCK
        and cut_y < _MACROBLOCK * fields
    )
    if not fits or format_idc != idc or deep or references > MAX_PICTURE_REFERENCES:
        raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, _UNLIKE)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last
