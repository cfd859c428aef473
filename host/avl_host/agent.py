"""The assembled host: every startup step, in order, in one place; and the link to the relay, kept up for ever."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from avl_host.capture.source import CaptureSource
from avl_host.clipboard import ClipboardPort
from avl_host.config import HostSettings
from avl_host.door import AttemptDoor
from avl_host.encode.encoder import Encoder, EncoderSettings
from avl_host.encode.pipeline import Pipeline, PipelineSettings
from avl_host.encode.worker import Listener, Worker
from avl_host.input.sink import InputSink
from avl_host.reception import Ask, Desktop, Reception
from avl_host.sharing import Sharing
from avl_protocol.crypto.identity import Identity, device_record
from avl_protocol.endpoint.alarm import Alarm
from avl_protocol.endpoint.dial import Unreachable
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.endpoint.reach import open_endpoint, reach
from avl_protocol.endpoint.state import StateFolder, write_ready
from avl_protocol.endpoint.world import World
from avl_protocol.quic.options import ConnectionOptions
from avl_protocol.session.link import LinkSettings, RelayLink
from avl_protocol.wire import device_id
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import HopMessage, Welcome
from avl_protocol.wire.registry import T_KEEPALIVE, CloseCode, Role
from avl_protocol.wire.target import RelayAddress, Target, parse_address

SOFTWARE = "avl-host 0.1"
#: Seconds between attempts at an unreachable relay: doubling from the first to the last.
FIRST_RETRY, LAST_RETRY = 0.5, 10.0
#: Seconds that a device record holds; a new one is signed at every connection.
RECORD_LIFETIME = 2 * 24 * 3600
#: Seconds that one attempt at the relay may take.
CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the machine a host is made of; the command line opens the real ones, a simulation its doubles."""

    source: CaptureSource
    sink: InputSink
    clipboard: ClipboardPort
    open_encoder: Callable[[EncoderSettings], Encoder]
    make_worker: Callable[[CaptureSource, Pipeline, Listener, Callable[[], float]], Worker]
    ask: Ask | None = None


