"""Voice: what this viewer's person says, sent to the host (spec 16-sound, 16.5)."""

from __future__ import annotations

from collections.abc import Callable

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Voice
from avl_protocol.wire.errors import Refused, not_permitted
from avl_protocol.wire.registry import MAX_VOICE_WAITS, Channel, CloseCode, Permission


class VoiceService(Service[ViewerSession]):
    """`changed(on)` is told when the microphone is on, and when it no longer is."""

    def __init__(self, changed: Callable[[bool], None]) -> None:
        self._changed = changed
        self._session: ViewerSession | None = None
        self._position = 0
        self.on = False
        #: Packets that a slow path left out.
        self.left_out = 0

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Another session: nobody has turned the microphone on in it (R-SESS-315)."""
        self._session, self._position = session, 0
        self._set(False)

    def allowed(self, session: ViewerSession, now: float) -> None:
        """We may speak, or no longer."""
        if not permits(session.permissions, Permission.AUDIO_IN):
            self._set(False)

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """Nobody hears it."""
        self._session = None
        self._set(False)

    def turn(self, on: bool) -> None:
        """A person turns the microphone on or off. Raises Refused where we may not speak."""
        session = self._session
        if on:
            if session is None or session.state is not ViewerState.ADMITTED:
                raise Refused(CloseCode.SESSION_LOST)
            if not permits(session.permissions, Permission.AUDIO_IN):
                raise not_permitted(Permission.AUDIO_IN)
        elif self.on and session is not None and self._room(session):
            session.send(Voice(self._position, (), True))
            self._position += 1
        self._set(on)

    def _set(self, on: bool) -> None:
        if on != self.on:
            self.on = on
            self._changed(on)

    def say(self, passed: int, packet: bytes, last: bool = False) -> None:
        """A packet of the microphone; `passed`: how many times 10 ms since the one before. What there is no room for
        is left out (R-SESS-316)."""
        self._position += passed
        session = self._session
        if not self.on or session is None:
            return
        if self._room(session):
            session.send(Voice(self._position, (packet,), last))
        else:
            self.left_out += 1

    @staticmethod
    def _room(session: ViewerSession) -> bool:
        return session.flows(Channel.SOUND) and session.unacknowledged(Channel.SOUND) < MAX_VOICE_WAITS
