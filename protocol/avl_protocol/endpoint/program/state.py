"""A program's state folder: its secret key, what it must remember, and the ready file that scripts wait for."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avl_protocol.crypto.identity import Identity

_IDENTITY = "identity.key"


class StateError(Exception):
    """The folder can't be used; the text says what to do."""


class StateFolder:
    """Files only their owner can read, each written whole or not at all. Raises StateError, also for a folder that
    another user could have put something into.

    `tell` is for a person: what could not be written while the program runs.
    """

    def __init__(self, path: Path, tell: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._tell = tell or logging.getLogger("avl").warning
        self._failing: set[str] = set()
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            status = path.stat()
        except OSError as error:
            raise StateError(
                f"can't make the state folder {path}: {error.strerror}; choose another with --state"
            ) from None
        _own(status, f"the state folder {path}")
        if os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise StateError(f"others can write in the state folder {path}: look what is in it, then chmod 700 {path}")

    def identity(self, entropy: Callable[[int], bytes]) -> Identity:
        """The device's identity, made at the first start."""
        seed = self.read(_IDENTITY)
        if seed is None:
            seed = entropy(32)
            self.write(_IDENTITY, seed)
        if len(seed) != 32:
            raise StateError(f"{self.path / _IDENTITY} is damaged: restore it, or delete it to become a new device")
        return Identity(seed)

    def new_identity(self, entropy: Callable[[int], bytes]) -> tuple[Identity, Path | None]:
        """Become another device: its identity, and where the old key is kept, if there was one. Raises StateError."""
        old, kept = self.read(_IDENTITY), None
        if old is not None:
            kept = next(
                place
                for number in itertools.count(1)
                if not (place := self.path / f"{_IDENTITY}.old-{number}").exists()
            )
            write_whole(kept, old)
        seed = entropy(32)
        self.write(_IDENTITY, seed)
        return Identity(seed), kept

    def read(self, name: str) -> bytes | None:
        """A file's content, None when there is none. Raises StateError when others could have read or made it."""
        file = self.path / name
        try:
            with file.open("rb") as stream:
                status = os.fstat(stream.fileno())
                data = stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"can't read {file}: {error.strerror}") from None
        _own(status, str(file))
        if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StateError(f"others can read {file}; if that is no accident make a new one, else: chmod 600 {file}")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Replace a file at once, readable by its owner only. Raises StateError."""
        write_whole(self.path / name, data)

    def keep(self, name: str, data: bytes, costs: str) -> bool:
        """Write while the program runs, whether or not that works; True when it did. `costs` ends the sentence that a
        person is told when it first does not: what follows from it."""
        try:
            self.write(name, data)
        except StateError as error:
            if name not in self._failing:
                self._failing.add(name)
                self._tell(f"{error}: {costs}")
            return False
        if name in self._failing:
            self._failing.discard(name)
            self._tell(f"{self.path / name} can be written again")
        return True


def _own(status: os.stat_result, what: str) -> None:
    """Raise StateError for what belongs to another user: it could have been put there for us to use."""
    if os.name != "posix" or status.st_uid == os.geteuid():
        return
    if os.geteuid() == 0:
        raise StateError(
            f"{what} belongs to {_user(status.st_uid)}, and this runs as root: run it without sudo, or give root a "
            "folder of its own with --state"
        )
    raise StateError(
        f"{what} belongs to {_user(status.st_uid)}, so that another could have chosen what is in it: choose another "
        "folder with --state, or, if it was made by 'sudo' and is yours, chown it to you"
    )


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def write_whole(file: Path, data: bytes) -> None:
    """Write a file of mode 0600 by rename; nothing is left behind where that fails. Raises StateError."""
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise StateError(f"can't write {file}: {error.strerror}") from None


def write_ready(file: Path | None, content: dict[str, Any]) -> None:
    """Write a ready file: one JSON object."""
    if file is not None:
        write_whole(file, json.dumps(content).encode() + b"\n")