class Agent:
    """A host. `run` returns only when the display is lost or it is cancelled."""

    def __init__(self, world: World, settings: HostSettings, parts: Parts, tell: Callable[[str], None]) -> None:
        self._world = world
        self._settings = settings
        self._parts = parts
        self._tell = tell
        self._state = StateFolder(settings.state)
        self.identity: Identity = self._state.identity(world.entropy)
        self.door = AttemptDoor(settings, self._state, world.entropy, self._codes_replaced)
        self._page = ""
        self._relay: RelayAddress | None = None
        self._link: RelayLink | None = None
        self._lost: asyncio.Event = asyncio.Event()
        self._ended: asyncio.Future[str] | None = None

    async def run(self) -> str:
        """Share until the display is lost; returns what to tell the person then."""
        world, parts = self._world, self._parts
        loop = asyncio.get_running_loop()
        clock = world.clock.monotonic
        self._ended = loop.create_future()
        sharing = Sharing(
            self.identity, world.entropy, clock, self._settings.max_bitrate, lambda told: self.reception.figures(told)
        )
        desktop = Desktop(sharing, parts.sink, parts.clipboard.set, parts.clipboard.get)
        self.reception = Reception(
            world, self.identity, platform.node(), self.door, desktop, parts.ask, self._tell, self._after
        )
        self._alarm = Alarm(self, loop, clock)
        self.sharing = sharing
        pipeline = Pipeline(
            parts.source, parts.open_encoder, sharing.ready, PipelineSettings(bitrate=self._settings.max_bitrate)
        )
        listener = Listener(sharing.frame, self.reception.cursor, self.reception.layout, self._display_lost)
        worker = parts.make_worker(parts.source, pipeline, listener, clock)
        sharing.start(worker)
        parts.sink.release_all()
        parts.clipboard.on_text = self.reception.clipboard
        worker.start()
        endpoint = await open_endpoint(world, ConnectionOptions(ack_delay=0.005, keepalive=T_KEEPALIVE))
        try:
            keeper = loop.create_task(self._keep_link(endpoint))
            try:
                waiting: list[asyncio.Future[Any]] = [keeper, self._ended]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if keeper.done():
                    keeper.result()
            finally:
                keeper.cancel()
            return self._ended.result()
        finally:
            self.reception.end_all(CloseCode.ENDED, clock())
            parts.sink.close()
            parts.clipboard.close()
            await worker.close()
            await endpoint.close()

    # the link

    async def _keep_link(self, endpoint: Endpoint) -> None:
        pause = FIRST_RETRY
        said = ""
        while True:
            self._lost.clear()
            record = device_record(
                int(self._world.clock.wall()), int(self._world.clock.wall()) + RECORD_LIFETIME, SOFTWARE
            )
            relay = self._settings.relay
            link = RelayLink(LinkSettings(Role.HOST, SOFTWARE, relay.pin, self.identity, record), self)
            self._link = link
            self._failure = ""
            try:
                await reach(endpoint, relay, link, self._after, CONNECT_TIMEOUT)
                self._after()
                await self._lost.wait()
            except Unreachable as error:
                self._failure = str(error)
            if self._relay is not None:
                pause = FIRST_RETRY
            self._relay = None
            if self._failure and self._failure != said:
                said = self._failure
                self._tell(f"relay {relay.host}:{relay.port}: {said} Trying again.")
            await asyncio.sleep(pause)
            pause = min(LAST_RETRY, pause * 2)

    def _after(self) -> None:
        self._alarm.reset()

    def next_timeout(self) -> float | None:
        """When the link or a session wants to be called."""
        due = [
            self._link.next_timeout() if self._link else None,
            self.reception.next_timeout(),
            self.sharing.next_timeout(),
        ]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if self._link is not None:
            self._link.handle_timer(now)
        self.reception.handle_timer(now)
        self.sharing.handle_timer(now)

    # LinkOwner

    def link_up(self, welcome: Welcome, now: float) -> None:
        """Registered: viewers can connect."""
        assert self._link is not None
        self.reception.set_link(self._link, now)
        self.sharing.set_link(self._link)
        self._page = welcome.page
        try:
            host, port = parse_address(welcome.name)
            self._relay = RelayAddress(host, port, self._settings.relay.pin)
        except ValueError:
            self._relay = self._settings.relay
        self._announce()

    def link_message(self, message: HopMessage, now: float) -> None:
        """About sessions."""
        self.reception.link_message(message, now)

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        """Of a session."""
        self.reception.channel_received(handle, channel, stream, data, end, now)

    def channel_reset(self, handle: int, channel: int, stream: int, code: int, now: float) -> None:
        """Of a session."""
        self.reception.channel_reset(handle, channel, now)

    def channel_writable(self, handle: int, channel: int, stream: int, now: float) -> None:
        """Sessions bound what they queue by acknowledgements of their own."""

    def media_received(self, data: bytes, now: float) -> None:
        """Hosts are sent none."""

    def media_fate(self, cookie: object, acked: bool, now: float) -> None:
        """A fragment arrived at the relay or was lost."""
        self.sharing.fate(cookie, acked, now)

    def link_lost(self, reason: Refused, now: float) -> None:
        """The relay is gone, or does not want us."""
        self.sharing.set_link(None)
        self.reception.set_link(None, now)
        self._failure = str(reason)
        self._lost.set()

    def _display_lost(self, text: str) -> None:
        self.reception.end_all(CloseCode.DISPLAY_LOST, self._world.clock.monotonic())
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(text)

    # what people and scripts are told

    def _codes_replaced(self) -> None:
        self._tell("the code was replaced")
        self._announce()

    def _announce(self) -> None:
        if self._relay is not None:
            ready = self.ready()
            write_ready(self._settings.ready_file, ready)
            code = ready["code"]
            self._tell(f"desktop {ready['device_id']}")
            shown = code if self._settings.code else device_id.show_code(code)
            self._tell(f"  code    {shown or '(used; restart for another)'}")
            if ready.get("view_code"):
                self._tell(f"  view    {ready['view_code']} (viewing only)")
            self._tell(f"  browser {ready['url']}")
            self._tell(f"  window  avl view '{ready['target']}'")

    def _codes(self) -> tuple[str | None, str | None]:
        """Codes as valid now, in the spelling in which they were given."""
        code, view_code = self.door.codes
        return (self._settings.code or code) if code else None, (
            self._settings.view_code or view_code
        ) if view_code else None

    def ready(self) -> dict[str, Any]:
        """The ready file's content."""
        assert self._relay is not None
        target = str(Target(self._relay, self.identity.number))
        code, view_code = self._codes()
        page = f"{self._page}#d={self.identity.device_id}"
        ready = {
            "device_id": self.identity.device_id,
            "code": code or "",
            "target": target,
            "url": page + "&c=" + quote(code, safe="") if code else page,
        }
        if view_code is not None:
            ready |= {"view_code": view_code, "view_url": page + "&c=" + quote(view_code, safe="")}
        return ready
