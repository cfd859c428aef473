"""QuicEnd: one end of a real QUIC connection over a simulated link, in the place of ModelCarrier.

Handshake, encryption, acknowledgements and loss detection are aioquic's, with the product's connection around it;
only sockets are missing. It costs ten times what the model does, and shows whether the model leaves out what matters.
"""

from __future__ import annotations

import itertools
import ssl
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random

from aioquic.quic import events

from avl_protocol.endpoint.tls import TlsServer, self_signed
from avl_protocol.quic.connection import Connection
from avl_protocol.quic.options import ConnectionOptions, configuration
from avl_protocol.rate.control import RateController
from avl_protocol.rate.settings import RateSettings
from interop.bench.rate.carriers import End
from interop.bench.rate.clock import Clock

CLIENT, SERVER = ("10.0.0.2", 2), ("10.0.0.1", 1)
#: What the network adds to a UDP payload: IPv4 and UDP headers.
HEADERS = 28


@lru_cache(maxsize=1)
def _certificate() -> TlsServer:
    numbers = itertools.count(1)
    return self_signed(["bench.test"], now=time.time(), entropy=lambda size: next(numbers).to_bytes(size, "big"))


class QuicEnd(End):
    """A connection's end with a session's view of it. `transmit(packet, size)` puts a UDP payload on its way."""

    def __init__(
        self,
        *,
        clock: Clock,
        controller: RateController,
        transmit: Callable[[bytes, int], None],
        settings: RateSettings,
        client: QuicEnd | None,
        seed: str,
    ) -> None:
        super().__init__(clock, transmit)
        self._is_client = is_client = client is None
        quic = configuration(is_client=is_client, alpn=["avl/1"], idle_timeout=600)
        if is_client:
            quic.verify_mode = ssl.CERT_NONE
        else:
            _certificate().apply(quic)
        entropy = Random(seed).randbytes
        original = None if client is None else client.connection.original_destination_connection_id
        self.connection: Connection = Connection(
            configuration=quic,
            options=ConnectionOptions(rate=settings),
            new_connection_id=lambda: entropy(8),
            reset_key=bytes(32),
            now=clock.now,
            original_destination_connection_id=original,
        )
        self.connection.use_controller(controller)
        self.connection.on_wanted = self._wanted
        self.queue, self.hop = self.connection.queue, self.connection.hop

    @property
    def rtt(self) -> float | None:
        """Smoothed round trip in seconds."""
        return self.connection.smoothed_rtt

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        """Queue datagrams and send what may leave."""
        self.connection.send_datagrams(payloads, priority, deadline, cookies)
        self.pump()

    def connect(self) -> None:
        """Begin the handshake (clients)."""
        self.connection.connect(SERVER, self._clock.now)
        self.pump()

    def pump(self) -> None:
        """Send what may leave, and set the next alarm."""
        now, connection = self._clock.now, self.connection
        if connection.wants_flush(now):
            for data, _ in connection.datagrams_to_send(now):
                self._transmit(data, len(data) + HEADERS)
        when = connection.get_timer()
        if when is not None and max(when, now) < self._wakes - 1e-9:
            self._wakes = max(when, now)
            self._clock.call_at(self._wakes, self._woken)

    def _wanted(self) -> None:
        """The next pump sees to it."""

    def _woken(self) -> None:
        if self._clock.now < self._wakes - 1e-9:
            return
        self._wakes = float("inf")
        now, connection = self._clock.now, self.connection
        due = connection.get_timer()
        if due is not None and due <= now + 1e-9:
            connection.handle_timer(now + 1e-9)
        self._tell(now)
        self.pump()

    def received(self, payload: object, now: float) -> None:
        """A packet of the other end arrived; `now` is what this end's clock says."""
        assert isinstance(payload, bytes)
        self.connection.receive_datagram(payload, SERVER if self._is_client else CLIENT, self._clock.now)
        while (event := self.connection.next_event()) is not None:
            if isinstance(event, events.DatagramFrameReceived) and not self.hop.datagram_received(event.data, now):
                self.on_datagram(event.data, now)
        self._tell(now)
        self.pump()
