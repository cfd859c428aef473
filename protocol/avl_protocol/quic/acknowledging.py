"""Acknowledging: when acknowledgements leave, sooner or later than the usual delay.

A delay saves packets while few arrive; of a burst the sender wants to know early, as it sees losses and has room again
by acknowledgements. Nobody waits to see feedback acknowledged: that may ride with the next datagram.
"""

from __future__ import annotations

from avl_protocol.quic.payload import Payload

#: An acknowledgement leaves at once when so many packets wait for one.
ACK_EVERY = 16
#: Seconds that the acknowledgement of feedback may wait for a datagram to ride with: what peers reckon with at most
#: (RFC 9000, section 18.2, max_ack_delay).
FEEDBACK_ACK_DELAY = 0.025


class Acknowledging:
    """Counts the packets of application data that wait for an acknowledgement. `delay`: how long they usually may, in
    seconds."""

    __slots__ = ("_delay", "_waiting")

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._waiting = 0

    @property
    def due(self) -> bool:
        """Whether so many wait that one should leave now."""
        return self._waiting >= ACK_EVERY

    def received(self, kind: Payload) -> float:
        """A packet arrived that asks for one: within how many seconds it should leave at the latest."""
        self._waiting += 1
        return max(self._delay, FEEDBACK_ACK_DELAY) if kind is Payload.FEEDBACK else self._delay

    def sent(self) -> None:
        """One has left, for all of them."""
        self._waiting = 0
