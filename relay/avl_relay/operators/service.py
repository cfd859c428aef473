"""Service: a relay from its start to its end, with all that operators see of it.

SIGTERM drains (spec 04-session, 4.3): newcomers are refused, sessions are sent elsewhere, and the relay ends when they
have left or their time is over; a second one ends it at once, as SIGINT does.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.target import join, show_pin
from avl_relay.config import RelaySettings
from avl_relay.operators.notify import READY, STOPPING, notify
from avl_relay.operators.status import SOCKET, Status
from avl_relay.relay import Relay


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How a relay runs as a service."""

    #: Where /metrics, /health and /ready are; None: nowhere. Whoever asks is told, so that this is off by default.
    metrics: tuple[str, int] | None = None
    #: Seconds that sessions have to go elsewhere. A move takes round trips and a key object; ten seconds are enough for
    #: a slow path and short enough for who waits for the restart.
    drain: float = 10.0


class Ending:
    """What signals ask for. `asked`: that the program ends; `now`: that it ends without waiting for anybody."""

    def __init__(self) -> None:
        self.asked, self.now = asyncio.Event(), asyncio.Event()

    def politely(self) -> None:
        """Asked to end; asked again, it ends at once."""
        if self.asked.is_set():
            self.now.set()
        self.asked.set()

    def at_once(self) -> None:
        """Asked to end at once."""
        self.asked.set()
        self.now.set()


async def serve(world: World, settings: RelaySettings, service: ServiceSettings, tell: Callable[[str], None]) -> str:
    """Run a relay until a signal ends it; what went wrong, if anything. `tell` is for a person. Raises OSError,
    StateError, ValueError."""
    ending, loop = Ending(), asyncio.get_running_loop()
    relay = Relay(world, settings)
    loop.add_signal_handler(signal.SIGTERM, ending.politely)
    loop.add_signal_handler(signal.SIGINT, ending.at_once)
    await relay.start()
    async with contextlib.AsyncExitStack() as parts:
        parts.push_async_callback(relay.close)
        if service.metrics is not None:
            await _listen(relay, service.metrics, parts)
        _answer(relay, world, settings, parts)
        _tell_where(relay, tell)
        notify(READY, f"STATUS=at {relay.quic}")
        failed = relay.failed
        assert failed is not None
        failed.add_done_callback(lambda _: ending.at_once())
        await ending.asked.wait()
        notify(STOPPING, "STATUS=draining")
        await _drain(relay, service.drain, ending)
        return failed.result() if failed.done() else ""


async def _drain(relay: Relay, seconds: float, ending: Ending) -> None:
    loop = asyncio.get_running_loop()
    draining, cut = loop.create_task(relay.drain(seconds)), loop.create_task(ending.now.wait())
    if ending.now.is_set():
        draining.cancel()
    await asyncio.wait({draining, cut}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, cut):
        task.cancel()
    for outcome in await asyncio.gather(draining, cut, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _listen(relay: Relay, address: tuple[str, int], parts: contextlib.AsyncExitStack) -> None:
    """Open the private listener. What it needs is loaded by who wants it."""
    from avl_relay.operators.listener import Listener, build, names_of
    from avl_relay.operators.metrics import exposition

    listener = Listener(build(relay, exposition(relay), names_of(address[0])), address)
    parts.push_async_callback(listener.close)
    await listener.start()
    structlog.get_logger("relay").info("metrics", at=join(*listener.address))


def _answer(relay: Relay, world: World, settings: RelaySettings, parts: contextlib.AsyncExitStack) -> None:
    """Answer `avl-relay status`; a relay that can't does all else."""
    status = Status(relay, world.clock, relay.quic)
    server = LocalServer(settings.state / SOCKET, status.answer)
    try:
        server.listen()
    except StateError as error:
        structlog.get_logger("relay").warning("no status", why=str(error))
        return
    parts.push_async_callback(server.close)


def _tell_where(relay: Relay, tell: Callable[[str], None]) -> None:
    pin = show_pin(relay.identity.pin)
    for line in (f"relay {relay.quic}", f"  pin   {pin}", f"  page  {relay.page}"):
        tell(line)
    tell(f"  host  avl-host run --relay '{relay.quic}?pin={pin}'")
