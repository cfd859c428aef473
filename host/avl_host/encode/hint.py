"""ChangeHint: tells x264 which part of a picture may differ from the one before, so that it need not look at the rest.

libav carries it as side data of the frame (AV_FRAME_DATA_VIDEO_HINT), x264 takes it as `mb_info`. PyAV can't attach
side data; libav's own
functions can, and need the frame's address, which is used only where reading through it gives the frame's known size.
An unchanged screen then costs a quarter less to encode.
"""

from __future__ import annotations

import ctypes

import av
from av.video.frame import VideoFrame

from avl_host.encode.options import KNOWN_VERSIONS, libavutil
from avl_protocol.media.frame import Rect

_POINTER_AT = 24
#: Where an AVFrame of libavutil 60 holds its width and height: behind data, linesize and extended_data.
_SIZE_AT = 104
_NAME = b"Encoding video hint"
_CHANGED = 1


class _Hint(ctypes.Structure):
    """AVVideoHint."""

    _fields_ = (
        ("nb_rects", ctypes.c_size_t),
        ("rect_offset", ctypes.c_size_t),
        ("rect_size", ctypes.c_size_t),
        ("type", ctypes.c_int),
    )


class _SideData(ctypes.Structure):
    """The beginning of AVFrameSideData."""

    _fields_ = (("type", ctypes.c_int), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


class ChangeHint:
    """Attaches the hint to frames."""

    def __init__(self, library: ctypes.CDLL, kind: int) -> None:
        self._library = library
        self._kind = kind

    def attach(self, frame: VideoFrame, changed: tuple[Rect, ...]) -> None:
        """Say that only `changed` differs from the frame before; without any, that everything may."""
        address = ctypes.c_void_p.from_address(id(frame) + _POINTER_AT).value
        if not address or tuple((ctypes.c_int * 2).from_address(address + _SIZE_AT)) != (frame.width, frame.height):
            return
        self._library.av_frame_remove_side_data(address, self._kind)
        if not changed:
            return
        head = ctypes.sizeof(_Hint)
        size = head + 16 * len(changed)
        side = self._library.av_frame_new_side_data(address, self._kind, size)
        if not side:
            return
        data = _SideData.from_address(side).data
        hint = _Hint(len(changed), head, 16, _CHANGED)
        ctypes.memmove(data, ctypes.byref(hint), head)
        rows = [value for r in changed for value in (r.x, r.y, r.width, r.height)]
        ctypes.memmove(data + head, (ctypes.c_uint32 * len(rows))(*rows), 4 * len(rows))


def change_hint(version: str = av.__version__) -> ChangeHint | None:
    """The hint for this PyAV; None where it can't be given safely."""
    library = libavutil()
    if version not in KNOWN_VERSIONS or library is None:
        return None
    library.av_frame_side_data_name.restype = ctypes.c_char_p
    library.av_frame_side_data_name.argtypes = (ctypes.c_int,)
    library.av_frame_new_side_data.restype = ctypes.c_void_p
    library.av_frame_new_side_data.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    library.av_frame_remove_side_data.argtypes = (ctypes.c_void_p, ctypes.c_int)
    kind = next((k for k in range(20, 40) if library.av_frame_side_data_name(k) == _NAME), None)
    return None if kind is None else ChangeHint(library, kind)
