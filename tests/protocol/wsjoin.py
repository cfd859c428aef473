"""Two WebSocket carriers joined in memory: the test says what time it is and how much the socket takes."""

from __future__ import annotations

from collections.abc import Sequence

from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.websocket.frames import Frame, decode, encode


class Listener:
    """A receiver that writes down what it is told; it gives credit back unless it is `deaf`."""

    def __init__(self, carrier: WebSocketCarrier) -> None:
        self.carrier = carrier
        self.deaf = False
        self.ready = False
        self.streams: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.resets: list[tuple[int, int]] = []
        self.writable: list[int] = []
        self.datagrams: list[bytes] = []
        self.fates: list[tuple[object, bool]] = []
        self.lost: list[tuple[int, str]] = []
        carrier.receiver = self

    def carrier_ready(self, now: float) -> None:
        self.ready = True

    def stream_received(self, stream: int, data: bytes, end: bool, now: float) -> None:
        self.streams.setdefault(stream, bytearray()).extend(data)
        if end:
            self.ended.add(stream)
        if not self.deaf:
            self.carrier.consume(stream, len(data))

    def stream_reset(self, stream: int, code: int, now: float) -> None:
        self.resets.append((stream, code))

    def stream_writable(self, stream: int, now: float) -> None:
        self.writable.append(stream)

    def datagrams_received(self, datagrams: Sequence[bytes], now: float) -> None:
        self.datagrams += datagrams

    def datagrams_settled(self, fates: Sequence[tuple[object, bool]], now: float) -> None:
        self.fates += fates

    def carrier_lost(self, code: int, text: str, now: float) -> None:
        self.lost.append((code, text))


class Joined:
    """A client's and a server's carrier, ready, with nothing on the way."""

    def __init__(self) -> None:
        self.now = 100.0
        self.client = WebSocketCarrier(
            is_client=True, now=self.now, peer_address=("10.0.0.1", 443), certificate=b"certificate"
        )
        self.server = WebSocketCarrier(
            is_client=False, now=self.now, peer_address=("10.0.0.2", 5), certificate=b"certificate"
        )
        self.at_client, self.at_server = Listener(self.client), Listener(self.server)
        self.client.start(self.now)
        self.server.start(self.now)
        self.run()

    def other(self, carrier: WebSocketCarrier) -> WebSocketCarrier:
        """The other end."""
        return self.server if carrier is self.client else self.client

    def pull(self, carrier: WebSocketCarrier, most: int = 1_000_000) -> list[Frame]:
        """Frames that a socket takes, at most so many bytes of them; they arrive nowhere."""
        frames = []
        while most > 0 and (message := carrier.next_message(self.now)) is not None:
            most -= len(message)
            frames.append(decode(message))
        carrier.settle(self.now)
        return frames

    def carry(self, carrier: WebSocketCarrier, most: int = 10_000_000) -> list[Frame]:
        """Let so many bytes of one end arrive at the other."""
        frames = self.pull(carrier, most)
        for frame in frames:
            self.hear(self.other(carrier), frame)
        return frames

    def hear(self, carrier: WebSocketCarrier, frame: Frame | bytes) -> None:
        """Let a frame arrive."""
        carrier.receive_message(frame if isinstance(frame, bytes) else encode(frame), self.now)
        carrier.settle(self.now)

    def run(self) -> None:
        """Let everything arrive."""
        while self.carry(self.client) + self.carry(self.server):
            pass

    def wait(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass, both ends' timers firing and everything arriving at once."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            for carrier in (self.client, self.server):
                due = carrier.next_timeout()
                if due is not None and due <= self.now:
                    carrier.handle_timer(self.now)
            self.run()
