"""SideData: bytes that travel beside a frame into libav's encoders, and tell them more than its pixels do.

PyAV can't attach side data; libav's own functions can, and need the frame's address, which is used only where reading
through it gives the frame's known size.
"""

from __future__ import annotations

import ctypes

import av
from av.video.frame import VideoFrame

from avl_host.encode.options import KNOWN_VERSIONS, libavutil

_POINTER_AT = 24
#: Where an AVFrame of libavutil 60 holds its width and height: behind data, linesize and extended_data.
_SIZE_AT = 104
#: Kinds that are looked through for a name.
_KINDS = range(40)


class _SideData(ctypes.Structure):
    """The beginning of AVFrameSideData."""

    _fields_ = (("type", ctypes.c_int), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


class SideData:
    """Attaches side data of one kind to frames."""

    def __init__(self, library: ctypes.CDLL, kind: int) -> None:
        self._library = library
        self._kind = kind

    def attach(self, frame: VideoFrame, content: bytes) -> None:
        """Let `content` travel with the frame in place of what did before; nothing if it is empty."""
        address = ctypes.c_void_p.from_address(id(frame) + _POINTER_AT).value
        if not address or tuple((ctypes.c_int * 2).from_address(address + _SIZE_AT)) != (frame.width, frame.height):
            return
        self._library.av_frame_remove_side_data(address, self._kind)
        if content:
            side = self._library.av_frame_new_side_data(address, self._kind, len(content))
            if side:
                ctypes.memmove(_SideData.from_address(side).data, content, len(content))


def side_data(name: bytes, version: str = av.__version__) -> SideData | None:
    """The kind that libav calls `name`; None where it can't be attached safely."""
    library = libavutil()
    if version not in KNOWN_VERSIONS or library is None:
        return None
    library.av_frame_side_data_name.restype = ctypes.c_char_p
    library.av_frame_side_data_name.argtypes = (ctypes.c_int,)
    library.av_frame_new_side_data.restype = ctypes.c_void_p
    library.av_frame_new_side_data.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    library.av_frame_remove_side_data.argtypes = (ctypes.c_void_p, ctypes.c_int)
    kind = next((kind for kind in _KINDS if library.av_frame_side_data_name(kind) == name), None)
    return None if kind is None else SideData(library, kind)
