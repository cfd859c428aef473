"""BoundConnection: one connection of an endpoint with what lives on it and the names it goes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aioquic.quic import events

from avl_protocol.endpoint.accept.quota import Claim
from avl_protocol.endpoint.udp.demux import Demultiplexer
from avl_protocol.endpoint.udp.network import Address, Pinned
from avl_protocol.quic.carrier import close_reason
from avl_protocol.quic.connection import Connection
from avl_protocol.rate.limits import DEFAULT, Bucket, Limits, bucket
from avl_protocol.wire.errors import RemoteProtocolError
from avl_protocol.wire.registry import CloseCode

#: What nearly all events are.
_CARRIED = (events.DatagramFrameReceived, events.StreamDataReceived)


class Application(Protocol):
    """What is done with a connection once its ALPN is known."""

    def event_received(self, event: events.QuicEvent, now: float) -> None:
        """Take one event."""

    def settle(self, now: float) -> None:
        """A batch of events is over."""

    def shut(self, code: int, text: str) -> None:
        """Say the end to the peer."""


class BoundConnection:
    """Pumps events and datagrams between one Connection and its endpoint."""

    def __init__(
        self,
        connection: Connection,
        *,
        routes: Demultiplexer[BoundConnection],
        choose: Callable[[Connection, str], Application],
        on_settled: Callable[[BoundConnection, str | None], None],
        limits: Limits = DEFAULT,
    ) -> None:
        self.connection = connection
        self.claim: Claim | None = None
        self._limits = limits
        self._budget: Bucket | None = None
        self._favoured = False
        self.application: Application | None = None
        self._routes = routes
        self._choose = choose
        self._on_settled: Callable[[BoundConnection, str | None], None] | None = on_settled
        #: The local address that the system sends from towards the peer, as far as we were told.
        self.source: str | None = None
        self._ids: dict[bytes, None] = {}
        self._tokens: list[bytes] = []
        for connection_id in connection.connection_ids:
            self.register(connection_id)

    def register(self, connection_id: bytes) -> None:
        """Receive what is addressed to this connection ID."""
        self._ids[connection_id] = None
        self._routes.add(connection_id, self)

    @property
    def favoured(self) -> bool:
        """Whether the peer is no stranger."""
        return self.connection.trusted

    def takes(self, now: float) -> bool:
        """Whether one more packet of the peer's is read; beyond its allowance it is lost, as on a full link."""
        favoured = self.connection.trusted
        if self._budget is None or favoured is not self._favoured:
            limits = self._limits
            self._favoured = favoured
            self._budget = bucket(limits.friend_packets if favoured else limits.stranger_packets, now)
            if favoured and self.claim is not None:
                self.claim.trust()
        return self._budget.take(now)

    def process(self, now: float) -> None:
        """Drain the connection's events into the application and tell it the batch is over."""
        try:
            while self.connection.has_events:
                self._drain(now)
            if self.application is not None:
                self.application.settle(now)
        except RemoteProtocolError as error:
            self._fail(error.code, error.text)
        if self.connection.tokens_changed() and not self.forgotten:
            tokens = self.connection.peer_reset_tokens
            if tokens != self._tokens:
                self._learn(tokens)
        if self._on_settled is not None and self.connection.ended:
            closed = self.connection.close_event
            self._settled("the connection ended" if closed is None else close_reason(closed)[1])

    def _drain(self, now: float) -> None:
        """Take all events. What follows upon another in the same stream is handed on as one: whoever reads a stream,
        and all that is looked at behind it, costs the same for a packet as for many."""
        run: list[events.StreamDataReceived] = []
        while (event := self.connection.next_event()) is not None:
            if isinstance(event, events.StreamDataReceived):
                if run and (run[-1].stream_id != event.stream_id or run[-1].end_stream):
                    self._take(_joined(run), now)
                    run = []
                run.append(event)
                continue
            if run and not isinstance(event, events.DatagramFrameReceived):  # which has no order among streams
                self._take(_joined(run), now)
                run = []
            self._take(event, now)
        if run:
            self._take(_joined(run), now)

    def _take(self, event: events.QuicEvent, now: float) -> None:
        if self.application is not None and isinstance(event, _CARRIED):
            self.application.event_received(event, now)
        elif isinstance(event, events.ConnectionIdIssued):
            self.register(event.connection_id)
        elif isinstance(event, events.ConnectionIdRetired):
            self._ids.pop(event.connection_id, None)
            self._routes.remove(event.connection_id)
        elif isinstance(event, events.ProtocolNegotiated):
            if self.application is None:
                self.application = self._choose(self.connection, event.alpn_protocol or "")
        elif isinstance(event, events.ConnectionTerminated):
            self.forget()
        elif self.application is not None:
            self.application.event_received(event, now)
            if isinstance(event, events.HandshakeCompleted):
                self._settled(None)

    def _fail(self, code: CloseCode, text: str) -> None:
        if self.application is not None:
            self.application.shut(code, text)

    def _settled(self, failure: str | None) -> None:
        told, self._on_settled = self._on_settled, None
        if told is not None:
            told(self, failure)

    def flush(self, now: float) -> list[tuple[bytes, Address | Pinned]]:
        """Datagrams to send now."""
        connection = self.connection
        if not connection.wants_flush(now):
            return []
        datagrams = connection.datagrams_to_send(now)
        if connection.has_events:
            self.process(now)
        return datagrams

    def _learn(self, tokens: list[bytes]) -> None:
        """Recognise stateless resets of the tokens the peer has issued so far."""
        for token in self._tokens:
            self._routes.remove_token(token)
        for token in tokens:
            self._routes.add_token(token, self)
        self._tokens = tokens

    def forget(self) -> None:
        """Take the link out of every table."""
        if self.claim is not None:
            self.claim.release()
        for connection_id in self._ids:
            self._routes.remove(connection_id)
        for token in self._tokens:
            self._routes.remove_token(token)
        self._ids, self._tokens = {}, []

    @property
    def forgotten(self) -> bool:
        """Whether nothing can reach the link any more."""
        return not self._ids


def _joined(run: list[events.StreamDataReceived]) -> events.StreamDataReceived:
    """What came in one stream, as one event."""
    if len(run) == 1:
        return run[0]
    last = run[-1]
    data = b"".join(event.data for event in run)
    return events.StreamDataReceived(data=data, end_stream=last.end_stream, stream_id=last.stream_id)
