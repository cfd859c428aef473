"""DesktopClient: one desktop on an event loop, from dialling to decoded pictures; what API, CLI and window stand on.

It keeps the session: when the connection is lost it dials again, until it is closed or refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.alarm import Alarm
from avl_protocol.endpoint.dial import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.reach import open_endpoint, reach
from avl_protocol.endpoint.world import World
from avl_protocol.media.frame import Monitor
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.rate.control import readable
from avl_protocol.session.link import LinkSettings, RelayLink
from avl_protocol.session.mediain import ReceivedFrame
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.session.viewer import ViewerSession, ViewerSettings, ViewerState
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.endtoend import (
    BulkMessage,
    Clipboard,
    ClipboardAsk,
    ClipboardSet,
    ControlMessage,
    Cursor,
    Grant,
    Layout,
    Rate,
    Stages,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Attach, Attached, Close, Detach, HopMessage, HopRate, Recover, Welcome
from avl_protocol.wire.registry import (
    CLOSE_CODES,
    MAX_CLIPBOARD_TEXT,
    T_KEEPALIVE,
    CloseCode,
    Permission,
    Role,
)  # fmt: skip
from avl_protocol.wire.target import Target
from avl_viewer.decode.decoder import DECODES, DecodeError
from avl_viewer.decode.worker import Decoded, DecodeJob, DecodeWorker
from avl_viewer.pictures import PictureBook
from avl_viewer.present.cursor import cursor_shape
from avl_viewer.present.presenter import Presenter, Status
from avl_viewer.requests import Requests

SOFTWARE = "avl 0.1"
#: Seconds between attempts after a loss: doubling from the first to the last.
FIRST_RETRY, LAST_RETRY = 0.25, 5.0
#: The one video track of a host.
VIDEO_TRACK = 1
#: What is asked for; the host grants what its code admits to.
EVERYTHING = Permission(sum(Permission))
#: Losses after which dialling again helps; anything else is an answer.
RETRYABLE = (
    CloseCode.GOING_AWAY, CloseCode.TIMEOUT, CloseCode.UNAVAILABLE, CloseCode.SESSION_LOST, CloseCode.INTERNAL,
    CloseCode.TOO_SLOW,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Whom to see. `code` in any spelling; `reconnect`: dial again after a loss; `timeout` in seconds, for one
    attempt."""

    target: Target
    code: str
    identity: Identity
    name: str
    permissions: Permission = EVERYTHING
    reconnect: bool = True
    timeout: float = 10.0


MakeDecoder = Callable[[Callable[[Decoded], None], Callable[[Any, DecodeError], None]], DecodeWorker]


