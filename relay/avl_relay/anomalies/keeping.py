"""Keeping: alarms and habits in the store, and what is done about alarms there: the Ledger of a relay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from avl_relay.anomalies.alarms import Alarm
from avl_relay.live import Live
from avl_relay.store.alarms import Alarms, KeptHabits, RaisedAlarm
from avl_relay.store.engine import Store, new_id
from avl_relay.store.people import People


class Keeping:
    """See Ledger (sentinel.py). `wall`: unix seconds."""

    def __init__(self, store: Store, live: Live, *, wall: Callable[[], float], entropy: Callable[[int], bytes]) -> None:
        self._store, self._live, self._wall, self._entropy = store, live, wall, entropy

    async def habits(self) -> dict[str, dict[str, Any]]:
        """See Ledger."""
        async with self._store.writing() as db:
            await KeptHabits(db).forget(int(self._wall()))
        async with self._store.reading() as db:
            return await KeptHabits(db).all()

    async def keep(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        """See Ledger."""
        if changed:
            async with self._store.writing() as db:
                await KeptHabits(db).put(changed, int(self._wall()))

    async def raised(self, alarm: Alarm, acted: str) -> str:
        """See Ledger."""
        made = RaisedAlarm(
            id=new_id(self._entropy),
            at=int(alarm.at),
            kind=alarm.kind,
            person=alarm.person or None,
            device=alarm.device,
            session=alarm.session,
            score=alarm.score,
            detector=alarm.detector,
            reasons=[
                {"feature": one.feature, "usual": one.usual, "seen": one.seen, "text": str(one)}
                for one in alarm.reasons
            ],
            acted=acted,
        )
        async with self._store.writing() as db:
            await Alarms(db).add(made)
        return made.id

    async def sign_out(self, person: str) -> None:
        """See Ledger."""
        async with self._store.writing() as db:
            await People(db).sign_out(person)

    def end(self, session: str) -> None:
        """See Ledger."""
        running = self._live.session(session)
        if running is not None:
            self._live.end(running, owner=False)
