"""Acknowledging: when acknowledgements leave, sooner or later than the usual delay.

A delay saves packets while several arrive; of a burst the sender wants to know early, as it sees losses and has room
again by acknowledgements. Nobody waits to see feedback acknowledged: that may ride with the next datagram. So may what
comes alone on a stream, such as a key: its answer is on its way soon, and until then a mere acknowledgement would keep
processors busy that have a picture to make.
"""

from __future__ import annotations

from avl_protocol.quic.payload import Payload

#: An acknowledgement leaves at once when so many packets wait for one.
ACK_EVERY = 32
#: Bytes of what counts as one packet.
USUAL = 1200
#: Seconds that the acknowledgement of feedback may wait for a datagram to ride with: what peers reckon with at most
#: (RFC 9000, section 18.2, max_ack_delay).
FEEDBACK_ACK_DELAY = 0.025
#: The same of what comes alone on a stream, which is sent again when nothing is heard: well before that.
ALONE_ACK_DELAY = 0.015


class Acknowledging:
    """Counts the packets of application data that wait for an acknowledgement. `delay`: how long they usually may, in
    seconds."""

    __slots__ = ("_delay", "_received_at", "_waiting")

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received_at = float("-inf")
        self._waiting = 0

    @property
    def due(self) -> bool:
        """Whether so many wait that one should leave now."""
        return self._waiting >= ACK_EVERY

    def received(self, kind: Payload, size: int, now: float) -> float:
        """A packet of `size` bytes arrived that asks for one: within how many seconds it should leave at the latest. A
        large packet counts as the small ones that it stands for: its sender has room again by its acknowledgement."""
        self._waiting += max(1, size // USUAL)
        before, self._received_at = self._received_at, now
        if kind is Payload.PIECES and now - before > self._delay:
            return max(self._delay, ALONE_ACK_DELAY)
        return max(self._delay, FEEDBACK_ACK_DELAY) if kind is Payload.FEEDBACK else self._delay

    def sent(self) -> None:
        """One has left, for all of them."""
        self._waiting = 0
