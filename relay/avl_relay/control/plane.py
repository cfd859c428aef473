"""ControlPlane: everything of a relay that knows people, assembled on demand.

Nothing here is loaded before the relay can be reached: the store and the API take half a second of a program's time,
which goes to a thread. The relay asks `access` and tells `live`; all that takes time happens behind them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.localcontrol import ControlError
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.rights.jws import encode
from avl_protocol.session.snapshot import Snapshot
from avl_protocol.wire.device_id import from_text
from avl_protocol.wire.messages import About, LastPicture
from avl_protocol.wire.registry import CloseCode
from avl_relay.access import ALLOWED, Decision, MayAttach, MayRegister
from avl_relay.anomalies.alarms import Alarm
from avl_relay.anomalies.sentinel import Sentinel
from avl_relay.audit.book import Book
from avl_relay.control.gate import FORBIDDEN, UNKNOWN, Gate
from avl_relay.control.locally import answered
from avl_relay.control.lock import file_of
from avl_relay.control.settings import ControlSettings
from avl_relay.figures import Figures
from avl_relay.live import Happening, Live, number_text
from avl_relay.onlooker import Begun
from avl_relay.store.errors import StoreError

if TYPE_CHECKING:
    from avl_relay.anomalies.keeping import Keeping
    from avl_relay.api.settings import Turned
    from avl_relay.control.building import Machinery
    from avl_relay.settings.live import LiveSettings
    from avl_relay.store.pictures import Reader

#: Seconds after the start until a store that is there is opened where nobody has asked for it yet; between two tries
#: to open it; and for which what hosts say is gathered before it is written.
WARM_UP, AGAIN, GATHERED = 1.0, 2.0, 2.0
#: Hosts that are handed their statements at once.
TOGETHER = 100
#: Seconds between two times that what is over is dropped.
TIDIED = 3600.0
#: Sessions of which it is remembered whose they are.
LET_IN = 8192


class RelayHands(Protocol):
    """What a relay does for us (relay.py)."""

    @property
    def page(self) -> str:
        """The page's URL."""

    @property
    def quic(self) -> str:
        """Where it is, as others write it."""

    @property
    def pin(self) -> str:
        """What shows that it is the one."""

    def decided(self, question: MayRegister | MayAttach, decision: Decision) -> None:
        """A late answer."""

    def end_session(self, handle: int, code: CloseCode) -> None:
        """End a session."""

    def tell_session(self, handle: int, text: str) -> None:
        """Say something to a session."""

    def figures(self) -> dict[int, Figures]:
        """How sessions are carried."""

    def send_away(self, device: int) -> None:
        """End a host."""

    def hand_on(self, device: int, tokens: Sequence[str]) -> bool:
        """Hand a host what was signed about it; whether it is here."""

    def tell_readers(self, device: int, readers: Sequence[str]) -> None:
        """Tell a host for whom it may leave pictures."""


