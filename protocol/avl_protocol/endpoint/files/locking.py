"""Locking: a file that is being written belongs to one transfer of this machine, whichever program that is of."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt

    def lock(handle: int, *, shared: bool = False) -> bool:
        """Take the file; False where somebody else has it. It is let go of when the file is closed."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def lock(handle: int, *, shared: bool = False) -> bool:
        """Take the file; False where somebody else has it. It is let go of when the file is closed."""
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
