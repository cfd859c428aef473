"""What all services of accounts stand on."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from avl_relay.accounts.refusals import too_often
from avl_relay.people import opaque
from avl_relay.people.delay import Schedule
from avl_relay.people.keys import AccountKeys
from avl_relay.people.passwords import PasswordHashing
from avl_relay.people.sealing import Sealed
from avl_relay.people.sources import SourceLimits
from avl_relay.store.engine import Store
from avl_relay.store.limits import Limits

#: Roles of the relay whose people must have a second factor.
DEMANDED = frozenset({"owner", "admin"})
#: Seconds to come back after when a source tries too often.
SOURCE_WAIT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """`store()` is the open store and raises StoreError where there is none; `monotonic()` seconds that never go back;
    `title`: how this relay calls itself in an authenticator; `demanded()`: the roles that must have a second factor;
    `off()`: the features that are turned off now."""

    store: Callable[[], Awaitable[Store]]
    keys: AccountKeys
    entropy: opaque.Entropy
    monotonic: Callable[[], float]
    hashing: PasswordHashing
    title: str
    demanded: Callable[[], frozenset[str]] = lambda: DEMANDED
    off: Callable[[], frozenset[str]] = frozenset
    sources: SourceLimits = field(default_factory=SourceLimits)

    @property
    def sealed(self) -> Sealed:
        """Seals secrets of second factors."""
        return Sealed(self.keys.sealing, self.entropy)

    def hidden(self, *names: str) -> str:
        """A name for a counter that tells a reader of the store nothing."""
        joined = "\0".join(names).encode()
        return opaque.text(hmac.digest(self.keys.hiding, joined, "sha256"))

    def admit(self, address: str) -> None:
        """Count a try of this address. Raises Refusal."""
        if not self.sources.takes(address, self.monotonic()):
            raise too_often(SOURCE_WAIT)

    async def spend(self, key: str, schedule: Schedule, now: int) -> None:
        """Count a try before it is answered, for good: whatever happens to the answer. Raises Refusal."""
        async with (await self.store()).writing() as connection:
            wait = await Limits(connection).spend(key, schedule, now)
        if wait:
            raise too_often(wait)
