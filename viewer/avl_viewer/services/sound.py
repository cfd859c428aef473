"""Sound: whether the host can be heard, and how well it is (spec 16-sound)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.session.services import Service
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.session.viewing import ViewerState
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Heard, Sound
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import T_HEARD, MicrophoneState, Permission, SoundState
from avl_viewer.sound.player import SoundFigures

#: What a person is told where there is nothing to hear.
SENTENCES = {
    SoundState.OFF: "The host shares no sound.",
    SoundState.NO_SERVER: "The host has no sound: no sound server answers there.",
    SoundState.FAILED: "The host has no sound: it can't be taken there.",
}


@dataclass(frozen=True, slots=True)
class HostSound:
    """What the host says of its sound: `heard`: it is sent; `trouble` is a sentence where there is none; `microphone`:
    it takes ours; `speakers`: how many speak there."""

    heard: bool = False
    trouble: str = ""
    microphone: bool = False
    speakers: int = 0


class SoundService(Service[ViewerSession]):
    """`figures` says how the sound goes, None: none is played; `changed` is told what the host says."""

    def __init__(self, figures: Callable[[], SoundFigures | None], changed: Callable[[HostSound], None]) -> None:
        self._figures = figures
        self._changed = changed
        self._session: ViewerSession | None = None
        self._told = SoundFigures()
        self._due: float | None = None
        self.host = HostSound()

    def admitted(self, session: ViewerSession, now: float) -> None:
        """Nothing is known of its sound yet."""
        self._session, self._told, self._due = session, SoundFigures(), None
        self._hear(HostSound())

    def ended(self, session: ViewerSession, reason: Refused, now: float) -> None:
        """There is no sound any more."""
        self._session = self._due = None
        self._hear(HostSound())

    def told(self, session: ViewerSession, message: Sound, now: float) -> None:
        """The host says how its sound is."""
        known = message.state in SoundState._value2member_map_
        trouble = SENTENCES.get(SoundState(message.state), "") if known else SENTENCES[SoundState.FAILED]
        self._hear(
            HostSound(not trouble, trouble, message.microphone == MicrophoneState.READY, max(0, message.speakers))
        )

    def _hear(self, host: HostSound) -> None:
        if host != self.host:
            self.host = host
            self._changed(host)

    def came(self, now: float) -> None:
        """Sound has come: how that went is told in a while."""
        if self._due is None:
            self._due = now + T_HEARD

    def next_timeout(self) -> float | None:
        """When the host is told next."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Tell the host what became of its sound, if it is time (R-SESS-312)."""
        if self._due is None or now < self._due:
            return
        self._due = None
        session, figures, before = self._session, self._figures(), self._told
        if session is None or figures is None or session.state is not ViewerState.ADMITTED:
            return
        if not permits(session.permissions, Permission.AUDIO_OUT):
            return
        self._told = figures
        session.send(
            Heard(
                received=max(0, figures.received - before.received),
                played=max(0, figures.played - before.played),
                concealed=max(0, figures.concealed - before.concealed),
                late=max(0, figures.late - before.late),
                buffer_ms=round(figures.target * 1000),
            )
        )
