"""avl-relay: serve, status and config. What a command needs is loaded when it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from avl_commands.settings import loaded, settings_commands
from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.rate.limits import DEFAULT
from avl_protocol.wire.foreign import for_terminal
from avl_relay.audit.cli import app as audit_commands
from avl_relay.control.cli import app as people_commands
from avl_relay.settings.commands import CONFIGURED
from avl_relay.store.cli import app as database_commands

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from avl_protocol.endpoint.settings.load import Layer, Loaded
    from avl_relay.settings.model import Configuration
    from avl_relay.workers.worker import Worker

#: Plain help: laying it out with Rich takes longer than all the rest.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Let hosts and viewers meet, reading nothing.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(database_commands, name="db")
app.add_typer(people_commands, name="admin")
app.add_typer(audit_commands, name="audit")
app.add_typer(settings_commands(CONFIGURED), name="config")

FAILED, USAGE = 1, 2
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _tell(text: str) -> None:
    typer.echo(for_terminal(text, None))
    sys.stdout.flush()


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
    context: typer.Context,
    config: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE", help="Settings; default: avl-relay.toml in the state folder, or in /etc/avl. Flags win."
        ),
    ] = None,
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
    workers: Annotated[
        str, typer.Option(help="Processes that share the ports: a number, or 'auto' for as many as there are cores.")
    ] = "1",
    metrics: Annotated[
        Optional[str],
        typer.Option(
            metavar="HOST:PORT", help="TCP address of /metrics (Prometheus), /health and /ready; none by default."
        ),
    ] = None,
    metrics_for_others: Annotated[
        bool, typer.Option("--metrics-for-others", help="Let --metrics be an address that other machines reach.")
    ] = False,
    drain: Annotated[
        float, typer.Option(help="Seconds that sessions have after SIGTERM to go elsewhere.", min=0)
    ] = 10.0,
    elsewhere: Annotated[
        Optional[list[str]],
        typer.Option(metavar="HOST:PORT[?pin=FP]", help="A relay to send viewers to then; its hosts are there too."),
    ] = None,
    accounts: Annotated[
        bool, typer.Option("--accounts/--no-accounts", help="Know people and devices, and answer the API.")
    ] = True,
    require_account: Annotated[
        bool, typer.Option("--require-account", help="Take only enrolled hosts, and viewers of people who signed in.")
    ] = False,
    database: Annotated[
        Optional[str],
        typer.Option(metavar="FILE|URL", help="Where people are kept: default: a file in the state folder."),
    ] = None,
    second_factor: Annotated[
        str, typer.Option(metavar="ROLES", help="Who must have a second factor: owner, admin, member; or none.")
    ] = "owner,admin",
    audit_days: Annotated[
        int, typer.Option(help="Days that the audit log keeps entries; 0: for ever. Proofs survive.", min=0)
    ] = 0,
    audit_full: Annotated[
        str, typer.Option(metavar="WHAT", help="New sessions while the audit log can't be written: continue or refuse.")
    ] = "continue",
    alarm_action: Annotated[
        str, typer.Option(metavar="WHAT", help="About what is unusual: notify, ask to sign in anew, or end sessions.")
    ] = "notify",
    alarm_detector: Annotated[
        str, typer.Option(metavar="WHICH", help="What judges that: robust, or forest (the extra 'anomalies').")
    ] = "robust",
    log_format: Annotated[str, typer.Option(help="text or json.")] = "text",
    ready_file: Annotated[Optional[Path], typer.Option(help="Written once connectable.")] = None,
    qlog: Annotated[
        Optional[Path], typer.Option(metavar="DIR", help="Write a qlog file of each connection here.")
    ] = None,
) -> None:
    """Run a relay until interrupted; SIGTERM sends its sessions elsewhere first."""
    from functools import partial

    from avl_protocol.endpoint.loop.clock import SystemClock
    from avl_protocol.endpoint.loop.faults import told
    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.endpoint.loop.world import system_world
    from avl_protocol.endpoint.program.auditfiles import FOLDER
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_protocol.endpoint.program.terminal import Terminal
    from avl_protocol.quic.qlog import recording
    from avl_protocol.wire.target import parse_address, show_pin
    from avl_relay.audit.book import Book
    from avl_relay.control.lock import file_of, held
    from avl_relay.control.plane import ControlPlane
    from avl_relay.operators.health import health_of
    from avl_relay.operators.log import Format, configure_log
    from avl_relay.operators.service import Ending, ServiceSettings
    from avl_relay.operators.service import serve as run_service
    from avl_relay.operators.standing import own_version
    from avl_relay.relay import Relay
    from avl_relay.settings.live import LiveSettings
    from avl_relay.settings.sources import relay_settings
    from avl_relay.workers.lifeline import hold

    flags = _flags(context, limit or (), limits)
    read = partial(relay_settings, config, state, flags)
    first, terminal = LiveSettings(_loaded(config, state, flags), read), Terminal()
    chosen = first.settings
    settings = chosen.relay()
    processes = _processes(chosen.workers)
    configure_log(Format(chosen.log_format))
    if settings.tls_cert is None and settings.public not in LOOPBACK:
        _warn(
            "without --tls-cert and --tls-key the page is served over plain HTTP: browsers refuse to connect from it "
            "except on this machine. Native viewers are not affected."
        )
    clock = SystemClock()

    def started(at: str, pin: str, page: str) -> None:
        for line in (f"relay {at}", f"  pin   {pin}", f"  page  {page}"):
            _tell(line)
        _tell(f"  host  avl-host run --relay '{at}?pin={pin}'")
        then = "are refused" if chosen.audit_full == "refuse" else "go on"
        _tell(f"  audit {settings.state / FOLDER}; while it can't be written new sessions {then}")

    async def _run(place: tuple[Worker, socket.socket] | None) -> str:
        world, ending = system_world(), Ending()
        worker, lifeline = place or (None, None)
        number, of = (0, 1) if worker is None else (worker.number, worker.of)
        live = first if worker is None else first.of_worker(number)
        chosen = live.settings
        identity = StateFolder(chosen.folder).identity(world.entropy)
        audit = Book(world, chosen.audit(number), identity, software=f"avl {own_version()}")
        control = None
        if chosen.accounts:
            health = health_of(
                lambda: relay, folder=chosen.folder, number=number, of=of, monotonic=world.clock.monotonic
            )
            control = ControlPlane(world, chosen.control(number), tell=_tell, chosen=live, audit=audit, health=health)
        relay = Relay(world, chosen.relay(), worker=worker, control=control, audit=audit)
        metrics = None if chosen.metrics is None else parse_address(chosen.metrics)
        service = ServiceSettings(folder=chosen.folder, metrics=metrics, drain=chosen.drain, number=number, of=of)

        def changed(now: Configuration) -> None:
            relay.change(now.relay())
            if control is not None:
                control.change(now.control(number))

        def hung_up() -> None:
            if terminal.gone:
                ending.politely()
            elif live.read_anew():
                relay.renew_certificate()

        live.listen(changed)

        def reached() -> None:
            if lifeline is None:
                started(relay.quic, show_pin(relay.identity.pin), relay.page)
            else:
                hold(lifeline, {**relay.announced, "page": relay.page}, ending.asked)

        ending.heed_signals(hung_up)
        live.catch_up()
        return await run_service(
            relay, world.clock, service, started=reached, ending=ending, drain=lambda: live.settings.drain
        )

    def serving(place: tuple[Worker, socket.socket] | None) -> int:
        with recording(chosen.qlog, "relay", clock.wall(), clock.monotonic, _warn):
            text = run(_run(place))
        if text:
            _warn(text)
        return FAILED if text else 0

    def guarded(work: Callable[[], int]) -> int:
        """The exit status of a process that does nothing else."""
        try:
            return work()
        except (OSError, StateError, ValueError) as error:
            _warn(str(error))
        except Exception as error:
            _warn(f"an error in this program, please report it: {told(error)}")
        return FAILED

    def work(worker: Worker, lifeline: socket.socket) -> int:
        return guarded(lambda: serving((worker, lifeline)))

    def alone() -> int:
        """All of the relay, while no other uses its store."""
        StateFolder(settings.state)  # where the store's lock lies, too
        with held(file_of(chosen.control()) if chosen.accounts else None):
            if processes == 1:
                return serving(None)
            from avl_relay.workers.running import supervise

            return supervise(settings, processes, live=work, started=started, again=first.read_anew, warn=_warn)

    status = guarded(alone)
    if status:
        raise typer.Exit(status)


def _flags(context: typer.Context, limit: Sequence[str], limits: Path | None) -> list[Layer]:
    """What was given on the command line, the highest first. Raises typer.Exit."""
    from avl_protocol.endpoint.settings.load import from_flags
    from avl_relay.settings.model import Configuration
    from avl_relay.settings.sources import limit_layer

    sources = {name: context.get_parameter_source(name) for name in Configuration.model_fields if name != "limits"}
    given = {
        name: context.params[name]
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    }
    try:
        lines = [] if limits is None else limits.read_text("utf-8").splitlines()
        return [from_flags(given), limit_layer(limit, "--limit"), limit_layer(lines, f"--limits {limits}")]
    except (OSError, ValueError) as error:
        raise _fail(str(error), USAGE) from None


def _loaded(config: Path | None, state: Path | None, flags: Sequence[Layer]) -> Loaded[Configuration]:
    """The settings, with what is to be noted said on the way. Raises typer.Exit."""
    from avl_relay.settings.sources import relay_settings

    return loaded(lambda: relay_settings(config, state, flags), _warn)


def _processes(workers: str) -> int:
    """How many processes `--workers` asks for. Raises typer.Exit."""
    import os

    from avl_protocol.endpoint.udp.steering import MOST, unable

    if workers == "auto":
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 1 if unable() else min(count, MOST)
    if int(workers) > 1 and (why := unable()) is not None:
        raise _fail(f"--workers {workers}: {why}; run it with one", USAGE)
    return int(workers)


@app.command()
def status(
    state: Annotated[
        Optional[Path], typer.Option(help="Folder of the relay's identity, as 'serve' was given it.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="For how long rates are measured; 0: none are.", min=0, max=60)] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Say how the relay stands that runs with this state folder."""
    from threading import Event

    from avl_protocol.endpoint.program.localcontrol import ControlError, NobodyThere, ask
    from avl_relay.operators.console import SOCKET, STATUS
    from avl_relay.operators.status import table, with_rates

    folder = state or default_folder("relay")
    try:
        answer = ask(folder / SOCKET, STATUS, of_anybody=True)
        if seconds:
            Event().wait(seconds)
            answer = with_rates(answer, ask(folder / SOCKET, STATUS, of_anybody=True))
    except NobodyThere:
        raise _fail(f"no relay runs with the state folder {folder}; name that of yours with --state", FAILED) from None
    except ControlError as error:
        raise _fail(str(error), FAILED) from None
    typer.echo(json.dumps(answer) if as_json else table(answer))


def main() -> None:
    """The command."""
    app()
