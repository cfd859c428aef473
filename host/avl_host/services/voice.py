"""Voice: viewers that speak at this host (spec 16-sound, 16.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from avl_host.services.audience import Audience
from avl_protocol.media.sound import are_packets
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Voice
from avl_protocol.wire.errors import Refused, RemoteProtocolError
from avl_protocol.wire.registry import T_VOICE_SILENCE, CloseCode, Permission


class Microphone(Protocol):
    """Where what viewers say is played: a virtual microphone of the desktop, or a double."""

    def start(self) -> None:
        """Be there, as soon as that can be."""

    def close(self) -> None:
        """Be there no longer (R-SESS-318)."""

    def play(self, speaker: int, position: int, packets: tuple[bytes, ...]) -> None:
        """Packets of one speaker, the first of which has the number `position`. Returns at once."""

    def hush(self, speaker: int) -> None:
        """This one speaks no longer."""


@dataclass(slots=True)
class _Speaker:
    number: int
    position: int
    until: float


class VoiceService(Service[HostSession]):
    """Who speaks, until they say the last, fall silent, or may or can no longer."""

    def __init__(self, audience: Audience, microphone: Microphone | None) -> None:
        self._audience = audience
        self._microphone = microphone
        self._speakers: dict[HostSession, _Speaker] = {}
        #: Told when somebody begins or ceases to speak.
        self.on_change: Callable[[], None] = lambda: None

    def speaks(self, session: HostSession) -> bool:
        """Whether its viewer speaks now."""
        return session in self._speakers

    @property
    def speakers(self) -> int:
        """How many speak now."""
        return len(self._speakers)

    # sessions

    def allowed(self, session: HostSession, now: float) -> None:
        """It may speak now, or no longer."""
        if not permits(session.permissions, Permission.AUDIO_IN):
            self._hush(session)

    def lost(self, session: HostSession, now: float) -> None:
        """It can't be heard."""
        self._hush(session)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It says nothing any more."""
        self._hush(session)

    # messages

    def said(self, session: HostSession, message: Voice, now: float) -> None:
        """A viewer speaks. Raises RemoteProtocolError for what is no VOICE (R-SESS-317)."""
        speaker = self._speakers.get(session)
        rises = message.position >= 0 and (speaker is None or message.position > speaker.position)
        empty = message.last and not message.packets
        if not rises or not (empty or are_packets(message.packets)):
            raise RemoteProtocolError(CloseCode.SESSION_PROTOCOL, "a VOICE that is none")
        if self._microphone is None or (speaker is None and empty):
            return
        if speaker is None:
            speaker = self._speakers[session] = _Speaker(self._audience.number(session), -1, now)
            self.on_change()
        speaker.position = message.position + max(0, len(message.packets) - 1)
        speaker.until = now + T_VOICE_SILENCE
        if message.packets:
            self._microphone.play(speaker.number, message.position, message.packets)
        if message.last:
            self._hush(session)
        self._audience.changed()

    def _hush(self, session: HostSession) -> None:
        speaker = self._speakers.pop(session, None)
        if speaker is not None and self._microphone is not None:
            self._microphone.hush(speaker.number)
            self.on_change()

    # time

    def next_timeout(self) -> float | None:
        """When somebody may have ceased to speak."""
        return min((speaker.until for speaker in self._speakers.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Who was not heard for long speaks no longer."""
        for session in [session for session, speaker in self._speakers.items() if now >= speaker.until]:
            self._hush(session)
