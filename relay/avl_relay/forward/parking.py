"""Parking: streams of channels that a viewer opened before its host's first ADMIT (spec 04-session, 4.3).

GRANT is sealed and takes another stream than ADMIT, so that a viewer may know of its admission before the relay does.
What it sends meanwhile is held, as far as a stranger's window reaches, until the host has decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from avl_protocol.session.hop.server import HopServer
from avl_protocol.wire.registry import CloseCode

#: Channels that a session may have parked at a time.
PARKED = 16


@dataclass(slots=True)
class Parked:
    """A stream that is carried nowhere yet."""

    stream: int
    data: bytearray = field(default_factory=bytearray)
    end: bool = False


class Parking:
    """All parked streams, by the handle of their session and their channel."""

    def __init__(self) -> None:
        self._sessions: dict[int, dict[int, Parked]] = {}
        self._places: dict[tuple[HopServer, int], tuple[int, int]] = {}

    def __len__(self) -> int:
        """Streams that are held."""
        return len(self._places)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return sum(len(parked.data) for channels in self._sessions.values() for parked in channels.values())

    def park(self, handle: int, channel: int, viewer: HopServer, stream: int) -> None:
        """Hold a channel's stream; one that was opened anew takes the older one's place."""
        channels = self._sessions.setdefault(handle, {})
        if (older := channels.pop(channel, None)) is not None:
            del self._places[viewer, older.stream]
            viewer.abandon(older.stream, CloseCode.NO_ERROR)
        if len(channels) >= PARKED:
            viewer.abandon(stream, CloseCode.FORBIDDEN)
            return
        channels[channel] = Parked(stream)
        self._places[viewer, stream] = (handle, channel)

    def received(self, viewer: HopServer, stream: int, data: bytes, end: bool) -> bool:
        """Keep bytes of a parked stream; False where it is none."""
        if (found := self._places.get((viewer, stream))) is None:
            return False
        handle, channel = found
        parked = self._sessions[handle][channel]
        parked.data += data
        parked.end = parked.end or end
        return True

    def forget(self, viewer: HopServer, stream: int) -> None:
        """A viewer has abandoned a stream, which may be parked."""
        if (found := self._places.pop((viewer, stream), None)) is not None:
            handle, channel = found
            channels = self._sessions[handle]
            del channels[channel]
            if not channels:
                del self._sessions[handle]

    def release(self, handle: int, viewer: HopServer) -> dict[int, Parked]:
        """What a session has parked, by channel: it is held no longer."""
        channels = self._sessions.pop(handle, {})
        for parked in channels.values():
            del self._places[viewer, parked.stream]
        return channels
