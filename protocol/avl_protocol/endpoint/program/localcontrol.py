"""Local control: how a command on this machine asks a program of the same user that runs already.

A Unix socket in the program's state folder, which only its user and root can reach. Requests and answers are JSON
objects, one a line, one answer to each request in order. This file has the lines and the asking side, which blocks and
needs no event loop, so that a short command starts quickly; localserver.py has the answering side.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Bytes of the longest line, its end not counted: a clipboard of the largest size fits, however JSON writes it.
MAX_LINE = 1 << 23
#: Seconds that an answer may take, unless the caller says otherwise.
PATIENCE = 5.0
#: Longest path of a socket that every system takes, in bytes; a longer one is reached through its folder (Linux).
_LONGEST = 103
#: Who may do anything anyway.
ROOT = 0


class ControlError(Exception):
    """No answer, or not one that can be read; the text says what to do."""


class NobodyThere(ControlError):
    """No program answers at the socket."""


class Lines:
    """Bytes as they arrive into JSON objects. Raises ControlError for what is none, or too long."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The objects that are complete now; those ahead of an error come first."""
        self._kept += data
        while (end := self._kept.find(b"\n")) >= 0:
            line = bytes(self._kept[:end])
            del self._kept[: end + 1]
            yield _decode(line)
        if len(self._kept) > MAX_LINE:
            raise ControlError("a line is too long")


def _decode(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise ControlError("a line is too long")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise ControlError("a line is not JSON") from None
    if not isinstance(found, dict):
        raise ControlError("a line is no JSON object")
    return found


def encode(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name of the socket at `path` that is short enough to bind or connect to, while the block lasts. Raises
    OSError."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer_user(connection: socket.socket) -> int | None:
    """The user id of who is at the other end; None where the system does not say (there the mode of socket and folder
    decides alone)."""
    kind = getattr(socket, "SO_PEERCRED", None)
    if kind is None:
        return None
    found: tuple[int, int, int] = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, kind, 12))
    return found[1]


def ask(path: Path, request: dict[str, Any], patience: float = PATIENCE, *, of_anybody: bool = False) -> dict[str, Any]:
    """The answer of the program whose socket is at `path`, within `patience` seconds. `of_anybody`: root may ask the
    program of another user, where the request tells nothing.

    Raises NobodyThere when none runs, ControlError for an answer of `{"error": TEXT}`, one that can't be read, or none.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        try:
            with reachable(path) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NobodyThere(f"nobody answers at {path}") from None
        except OSError as error:
            raise ControlError(f"can't reach {path}: {error.strerror or error}") from None
        if peer_user(connection) not in (os.getuid(), None) and not (of_anybody and os.getuid() == ROOT):
            raise ControlError(f"{path} belongs to another user's program; it was not asked")
        lines = Lines()
        try:
            connection.sendall(encode(request))
            answer = None
            while answer is None:
                data = connection.recv(65536)
                if not data:
                    raise ControlError("the program ended before it answered")
                answer = next(lines.feed(data), None)
        except TimeoutError:
            raise ControlError(f"no answer within {patience:g} s") from None
        except (ConnectionResetError, BrokenPipeError):
            # It left without having read the request: an end that was read to there is no reset.
            raise NobodyThere(f"no answer: the program at {path} has just ended") from None
        except OSError as error:
            raise ControlError(f"no answer: {error.strerror or error}") from None
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    return answer
