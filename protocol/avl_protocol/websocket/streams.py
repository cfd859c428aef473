"""Streams: all streams of one WebSocket, what waits on them, and how much each side may send.

A stream's credit follows what its reader has consumed: TCP holds back a connection as a whole, and one reader that
stopped must not stop the others. Both sides count a stream as over at the same place in the byte stream, so that the
limit of open streams needs no frame of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from avl_protocol.websocket.frames import CreditFrame, Frame, ResetFrame, StreamFrame
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_WEBSOCKET_CREDIT, MAX_WEBSOCKET_DATA, CloseCode

#: Streams that a client may have open, and a server: a relay has some for each viewer of a host.
MAX_OPEN, MAX_OF_SERVER = 64, 1024
#: A stream whose backlog exceeded this many bytes is reported writable when half of it has drained.
BACKLOG_LIMIT = 512 << 10
#: The same of a writer that holds back sooner, as input does (spec 4.6): it is told when so much is left.
ROOM = 4096
#: Bytes of a bulk stream in one frame: input that comes meanwhile waits for no more than that.
BULK_PIECE = 4096


@dataclass(slots=True, kw_only=True)
class Stream:
    """Both directions of one stream; sizes in bytes, counted from its beginning."""

    granted: int
    out: bytearray = field(default_factory=bytearray)
    sent: int = 0
    limit: int = MAX_WEBSOCKET_CREDIT
    finish: bool = False
    finished: bool = False
    received: int = 0
    consumed: int = 0
    ended: bool = False
    bulk: bool = False
    full: bool = False
    #: Whether more than ROOM waited.
    crowded: bool = False
    pending: bool = False

    @property
    def sendable(self) -> bool:
        """Whether a frame of it may leave."""
        if self.pending or self.finished:
            return False
        return self.sent < self.limit if self.out else self.finish


class Streams:
    """The table of one side. Raises RemoteProtocolError for what the peer may not do."""

    def __init__(self, is_client: bool, most: int | None = None) -> None:
        """`most`: streams that each side may have open, where both may have as many."""
        self._own, self._next_own, self._next_peer = (0, 0, 1) if is_client else (1, 1, 0)
        own, peers = (MAX_OPEN, MAX_OF_SERVER) if is_client else (MAX_OF_SERVER, MAX_OPEN)
        #: How many our side may have open (True), and the peer.
        self._most = {True: most or own, False: most or peers}
        self._streams: dict[int, Stream] = {}
        self._pending: deque[tuple[int, int | None]] = deque()
        self._open = [0, 0]
        self._ready: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._resets: deque[ResetFrame] = deque()
        self._credits: dict[int, None] = {}
        self._drained: dict[int, None] = {}
        #: What a reader may leave unread.
        self.window = MAX_WEBSOCKET_CREDIT

    # what the owner asks for

    def open(self) -> int:
        """A new stream of ours. Beyond the limit it waits until another is over."""
        stream, self._next_own = self._next_own, self._next_own + 2
        self._streams[stream] = Stream(granted=MAX_WEBSOCKET_CREDIT, pending=True)
        self._pending.append((stream, None))
        self._admit()
        return stream

    def send(self, stream: int, data: bytes, end: bool) -> None:
        """Queue bytes; nothing on a stream that is over. Raises LocalProtocolError behind its end."""
        found = self._streams.get(stream)
        if found is None:
            return
        if found.finish:
            raise LocalProtocolError("the stream has been ended")
        found.out += data
        found.finish = end
        found.full = found.full or len(found.out) > BACKLOG_LIMIT
        found.crowded = found.crowded or len(found.out) > ROOM
        self._sort(stream, found)

    def set_bulk(self, stream: int) -> None:
        """Let it leave after every datagram."""
        found = self._streams.get(stream)
        if found is not None and not found.bulk:
            self._ready[False].pop(stream, None)
            found.bulk = True
            self._sort(stream, found)

    def abandon(self, stream: int, code: int) -> None:
        """Forget both directions and say so."""
        found = self._streams.get(stream)
        if found is None:
            return
        if found.pending:  # the peer counts streams by their numbers: none may be left out
            place = self._pending.index((stream, None))
            self._pending[place] = (stream, code)
        else:
            self._resets.append(ResetFrame(stream, code))
        self._forget(stream)

    def consume(self, stream: int, size: int) -> None:
        """Bytes were read: they become credit, in steps of a quarter of the window."""
        found = self._streams.get(stream)
        if found is not None:
            found.consumed = min(found.received, found.consumed + size)
            self._owe(stream, found)

    def backlog(self, stream: int) -> int:
        """Bytes that have not left."""
        found = self._streams.get(stream)
        return 0 if found is None else len(found.out)

    def widen(self, window: int) -> None:
        """Let readers leave more unread from now on."""
        self.window = window
        for stream, found in self._streams.items():
            self._owe(stream, found)

    # what the peer sent

    def data_received(self, frame: StreamFrame) -> bool:
        """Count bytes; False when the stream is over and nobody wants them."""
        found = self._find(frame.stream)
        if found is None:
            return False
        if found.ended:
            raise _error("bytes behind the end of a stream")
        found.received += len(frame.data)
        if found.received > found.granted:
            raise _error("more bytes than there was credit for")
        found.ended = frame.end
        return True

    def delivered(self, stream: int) -> None:
        """The receiver has been told: a stream that ended both ways is over."""
        found = self._streams.get(stream)
        if found is not None and found.ended and found.finished:
            self._forget(stream)

    def credit_received(self, frame: CreditFrame) -> None:
        """The peer has read on."""
        found = self._find(frame.stream)
        if found is not None and frame.limit > found.limit:
            found.limit = frame.limit
            self._sort(frame.stream, found)

    def reset_received(self, frame: ResetFrame) -> bool:
        """Both directions are over; False when they were before."""
        if self._find(frame.stream) is None:
            return False
        self._forget(frame.stream)
        return True

    # what may leave

    def next_control(self) -> Frame | None:
        """A reset or credit that is due."""
        if self._resets:
            return self._resets.popleft()
        while self._credits:
            stream = next(iter(self._credits))
            del self._credits[stream]
            found = self._streams.get(stream)
            if found is not None:
                found.granted = found.consumed + self.window
                return CreditFrame(stream, found.granted)
        return None

    def next_piece(self, bulk: bool) -> StreamFrame | None:
        """Bytes of the stream whose turn it is, among those that are bulk or are not."""
        ready = self._ready[bulk]
        if not ready:
            return None
        stream = next(iter(ready))
        del ready[stream]
        found = self._streams[stream]
        size = min(BULK_PIECE if bulk else MAX_WEBSOCKET_DATA, found.limit - found.sent, len(found.out))
        data = bytes(found.out[:size])
        del found.out[:size]
        found.sent += size
        found.finished = found.finish and not found.out
        if found.full and len(found.out) <= BACKLOG_LIMIT // 2:
            found.full = False
            self._drained[stream] = None
        if found.crowded and len(found.out) <= ROOM:
            found.crowded = False
            self._drained[stream] = None
        frame = StreamFrame(stream, data, found.finished)
        if found.finished and found.ended:
            self._forget(stream)
        else:
            self._sort(stream, found)
        return frame

    @property
    def wanting(self) -> bool:
        """Whether anything may leave."""
        return bool(self._resets or self._credits or self._ready[False] or self._ready[True])

    @property
    def resets(self) -> int:
        """Resets that wait."""
        return len(self._resets)

    def drained(self) -> Iterator[int]:
        """Streams that have become writable again; each is told once."""
        while self._drained:
            stream = next(iter(self._drained))
            del self._drained[stream]
            yield stream

    # inside

    def _find(self, stream: int) -> Stream | None:
        """The stream of a frame: one that exists, one that the peer opens with it, or None for one that is over."""
        found = self._streams.get(stream)
        if found is not None and not found.pending:
            return found
        if stream % 2 == self._own:
            if found is not None or stream >= self._next_own:
                raise _error("a frame of a stream that was never opened")
            return None
        while self._next_peer <= stream:  # a lower number that is not heard of yet is open all the same
            if self._open[False] >= self._most[False]:
                raise _error("too many streams")
            self._open[False] += 1
            self._streams[self._next_peer] = Stream(granted=MAX_WEBSOCKET_CREDIT)
            self._owe(self._next_peer, self._streams[self._next_peer])
            self._next_peer += 2
        return self._streams.get(stream)

    def _admit(self) -> None:
        """Let streams of ours begin, in order, while the peer takes more."""
        while self._pending:
            stream, code = self._pending[0]
            if code is None and self._open[True] >= self._most[True]:
                return
            self._pending.popleft()
            if code is not None:
                self._resets.append(ResetFrame(stream, code))
                continue
            self._open[True] += 1
            found = self._streams[stream]
            found.pending = False
            self._owe(stream, found)
            self._sort(stream, found)

    def _forget(self, stream: int) -> None:
        found = self._streams.pop(stream)
        self._ready[found.bulk].pop(stream, None)
        self._credits.pop(stream, None)
        self._drained.pop(stream, None)
        if not found.pending:
            self._open[stream % 2 == self._own] -= 1
            self._admit()

    def _sort(self, stream: int, found: Stream) -> None:
        if found.sendable:
            self._ready[found.bulk].setdefault(stream)

    def _owe(self, stream: int, found: Stream) -> None:
        if not found.ended and not found.pending and found.consumed + self.window - found.granted >= self.window // 4:
            self._credits[stream] = None


def _error(text: str) -> RemoteProtocolError:
    return RemoteProtocolError(CloseCode.PROTOCOL_ERROR, text)
