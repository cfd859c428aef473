"""avl-host: run, sessions, control, identity, config and doctor. What a command needs is loaded when it runs."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from avl_commands.settings import loaded, settings_commands
from avl_host.audit.cli import app as audit_commands
from avl_host.sessions.sessionlist import SOCKET, control_table, table
from avl_host.settings.commands import CONFIGURED
from avl_protocol.endpoint.program.folders import default_folder
from avl_protocol.endpoint.program.localcontrol import ControlError, NobodyThere, ask
from avl_protocol.wire.foreign import for_terminal

if TYPE_CHECKING:
    from avl_host.config import HostSettings
    from avl_host.enrol import Asked
    from avl_host.machine import Extras
    from avl_host.settings.model import Configuration
    from avl_protocol.endpoint.settings.load import Layer, Loaded
    from avl_protocol.endpoint.settings.reload import Current

#: Plain help: laying it out with Rich takes longer than all the rest.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Share this machine's desktop.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
sessions = typer.Typer(add_completion=False, help="Who is here; 'sessions end' sends viewers away.")
app.add_typer(sessions, name="sessions")
control = typer.Typer(add_completion=False, help="Who of the viewers may act, and who has control.")
app.add_typer(control, name="control")
identity = typer.Typer(add_completion=False, no_args_is_help=True, help="Which device this host is.")
app.add_typer(identity, name="identity")
app.add_typer(audit_commands, name="audit")
app.add_typer(settings_commands(CONFIGURED), name="config")


@identity.callback()
def _identity() -> None:
    """Which device this host is."""


#: Exit codes (spec 01-overview, 1.6).
FAILED, USAGE = 1, 2
#: Seconds that the capture thread may keep the interpreter while a frame or a key waits for the loop.
SWITCH_INTERVAL = 0.0005


def _tell(text: str) -> None:
    typer.echo(for_terminal(text, None))
    sys.stdout.flush()


def _warn(text: str) -> None:
    typer.echo(for_terminal(f"avl-host: {text}", None), err=True)


def _fail(text: str, status: int) -> typer.Exit:
    _warn(text)
    return typer.Exit(status)


@app.command()
def run(
    context: typer.Context,
    config: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE", help="Settings; default: avl-host.toml in the state folder, or in /etc/avl. Flags win."
        ),
    ] = None,
    relay: Annotated[
        Optional[list[str]], typer.Option(help="A relay: HOST:PORT[?pin=FP]; may be repeated, the best two are used.")
    ] = None,
    pin: Annotated[Optional[str], typer.Option(help="The relay's pin, if there is one and --relay lacks it.")] = None,
    listen: Annotated[
        Optional[str], typer.Option(help="HOST:PORT of this machine: viewers may come here without a relay.")
    ] = None,
    announce: Annotated[
        bool, typer.Option("--announce", help="Let 'avl devices --lan' find this host on the local network.")
    ] = False,
    map_port: Annotated[
        bool, typer.Option("--map-port", help="Ask the router to open a port (PCP, NAT-PMP, UPnP).")
    ] = False,
    direct: Annotated[
        bool, typer.Option(help="Look for direct ways, which tells viewers this machine's addresses.")
    ] = True,
    resume: Annotated[float, typer.Option(help="Minutes that a lost session is kept; 0: not at all.", min=0)] = 10,
    lock_after: Annotated[
        Optional[float], typer.Option(help="Lock the screen so many seconds after the last viewer was lost.", min=0)
    ] = None,
    lock_command: Annotated[Optional[str], typer.Option(help="What locks the screen, if not what is usual.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder of this host's identity.")] = None,
    display: Annotated[str | None, typer.Option(help="X display to share, for example :0.")] = None,
    source: Annotated[str | None, typer.Option(help="'pattern': a test card instead of a display.")] = None,
    code: Annotated[str | None, typer.Option(envvar="AVL_CODE", help="Code to enter; default: a random one.")] = None,
    code_once: Annotated[bool, typer.Option("--code-once", help="The code is good for one use.")] = False,
    view_code: Annotated[
        str | None, typer.Option(envvar="AVL_VIEW_CODE", help="A second code that admits to viewing only.")
    ] = None,
    view_annotate: Annotated[
        bool, typer.Option("--view-annotate", help="Who comes with the view code may draw over the picture.")
    ] = False,
    control: Annotated[
        str, typer.Option(help="shared: all who may act do; one: one viewer at a time, and the others ask for control.")
    ] = "shared",
    consent: Annotated[str, typer.Option(help="none: the code is the consent; ask: a person here decides.")] = "none",
    indicator: Annotated[
        bool, typer.Option(help="Show on the screen who sees it, with a button that ends it (Ctrl+Alt+Shift+Escape).")
    ] = True,
    blank: Annotated[
        bool,
        typer.Option(
            "--blank", help="Darken the screen and lock its keys during sessions that nobody in front of it allowed."
        ),
    ] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Tell the desktop's notification service who comes and goes.")
    ] = False,
    notify_url: Annotated[
        Optional[str], typer.Option(metavar="URL", help="Post there, as JSON, who comes and goes.")
    ] = None,
    notify_mail: Annotated[
        Optional[str],
        typer.Option(
            metavar="URL",
            help="Write to you who comes and goes: smtps://NAME:PASSWORD@SERVER?to=ADDRESS, best in the configuration.",
        ),
    ] = None,
    forbid: Annotated[
        Optional[list[str]],
        typer.Option(help="What nobody may here, however they came: keyboard, pointer, clipboard_out, ..; repeat it."),
    ] = None,
    clipboard_out: Annotated[
        Optional[list[str]],
        typer.Option(
            help="What viewers may fetch of what is copied: text, html, rtf, image, files or none; repeat it."
        ),
    ] = None,
    clipboard_in: Annotated[
        Optional[list[str]], typer.Option(help="What viewers may copy to here, likewise; default: all of it.")
    ] = None,
    clipboard_max: Annotated[
        float, typer.Option(help="Most of a copied picture or document that crosses, in MiB.", min=0)
    ] = 32.0,
    sound: Annotated[bool, typer.Option(help="Share what plays here, while somebody listens.")] = True,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Take viewers' microphones, into a virtual one here.")
    ] = False,
    primary: Annotated[
        bool, typer.Option("--primary", help="What is marked here counts as copied; the middle button pastes.")
    ] = False,
    files: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="PATH:HOW",
            help="A folder that viewers may read (:r), write (:w) or both (:rw), with :SIZE for the most of one "
            "transfer; repeat it; none: no folder; default: ~/Downloads:w.",
        ),
    ] = None,
    codec: Annotated[
        str, typer.Option(help="auto, h264, h265, vp9 or av1; h264 (which is auto) while a viewer does not decode it.")
    ] = "auto",
    hardware: Annotated[bool, typer.Option(help="Let graphics hardware code where it works.")] = True,
    max_bitrate: Annotated[float, typer.Option(help="Most that the desktop may use, in Mbit/s.", min=0.2)] = 40.0,
    last_picture: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            help="Leave a small picture of the desktop at the relay so often, sealed to those who may look; 0: none.",
            min=0,
        ),
    ] = 0.0,
    ready_file: Annotated[Path | None, typer.Option(help="Written once viewers can connect.")] = None,
    qlog: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a qlog file of each connection here.")] = None,
) -> None:
    """Share a desktop until interrupted."""
    from functools import partial

    from avl_host.capture.source import SourceLost
    from avl_host.input.sink import SinkLost
    from avl_host.machine import Extras
    from avl_host.presence.spoken import language_of, speak
    from avl_host.settings.sources import host_settings
    from avl_protocol.endpoint.loop.clock import SystemClock
    from avl_protocol.endpoint.loop.faults import told
    from avl_protocol.endpoint.loop.runtime import run as run_loop
    from avl_protocol.endpoint.program.state import StateError
    from avl_protocol.endpoint.settings.reload import Current
    from avl_protocol.quic.qlog import recording

    flags = _flags(context)
    current = Current(_loaded(config, state, flags), partial(host_settings, config, state, flags))
    chosen = current.settings
    name = chosen.source or chosen.display or os.environ.get("DISPLAY", "")
    if not name:
        raise _fail(
            "there is no display: set DISPLAY or give --display :N, or share a test card with --source pattern", USAGE
        )
    for given in (chosen.code, chosen.view_code):
        if given is not None:
            _look_how_long(given.get_secret_value())
    if not chosen.relay and chosen.listen is None:
        raise _fail("viewers have no way here: give --relay HOST:PORT, or --listen HOST:PORT, or both", USAGE)
    try:
        settings = chosen.host(name)
    except ValueError as error:
        raise _fail(str(error), USAGE) from None
    if settings.blank and ":" not in name:
        raise _fail("--blank darkens an X display, and there is none here: share one with --display :N", USAGE)
    extras = Extras(
        chosen.announce, chosen.map_port, chosen.lock_command, chosen.notify, chosen.notify_url, chosen.mail
    )
    speak(language_of(os.environ))
    clock = SystemClock()
    try:
        with recording(chosen.qlog, "host", clock.wall(), clock.monotonic, _warn):
            text = run_loop(_share(settings, extras, current))
    except (SourceLost, SinkLost, StateError, OSError, ValueError) as error:
        raise _fail(str(error), FAILED) from None
    except Exception as error:
        raise _fail(f"an error in this program, please report it: {told(error)}", FAILED) from None
    if text:
        raise _fail(text, FAILED)


def _flags(context: typer.Context) -> list[Layer]:
    """What was given on the command line."""
    from avl_host.settings.model import Configuration
    from avl_protocol.endpoint.settings.load import from_flags

    sources = {name: context.get_parameter_source(name) for name in Configuration.model_fields}
    given = (name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")
    return [from_flags({name: context.params[name] for name in given})]


def _loaded(config: Path | None, state: Path | None, flags: list[Layer]) -> Loaded[Configuration]:
    """The settings, with what is to be noted said on the way. Raises typer.Exit."""
    from avl_host.settings.sources import host_settings

    return loaded(lambda: host_settings(config, state, flags), _warn)


def _look_how_long(code: str) -> None:
    """Warn of a code that can be guessed."""
    from avl_protocol.crypto.attempts import GOOD_LENGTH, yearly_odds
    from avl_protocol.wire.device_id import normalise_code

    length = len(normalise_code(code))
    if length < GOOD_LENGTH:
        _warn(
            f"a code of {length} characters is short: who tries for a year finds it with "
            f"1 chance in {round(1 / yearly_odds(length))}, and sooner if it is a word. Take {GOOD_LENGTH} or more"
        )


async def _share(settings: HostSettings, extras: Extras, current: Current[Configuration]) -> str:
    """Run the agent until SIGTERM, SIGINT or the display's end; what went wrong, if anything. SIGHUP reads settings
    anew."""
    import asyncio

    from avl_host.agent import Agent
    from avl_host.machine import open_parts
    from avl_protocol.endpoint.loop.world import system_world
    from avl_protocol.endpoint.program.terminal import Terminal

    terminal = Terminal()
    sys.setswitchinterval(SWITCH_INTERVAL)
    world = system_world()
    world.priority.first()
    loop = asyncio.get_running_loop()
    agent = Agent(world, settings, open_parts(settings, world, extras, _tell), _tell)
    task = loop.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)

    def hung_up() -> None:
        if terminal.gone:
            task.cancel()
        elif _read_anew(current):
            agent.change(current.settings.host(settings.source))

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    try:
        return await task
    except asyncio.CancelledError:
        return ""


def _read_anew(current: Current[Configuration]) -> bool:
    """Read the settings anew, and say what came of it; whether any are others now."""
    from avl_protocol.endpoint.settings.faults import BadSettings

    try:
        change = current.reload()
    except BadSettings as error:
        for fault in error.faults:
            _warn(f"settings stay as they are: {fault}")
        return False
    _warn(f"settings read anew: {', '.join(change.live) or 'none'} changed")
    if change.later:
        _warn(f"settings need a restart: {', '.join(change.later)}")
    return bool(change.live)


StateOption = Annotated[Optional[Path], typer.Option(help="Folder of the host's identity, as 'run' was given it.")]


def _ask(state: Path | None, request: dict[str, Any]) -> dict[str, Any]:
    """The running host's answer."""
    folder = state or default_folder("host")
    try:
        return ask(folder / SOCKET, request)
    except NobodyThere:
        raise _fail(f"no host runs with the state folder {folder}; name that of yours with --state", FAILED) from None
    except ControlError as error:
        raise _fail(str(error), FAILED) from None


