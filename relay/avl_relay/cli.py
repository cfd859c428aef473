"""avl-relay: serve."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.rate.limits import DEFAULT, for_address
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_relay.config import RelaySettings

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
    limit: Annotated[
        Optional[list[str]], typer.Option(metavar="NAME=VALUE", help="Set a limit; may be repeated (README).")
    ] = None,
    limits: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Limits, one NAME=VALUE a line.")] = None,
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
    from avl_relay.chosen import chosen
    from avl_relay.config import RelaySettings
    from avl_relay.relay import configure_log

    try:
        quic, page = parse_address(listen), parse_address(http)
        lines = [] if limits is None else limits.read_text("utf-8").splitlines()
        allowed = chosen(for_address(per_address), [*lines, *(limit or ())])
    except (OSError, ValueError) as error:
        raise _fail(str(error), USAGE) from None
    if public is None and quic[0] in EVERYWHERE:
        raise _fail(f"--listen {listen} has no name that others could use: add --public NAME-OR-ADDRESS", USAGE)
    if (tls_cert is None) != (tls_key is None):
        raise _fail("--tls-cert and --tls-key belong together", USAGE)
    settings = RelaySettings(
        state=state or default_folder("relay"),
        listen=quic,
        http=page,
        public=public or quic[0],
        tls_cert=tls_cert,
        tls_key=tls_key,
        ready_file=ready_file,
        limits=allowed,
    )
    configure_log()
    if tls_cert is None and settings.public not in LOOPBACK:
        _warn(
            "without --tls-cert and --tls-key the page is served over plain HTTP: browsers refuse to connect from it "
            "except on this machine. Native viewers are not affected."
        )
    clock = SystemClock()
    try:
        with recording(qlog, "relay", clock.wall(), clock.monotonic, _warn):
            text = run(_serve(settings))
    except (OSError, StateError, ValueError) as error:
        raise _fail(str(error), FAILED) from None
    except Exception as error:
        raise _fail(f"an error in this program, please report it: {told(error)}", FAILED) from None
    if text:
        raise _fail(text, FAILED)


async def _serve(settings: RelaySettings) -> str:
    """Run until SIGTERM or SIGINT; what went wrong, if anything."""
    import asyncio

    from avl_protocol.endpoint.loop.world import system_world
    from avl_protocol.wire.target import show_pin
    from avl_relay.relay import Relay

    relay = Relay(system_world(), settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await relay.start()
    pin = show_pin(relay.identity.pin)
    ready = (f"relay {relay.quic}", f"  pin   {pin}", f"  page  {relay.page}")
    for line in (*ready, f"  host  avl-host run --relay '{relay.quic}?pin={pin}'"):
        typer.echo(for_terminal(line, None))
    sys.stdout.flush()
    assert relay.failed is not None
    relay.failed.add_done_callback(lambda _: stop.set())
    await stop.wait()
    await relay.close()
    return relay.failed.result() if relay.failed.done() else ""


def main() -> None:
    """The command."""
    app()
