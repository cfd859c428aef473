"""WebSocketCarrier: streams and datagrams over the messages of one WebSocket, as the carrier a session asks for.

It reads and writes nothing: `receive_message` takes what arrived, `next_message` gives what is most urgent when the
socket can take it, and not before, so that what is worthless by then was never sent. Owners are told of what happened
in `receive_message` and `settle`, and never from within a call of theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.rate.control import RateState
from avl_protocol.rate.sendqueue import DatagramQueue, Waiting
from avl_protocol.websocket.frames import (
    MAX_TEXT,
    TOKEN_BYTES,
    CloseFrame,
    CreditFrame,
    DatagramFrame,
    Frame,
    PingFrame,
    PongFrame,
    ResetFrame,
    StreamFrame,
    decode,
    encode,
)
from avl_protocol.websocket.pace import SHARE, Pace
from avl_protocol.websocket.streams import Streams
from avl_protocol.wire.errors import LocalProtocolError, RemoteProtocolError
from avl_protocol.wire.registry import MAX_DATAGRAM_PAYLOAD, T_IDLE, T_KEEPALIVE, CloseCode

#: Seconds between PINGs while anything is carried, and for how long after it.
PING_INTERVAL, ACTIVITY = 1.0, 3.0
#: PINGs that may be unanswered, and answers and resets that may wait for a peer that does not read.
MAX_PINGS, MAX_WAITING = 8, 1024
#: What a reader may leave unread of each stream once the peer has proved itself.
FRIEND_WINDOW = 1 << 20


class WebSocketCarrier:
    """Carrier over a WebSocket; `receiver` is set by whoever makes it, before `start`.

    `certificate`: DER of what the server presented on this connection, None where there was no TLS. `on_wanted` is
    called when there is something to write or to settle.
    """

    reliable_datagrams = True
    max_datagram = MAX_DATAGRAM_PAYLOAD

    def __init__(
        self,
        *,
        is_client: bool,
        now: float,
        peer_address: tuple[str, int],
        certificate: bytes | None = None,
        streams: int | None = None,
    ) -> None:
        """`streams`: how many each side may have open, where that is another number than usual."""
        self.receiver: CarrierReceiver
        self.on_wanted: Callable[[], None] = _nobody
        self.peer_address = peer_address
        self.server_certificate = certificate
        self.heard_at = now
        self._is_client = is_client
        #: Whether the peer has proved who it is; a server has towards its client.
        self.trusted = is_client
        self._streams = Streams(is_client, streams)
        self._datagrams = DatagramQueue(forgotten=lambda waiting: self._settled(waiting, False))
        self._fates: list[tuple[object, bool]] = []
        self._arrived: list[bytes] = []
        self._pace = Pace(now)
        self._answers: deque[Frame] = deque()
        self._pings: dict[bytes, float | None] = {}
        self._tokens = 0
        self._pinged = self._active_at = now
        self._ending: tuple[int, str] | None = None
        self._goodbye: CloseFrame | None = None
        self._lost = False

    # ---- what a session asks for

    @property
    def rtt(self) -> float | None:
        """Smoothed round-trip time in seconds."""
        return self._pace.rtt

    @property
    def latest_rtt(self) -> float | None:
        """The last sample of the round-trip time in seconds."""
        return self._pace.latest

    @property
    def rate(self) -> float | None:
        """Bits per second that an encoder may use; None while the socket has never made anything wait."""
        return None if self._pace.rate is None else SHARE * self._pace.rate

    def parity(self, fragments: int) -> int:
        """None: nothing is lost."""
        return 0

    def hold(self, now: float) -> bool:
        """Whether the next picture should wait."""
        return self._pace.hold(self._datagrams.bytes, now)

    def offer_spare(self, spare: Callable[[int, float], Sequence[bytes]]) -> None:
        """Not asked for: TCP finds out by itself what the path carries, so there are no probes."""

    def rate_state(self, now: float) -> RateState:
        """What is thought of the path."""
        return self._pace.state(self._datagrams.bytes, now)

    @property
    def datagram_backlog(self) -> int:
        """Bytes of datagrams not yet written."""
        return self._datagrams.bytes

    @property
    def next_datagram(self) -> object | None:
        """Cookie of the datagram that leaves next."""
        return self._datagrams[0].cookie if self._datagrams else None

    @property
    def dropped(self) -> int:
        """Datagrams that came too late, or for which there was no room."""
        return self._datagrams.dropped

    @property
    def peer_certificate(self) -> bytes | None:
        """DER of the server's certificate, on the client's side."""
        return self.server_certificate if self._is_client else None

    def open_stream(self) -> int:
        """Open a bidirectional stream; beyond 64 it waits until another is over."""
        return self._streams.open()

    def send_stream(self, stream: int, data: bytes, end: bool = False) -> None:
        """Queue bytes on a stream; ignored once the peer abandoned it or the carrier ended."""
        if self._ending is None:
            self._streams.send(stream, data, end)
            self.on_wanted()

    def set_stream_bulk(self, stream: int) -> None:
        """Let a stream leave after every datagram."""
        self._streams.set_bulk(stream)

    def reset_stream(self, stream: int, code: int) -> None:
        """Abandon both directions; nothing more is told of the stream."""
        if self._ending is None:
            self._streams.abandon(stream, code)
            self.on_wanted()

    def consume(self, stream: int, size: int) -> None:
        """Return credit for received bytes."""
        self._streams.consume(stream, size)
        if self._streams.wanting:
            self.on_wanted()

    def stream_backlog(self, stream: int) -> int:
        """Bytes queued and not yet written."""
        return self._streams.backlog(stream)

    def send_datagrams(
        self, payloads: Sequence[bytes], priority: int, deadline: float | None, cookies: Sequence[object] | None = None
    ) -> None:
        """Queue datagram payloads, each with its leading zero byte. Dropped once the carrier ended."""
        if any(len(payload) > self.max_datagram for payload in payloads):
            raise LocalProtocolError("datagram is too large")
        if self._ending is None:
            self._datagrams.add(payloads, priority, deadline, cookies)
            self.on_wanted()

    def drop_datagrams(self, priority: int, useless: Callable[[bytes], bool] | None = None) -> int:
        """Forget unsent datagrams of a priority, or those of them that are `useless`."""
        return self._datagrams.clear(priority, useless)

    def trust_peer(self) -> None:
        """Let a peer that has proved itself send more ahead."""
        self.trusted = True
        self._streams.widen(FRIEND_WINDOW)
        self.on_wanted()

    def ping(self, now: float) -> None:
        """Ask the neighbour for a sign of life; `heard_at` tells when it came."""
        if self._ending is None and len(self._pings) < MAX_PINGS:
            self._tokens += 1
            self._pinged = now
            self._pings[self._tokens.to_bytes(TOKEN_BYTES, "big")] = None
            self.on_wanted()

    def close(self, code: int, text: str) -> None:
        """Say the end; `carrier_lost` is told with the same code by `settle`, not from within this call."""
        if self._ending is None:
            text = text.encode()[:MAX_TEXT].decode(errors="ignore")
            self._ending = code, text
            self._goodbye = CloseFrame(code, text)
            self.on_wanted()

    # ---- what drives it

    def start(self, now: float) -> None:
        """The upgrade is done."""
        self.heard_at = now
        self.receiver.carrier_ready(now)
        self.ping(now)

    def receive_message(self, data: bytes, now: float) -> None:
        """Take one binary message."""
        self.heard_at = now
        if self._ending is not None:
            return
        try:
            self._received(decode(data), now)
        except RemoteProtocolError as error:
            self.close(error.code, error.text)

    def fail(self, text: str) -> None:
        """What arrived was no binary message of ours."""
        self.close(CloseCode.PROTOCOL_ERROR, text)

    def next_message(self, now: float) -> bytes | None:
        """What the socket should take next; None when nothing may leave. What was asked for is counted as written."""
        if self._ending is not None:
            goodbye, self._goodbye = self._goodbye, None
            return None if goodbye is None else encode(goodbye)
        frame = self._next_frame(now)
        if frame is None:
            return None
        message = encode(frame)
        self._pace.taken(len(message))
        return message

    def settle(self, now: float) -> None:
        """Tell what became of what was queued, and the end. To be called after receiving, writing and timers."""
        datagrams = self._datagrams.bytes > 0
        self._pace.waits(datagrams or self._streams.wanting, datagrams, now)
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self.receiver.datagrams_received(arrived, now)
        if self._fates:
            fates, self._fates = self._fates, []
            self.receiver.datagrams_settled(fates, now)
        for stream in self._streams.drained():
            if self._ending is None:
                self.receiver.stream_writable(stream, now)
        if self._ending is not None and not self._lost:
            self._lost = True
            self.receiver.carrier_lost(*self._ending, now)

    def connection_lost(self, code: int = CloseCode.GOING_AWAY, text: str = "the connection broke") -> None:
        """The socket is gone; `settle` tells."""
        self._goodbye = None
        if self._ending is None:
            self._ending = code, text

    @property
    def ending(self) -> bool:
        """Whether the end has come, said or not."""
        return self._ending is not None

    @property
    def end_code(self) -> int | None:
        """With which code it ended."""
        return None if self._ending is None else self._ending[0]

    @property
    def finished(self) -> bool:
        """Whether the socket may be closed: nothing more will be written."""
        return self._ending is not None and self._goodbye is None

    @property
    def answered_at(self) -> float:
        """When anything last arrived: TCP brings nothing for long in one direction when the other is dead."""
        return self.heard_at

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self._ending is not None:
            return None
        return min(self.heard_at + T_IDLE, self._ping_at())

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._ending is not None:
            return
        if now >= self.heard_at + T_IDLE:
            self.connection_lost(CloseCode.TIMEOUT, "no answer for too long")
        elif now >= self._ping_at():
            self.ping(now)

    # ---- inside

    def _ping_at(self) -> float:
        if len(self._pings) >= MAX_PINGS:
            return float("inf")
        if self._pinged + PING_INTERVAL <= self._active_at + ACTIVITY:
            return self._pinged + PING_INTERVAL
        # As on QUIC, only the client keeps an idle hop alive.
        return max(self.heard_at, self._pinged) + T_KEEPALIVE if self._is_client else float("inf")

    def _received(self, frame: Frame, now: float) -> None:
        if isinstance(frame, DatagramFrame):
            self._active_at = now
            self._arrived.append(frame.data)
        elif isinstance(frame, StreamFrame):
            self._active_at = now
            if self._streams.data_received(frame):
                self.receiver.stream_received(frame.stream, frame.data, frame.end, now)
                self._streams.delivered(frame.stream)
        elif isinstance(frame, CreditFrame):
            self._streams.credit_received(frame)
        elif isinstance(frame, ResetFrame):
            if self._streams.reset_received(frame):
                self.receiver.stream_reset(frame.stream, frame.code, now)
        elif isinstance(frame, CloseFrame):
            self.connection_lost(frame.code, frame.text)
        elif isinstance(frame, PingFrame):
            self._answers.append(PongFrame(frame.token))
            self.on_wanted()
        else:
            sent = self._pings.pop(frame.token, None)
            if sent is not None:
                self._pace.answered(sent, now)
        if len(self._answers) + self._streams.resets > MAX_WAITING:
            raise RemoteProtocolError(CloseCode.LIMIT, "what is answered is not read")

    def _next_frame(self, now: float) -> Frame | None:
        if self._answers:
            return self._answers.popleft()
        for token, sent in self._pings.items():
            if sent is None:
                self._pings[token] = now
                self._pace.asked(now)
                return PingFrame(token)
        frame = self._streams.next_control() or self._streams.next_piece(False)
        if frame is None:
            self._datagrams.expire(now)
            if self._datagrams:
                waiting = self._datagrams.popleft()
                self._settled(waiting, True)
                frame = DatagramFrame(waiting.payload)
            else:
                frame = self._streams.next_piece(True)
        if frame is not None:
            self._active_at = now
        return frame

    def _settled(self, waiting: Waiting, written: bool) -> None:
        """What is written to the socket arrives, however late; whatever else becomes of a datagram is decided here."""
        if waiting.cookie is not None:
            self._fates.append((waiting.cookie, written))


def _nobody() -> None:
    return
