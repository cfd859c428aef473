"""ViewerSession: the viewer's side of one desktop, from the first byte to the last (spec 04-session, 4.4 and 4.5).

What has happened is taken from it with `next_event`; nothing is called from within.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from avl_protocol.crypto import identity as identities
from avl_protocol.crypto.handshake import ViewerHandshake
from avl_protocol.crypto.sframe import ObjectOpener
from avl_protocol.media.bounds import check_size
from avl_protocol.media.clock import ClockOffset
from avl_protocol.media.track import Track, tracks_of
from avl_protocol.session.input.sender import InputSender
from avl_protocol.session.media.receiver import MediaReceiver
from avl_protocol.session.media.reporting import Presented
from avl_protocol.session.media.watching import Watching
from avl_protocol.session.moves import ViewerMoves
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.secure import SecureChannels
from avl_protocol.session.timers import Timer, Timers
from avl_protocol.session.viewerevents import (
    Admitted,
    Adrift,
    Ended,
    InputDropped,
    LaneOpened,
    Moved,
    Received,
    RightsTold,
    Stale,
    Unmoved,
    ViewerEvent,
    Waiting,
)
from avl_protocol.session.viewing import ViewerSettings, ViewerState
from avl_protocol.wire.channels import CODECS, channel_of, channels_of, first_channels_of, opened_by
from avl_protocol.wire.codec import CONTROL
from avl_protocol.wire.endtoend import (
    Beacon,
    ChannelMessage,
    ClockPing,
    ClockPong,
    Decoder,
    Echo,
    End,
    Grant,
    Layout,
    MediaKeys,
    Replaced,
    Rights,
)
from avl_protocol.wire.errors import Refused, RemoteProtocolError, known_code, not_permitted
from avl_protocol.wire.framing import ShortFrameReader
from avl_protocol.wire.registry import (
    LANES,
    LOSSES,
    MAX_HANDSHAKE_MESSAGE,
    SESSION_VERSIONS,
    T_INPUT_REFRESH,
    T_REPORT,
    T_STALE,
    T_UNADMITTED,
    Channel,
    CloseCode,
    Permission,
    TrackKind,
)

#: Kinds of tracks that a desktop is shown from, and its sound.
DESKTOPS = (TrackKind.VIDEO, TrackKind.LOWER, TrackKind.EXACT)
SHOWN = (*DESKTOPS, TrackKind.AUDIO)
#: Seconds until channels that a relay did not let through are opened again, and how often.
_REOPEN, _REOPENINGS = 0.1, 20
#: Clock exchanges: the first few quickly, so that the offset is good before it is needed.
_CLOCK_QUICK, _CLOCK_SLOW, _QUICK_EXCHANGES = 0.2, 10.0, 5


class ViewerSession:
    """Our session with one host. `wall`: Unix time in seconds, for certificates."""

    def __init__(
        self,
        settings: ViewerSettings,
        pipes: SessionPipes,
        *,
        entropy: Callable[[int], bytes],
        wall: int,
        now: float,
    ) -> None:
        self._settings = settings
        self._decodes = settings.decodes
        self._pipes = pipes
        self._events: deque[ViewerEvent] = deque()
        self._handshake = ViewerHandshake(
            own=settings.identity,
            device_number=settings.device,
            session_id=settings.session_id,
            code=settings.code,
            name=settings.name,
            permissions=int(settings.permissions),
            versions=SESSION_VERSIONS,
            entropy=entropy,
            wall=wall,
            ticket=settings.ticket,
            chain=settings.chain,
        )
        self._frames = ShortFrameReader(MAX_HANDSHAKE_MESSAGE)
        self._secure: SecureChannels | None = None
        self._timers = Timers()
        self._input: InputSender | None = None
        self._moves: ViewerMoves | None = None
        #: What the session does itself with a message; all others are its owner's.
        self._own: dict[type, Callable[[Any, float], None]] = {
            ClockPong: self._clock_answered,
            Beacon: self._beacon,
            MediaKeys: self._keys_told,
            End: self._host_ends,
            Echo: self._applied,
            Replaced: self._replaced,
            Rights: self._rights,
        }
        #: Lanes that were needed so far.
        self._lanes: set[int] = set()
        #: Whether streams are opened for lanes, or for what RIGHTS gave, and nothing moves; how often they were asked
        #: for in vain.
        self._opening = False
        self._in_vain = 0
        self._exchanges = 0
        self._presented = Presented()
        #: Frames that wait for the decoder.
        self.decode_queue: Callable[[], int] = int
        self.clock = ClockOffset()
        self._watching: Watching | None = None
        self.state = ViewerState.HANDSHAKE
        #: What the host publishes, as GRANT said.
        self.tracks: tuple[Track, ...] = ()
        self.permissions = Permission(0)
        self.stale = False
        self._timers.set(Timer.HANDSHAKE, now + T_UNADMITTED)

    def next_event(self) -> ViewerEvent | None:
        """What happened next, None when all has been taken."""
        return self._events.popleft() if self._events else None

    @property
    def media(self) -> MediaReceiver | None:
        """What has arrived of the host's media; None before GRANT."""
        return self._watching.receiver if self._watching is not None else None

    @property
    def attachment(self) -> Attachment:
        """Where the session is, or was last."""
        return self._pipes.attachment

    @property
    def detached(self) -> bool:
        """Whether the session is nowhere: its route was lost, and it has not moved to another."""
        return self._secure is not None and not self._pipes.is_open(Channel.CONTROL)

    @property
    def moving(self) -> Attachment | None:
        """Where it is going, if it goes anywhere."""
        return self._moves.target if self._moves is not None and not self._opening else None

    @property
    def punch_key(self) -> bytes:
        """The key of this session's punches. Only once admitted."""
        assert self._secure is not None
        return self._secure.punch_key

    @property
    def next_input(self) -> int:
        """The number of the batch that the next input may be in, at the least."""
        return self._input.outbox.next if self._input is not None else 1

    @property
    def input_waits(self) -> bool:
        """Whether input is under way that the neighbour has not acknowledged."""
        return self._input is not None and self._input.unanswered

    def start(self) -> None:
        """Open channel 0 and send the first handshake message."""
        self._pipes.open(Channel.CONTROL)
        self._send_body(self._handshake.start())

    # bytes

    def channel_opened(self, attachment: Attachment, channel: int, stream: int, now: float) -> None:
        """The host opened a channel, which only viewers do (R-SESS-11)."""
        if self.state is not ViewerState.ENDED:
            self._fail(Refused(CloseCode.SESSION_PROTOCOL, "the host opened a channel"), now)

    def channel_received(
        self, attachment: Attachment, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        """Bytes of one of the session's channels."""
        if self.state is ViewerState.ENDED:
            return
        attachment.hop.carrier.consume(stream, len(data))
        try:
            if self._moves is not None and self._moves.is_arrival(channel, attachment, stream):
                arrived = self._arrive(channel, attachment, data, now)
                if arrived is None:
                    return
                data = arrived
            elif not self._pipes.uses(channel, attachment, stream):
                return  # the last of a stream that the channel has left
            elif self._moves is not None and self._moves.moving(channel):
                return
            if self._secure is None:
                self._shake(data, now)
            else:
                self._messages(channel, data, now)
            if end and channel == Channel.CONTROL:
                self._control_ended(attachment, stream, now)
        except RemoteProtocolError as error:
            self._fail(Refused(error.code, error.text if error.code is CloseCode.SESSION_PROTOCOL else ""), now)
        except Refused as error:
            self._fail(error, now)

    def _control_ended(self, attachment: Attachment, stream: int, now: float) -> None:
        """The host says no more on channel 0: in peace, or as if the stream had been abandoned."""
        if self.state is ViewerState.ENDED:
            return
        if self._secure is not None and self._secure.finished(Channel.CONTROL):
            self._fail(Refused(CloseCode.SESSION_LOST), now)
        else:
            self.channel_reset(attachment, Channel.CONTROL, stream, CloseCode.SESSION_LOST, now)

    def _arrive(self, channel: int, attachment: Attachment, data: bytes, now: float) -> bytes | None:
        """Bytes of a stream that a channel moves to; what follows the host's answer."""
        assert self._moves is not None
        try:
            rest = self._moves.received(channel, data)
        except RemoteProtocolError:
            self._moves.give_up()
            self._events.append(Unmoved(attachment))
            return None
        if rest is not None and channel in LANES:
            self._events.append(LaneOpened(channel))
        if rest is not None and self._moves.target is None and self._opening:
            self._opening = False
            self._flush_input(now)
        elif rest is not None and self._moves.target is None:
            self._timers.set(Timer.STALE, now + T_STALE)
            self._flush_input(now)
            self._events.append(Moved(attachment))
        return rest

    def channel_writable(self, channel: int, now: float) -> None:
        """A channel's backlog on its hop has drained."""
        if channel == Channel.INPUT:
            self._flush_input(now)

    def channel_reset(self, attachment: Attachment, channel: int, stream: int, code: int, now: float) -> None:
        """A channel's stream was abandoned."""
        if self._moves is not None and self._moves.is_arrival(channel, attachment, stream):
            if self._opening and code == CloseCode.FORBIDDEN:  # the relay has not heard of it yet
                self._moves.close(channel)
                self._opening = self._moves.target is not None
                self._timers.set(Timer.REOPEN, now + _REOPEN if self._in_vain < _REOPENINGS else None)
                return
            self._moves.give_up()
            if self._opening:
                self._opening = False
            else:
                self._events.append(Unmoved(attachment))
            return
        if not self._pipes.uses(channel, attachment, stream):
            return
        if self.state is ViewerState.ADMITTED and (code in LOSSES or channel != Channel.CONTROL):
            self._lose(channel)  # the host left it for where we move, or the relay has lost the host
            if self.moving is None and channel == Channel.CONTROL:
                self._events.append(Adrift())
        elif channel == Channel.CONTROL:
            self._ended(Refused(known_code(code, CloseCode.SESSION_LOST) or CloseCode.SESSION_LOST), now)

    # moving

    def move(self, attachment: Attachment, now: float) -> None:
        """Take the session to another route, or back to the one it is on with streams of their own."""
        if self._moves is not None and self.state is ViewerState.ADMITTED:
            self._opening = False
            self._moves.begin(attachment, self._channels())

    def attachment_lost(self, attachment: Attachment, reason: Refused, now: float) -> None:
        """A route is gone. A session that was on it waits for another; one that was not admitted is over."""
        if self._moves is None or self.state is not ViewerState.ADMITTED:
            if self.state is not ViewerState.ENDED and attachment is self._pipes.attachment:
                self._ended(reason, now)
            return
        self._moves.lost(attachment)
        for channel in self._pipes.on(attachment):
            self._lose(channel)

    def _lose(self, channel: int) -> None:
        """A channel has no stream: hold back until it has moved."""
        assert self._secure is not None
        self._pipes.drop(channel)
        self._secure.suspend(channel)

    def _send_body(self, body: bytes) -> None:
        self._pipes.send(Channel.CONTROL, len(body).to_bytes(2, "big") + body)

    def _shake(self, data: bytes, now: float) -> None:
        self._frames.feed(data)
        while not self._handshake.admitted and (body := self._frames.next()) is not None:
            for out in self._handshake.receive(body):
                self._send_body(out)
            if self._handshake.waiting is not None and not self._handshake.admitted:
                self._timers.set(Timer.HANDSHAKE, now + self._handshake.waiting + T_UNADMITTED)
                self._events.append(Waiting(self._handshake.waiting))
        if self._handshake.admitted:
            self._secure = SecureChannels(self._handshake.keys, True, self._settings.session_id, self._pipes)
            self._moves = ViewerMoves(self._secure, self._pipes)
            self._input = InputSender(self._secure, self._pipes, self.clock.to_host)
            self._messages(Channel.CONTROL, self._frames.clear(), now)

    # messages

    def flows(self, channel: int) -> bool:
        """Whether a message would leave on a channel at once."""
        if self.state is not ViewerState.ADMITTED or self._secure is None:
            return False
        return self._pipes.is_open(channel) and self._secure.writable(channel)

    def unacknowledged(self, channel: int) -> int:
        """Bytes of a channel's records that the host has not acknowledged."""
        return 0 if self._secure is None else self._secure.unacknowledged(channel)

    def _channels(self) -> tuple[int, ...]:
        """Channels that are to have a path: those that our permissions open, lanes only once they were needed."""
        lanes = (lane for lane in channels_of(self.permissions) if lane in self._lanes)
        return (*first_channels_of(self.permissions), *lanes)

    def send(self, message: ChannelMessage, lane: int | None = None) -> None:
        """Send a message on its channel, `lane` where there are several, which is opened when it is first needed.
        Raises Refused(NOT_PERMITTED) where our permissions don't open that."""
        channel = channel_of(type(message), lane)
        if channel not in channels_of(self.permissions):
            raise not_permitted(opened_by(channel))
        if lane is not None and lane not in self._lanes and self._secure is not None:
            self._lanes.add(lane)
            self._secure.suspend(lane)  # where there is no path now, it waits for the next
            self._in_vain = 0
            self._open_channels()
        if self._secure is not None and self.state is ViewerState.ADMITTED:
            self._secure.send(channel, CODECS[channel].encode(message))

    def send_input(self, events: list[tuple[Any, ...]], now: float) -> int:
        """Send input at once as one batch (moves coalesce while the hop is backed up); its sequence number.

        Raises Refused(NOT_PERMITTED), or Refused(SESSION_LOST) while the host is not heard.
        """
        if Channel.INPUT not in channels_of(self.permissions):
            raise not_permitted(opened_by(Channel.INPUT))
        if self.stale or self._input is None:
            raise Refused(CloseCode.SESSION_LOST)
        sequence = self._input.send(events, now)
        self._after_input(now)
        return sequence

    def _flush_input(self, now: float) -> None:
        if self._input is not None and self.state is ViewerState.ADMITTED:
            self._input.flush(now)
            self._after_input(now)

    def _after_input(self, now: float) -> None:
        assert self._input is not None
        self._tell_dropped()
        self._timers.set(Timer.LATE, self._input.outbox.due())
        self._timers.set(Timer.UNCONFIRMED, self._input.ledger.due())
        self._timers.set(Timer.HOLDING, now + T_INPUT_REFRESH if self._input.outbox.holds else None)

    def _tell_dropped(self) -> None:
        if self._input is not None and (dropped := self._input.take_dropped()):
            self._events.append(InputDropped(dropped))

    def _messages(self, channel: int, data: bytes, now: float) -> None:
        assert self._secure is not None
        for raw in self._secure.receive(channel, data):
            if self.state is ViewerState.ENDED:
                return
            message = CODECS[channel].decode(raw)
            if self.state is ViewerState.HANDSHAKE:
                self._granted(message, now)
            elif message is not None:
                self._dispatch(message, channel, now)
        if channel == Channel.INPUT:
            self._flush_input(now)

    def _granted(self, grant: ChannelMessage | None, now: float) -> None:
        if isinstance(grant, End):
            raise Refused(known_code(grant.code, CloseCode.EVICTED))
        if not isinstance(grant, Grant):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "the host spoke before GRANT")
        if not identities.check_signer(
            self._handshake.host_identity, grant.endorsement, grant.media_session, grant.signer
        ):
            raise RemoteProtocolError(CloseCode.TAMPERED, "the media signer is not endorsed")
        self.tracks = tracks_of(grant.tracks, CloseCode.SESSION_PROTOCOL)
        self.state = ViewerState.ADMITTED
        self.permissions = Permission(grant.permissions & sum(Permission))
        self.clock.seed(grant.host_time_us / 1e6, now)
        shown = [track for track in self.tracks if track.kind in SHOWN]
        self._watching = Watching(ObjectOpener(grant.media_session, grant.signer), shown, self._events, self.send)
        self._watching.learn(grant.keys, now)
        self._timers.stop(Timer.HANDSHAKE)
        self._timers.set(Timer.STALE, now + T_STALE)
        for channel in first_channels_of(self.permissions)[1:]:
            self._pipes.open(channel)
        if self._decodes:
            self.send(self._decodes)
        self._exchange_clocks(now)
        self._events.append(Admitted(grant))

    def _dispatch(self, message: ChannelMessage, channel: int, now: float) -> None:
        """Give a message to the session itself where it is its own business, else to who takes the events."""
        if (own := self._own.get(type(message))) is not None:
            own(message, now)
        else:
            if isinstance(message, Layout):
                check_size(message.width, message.height)
            self._events.append(Received(message, channel))

    def _clock_answered(self, pong: ClockPong, now: float) -> None:
        self.clock.sample(pong.sent_us / 1e6, pong.host_us / 1e6, now)
        if self._watching is not None and self.clock.round_trip is not None:
            self._watching.receiver.follow(self.clock.round_trip)

    def _keys_told(self, message: MediaKeys, now: float) -> None:
        if self._watching is not None:
            self._watching.learn(message.keys, now)

    def _replaced(self, answer: Replaced, now: float) -> None:
        if self._watching is not None:
            self._watching.replaced(answer)

    def _host_ends(self, end: End, now: float) -> None:
        self._ended(Refused(known_code(end.code, CloseCode.EVICTED)), now)

    def _rights(self, rights: Rights, now: float) -> None:
        """The host says what we may from now on: channels that are not open any more are left, others are opened."""
        before = channels_of(self.permissions)
        self.permissions = Permission(rights.permissions & sum(Permission))
        assert self._moves is not None and self._secure is not None
        for channel in set(before) - set(channels_of(self.permissions)):
            self._moves.close(channel)
            self._pipes.abandon(channel)
            self._secure.suspend(channel)
        self._opening = self._opening and self._moves.target is not None
        if self._input is not None and Channel.INPUT not in channels_of(self.permissions):
            self._input.clear(now)
            self._after_input(now)
        self._in_vain = 0
        self._open_channels()
        self._events.append(RightsTold(rights))

    def _open_channels(self) -> None:
        """Open what is to be open and is not, unless the session is nowhere."""
        assert self._moves is not None
        if not self._pipes.is_open(Channel.CONTROL):
            return
        closed = [
            channel
            for channel in self._channels()
            if not self._pipes.is_open(channel) and not self._moves.moving(channel)
        ]
        if closed:
            self._opening = self._opening or self._moves.target is None
            self._moves.open(self.attachment, closed)

    def _applied(self, echo: Echo, now: float) -> None:
        if self._input is not None:
            self._input.applied(echo.sequence, echo.discarded or 0, now)
            self._tell_dropped()  # before all that was asked for is said to be done
            self._events.append(Received(echo, Channel.INPUT))

    def _beacon(self, beacon: Beacon, now: float) -> None:
        self._timers.set(Timer.STALE, now + T_STALE)
        if self.stale:
            self.stale = False
            self._events.append(Stale(False))
        if self._watching is not None and self._decodes:
            self._watching.beacon(beacon, now)
            self._timers.set(Timer.RECOVER, self._watching.receiver.next_check(now))

    # media

    def watch(self, decodes: Decoder) -> None:
        """Ask for pictures from now on, where none were wanted at first; `decodes`: what our decoder can do."""
        if not self._decodes:
            self._decodes = decodes
            self.send(decodes)

    def arrange(self, rows: tuple[tuple[int, ...], ...]) -> None:
        """The host gives us these tracks of desktops from now on, as rows of GRANT, in this order; others stay. Raises
        RemoteProtocolError where they are none."""
        given = [track for track in tracks_of(rows, CloseCode.SESSION_PROTOCOL) if track.kind in DESKTOPS]
        self.tracks = (*given, *(track for track in self.tracks if track.kind not in DESKTOPS))
        if self._watching is not None:
            self._watching.receiver.arrange(track for track in self.tracks if track.kind in SHOWN)

    def datagram_received(self, data: bytes, now: float) -> None:
        """A media datagram of this session."""
        if self._watching is not None and self.state is ViewerState.ADMITTED:
            try:
                self._timers.set(Timer.RECOVER, self._watching.datagram(data, now))
            except RemoteProtocolError as error:
                self._fail(Refused(error.code, error.text), now)
            except Refused as reason:
                self._fail(reason, now)

    def left_out(self, track: int, number: int, now: float) -> None:
        """An object of exact pixels copies what is not known: it is to be asked for."""
        if self._watching is not None and self.state is ViewerState.ADMITTED:
            self._watching.receiver.left_out(track, number, now)
            self._timers.set(Timer.RECOVER, self._watching.receiver.next_check(now))

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
                if self._input is not None:
                    self._input.clear(now)
                    self._after_input(now)
                self._events.append(Stale(True))
            elif timer is Timer.LATE:
                self._flush_input(now)
            elif timer is Timer.UNCONFIRMED and self._input is not None:
                self._input.overdue(now)
                self._after_input(now)
            elif timer is Timer.HOLDING and self._input is not None:
                self._input.outbox.hold(now)
                self._flush_input(now)
            elif timer is Timer.REOPEN:
                self._in_vain += 1
                self._open_channels()
            elif timer is Timer.CLOCK:
                self._exchange_clocks(now)
            elif timer is Timer.REPORT:
                self._report()
            elif timer is Timer.RECOVER and self._watching is not None:
                self._timers.set(Timer.RECOVER, self._watching.recover(now))

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
            if self._input is not None:
                self._input.give_up(now)
                self._tell_dropped()
            self._events.append(Ended(reason))