class DesktopClient:
    """A running session. All methods belong to the event loop's thread."""

    def __init__(self, world: World, settings: ClientSettings, presenter: Presenter, make_decoder: MakeDecoder) -> None:
        self._world = world
        self._settings = settings
        self._presenter = presenter
        self._loop = asyncio.get_running_loop()
        self._now = world.clock.monotonic
        self._alarm = Alarm(self, self._loop, self._now)
        self._endpoint: Endpoint | None = None
        self._link: RelayLink | None = None
        self._session: ViewerSession | None = None
        self._session_id = b""
        self._outcome: asyncio.Future[None] | None = None
        self._lost: asyncio.Future[Refused] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing = False
        #: What the rate controllers of both hops last said, upload (host to relay) and download (relay to us).
        self.rates: dict[str, dict[str, str | float]] = {}
        self._requests = Requests(self._loop)
        self.book = PictureBook()
        self._decoder = make_decoder(self._decoded, self._undecodable)
        presenter.attach(self._presented)
        self.permissions = Permission(0)
        self.ended: asyncio.Future[Refused] = self._loop.create_future()

    # connecting

    async def connect(self) -> None:
        """Come in, or raise Refused. Afterwards a lost connection is dialled again in the background."""
        self._presenter.status(Status("connecting", "Connecting…"))
        self._endpoint = await open_endpoint(self._world, ConnectionOptions(ack_delay=0.010, keepalive=T_KEEPALIVE))
        try:
            await self._attempt()
        except Refused as refused:
            await self._end(refused)
            raise
        self._keeper = self._loop.create_task(self._keep())

    async def _attempt(self) -> None:
        assert self._endpoint is not None
        self._outcome = self._loop.create_future()
        self._lost = self._loop.create_future()
        self._session_id = self._world.entropy(16)
        self._session = None
        relay = self._settings.target.relay
        self._link = link = RelayLink(LinkSettings(Role.VIEWER, SOFTWARE, relay.pin), self)
        try:
            async with asyncio.timeout(self._settings.timeout) as limit:
                self._limit = limit
                await reach(self._endpoint, relay, link, self._alarm.reset, self._settings.timeout)
                await self._outcome
        except Unreachable as error:
            raise Refused(CloseCode.TIMEOUT, f"The relay can't be reached: {error}") from None
        except TimeoutError:
            link.close(CloseCode.TIMEOUT)
            raise Refused(CloseCode.TIMEOUT, "The host did not answer in time.") from None

    async def _keep(self) -> None:
        """Wait for the loss of the connection and mend it, until that is refused."""
        while True:
            assert self._lost is not None
            reason = await self._lost
            if self._closing or not self._settings.reconnect or reason.code not in RETRYABLE:
                await self._end(reason)
                return
            pause = FIRST_RETRY
            while True:
                self._requests.fail(reason)
                self._presenter.status(Status("lost", f"{reason} Connecting again…"))
                await asyncio.sleep(pause)
                pause = min(LAST_RETRY, pause * 2)
                try:
                    await self._attempt()
                    break
                except Refused as refused:
                    if refused.code not in RETRYABLE:
                        await self._end(refused)
                        return
                    reason = refused

    async def close(self) -> None:
        """Leave."""
        self._closing = True
        if self._session is not None:
            self._session.end(self._now())
        if self._keeper is not None and self._keeper is not asyncio.current_task():
            self._keeper.cancel()
        await self._end(Refused(CloseCode.ENDED))

    async def _end(self, reason: Refused) -> None:
        if self.ended.done():
            return
        self.ended.set_result(reason)
        self._alarm.stop()
        self._requests.fail(reason)
        if self._link is not None:
            self._link.close(CloseCode.NO_ERROR)
        if self._endpoint is not None:
            await self._endpoint.close(CloseCode.NO_ERROR)
        self._decoder.close()
        self._presenter.status(Status("ended", str(reason), CLOSE_CODES[reason.code][1]))

    def next_timeout(self) -> float | None:
        """When link or session want to be called."""
        due = [machine.next_timeout() for machine in (self._link, self._session) if machine is not None]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for machine in (self._link, self._session):
            if machine is not None:
                machine.handle_timer(now)

    # LinkOwner

    def link_up(self, welcome: Welcome, now: float) -> None:
        """The relay is the right one: ask for the device."""
        assert self._link is not None
        device = self._settings.target.device.to_bytes(NUMBER_BYTES, "big")
        self._link.send(Attach(device, self._session_id))

    def link_message(self, message: HopMessage, now: float) -> None:
        """Attached, or over."""
        if isinstance(message, Attached) and self._session is None and message.session == self._session_id:
            assert self._link is not None
            settings = self._settings
            self._session = ViewerSession(
                ViewerSettings(
                    settings.identity, settings.target.device, self._session_id, settings.code, settings.name,
                    settings.permissions, DECODES,
                ),
                SessionPipes(self._link, message.handle), self, self._world.entropy,
                int(self._world.clock.wall()), now,
            )  # fmt: skip
            self._session.decode_queue = lambda: self._decoder.depth
            self._session.start()
        elif isinstance(message, HopRate):
            self.rates["download"] = readable(message.state, message.reason, message.figures)
        elif isinstance(message, (Detach, Close)):
            known = message.code in CloseCode._value2member_map_
            self._over(Refused(CloseCode(message.code) if known else CloseCode.ENDED), now)

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        """Of the session."""
        if self._session is not None and handle == self._session.handle:
            self._session.channel_received(channel, stream, data, end, now)

    def channel_reset(self, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """Of the session."""
        if self._session is not None and handle == self._session.handle:
            self._session.channel_reset(channel, code, now)

    def channel_writable(self, handle: int, channel: int, stream: int, now: float) -> None:
        """What waits goes out with the next message or acknowledgement."""

    def media_received(self, data: bytes, now: float) -> None:
        """A datagram."""
        if self._session is not None:
            self._session.datagram_received(data, now)

    def media_fate(self, cookie: object, acked: bool, now: float) -> None:
        """Viewers send no datagrams."""

    def link_lost(self, reason: Refused, now: float) -> None:
        """The relay is gone or refuses."""
        if self._session is not None:
            self._session.lost(reason, now)
        self._over(reason, now)

    def _over(self, reason: Refused, now: float) -> None:
        if self._session is not None:
            self._session.lost(reason, now)
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_exception(reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)
        if self._link is not None:
            self._link.close(CloseCode.NO_ERROR)

    # ViewerSessionOwner

    def session_waiting(self, seconds: int, now: float) -> None:
        """A person is asked: that may take longer than an attempt."""
        self._limit.reschedule(self._loop.time() + seconds + self._settings.timeout)
        self._presenter.status(Status("waiting", "The person at the host is being asked…"))

    def session_admitted(self, grant: Grant, now: float) -> None:
        """We are in."""
        self.permissions = Permission(grant.permissions & sum(Permission))
        self.book.renew()
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(None)
        self._presenter.status(Status("running"))

    def session_frames(self, frames: list[ReceivedFrame], now: float) -> None:
        """Decode, in order."""
        assert self._session is not None
        for frame in frames:
            captured = self._session.clock.from_host(frame.preamble.captured_us / 1e6)
            self.book.received(frame, captured)
            self._decoder.submit(DecodeJob(frame.data, frame.preamble.key, frame))

    def session_recover(self, track: int, number: int, now: float) -> None:
        """Ask the host for a key object."""
        if self._link is not None and self._session is not None:
            self._link.send(Recover(self._session.handle, track, number))

    def session_message(self, message: ControlMessage | BulkMessage, now: float) -> None:
        """Layout, cursor, stages, clipboard."""
        if isinstance(message, Layout):
            rows = zip(message.names, message.monitors, strict=False)
            self._presenter.layout(
                message.width, message.height,
                tuple(Monitor(name, *row[:4], bool(row[4])) for name, row in rows if len(row) == 5),
            )  # fmt: skip
        elif isinstance(message, Cursor):
            if (shape := cursor_shape(message)) is not None:
                self._presenter.cursor(shape)
        elif isinstance(message, Stages):
            self.book.host_stages(message.times_us, now)
        elif isinstance(message, Rate):
            self.rates["upload"] = readable(message.state, message.reason, message.figures)
        elif isinstance(message, Clipboard):
            self._requests.was_told(message.text)
            self._presenter.clipboard(message.text)
        elif isinstance(message, ClipboardSet):
            self._requests.was_set(message.serial, message.taken)

    def session_echo(self, sequence: int, host_time: float, now: float) -> None:
        """Input was applied."""
        self.book.stats.input_applied(sequence, host_time)
        self._requests.was_applied(sequence)

    def session_stale(self, stale: bool, now: float) -> None:
        """The host is (not) heard."""
        text = "The host is not answering. What you see may be old; input is not sent."
        self._presenter.status(Status("stale", text) if stale else Status("running"))

    def session_ended(self, reason: Refused, now: float) -> None:
        """The session is over."""
        self._over(reason, now)

    # decoding; on the decoder's thread

    def _decoded(self, done: Decoded) -> None:
        frame: ReceivedFrame = done.context
        picture = self.book.decoded(frame, done.frame, done.started, done.finished)
        self._presenter.picture(picture)
        if frame.preamble.settled:
            self._presenter.settled(frame.number)

    def _undecodable(self, context: Any, error: DecodeError) -> None:
        frame: ReceivedFrame = context
        self._loop.call_soon_threadsafe(self.session_recover, frame.track, frame.number, self._now())

    def _presented(self, number: int, at: float) -> None:
        self.book.presented(number, at)
        self._loop.call_soon_threadsafe(self._report, number, at)

    def _report(self, number: int, at: float) -> None:
        if self._session is not None:
            self._session.presented(VIDEO_TRACK, number, at, self._now())
            self._alarm.reset()

    # what people do

    def send_input(self, events: list[tuple[Any, ...]]) -> asyncio.Future[None]:
        """Send input; the future is done when the host has applied it. Raises Refused."""
        if self._session is None or self._session.state is not ViewerState.ADMITTED:
            raise Refused(CloseCode.SESSION_LOST)
        now = self._now()
        sequence = self._session.send_input(events, now)
        self.book.stats.input_sent(sequence, now)
        self._alarm.reset()
        return self._requests.input_applied(sequence)

    async def set_clipboard(self, text: str) -> bool:
        """Set the host's clipboard; False when it did not take it. Raises Refused."""
        session = self._admitted(Permission.CLIPBOARD_IN)
        if len(text.encode()) > MAX_CLIPBOARD_TEXT:
            raise Refused(CloseCode.LIMIT, f"The text is too long: a clipboard takes {MAX_CLIPBOARD_TEXT:,} bytes.")
        serial, taken = self._requests.clipboard_set()
        session.send_bulk(Clipboard(serial, text))
        return await taken

    async def get_clipboard(self) -> str:
        """The host's clipboard. Raises Refused."""
        session = self._admitted(Permission.CLIPBOARD_OUT)
        told = self._requests.clipboard_text()
        session.send_bulk(ClipboardAsk())
        return await told

    def _admitted(self, needed: Permission) -> ViewerSession:
        if self._session is None or self._session.state is not ViewerState.ADMITTED:
            raise Refused(CloseCode.SESSION_LOST)
        if not self.permissions & needed:
            raise Refused(CloseCode.NOT_PERMITTED)
        return self._session

    def stats(self) -> dict[str, Any]:
        """How the session is doing now."""
        session, link = self._session, self._link
        media = session.media if session is not None else None
        rtt = link.carrier.rtt if link is not None and session is not None else None
        return self.book.stats.report(
            self._now(), "relay", rtt, media.lost if media else 0, media.received if media else 0,
            {
                "decode_queue": self._decoder.depth, "damaged": media.damaged if media else 0,
                "repaired": media.repaired if media else 0, "rate": dict(self.rates),
            },
        )  # fmt: skip
