"""avl-relay: serve."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.rate.limits import DEFAULT, for_address
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    import socket
    from asyncio import AbstractEventLoop, Event
    from collections.abc import Callable

    from avl_relay.config import RelaySettings
    from avl_relay.workers.worker import Worker

#: Plain help: laying it out with Rich takes longer than all the rest.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Let hosts and viewers meet, reading nothing.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

FAILED, USAGE = 1, 2
#: Addresses that mean "every address": no name for others.
EVERYWHERE = ("0.0.0.0", "::", "")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _warn(text: str) -> None:
    typer.echo(for_terminal(f"avl-relay: {text}", None), err=True)


def _fail(text: str, status: int) -> typer.Exit:
    _warn(text)
    return typer.Exit(status)


@app.callback()
def group() -> None:
    """Let hosts and viewers meet, reading nothing."""


@app.command()
def serve(
    state: Annotated[Optional[Path], typer.Option(help="Folder of the relay's identity.")] = None,
    listen: Annotated[
        str, typer.Option(help="UDP address for everything; TCP for whom UDP is blocked.")
    ] = "127.0.0.1:4433",
    http: Annotated[str, typer.Option(help="TCP address of the page.")] = "127.0.0.1:8080",
    public: Annotated[
        Optional[str], typer.Option(help="What others call this relay; default: the listen host.")
    ] = None,
    tls_cert: Annotated[Optional[Path], typer.Option(help="PEM certificate chain, publicly trusted.")] = None,
    tls_key: Annotated[Optional[Path], typer.Option(help="Its PEM key.")] = None,
    per_address: Annotated[
        int, typer.Option(help="Connections that one address may have: hosts and viewers behind one NAT.", min=1)
    ] = DEFAULT.connections.source,
    workers: Annotated[
        str, typer.Option(help="Processes that share the ports: a number, or 'auto' for as many as there are cores.")
    ] = "1",
    ready_file: Annotated[Optional[Path], typer.Option(help="Written once connectable.")] = None,
    qlog: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="Write a qlog file of each connection here.")
    ] = None,
) -> None:
    """Run a relay until interrupted."""
    from avl_protocol.endpoint.loop.clock import SystemClock
    from avl_protocol.endpoint.loop.faults import told
    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.endpoint.program.state import StateError
    from avl_protocol.quic.qlog import recording
    from avl_protocol.wire.target import parse_address
    from avl_relay.config import RelaySettings
    from avl_relay.relay import configure_log

    try:
        quic, page = parse_address(listen), parse_address(http)
    except ValueError as error:
        raise _fail(str(error), USAGE) from None
    if public is None and quic[0] in EVERYWHERE:
        raise _fail(f"--listen {listen} has no name that others could use: add --public NAME-OR-ADDRESS", USAGE)
    if (tls_cert is None) != (tls_key is None):
        raise _fail("--tls-cert and --tls-key belong together", USAGE)
    processes = _processes(workers)
    settings = RelaySettings(
        state=state or default_folder("relay"),
        listen=quic,
        http=page,
        public=public or quic[0],
        tls_cert=tls_cert,
        tls_key=tls_key,
        ready_file=ready_file,
        limits=for_address(per_address),
    )
    configure_log()
    if tls_cert is None and settings.public not in LOOPBACK:
        _warn(
            "without --tls-cert and --tls-key the page is served over plain HTTP: browsers refuse to connect from it "
            "except on this machine. Native viewers are not affected."
        )
    clock = SystemClock()

    def life(worker: Worker | None, lifeline: socket.socket | None) -> str:
        """All of a process that serves; what went wrong, if anything."""
        try:
            with recording(qlog, "relay", clock.wall(), clock.monotonic, _warn):
                return run(_serve(settings, worker, lifeline))
        except (OSError, StateError, ValueError) as error:
            return str(error)
        except Exception as error:
            return f"an error in this program, please report it: {told(error)}"

    text = life(None, None) if processes == 1 else _supervise(settings, processes, life)
    if text:
        raise _fail(text, FAILED)


def _processes(text: str) -> int:
    """How many processes `--workers` asks for. Raises typer.Exit."""
    import os

    from avl_protocol.endpoint.udp.steering import MOST, unable

    if text == "auto":
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 1 if unable() else min(count, MOST)
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise _fail(f"--workers {text}: a number from 1 to {MOST}, or auto", USAGE)
    if int(text) > 1 and (why := unable()) is not None:
        raise _fail(f"--workers {text}: {why}; run it with one", USAGE)
    return int(text)


def _supervise(
    settings: RelaySettings, processes: int, life: Callable[[Worker | None, socket.socket | None], str]
) -> str:
    """Run so many workers until SIGTERM or SIGINT; what went wrong, if they have not said it themselves."""
    import tempfile

    from avl_protocol.endpoint.loop.clock import SystemClock, entropy
    from avl_protocol.endpoint.program.state import StateError, StateFolder, write_ready
    from avl_relay.relay import reset_key
    from avl_relay.workers.ports import bind
    from avl_relay.workers.supervisor import Supervisor
    from avl_relay.workers.worker import SECRET_BYTES, Worker

    def run(worker: Worker, lifeline: socket.socket) -> int:
        text = life(worker, lifeline)
        if text:
            _warn(text)
        return FAILED if text else 0

    def ready(told: dict[str, Any]) -> None:
        write_ready(settings.ready_file, {name: told[name] for name in ("quic", "http", "pin")})
        _show_ready(told["quic"], told["pin"], told["page"])

    clock = SystemClock()
    try:
        state = StateFolder(settings.state)  # what all of them read is made before there are several
        state.identity(entropy)
        reset_key(state, entropy)
        secret, begun = entropy(SECRET_BYTES), clock.wall()
        with tempfile.TemporaryDirectory(prefix="avl-relay-") as folder:
            ports = bind(settings.listen, settings.http, processes, _warn)
            workers = [
                Worker(
                    number=number,
                    of=processes,
                    secret=secret,
                    begun=begun,
                    folder=Path(folder),
                    udp=udp,
                    twin=twin,
                    page=page,
                )
                for number, (udp, twin, page) in enumerate(ports)
            ]
            status = Supervisor(workers, run=run, ready=ready, tell=_warn, now=clock.monotonic).serve()
    except (OSError, StateError) as error:
        return str(error)
    if status:
        raise typer.Exit(status)
    return ""


def _show_ready(quic: str, pin: str, page: str) -> None:
    for line in (
        f"relay {quic}",
        f"  pin   {pin}",
        f"  page  {page}",
        f"  host  avl-host run --relay '{quic}?pin={pin}'",
    ):
        typer.echo(for_terminal(line, None))
    sys.stdout.flush()


async def _serve(settings: RelaySettings, worker: Worker | None, lifeline: socket.socket | None) -> str:
    """Run until SIGTERM or SIGINT, or until the supervisor's end of the lifeline is closed; what went wrong, if
    anything."""
    import asyncio
    import json

    from avl_protocol.endpoint.loop.world import system_world
    from avl_relay.relay import Relay

    relay = Relay(system_world(), settings, worker=worker)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if lifeline is None:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    else:
        loop.add_reader(lifeline, _let_go, loop, lifeline, stop)
    await relay.start()
    told = relay.ready
    if lifeline is None:
        _show_ready(told["quic"], told["pin"], relay.page)
    else:
        lifeline.sendall(json.dumps({**told, "page": relay.page}).encode() + b"\n")
    assert relay.failed is not None
    relay.failed.add_done_callback(lambda _: stop.set())
    await stop.wait()
    await relay.close()
    return relay.failed.result() if relay.failed.done() else ""


def _let_go(loop: AbstractEventLoop, lifeline: socket.socket, stop: Event) -> None:
    """The supervisor says nothing: what can be read is its end."""
    loop.remove_reader(lifeline)
    stop.set()


def main() -> None:
    """The command."""
    app()
