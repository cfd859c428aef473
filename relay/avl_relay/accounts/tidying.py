"""Tidying: what is over is dropped from the store, an hour's worth at a time. Nothing counts on it: what has expired is
refused while it is still there, and a picture of who may look no more is handed to nobody."""

from __future__ import annotations

from avl_relay.accounts.premises import Premises
from avl_relay.people.delay import PASSWORD
from avl_relay.store.challenges import Challenges
from avl_relay.store.limits import Limits
from avl_relay.store.pictures import LastPictures
from avl_relay.store.programs import Authorizations, RefreshTokens
from avl_relay.store.websessions import WebSessions

#: Seconds that a counter of tries is kept: as long as it counts, and its longest wait.
KEPT = PASSWORD.forgotten + PASSWORD.most


async def tidy(premises: Premises, now: int) -> None:
    """Drop what is over. `now`: Unix seconds. Raises StoreError."""
    async with (await premises.store()).writing() as connection:
        await WebSessions(connection).forget(now)
        await Challenges(connection).forget(now)
        await Authorizations(connection).forget(now)
        await RefreshTokens(connection).forget(now)
        await Limits(connection).forget(now - KEPT)
        await LastPictures(connection).forget(now)
