"""VP9's bounds: the uncompressed header of the one frame that an object holds (VP9 Bitstream & Decoding Process
Specification, 6.2 and annex B; spec 05-media, 5.3).

A frame does not say where it ends, and some decoders take what follows for another one. So the superframe index at the
end of the object, which names this one frame alone, is required, and no decoder looks any further.
"""

from __future__ import annotations

from avl_protocol.media.bits import Bits, like, unlike
from avl_protocol.media.frame import Chroma
from avl_protocol.wire.registry import MAX_PICTURE_REFERENCES

#: Profiles of 8 bits by chroma.
PROFILES = {Chroma.YUV420: 0, Chroma.YUV444: 1}
#: Bytes that are read of a frame: its uncompressed header takes less up to the size.
_HEADER = 32
_MARKER, _SYNC_CODE, _RGB = 2, 0x498342, 7
#: Slots that later frames may fill; the others keep the key frame.
_FILLED = (1 << MAX_PICTURE_REFERENCES) - 1


def indexed(frame: bytes) -> bytes:
    """A frame with the superframe index that names it alone."""
    length = max(1, (len(frame).bit_length() + 7) // 8)
    marker = bytes((0xC0 | (length - 1) << 3,))
    return frame + marker + len(frame).to_bytes(length, "little") + marker


def check(unit: bytes, width: int, height: int, chroma: Chroma, key: bool) -> None:
    """Look at the header of an object's frame. Raises RemoteProtocolError where it is not what was announced."""
    bits = Bits(_only_frame(unit)[:_HEADER])
    if bits.bits(2) != _MARKER or bits.bits(1) | bits.bits(1) << 1 != PROFILES[chroma]:
        raise unlike()
    if bits.bits(1):  # show_existing_frame: no frame of ours
        raise unlike()
    inter, shown, resilient = bits.bits(1), bits.bits(1), bits.bits(1)
    if not shown or (key and inter):
        raise unlike()
    if inter:
        _check_inter(bits, width, height, bool(resilient))
    else:
        _check_key(bits, width, height, chroma)


def _only_frame(unit: bytes) -> bytes:
    """The frame without its superframe index."""
    marker = unit[-1] if unit else 0
    length = (marker >> 3 & 3) + 1
    size = len(unit) - length - 2
    if (
        marker & 0xE7 != 0xC0
        or size < 1
        or unit[size] != marker
        or int.from_bytes(unit[size + 1 : -1], "little") != size
    ):
        raise unlike()
    return unit[:size]


def _check_key(bits: Bits, width: int, height: int, chroma: Chroma) -> None:
    if bits.bits(24) != _SYNC_CODE or bits.bits(3) == _RGB:
        raise unlike()
    bits.bits(1)  # color_range
    if chroma is Chroma.YUV444 and bits.bits(3):  # subsampled across, down; reserved
        raise unlike()
    _check_size(bits, width, height, sized=True)


def _check_inter(bits: Bits, width: int, height: int, resilient: bool) -> None:
    if not resilient:
        bits.bits(2)  # reset_frame_context
    if bits.bits(8) & ~_FILLED:
        raise unlike()
    bits.bits(12)  # three references and their signs
    # A size taken over from a reference is that of the group: a key frame fills every slot.
    _check_size(bits, width, height, sized=not (bits.bits(1) or bits.bits(1) or bits.bits(1)))


def _check_size(bits: Bits, width: int, height: int, sized: bool) -> None:
    if sized and not (like(bits.bits(16) + 1, width) and like(bits.bits(16) + 1, height)):
        raise unlike()
    if bits.bits(1):  # render_and_frame_size_different
        raise unlike()
