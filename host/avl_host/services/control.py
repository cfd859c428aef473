"""Control: who of several viewers may act, who has it now, and how it passes on (spec 04-session, 4.10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import NONE, Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.endtoend import Control, People
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_dialog
from avl_protocol.wire.registry import (
    MAX_PEOPLE,
    MAX_PERSON_NAME,
    T_CONTROL_IDLE,
    T_PEOPLE,
    ControlAct,
    ControlMode,
    Permission,
)

#: Either of them lets a viewer act.
ACTS = Permission.POINTER | Permission.KEYBOARD
#: Who has none of them is not named to the others.
_NAMED = ACTS | Permission.ANNOTATE


@dataclass(slots=True)
class Person:
    """A viewer as the others know it. `here`: whether there is a path to it."""

    number: int
    name: str
    here: bool = True


class ControlService(Service[HostSession]):
    """Decides who has control, withholds input of the others, and tells everybody."""

    def __init__(self, audience: Audience, mode: ControlMode) -> None:
        self._audience = audience
        self._mode = mode
        #: All that were admitted, the oldest first.
        self._people: dict[HostSession, Person] = {}
        self._holder: HostSession | None = None
        #: Who gave it to the holder, and may take it back.
        self._giver: HostSession | None = None
        #: Who waits for it, the first first.
        self._asking: list[HostSession] = []
        #: When the holder did something last.
        self._acted = 0.0
        #: Since when PEOPLE waits to be told, and when it may be.
        self._since: float | None = None
        self._free = 0.0
        #: What everybody was told last.
        self._known: tuple[Any, ...] = ()
        #: Called when who acts, asks or may act has changed: for the person at the host, and for whose window counts.
        self.on_change: list[Callable[[], None]] = []

    @property
    def mode(self) -> ControlMode:
        """Who may act at all."""
        return self._mode

    @property
    def holder(self) -> int:
        """The number of who has control alone; 0 where nobody has."""
        return 0 if self._holder is None else self._people[self._holder].number

    def holds(self, session: HostSession) -> bool:
        """Whether it alone has control."""
        return session is self._holder

    def rows(self) -> list[dict[str, Any]]:
        """Who may act or draw, for the person at the host: number, name, whether it holds control and whether it asks
        for it."""
        return [
            {
                "number": person.number,
                "name": person.name,
                "acts": _acts(who),
                "holds": who is self._holder,
                "asks": who in self._asking,
            }
            for who, person in self._people.items()
            if permits(who.permissions, _NAMED)
        ]

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """It has a number and a name, and control where nobody has it."""
        name = for_dialog(session.name, MAX_PERSON_NAME)
        self._people[session] = Person(self._audience.number(session), name)
        if self._mode is ControlMode.ONE and self._holder is None and _acts(session):
            self._pass(session, now)
        session.withhold(self._withheld(session))
        session.send(self._told(session))
        self._changed(now)

    def allowed(self, session: HostSession, now: float) -> None:
        """It may act now, or not any more: then others have control, and who waits for it waits no longer."""
        if session not in self._people:
            return
        if not _acts(session):
            if session in self._asking:
                self._asking.remove(session)
            if session is self._giver:
                self._giver = None
        if session is self._holder and not _acts(session):
            self._pass(self._next(), now)
        elif self._mode is ControlMode.ONE and self._holder is None and _acts(session):
            self._pass(session, now)
        self._changed(now)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed a change."""
        if session in self._people:
            self._people[session].here = True
            session.send(self._told(session))

    def lost(self, session: HostSession, now: float) -> None:
        """It does nothing for a while."""
        if session in self._people:
            self._people[session].here = False

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """Its control goes to who waits for it, or who has been here for the longest."""
        if self._people.pop(session, None) is None:
            return
        if session in self._asking:
            self._asking.remove(session)
        if session is self._giver:
            self._giver = None
        if session is self._holder:
            self._holder = None
            self._pass(self._next(), now)
        self._changed(now)

    def acted(self, session: HostSession, now: float) -> None:
        """Input of a viewer was applied."""
        if session is self._holder:
            self._acted = now

    # messages

    def asked(self, session: HostSession, message: Control, now: float) -> None:
        """A viewer wants control, or has had enough of it, or gives it away. What is none of these is ignored."""
        if session not in self._people:
            return
        if message.act == ControlAct.REQUEST:
            self._requested(session, now)
        elif message.act == ControlAct.RELEASE and session is self._holder:
            self._pass(self._asking[0] if self._asking else None, now)
        elif message.act == ControlAct.RELEASE and session in self._asking:
            self._asking.remove(session)
            self._changed(now)
        elif message.act == ControlAct.GIVE and session is self._holder:
            to = self._able(message.to)
            if to is not None and to is not session:
                self._pass(to, now, giver=session)

    def _requested(self, session: HostSession, now: float) -> None:
        if self._mode is ControlMode.SHARED or session is self._holder or session in self._asking:
            return
        if self._mode is ControlMode.ONE and (self._holder is None or session is self._giver):
            self._pass(session, now)
            return
        self._asking.append(session)
        self._changed(now)

    # the person at the host

    def set_mode(self, mode: ControlMode, now: float) -> None:
        """Let other rules be in force from now on. Who waits goes on waiting, except where everybody may act."""
        if mode is self._mode:
            return
        self._mode = mode
        if mode is ControlMode.SHARED:
            self._asking.clear()
        self._pass(self._next() if mode is ControlMode.ONE else None, now)

    def give(self, number: int, now: float) -> bool:
        """Let this viewer alone act; whether it is here and may."""
        to = self._able(number)
        if to is None:
            return False
        self._mode = ControlMode.ONE
        self._pass(to, now)
        return True

    # passing on

    def _able(self, number: int) -> HostSession | None:
        """The viewer of a number, if it may act."""
        return next((who for who, person in self._people.items() if person.number == number and _acts(who)), None)

    def _next(self) -> HostSession | None:
        """Who has control when nobody gives it to anybody."""
        if self._mode is not ControlMode.ONE:
            return None
        able = (who for who, person in self._people.items() if person.here and _acts(who))
        return self._asking[0] if self._asking else next(able, None)

    def _pass(self, to: HostSession | None, now: float, giver: HostSession | None = None) -> None:
        """It is this viewer's from now on. What the others hold is let go of before anything else is applied."""
        self._holder, self._giver, self._acted = to, giver, now
        if to in self._asking:
            self._asking.remove(to)

        def allow(session: HostSession) -> None:
            if session is not to:
                session.withhold(self._withheld(session))

        self._audience.everybody(allow)
        if to is not None:
            to.withhold(self._withheld(to))
        self._changed(now)

    def _withheld(self, session: HostSession) -> Permission:
        """What of its permissions a viewer can't use now."""
        return NONE if self._mode is ControlMode.SHARED or session is self._holder else ACTS

    # telling

    def _changed(self, now: float) -> None:
        self._since = now if self._since is None else self._since
        if now >= self._free:
            self._tell(now)
        for tell in self.on_change:
            tell()
        self._audience.changed()

    def _tell(self, now: float) -> None:
        self._since, self._free = None, now + T_PEOPLE
        rows = self._rows()
        news = (self._mode, self.holder, rows, len(self._people) > 1)
        if news != self._known:
            self._known = news
            self._audience.everybody(lambda session: session.send(self._told(session, rows)))

    def _told(self, session: HostSession, rows: tuple[tuple[Any, ...], ...] | None = None) -> People:
        person = self._people.get(session)
        return People(
            you=person.number if person is not None else 0,
            mode=self._mode,
            holder=self.holder,
            viewers=len(self._people),
            people=self._rows() if rows is None else rows,
        )

    def _rows(self) -> tuple[tuple[Any, ...], ...]:
        first = [*([self._holder] if self._holder is not None else []), *self._asking]
        named = [who for who in self._people if permits(who.permissions, _NAMED)]
        order = dict.fromkeys([*first, *named])
        return tuple(
            (person.number, person.name, int(who.permissions), int(who in self._asking))
            for who in list(order)[:MAX_PEOPLE]
            for person in (self._people[who],)
        )

    # time

    def _idle(self) -> float | None:
        """When the holder has done nothing for too long, as long as somebody waits."""
        waited_for = self._holder is not None and self._asking and self._mode is ControlMode.ONE
        return self._acted + T_CONTROL_IDLE if waited_for else None

    def next_timeout(self) -> float | None:
        """When control passes by itself, or PEOPLE may be told."""
        told = None if self._since is None else max(self._since, self._free)
        return min((at for at in (self._idle(), told) if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Pass control on, and tell what has changed, if it is time."""
        idle = self._idle()
        if idle is not None and now >= idle and self._holder is not None:
            if self._holder.holding:
                self._acted = now
            else:
                self._pass(self._asking[0], now)
        if self._since is not None and now >= self._free:
            self._tell(now)


def _acts(session: HostSession) -> bool:
    return permits(session.permissions, ACTS)
