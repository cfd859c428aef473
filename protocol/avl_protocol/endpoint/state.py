"""A program's state folder: its secret key, what it must remember, and the ready file that scripts wait for."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avl_protocol.crypto.identity import Identity


class StateError(Exception):
    """The folder can't be used; the text says what to do."""


class StateFolder:
    """Files only their owner can read, each written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(
                f"can't make the state folder {path}: {error.strerror}; choose another with --state"
            ) from None

    def identity(self, entropy: Callable[[int], bytes]) -> Identity:
        """The device's identity, made at the first start."""
        seed = self.read("identity.key")
        if seed is None:
            seed = entropy(32)
            self.write("identity.key", seed)
        if len(seed) != 32:
            raise StateError(
                f"{self.path / 'identity.key'} is damaged: restore it, or delete it to become a new device"
            )
        return Identity(seed)

    def read(self, name: str) -> bytes | None:
        """A file's content, None when there is none. Raises StateError when others could have read or changed it."""
        file = self.path / name
        try:
            mode = file.stat().st_mode
            data = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"can't read {file}: {error.strerror}") from None
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StateError(f"others can read {file}; if that is no accident make a new one, else: chmod 600 {file}")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Replace a file at once, readable by its owner only."""
        write_whole(self.path / name, data)


def write_whole(file: Path, data: bytes) -> None:
    """Write a file of mode 0600 by rename. Raises StateError."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError as error:
        raise StateError(f"can't write {file}: {error.strerror}") from None


def write_ready(file: Path | None, content: dict[str, Any]) -> None:
    """Write a ready file: one JSON object."""
    if file is not None:
        write_whole(file, json.dumps(content).encode() + b"\n")
