"""Pixels that the X server writes and we read: a System V segment attached through MIT-SHM.

The segment is marked for removal as soon as the server has it, so that nothing is left behind however the host ends.
It stays mapped here for as long as an array over it lives.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
_libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = (ctypes.c_void_p,)

_IPC_PRIVATE, _IPC_CREAT, _IPC_RMID = 0, 0o1000, 0
_FAILED = ctypes.c_void_p(-1).value


class SharedPixels:
    """A BGRX picture shared with an X server: `pixels` is uint8, shape (height, width, 4); `segment` names it to the
    server.

    Raises OSError when the system gives no shared memory, xcffib.Error when the server cannot attach it (it runs
    elsewhere).
    """

    def __init__(self, connection: Any, extension: Any, width: int, height: int) -> None:
        size = width * height * 4
        number = _libc.shmget(_IPC_PRIVATE, size, _IPC_CREAT | 0o600)
        if number < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            address = _libc.shmat(number, None, 0)
            if address == _FAILED:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            memory = (ctypes.c_uint8 * size).from_address(address)
            weakref.finalize(memory, _libc.shmdt, address)
            self.segment: int = connection.generate_id()
            extension.Attach(self.segment, number, False, is_checked=True).check()
        finally:
            _libc.shmctl(number, _IPC_RMID, None)
        self.pixels: NDArray[np.uint8] = np.frombuffer(memoryview(memory), np.uint8).reshape(height, width, 4)
        self._extension = extension

    def detach(self) -> None:
        """Tell the server to let go of the segment. The memory goes when the last array over it does."""
        self._extension.Detach(self.segment)