@sessions.callback(invoke_without_command=True)
def list_sessions(
    context: typer.Context,
    state: StateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """The sessions: number, device, permissions, duration, path, who it is by the chain that was verified, and the name
    that the viewer gave itself."""
    if context.invoked_subcommand is not None:
        context.obj = state
        return
    answer = _ask(state, {"ask": "sessions"})
    typer.echo(json.dumps(answer) if as_json else table(answer["sessions"]))


@sessions.command("end")
def end_sessions(
    context: typer.Context,
    numbers: Annotated[
        Optional[list[int]], typer.Argument(help="Sessions, as 'avl-host sessions' numbers them.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="End every session.")] = False,
    state: StateOption = None,
) -> None:
    """End sessions. A viewer that was sent away needs a code to come back; keys and tickets it has are void."""
    if bool(numbers) == everybody:
        raise _fail("name sessions by their numbers, or give --all", USAGE)
    answer = _ask(state or context.obj, {"ask": "end", "sessions": "all" if everybody else numbers})
    ended = answer["ended"]
    typer.echo(for_terminal(f"ended: {', '.join(map(str, ended))}" if ended else "nobody is here"))


def _control(state: Path | None, **change: object) -> None:
    """Change who has control, and show it."""
    typer.echo(for_terminal(control_table(_ask(state, {"ask": "control", **change})), None, lines=True))


@control.callback(invoke_without_command=True)
def show_control(
    context: typer.Context,
    state: StateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Who may act or draw, who has control and who asks for it."""
    if context.invoked_subcommand is not None:
        context.obj = state
    elif as_json:
        typer.echo(json.dumps(_ask(state, {"ask": "control"})))
    else:
        _control(state)


@control.command("give")
def give_control(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="A session, as 'avl-host sessions' numbers it.")],
    state: StateOption = None,
) -> None:
    """Let one viewer act, and no other until it passes control on."""
    _control(state or context.obj, give=number)


@control.command("take")
def take_control(context: typer.Context, state: StateOption = None) -> None:
    """Let no viewer act, until 'control give', 'control one' or 'control shared'."""
    _control(state or context.obj, mode="host")


@control.command("one")
def one_controls(context: typer.Context, state: StateOption = None) -> None:
    """Let one viewer at a time act."""
    _control(state or context.obj, mode="one")


@control.command("shared")
def all_control(context: typer.Context, state: StateOption = None) -> None:
    """Let everybody act who may."""
    _control(state or context.obj, mode="shared")


@identity.command("new")
def new_identity(state: StateOption = None) -> None:
    """Become another device: where this machine was copied from another one, so that both may be online."""
    folder = state or default_folder("host")
    try:
        ask(folder / SOCKET, {"ask": "sessions"})
    except NobodyThere:
        pass
    except ControlError as error:
        raise _fail(f"a host seems to run with {folder}: stop it first ({error})", FAILED) from None
    else:
        raise _fail(f"a host runs with {folder}: stop it first", FAILED)
    from avl_protocol.endpoint.loop.clock import entropy
    from avl_protocol.endpoint.program.state import StateError, StateFolder

    try:
        made, kept = StateFolder(folder, _warn).new_identity(entropy)
    except StateError as error:
        raise _fail(str(error), FAILED) from None
    typer.echo(for_terminal(f"this host is now {made.device_id}"))
    if kept is not None:
        typer.echo(
            "  Targets, links and tickets of the old device lead to its copy, or nowhere: hand out the new ones."
        )
        kept_where = f"  The old key lies in {kept}; renamed to identity.key it makes this the old device again."
        typer.echo(for_terminal(kept_where, None))


@app.command()
def enroll(
    relay: Annotated[str, typer.Argument(metavar="RELAY", help="HOST:PORT[?pin=FP], as the relay prints it.")],
    pin: Annotated[Optional[str], typer.Option(help="The relay's pin, if there is one and RELAY lacks it.")] = None,
    state: StateOption = None,
    name: Annotated[
        Optional[str], typer.Option(help="How this host calls itself; default: the machine's name.")
    ] = None,
    owner: Annotated[
        Optional[str], typer.Option(metavar="FINGERPRINT", help="Pin this owner's key and no other, without asking.")
    ] = None,
) -> None:
    """Make this host yours: approve the code that is shown, in a browser where you are signed in."""
    import asyncio
    import platform

    from avl_host.enrol import About, confirm, enrol, fingerprint
    from avl_host.rights.owner import pin_owner
    from avl_protocol.endpoint.api.calls import ApiError
    from avl_protocol.endpoint.loop.clock import entropy
    from avl_protocol.endpoint.loop.runtime import run as run_loop
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_protocol.wire.errors import Refused
    from avl_protocol.wire.target import parse_relay

    if owner is None and not _at_a_terminal():
        raise _fail(
            "whose key is pinned has to be confirmed: run this on a terminal, or give --owner FINGERPRINT, "
            "which the account page shows under You",
            USAGE,
        )
    folder = state or default_folder("host")
    about = About(name or platform.node(), f"{platform.system()} {platform.release()}", "avl")
    try:
        address = parse_relay(relay, pin)
        kept = StateFolder(folder, _warn)
        identity = kept.identity(entropy)
        enrolled = run_loop(enrol(identity, address, about, tell=lambda asked: _show_code(asked, identity.device_id)))
        shown = fingerprint(enrolled.owner.thumbprint)
        _confirm_owner(enrolled.owner.thumbprint, shown, owner)
        run_loop(confirm(identity, address, enrolled))
        pin_owner(kept, enrolled.token)
    except ValueError as error:
        raise _fail(str(error), USAGE) from None
    except Refused as refused:
        raise _fail(str(refused), refused.exit_status) from None
    except (ApiError, StateError, OSError) as error:
        raise _fail(str(error), FAILED) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise _fail("interrupted: nothing is pinned", 130) from None
    _tell(f"this host believes the key {shown} from now on")
    _tell_running(folder, relay if pin is None else f"{relay}?pin={pin}", state)


def _at_a_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def _show_code(asked: Asked, device: str) -> None:
    """What a person has to do, and compare."""
    from avl_protocol.endpoint.program.qrcode import drawn

    _tell("Open this address where you are signed in, or scan it:")
    typer.echo(for_terminal(f"\n  {asked.url}\n", None, lines=True))
    typer.echo(for_terminal(drawn(asked.url), None, lines=True))
    _tell(f"  code: {asked.code}")
    _tell("The page shows this device ID, if it is this host that you approve:")
    _tell(f"  {device}")


def _confirm_owner(thumbprint: str, shown: str, wanted: str | None) -> None:
    """Be sure whose key is to be pinned. Raises Exit."""
    if wanted is not None:
        if wanted.replace(" ", "") != thumbprint:
            raise _fail(f"it was approved with another key than --owner, {shown}: nothing is pinned", FAILED)
        return
    _tell("It was approved with the key of this fingerprint:")
    _tell(f"  {shown}")
    if not typer.confirm("Does your page show the same, under You?", default=False):
        raise _fail("nothing is pinned: somebody may have put another key in the place of yours", FAILED)


def _tell_running(folder: Path, relay: str, state: Path | None) -> None:
    """Have a host that runs look anew at who owns it."""
    try:
        ask(folder / SOCKET, {"ask": "owner"})
    except NobodyThere:
        kept = f" --state {shlex.quote(str(state))}" if state else ""
        _tell(f"start it with: avl-host run --relay {shlex.quote(relay)}{kept}")
    except ControlError as error:
        _warn(f"the host that runs was not told: restart it ({error})")


@app.command()
def status(
    state: StateOption = None, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Which device this host is, who owns it, and whether it runs."""
    from avl_host.enrol import fingerprint
    from avl_host.rights.owner import load_owner
    from avl_protocol.endpoint.program.state import StateError, StateFolder

    folder = state or default_folder("host")
    try:
        kept = StateFolder(folder, _warn)
        identity = kept.identity(_no_identity)
        owner = load_owner(kept, identity.number)
    except StateError as error:
        raise _fail(str(error), FAILED) from None
    try:
        here = len(ask(folder / SOCKET, {"ask": "sessions"})["sessions"])
        running = True
    except (NobodyThere, ControlError):
        here, running = 0, False
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "device": identity.device_id,
                    "owner": owner.thumbprint if owner else None,
                    "name": owner.enrolment.name if owner else None,
                    "groups": list(owner.enrolment.groups) if owner else [],
                    "running": running,
                    "sessions": here,
                }
            )
        )
        return
    _tell(f"device ID: {identity.device_id}")
    _tell(f"owner:     {fingerprint(owner.thumbprint) if owner else 'nobody; avl-host enroll RELAY makes it yours'}")
    if owner and owner.enrolment.name:
        _tell(f"name:      {owner.enrolment.name}")
    _tell(f"running:   {f'yes, with {here} here' if running else 'no'}")


def _no_identity(size: int) -> bytes:
    from avl_protocol.endpoint.program.state import StateError

    raise StateError("this host has not been started yet: avl-host run, or avl-host enroll")


@app.command()
def doctor(
    display: Annotated[Optional[str], typer.Option(help="X display to look at.")] = None,
    relay: Annotated[
        Optional[str], typer.Option(help="Ask this relay what the network allows: HOST:PORT[?pin=FP].")
    ] = None,
    state: StateOption = None,
) -> None:
    """Say what this machine lacks, and the line that mends it."""
    from avl_host.doctor import check, encoders, ownership, sound
    from avl_protocol.endpoint.diagnosis.finding import report
    from avl_protocol.endpoint.diagnosis.survey import findings_of
    from avl_protocol.endpoint.loop.runtime import run as run_loop
    from avl_protocol.wire.errors import Refused
    from avl_protocol.wire.target import parse_relay

    findings = [*check(display or os.environ.get("DISPLAY")), *encoders(), *sound()]
    findings += ownership(state or default_folder("host"))
    if relay is not None:
        try:
            findings += run_loop(findings_of(parse_relay(relay), 5.0, host=True))
        except ValueError as error:
            raise _fail(str(error), USAGE) from None
        except (Refused, OSError) as error:
            raise _fail(str(error), FAILED) from None
    typer.echo(for_terminal(report(findings), None, lines=True))
    if any(not finding.ok for finding in findings):
        raise typer.Exit(FAILED)


def main() -> None:
    """The command."""
    app()
