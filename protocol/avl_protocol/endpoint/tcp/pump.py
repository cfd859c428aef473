"""Pump: one WebSocket between a transport of the event loop and its carrier.

The queue stays in the carrier: the next message is asked for when the transport has handed the one before to the
system, and the system keeps little that it has not sent. So what became worthless meanwhile is dropped instead of
sent, and input overtakes a picture. `websockets` does the protocol without I/O; its own asyncio connections would
put queues in between.

No connection gets a whole turn of the event loop, nor more than its allowance (rate/limits.py): what came beyond it
waits, and while it waits nothing more is read, so that TCP holds back the sender.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from avl_protocol.carrier.carrier import CarrierReceiver
from avl_protocol.endpoint.accept.admission import BLAMED
from avl_protocol.endpoint.accept.quota import Claim
from avl_protocol.endpoint.loop.alarm import Alarm
from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.tcp.http1server import Http1Server
from avl_protocol.endpoint.tcp.tlsrecords import TlsRecords
from avl_protocol.quic.http3 import HttpHandler
from avl_protocol.rate.limits import DEFAULT, Limits, bucket
from avl_protocol.websocket.carrier import WebSocketCarrier
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import PATH, CloseCode

#: Bytes that the system may keep unsent, where it lets us say so.
UNSENT = 8 << 10
#: Bytes handed over at once: a call of the system for each datagram would cost more than sealing it.
BATCH = 8 << 10
#: Bytes that are parsed at once, 85 of the shortest frames; that are unsealed at once, and in one turn, since a record
#: may hold nothing.
PARSED, UNSEALED, READ = 512, 4 << 10, 64 << 10
#: Bytes of answers to WebSocket's own PINGs that may wait for a peer that does not read.
UNREAD = 256 << 10
#: Seconds for TLS and upgrade, and for the peer to close after us.
OPENING, CLOSING = 5.0, 1.0
#: Seconds for which who has been answered may ask again: a minute at most lies between two questions of who waits for a
#: person's approval (api/deviceflow.py).
IDLE = 75.0
#: How a request for our WebSocket begins.
GREETING = f"GET {PATH} ".encode()
#: WebSocket's own close code; ours has been said in a CLOSE.
NORMAL = 1000
#: How an IPv4 address looks to a socket of both families.
MAPPED = "::ffff:"

OnCarrier = Callable[[WebSocketCarrier], CarrierReceiver]


def _nothing() -> None:
    return


class Judge(Protocol):
    """Decides about an upgrade by its request: None, or (status, sentence)."""

    def __call__(self, request: Request) -> tuple[int, str] | None:
        """See above."""


class Pump(asyncio.Protocol):
    """Either side's. `on_settled(failure)` is called once, with None when the carrier is ready, else with a sentence;
    `on_gone()` once the transport is no more.

    `tls`: None where somebody else has unsealed the bytes already, or nobody had to. `certificate`: DER of what the
    server presents; a client takes it from TLS. `admit(host, end)`: the place that a host gets, None if it gets none;
    `end()` takes it back. `on_http`: who answers a server's clients that want no WebSocket (http1server.py).
    """

    def __init__(
        self,
        http: ServerProtocol | ClientProtocol,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        on_carrier: OnCarrier,
        on_settled: Callable[[str | None], None],
        tls: TlsRecords | None = None,
        judge: Judge | None = None,
        certificate: bytes | None = None,
        admit: Callable[[str, Callable[[], None]], Claim | None] | None = None,
        limits: Limits = DEFAULT,
        on_gone: Callable[[], object] = _nothing,
        on_http: HttpHandler | None = None,
    ) -> None:
        self.carrier: WebSocketCarrier | None = None
        self.gone = asyncio.Event()
        self._on_gone = on_gone
        self._http, self._tls, self._certificate, self._admit = http, tls, certificate, admit
        self._loop, self._clock = loop, clock
        self._on_carrier, self._judge = on_carrier, judge
        self._on_settled: Callable[[str | None], None] | None = on_settled
        self._transport: asyncio.Transport | None = None
        self._peer = ("", 0)
        self._parts: list[bytes] = []
        self._fragments = 0
        self._limits = limits
        self._claim: Claim | None = None
        #: Counters of datagrams that arrived, and of objects that were unsealed.
        self._inbox, self._plain = bytearray(), bytearray()
        self._ended = self._paused = False
        #: Bytes that came, and that were handed over, TLS included.
        self.bytes_in = self.bytes_out = 0
        self._resume: asyncio.Handle | None = None
        #: Frames in this turn, and what the peer may still send.
        self._frames = 0
        now = clock.monotonic()
        #: Whether it is not known yet what the client wants; where it is no WebSocket, what answers it.
        self._undecided, self._on_http = on_http is not None, on_http
        self._site: Http1Server | None = None
        self._trusted = isinstance(http, ClientProtocol)
        self._per_frame = bucket(limits.stranger_frames, now)
        self._per_byte = bucket(limits.stranger_bytes, now)
        self._alarm: Alarm | None = None
        self._deadline: asyncio.TimerHandle | None = loop.call_later(OPENING, self._expire)
        self._blocked = self._scheduled = self._busy = self._refused = self._over = False

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a client asks for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are transports by shape alone
        peer = transport.get_extra_info("peername") or ("", 0)
        self._peer = (str(peer[0]).removeprefix(MAPPED), int(peer[1]))
        if self._admit is not None:
            self._claim = self._admit(self._peer[0], self._give_way)
            if self._claim is None:
                self.abort()
                return
        eager(self._transport)
        if self._tls is not None:
            self._tls.start()
        elif isinstance(self._http, ClientProtocol):
            self._http.send_request(self._http.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived; what their receivers answer leaves before this returns, as far as it is their turn."""
        self.bytes_in += len(data)
        if not self._over:
            self._inbox += data
            if self._resume is None:
                self._take()

    def _take(self) -> None:
        """Read what has arrived, up to a turn's worth and within the allowance; the rest waits."""
        self._resume = None
        self._frames = taken = 0
        wait = 0.0
        self._busy = True
        try:
            while not self._over and not self._refused and not wait and self._frames < self._limits.turn_frames:
                if self._readable:
                    before, piece = self._frames, self._next(self._plain, PARSED)
                    self._parse(piece)
                    wait = self._spent(self._frames - before, len(piece))
                elif self._inbox and taken < READ:
                    taken += UNSEALED
                    self._unseal(self._next(self._inbox, UNSEALED))
                else:
                    break
            if self._tls is not None and self._tls.ended and not self._readable:
                self._eof()
        finally:
            self._busy = False
        self._concluded()
        if self._over:
            self._inbox.clear()
            self._plain.clear()
        elif self._inbox or self._readable or wait:
            self._hold(wait)
        else:
            self._go_on()

    @staticmethod
    def _next(waiting: bytearray, most: int) -> bytes:
        piece = bytes(waiting[:most])
        del waiting[:most]
        return piece

    def _spent(self, frames: int, size: int) -> float:
        """Seconds for which the peer has to wait."""
        if isinstance(self._http, ClientProtocol):
            return 0.0
        now = self._clock.monotonic()
        if not self._trusted and self.carrier is not None and self.carrier.trusted:
            self._trusted = True
            self._per_frame = bucket(self._limits.friend_frames, now)
            if self._claim is not None:
                self._claim.trust()
        self._per_frame.charge(frames, now)
        if self._trusted:
            return self._per_frame.owed(now)
        self._per_byte.charge(size, now)
        return max(self._per_frame.owed(now), self._per_byte.owed(now))

    def _hold(self, wait: float) -> None:
        assert self._transport is not None
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
        self._resume = self._loop.call_later(wait, self._take) if wait else self._loop.call_soon(self._take)

    def _go_on(self) -> None:
        assert self._transport is not None
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        if self._ended:
            self._eof()
            self._concluded()

    def _give_way(self) -> None:
        """Somebody else needs the place more."""
        if self.carrier is None:
            self.abort()
        else:
            self.carrier.close(CloseCode.LIMIT, "too many connections")

    def _unseal(self, data: bytes) -> None:
        if self._tls is None:
            self._plain += data
            return
        try:
            self._plain += self._unsealed(self._tls, data)
        except ssl.SSLError as error:
            self._flush()  # it says what was wrong
            wrong = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
            self._settled(f"no TLS: {wrong or error}")
            self._part()

    @property
    def _readable(self) -> bool:
        """Whether there are plain bytes of which is known what they are: a request for our WebSocket begins with
        GREETING, and a server that answers other requests looks for it."""
        if not self._undecided:
            return bool(self._plain)
        start = bytes(self._plain[: len(GREETING)])
        if start == GREETING:
            self._undecided = False
        elif not GREETING.startswith(start):
            assert self._on_http is not None and self._transport is not None
            self._undecided = False
            unsent = self._transport.get_write_buffer_size
            self._site = Http1Server(self._on_http, self._peer, unsent=unsent, on_wanted=self._answered)
        return not self._undecided

    def _parse(self, data: bytes) -> None:
        if self._site is not None:
            self._site.receive(data, self._clock.monotonic())
            return
        self._http.receive_data(data)
        self._dispatch()

    def _eof(self) -> None:
        """The peer writes no more."""
        if self._site is not None:
            self._site.receive(b"", self._clock.monotonic())
            self._site.finished |= not self._site.busy
            return
        self._http.receive_eof()
        self._dispatch()

    def _answered(self) -> None:
        """Something of an answer is to be sent, outside of any callback of the transport's."""
        if not self._busy and not self._over:
            self._serve()

    def _serve(self) -> None:
        """Send what was answered; close when that is all, or when nobody asks for a while."""
        site, transport = self._site, self._transport
        assert site is not None and transport is not None
        self._flush()
        if site.begun and self._on_settled is not None:
            self._settled(None)
        if site.finished and not transport.get_write_buffer_size():
            self._part()
        elif site.busy and self._deadline is not None:  # an answer's time is its handler's to bound
            self._deadline.cancel()
            self._deadline = None
        elif not site.busy and self._deadline is None:
            self._deadline = self._loop.call_later(IDLE if site.begun else OPENING, self._expire)

    def _unsealed(self, tls: TlsRecords, data: bytes) -> bytes:
        before = tls.established
        plain = tls.receive(data)
        if tls.established and not before and isinstance(self._http, ClientProtocol):
            self._certificate = tls.peer_certificate
            self._http.send_request(self._http.connect())
        return plain

    def eof_received(self) -> None:
        """The peer writes no more, and a WebSocket has no half. What it wrote before is read first."""
        self._ended = True
        if self._resume is None:
            self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        """The transport is gone."""
        self._shut()
        self._settled("the connection ended")
        if self._site is not None:
            self._site.lost(self._clock.monotonic())
        if self.carrier is not None:
            self.carrier.connection_lost()
            self._turn()

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It has taken all."""
        self._blocked = False
        if self.carrier is not None:
            self._turn()
        elif self._site is not None and not self._over:
            self._site.drained(self._clock.monotonic())
            self._serve()

    # ---- what owners call

    def abort(self) -> None:
        """Give up without a word."""
        self._shut()
        self._settled("given up")

    @property
    def to_blame(self) -> str | None:
        """The host of a stranger that broke the protocol or a limit."""
        carrier = self.carrier
        broke = carrier is not None and carrier.end_code in BLAMED and not carrier.trusted
        return self._peer[0] if broke else None

    @property
    def held_back(self) -> bool:
        """Whether nothing more of the peer is read for now: it has spent its turn or its allowance."""
        return self._paused

    @property
    def unread(self) -> int:
        """Bytes that have arrived and wait for their turn."""
        return len(self._inbox) + len(self._plain)

    def _expire(self) -> None:
        self._deadline = None
        self.abort()

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return None if self.carrier is None else self.carrier.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self.carrier is not None:
            self.carrier.handle_timer(now)
            self._turn()

    # ---- inside

    def _dispatch(self) -> None:
        for event in self._http.events_received():
            if isinstance(event, Request):
                self._request(event)
            elif isinstance(event, Response):
                self._response()
            elif isinstance(event, Frame):
                self._frame(event)

    def _concluded(self) -> None:
        """Everything has been taken: say what follows from it."""
        if self._site is not None:
            if not self._over:
                self._serve()
            return
        if not self._over:
            self._flush()
        if self._refused or self._http.handshake_exc is not None:
            self._settled(f"no WebSocket: {self._http.handshake_exc}")
            self._part()
        elif self.carrier is not None:
            if self._http.close_expected() and not self.carrier.finished:
                self.carrier.connection_lost()
            self._turn()

    def _request(self, request: Request) -> None:
        assert isinstance(self._http, ServerProtocol)
        refused = None if self._judge is None else self._judge(request)
        response = self._http.accept(request) if refused is None else self._http.reject(*refused)
        self._http.send_response(response)
        if response.status_code != 101:
            self._refused = True
        else:
            self._open()

    def _response(self) -> None:
        if self._http.handshake_exc is None:
            self._open()

    def _open(self) -> None:
        """The upgrade is done: from here on there is a carrier."""
        self._flush()
        now = self._clock.monotonic()
        carrier = WebSocketCarrier(
            is_client=isinstance(self._http, ClientProtocol),
            now=now,
            peer_address=self._peer,
            certificate=self._certificate,
        )
        self.carrier = guard(carrier)
        self._alarm = Alarm(machine=self, loop=self._loop, now=self._clock.monotonic)
        carrier.on_wanted = self._wake
        carrier.receiver = self._on_carrier(carrier)
        carrier.start(now)
        self._settled(None)

    def _frame(self, frame: Frame) -> None:
        carrier = self.carrier
        self._frames += 1
        if carrier is None:
            return
        if frame.opcode is Opcode.TEXT:
            carrier.fail("a text message")
        elif frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._fragments += 1
            if frame.data:
                self._parts.append(bytes(frame.data))  # a proxy on the way may divide messages
            if self._fragments > self._limits.message_parts:
                carrier.fail("a message in too many parts")
            elif frame.fin:
                message, self._parts, self._fragments = b"".join(self._parts), [], 0
                carrier.receive_message(message, self._clock.monotonic())

    def _wake(self) -> None:
        """There is something to do, outside of any callback of the loop's."""
        if not self._scheduled and not self._busy:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Write as much as the system takes, report the result, and close what has ended."""
        carrier = self.carrier
        assert carrier is not None and self._alarm is not None
        self._scheduled = False
        if self._busy:
            return
        now = self._clock.monotonic()
        wanting = True
        while wanting and not self._blocked and not self._over:
            size = 0
            while size < BATCH and (message := carrier.next_message(now)) is not None:
                self._http.send_binary(message)
                size += len(message)
            wanting = size > 0
            self._flush()
        carrier.settle(now)
        if carrier.finished:
            self._part()
        elif carrier.ending:  # it could not be said yet; nobody waits long for a peer that does not read
            if self._deadline is None and not self._over:
                self._deadline = self._loop.call_later(CLOSING, self._shut)
        else:
            self._alarm.reset()

    def _flush(self) -> None:
        """Hand over what the protocol has written."""
        transport = self._transport
        assert transport is not None
        data = b"".join(self._http.data_to_send()) if self._site is None else self._site.data_to_send()
        if self._tls is not None:
            if data:
                self._tls.send(data)
            data = self._tls.data_to_send()
        if data and not transport.is_closing():
            self.bytes_out += len(data)
            transport.write(data)
        if self._site is None and transport.get_write_buffer_size() > UNREAD:
            transport.abort()  # of answers, their handler sees how much waits

    def _part(self) -> None:
        """Close in order, and for good a little later."""
        if self._over:
            return
        self._over = True
        transport = self._transport
        if transport is None:
            self._shut()
            return
        if self.carrier is not None and self._http.close_sent is None and not transport.is_closing():
            self._http.send_close(NORMAL)
        if self._tls is not None:
            self._flush()
            self._tls.finish()
        self._flush()
        self._settled("the connection ended")
        transport.close()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(CLOSING, self._shut)

    def _settled(self, failure: str | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        told, self._on_settled = self._on_settled, None
        if told is not None:
            told(failure)

    def _shut(self) -> None:
        self._over = True
        self._inbox.clear()
        self._plain.clear()
        self._parts.clear()
        if self._claim is not None:
            self._claim.release()
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if not self.gone.is_set():
            self.gone.set()
            self._on_gone()
        if self._alarm is not None:
            self._alarm.stop()
        if self._transport is not None:
            self._transport.abort()


def eager(transport: asyncio.Transport) -> None:
    """Let a transport, and the system below it, keep as little unsent as they can."""
    transport.set_write_buffer_limits(high=1, low=0)  # at 0, a loop's own TLS reports a full buffer when it is empty
    opened = transport.get_extra_info("socket")
    if opened is not None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
