"""PresenceWatch: tells the person at the host who sees this screen, from the moment of admission on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from avl_host.presence.notices import Notice, Notices
from avl_host.presence.question import NAME, verified
from avl_host.presence.scene import Indicator, Onlooker, Scene
from avl_host.presence.spoken import say
from avl_host.services.audience import Audience
from avl_host.services.control import ACTS, ControlService
from avl_protocol.crypto.identity import device_number
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire import device_id
from avl_protocol.wire.channels import permits
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import CloseCode, ControlMode


@dataclass(slots=True)
class _Here:
    number: int
    name: str
    verified: bool
    reached: bool = True


class PresenceWatch(Service[HostSession]):
    """Follows sessions and control. `notices`: beside the screen, who has come and gone."""

    def __init__(self, indicators: Iterable[Indicator] = (), notices: Notices | None = None) -> None:
        self._indicators = list(indicators)
        self._notices = notices
        self._people: dict[HostSession, _Here] = {}
        self._control: ControlService | None = None
        self._number: Callable[[HostSession], int] = lambda session: 0
        self._shown = Scene()
        #: Whether the microphone of a session's viewer is heard here.
        self.speaks: Callable[[HostSession], bool] = lambda session: False

    def follow(self, audience: Audience, control: ControlService) -> None:
        """Whose sessions these are, and who decides about control."""
        self._number, self._control = audience.number, control
        control.on_change.append(self.look)

    def show_on(self, *indicators: Indicator) -> None:
        """Show it there, too."""
        self._indicators += indicators

    @property
    def scene(self) -> Scene:
        """What is shown."""
        return self._shown

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """Seen at once."""
        known = verified(session.presented.rights if session.presented is not None else None)
        name = known or for_dialog(session.name, NAME) or say("who.nameless")
        self._people[session] = _Here(self._number(session), name, bool(known))
        self.look()
        self._notify(session, "begun", "")

    def allowed(self, session: HostSession, now: float) -> None:
        """It may something else."""
        self.look()

    def lost(self, session: HostSession, now: float) -> None:
        """It sees nothing for the moment, and may come back."""
        if session in self._people:
            self._people[session].reached = False
            self.look()

    def moved(self, session: HostSession, now: float) -> None:
        """It is there again."""
        if session in self._people:
            self._people[session].reached = True
            self.look()

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It is gone."""
        if session in self._people:
            self._notify(session, "ended", CloseCode(reason.code).name.lower())
            del self._people[session]
            self.look()

    def _notify(self, session: HostSession, what: str, why: str) -> None:
        if self._notices is not None:
            here = self._people[session]
            self._notices.put(
                Notice(
                    what=what,
                    device=device_id.to_text(device_number(session.viewer)),
                    name=here.name,
                    verified=here.verified,
                    acts=permits(session.permissions, ACTS),
                    asked=session.agreed is not None,
                    why=why,
                )
            )

    # showing

    def look(self) -> None:
        """Show what has changed, if anything that is shown has."""
        scene = self._seen()
        if scene != self._shown:
            self._shown = scene
            for indicator in self._indicators:
                indicator.show(scene)

    def _seen(self) -> Scene:
        control = {row["number"]: row for row in self._control.rows()} if self._control is not None else {}
        mode = self._control.mode if self._control is not None else ControlMode.SHARED
        return Scene(
            tuple(
                Onlooker(
                    number=here.number,
                    name=here.name,
                    verified=here.verified,
                    acts=permits(session.permissions, ACTS),
                    holds=bool(control.get(here.number, {}).get("holds")),
                    asks=bool(control.get(here.number, {}).get("asks")),
                    here=here.reached,
                    speaks=self.speaks(session),
                )
                for session, here in self._people.items()
            ),
            mode,
        )

    def close(self) -> None:
        """Nothing is shown any more."""
        for indicator in self._indicators:
            indicator.close()
        if self._notices is not None:
            self._notices.close()
