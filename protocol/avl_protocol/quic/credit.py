"""CreditedConnection: aioquic's connection with receive windows that the application moves (see `quic/flow.py`)."""

from __future__ import annotations

from collections.abc import Callable

from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet_builder import QuicPacketBuilder
from aioquic.quic.recovery import QuicPacketSpace
from aioquic.quic.stream import QuicStream

from avl_protocol.quic.flow import FRIEND, Credit, Windows


class CreditedConnection(QuicConnection):
    """`on_wanted` is called whenever there is something to send that a flush would take."""

    def __init__(
        self,
        *,
        configuration: QuicConfiguration,
        original_destination_connection_id: bytes | None,
        retry_source_connection_id: bytes | None,
    ) -> None:
        super().__init__(
            configuration=configuration,
            original_destination_connection_id=original_destination_connection_id,
            retry_source_connection_id=retry_source_connection_id,
        )
        self.on_wanted: Callable[[], None] = _nobody
        self._must_flush = True
        #: Whether the peer has proved who it is; a server has towards its client.
        self.trusted = configuration.is_client
        self._credit = Credit(Windows(configuration.max_stream_data, configuration.max_data))

    def trust_peer(self) -> None:
        """The peer proved who it is: give it the windows of a friend."""
        self.trusted = True
        self._credit.windows = FRIEND
        self.on_wanted()

    def consume(self, stream: int, size: int) -> None:
        """The application is done with `size` bytes of a stream."""
        self._credit.consume(stream, size)
        limit = self._local_max_data.value
        known = self._streams.get(stream)
        if self._credit.raised_connection_limit(limit) != limit or (known and self._raised(known)):
            self._must_flush = True
            self.on_wanted()

    def next_event(self) -> events.QuicEvent | None:
        """The next event of aioquic's, counted against the receive credit."""
        event = super().next_event()
        if isinstance(event, events.StreamDataReceived):
            self._credit.delivered(event.stream_id, len(event.data))
        elif isinstance(event, events.StreamReset):
            known = self._streams.get(event.stream_id)
            missing = 0 if known is None else known.receiver.highest_offset - known.receiver._buffer_start
            self._credit.forget(event.stream_id, missing)
        return event

    @property
    def has_events(self) -> bool:
        """Whether `next_event` would return one."""
        return bool(self._events)

    def _raised(self, stream: QuicStream) -> int | None:
        """A stream's new limit if it should be announced now."""
        limit, receiver = stream.max_stream_data_local, stream.receiver
        if not limit or receiver.is_finished or stream.stream_id is None:
            return None
        raised = self._credit.raised_stream_limit(stream.stream_id, receiver._buffer_start, limit)
        return raised if raised != limit else None

    def _write_stream_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace, stream: QuicStream) -> None:
        raised = self._raised(stream)
        if raised is not None:
            stream.max_stream_data_local = raised
        if stream.max_stream_data_local_sent == stream.max_stream_data_local:
            return
        receiver = stream.receiver
        # aioquic doubles the window by what was received; nothing received, nothing doubled.
        highest, receiver.highest_offset = receiver.highest_offset, 0
        try:
            super()._write_stream_limits(builder, space, stream)
        finally:
            receiver.highest_offset = highest

    def _write_connection_limits(self, builder: QuicPacketBuilder, space: QuicPacketSpace) -> None:
        limit = self._local_max_data
        limit.value = self._credit.raised_connection_limit(limit.value)
        used, limit.used = limit.used, 0
        try:
            super()._write_connection_limits(builder, space)
        finally:
            limit.used = used


def _nobody() -> None:
    """Nobody waits for this connection yet."""
