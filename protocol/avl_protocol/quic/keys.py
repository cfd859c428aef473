"""KeyUpdate: when the keys of a connection have protected enough packets (RFC 9001, section 6.6)."""

from __future__ import annotations


class KeyUpdate:
    """Counts the packets sent under one key, of which there may be `after`."""

    __slots__ = ("_after", "_began")

    def __init__(self, after: int) -> None:
        self._after = after
        self._began = 0

    def take(self, packets: int) -> bool:
        """Whether the key should be changed now that so many packets were sent in all; True once a key."""
        if packets - self._began < self._after:
            return False
        self._began = packets
        return True
