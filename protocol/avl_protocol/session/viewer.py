"""ViewerSession: the viewer's side of one desktop, from the first handshake byte to the last (spec 04-session, 4.4
and 4.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from avl_protocol.crypto import identity as identities
from avl_protocol.crypto.handshake import ViewerHandshake
from avl_protocol.crypto.identity import Identity
from avl_protocol.crypto.sframe import MediaKey, ObjectOpener
from avl_protocol.media.clock import ClockOffset
from avl_protocol.session.mediain import MediaReceiver, ReceivedFrame
from avl_protocol.session.outbox import InputOutbox
from avl_protocol.session.pipes import SessionPipes
from avl_protocol.session.reporting import Presented
from avl_protocol.session.secure import SecureChannels
from avl_protocol.session.timers import Timer, Timers
from avl_protocol.wire.codec import BULK, CONTROL, INPUT
from avl_protocol.wire.endtoend import (
    Beacon,
    BulkMessage,
    ClockPing,
    ClockPong,
    ControlMessage,
    Decoder,
    Echo,
    End,
    Grant,
    MediaKeys,
    NeedKeys,
)
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.framing import ShortFrameReader
from avl_protocol.wire.registry import (
    MAX_HANDSHAKE_MESSAGE,
    SESSION_VERSIONS,
    T_INPUT_REFRESH,
    T_REPORT,
    T_STALE,
    T_UNADMITTED,
    Channel,
    CloseCode,
    Permission,
)

#: Clock exchanges: the first few quickly, so that the offset is good before it is needed.
_CLOCK_QUICK, _CLOCK_SLOW, _QUICK_EXCHANGES = 0.2, 10.0, 5


class ViewerState(Enum):
    """Where a session stands."""

    HANDSHAKE = "the host is proving itself, and we are"
    ADMITTED = "running"
    ENDED = "over"


@dataclass(frozen=True, slots=True)
class ViewerSettings:
    """Whom we want and what for. `decodes`: chroma samplings our decoder can do."""

    identity: Identity
    device: int
    session_id: bytes
    code: str
    name: str
    permissions: Permission
    decodes: tuple[int, ...]


class ViewerSessionOwner(Protocol):
    """What the owner of a session is told."""

    def session_waiting(self, seconds: int, now: float) -> None:
        """A person at the host is being asked."""

    def session_admitted(self, grant: Grant, now: float) -> None:
        """We are in."""

    def session_frames(self, frames: list[ReceivedFrame], now: float) -> None:
        """Frames to decode, in order."""

    def session_recover(self, track: int, number: int, now: float) -> None:
        """A track can't be decoded from object `number` on: ask for recovery."""

    def session_message(self, message: ControlMessage | BulkMessage, now: float) -> None:
        """Layout, cursor, settled, stages, clipboard, notice."""

    def session_echo(self, sequence: int, host_time: float, now: float) -> None:
        """Input batches up to `sequence` were applied at `host_time` (host's clock, seconds)."""

    def session_stale(self, stale: bool, now: float) -> None:
        """The host has (not) been heard for 3 s: what is shown may be old, and no input is sent."""

    def session_ended(self, reason: Refused, now: float) -> None:
        """The session is over."""


