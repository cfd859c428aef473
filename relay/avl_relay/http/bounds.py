"""Where requests may have bodies, and how large: below the API alone, and small."""

from __future__ import annotations

#: The part of the application that takes bodies and changes things.
API = "/api/"
#: Bytes of a body: forty statements, or a list of a thousand ids.
BODY = 64 << 10
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))


def takes_bodies(path: str) -> bool:
    """Whether something there reads a body."""
    return path.startswith(API)
