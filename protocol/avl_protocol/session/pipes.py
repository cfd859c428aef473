"""SessionPipes: one session's channels over a link, each a stream; the session above names channels only."""

from __future__ import annotations

from avl_protocol.session.link import RelayLink
from avl_protocol.wire.registry import CloseCode


class SessionPipes:
    """Channels of the session that the relay calls `handle`."""

    __slots__ = ("_link", "_streams", "handle")

    def __init__(self, link: RelayLink, handle: int) -> None:
        self._link = link
        self._streams: dict[int, int] = {}
        self.handle = handle

    def open(self, channel: int) -> None:
        """Open the channel's stream from this side; bulk channels leave after media."""
        stream = self._link.open_channel(self.handle, channel)
        self.adopt(channel, stream)

    def adopt(self, channel: int, stream: int) -> bool:
        """Use a stream for a channel; False when the channel has another already."""
        known = self._streams.setdefault(channel, stream)
        if known == stream and channel >= 2:
            self._link.carrier.set_stream_bulk(stream)
        return known == stream

    def send(self, channel: int, data: bytes) -> None:
        """Send bytes on a channel that is open."""
        if data and channel in self._streams:
            self._link.carrier.send_stream(self._streams[channel], data)

    def finish(self, channel: int) -> None:
        """Nothing more follows on a channel."""
        if channel in self._streams:
            self._link.carrier.send_stream(self._streams[channel], b"", True)

    def refuse(self, channel: int, stream: int, code: CloseCode) -> None:
        """Abandon a stream that must not be."""
        if self._streams.get(channel) == stream:
            del self._streams[channel]
        self._link.carrier.reset_stream(stream, code)

    def consume(self, stream: int, size: int) -> None:
        """Give credit back."""
        self._link.carrier.consume(stream, size)

    def backlog(self, channel: int) -> int:
        """Bytes of a channel not yet acknowledged by the neighbour."""
        return self._link.carrier.stream_backlog(self._streams[channel]) if channel in self._streams else 0

    def is_open(self, channel: int) -> bool:
        """Whether the channel has a stream."""
        return channel in self._streams

    def close(self, code: CloseCode) -> None:
        """Abandon all streams."""
        for stream in self._streams.values():
            self._link.carrier.reset_stream(stream, code)
        self._streams.clear()
