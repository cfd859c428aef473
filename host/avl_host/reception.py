"""Reception: the viewers of this host, from the relay's INCOMING to their leaving (spec 04-session, 4.4 to 4.6)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from avl_host.capture.source import CursorImage
from avl_host.input.sink import InputSink
from avl_host.limits import HandshakeLimits
from avl_host.sharing import TRACK, TRACK_ROW, Sharing
from avl_protocol.crypto.identity import Identity, device_number
from avl_protocol.endpoint.world import World
from avl_protocol.media.frame import Monitor
from avl_protocol.session.host import Door, HostSession, HostState
from avl_protocol.session.link import RelayLink
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.wire import device_id
from avl_protocol.wire.endtoend import (
    BulkMessage,
    Clipboard,
    ClipboardAsk,
    ClipboardSet,
    ControlMessage,
    Cursor,
    Decoder,
    Grant,
    Layout,
    MediaKeys,
    NeedKeys,
    Rate,
    Stages,
)
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import Accept, Admit, Detach, Evict, HopMessage, Incoming, Recover, Reject, Viewers
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, MAX_RECORD_DATA, CloseCode, InputKind, Permission

#: Told a person: who asks (device ID), the name they give themselves, and what for.
Ask = Callable[[str, str, Permission], Awaitable[bool | None]]


@dataclass(frozen=True, slots=True)
class Desktop:
    """What sessions act on."""

    sharing: Sharing
    sink: InputSink
    set_clipboard: Callable[[str], bool]
    get_clipboard: Callable[[], Awaitable[str | None]]


class Reception:
    """The HostSessionOwner of all sessions."""

    def __init__(
        self, world: World, identity: Identity, name: str, door: Door, desktop: Desktop, ask: Ask | None,
        tell: Callable[[str], None], after: Callable[[], None],
    ) -> None:  # fmt: skip
        self._world = world
        self._identity = identity
        self._name = name
        self._door = door
        self._desktop = desktop
        self._ask = ask
        self._tell = tell
        self._after = after
        self._link: RelayLink | None = None
        self._sessions: dict[int, HostSession] = {}
        #: Where those who are not in yet come from.
        self._sources: dict[int, bytes] = {}
        self._tracks: dict[int, bool] = {}
        self._limits = HandshakeLimits()
        self._layout: Layout | None = None
        self._cursor: Cursor | None = None
        self._clipboard_serial = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # the link

    def set_link(self, link: RelayLink | None, now: float) -> None:
        """Another link, or none: sessions of the old one are over."""
        for session in list(self._sessions.values()):
            session.lost(now)
        self._link = link
        self._sessions.clear()

    def link_message(self, message: HopMessage, now: float) -> None:
        """What the relay says about sessions."""
        if isinstance(message, Incoming):
            self._incoming(message, now)
        elif isinstance(message, Detach):
            if (session := self._sessions.get(message.handle)) is not None:
                session.lost(now)
        elif isinstance(message, Recover):
            self._desktop.sharing.request_key()
        elif isinstance(message, Viewers):
            self._desktop.sharing.audience(message.count, message.rate, message.hold_ms / 1000)

    def _incoming(self, message: Incoming, now: float) -> None:
        assert self._link is not None
        waiting = sum(1 for s in self._sessions.values() if s.state is not HostState.ADMITTED)
        if not self._limits.take(message.source, waiting, now):
            self._link.send(Reject(message.handle, CloseCode.LIMIT))
            return
        pipes = SessionPipes(self._link, message.handle)
        session = HostSession(
            self._identity, message.session, pipes, self._door, self, self._world.entropy,
            int(self._world.clock.wall()), now,
        )  # fmt: skip
        self._sessions[message.handle] = session
        self._sources[message.handle] = message.source
        self._link.send(Accept(message.handle))

    def channel_received(self, handle: int, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        """Bytes of a session's channel."""
        session = self._sessions.get(handle)
        if session is not None:
            session.channel_received(channel, stream, data, end, now)
        elif self._link is not None:
            self._link.carrier.reset_stream(stream, CloseCode.FORBIDDEN)

    def channel_reset(self, handle: int, channel: int, now: float) -> None:
        """A session's channel was abandoned."""
        if (session := self._sessions.get(handle)) is not None:
            session.channel_reset(channel, now)

    # sessions

    def session_asks(self, session: HostSession, name: str, wish: Permission, now: float) -> bool:
        """Ask the person, if that is how this host is run."""
        if self._ask is None:
            return False
        if not self._limits.prompt(now):
            raise Refused(CloseCode.LIMIT)
        self._run(self._consent(session, self._ask, name, wish))
        return True

    async def _consent(self, session: HostSession, ask: Ask, name: str, wish: Permission) -> None:
        answer = await ask(device_id.to_text(device_number(session.viewer)), name, wish)
        session.consented(answer is True, answer is not None, self._world.clock.monotonic())
        self._after()

    def session_grant(self, session: HostSession, now: float) -> Grant:
        """Permissions, keys and clock."""
        sharing = self._desktop.sharing
        key = sharing.join_key().to_bytes()
        return Grant(
            int(session.permissions), sharing.media_session, sharing.signer, sharing.endorsement, (key,),
            round(now * 1e6), self._name, (TRACK_ROW,),
        )  # fmt: skip

    def session_admitted(self, session: HostSession, now: float) -> None:
        """Open its channels at the relay and tell it what the desktop looks like."""
        assert self._link is not None
        self._limits.give_back(self._sources.pop(session.handle, b""), now)
        self._link.send(Admit(session.handle, (), session.channels()))
        session.beacon_objects = self._desktop.sharing.beacon_objects
        if self._layout is not None:
            session.send(self._layout)
        if self._cursor is not None:
            session.send(self._cursor)
        self._tell(
            f"viewer {device_id.to_text(device_number(session.viewer))} is in ({_sentence(session.permissions)})"
        )

    def session_input(self, session: HostSession, events: list[tuple[Any, ...]], now: float) -> None:
        """Apply input to the desktop."""
        sink = self._desktop.sink
        self._desktop.sharing.input_applied(now)
        for event in events:
            kind, *values = event
            if kind == InputKind.MOVE:
                sink.move(*values)
            elif kind == InputKind.BUTTON:
                sink.button(*values)
            elif kind == InputKind.WHEEL:
                sink.scroll(*values)
            elif kind == InputKind.KEY:
                sink.key(*values)
            elif kind == InputKind.TEXT:
                sink.text(*values)

    def session_message(self, session: HostSession, message: ControlMessage | BulkMessage, now: float) -> None:
        """Decoder, keys, clipboard."""
        assert self._link is not None
        if isinstance(message, Decoder):
            self._desktop.sharing.set_viewer(session.handle, message.chroma)
            if not self._tracks.get(session.handle):
                self._tracks[session.handle] = True
                self._link.send(Admit(session.handle, (TRACK,), session.channels()))
        elif isinstance(message, NeedKeys):
            session.send(MediaKeys((self._desktop.sharing.join_key().to_bytes(),)))
            self._desktop.sharing.request_key()
        elif isinstance(message, Clipboard):
            self._set_clipboard(session, message)
        elif isinstance(message, ClipboardAsk) and session.permissions & Permission.CLIPBOARD_OUT:
            self._run(self._tell_clipboard(session))

    async def _tell_clipboard(self, session: HostSession) -> None:
        text = await self._desktop.get_clipboard() or ""
        self._clipboard_serial += 1
        session.send_bulk(Clipboard(self._clipboard_serial, text if len(text.encode()) <= MAX_CLIPBOARD_TEXT else ""))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_clipboard(self, session: HostSession, message: Clipboard) -> None:
        allowed = session.permissions & Permission.CLIPBOARD_IN and len(message.text.encode()) <= MAX_CLIPBOARD_TEXT
        taken = bool(allowed) and self._desktop.set_clipboard(message.text)
        session.send_bulk(ClipboardSet(message.serial, taken))
        if taken:
            self.clipboard(message.text, session)

    def session_ended(self, session: HostSession, code: CloseCode, now: float) -> None:
        """Cut it at the relay, and give the others keys that it has not."""
        was_in = self._sources.pop(session.handle, None) is None
        self._tracks.pop(session.handle, None)
        if self._sessions.pop(session.handle, None) is None:
            return
        if self._link is not None:
            self._link.send(Evict(session.handle, code))
        self._desktop.sharing.set_viewer(session.handle, None)
        if was_in:
            key = self._desktop.sharing.renew_keys().to_bytes()
            for other in self._admitted():
                other.send(MediaKeys((key,)))
            self._tell(f"viewer {device_id.to_text(device_number(session.viewer))} has left")

    def _admitted(self) -> list[HostSession]:
        return [session for session in self._sessions.values() if session.state is HostState.ADMITTED]

    # what the desktop says

    def layout(self, size: tuple[int, int], monitors: tuple[Monitor, ...]) -> None:
        """The desktop's size or monitors changed."""
        rows = tuple((m.x, m.y, m.width, m.height, int(m.primary)) for m in monitors)
        self._layout = Layout(size[0], size[1], tuple(m.name for m in monitors), rows)
        for session in self._admitted():
            session.send(self._layout)

    def cursor(self, image: CursorImage) -> None:
        """The pointer's shape changed. One that does not fit a control record is shown as the viewer's own arrow."""
        packed = zlib.compress(image.rgba, 6)
        if len(packed) > MAX_RECORD_DATA - 64:
            return
        self._cursor = Cursor(image.serial, image.width, image.height, image.hot_x, image.hot_y, packed)
        for session in self._admitted():
            session.send(self._cursor)

    def figures(self, figures: Stages | Rate) -> None:
        """Where the host's time went, or how its hop is doing."""
        for session in self._admitted():
            session.send(figures)

    def clipboard(self, text: str, source: HostSession | None = None) -> None:
        """The host's clipboard changed: by hand, or by the viewer `source`."""
        if len(text.encode()) > MAX_CLIPBOARD_TEXT:
            return
        self._clipboard_serial += 1
        for session in self._admitted():
            if session is not source and session.permissions & Permission.CLIPBOARD_OUT:
                session.send_bulk(Clipboard(self._clipboard_serial, text))

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = [at for session in self._sessions.values() if (at := session.next_timeout()) is not None]
        return min(due) if due else None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for session in list(self._sessions.values()):
            at = session.next_timeout()
            if at is not None and at <= now:
                session.handle_timer(now)

    def end_all(self, code: CloseCode, now: float) -> None:
        """End every session and say why."""
        for session in list(self._sessions.values()):
            session.end(code, now)


def _sentence(permissions: Permission) -> str:
    return "viewing only" if permissions == Permission.VIEW else "full control"
