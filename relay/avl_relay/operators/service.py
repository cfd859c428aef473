"""Service: a relay from its start to its end, with all that operators see of it.

SIGTERM drains (spec 04-session, 4.3): newcomers are refused, sessions are sent elsewhere, and the relay ends when they
have left or their time is over; a second one ends it at once, as SIGINT does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.target import join, show_pin
from avl_relay.config import RelaySettings
from avl_relay.operators.notify import READY, STOPPING, notify
from avl_relay.operators.status import Status, socket_of
from avl_relay.relay import Relay
from avl_relay.workers.worker import Worker


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


async def serve(
    world: World,
    settings: RelaySettings,
    service: ServiceSettings,
    tell: Callable[[str], None],
    place: tuple[Worker, socket.socket] | None = None,
) -> str:
    """Run a relay until a signal ends it; what went wrong, if anything. `tell` is for a person. `place`: as which
    worker of several, and its lifeline (workers/supervisor.py), whose end ends it in order as well. Raises OSError,
    StateError, ValueError."""
    ending, loop = Ending(), asyncio.get_running_loop()
    worker, lifeline = place or (None, None)
    relay = Relay(world, settings, worker=worker)
    loop.add_signal_handler(signal.SIGTERM, ending.politely)
    loop.add_signal_handler(signal.SIGINT, ending.at_once)
    await relay.start()
    async with contextlib.AsyncExitStack() as parts:
        parts.push_async_callback(relay.close)
        number = 0 if worker is None else worker.number
        if service.metrics is not None:
            await _listen(relay, of_worker(service.metrics, number), parts)
        status = Status(relay, world.clock, relay.quic, 1 if worker is None else worker.of)
        _answer(status, settings.state / socket_of(number), parts)
        if lifeline is None:
            tell_where(relay.quic, show_pin(relay.identity.pin), relay.page, tell)
            notify(READY, f"STATUS=at {relay.quic}")
        else:
            _hold(lifeline, relay, ending)
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


def of_worker(address: tuple[str, int], number: int) -> tuple[str, int]:
    """Where a worker has its private listener: each at a port of its own, behind that of the first."""
    return address[0], address[1] + number if address[1] else 0


def _hold(lifeline: socket.socket, relay: Relay, ending: Ending) -> None:
    """Say on a lifeline that the relay can be reached, and end in order when the other side is closed."""
    loop = asyncio.get_running_loop()

    def closed() -> None:
        loop.remove_reader(lifeline)
        ending.asked.set()

    lifeline.sendall(json.dumps({**relay.announced, "page": relay.page}).encode() + b"\n")
    loop.add_reader(lifeline, closed)


def _answer(status: Status, path: Path, parts: contextlib.AsyncExitStack) -> None:
    """Answer `avl-relay status`; a relay that can't does all else."""
    server = LocalServer(path, status.answer)
    try:
        server.listen()
    except StateError as error:
        structlog.get_logger("relay").warning("no status", why=str(error))
        return
    parts.push_async_callback(server.close)


def tell_where(quic: str, pin: str, page: str, tell: Callable[[str], None]) -> None:
    """Tell a person where a relay is."""
    for line in (f"relay {quic}", f"  pin   {pin}", f"  page  {page}"):
        tell(line)
    tell(f"  host  avl-host run --relay '{quic}?pin={pin}'")
