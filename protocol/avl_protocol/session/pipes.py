"""SessionPipes: one session's channels, each on a stream of whatever path it is on; the session above names channels
only.

A route is a session's place on one hop: through a relay, or straight to the other end. Channels move from one to
another one by one (spec 08-paths, 8.5).
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from avl_protocol.carrier.carrier import Carrier
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.registry import Channel, CloseCode


class Hop(Protocol):
    """What a session needs of an end of a hop."""

    @property
    def carrier(self) -> Carrier:
        """The connection below. Raises LocalProtocolError before there is one."""

    def open_channel(self, handle: int, channel: int) -> int:
        """Open a stream for a channel of a session and return its id. Only clients of a hop do."""


class Attachment:
    """A session's place on a hop: `handle` names it there. `direct`: the hop ends at the other end of the session.

    `begun`: the handshake was made here, so that the first stream of each channel begins with it or with a record, and
    not with a Channel Resume. `near`: the relay says that it sees both ends at one address.
    """

    __slots__ = ("begun", "direct", "handle", "hop", "near")

    def __init__(self, hop: Hop, handle: int, *, direct: bool = False, begun: bool = False, near: bool = False) -> None:
        self.near = near
        self.hop = hop
        self.handle = handle
        self.direct = direct
        self.begun = begun

    @property
    def binding(self) -> bytes:
        """What a Channel Resume's MAC says of the carrier: nothing of a relay's, the certificate of a direct one."""
        if not self.direct:
            return b""
        return hashlib.sha256(self.hop.carrier.server_certificate or b"").digest()


class SessionPipes:
    """The streams of a session's channels."""

    __slots__ = ("_first", "_streams")

    def __init__(self, attachment: Attachment) -> None:
        self._first = attachment
        self._streams: dict[int, tuple[Attachment, int]] = {}

    @property
    def attachment(self) -> Attachment:
        """The place of the session: that of its channel 0, or the last one."""
        return self._streams[Channel.CONTROL][0] if Channel.CONTROL in self._streams else self._first

    @property
    def handle(self) -> int:
        """The number that names the session there."""
        return self.attachment.handle

    def open(self, channel: int) -> None:
        """Open the channel's first stream from this side, where the session is."""
        attachment = self.attachment
        self.switch(channel, attachment, attachment.hop.open_channel(attachment.handle, channel))

    def adopt(self, channel: int, attachment: Attachment, stream: int) -> bool:
        """Use a stream for a channel that has none; False when it has another."""
        if channel not in self._streams:
            self.switch(channel, attachment, stream)
        return self._streams[channel] == (attachment, stream)

    def switch(self, channel: int, attachment: Attachment, stream: int) -> None:
        """Use a stream for a channel from now on, and abandon the one before; bulk channels leave after media."""
        self.abandon(channel)
        self._streams[channel] = (attachment, stream)
        self._first = attachment if channel == Channel.CONTROL else self._first
        if is_bulk(channel):
            attachment.hop.carrier.set_stream_bulk(stream)

    def abandon(self, channel: int, code: CloseCode = CloseCode.NO_ERROR) -> None:
        """Give a channel's stream up without a word about the session."""
        known = self._streams.get(channel)
        self.drop(channel)
        if known is not None:
            known[0].hop.carrier.reset_stream(known[1], code)

    def uses(self, channel: int, attachment: Attachment, stream: int) -> bool:
        """Whether a channel is on this very stream."""
        return self._streams.get(channel) == (attachment, stream)

    def on(self, attachment: Attachment) -> list[int]:
        """Channels that are on a route."""
        return [channel for channel, (at, _) in self._streams.items() if at is attachment]

    def drop(self, channel: int) -> None:
        """A channel's stream is gone."""
        self._streams.pop(channel, None)

    def send(self, channel: int, data: bytes) -> None:
        """Send bytes on a channel that is open."""
        if data and channel in self._streams:
            attachment, stream = self._streams[channel]
            attachment.hop.carrier.send_stream(stream, data)

    def finish(self, channel: int) -> None:
        """Nothing more follows on a channel."""
        if channel in self._streams:
            attachment, stream = self._streams[channel]
            attachment.hop.carrier.send_stream(stream, b"", True)

    def backlog(self, channel: int) -> int:
        """Bytes of a channel not yet acknowledged by the neighbour."""
        if channel not in self._streams:
            return 0
        attachment, stream = self._streams[channel]
        return attachment.hop.carrier.stream_backlog(stream)

    def is_open(self, channel: int) -> bool:
        """Whether the channel has a stream."""
        return channel in self._streams

    def close(self, code: CloseCode) -> None:
        """Abandon all streams."""
        for attachment, stream in self._streams.values():
            attachment.hop.carrier.reset_stream(stream, code)
        self._streams.clear()
