"""Lock: one relay uses a file of SQLite. Its processes share it; a second relay is refused, and so is who would put
another database in its place meanwhile."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from avl_relay.control.settings import ControlSettings

#: The name of the default store in the state folder (store/engine.py).
FILE = "relay.db"


def file_of(settings: ControlSettings) -> Path | None:
    """The store's file, where it is one."""
    if settings.database is None:
        return settings.state / FILE
    return None if "://" in settings.database else Path(settings.database)


@contextlib.contextmanager
def held(path: Path | None) -> Iterator[None]:
    """Use a store alone, as long as this lasts. Raises BlockingIOError with a sentence; other OSErrors as they come."""
    if path is None:
        yield
        return
    lock = path.with_name(path.name + ".lock")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}, where the database {path.name} would be")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # where there is none, SQLite's own locks keep the file whole
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(
            f"another relay uses {path}: end that one, give this one another --state or --database, or let both use "
            "one PostgreSQL"
        ) from None
