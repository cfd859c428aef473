"""MediaKeyring: the keys of one media session, one sequence for all of its tracks (spec 06-security, 6.4).

Keys change in steps that begin exactly at a key object: a joiner gets the next step, so that it can't read what was
sent before; an eviction draws a new generation. Each track takes the newest key up at its own next key object.
"""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.crypto.sframe import MAX_STEP, MediaKey


class MediaKeyring:
    """`newest` is the key that the next key object of any track begins with."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._used = True
        self.newest = MediaKey(1, 0, entropy(32))

    def join(self) -> MediaKey:
        """The key for somebody admitted now. It takes effect at each track's next key object, which the caller asks
        for; several who come before the first of these share it."""
        if self._used:
            if self.newest.step < MAX_STEP:
                self._next(self.newest.ratchet())
            else:
                self.renew()
        return self.newest

    def renew(self) -> MediaKey:
        """A fresh generation after an eviction; it takes effect as that of `join` does."""
        self._next(MediaKey(self.newest.generation + 1, 0, self._entropy(32)))
        return self.newest

    def begin(self) -> MediaKey:
        """A track begins a group: what it is sealed with from now on."""
        self._used = True
        return self.newest

    def _next(self, key: MediaKey) -> None:
        self.newest, self._used = key, False
