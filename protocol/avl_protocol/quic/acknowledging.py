"""Acknowledging: when an acknowledgement leaves sooner than its delay would let it.

A delay saves packets while few arrive; of a burst the sender wants to know early, as it sees losses and has room again
by acknowledgements.
"""

from __future__ import annotations

#: An acknowledgement leaves at once when so many packets wait for one.
ACK_EVERY = 16


class Acknowledging:
    """Counts the packets of application data that wait for an acknowledgement."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting = 0

    @property
    def due(self) -> bool:
        """Whether so many wait that one should leave now."""
        return self._waiting >= ACK_EVERY

    def received(self) -> None:
        """A packet arrived that asks for one."""
        self._waiting += 1

    def sent(self) -> None:
        """One has left, for all of them."""
        self._waiting = 0
