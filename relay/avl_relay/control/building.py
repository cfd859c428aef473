"""Building: the store, and the API over it, put together. Whoever imports this loads all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from starlette.responses import Response

from avl_protocol.audit.compare import session_name
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.rights.statements import device_audience, group_audience
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.messages import About, LastPicture
from avl_relay.accounts.premises import Premises
from avl_relay.anomalies.keeping import Keeping
from avl_relay.api.accounts import Accounts
from avl_relay.api.alarms import AlarmList
from avl_relay.api.audit import AuditResource
from avl_relay.api.devices import DeviceList, Place
from avl_relay.api.events import Events
from avl_relay.api.frame import Frame
from avl_relay.api.grants import GrantList
from avl_relay.api.groups import GroupList
from avl_relay.api.health import Health
from avl_relay.api.identity import Operators
from avl_relay.api.matrix import Matrix
from avl_relay.api.operations import Answer, Call, Operation, Resource
from avl_relay.api.people import PeopleList
from avl_relay.api.personal import PersonalData
from avl_relay.api.pictures import Pictures
from avl_relay.api.problems import Problem
from avl_relay.api.running import RunningSessions
from avl_relay.api.settings import Desk, SettingList, Turned
from avl_relay.api.setupcodes import SetupCodes, setup_url
from avl_relay.api.shares import ShareList
from avl_relay.api.statements import StatementList
from avl_relay.audit.asked import Asked
from avl_relay.audit.book import Book
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Live
from avl_relay.people.keys import account_keys
from avl_relay.people.oidc import BadProviders, Provider, read_providers
from avl_relay.people.passwords import Argon2Hashing
from avl_relay.store.devices import ACTIVE, Devices, Report
from avl_relay.store.engine import Store, database_url
from avl_relay.store.errors import StoreError
from avl_relay.store.hashes import hashed
from avl_relay.store.passes import Passes
from avl_relay.store.pictures import LastPictures, Left, Reader
from avl_relay.store.statements import Statements
from avl_relay.store.tables import devices

#: The file of OpenID Connect providers in the state folder, if there is one.
PROVIDERS = "providers.toml"
#: Seconds until a store that could not be opened is tried again: who asks meanwhile is told why at once.
AGAIN = 1.0


class Located(Protocol):
    """Where the relay is."""

    @property
    def quic(self) -> str:
        """Its address, as others write it."""

    @property
    def pin(self) -> str:
        """What shows that it is the one."""

    @property
    def page(self) -> str:
        """The page's URL."""


def _unheard(operation: Operation, call: Call, answered: Answer | Response | Problem) -> None:
    """There is no audit log."""