class ViewerSession:
    """Our session with one host. `wall`: Unix time in seconds, for certificates."""

    def __init__(
        self, settings: ViewerSettings, pipes: SessionPipes, owner: ViewerSessionOwner,
        entropy: Callable[[int], bytes], wall: int, now: float,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._pipes = pipes
        self._owner = owner
        self._handshake = ViewerHandshake(
            settings.identity, settings.device, settings.session_id, settings.code, settings.name,
            int(settings.permissions), SESSION_VERSIONS, entropy, wall,
        )  # fmt: skip
        self._frames = ShortFrameReader(MAX_HANDSHAKE_MESSAGE)
        self._secure: SecureChannels | None = None
        self._timers = Timers()
        self._outbox = InputOutbox()
        self._exchanges = 0
        self._presented = Presented()
        #: Frames that wait for the decoder.
        self.decode_queue: Callable[[], int] = int
        self.clock = ClockOffset()
        self.media: MediaReceiver | None = None
        self.state = ViewerState.HANDSHAKE
        self.permissions = Permission(0)
        self.stale = False
        self._timers.set(Timer.HANDSHAKE, now + T_UNADMITTED)

    @property
    def handle(self) -> int:
        """The relay's number for this session."""
        return self._pipes.handle

    def start(self) -> None:
        """Open channel 0 and send the first handshake message."""
        self._pipes.open(Channel.CONTROL)
        self._send_body(self._handshake.start())

    # bytes

    def channel_received(self, channel: int, stream: int, data: bytes, end: bool, now: float) -> None:
        """Bytes of one of the session's channels. Hosts open none."""
        if self.state is ViewerState.ENDED:
            return
        self._pipes.consume(stream, len(data))
        try:
            if not self._pipes.is_open(channel):
                raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "the host opened a channel")
            if self._secure is None:
                self._shake(data, now)
            else:
                self._messages(channel, data, now)
            if end and channel == Channel.CONTROL and self._going():
                raise Refused(CloseCode.SESSION_LOST)
        except RemoteProtocolError as error:
            self._fail(Refused(error.code, error.text if error.code is CloseCode.SESSION_PROTOCOL else ""), now)
        except Refused as error:
            self._fail(error, now)

    def _going(self) -> bool:
        return self.state is not ViewerState.ENDED

    def channel_reset(self, channel: int, code: int, now: float) -> None:
        """A channel's stream was abandoned."""
        if channel == Channel.CONTROL and self.state is not ViewerState.ENDED:
            known = CloseCode(code) if code in CloseCode._value2member_map_ else CloseCode.SESSION_LOST
            self._ended(Refused(known if known is not CloseCode.NO_ERROR else CloseCode.SESSION_LOST), now)

    def _send_body(self, body: bytes) -> None:
        self._pipes.send(Channel.CONTROL, len(body).to_bytes(2, "big") + body)

    def _shake(self, data: bytes, now: float) -> None:
        self._frames.feed(data)
        while not self._handshake.admitted and (body := self._frames.next()) is not None:
            for out in self._handshake.receive(body):
                self._send_body(out)
            if self._handshake.waiting is not None and not self._handshake.admitted:
                self._timers.set(Timer.HANDSHAKE, now + self._handshake.waiting + T_UNADMITTED)
                self._owner.session_waiting(self._handshake.waiting, now)
        if self._handshake.admitted:
            self._secure = SecureChannels(self._handshake.keys, True, self._settings.session_id, self._pipes)
            self._messages(Channel.CONTROL, self._frames.clear(), now)

    # messages

    def send(self, message: ControlMessage) -> None:
        """Send a control message to the host."""
        if self._secure is not None and self.state is ViewerState.ADMITTED:
            self._secure.send(Channel.CONTROL, CONTROL.encode(message))

    def send_bulk(self, message: BulkMessage) -> None:
        """Send a bulk message. Raises Refused(NOT_PERMITTED)."""
        if not self.permissions & (Permission.CLIPBOARD_IN | Permission.CLIPBOARD_OUT):
            raise Refused(CloseCode.NOT_PERMITTED)
        if self._secure is not None and self.state is ViewerState.ADMITTED:
            self._secure.send(Channel.BULK, BULK.encode(message))

    def send_input(self, events: list[tuple[Any, ...]], now: float) -> int:
        """Send input at once as one batch (moves coalesce while the hop is backed up); its sequence number.

        Raises Refused(NOT_PERMITTED), or Refused(SESSION_LOST) while the host is not heard.
        """
        if not self.permissions & (Permission.POINTER | Permission.KEYBOARD):
            raise Refused(CloseCode.NOT_PERMITTED)
        if self.stale or self._secure is None:
            raise Refused(CloseCode.SESSION_LOST)
        sequence = self._outbox.add(events)
        self._flush_input(now)
        return sequence

    def _flush_input(self, now: float) -> None:
        if self._secure is None or self.state is not ViewerState.ADMITTED or not self._outbox.pending:
            return
        made = round(self.clock.to_host(now) * 1e6)
        while (
            self._outbox.pending
            and self._pipes.backlog(Channel.INPUT) <= self._outbox.room
            and self._secure.writable(Channel.INPUT)
        ):
            self._secure.send(Channel.INPUT, INPUT.encode(self._outbox.take(made)))
        self._refresh_holding(now)

    def _refresh_holding(self, now: float) -> None:
        if self._outbox.holds:
            self._timers.set(Timer.HOLDING, now + T_INPUT_REFRESH)
        else:
            self._timers.stop(Timer.HOLDING)

    def _messages(self, channel: int, data: bytes, now: float) -> None:
        assert self._secure is not None
        for raw in self._secure.receive(channel, data):
            if self.state is ViewerState.ENDED:
                return
            if channel == Channel.CONTROL:
                message = CONTROL.decode(raw)
                if self.state is ViewerState.HANDSHAKE:
                    self._granted(message, now)
                elif message is not None:
                    self._control(message, now)
            elif channel == Channel.INPUT:
                echo = INPUT.decode(raw)
                if isinstance(echo, Echo):
                    self._owner.session_echo(echo.sequence, echo.host_us / 1e6, now)
            elif (bulk := BULK.decode(raw)) is not None:
                self._owner.session_message(bulk, now)
        if channel == Channel.INPUT:
            self._flush_input(now)

    def _granted(self, grant: ControlMessage | None, now: float) -> None:
        if isinstance(grant, End):
            raise Refused(_code(grant.code))
        if not isinstance(grant, Grant):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "the host spoke before GRANT")
        if not identities.check_signer(
            self._handshake.host_identity, grant.endorsement, grant.media_session, grant.signer
        ):
            raise RemoteProtocolError(CloseCode.TAMPERED, "the media signer is not endorsed")
        self.state = ViewerState.ADMITTED
        self.permissions = Permission(grant.permissions & sum(Permission))
        self.clock.seed(grant.host_time_us / 1e6, now)
        self.media = MediaReceiver(ObjectOpener(grant.media_session, grant.signer))
        self._learn(grant.keys, now)
        self._timers.stop(Timer.HANDSHAKE)
        self._timers.set(Timer.STALE, now + T_STALE)
        if self.permissions & (Permission.POINTER | Permission.KEYBOARD):
            self._pipes.open(Channel.INPUT)
        if self.permissions & (Permission.CLIPBOARD_IN | Permission.CLIPBOARD_OUT):
            self._pipes.open(Channel.BULK)
        self.send(Decoder(self._settings.decodes))
        self._exchange_clocks(now)
        self._owner.session_admitted(grant, now)

    def _control(self, message: ControlMessage, now: float) -> None:
        if isinstance(message, ClockPong):
            self.clock.sample(message.sent_us / 1e6, message.host_us / 1e6, now)
        elif isinstance(message, Beacon):
            self._beacon(message, now)
        elif isinstance(message, MediaKeys):
            self._learn(message.keys, now)
        elif isinstance(message, End):
            self._ended(Refused(_code(message.code)), now)
        else:
            self._owner.session_message(message, now)

    def _beacon(self, beacon: Beacon, now: float) -> None:
        self._timers.set(Timer.STALE, now + T_STALE)
        if self.stale:
            self.stale = False
            self._owner.session_stale(False, now)
        if self.media is not None:
            for row in beacon.objects:
                if len(row) == 2 and 0 <= row[0] < 256:
                    self.media.beacon(row[0], row[1], now)
            for track, number in self.media.tails(now):
                self._owner.session_recover(track, number, now)

    def _learn(self, keys: tuple[bytes, ...], now: float) -> None:
        assert self.media is not None
        for key in keys:
            known = MediaKey.from_bytes(key)
            frames = self.media.add_key(known.generation, known.step, known.base, now)
            if frames:
                self._owner.session_frames(frames, now)

    # media

    def datagram_received(self, data: bytes, now: float) -> None:
        """A media datagram of this session."""
        if self.media is None or self.state is not ViewerState.ADMITTED:
            return
        frames = self.media.datagram(data, now)
        if self.media.missing_key is not None:
            track, kid = self.media.missing_key
            self.media.missing_key = None
            self.send(NeedKeys(track, kid))
        if frames:
            self._owner.session_frames(frames, now)
        check = self.media.next_check(now)
        if check is None:
            self._timers.stop(Timer.RECOVER)
        else:
            self._timers.set(Timer.RECOVER, check)

    def presented(self, track: int, number: int, at: float, now: float) -> None:
        """An object was on the screen `at`: the next report says so."""
        self._presented.add(track, number, round(self.clock.to_host(at) * 1e6))
        if not self._timers.is_set(Timer.REPORT) and self.state is ViewerState.ADMITTED:
            self._timers.set(Timer.REPORT, now + T_REPORT)

    def _report(self) -> None:
        assert self.media is not None
        for report in self._presented.take(self.decode_queue(), self.media.lost, self.media.received):
            self.send(report)

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._timers.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        for timer in self._timers.expired(now):
            if timer is Timer.HANDSHAKE:
                self._fail(Refused(CloseCode.TIMEOUT), now)
            elif timer is Timer.STALE:
                self.stale = True
                self._outbox.clear()
                self._owner.session_stale(True, now)
            elif timer is Timer.HOLDING:
                self._outbox.hold()
                self._flush_input(now)
                self._refresh_holding(now)
            elif timer is Timer.CLOCK:
                self._exchange_clocks(now)
            elif timer is Timer.REPORT:
                self._report()
            elif timer is Timer.RECOVER and self.media is not None:
                for track, number in self.media.recoveries(now):
                    self._owner.session_recover(track, number, now)
                if (check := self.media.next_check(now)) is not None:
                    self._timers.set(Timer.RECOVER, check)

    def _exchange_clocks(self, now: float) -> None:
        self._exchanges += 1
        self.send(ClockPing(round(now * 1e6)))
        self._timers.set(Timer.CLOCK, now + (_CLOCK_QUICK if self._exchanges < _QUICK_EXCHANGES else _CLOCK_SLOW))

    def end(self, now: float) -> None:
        """Leave: tell the host, then abandon the streams."""
        if self.state is ViewerState.ADMITTED and self._secure is not None:
            self._secure.send(Channel.CONTROL, CONTROL.encode(End(CloseCode.ENDED)))
            self._secure.finish(Channel.CONTROL)
            self._pipes.finish(Channel.CONTROL)
        self._ended(Refused(CloseCode.ENDED), now)

    def lost(self, reason: Refused, now: float) -> None:
        """The link below is gone."""
        self._ended(reason, now)

    def _fail(self, reason: Refused, now: float) -> None:
        self._pipes.close(reason.code)
        self._ended(reason, now)

    def _ended(self, reason: Refused, now: float) -> None:
        if self.state is not ViewerState.ENDED:
            self.state = ViewerState.ENDED
            self._timers.stop_all()
            self._owner.session_ended(reason, now)


def _code(number: int) -> CloseCode:
    return CloseCode(number) if number in CloseCode._value2member_map_ else CloseCode.ENDED
