"""HostSession: the host's side of one viewer, from the first handshake byte to the last (spec 04-session, 4.4 and
4.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from avl_protocol.crypto.attempts import Try
from avl_protocol.crypto.handshake import Asks as ViewerAsks
from avl_protocol.crypto.handshake import HostHandshake
from avl_protocol.crypto.identity import Identity
from avl_protocol.session.hosting import (
    Admission,
    Admitted,
    Agreed,
    Allowed,
    Asks,
    ChannelOpened,
    Detached,
    Ended,
    Event,
    HostState,
    Input,
    Message,
    Moved,
    Presented,
    Returns,
)
from avl_protocol.session.input.gate import InputGate
from avl_protocol.session.moves import HostMoves
from avl_protocol.session.pipes import Attachment, SessionPipes
from avl_protocol.session.secure import SecureChannels
from avl_protocol.session.timers import Timer, Timers
from avl_protocol.wire.channels import CODECS, channel_of, channels_of, first_channels_of
from avl_protocol.wire.codec import CONTROL, INPUT
from avl_protocol.wire.endtoend import (
    Batch,
    Beacon,
    ChannelMessage,
    ClockPing,
    ClockPong,
    Echo,
    End,
    Grant,
)
from avl_protocol.wire.errors import GrantRefused, Refused, RemoteProtocolError
from avl_protocol.wire.framing import ShortFrameReader
from avl_protocol.wire.registry import (
    LOSSES,
    MAX_HANDSHAKE_MESSAGE,
    T_BEACON,
    T_CONSENT,
    T_ECHO,
    T_RESUME,
    T_UNADMITTED,
    Channel,
    CloseCode,
    Permission,
)


class HostSession:
    """One viewer's session. `wall`: Unix time in seconds, for certificates; `keep`: seconds for which it waits for its
    viewer without a path to it.

    What follows from a call waits in `events`, in order, until the owner takes it with `next_event`.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        session_id: bytes,
        pipes: SessionPipes,
        admission: Admission,
        entropy: Callable[[int], bytes],
        wall: int,
        now: float,
        keep: float = T_RESUME,
    ) -> None:
        self.events: deque[Event] = deque()
        self._keep = keep
        self._handshake = HostHandshake(own=identity, session_id=session_id, entropy=entropy, wall=wall)
        self._frames = ShortFrameReader(MAX_HANDSHAKE_MESSAGE)
        self._latest = now
        self._session_id = session_id
        self._pipes = pipes
        self._admission = admission
        self._secure: SecureChannels | None = None
        self._moves: HostMoves | None = None
        #: Channels that have had a stream: the first one on the route where the session began has no Channel Resume.
        self._opened: set[int] = set()
        #: Channels that GRANT opened. One that is opened later begins with a Channel Resume, wherever that is; a lane
        #: always is.
        self._first: tuple[int, ...] = ()
        self._timers = Timers()
        self._timers.set(Timer.HANDSHAKE, now + T_UNADMITTED)
        self._gate = InputGate()
        #: Answers to input that wait for the pictures to go first.
        self._echoes: list[Echo] = []
        #: What the session does itself with a message; all others are its owner's.
        self._own: dict[type, Callable[[Any, float], None]] = {
            ClockPing: self._clock_asked,
            End: self._viewer_leaves,
            Batch: self._input,
        }
        self.state = HostState.HANDSHAKE
        self.viewer = b""
        self.permissions = Permission(0)
        self._withheld = Permission(0)
        self._wish = Permission(0)
        self._given = Permission(0)
        self._chain: tuple[str, ...] = ()
        self._presented: Presented | None = None
        self._agreed: Agreed | None = None
        self._name = ""
        self._attempt: Try | None = None
        #: Rows of (track, newest object) for the beacon.
        self.beacon_objects: Callable[[], tuple[tuple[int, ...], ...]] = tuple
        #: Whether places in input that was made then, in seconds of our clock, are places of the desktop as it is now.
        self.hits: Callable[[float], bool] = lambda made: True
        self.discarded = 0

    @property
    def attachment(self) -> Attachment:
        """Where the session is, or was last."""
        return self._pipes.attachment

    @property
    def session_id(self) -> bytes:
        """The viewer's name for the session, 16 bytes."""
        return self._session_id

    @property
    def name(self) -> str:
        """What the viewer calls itself; "" before it has said so. Any text: it is the viewer's choice."""
        return self._name

    @property
    def wish(self) -> Permission:
        """What the viewer asked for."""
        return self._wish

    @property
    def given(self) -> Permission:
        """What the code or the ticket gives of it, before the owner's policy."""
        return self._given

    @property
    def chain(self) -> tuple[str, ...]:
        """The statements that the viewer came with; none: it came by a code or a ticket."""
        return self._chain

    @property
    def presented(self) -> Presented | None:
        """What these came to, when it came; None without a chain."""
        return self._presented

    @property
    def agreed(self) -> Agreed | None:
        """What a person at the host decided about it, now or for a session before; None where nobody was asked."""
        return self._agreed

    @property
    def withheld(self) -> Permission:
        """Permissions that the viewer has and can't use for its input now."""
        return self._withheld

    @property
    def holding(self) -> bool:
        """Whether the viewer holds a key or button down."""
        return self._gate.holding

    @property
    def keeps_up(self) -> bool:
        """Whether what is said on channel 0 now leaves at once: its viewer reads, and there is a path."""
        return self.state is HostState.ADMITTED and self._secure is not None and self._secure.writable(Channel.CONTROL)

    @property
    def detached(self) -> bool:
        """Whether there is no path to the viewer now."""
        return self.state is HostState.ADMITTED and not self._pipes.is_open(Channel.CONTROL)

    @property
    def punch_key(self) -> bytes:
        """The key of this session's punches. Only once admitted."""
        assert self._secure is not None
        return self._secure.punch_key

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self.state is HostState.ENDED

    def next_event(self) -> Event | None:
        """Take what happened next; None when there is nothing more."""
        return self.events.popleft() if self.events else None

    # bytes

    def channel_opened(self, attachment: Attachment, channel: int, stream: int, now: float) -> None:
        """The viewer opened a stream: the first of its channel, or one that the channel moves to."""
        if self.over or self._arrives(attachment, channel, stream):
            return
        if not self._may_open(channel) or not self._pipes.adopt(channel, attachment, stream):
            attachment.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)
            return
        self._has_opened(channel)

    def _has_opened(self, channel: int) -> None:
        """There is a path on a channel now, for the first time or again."""
        self._opened.add(channel)
        if channel != Channel.CONTROL:
            self.events.append(ChannelOpened(channel))

    def channel_received(
        self, attachment: Attachment, channel: int, stream: int, data: bytes, end: bool, now: float
    ) -> None:
        """Bytes of one of the session's channels."""
        if self.over:
            return
        self._latest = now
        try:
            attachment.hop.carrier.consume(stream, len(data))
            if self._arrives(attachment, channel, stream):
                if not self._may_open(channel):
                    attachment.hop.carrier.reset_stream(stream, CloseCode.FORBIDDEN)
                    return
                arrived = self._arrive(attachment, channel, stream, data, now)
                if arrived is None:
                    return
                data = arrived
            elif not self._pipes.uses(channel, attachment, stream):
                return  # the rest of a stream that was refused, or that its channel has left
            if self._secure is None:
                self._shake(data, now)
            else:
                self._messages(channel, data, now)
            if end and channel == Channel.CONTROL and not self.over:
                if self._secure is not None and self._secure.finished(channel):
                    self._ended(CloseCode.ENDED)
                else:
                    self._pipes.abandon(channel)
                    self._lose(channel, now)
        except (RemoteProtocolError, Refused) as error:
            self._fail(error, now)

    def _fail(self, error: RemoteProtocolError | Refused, now: float) -> None:
        if isinstance(error, GrantRefused):
            self.refuse(error, now)
        else:
            self.end(error.code, now)

    def _may_open(self, channel: int) -> bool:
        if channel == Channel.CONTROL:
            return True
        if self.state is not HostState.ADMITTED:
            return False
        return channel in self.channels()

    def channels(self) -> tuple[int, ...]:
        """Channels that the permissions open."""
        return channels_of(self.permissions)

    # moving

    def _arrives(self, attachment: Attachment, channel: int, stream: int) -> bool:
        """Whether a stream has to begin with a Channel Resume."""
        if self._moves is None or self._pipes.uses(channel, attachment, stream):
            return False
        return not attachment.begun or channel in self._opened or channel not in self._first

    def _arrive(self, attachment: Attachment, channel: int, stream: int, data: bytes, now: float) -> bytes | None:
        """Bytes of a stream that a channel moves to; what follows the viewer's header. A wrong one costs its stream."""
        assert self._moves is not None
        try:
            rest = self._moves.received(channel, attachment, stream, data)
        except RemoteProtocolError as error:
            attachment.hop.carrier.reset_stream(stream, error.code)
            return None
        if rest is None:
            return None
        if channel == Channel.CONTROL:
            self._timers.stop(Timer.RESUME)
            self._beacon(now)  # a viewer that heard nothing for long sends nothing until it does
            self.events.append(Moved())
        self._has_opened(channel)
        return rest

    def channel_reset(self, attachment: Attachment, channel: int, stream: int, code: int, now: float) -> None:
        """A channel's stream was abandoned: by who gave up the session, or because the path is gone."""
        if self._moves is not None:
            self._moves.forget(attachment, stream)
        if not self._pipes.uses(channel, attachment, stream):
            return
        if channel == Channel.CONTROL and (self._secure is None or code not in LOSSES):
            self._ended(CloseCode.SESSION_LOST)
        else:
            self._lose(channel, now)

    def attachment_lost(self, attachment: Attachment, now: float) -> None:
        """A path is gone with all that was on it."""
        if self._secure is None:
            if attachment is self._pipes.attachment:
                self._ended(CloseCode.SESSION_LOST)
            return
        if self._moves is not None:
            self._moves.lost(attachment)
        for channel in self._pipes.on(attachment):
            self._lose(channel, now)

    def left(self, attachment: Attachment, now: float) -> None:
        """The relay says that the viewer is gone there; the end may still be under way."""
        if self._secure is None:
            self.attachment_lost(attachment, now)
        elif attachment is self._pipes.attachment and not self._timers.is_set(Timer.RESUME):
            self._timers.set(Timer.RESUME, now + self._keep)

    def _lose(self, channel: int, now: float) -> None:
        """A channel has no stream: hold back until the viewer opens another."""
        if self._secure is None or self._keep <= 0:
            self._ended(CloseCode.SESSION_LOST)
            return
        self._pipes.drop(channel)
        self._secure.suspend(channel)
        if channel == Channel.CONTROL:
            self._timers.stop(Timer.BEACON)
            self._timers.set(Timer.RESUME, now + self._keep)
            self.events.append(Detached())

    # handshake

    def _shake(self, data: bytes, now: float) -> None:
        self._frames.feed(data)
        while self.state in (HostState.HANDSHAKE, HostState.CONSENT) and (body := self._frames.next()) is not None:
            step = self._handshake.receive(body)
            for out in step.send:
                self._send_body(out)
            if step.asks is not None:
                self.viewer = step.asks.identity
                self._wish = Permission(step.asks.permissions & sum(Permission))
                self._name = step.asks.name
                if step.asks.chain:
                    self._present(step.asks)
                    return
                returned = self._admission.redeem(step.asks.ticket, self.viewer) if step.asks.ticket else None
                if returned is not None:
                    self._give(returned.permissions)
                    self._agreed = returned.agreed
                    self._handshake.redeem()
                    self.state = HostState.PROVED
                    self.events.append(Returns())
                    return
                self._attempt = self._admission.begin(self.viewer, now)
                self._send_body(self._handshake.challenge(self._attempt.codes))
            if step.confirmed is not None and self._attempt is not None:
                attempt, self._attempt = self._attempt, None
                permissions = self._admission.confirmed(attempt, step.confirmed)
                if permissions is None:
                    raise Refused(CloseCode.REFUSED)
                self._give(permissions)
                self.state = HostState.PROVED
                self.events.append(Asks(self._name, self.permissions))

    def _present(self, asks: ViewerAsks) -> None:
        """The viewer comes with a chain. Raises GrantRefused: no code is tried then."""
        presented = self._admission.present(asks.chain, asks.ticket, self.viewer, self._wish)
        self._chain, self._presented = asks.chain, presented
        self.permissions = presented.permissions
        self._agreed = presented.agreed
        self._handshake.accept_chain()
        self.state = HostState.PROVED
        self.events.append(Asks(self._name, self.permissions, presented.consent))

    def _give(self, permissions: Permission) -> None:
        """What a code or a ticket admits to. Raises Refused where the owner's policy leaves no picture of it."""
        self._given = permissions & self._wish
        self.permissions = self._admission.left(self._given)
        if self._given & Permission.VIEW and not self.permissions & Permission.VIEW:
            raise Refused(CloseCode.FORBIDDEN)

    def asked(self, now: float) -> None:
        """A person is being asked; then `admit` or `denied` is called."""
        if self.state is HostState.PROVED:
            self.state = HostState.CONSENT
            self._timers.set(Timer.HANDSHAKE, now + T_CONSENT + T_UNADMITTED)
            self._send_body(self._handshake.wait(int(T_CONSENT)))
            self._unfinished(self._shake, b"", now)

    def agree(self, asked: Permission, allowed: Permission, until: int = 0) -> None:
        """A person was asked about these permissions and allows so much of them, until then (Unix seconds; 0: no end).
        Before `admit` the session has no more from then on; once it runs `allow` decides."""
        before = self._agreed or Agreed(Permission(0), Permission(0), until)
        self._agreed = before.and_also(asked, allowed)
        if self.admissible:
            self.permissions &= self._agreed.allowed

    def denied(self, answered: bool, now: float) -> None:
        """The person said no; `answered` is False when nobody gave an answer."""
        if self.state is HostState.CONSENT:
            self.end(CloseCode.DENIED if answered else CloseCode.NO_CONSENT, now)

    @property
    def admissible(self) -> bool:
        """Whether `admit` lets the viewer in now."""
        return self.state in (HostState.PROVED, HostState.CONSENT)

    def _send_body(self, body: bytes) -> None:
        self._pipes.send(Channel.CONTROL, len(body).to_bytes(2, "big") + body)

    def admit(self, grant: Grant, now: float) -> None:
        """Let the viewer in; nothing where it is gone by now."""
        if not self.admissible:
            return
        self._send_body(self._handshake.admit())
        self._secure = SecureChannels(self._handshake.keys, False, self._session_id, self._pipes)
        self._moves = HostMoves(self._secure, self._pipes)
        self.state = HostState.ADMITTED
        self._first = first_channels_of(self.permissions)
        self._timers.stop(Timer.HANDSHAKE)
        self._timers.set(Timer.BEACON, now + T_BEACON)
        self.send(grant)
        self.events.append(Admitted())
        left = self._frames.clear()
        if left:
            self._unfinished(self._messages, Channel.CONTROL, left, now)

    def _unfinished(self, call: Callable[..., None], *arguments: Any) -> None:
        """Go on with bytes that came before an answer of the owner. An error in them ends the session."""
        try:
            call(*arguments)
        except (RemoteProtocolError, Refused) as error:
            self._fail(error, self._latest)

    def allow(self, permissions: Permission) -> None:
        """From now on the session may this. What is held by a permission that is gone is let go of, and channels that
        are not open any more are abandoned; `Allowed` follows."""
        if permissions == self.permissions or self.state is not HostState.ADMITTED or self._secure is None:
            return
        gone, before = self.permissions & ~permissions, self.channels()
        self.permissions = permissions
        if gone & (Permission.POINTER | Permission.KEYBOARD):
            self._release()
        self._opened.update(before)
        for channel in set(before) - set(self.channels()):
            self._pipes.abandon(channel, CloseCode.FORBIDDEN)
            self._secure.suspend(channel)
        self.events.append(Allowed())

    # messages

    def flows(self, channel: int) -> bool:
        """Whether a message would leave on a channel at once."""
        if self.state is not HostState.ADMITTED or self._secure is None:
            return False
        return self._pipes.is_open(channel) and self._secure.writable(channel)

    def send(self, message: ChannelMessage, lane: int | None = None) -> bool:
        """Send a message on its channel, `lane` where there are several; False where that has no path now:
        `ChannelOpened` tells when it has one, for channel 0 `Moved`. A viewer that does not read ends its session
        (TOO_SLOW), not our caller."""
        channel = channel_of(type(message), lane)
        if self.state is not HostState.ADMITTED or not self._pipes.is_open(channel):
            return False
        self._send(channel, CODECS[channel].encode(message))
        return True

    def _send(self, channel: int, message: bytes) -> None:
        assert self._secure is not None
        try:
            self._secure.send(channel, message)
        except Refused as error:
            self.end(error.code, self._latest)

    def _messages(self, channel: int, data: bytes, now: float) -> None:
        assert self._secure is not None
        for raw in self._secure.receive(channel, data):
            if self.state is not HostState.ADMITTED:
                return
            message = CODECS[channel].decode(raw)
            if message is None:
                continue
            if (own := self._own.get(type(message))) is not None:
                own(message, now)
            else:
                self.events.append(Message(message, channel))

    def _clock_asked(self, ping: ClockPing, now: float) -> None:
        self.send(ClockPong(ping.sent_us, round(now * 1e6)))

    def _viewer_leaves(self, end: End, now: float) -> None:
        assert self._secure is not None
        self._secure.finish(Channel.CONTROL)
        self._pipes.finish(Channel.CONTROL)
        self._ended(CloseCode.ENDED)

    def _input(self, batch: Batch, now: float) -> None:
        hits = self.hits(batch.time_us / 1e6)
        events, discarded = self._gate.admit(batch, self.permissions & ~self._withheld, now, hits)
        self.discarded += discarded
        self.events.append(Input(tuple(events), batch.sequence, self.discarded))
        self._timers.set(Timer.SILENCE, self._gate.silence_deadline())

    def withhold(self, permissions: Permission) -> None:
        """Discard input that needs one of these from now on, whatever was granted. What the viewer holds is let go of:
        in an event that comes before any of later input."""
        if permissions != self._withheld:
            self._withheld = permissions
            if permissions:
                self._release()

    def applied(self, event: Input, now: float) -> None:
        """Input was applied: tell the viewer, if it was the viewer's."""
        if event.sequence is not None and self.state is HostState.ADMITTED:
            self._echoes.append(Echo(event.sequence, round(now * 1e6), event.discarded))
            if not self._timers.is_set(Timer.ECHO):
                self._timers.set(Timer.ECHO, now + T_ECHO)

    def _echo(self) -> None:
        echoes, self._echoes = self._echoes, []
        for echo in echoes:
            self._send(Channel.INPUT, INPUT.encode(echo))

    def _release(self) -> None:
        self._timers.stop(Timer.SILENCE)
        if events := self._gate.release():
            self.events.append(Input(tuple(events)))

    # time and end

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        return self._timers.next_timeout()

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        self._latest = now
        for timer in self._timers.expired(now):
            if timer is Timer.HANDSHAKE:
                self.end(CloseCode.TIMEOUT, now)
            elif timer is Timer.SILENCE:
                if events := self._gate.silent():
                    self.events.append(Input(tuple(events)))
                self._timers.set(Timer.SILENCE, self._gate.silence_deadline())
            elif timer is Timer.ECHO:
                self._echo()
            elif timer is Timer.BEACON:
                self._beacon(now)
            elif timer is Timer.RESUME:
                self._ended(CloseCode.SESSION_LOST)

    def _beacon(self, now: float) -> None:
        self._timers.set(Timer.BEACON, now + T_BEACON)
        self.send(Beacon(round(now * 1e6), self.beacon_objects()))

    def refuse(self, error: GrantRefused, now: float) -> None:
        """The viewer's chain is not good: end the session, and say in what way."""
        self._end(error.code, now, error.why or 0)

    def end(self, code: CloseCode, now: float) -> None:
        """End the session and tell the viewer why: sealed if it was admitted, as a refusal before."""
        self._end(code, now, 0)

    def _end(self, code: CloseCode, now: float, why: int) -> None:
        if self.over:
            return
        if self.state is HostState.ADMITTED and code is not CloseCode.TAMPERED:
            self._echo()
        if self._secure is not None and code is CloseCode.TAMPERED:
            self._pipes.close(code)  # nothing sealed can be said any more
        elif self._secure is not None:
            try:
                self._secure.send(Channel.CONTROL, CONTROL.encode(End(code)))
            except Refused:
                pass  # it does not read: the relay tells it
            self._secure.finish(Channel.CONTROL)
        elif self.viewer:
            self._send_body(self._handshake.refuse(code, why))
        self._pipes.finish(Channel.CONTROL)
        self._ended(code)

    def _ended(self, code: CloseCode) -> None:
        if not self.over:
            self._release()
            if self._attempt is not None:
                self._admission.failed(self._attempt)
                self._attempt = None
            self.state = HostState.ENDED
            self._timers.stop_all()
            self.events.append(Ended(code))