class Machinery:
    """The store and its API: `frame` for everybody, `desk` for who runs the relay's machine. `opened()` is called once,
    when the store is open; `report(error)` is told what fails; `chosen`: the settings of this process, which can be
    seen and changed; `turned` is told of each change; `audit` of what concerns security; `health()` tells how the data
    plane stands; `let_in(session, person, share)` whose each session is that a pass lets in, by what it is called."""

    def __init__(
        self,
        settings: ControlSettings,
        world: World,
        *,
        live: Live,
        place: Located,
        report: Callable[[BaseException], None],
        opened: Callable[[], Awaitable[None]],
        chosen: Desk | None = None,
        turned: Callable[[Turned], None] = lambda change: None,
        audit: Book | None = None,
        health: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
        let_in: Callable[[str, str, str], None] = lambda session, person, share: None,
    ) -> None:
        self._settings, self._world, self._report, self._opened = settings, world, report, opened
        self._let_in, self._live = let_in, live
        self._store: Store | None = None
        self._opening = asyncio.Lock()
        self._failed: tuple[float, StoreError] | None = None
        entropy, clock = world.entropy, world.clock
        statements = StatementList(live, entropy=entropy)
        kept: list[Resource] = [
            DeviceList(live, place=lambda: Place(relay=place.quic, pin=place.pin), entropy=entropy),
            GroupList(live, entropy=entropy),
            PeopleList(
                live,
                page=lambda: place.page,
                entropy=entropy,
                gone=(lambda person: None) if audit is None else audit.forget,
            ),
            RunningSessions(live),
            Matrix(),
        ]
        self._events = Events(live, store=self.store, monotonic=clock.monotonic, entropy=entropy)
        resources: list[Resource] = [
            *kept,
            PersonalData(),
            Pictures(live),
            statements,
            GrantList(live, statements),
            ShareList(live, statements),
            *(() if audit is None else (AuditResource(audit),)),
            AlarmList(),
            Health(health, audit),
            self._events,
        ]
        if chosen is not None:
            resources.append(SettingList(chosen, live, turned=turned))
        self._hashing = Argon2Hashing(entropy)
        self._accounts = Accounts(
            Premises(
                store=self.store,
                keys=account_keys(StateFolder(settings.state), entropy),
                entropy=entropy,
                monotonic=clock.monotonic,
                hashing=self._hashing,
                title=f"avl {place.quic}",
                demanded=lambda: self._settings.demanded,
                off=lambda: frozenset(self._settings.off),
            ),
            issuer=place.pin,
            live=live,
            providers=_providers(settings),
        )
        ended = _unheard if audit is None else Asked(audit).ended
        self.frame = Frame(
            [*resources, *self._accounts.resources],
            store=self.store,
            identities=self._accounts.identities,
            clock=clock,
            report=report,
            off=lambda: self._settings.off,
            ended=ended,
        )
        self.desk = Frame(
            [*kept, SetupCodes(self._accounts.setup_code, lambda: place.page)],
            store=self.store,
            identities=Operators(),
            clock=clock,
            report=report,
            ended=ended,
        )

    def change(self, settings: ControlSettings) -> None:
        """What changes while it runs: who must have a second factor, and what is turned off."""
        self._settings = settings

    async def store(self) -> Store:
        """The open store. Raises StoreError."""
        if self._store is not None:
            return self._store
        async with self._opening:
            if self._store is not None:
                return self._store
            now = self._world.clock.monotonic()
            if self._failed is not None and now < self._failed[0]:
                raise self._failed[1]
            try:
                store = Store(database_url(self._settings.database, self._settings.state))
                await store.open()
            except StoreError as error:
                self._failed = (now + AGAIN, error)
                raise
            self._store, self._failed = store, None
        await self._opened()
        return self._store

    async def ledger(self) -> Keeping:
        """Where alarms are kept. Raises StoreError."""
        world = self._world
        return Keeping(await self.store(), self._live, wall=world.clock.wall, entropy=world.entropy)

    async def open(self) -> bool:
        """Open the store; whether it is."""
        try:
            await self.store()
        except StoreError as error:
            self._report(error)
            return False
        return True

    def end_events(self) -> None:
        """End all answers that tell what happens, which have no end of their own."""
        self._events.end()

    async def close(self) -> None:
        """Let go of it."""
        self._hashing.close()
        if self._store is not None:
            await self._store.close()

    # what the data plane asks

    async def devices(self) -> dict[str, bool]:
        """All devices, and whether each may register."""
        async with (await self.store()).reading() as db:
            return {number: state == ACTIVE for number, state in (await Devices(db).states()).items()}

    async def enrolled(self, device: str) -> bool:
        """Whether a device may register where only enrolled ones may."""
        async with (await self.store()).reading() as db:
            found = await Devices(db).one(device)
        return found is not None and found.state == ACTIVE

    async def admits(self, device: str, session: bytes, visit: bytes, access_pass: bytes) -> bool:
        """Whether a pass lets a session of a visit attach."""
        now = int(self._world.clock.wall())
        async with (await self.store()).writing() as db:
            passes, name, shown = Passes(db), session_name(session), hashed(access_pass)
            admitted = await passes.admit(shown, device, session=name, visit=session_name(visit), now=now)
            if admitted:
                self._let_in(name, *await passes.whose(shown))
        return admitted

    async def statements(self, numbers: Sequence[str]) -> dict[str, list[str]]:
        """What hosts are to be told: what the owner of each has signed."""
        told: dict[str, list[str]] = {}
        async with (await self.store()).reading() as db:
            for device in await Devices(db).some(devices.c.number.in_(numbers), len(numbers)):
                if device.state == ACTIVE:
                    own = device_audience(from_text(device.number))
                    audiences = [own, *(group_audience(name) for name in device.groups)]
                    kept = await Statements(db).about(device.owner_thumbprint, audiences)
                    told[device.number] = [one.token for one in kept]
        return told

    async def report(self, said: Mapping[str, About | None]) -> None:
        """What hosts have said of themselves, or that they were heard."""
        now = int(self._world.clock.wall())
        reports = [
            Report(
                number=number,
                seen=now,
                reported=None if about is None else about.name,
                software=None if about is None else about.software,
                system=None if about is None else about.system,
            )
            for number, about in said.items()
        ]
        async with (await self.store()).writing() as db:
            await Devices(db).report(reports)

    async def readers(self, numbers: Sequence[str]) -> dict[str, list[Reader]]:
        """For whom hosts may leave pictures; what is kept of them for anybody else is dropped."""
        told: dict[str, list[Reader]] = {}
        now = int(self._world.clock.wall())
        async with (await self.store()).writing() as db:
            pictures = LastPictures(db)
            for device in await Devices(db).some(devices.c.number.in_(numbers), len(numbers)):
                told[device.number] = readers = await pictures.readers(device, now)
                await pictures.drop(device.number, {reader.key for reader in readers})
        return told

    async def pictures(self, left: Mapping[tuple[str, str], LastPicture], none: Iterable[str]) -> None:
        """Hosts have left pictures, by device and key: they are kept as far as they are for who may look now. The hosts
        of `none` leave no more."""
        now = int(self._world.clock.wall())
        async with (await self.store()).writing() as db:
            pictures, known = LastPictures(db), Devices(db)
            await pictures.stop(list(none))
            for (number, key), one in left.items():
                device = await known.one(number)
                if device is not None and key in {each.key for each in await pictures.readers(device, now)}:
                    await pictures.keep(Left(device=number, key=key, taken=one.taken, sealed=one.sealed), now)

    async def tidy(self) -> None:
        """Drop sign-ins, codes and counters that are over. Raises StoreError."""
        await self._accounts.tidy(int(self._world.clock.wall()))

    async def first_words(self, page: str) -> str | None:
        """What the terminal says while nobody is here yet."""
        code = await self._accounts.setup_code(int(self._world.clock.wall()))
        return None if code is None else f"  accounts  {setup_url(page, code)}"


def _providers(settings: ControlSettings) -> Mapping[str, Provider]:
    """Who else says who somebody is, of the file in the state folder. Raises StoreError."""
    try:
        return read_providers((settings.state / PROVIDERS).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, BadProviders) as error:
        raise StoreError(f"{settings.state / PROVIDERS}: {error}") from None
