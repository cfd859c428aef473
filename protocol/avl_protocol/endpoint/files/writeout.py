"""Write-out: has the system begin to bring a file to the disk, without waiting for it.

To wait for many small files one by one costs a commit of the file system each. Where all of them are on their way
first, one commit is mostly that of all; whether the disk flushes its cache for each nevertheless is the file system's
affair.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

#: SYNC_FILE_RANGE_WRITE (sync_file_range(2)).
_WRITE = 2


def _found() -> Callable[[int], object]:
    if sys.platform == "linux":
        call = getattr(ctypes.CDLL(None), "sync_file_range", None)
        if call is not None:
            call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
            return lambda handle: call(handle, 0, 0, _WRITE)
    return lambda handle: None


#: Begins it for an open file. Where the system has no such call, or refuses it, nothing happens: who needs the file on
#: the disk waits for it anyway (fsync).
write_out = _found()
