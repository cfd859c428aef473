"""SecureChannels: messages of one session under its keys; what host and viewer sides share.

Spec 04-session, 4.4; 06-security, 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from avl_protocol.crypto.channel import ResumeHeader, SecureChannel, open_channel
from avl_protocol.crypto.schedule import SessionKeys
from avl_protocol.wire.channels import is_bulk
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.framing import FrameReader, frame
from avl_protocol.wire.registry import MAX_CHANNEL_MESSAGE, MAX_RECORD_DATA, CloseCode


class Pipes(Protocol):
    """Where a session's channel bytes go."""

    def send(self, channel: int, data: bytes) -> None:
        """Send bytes on a channel."""


@dataclass(slots=True)
class _Conversation:
    """One channel: its records and its message frames."""

    secure: SecureChannel
    frames: FrameReader


class SecureChannels:
    """All channels of a session after its handshake."""

    def __init__(self, keys: SessionKeys, is_viewer: bool, session_id: bytes, pipes: Pipes) -> None:
        self._keys = keys
        self._is_viewer = is_viewer
        self._session_id = session_id
        self._pipes = pipes
        self._channels: dict[int, _Conversation] = {}

    def _conversation(self, channel: int) -> _Conversation:
        found = self._channels.get(channel)
        if found is None:
            limit = MAX_CHANNEL_MESSAGE if is_bulk(channel) else MAX_RECORD_DATA
            found = self._channels[channel] = _Conversation(
                open_channel(self._keys, channel, self._is_viewer, self._session_id),
                FrameReader(limit, CloseCode.SESSION_PROTOCOL),
            )
        return found

    def send(self, channel: int, message: bytes) -> None:
        """Seal a message; what the peer has no room for waits. Raises Refused(TOO_SLOW) when too much does."""
        secure = self._conversation(channel).secure
        framed = frame(message, MAX_CHANNEL_MESSAGE)
        if secure.backlog and secure.backlog + len(framed) > MAX_CHANNEL_MESSAGE:
            raise Refused(CloseCode.TOO_SLOW)
        self._pipes.send(channel, secure.send(framed))

    def receive(self, channel: int, data: bytes) -> list[bytes]:
        """Messages completed by these bytes of a channel's stream. Raises RemoteProtocolError."""
        conversation = self._conversation(channel)
        messages = [m for chunk in conversation.secure.receive(data) for m in conversation.frames.feed(chunk)]
        self._pipes.send(channel, conversation.secure.take_output())
        return messages

    def finish(self, channel: int) -> None:
        """Say that a channel ends here, so that its end is not taken for truncation (P6)."""
        if channel in self._channels:
            self._pipes.send(channel, self._channels[channel].secure.finish())

    def finished(self, channel: int) -> bool:
        """Whether the peer has ended a channel properly."""
        return channel in self._channels and self._channels[channel].secure.finished

    def writable(self, channel: int) -> bool:
        """Whether a message would go out at once."""
        secure = self._conversation(channel).secure
        return secure.writable and not secure.suspended

    def unacknowledged(self, channel: int) -> int:
        """Bytes of a channel's records that the peer has not acknowledged."""
        return self._conversation(channel).secure.retained

    # moving to another route (spec 08-paths, 8.5)

    def suspend(self, channel: int) -> None:
        """The channel's stream is gone: hold back what is sent until it has another."""
        self._conversation(channel).secure.suspend()

    def suspended(self, channel: int) -> bool:
        """Whether a channel waits for another stream."""
        return channel in self._channels and self._channels[channel].secure.suspended

    def move_header(self, channel: int, binding: bytes, epoch: int | None = None) -> bytes:
        """Our Channel Resume for another stream: under the next epoch, or in answer to the peer's."""
        secure = self._conversation(channel).secure
        return secure.resume_header(secure.epoch + 1 if epoch is None else epoch, binding)

    def accept_move(self, channel: int, header: ResumeHeader, binding: bytes) -> bytes:
        """Accept the peer's Channel Resume; what to repeat behind ours. Raises RemoteProtocolError(TAMPERED)."""
        return self._conversation(channel).secure.resume(header, binding)

    @property
    def punch_key(self) -> bytes:
        """The key of this session's punches."""
        return self._keys.punch_key
