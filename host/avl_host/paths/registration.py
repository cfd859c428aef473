"""Registration: this host's standing connection to one relay, kept up for ever (spec 04-session, 4.2)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat

from avl_host.audit.comparing import Comparing
from avl_host.lastpictures.lastpictures import LastPictures
from avl_host.paths.hops import RelayHop
from avl_host.publish.publisher import Publisher
from avl_host.sessions.subscribers import Subscribers
from avl_protocol.crypto.identity import Identity, device_record
from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.endpoint.dial.dialler import Dialler
from avl_protocol.endpoint.dial.dialling import Unreachable
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.headwatch import HeadWatch
from avl_protocol.path.silence import Silence, Verdict
from avl_protocol.session.hop.client import HopClient, HopClientSettings, HopClientState
from avl_protocol.session.hop.clientevents import (
    ChannelOpened,
    ChannelReceived,
    ChannelReset,
    HopClientEvent,
    HopLost,
    HopSaid,
    HopUp,
)
from avl_protocol.session.hop.mediaevents import MediaFates
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.foreign import for_terminal
from avl_protocol.wire.messages import (
    About,
    Detach,
    Head,
    HopMessage,
    Incoming,
    Logged,
    Observed,
    Readers,
    Recover,
    Statements,
    Viewers,
    Welcome,
)
from avl_protocol.wire.onethread import guard
from avl_protocol.wire.registry import (
    ENDED_AT_RELAY,
    MAX_STATEMENTS,
    T_PATH_ATTEMPT,
    T_PATH_ATTEMPT_AGAIN,
    T_PATH_FIRST_RETRY,
    T_PATH_FIRST_YIELD,
    T_PATH_HOST_LAST_RETRY,
    T_PATH_LAST_YIELD,
    T_PATH_UPGRADES,
    T_PATH_URGENT_RETRY,
    CloseCode,
    Role,
)
from avl_protocol.wire.target import RelayAddress, own_page, parse_address

SOFTWARE = "avl-host 0.1"
#: Seconds that a device record holds; a new one is signed at every connection.
RECORD_LIFETIME = 2 * 24 * 3600
#: The message for a person whose host was replaced.
DOUBLE = (
    "another host runs with this one's identity and has taken its place: a copy of this machine or of its state. "
    "This one waits until the other is offline. To make it a device of its own stop it, run 'avl-host identity new' "
    "(with --state, if you start it with that), and start it again."
)


def not_taken(relay: RelayAddress) -> str:
    """The message for a person whose host a relay does not take. The host goes on asking: that costs the relay next to
    nothing, and a host that ended would have to be started again after it was enrolled."""
    return (
        "it takes enrolled hosts alone, and this one is not enrolled there, or not any more. Run "
        f"avl-host enroll {shlex.quote(str(relay))} (with --state, if you start the host with that) and approve "
        "it: there is no need to start this host again."
    )


class Registration:
    """One relay's link, and what follows from its events. `changed` is called when it has become reachable
    there, or no longer is; `about`: what the relay is told of this host, None: nothing; `heard` takes statements that
    the relay hands on; `heads` keeps those of its audit log, and `comparing` compares it with the host's own;
    `pictures` leaves pictures for those of whom the relay tells."""

    def __init__(
        self,
        *,
        world: World,
        identity: Identity,
        relay: RelayAddress,
        dialler: Dialler,
        subscribers: Subscribers,
        publisher: Publisher,
        whereabouts: Whereabouts,
        tell: Callable[[str], None],
        changed: Callable[[], None],
        after: Callable[[], None],
        moved: Callable[[], None],
        about: Callable[[], About | None] = lambda: None,
        heard: Callable[[tuple[str, ...]], None] = lambda tokens: None,
        heads: HeadWatch | None = None,
        comparing: Comparing | None = None,
        pictures: LastPictures | None = None,
    ) -> None:
        self._pictures = pictures
        self._heads, self._comparing = heads, comparing
        self._relay_key = b""
        self._world = world
        self._identity = identity
        self.relay = relay
        self._dialler = dialler
        self._subscribers = subscribers
        self._publisher = publisher
        self._whereabouts = whereabouts
        self._tell = tell
        self._changed = changed
        self._after = after
        self._moved = moved
        self._about = about
        self._heard = heard
        self._client: HopClient | None = None
        self._hop: RelayHop | None = None
        self._silence = Silence()
        self._lost = asyncio.Event()
        self._again = asyncio.Event()
        self._failure = ""
        #: The relay does not take this host: asking in haste is of no use.
        self._unwanted = False
        #: Seconds to leave the place to the double that has taken it; 0: there is none.
        self._yielding = 0.0
        self.page = self._doubted = ""
        #: The relay's address as it calls itself; None while we are not registered.
        self.name: RelayAddress | None = None

    @property
    def rtt(self) -> float | None:
        """Round trip to the relay in seconds, while registered."""
        return self._client.carrier.rtt if self._client is not None and self.name is not None else None

    async def keep(self) -> None:
        """Register, and again after every loss, until cancelled."""
        pause = T_PATH_FIRST_RETRY
        said = ""
        while True:
            upgrade = False
            self._lost.clear()
            self._failure, self._unwanted = "", False
            wall = int(self._world.clock.wall())
            record = device_record(wall, wall + RECORD_LIFETIME, SOFTWARE)
            settings = HopClientSettings(
                role=Role.HOST,
                software=SOFTWARE,
                pin=self.relay.pin,
                identity=self._identity,
                record=record,
                yields=self._yielding > 0,
            )
            client = guard(HopClient(settings))
            self.use(client)
            was_up = False
            try:
                limit = T_PATH_ATTEMPT_AGAIN if self._subscribers.waiting else T_PATH_ATTEMPT
                await self._dialler.reach(self.relay, client, partial(self._happened, client), limit)
                self._after()
                upgrade = await self._hold(client)
                was_up = self.name is not None
            except Unreachable as error:
                self._failure = str(error)
            self.name = None
            if was_up:
                pause = T_PATH_FIRST_RETRY
                self._changed()
            if self._failure and self._failure != said:
                said = self._failure
                self._tell(f"relay {self.relay.host}:{self.relay.port}: {said} Trying again.")
            if self._yielding:
                await asyncio.sleep(self._yielding)
                self._yielding = min(T_PATH_LAST_YIELD, self._yielding * 2)
            elif self._unwanted:
                await self._wait(T_PATH_HOST_LAST_RETRY)
            elif not upgrade:
                await self._wait(min(pause, T_PATH_URGENT_RETRY) if self._subscribers.waiting else pause)
                pause = min(T_PATH_HOST_LAST_RETRY, pause * 2)

    def use(self, client: HopClient) -> None:
        """Register by this link from now on; its `HopUp` tells when that is done."""
        self._client = client

    async def _hold(self, client: HopClient) -> bool:
        """Wait until the link is lost; True when it was on TCP and is given up because UDP works."""
        for pause in chain(T_PATH_UPGRADES, repeat(T_PATH_UPGRADES[-1])):
            if not client.carrier.reliable_datagrams:
                break
            try:
                async with asyncio.timeout(pause):
                    await self._lost.wait()
                    return False
            except TimeoutError:
                if await self._dialler.by_udp(self.relay, T_PATH_ATTEMPT) and not self._lost.is_set():
                    client.close(CloseCode.NO_ERROR)
                    self._down(Refused(CloseCode.NO_ERROR), self._world.clock.monotonic())
                    return True
        await self._lost.wait()
        return False

    async def _wait(self, seconds: float) -> None:
        """Pause, unless something has changed that makes another attempt worth while."""
        self._again.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            return

    def leave(self) -> None:
        """Give the registration up; `keep` has been cancelled."""
        if self._client is not None:
            self._client.close(CloseCode.NO_ERROR)
        self.name = None
        self._down(Refused(CloseCode.NO_ERROR), self._world.clock.monotonic())

    def again(self) -> None:
        """Something has changed, be it this host's addresses or its owner: do not wait with the next attempt."""
        self._again.set()

    # time

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        client = self._client
        if client is None:
            return None
        due = [client.next_timeout()]
        if client.state is HopClientState.UP:
            carrier = client.carrier
            due.append(self._silence.next_timeout(carrier.heard_at, carrier.answered_at, carrier.rtt))
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        client = self._client
        if client is None:
            return
        client.handle_timer(now)
        self._take(client, now)
        if client.state is HopClientState.UP:
            carrier = client.carrier
            if self._silence.look(now, carrier.heard_at, carrier.answered_at, False, carrier.rtt) is not Verdict.FINE:
                carrier.ping(now)

    # events

    def _happened(self, client: HopClient) -> None:
        """Behind everything that a link receives. No timer depends on what became of a datagram."""
        if self._take(client, self._world.clock.monotonic()):
            self._after()

    def _take(self, client: HopClient, now: float) -> bool:
        """Apply what a link tells; whether there was anything but fates of datagrams."""
        more = False
        while (event := client.next_event()) is not None:
            more = more or not isinstance(event, MediaFates)
            self.apply(event, now)
        return more

    def apply(self, event: HopClientEvent, now: float) -> None:
        """Do what follows from an event of the link."""
        hop = self._hop
        if isinstance(event, HopUp):
            self._up(event.welcome, now)
        elif isinstance(event, HopLost):
            self._down(event.reason, now)
        elif hop is None:
            return
        elif isinstance(event, MediaFates):
            self._publisher.settled(hop.upload, event.fates, now)
        elif isinstance(event, HopSaid):
            self._message(hop, event.message, now)
        elif isinstance(event, ChannelOpened):
            self._subscribers.channel_opened(hop, event.handle, event.channel, event.stream, now)
        elif isinstance(event, ChannelReceived):
            self._subscribers.channel_received(
                hop, event.handle, event.channel, event.stream, event.data, event.end, now
            )
        elif isinstance(event, ChannelReset):
            self._subscribers.channel_reset(hop, event.handle, event.channel, event.stream, event.code, now)

    def tell_tracks(self) -> None:
        """There are more tracks than before."""
        if self._hop is not None:
            self._hop.publish(self._publisher.tracks)

    def _up(self, welcome: Welcome, now: float) -> None:
        """Registered: viewers can connect."""
        assert self._client is not None
        self._silence = Silence()
        self._yielding = 0.0
        self._hop = RelayHop(self._client)
        self._hop.publish(self._publisher.tracks)
        self._publisher.open(self._hop.upload)
        self.page = own_page(welcome.page, self.relay)
        if welcome.page and not self.page:
            self._doubt_page(welcome.page)
        try:
            host, port = parse_address(welcome.name)
            self.name = RelayAddress(host, port, self.relay.pin)
        except ValueError:
            self.name = self.relay
        if self._whereabouts.observed(self, welcome.observed):
            self._moved()
        self._dialler.locate(self.relay, self._client.carrier, welcome.nonce)
        self.tell_about()
        self._relay_key = welcome.identity
        if self._heads is not None:
            self._client.send(self._heads.known(welcome.identity))
        if self._comparing is not None:
            self._comparing.up(self._client, welcome.identity)
        self._changed()

    def tell_about(self) -> None:
        """Tell the relay what it may know of this host, as it is now."""
        about = self._about()
        if about is not None and self._client is not None and self._client.state is HopClientState.UP:
            self._client.send(about)

    def _doubt_page(self, page: str) -> None:
        """Say once why there is no address for a browser."""
        if page != self._doubted:
            self._doubted = page
            shown = for_terminal(page, 80)
            self._tell(
                f"relay {self.relay.host}:{self.relay.port} names a page that is not its own ({shown}): no address for "
                "a browser is shown, since it would hold the code. If that is the relay's page, give --relay by the "
                "name in it."
            )

    def _message(self, hop: RelayHop, message: HopMessage, now: float) -> None:
        """About sessions, the audience, and where we are."""
        if isinstance(message, Incoming):
            moves, near = bool(message.moves), bool(message.near)
            self._subscribers.incoming(hop, message.handle, message.session, message.source, moves, now, near)
        elif isinstance(message, Detach) and message.code in ENDED_AT_RELAY:
            self._subscribers.ended_there(hop, message.handle, CloseCode(message.code), now)
        elif isinstance(message, Detach):
            self._subscribers.left(hop, message.handle, now)
        elif isinstance(message, Recover):
            self._publisher.request_key(message.track)
        elif isinstance(message, Statements):
            self._heard(message.tokens[:MAX_STATEMENTS])
        elif isinstance(message, Head):
            if self._heads is not None:
                self._heads.hear(self._relay_key, message)
        elif isinstance(message, Logged):
            if self._comparing is not None:
                self._comparing.hear(hop.hop, message)
        elif isinstance(message, Readers):
            if self._pictures is not None:
                self._pictures.heard(hop.hop, message.readers)
        elif isinstance(message, Viewers):
            wanted = message.tracks if message.count else ()
            hop.upload.audience(wanted, message.rate, message.hold_ms / 1000, now, message.slow)
            self._publisher.changed()
        elif isinstance(message, Observed) and self._whereabouts.observed(self, message.address):
            self._moved()

    def _down(self, reason: Refused, now: float) -> None:
        """The relay is gone, or does not want us."""
        hop, self._hop = self._hop, None
        if hop is not None:
            self._subscribers.hop_lost(hop, now)
            if self._comparing is not None:
                self._comparing.down(hop.hop)
            if self._pictures is not None:
                self._pictures.down(hop.hop)
        self._whereabouts.forget(self)
        if reason.code is CloseCode.FORBIDDEN:
            self._failure, self._unwanted = not_taken(self.relay), True
        elif reason.code not in (CloseCode.REPLACED, CloseCode.TAKEN):
            self._failure = str(reason)
        elif not self._yielding:
            self._yielding = T_PATH_FIRST_YIELD
            self._tell(f"relay {self.relay.host}:{self.relay.port}: {DOUBLE}")
        self._lost.set()
