"""RightsService: sessions that run get what they may now, and end when their time is over (spec 11, 11.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_host.rights.door import GrantDoor
from avl_host.services.audience import Audience
from avl_protocol.rights.chain import ChainRights
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.endtoend import Rights
from avl_protocol.wire.errors import GrantRefused, Refused
from avl_protocol.wire.registry import (
    T_WARNED_FIRST,
    T_WARNED_LAST,
    CloseCode,
    GrantRefusal,
    Permission,
    RightsReason,
)

#: Asks a person about more for a session; the answer is what they allow, None where nobody could be asked.
AsksMore = Callable[[HostSession, Permission, Callable[[Permission | None], None]], None]
#: Why a chain is no good any more that says that its time is over, not that it was taken back.
_OVER = {GrantRefusal.EXPIRED, GrantRefusal.OUTSIDE_HOURS}
_NEVER = float("inf")


@dataclass(slots=True, kw_only=True)
class _Standing:
    """A session that came by a chain (None: by a code): what that says, when it began (Unix seconds), when it ends by
    that and when by the word of a person at the host, and when its viewer is warned next, by the host's own clock. An
    end, once set, is not put off by a clock that is set back: only other limits make another one. `longest`: what the
    owner's policy says. `fresh`: until when its list of revocations is good (Unix seconds), `stale`: the same by the
    host's own clock."""

    rights: ChainRights | None
    begun: float
    longest: int | None
    limit: float
    agreed: float
    fresh: float
    stale: float
    warn: float | None = None

    @property
    def ends(self) -> float:
        """When it is over; infinity: nothing says."""
        return min(self.limit, self.agreed)

    def over(self) -> None:
        """It is being ended: nothing is due any more."""
        self.limit = self.agreed = self.stale = _NEVER
        self.warn = None


