"""PathMtu: how large a packet the path carries, found by probes (RFC 8899; RFC 9000, section 14.3).

Only bulk streams ask for it: a packet costs about as much to make, to send and to read whatever its size, and where
nobody waits for the parts of a file, few large packets carry it at a fraction of the work. Sizes are tried from the
largest down, since one that the own network card can't send costs nothing: the system refuses it at once. A path that
stops carrying what it carried takes small packets again at the first doubt, and is then asked anew: to be wrong costs a
round trip.
"""

from __future__ import annotations

import math

#: What every path carries, and what a new one begins with (RFC 9000, section 14).
BASE = 1200
#: Bytes of a UDP payload that are tried: what MTUs of 65,536 (loopback), 16,384 (loopback of macOS), 9,000, 1,500 and
#: 1,420 (tunnels) leave beside headers of IPv6 and UDP.
SIZES = (65_488, 16_336, 8_952, 1_452, 1_372)
#: What a peer takes that says nothing else (RFC 9000, section 18.2).
LARGEST = 65_527
#: Bytes of bulk after which a path is asked: less is soon over.
WORTH = 64 << 10
#: Probes of one size that have to be lost (RFC 8899, section 5.1.2: MAX_PROBES).
TRIES = 3
#: Large packets that have to be lost one after the other, smaller ones behind them having arrived, before the path
#: is taken for one that swallows them.
LOST = 3
#: Seconds until larger packets are tried again (RFC 8899, section 5.1.1: PMTU_RAISE_TIMER).
AGAIN = 600.0


class PathMtu:
    """The search on one path. `size`: bytes of a UDP payload that a bulk packet may have now."""

    __slots__ = (
        "_again",
        "_carried",
        "_enabled",
        "_largest",
        "_left",
        "_lost",
        "_newest",
        "_probing",
        "_round",
        "_tried",
        "size",
    )

    def __init__(self) -> None:
        self._enabled = False
        self._largest = LARGEST
        self._round = 0
        self._newest = 0
        self.size = BASE
        self.begin_path()

    def enable(self) -> None:
        """What is too large for the path is lost, and not divided: it can be measured."""
        self._enabled = True

    def limit(self, largest: int) -> None:
        """The peer takes no larger payloads (max_udp_payload_size)."""
        self._largest = largest
        self.begin_path()

    def begin_path(self) -> None:
        """Another path, of which nothing is known."""
        self._carried = 0
        self._search(SIZES)

    def _search(self, sizes: tuple[int, ...]) -> None:
        """Begin with small packets, and try these sizes."""
        self.size = BASE
        self._left = [size for size in sizes if BASE < size <= self._largest]
        self._tried = self._lost = 0
        self._again = math.inf
        self._probing = False
        self._round += 1

    def carried(self, size: int) -> None:
        """So many bytes of bulk have left."""
        self._carried += size

    def probe(self, now: float) -> int | None:
        """The size of a probe to send now; None: there is none to send."""
        if not self._enabled or self._probing or self._carried < WORTH:
            return None
        if now >= self._again:
            self._again = math.inf
            self._left = [size for size in SIZES if self.size < size <= self._largest]
        return self._left[0] if self._left else None

    def probing(self) -> int:
        """The probe has left; what `answered` is to be told with its fate."""
        self._probing = True
        return self._round

    def answered(self, probe: int, size: int, arrived: bool, number: int, now: float) -> None:
        """What became of a probe of this size; `number`: of the next packet to leave."""
        if probe != self._round:
            return  # of another path, or of before a doubt
        self._probing = False
        if arrived:
            self.size, self._newest, self._lost, self._left = size, number, 0, []
        else:
            self._tried += 1
            if self._tried < TRIES:
                return
            del self._left[0]
        self._tried = 0
        if not self._left and any(self.size < larger <= self._largest for larger in SIZES):
            self._again = now + AGAIN

    def refused(self, size: int, now: float) -> None:
        """This machine's own network card takes no packet of this size: that is known without waiting."""
        if size <= BASE:
            return
        if size <= self.size:
            self._search(tuple(smaller for smaller in SIZES if smaller < size))
        else:
            self._left = [smaller for smaller in self._left if smaller < size]
            self._tried = 0
            self._probing = False
            self._round += 1  # what becomes of the probe says nothing more
        if not self._left:
            self._again = now + AGAIN

    def arrived(self, number: int) -> None:
        """A packet larger than BASE was acknowledged."""
        if number >= self._newest:
            self._newest, self._lost = number, 0

    def lost(self, number: int, *, silence: bool) -> None:
        """A packet larger than BASE was lost; with `silence` nothing at all was acknowledged in time."""
        if self.size == BASE or number < self._newest:
            return
        self._lost += 1
        if silence or self._lost >= LOST:
            self._search(tuple(size for size in SIZES if size <= self.size))
