"""Sound: who hears this host, and what becomes of it on the way (spec 16-sound)."""

from __future__ import annotations

from collections.abc import Callable

from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Heard, Sound
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import MicrophoneState, Permission, SoundState

#: Share of packets that a viewer may have to make up before they are said twice, and seconds until they no longer are.
LOSSY, REMEMBERED = 1 / 300, 10.0
#: Packets that a viewer has to have played in one HEARD for it to say anything about loss.
ENOUGH = 20
#: Who is told of sound.
CONCERNED = Permission.AUDIO_OUT | Permission.AUDIO_IN


class SoundService(Service[HostSession]):
    """`shares`: whether there is sound to be heard; `takes`: whether there is a virtual microphone. `lossy(share,
    repeat)` is told what the audience loses, `tell` is for the person at the host."""

    def __init__(
        self,
        audience: Audience,
        *,
        shares: bool,
        takes: bool,
        lossy: Callable[[float, bool], None],
        tell: Callable[[str], None],
        speakers: Callable[[], int],
    ) -> None:
        self._audience = audience
        self._lossy = lossy
        self._tell = tell
        self._speakers = speakers
        self._state = SoundState.HEARD if shares else SoundState.OFF
        self._microphone = MicrophoneState.READY if takes else MicrophoneState.OFF
        self._complained: dict[str, str] = {}
        #: When each viewer last lost more than may be, and what share that was.
        self._losses: dict[HostSession, tuple[float, float]] = {}
        self._told: dict[HostSession, Sound] = {}

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """It learns whether there is sound."""
        self._say(session)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed something."""
        self._told.pop(session, None)
        self._say(session)

    def allowed(self, session: HostSession, now: float) -> None:
        """It may hear or speak now, or no longer."""
        self._say(session)

    def lost(self, session: HostSession, now: float) -> None:
        """What it lost says nothing of the next path."""
        if self._losses.pop(session, None):
            self._weigh(now)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It hears nothing any more."""
        self._told.pop(session, None)
        self.lost(session, now)

    # messages

    def heard(self, session: HostSession, message: Heard, now: float) -> None:
        """What became of sound at a viewer."""
        played, concealed = max(0, message.played), max(0, message.concealed)
        if played + concealed >= ENOUGH and concealed > LOSSY * (played + concealed):
            self._losses[session] = now, concealed / (played + concealed)
        self._weigh(now)

    # the machine

    def changed(self, state: SoundState, text: str) -> None:
        """There is sound to be heard, or there is none, as `text` says to a person (R-SESS-313)."""
        self._state = state
        self._complain("sound", text)
        self.say()

    def microphone_changed(self, state: MicrophoneState, text: str) -> None:
        """There is a virtual microphone, or none."""
        self._microphone = state
        self._complain("microphone", text)
        self.say()

    def _complain(self, what: str, text: str) -> None:
        """Tell the person, once."""
        if text and text != self._complained.get(what):
            self._tell(f"{what}: {text}")
        self._complained[what] = text

    def say(self) -> None:
        """Tell everybody concerned what has changed."""
        self._audience.everybody(self._say)
        self._audience.changed()

    def _say(self, session: HostSession) -> None:
        """Tell a viewer that hears or speaks, if it does not know."""
        if not permits(session.permissions, CONCERNED):
            self._told.pop(session, None)
            return
        told = Sound(self._state, self._microphone, self._speakers())
        if self._told.get(session) != told and session.send(told):
            self._told[session] = told

    def _weigh(self, now: float) -> None:
        """Say packets twice while somebody loses them."""
        self._losses = {who: loss for who, loss in self._losses.items() if now < loss[0] + REMEMBERED}
        self._lossy(max((share for _, share in self._losses.values()), default=0.0), bool(self._losses))

    # time

    def next_timeout(self) -> float | None:
        """When somebody's losses are over."""
        return min((at + REMEMBERED for at, _ in self._losses.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        if any(now >= at + REMEMBERED for at, _ in self._losses.values()):
            self._weigh(now)