class ControlPlane:
    """One of each process of a relay. `tell(line)` is for a person at the terminal. `chosen`: this process's settings,
    where they can be seen and changed from elsewhere; `audit` is told what concerns security; `health()` tells how the
    data plane stands."""

    def __init__(
        self,
        world: World,
        settings: ControlSettings,
        *,
        tell: Callable[[str], None],
        chosen: LiveSettings | None = None,
        audit: Book | None = None,
        health: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._world, self._settings, self._tell, self._chosen = world, settings, tell, chosen
        self._audit, self._health = audit, health
        self._log = structlog.get_logger("relay")
        self.live = Live(wall=world.clock.wall, worker=settings.number)
        self.live.listen(self._happened)
        #: Whose sessions are that a pass has let in: person and share link, by what they are called.
        self._whose: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._sentinel: Sentinel | None = None
        if audit is not None and settings.number == 0:
            self._sentinel = Sentinel(
                world,
                settings.anomalies,
                ledger=self._ledger,
                auditor=audit,
                announce=self._alarm,
                report=self._report,
            )
            audit.listen(self._sentinel.heard)
            audit.alarmed = self._sentinel.missing
        self.access = Gate(required=settings.required, registry=self, work=self._ask)
        self._relay: RelayHands | None = None
        self._machinery: Machinery | None = None
        self._loading: asyncio.Task[Machinery] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        #: What hosts have said since it was written last, by number.
        self._said: dict[str, About | None] = {}
        #: Devices that are to be told what was signed about them.
        self._to_push: dict[str, None] = {}
        self._writing = self._pushing = self._reading = False
        #: Hosts of ours that leave pictures, and for which picture keys they were told to.
        self._picturing: dict[str, frozenset[str]] = {}
        #: What they have left since it was written last, by device and key; and who leaves none any more.
        self._left: dict[tuple[str, str], LastPicture] = {}
        self._stopped: dict[str, None] = {}
        self._troubled = ""

    # what the relay calls

    def begin(self, relay: RelayHands, tell: Callable[[bytes], None]) -> None:
        """The relay can be reached from now on; `tell(news)` reaches its other processes."""
        self._relay = relay
        self.live.join(self, tell)
        path = file_of(self._settings)
        first = path is not None and not path.exists()
        if self._settings.required or first or path is None:
            self._start(self._warm_up())
        else:
            self._later(WARM_UP, lambda: self._start(self._warm_up()))

    def change(self, settings: ControlSettings) -> None:
        """What changes while it runs."""
        self._settings = settings
        if self._sentinel is not None:
            self._sentinel.change(settings.anomalies)
        self.access.require(settings.required)
        if self._machinery is not None:
            self._machinery.change(settings)

    def end_events(self) -> None:
        """End all answers that tell what happens, which have no end of their own."""
        if self._machinery is not None:
            self._machinery.end_events()

    async def close(self) -> None:
        """Write what is left, and let go of everything."""
        for timer in list(self._timers):
            timer.cancel()
        await self._write()
        if self._sentinel is not None:
            await self._sentinel.close()
        waiting = [*self._tasks, *(() if self._loading is None else (self._loading,))]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        if self._machinery is not None:
            await self._machinery.close()

    async def api(self, scope: Any, receive: Any, send: Any) -> None:
        """The API, as an ASGI application."""
        try:
            machinery = await self._loaded()
        except StoreError as error:
            from avl_relay.api.problems import Problem  # loaded by now

            self._report(error)
            await Problem("unavailable", str(error)).response()(scope, receive, send)
            return
        await machinery.frame(scope, receive, send)

    async def of_operators(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request of who runs this machine (locally.py). Raises ControlError."""
        try:
            machinery = await self._loaded()
        except StoreError as error:
            self._report(error)
            raise ControlError(f"the store cannot be used now: {error}") from None
        return await answered(machinery.desk, request)

    # Registry (gate.py)

    async def enrolled(self, device: str) -> bool:
        """See Registry."""
        return await (await self._loaded()).enrolled(device)

    async def admits(self, device: str, session: bytes, visit: bytes, access_pass: bytes) -> bool:
        """See Registry."""
        return await (await self._loaded()).admits(device, session, visit, access_pass)

    # Hands (live.py)

    def end_session(self, handle: int, code: CloseCode) -> None:
        """See Hands."""
        if self._relay is not None:
            self._relay.end_session(handle, code)

    def tell_session(self, handle: int, text: str) -> None:
        """See Hands."""
        if self._relay is not None:
            self._relay.tell_session(handle, text)

    def figures(self) -> dict[int, Figures]:
        """See Hands."""
        return {} if self._relay is None else self._relay.figures()

    def send_away(self, device: int) -> None:
        """See Hands."""
        if self._relay is not None:
            self._relay.send_away(device)

    def push(self, device: int) -> None:
        """See Hands."""
        if self.live.is_here(number_text(device)):
            self._to_push[number_text(device)] = None
            if not self._pushing:
                self._pushing = True
                self._start(self._push())

    def read_anew(self) -> None:
        """See Hands."""
        self._read_soon()

    # Onlooker (onlooker.py)

    def host_came(self, device: int, now: float) -> None:
        """See Onlooker: it was seen, and is told what was signed about it."""
        self.live.host_came(device, now)
        self._note(number_text(device), None)
        if self._machinery is not None:
            self.push(device)

    def host_left(self, device: int, now: float) -> None:
        """See Onlooker."""
        self._picturing.pop(number_text(device), None)
        self._note(number_text(device), None)
        self.live.host_left(device, now)

    def host_said(self, device: int, about: About) -> None:
        """A host of ours tells of itself: all of it may be hostile."""
        number = number_text(device)
        if not about.pictures:
            self._picturing.pop(number, None)
            self._stopped[number] = None
            self._left = {left: picture for left, picture in self._left.items() if left[0] != number}
        elif number not in self._picturing:
            self._stopped.pop(number, None)
            self._picturing[number] = frozenset()
            self._read_soon()
        self._note(number, about)

    def host_shows(self, device: int, picture: LastPicture) -> None:
        """A host of ours leaves a picture: it is kept for who may look, and for nobody else."""
        number, key = number_text(device), encode(picture.key)
        if key in self._picturing.get(number, ()):
            self._left[number, key] = picture
            self._note(number, None)

    def session_began(self, begun: Begun, now: float) -> None:
        """See Onlooker."""
        self.live.session_began(begun, now)

    def session_ended(self, handle: int, code: CloseCode, now: float) -> None:
        """See Onlooker."""
        self.live.session_ended(handle, code, now)

    # within

    def _happened(self, happening: Happening) -> None:
        """A device was enrolled or revoked, or settings were changed, perhaps at another process."""
        about = happening.about
        if happening.kind == "settings" and self._chosen is not None:
            self._chosen.look()
        if happening.kind in ("rights", "device"):
            self._read_soon()
        if happening.kind == "device" and (about.get("enrolled") or "may" in about):
            self.access.change(happening.device, about.get("may", True))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._world.faults.task_done)

    def _later(self, seconds: float, work: Callable[[], object]) -> None:
        def due() -> None:
            self._timers.discard(handle)
            work()

        handle = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(handle)

    async def _loaded(self) -> Machinery:
        """The store and the API, loaded by whoever needs them first."""
        if self._machinery is not None:
            return self._machinery
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())
        try:
            return await asyncio.shield(self._loading)
        except (StoreError, StateError) as error:
            self._loading = None
            raise StoreError(str(error)) from None

    async def _load(self) -> Machinery:
        relay = self._relay
        assert relay is not None
        building = await asyncio.to_thread(_import)
        made: Machinery = building.Machinery(
            self._settings,
            self._world,
            live=self.live,
            place=relay,
            report=self._report,
            opened=self._opened,
            chosen=self._chosen,
            turned=self._turned,
            audit=self._audit,
            let_in=self._let_in,
            health=self._health,
        )
        self._machinery = made
        return made

    async def _ledger(self) -> Keeping:
        return await (await self._loaded()).ledger()

    def _alarm(self, alarm: Alarm, id: str) -> None:
        """Listeners are told of what is unusual."""
        about = {"id": id, "kind": alarm.kind, "person": alarm.person, "why": alarm.why}
        self.live.announce(Happening(kind="alarm", device=alarm.device, about=about))

    def _let_in(self, session: str, person: str, share: str) -> None:
        """A pass has let a session in."""
        self._whose[session] = person, share
        while len(self._whose) > LET_IN:
            self._whose.popitem(last=False)

    def whose(self, session: str) -> tuple[str, str]:
        """The person whose pass has let a session in, and the share link that it was of; "" for none."""
        return self._whose.get(session, ("", ""))

    def snapshot(self) -> Snapshot:
        """What it holds, by number."""
        parts = () if self._sentinel is None else (self._sentinel.snapshot(),)
        return Snapshot("accounts", {"sessions let in": len(self._whose)}, parts)

    def _turned(self, change: Turned) -> None:
        """Somebody has turned a feature off or on: it is logged, by whom."""
        self._log.info("feature turned", feature=change.feature, on=change.on, person=change.person)
        if self._audit is not None:
            before, after = ("off", "on") if change.on else ("on", "off")
            self._audit.record("setting_changed", setting=change.feature, before=before, after=after, by=change.person)

    async def _warm_up(self) -> None:
        """Open the store before anybody asks; while that fails, try again."""
        try:
            opened = await (await self._loaded()).open()
        except StoreError as error:
            self._report(error)
            opened = False
        if not opened:
            self._later(AGAIN, lambda: self._start(self._warm_up()))

    async def _opened(self) -> None:
        """The store is open for the first time: what it knows is known here."""
        assert self._machinery is not None and self._relay is not None
        self.access.know(await self._machinery.devices())
        for device in self.live.own_devices:
            self._note(device, None)
            self.push(from_text(device))
        self._read_soon()
        if self._settings.number != 0:
            return
        if (line := await self._machinery.first_words(self._relay.page)) is not None:
            self._tell(line)
        self._start(self._tidy())
        if self._sentinel is not None:
            self._sentinel.begin()

    async def _tidy(self) -> None:
        """Drop what is over, now and every hour."""
        try:
            await (await self._loaded()).tidy()
        except StoreError as error:
            self._report(error)
        self._later(TIDIED, lambda: self._start(self._tidy()))

    def _report(self, error: BaseException) -> None:
        """The store has failed: it is told once, until another thing fails or it works again."""
        if str(error) != self._troubled:
            self._troubled = str(error)
            self._log.error("store", why=self._troubled)

    def _ask(self, question: MayRegister | MayAttach, answer: Awaitable[bool]) -> None:
        self._start(self._answer(question, answer))

    async def _answer(self, question: MayRegister | MayAttach, answer: Awaitable[bool]) -> None:
        """Hand the relay a late answer. What cannot be known is refused, and nobody gets more than before."""
        decision = UNKNOWN
        try:
            decision = ALLOWED if await answer else FORBIDDEN
        except StoreError as error:
            self._report(error)
        finally:
            waits = self.access.answered(question)
        if waits and self._relay is not None:
            self._relay.decided(question, decision)

    async def _push(self) -> None:
        """Hand hosts of ours what was signed about them, many at a time: after a restart all of them come at once."""
        some: list[str] = []
        try:
            machinery = await self._loaded()
            while self._to_push:
                some = [self._to_push.popitem()[0] for _ in range(min(TOGETHER, len(self._to_push)))]
                for device, tokens in (await machinery.statements(some)).items():
                    if self._relay is not None and tokens:
                        self._relay.hand_on(from_text(device), tokens)
        except StoreError as error:
            self._report(error)
            self._to_push |= dict.fromkeys(some)
            self._later(AGAIN, lambda: self._start(self._push()))
        else:
            self._pushing = False

    def _read_soon(self) -> None:
        """Hosts that leave pictures are told for whom, once for all that happens meanwhile."""
        if self._picturing and not self._reading and self._machinery is not None:
            self._reading = True
            self._later(GATHERED, lambda: self._start(self._read()))

    async def _read(self) -> None:
        self._reading = False
        numbers = list(self._picturing)
        try:
            machinery = await self._loaded()
            for at in range(0, len(numbers), TOGETHER):
                for number, readers in (await machinery.readers(numbers[at : at + TOGETHER])).items():
                    self._tell_readers(number, readers)
        except StoreError as error:
            self._report(error)
            self._later(AGAIN, self._read_soon)

    def _tell_readers(self, number: str, readers: Sequence[Reader]) -> None:
        if number in self._picturing and self._relay is not None:
            self._picturing[number] = frozenset(reader.key for reader in readers)
            self._relay.tell_readers(from_text(number), [" ".join(reader.tokens) for reader in readers])

    def _note(self, device: str, about: About | None) -> None:
        """A host was heard: it is written with what others say meanwhile."""
        self._said[device] = about or self._said.get(device)
        if not self._writing and self._machinery is not None:
            self._writing = True
            self._later(GATHERED, lambda: self._start(self._write()))

    async def _write(self) -> None:
        self._writing = False
        machinery = self._machinery
        if machinery is None or not self._said:
            return
        said, self._said = self._said, {}
        left, self._left = self._left, {}
        stopped, self._stopped = self._stopped, {}
        try:
            await machinery.report(said)
            if left or stopped:
                await machinery.pictures(left, stopped)
            for number in sorted({number for number, _ in left}):
                self.live.announce(Happening(kind="picture", device=number, about={"number": number}))
        except StoreError as error:
            self._report(error)
            self._said, self._left = {**said, **self._said}, {**left, **self._left}
            self._stopped = {**stopped, **self._stopped}


def _import() -> Any:
    from avl_relay.control import building

    return building
