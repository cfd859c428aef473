"""A whole system in one call: relay, host and viewer, unmodified, in virtual time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from avl_host.agent import Agent, Parts
from avl_host.audit.journal import HostLog
from avl_host.capture.pattern import PatternSource
from avl_host.config import HostSettings
from avl_host.desktop.clipboard import MemoryClipboard
from avl_host.display.display import MemoryDisplay
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.codecs.switching import SwitchingEncoder, opener
from avl_host.encode.worker import InlineWorker, TimedSource
from avl_host.files.roots import Root
from avl_host.input.recorder import InputRecorder
from avl_host.sessions.subscribers import Ask
from avl_host.sound.coder import BITRATE
from avl_host.sound.microphone import MemoryMicrophone
from avl_host.sound.source import SoundSource
from avl_host.sound.worker import SoundParts
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.sound.opus import Encoder
from avl_protocol.files.memory import MemoryTree
from avl_protocol.wire.messages import About, LastPicture
from avl_protocol.wire.target import RelayAddress, Target
from avl_relay.access import Access
from avl_relay.audit.memory import MemoryLog
from avl_relay.config import RelaySettings
from avl_relay.relay import Relay
from avl_viewer.api import Desktop, connect
from avl_viewer.decode.video import VideoDecoder
from avl_viewer.decode.worker import InlineWorker as InlineDecoder
from avl_viewer.way import Way
from tests.simulator.host import SimulatedInterfaces
from tests.simulator.run import Simulation

RELAY, HOST, VIEWER = "10.0.0.1", "10.0.0.2", "10.0.0.3"
PORT, HOST_PORT = 4433, 4434
#: How a viewer comes to a host: through a relay, straight to one that listens, or straight after a move from a relay.
ENTRANCES = ("relay", "direct", "moved")
CODE = "TEST-CODE"


@dataclass(kw_only=True)
class RunningHost:
    """A host and the doubles that it is made of."""

    agent: Agent
    source: PatternSource
    sink: InputRecorder
    clipboard: MemoryClipboard
    display: MemoryDisplay
    #: What is in the one folder that it shares.
    files: MemoryTree
    said: list[str] = field(default_factory=list)


class System:
    """Starts the parts of one simulated system; all state lies in a folder that goes with it. `via`: how viewers
    come to its hosts, one of ENTRANCES; `relay_address`: of a relay that is run by another system."""

    def __init__(
        self,
        *,
        simulation: Simulation,
        folder: Path,
        relay: str,
        host: str,
        via: str,
        relay_address: RelayAddress | None = None,
    ) -> None:
        self.simulation = simulation
        self.via = via
        self._relay_ip, self._host_ip = relay, host
        self.folder = folder
        self.relay_instance: Relay | None = None
        self.other_instance: Relay | None = None
        self._relay_address = relay_address
        #: Who decides at relays that are started from now on; None: everybody may.
        self.access: Access | None = None
        #: What hosts have told relays of themselves, by device number.
        self.told: list[tuple[int, About]] = []
        #: What hosts have left there as last pictures.
        self.left: list[LastPicture] = []
        #: The relays' audit log, for who wants one; to be set before a relay is started. And the hosts' own.
        self.audit: MemoryLog | None = None
        self.journal: HostLog | None = None

    def world(self, address: str, name: str) -> World:
        """Clock, entropy and the network as seen from an address."""
        host = self.simulation.network.at(address, name)
        return World(
            clock=self.simulation.clock,
            entropy=self.simulation.entropy,
            network=host,
            interfaces=SimulatedInterfaces(host),
        )

    async def _start(self, ip: str, name: str, elsewhere: tuple[str, ...] = ()) -> Relay:
        settings = RelaySettings(
            state=self.folder / name, listen=(ip, PORT), http=("", 0), public=ip, elsewhere=elsewhere
        )
        relay = Relay(
            self.world(ip, name),
            settings,
            simulated=True,
            access=self.access,
            about=lambda device, about: self.told.append((device, about)),
            pictured=lambda device, picture: self.left.append(picture),
            audit=self.audit,
        )
        if self.audit is not None:
            self.audit.identity = relay.identity
        await relay.start()
        return relay

    async def start_relay(self, elsewhere: tuple[str, ...] = ()) -> Relay:
        """Start (again) the relay at its address, with its identity; when it drains it names the relays `elsewhere`."""
        self.relay_instance = relay = await self._start(self._relay_ip, "relay", elsewhere)
        self._relay_address = RelayAddress(self._relay_ip, PORT, relay.identity.pin)
        return relay

    @asynccontextmanager
    async def second_relay(self, ip: str) -> AsyncIterator[RelayAddress]:
        """Another relay until the block ends."""
        self.other_instance = relay = await self._start(ip, "other relay")
        try:
            yield RelayAddress(ip, PORT, relay.identity.pin)
        finally:
            await relay.close()

    @asynccontextmanager
    async def host(
        self,
        size: tuple[int, int] = (320, 192),
        ask: Ask | None = None,
        ask_for_grants: Ask | None = None,
        faulty: bool = False,
        more: tuple[PatternSource, ...] = (),
        shows: TimedSource | None = None,
        coders: Coders | None = None,
        files: MemoryTree | None = None,
        sound: SoundSource | None = None,
        microphone_to: MemoryMicrophone | None = None,
        photograph: Callable[[], bytes] | None = None,
        **settings: object,
    ) -> AsyncIterator[RunningHost]:
        """Run a host with a test card (or what it `shows` instead), and `more` of them each a desktop of its own, until
        the block ends; through the relay only, unless `direct` or the entrance say otherwise. Pictures are coded by
        `coders`, by x264 alone if there are none. `sound` is shared, and voices
        go `microphone_to`. Errors that nobody foresaw fail the test, unless it is `faulty`."""
        assert self._relay_address is not None
        world = self.world(self._host_ip, "host")
        clock = world.clock.monotonic
        source, sink, clipboard = PatternSource(clock, size), InputRecorder(clock), MemoryClipboard()
        display = MemoryDisplay(size, source.resize)
        files = files or MemoryTree()
        chosen: dict[str, object] = {"code": CODE, "direct": False, "relays": (self._relay_address,), "simulated": True}
        chosen |= {"files": (Root(Path("/shared"), True, True),)}
        if self.via == "direct":
            chosen |= {"relays": (), "listen": (self._host_ip, HOST_PORT)}
        elif self.via == "moved":
            chosen |= {"direct": True}
        chosen |= settings
        host_settings = HostSettings(state=self.folder / "host", source="pattern", **chosen)  # type: ignore[arg-type]
        said: list[str] = []
        chosen_coders = coders or Coders()
        parts = Parts(
            source=shows or source,
            sink=sink,
            clipboard=clipboard,
            open_encoder=lambda s: SwitchingEncoder(replace(s, threads=1), chosen_coders, opener(clock)),
            coders=chosen_coders,
            make_worker=InlineWorker,  # type: ignore[arg-type]
            ask=ask,
            ask_for_grants=ask_for_grants,
            display=display,
            photograph=photograph,
            open_monitor=lambda monitor: PatternSource(clock, (monitor.width, monitor.height)),
            more_sources=more,
            open_journal=None if (journal := self.journal) is None else lambda world, state, identity: journal,
            open_tree=lambda path, makes: files,
            sound=None if sound is None else SoundParts(source=sound, make_coder=_opus),
            open_microphone=None if microphone_to is None else lambda told: microphone_to,
        )
        agent = Agent(world, host_settings, parts, said.append)
        task = self.simulation.loop.create_task(agent.run())
        try:
            yield RunningHost(
                agent=agent, source=source, sink=sink, clipboard=clipboard, display=display, files=files, said=said
            )
            assert faulty or not [line for line in said if "report it" in line], said
        finally:
            task.cancel()
            try:
                await task
            except BaseException as error:
                if type(error).__name__ != "CancelledError":
                    raise

    @property
    def relay(self) -> RelayAddress:
        """Where the relay is, and its pin."""
        assert self._relay_address is not None
        return self._relay_address

    def target(self, host: RunningHost, at: RelayAddress | None = None) -> Target:
        """Where a host is, or, with `at`, where a viewer takes it to be."""
        place = at or (RelayAddress(self._host_ip, HOST_PORT) if self.via == "direct" else self.relay)
        return Target(place, host.agent.identity.number)

    @asynccontextmanager
    async def viewer(
        self,
        host: RunningHost,
        code: str = CODE,
        address: str = VIEWER,
        name: str = "viewer",
        timeout: float = 10.0,
        reconnect: bool = False,
        direct: bool = True,
        pictures: bool = True,
        others: tuple[RelayAddress, ...] = (),
        at: RelayAddress | None = None,
        chain: Sequence[str] = (),
        access_pass: bytes = b"",
        again: Callable[[World], Awaitable[Way]] | None = None,
    ) -> AsyncIterator[Desktop]:
        """See a host's desktop until the block ends; at the entrance "moved" once the session has moved there."""
        world = self.world(address, name)
        async with connect(
            Way(replace(self.target(host, at), others=others), access_pass=access_pass, again=again),
            code="" if chain else code,
            chain=chain,
            state=self.folder / name,
            timeout=timeout,
            name=name,
            reconnect=reconnect,
            world=world,
            direct=direct,
            pictures=pictures,
            make_decoder=lambda decoded, failed: InlineDecoder(VideoDecoder, decoded, failed, world.clock.monotonic),
        ) as desktop:
            async with asyncio.timeout(30):
                while self.via == "moved" and desktop.stats()["path"] not in ("lan", "direct"):
                    await asyncio.sleep(0.02)
            yield desktop


def _opus() -> Encoder:
    return Encoder(voice=False, bitrate=BITRATE)


@asynccontextmanager
async def system(
    simulation: Simulation, relay_ip: str = RELAY, host_ip: str = HOST, via: str = "relay"
) -> AsyncIterator[System]:
    """A system with a running relay."""
    with tempfile.TemporaryDirectory() as folder:
        made = System(simulation=simulation, folder=Path(folder), relay=relay_ip, host=host_ip, via=via)
        relay = await made.start_relay()
        try:
            yield made
        finally:
            await (made.relay_instance or relay).close()
