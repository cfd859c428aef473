"""None, True, False and NotImplemented, kept from being freed by Qt's binding on Python 3.11.

Shiboken (6.12) is built for the stable ABI as if these were immortal, which they are since Python 3.12 (PEP 683). On
3.11 each call into Qt that gives None or a truth value back takes a reference away that it never had: some for each
movement of the mouse and each picture. After minutes of use none is left, and the interpreter aborts.
"""

from __future__ import annotations

import ctypes
import sys

#: More references than a window will ever lose; what is added to it doesn't reach the end of 64 bits.
PLENTY = 1 << 60


def keep() -> None:
    """Give each of them references enough; where they are immortal nothing is done. Idempotent."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython" or hasattr(sys, "gettotalrefcount"):
        return  # a debug build has other fields before the count
    for one in (None, True, False, NotImplemented):
        count = ctypes.c_ssize_t.from_address(id(one))
        count.value = max(count.value, PLENTY)