class RightsService(Service[HostSession]):
    """Decides anew whenever its owner has changed something. `clock`: seconds, monotonic."""

    def __init__(self, audience: Audience, door: GrantDoor, clock: Callable[[], float]) -> None:
        self._audience = audience
        self._door = door
        self._clock = clock
        self._present: dict[HostSession, _Standing] = {}
        self._coming: dict[HostSession, float] = {}
        #: Has a person at the host asked about what a session may gain; told of what they allow of it.
        self.asks: AsksMore = lambda session, more, decided: None
        #: Those about whom a person is being asked, and what about.
        self._growing: dict[HostSession, Permission] = {}

    # sessions

    def begins(self, session: HostSession) -> None:
        """A session is about to be admitted. Raises GrantRefused where its grant was used up meanwhile."""
        if session.presented is not None:
            self._coming[session] = self._door.begins(session.presented, session.agreed)

    def begun(self, session: HostSession) -> tuple[float, str]:
        """When a session that came by a chain began, in Unix seconds, and what that stands on; 0 and "" for others."""
        standing = self._present.get(session)
        by_chain = None if standing is None else standing.rights
        return (0.0, "") if standing is None or by_chain is None else (standing.begun, by_chain.basis)

    def lasts(self, session: HostSession) -> float | None:
        """Seconds that a session that comes now may last; None where nothing limits it."""
        if session.presented is None:
            return None
        wall = self._door.wall()
        return self._door.ends(session.presented.rights, session.presented.begun or wall) - wall

    def admitted(self, session: HostSession, now: float) -> None:
        """Its time runs."""
        wall, agreed = self._door.wall(), session.agreed
        begun = self._coming.pop(session, wall)
        rights = None if session.presented is None else session.presented.rights
        fresh = _NEVER if rights is None else self._door.fresh_until(rights)
        self._present[session] = standing = _Standing(
            rights=rights,
            begun=begun,
            longest=self._door.longest(),
            limit=_NEVER if rights is None else self._end(rights, begun, now),
            agreed=_NEVER if agreed is None or not agreed.until else now + agreed.until - wall,
            fresh=fresh,
            stale=now + fresh - wall,
        )
        if standing.ends == _NEVER:
            return
        self._warn_next(standing, now)
        self._tell(session, RightsReason.ADMITTED, now)

    def allowed(self, session: HostSession, now: float) -> None:
        """It may something else now."""
        self._tell(session, RightsReason.CHANGED, now)

    def moved(self, session: HostSession, now: float) -> None:
        """It may have missed a change."""
        if session in self._present:
            self._tell(session, RightsReason.ADMITTED, now)

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It needs nothing any more."""
        self._present.pop(session, None)
        self._coming.pop(session, None)
        self._growing.pop(session, None)

    # the owner

    def heard(self, tokens: tuple[str, ...]) -> bool:
        """A relay hands statements on; whether any was new, and every session was decided about anew."""
        new = self._door.take(tokens)
        if new:
            self.decide()
        return new

    def owner_changed(self) -> None:
        """The host has another owner, or none: what came by the former one's grants ends. Raises StateError."""
        self._door.reload()
        self.decide()

    def decide(self) -> None:
        """Decide anew about every session."""
        now = self._clock()
        for session in list(self._present):
            self._decide(session, now)
        self._audience.changed()

    def _decide(self, session: HostSession, now: float) -> None:
        try:
            permissions = self._decided(session, now)
        except GrantRefused as error:
            over = error.why in _OVER
            self._audience.end(session, CloseCode.TIME_OVER if over else CloseCode.REVOKED, now)
            return
        if session.permissions & Permission.VIEW and not permissions & Permission.VIEW:
            self._audience.end(session, CloseCode.REVOKED, now)
        else:
            self._audience.allow(session, permissions, now)

    def _consented(self, session: HostSession, permissions: Permission) -> Permission:
        """What is left of it where a person was asked. About what it gains they are asked anew, once; about what it
        loses, or gets back, nobody is."""
        agreed = session.agreed
        if agreed is None:
            return permissions
        more = permissions & ~agreed.asked & ~self._growing.get(session, Permission(0))
        if more:
            self._growing[session] = self._growing.get(session, Permission(0)) | more
            self.asks(session, more, lambda allowed: self._answered(session, more, allowed))
        return permissions & agreed.allowed

    def _answered(self, session: HostSession, more: Permission, allowed: Permission | None) -> None:
        """A person has decided about more; None: they could not be asked, and may be the next time."""
        if session not in self._present:
            return
        self._growing[session] &= ~more
        if allowed is None:
            return
        session.agree(more, allowed)
        if session.presented is not None:
            self._door.decided(session.presented.rights, session.agreed)
        self._decide(session, self._clock())
        self._audience.changed()

    def _decided(self, session: HostSession, now: float) -> Permission:
        """What a session may now. Raises GrantRefused."""
        standing = self._present[session]
        if standing.rights is None:
            return self._consented(session, self._door.left(session.given))
        presented = self._door.again(session.chain, session.viewer, session.wish)
        if (fresh := self._door.fresh_until(presented.rights)) != standing.fresh:
            standing.fresh, standing.stale = fresh, now + fresh - self._door.wall()
        limits = (presented.rights, self._door.longest())
        if limits != (standing.rights, standing.longest):
            standing.rights, standing.longest = limits
            standing.limit = self._end(presented.rights, standing.begun, now)
            self._warn_next(standing, now)
            permissions = self._consented(session, presented.permissions)
            if permissions == session.permissions:
                self._tell(session, RightsReason.CHANGED, now)
            return permissions
        return self._consented(session, presented.permissions)

    def _end(self, rights: ChainRights, begun: float, now: float) -> float:
        return now + self._door.ends(rights, begun) - self._door.wall()

    # time

    def _warn_next(self, standing: _Standing, now: float) -> None:
        left = standing.ends - now
        standing.warn = next(
            (standing.ends - before for before in (T_WARNED_FIRST, T_WARNED_LAST) if left > before), None
        )

    def _tell(self, session: HostSession, why: RightsReason, now: float) -> None:
        standing = self._present.get(session)
        ends = _NEVER if standing is None else standing.ends
        until = 0 if ends == _NEVER else max(1, round((ends - now) * 1000))
        session.send(Rights(int(session.permissions), until, int(why)))

    def next_timeout(self) -> float | None:
        """When the next viewer is warned, or the next session is over."""
        standings = self._present.values()
        times = [moment for one in standings for moment in (one.ends, one.stale, one.warn) if moment is not None]
        return min((moment for moment in times if moment < _NEVER), default=None)

    def handle_timer(self, now: float) -> None:
        """Warn, and end what is over."""
        over, stale, warned = [], [], []
        for session, standing in self._present.items():
            if now >= standing.ends:
                over.append(session)
                standing.over()
            elif now >= standing.stale:
                stale.append(session)
                standing.over()
            elif standing.warn is not None and now >= standing.warn:
                warned.append(session)
                self._warn_next(standing, now)
        for session in over:
            self._audience.end(session, CloseCode.TIME_OVER, now)
        for session in stale:
            self._audience.end(session, CloseCode.REVOKED, now)
        if stale:
            self._door.tell_stale()

        def warn(session: HostSession) -> None:
            if session in warned:
                self._tell(session, RightsReason.ENDING, now)

        if warned:
            self._audience.everybody(warn)
