"""Two connections joined in memory, without a loop: the test says what time it is and which packets arrive."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable

from aioquic.quic import events

from avl_protocol.endpoint.tls import TlsServer, self_signed
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.options import ConnectionOptions, configuration

CLIENT, SERVER = ("10.0.0.2", 2), ("10.0.0.1", 1)
ALPN = ["avl/1", "h3"]
RESET_KEY = bytes(32)


def counter() -> Callable[[int], bytes]:
    """Entropy that counts: every value once, the same in every run."""
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def certificate() -> TlsServer:
    """A certificate valid today, as TLS's own date is not patched here."""
    import time

    return self_signed(["relay.test"], now=time.time(), entropy=counter())


class Pair:
    """A client and a server connection, `delay` seconds apart; `drop` decides which packets are lost."""

    def __init__(
        self,
        *,
        alpn: str = "avl/1",
        options: ConnectionOptions | None = None,
        delay: float = 0.001,
        handshake: bool = True,
    ) -> None:
        self.now = 1000.0
        self.delay = delay
        self.drop: Callable[[Connection, bytes], bool] = lambda _sender, _data: False
        entropy = counter()
        chosen = options or ConnectionOptions()
        settings = configuration(is_client=True, alpn=[alpn], idle_timeout=30)
        settings.verify_mode = ssl.CERT_NONE
        self.client = self._make(settings, chosen, entropy, None)
        self.client.connect(SERVER, self.now)
        settings = configuration(is_client=False, alpn=ALPN, idle_timeout=30)
        certificate().apply(settings)
        self.server = self._make(settings, chosen, entropy, self.client.original_destination_connection_id)
        self.events: dict[Connection, list[events.QuicEvent]] = {self.client: [], self.server: []}
        if handshake:
            self.run(0.1)
            assert self.client.handshake_complete and self.server.handshake_complete
            self.events[self.client].clear()
            self.events[self.server].clear()

    def _make(
        self, settings: object, options: ConnectionOptions, entropy: Callable[[int], bytes], original: bytes | None
    ) -> Connection:
        return Connection(
            configuration=settings,  # type: ignore[arg-type]
            options=options,
            new_connection_id=lambda: entropy(8),
            reset_key=RESET_KEY,
            now=self.now,
            original_destination_connection_id=original,
        )

    def other(self, connection: Connection) -> Connection:
        """The other end."""
        return self.server if connection is self.client else self.client

    def flush(self, sender: Connection) -> list[bytes]:
        """What an end would send now, not delivered."""
        return [data for data, _ in sender.datagrams_to_send(self.now)]

    def deliver(self, sender: Connection, packets: list[bytes]) -> None:
        """Hand packets of `sender` to the other end, now."""
        source = CLIENT if sender is self.client else SERVER
        for data in packets:
            if not self.drop(sender, data):
                self.other(sender).receive_datagram(data, source, self.now)
        self.drain()

    def drain(self) -> None:
        """Collect both ends' events."""
        for connection, kept in self.events.items():
            while (event := connection.next_event()) is not None:
                kept.append(event)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass in steps of the delay, both ends sending and their timers firing."""
        end = self.now + seconds
        while self.now < end and not until():
            for sender in (self.client, self.server):
                self.now += self.delay / 2
                self.deliver(sender, self.flush(sender))
                due = sender.get_timer()
                if due is not None and due <= self.now:
                    sender.handle_timer(self.now)
        self.drain()

    def received(self, connection: Connection) -> list[bytes]:
        """DATAGRAM payloads an end has got."""
        return [event.data for event in self.events[connection] if isinstance(event, events.DatagramFrameReceived)]

    def stream_bytes(self, connection: Connection, stream: int) -> bytes:
        """What an end has got on a stream."""
        return b"".join(
            event.data
            for event in self.events[connection]
            if isinstance(event, events.StreamDataReceived) and event.stream_id == stream
        )
