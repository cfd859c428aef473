"""AV1's bounds: the units of an object, its sequence header, and the beginning of its one frame (AV1 Bitstream &
Decoding Process Specification, 5.3 to 5.9; spec 05-media, 5.3).

Only the plainest form is taken: one operating point, no timing, no frame numbers, no film grain, no size but that of
the sequence. Then a frame's size and the count of frames follow from a few bits, whatever came before.
"""

from __future__ import annotations

from avl_protocol.media.bits import LONGEST, Bits, like, unlike
from avl_protocol.media.frame import Chroma

#: Unit types (6.2.2).
_SEQUENCE, _DELIMITER, _FRAME = 1, 2, 6
#: Frame types (6.8.2).
_KEY, _INTER = 0, 1
#: color_primaries, transfer_characteristics and matrix_coefficients that make a picture RGB.
_RGB = (1, 13, 0)


def check(unit: bytes, width: int, height: int, chroma: Chroma, key: bool) -> None:
    """Look through the units of an object. Raises RemoteProtocolError where they are not what was announced."""
    if chroma is not Chroma.YUV420:
        raise unlike()
    at = 0
    kinds: list[int] = []
    while at < len(unit):
        header = unit[at]
        kind = header >> 3
        size, begin = _size(unit, at + 1)
        at = begin + size
        # forbidden bit, extension and reserved bit are 0, and each unit says how long it is
        if header & 0x87 != 2 or at > len(unit) or len(kinds) > 2:
            raise unlike()
        if kind == _SEQUENCE:
            _check_sequence(Bits(unit[begin : min(at, begin + LONGEST)]), width, height)
        elif kind == _FRAME:
            _check_frame(Bits(unit[begin : min(at, begin + LONGEST)]), key)
        elif kind != _DELIMITER or size:
            raise unlike()
        kinds.append(kind)
    wanted = [_SEQUENCE, _FRAME] if key or _SEQUENCE in kinds else [_FRAME]
    if kinds not in (wanted, [_DELIMITER, *wanted]):
        raise unlike()


def _size(unit: bytes, at: int) -> tuple[int, int]:
    """leb128() at a place, of at most 4 bytes, and where it ends."""
    value = 0
    for index, byte in enumerate(unit[at : at + 4]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    raise unlike()


def _check_sequence(bits: Bits, width: int, height: int) -> None:
    """Read a sequence header up to its film grain (5.5.1)."""
    # seq_profile, still_picture, reduced_still_picture_header, timing_info_present_flag,
    # initial_display_delay_present_flag, operating_points_cnt_minus_1, operating_point_idc
    plain = bits.bits(3 + 1 + 1 + 1 + 1 + 5 + 12) == 0
    if bits.bits(5) > 7:
        bits.bits(1)  # seq_tier
    across, down = bits.bits(4) + 1, bits.bits(4) + 1
    sized = (bits.bits(across) + 1, bits.bits(down) + 1)
    plain &= not bits.bits(1)  # frame_id_numbers_present_flag
    bits.bits(3 + 4)
    ordered = bits.bits(1)
    if ordered:
        bits.bits(2)
    # Both are chosen by each frame, so that its header reads the same whatever came before.
    plain &= bits.bits(2) == 3
    if ordered:
        bits.bits(3)
    plain &= not bits.bits(1)  # enable_superres
    bits.bits(2)
    plain &= not bits.bits(2)  # high_bitdepth, mono_chrome
    if bits.bits(1):
        plain &= (bits.bits(8), bits.bits(8), bits.bits(8)) != _RGB
    bits.bits(1 + 2 + 1)  # color_range, chroma_sample_position, separate_uv_delta_q
    plain &= not bits.bits(1)  # film_grain_params_present
    if not plain or not like(sized[0], width) or not like(sized[1], height):
        raise unlike()


def _check_frame(bits: Bits, key: bool) -> None:
    """Read a frame header up to frame_size_override_flag (5.9.2)."""
    existing, kind, shown = bits.bits(1), bits.bits(2), bits.bits(1)
    if existing or not shown or kind not in ((_KEY,) if key else (_KEY, _INTER)):
        raise unlike()
    if kind != _KEY:
        bits.bits(1)  # error_resilient_mode
    bits.bits(1)  # disable_cdf_update
    if bits.bits(1):  # allow_screen_content_tools
        bits.bits(1)  # force_integer_mv
    if bits.bits(1):  # frame_size_override_flag
        raise unlike()
