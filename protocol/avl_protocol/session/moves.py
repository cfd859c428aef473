"""Moves: a session's channels on their way from one attachment to another, byte for byte (spec 08-paths, 8.5).

The viewer moves: it opens a stream for each channel on the other route and says which record it expects next. The host
answers in kind as soon as it has verified that, and both repeat what the other lacks. Until then the session stays
where it was, so that nobody but the viewer can move it.
"""

from __future__ import annotations

from collections.abc import Iterable

from avl_protocol.crypto.channel import ResumeHeader, read_resume_header
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.secure import SecureChannels
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

#: No Channel Resume is longer: session, three integers and a MAC.
LONGEST_HEADER = 16 + 3 * 8 + 16
#: Streams at a time that begin as moves and are not verified.
ARRIVING = 16


class _Arriving:
    """A stream whose Channel Resume has not come whole."""

    __slots__ = ("attachment", "buffer", "channel", "stream")

    def __init__(self, channel: int, attachment: Attachment, stream: int) -> None:
        self.channel = channel
        self.attachment = attachment
        self.stream = stream
        self.buffer = b""

    def feed(self, data: bytes) -> tuple[ResumeHeader, bytes] | None:
        """The header and what follows it, once it is whole. Raises RemoteProtocolError."""
        self.buffer += data
        found = read_resume_header(self.buffer)
        if found is None:
            if len(self.buffer) > LONGEST_HEADER:
                raise RemoteProtocolError(CloseCode.TAMPERED, "no resume header where one must be")
            return None
        return found[0], self.buffer[found[1] :]


class ViewerMoves:
    """The viewer's side. `secure` and `pipes` are the session's own."""

    def __init__(self, secure: SecureChannels, pipes: SessionPipes) -> None:
        self._secure = secure
        self._pipes = pipes
        self._arriving: dict[int, _Arriving] = {}
        #: Where the session is going; None while it goes nowhere.
        self.target: Attachment | None = None

    def begin(self, attachment: Attachment, channels: Iterable[int]) -> None:
        """Take these channels to a route. What still comes on their old streams is not wanted: it will be repeated."""
        self.give_up()
        self.target = attachment
        self._open(attachment, channels)

    def open(self, attachment: Attachment, channels: Iterable[int]) -> None:
        """Open channels that the session may have from now on, where it is or where it is going. They begin like
        channels that move, so that it does not matter what was said on them before."""
        self.target = self.target or attachment
        self._open(self.target, channels)

    def close(self, channel: int) -> None:
        """A channel is not to arrive, and holds up the move no longer."""
        if (arriving := self._arriving.pop(channel, None)) is not None:
            arriving.attachment.hop.carrier.reset_stream(arriving.stream, CloseCode.NO_ERROR)
        if not self._arriving:
            self.target = None

    def _open(self, attachment: Attachment, channels: Iterable[int]) -> None:
        for channel in channels:
            stream = attachment.hop.open_channel(attachment.handle, channel)
            self._arriving[channel] = _Arriving(channel, attachment, stream)
            if is_bulk(channel):
                attachment.hop.carrier.set_stream_bulk(stream)
            attachment.hop.carrier.send_stream(stream, self._secure.move_header(channel, attachment.binding))

    def give_up(self) -> None:
        """Go nowhere: the channels stay suspended until the next move."""
        for arriving in self._arriving.values():
            arriving.attachment.hop.carrier.reset_stream(arriving.stream, CloseCode.NO_ERROR)
        self._arriving.clear()
        self.target = None

    def lost(self, attachment: Attachment) -> None:
        """A route is gone, and with it the move to it."""
        if self.target is attachment:
            self._arriving.clear()
            self.target = None

    def moving(self, channel: int) -> bool:
        """Whether a channel is under way: its old stream counts no more."""
        return channel in self._arriving

    def is_arrival(self, channel: int, attachment: Attachment, stream: int) -> bool:
        """Whether a stream is the one a channel moves to."""
        arriving = self._arriving.get(channel)
        return arriving is not None and arriving.attachment is attachment and arriving.stream == stream

    def received(self, channel: int, data: bytes) -> bytes | None:
        """Take bytes of the stream a channel moves to; what follows the host's header, once that was accepted.

        Raises RemoteProtocolError for a header to be refused: the route is no good then, the session is.
        """
        arriving = self._arriving[channel]
        whole = arriving.feed(data)
        if whole is None:
            return None
        header, rest = whole
        repeat = self._secure.accept_move(channel, header, arriving.attachment.binding)
        del self._arriving[channel]
        self._pipes.switch(channel, arriving.attachment, arriving.stream)
        self._pipes.send(channel, repeat)
        if not self._arriving:
            self.target = None
        return rest


class HostMoves:
    """The host's side."""

    def __init__(self, secure: SecureChannels, pipes: SessionPipes) -> None:
        self._secure = secure
        self._pipes = pipes
        self._arriving: dict[tuple[Attachment, int], _Arriving] = {}

    def received(self, channel: int, attachment: Attachment, stream: int, data: bytes) -> bytes | None:
        """Take bytes of a stream that is not its channel's; what follows the viewer's header, once that was accepted.

        Raises RemoteProtocolError for a header to be refused: then the stream is abandoned, and the session goes on.
        """
        arriving = self._arriving.get((attachment, stream))
        if arriving is None:
            if len(self._arriving) >= ARRIVING:  # the oldest goes: nobody may keep the viewer from moving
                oldest, given_up = next(iter(self._arriving))
                self.forget(oldest, given_up)
                oldest.hop.carrier.reset_stream(given_up, CloseCode.LIMIT)
            arriving = self._arriving[attachment, stream] = _Arriving(channel, attachment, stream)
        try:
            whole = arriving.feed(data)
            if whole is None:
                return None
            header, rest = whole
            repeat = self._secure.accept_move(channel, header, attachment.binding)
        except RemoteProtocolError:
            self.forget(attachment, stream)
            raise
        del self._arriving[attachment, stream]
        answer = self._secure.move_header(channel, attachment.binding, header.epoch)
        self._pipes.switch(channel, attachment, stream)
        self._pipes.send(channel, answer + repeat)
        return rest

    def forget(self, attachment: Attachment, stream: int) -> None:
        """A stream is gone."""
        self._arriving.pop((attachment, stream), None)

    def lost(self, attachment: Attachment) -> None:
        """A route is gone, and with it what was arriving there."""
        self._arriving = {key: arriving for key, arriving in self._arriving.items() if key[0] is not attachment}
