"""A relay with its control plane: hosts and viewers at it, over real sockets, while people change what they may, and
while the store is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from avl_host.enrol import About as Described
from avl_host.enrol import Asked, enrol
from avl_protocol.crypto.identity import Identity
from avl_protocol.endpoint.loop.clock import entropy
from avl_protocol.endpoint.loop.world import system_world
from avl_protocol.rights import jws
from avl_protocol.rights.statements import Enrolment, Policy, sign
from avl_protocol.wire.device_id import NUMBER_BYTES
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.messages import About, Accept, Admit, Attach, Attached, Detach, HopMessage, Incoming, Statements
from avl_protocol.wire.registry import Channel, CloseCode
from avl_protocol.wire.target import parse_address, parse_relay
from avl_relay.config import RelaySettings
from avl_relay.control.plane import ControlPlane
from avl_relay.control.settings import ControlSettings
from avl_relay.live import Happening, number_text
from avl_relay.people.deviceflow import State
from avl_relay.people.opaque import user_code_as_kept
from avl_relay.relay import Relay
from avl_relay.store.devices import Device, Devices
from avl_relay.store.engine import Store, database_url, new_id
from avl_relay.store.hashes import hashed
from avl_relay.store.passes import Passes
from avl_relay.store.programs import Authorizations
from avl_relay.store.statements import POLICY, Kept
from avl_relay.store.statements import Statements as KeptStatements
from interop.bench.attack.hops import CLOCK, FAILURES, Hop, endpoint_at, host, viewer
from tests.relay.owners import key, person, settle_in

HERE = "127.0.0.1"
DESK = Identity(entropy(32))
NUMBER = number_text(DESK.number)


class Premises:
    """A relay, its store as a test sees it, and everybody who has come."""

    def __init__(self, relay: Relay, plane: ControlPlane, store: Store | None) -> None:
        self.relay, self.plane = relay, plane
        self._store = store
        self.heard: list[HopMessage] = []
        self.opened: list[Callable[[], object]] = []

    @property
    def store(self) -> Store:
        assert self._store is not None
        return self._store

    async def come(self, hop: Hop) -> Hop:
        endpoint = await endpoint_at(HERE)
        self.opened.append(endpoint.close)
        await hop.dial(parse_address(self.relay.quic), endpoint)
        return hop

    async def host(self) -> Hop:
        hop = host(self.relay.identity.pin, DESK)

        def said(message: HopMessage) -> None:
            self.heard.append(message)
            if isinstance(message, Incoming):
                hop.hop.send(Accept(message.handle))
                hop.hop.send(Admit(message.handle, (), (int(Channel.CONTROL),)))

        hop.on_message = said
        return await self.come(hop)

    async def attach(self, access_pass: bytes = b"", session: bytes = b"s" * 16) -> Watching:
        """A viewer who has asked for the device."""
        watching = Watching(viewer(self.relay.identity.pin))
        await self.come(watching.hop)
        number = DESK.number.to_bytes(NUMBER_BYTES, "big")
        watching.hop.hop.send(Attach(number, session, access_pass=access_pass))
        return watching

    async def device(self) -> Device:
        async with self.store.reading() as db:
            found = await Devices(db).one(NUMBER)
        assert found is not None
        return found

    async def enrol(self) -> None:
        public = key("ada").public
        async with self.store.writing() as db:
            await Devices(db).enrol(
                number=NUMBER,
                name="desk",
                owner=person("ada"),
                owner_key=jws.jwk_of(public),
                owner_thumbprint=jws.thumbprint(public),
                now=int(CLOCK.wall()),
            )
        self.plane.live.announce(Happening(kind="device", device=NUMBER, about={"enrolled": True}))

    async def let_in(self, secret: bytes) -> None:
        now = int(CLOCK.wall())
        async with self.store.writing() as db:
            await Passes(db).add(hash=hashed(secret), device=NUMBER, person=person("ada"), now=now, expires=now + 60)

    async def sign_policy(self, sequence: int) -> str:
        token = sign(key("ada"), Policy(audience=f"device:{NUMBER}", sequence=sequence))
        async with self.store.writing() as db:
            kept = Kept(
                id=new_id(entropy),
                kind=POLICY,
                aud=f"device:{NUMBER}",
                iss=jws.thumbprint(key("ada").public),
                seq=sequence,
                token=token,
                created=0,
            )
            assert await KeptStatements(db).keep(kept)
        self.plane.live.push(NUMBER)
        return token

    def statements(self) -> list[str]:
        """What the host was told, each once: one that comes while the store is opened is told twice."""
        told = [token for message in self.heard if isinstance(message, Statements) for token in message.tokens]
        return list(dict.fromkeys(told))


class Watching:
    """A viewer, and what it was told."""

    def __init__(self, hop: Hop) -> None:
        self.hop, self.heard = hop, list[HopMessage]()
        hop.on_message = self.heard.append

    def attached(self) -> bool:
        return any(isinstance(message, Attached) for message in self.heard)


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def premises(
    folder: Path, *, required: bool = False, database: str | None = None, port: int = 0, settled: bool = False
) -> AsyncIterator[Premises]:
    world = system_world()
    settings = RelaySettings(state=folder, listen=(HERE, port), http=(HERE, 0), public=HERE)
    plane = ControlPlane(
        world, ControlSettings(state=folder, database=database, required=required), tell=lambda line: None
    )
    relay = Relay(world, settings, control=plane)
    store: Store | None = None
    if database is None or "wrong" not in database:
        folder.mkdir(exist_ok=True, mode=0o700)
        store = Store(database_url(database, folder))
        await store.open()
        if not settled:
            await settle_in(store)
    await relay.start()
    made = Premises(relay, plane, store)
    try:
        async with asyncio.timeout(30):
            yield made
    finally:
        for close in made.opened:
            await close()  # type: ignore[misc]
        await relay.close()
        if store is not None:
            await store.close()


async def code_of(hop: Hop) -> CloseCode:
    """What a connection is ended with."""
    async with asyncio.timeout(5):
        return CloseCode((await hop.lost).code)


async def test_an_open_relay_shows_who_is_there_and_hands_on_what_was_signed(tables: str, tmp_path: Path) -> None:
    async with premises(tmp_path / "relay", database=tables) as place:
        await place.enrol()
        first = await place.sign_policy(1)
        hop = await place.host()
        assert place.plane.live.online(NUMBER) is not None
        await until(lambda: place.statements() == [first])
        hop.hop.send(About(name="Desk\u202e", system="Linux", software="avl 1"))
        begun = CLOCK.monotonic()
        second = await place.sign_policy(2)
        await until(lambda: place.statements() == [first, second])
        assert CLOCK.monotonic() - begun < 1.0
        while (device := await place.device()).system != "Linux":
            await asyncio.sleep(0.1)
        assert device.reported == "Desk" and device.software == "avl 1" and device.seen is not None
        watching = await place.attach()  # nobody is asked for a pass
        await until(watching.attached)
        (running,) = place.plane.live.sessions
        assert running.device == NUMBER
        place.plane.live.end(running, owner=False)
        await until(lambda: any(isinstance(message, Detach) for message in watching.heard))
        assert not list(place.plane.live.sessions)


async def test_a_closed_relay_takes_the_enrolled_alone_and_ends_who_is_revoked(tables: str, tmp_path: Path) -> None:
    async with premises(tmp_path / "relay", required=True, database=tables) as place:
        with pytest.raises(FAILURES) as refused:
            await place.host()
        assert isinstance(refused.value, Refused) and refused.value.code is CloseCode.FORBIDDEN
        await place.enrol()
        hop = await place.host()
        assert await code_of((await place.attach()).hop) is CloseCode.FORBIDDEN
        assert await code_of((await place.attach(b"guess")).hop) is CloseCode.FORBIDDEN
        await place.let_in(b"secret")
        watching = await place.attach(b"secret")
        await until(watching.attached)
        assert await code_of((await place.attach(b"secret", b"t" * 16)).hop) is CloseCode.FORBIDDEN
        async with place.store.writing() as db:
            await Devices(db).set_state(NUMBER, "revoked")
        begun = CLOCK.monotonic()
        place.plane.live.announce(Happening(kind="device", device=NUMBER, about={"may": False}))
        place.plane.live.send_away(NUMBER)
        assert await code_of(hop) is CloseCode.FORBIDDEN
        await until(lambda: any(isinstance(message, Detach) for message in watching.heard))
        assert CLOCK.monotonic() - begun < 1.0
        with pytest.raises(FAILURES):
            await place.host()


async def test_without_its_store_an_open_relay_forwards_and_a_closed_one_lets_nobody_in(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"no database" * 100)
    async with premises(tmp_path / "open", database=str(wrong)) as place:
        await place.host()
        watching = await place.attach()
        await until(watching.attached)
        assert place.plane.live.online(NUMBER) is not None
    async with premises(tmp_path / "closed", required=True, database=str(wrong)) as place:
        with pytest.raises(FAILURES) as refused:
            await place.host()
        assert isinstance(refused.value, Refused) and refused.value.code is CloseCode.UNAVAILABLE
        assert await code_of((await place.attach(b"any")).hop) is CloseCode.UNAVAILABLE


async def test_a_store_that_goes_away_leaves_sessions_and_enrolled_hosts_alone(tmp_path: Path) -> None:
    async with premises(tmp_path / "relay", required=True) as place:
        await place.enrol()
        hop = await place.host()
        await place.let_in(b"secret")
        watching = await place.attach(b"secret")
        await until(watching.attached)
        (tmp_path / "relay" / "relay.db").write_bytes(b"gone" * 1000)
        again = await place.attach(b"secret", b"t" * 16)
        assert await code_of(again.hop) in (CloseCode.UNAVAILABLE, CloseCode.FORBIDDEN)
        back = await place.host()  # the same host, once more: it was enrolled, and that is remembered
        assert await code_of(hop) is CloseCode.REPLACED and not back.lost.done()


async def test_a_session_that_takes_a_lost_ones_place_is_let_in_by_its_visits_pass(tmp_path: Path) -> None:
    secret, visit = bytes(range(32)), b"v" * 16
    async with premises(tmp_path / "relay", required=True) as place:
        await place.enrol()
        await place.host()
        await place.let_in(secret)
        for session in (b"1" * 16, b"2" * 16, b"2" * 16):
            watching = await place.attach(secret + visit, session)
            await until(watching.attached)
        for stranger in (secret + b"w" * 16, secret):  # the pass alone is worth nothing any more
            assert await code_of((await place.attach(stranger, b"3" * 16)).hop) is CloseCode.FORBIDDEN


async def test_a_host_that_waits_for_approval_is_enrolled_by_a_relay_that_was_started_again(tmp_path: Path) -> None:
    identity, slept = Identity(bytes(range(32))), 0
    number = identity.device_id.replace("-", "")
    token = sign(key("ada"), Enrolment(audience=f"device:{number}", issued=int(CLOCK.wall())))
    asked: list[Asked] = []

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(premises(tmp_path / "relay"))
        where = parse_relay(first.relay.announced["quic"], first.relay.announced["pin"])

        async def sleep(seconds: float) -> None:
            """The relay is started again while the host waits; then somebody approves."""
            nonlocal slept
            slept += 1
            if slept == 1:
                await stack.aclose()
            elif slept == 2:
                place = await stack.enter_async_context(premises(tmp_path / "relay", port=where.port, settled=True))
                async with place.store.writing() as db:
                    found = await Authorizations(db).by_user_code(user_code_as_kept(asked[0].code))
                    assert found is not None
                    await Authorizations(db).decided(
                        found.device_code_hash, State.APPROVED, person=person("ada"), token=token
                    )

        about = Described("desk", "Linux", "avl")
        enrolled = await enrol(identity, where, about, tell=asked.append, world=system_world(), sleep=sleep)
        assert enrolled.token == token and slept >= 2
