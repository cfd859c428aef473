"""Lists of files on a clipboard: as file managers have them, and as they travel (spec 04-session, 4.7).

File managers name files by URIs (text/uri-list, RFC 2483) under two targets. What travels is paths at the host, a line
each: a URI of one machine means nothing, or something else, at another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes, urlsplit

from avl_protocol.wire.clipformats import GNOME, URIS
from avl_protocol.wire.registry import MAX_FILE_PATH, MAX_FILE_SOURCES

#: The first line of what GNOME's file manager writes: what is to become of the originals.
_ACTS = ("copy", "cut")
_DRIVE = re.compile(r"/[A-Za-z]:")


def paths_of(data: bytes) -> tuple[str, ...]:
    """The files of this machine that a list of a file manager names, each once; what is no file of it, or has no path
    in UTF-8, is left out, and what is beyond FILE_SOURCES."""
    found: dict[str, None] = {}
    for line in data.rstrip(b"\0").decode("utf-8", "replace").splitlines():
        path = "" if line in _ACTS or line.startswith("#") else _path_of(line)
        if path:
            found.setdefault(path)
    return tuple(found)[:MAX_FILE_SOURCES]


def _path_of(uri: str) -> str:
    try:
        parts = urlsplit(uri.strip())
        path = unquote_to_bytes(parts.path).decode()
    except ValueError:  # what is no URI, or no UTF-8
        return ""
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not path.startswith("/"):
        return ""
    return path[1:] if _DRIVE.match(path) else path


def uris_of(paths: Iterable[str], target: str = URIS) -> bytes:
    """The list of these files, whose paths are whole, as a file manager wants it under a target."""
    uris = [f"file://{quote(path if path.startswith('/') else f'/{path}', safe='/:')}" for path in paths]
    if target == GNOME:
        return "\n".join((_ACTS[0], *uris)).encode()
    return "".join(f"{uri}\r\n" for uri in uris).encode()


def told(paths: Iterable[str]) -> bytes:
    """The paths as they travel. What has control characters in its name does not: it could not be made anywhere."""
    return "\n".join(path for path in paths if not _controls(path)).encode("utf-8", "replace")


def listed(data: bytes) -> tuple[str, ...]:
    """The paths that have travelled, each once; what is none is left out (R-SESS-302)."""
    found = dict.fromkeys(data.decode("utf-8", "replace").split("\n"))
    fit = (path for path in found if path and len(path.encode()) <= MAX_FILE_PATH and not _controls(path))
    return tuple(fit)[:MAX_FILE_SOURCES]


def _controls(path: str) -> bool:
    return any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in path)
