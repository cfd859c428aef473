"""Options of an open encoder, changed by their public names.

PyAV lets only the bit rate of an open encoder be changed. libav's own av_opt_set_int takes any number by name; what it
needs is the address of the codec context, which lies behind PyAV's object at a place that is not public. So it is
used only where that place is known and a value read through it is the value just written through PyAV; elsewhere the
caller does without.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

#: Versions of PyAV whose context object was looked at: PyObject head (16 bytes), method table (8), then the pointer.
KNOWN_VERSIONS = frozenset({"18.1.0"})
_POINTER_AT = 24
_SEARCH_CHILDREN = 1


class LiveOptions:
    """The options of one codec context, open or not."""

    def __init__(self, context: VideoCodecContext, library: ctypes.CDLL, address: int) -> None:
        # The context is kept so that the address stays valid.
        self._context = context
        self._library = library
        self._address = address

    def set_int(self, name: str, value: int) -> bool:
        """Set a number by name; False when libav refuses."""
        return bool(self._library.av_opt_set_int(self._address, name.encode(), value, _SEARCH_CHILDREN) == 0)

    def get_int(self, name: str) -> int | None:
        """Read a number by name; None when libav has no such option."""
        value = ctypes.c_int64()
        found = self._library.av_opt_get_int(self._address, name.encode(), _SEARCH_CHILDREN, ctypes.byref(value))
        return value.value if found == 0 else None


def live_options(context: VideoCodecContext, version: str = av.__version__) -> LiveOptions | None:
    """The options of a codec context whose `bit_rate` was set; None where they cannot be reached safely."""
    library = libavutil()
    if version not in KNOWN_VERSIONS or library is None:
        return None
    address = ctypes.c_void_p.from_address(id(context) + _POINTER_AT).value
    if not address:
        return None
    options = LiveOptions(context, library, address)
    return options if options.get_int("b") == context.bit_rate else None


def libavutil() -> ctypes.CDLL | None:
    """The libavutil that PyAV itself has loaded; None where it is not found beside the package."""
    packages = Path(av.__file__).parent.parent
    for folder in (packages / "av.libs", packages / "av" / ".dylibs"):
        for path in sorted(folder.glob("libavutil*")):
            library = ctypes.CDLL(str(path))
            library.av_opt_set_int.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int)
            library.av_opt_get_int.argtypes = (
                ctypes.c_void_p,
                ctypes.c_char_p,
                ctypes.c_int,
                ctypes.POINTER(ctypes.c_int64),
            )
            return library
    return None
