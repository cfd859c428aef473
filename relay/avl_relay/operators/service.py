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
from pathlib import Path

import structlog

from avl_protocol.endpoint.loop.clock import Clock
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_protocol.endpoint.program.state import StateError
from avl_protocol.wire.target import join
from avl_relay.operators.console import SOCKET, Console, look_at, socket_of
from avl_relay.operators.notify import READY, STOPPING, notify
from avl_relay.operators.standing import Look
from avl_relay.relay import Relay


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How a relay runs as a service."""

    #: The relay's state folder, where it answers on this machine.
    folder: Path
    #: Where /metrics, /health and /ready are; None: nowhere. Whoever asks is told, so that this is off by default.
    metrics: tuple[str, int] | None = None
    #: Seconds that sessions have to go elsewhere. A move takes round trips and a key object; ten seconds are enough for
    #: a slow path and short enough for who waits for the restart.
    drain: float = 10.0
    #: Which of how many processes of the relay this is; the first answers for all.
    number: int = 0
    of: int = 1


class Ending:
    """What is asked for from outside. `asked`: that the program ends; `now`: without waiting for anybody."""

    def __init__(self) -> None:
        self.asked, self.now = asyncio.Event(), asyncio.Event()

    def heed_signals(self, hung_up: Callable[[], None] | None = None) -> None:
        """SIGTERM drains, SIGINT does not; SIGHUP is `hung_up`, where that is given."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.politely)
        loop.add_signal_handler(signal.SIGINT, self.at_once)
        if hung_up is not None:
            loop.add_signal_handler(signal.SIGHUP, hung_up)

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
    relay: Relay,
    clock: Clock,
    service: ServiceSettings,
    *,
    started: Callable[[], None],
    ending: Ending,
    drain: Callable[[], float] | None = None,
) -> str:
    """Run a relay until it is asked to end; what went wrong, if anything. `started` is called once it can be reached;
    `drain` says how long it drains when that begins, where that is not what the settings say. Raises OSError,
    StateError, ValueError."""
    await relay.start()
    async with contextlib.AsyncExitStack() as parts:
        parts.push_async_callback(relay.close)
        await _open(relay, clock, service, parts)
        started()
        notify(READY, f"STATUS=at {relay.quic}")
        failed = relay.failed
        assert failed is not None
        failed.add_done_callback(lambda _: ending.at_once())
        await ending.asked.wait()
        notify(STOPPING, "STATUS=draining")
        await _drain(relay, service.drain if drain is None else drain(), ending)
        return failed.result() if failed.done() else ""


async def _open(relay: Relay, clock: Clock, service: ServiceSettings, parts: contextlib.AsyncExitStack) -> None:
    """Let operators look at it: at this process, and, if it is the first of several, at all of them."""
    if service.of > 1:
        own = Console(look_at(relay), clock, relay.quic)
        _answer(service.folder / socket_of(service.number), own, parts)
    if service.number:
        return
    look = look_at(relay, [service.folder / socket_of(number) for number in range(1, service.of)])
    if service.metrics is not None:
        await _listen(look, service.metrics, parts)
    _answer(service.folder / SOCKET, Console(look, clock, relay.quic, relay.of_operators), parts)


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


async def _listen(look: Look, address: tuple[str, int], parts: contextlib.AsyncExitStack) -> None:
    """Open the private listener. What it needs is loaded by who wants it."""
    from avl_relay.operators.listener import Listener, build, names_of
    from avl_relay.operators.metrics import exposition

    listener = Listener(build(look, exposition, names_of(address[0])), address)
    parts.push_async_callback(listener.close)
    await listener.start()
    structlog.get_logger("relay").info("metrics", at=join(*listener.address))


def _answer(path: Path, console: Console, parts: contextlib.AsyncExitStack) -> None:
    """Answer on this machine; a relay that can't does all else."""
    server = LocalServer(path, console.answer)
    try:
        server.listen()
    except StateError as error:
        structlog.get_logger("relay").warning("no status", why=str(error))
        return
    parts.push_async_callback(server.close)
