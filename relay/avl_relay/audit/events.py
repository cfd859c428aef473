"""Events of the data plane: hosts that come and go, sessions that begin and end, limits that are hit, as an auditor is
told them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from avl_protocol.audit.compare import session_name
from avl_protocol.wire.registry import CloseCode
from avl_relay.access import Access, Decision, MayAttach, MayRegister
from avl_relay.audit.auditor import Auditor
from avl_relay.live import number_text
from avl_relay.onlooker import Begun, Onlooker

#: What a session is refused with while nothing can be logged.
UNLOGGED = Decision(refused=CloseCode.UNAVAILABLE)


class Recording:
    """An Onlooker that records what it sees, and lets another see it, too. `address(device)`: from where a host that is
    here has registered, `whose(session)` the person and the share link whose pass has let a session in."""

    def __init__(
        self,
        auditor: Auditor,
        other: Onlooker,
        address: Callable[[int], str] = lambda device: "",
        whose: Callable[[str], tuple[str, str]] = lambda session: ("", ""),
    ) -> None:
        self._auditor, self._other, self._address, self._whose = auditor, other, address, whose
        self._sessions: dict[int, tuple[str, str, float]] = {}

    def host_came(self, device: int, now: float) -> None:
        """See Onlooker."""
        self._auditor.record("host_registered", device=number_text(device), address=self._address(device))
        self._other.host_came(device, now)

    def host_left(self, device: int, now: float) -> None:
        """See Onlooker."""
        self._auditor.record("host_left", device=number_text(device))
        self._other.host_left(device, now)

    def session_began(self, begun: Begun, now: float) -> None:
        """See Onlooker."""
        name, device = session_name(begun.session), number_text(begun.device)
        self._sessions[begun.handle] = name, device, now
        person, share = self._whose(name)
        self._auditor.record(
            "session_began",
            session=name,
            device=device,
            way="relay",
            person="" if share else person,  # whoever has the link, not whose it is
            share=share,
            address=begun.address,
        )
        self._other.session_began(begun, now)

    def session_ended(self, handle: int, code: CloseCode, now: float) -> None:
        """See Onlooker."""
        name, device, begun = self._sessions.pop(handle, ("", "", now))
        self._auditor.record(
            "session_ended",
            session=name,
            device=device,
            why=code.name.lower(),
            seconds=max(0, round(now - begun)),
        )
        self._other.session_ended(handle, code, now)


class Strict:
    """An Access that refuses new sessions while nothing can be logged, and asks another otherwise. A session that runs
    already may move."""

    def __init__(self, other: Access, unlogged: Callable[[], bool]) -> None:
        self._other, self._unlogged = other, unlogged

    def ask(self, question: MayRegister | MayAttach, now: float) -> Decision | None:
        """See Access."""
        if isinstance(question, MayAttach) and not question.moves and self._unlogged():
            return UNLOGGED
        return self._other.ask(question, now)

    def forget(self, question: MayRegister | MayAttach) -> None:
        """See Access."""
        self._other.forget(question)


class Limits:
    """Limits that are hit come by the thousand: what a look finds since the last one is recorded, once a limit."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self._seen: Counter[str] = Counter()

    def look(self, hit: Mapping[str, int]) -> None:
        """So often each was hit since the start."""
        for limit, count in hit.items():
            if count > self._seen[limit]:
                self._auditor.record("limit_hit", limit=limit, count=count - self._seen[limit])
                self._seen[limit] = count
