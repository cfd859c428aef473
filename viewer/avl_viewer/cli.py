"""avl: see and drive a desktop from the command line. Results alone go to stdout.

What a command needs is loaded when it runs: each `avl type` of a script would pay for the rest.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Optional, TypeVar

import typer

from avl_commands.settings import loaded, settings_commands
from avl_protocol.endpoint.program.folders import default_folder
from avl_viewer import accountcli
from avl_viewer.commands.signing import own_devices
from avl_viewer.held import sockets as held
from avl_viewer.settings.commands import CONFIGURED
from avl_viewer.settings.sources import is_anything_set
from avl_viewer.way import NoWay, Way, is_name

if TYPE_CHECKING:
    from avl_protocol.endpoint.program.state import StateFolder
    from avl_protocol.wire.target import Target
    from avl_viewer.api import Desktop
    from avl_viewer.background import BackgroundRemote
    from avl_viewer.present.presenter import Presenter
    from avl_viewer.present.remote import Remote

#: Plain help: laying it out with Rich takes as long as the rest of the command.
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="See and drive a desktop.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

T = TypeVar("T")

#: Exit codes (spec 01-overview, 1.6).
FAILED, USAGE, INTERRUPTED = 1, 2, 130


class FitChoice(StrEnum):
    """What follows a window's size."""

    HOST = "host"
    VIEWER = "viewer"


TargetArgument = Annotated[
    str, typer.Argument(help="avl://HOST:PORT/DEVICE-ID[?pin=FP], as the host prints it; signed in, a device's name.")
]
CodeOption = Annotated[Optional[str], typer.Option(envvar="AVL_CODE", help="The code that the host shows.")]
StateOption = Annotated[Optional[Path], typer.Option(help="Folder of this viewer's identity.")]
TimeoutOption = Annotated[float, typer.Option(help="Seconds to come in.", min=0.1)]
DirectOption = Annotated[bool, typer.Option(help="Look for a direct way, which tells the host our addresses.")]
QlogOption = Annotated[Optional[Path], typer.Option(metavar="DIR", help="Write a qlog file of each connection here.")]


app.add_typer(settings_commands(CONFIGURED), name="config")


@app.callback()
def group(
    context: typer.Context,
    config: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE", help="Settings; default: avl.toml in the state folder, or in /etc/avl. Flags win."
        ),
    ] = None,
) -> None:
    """See and drive a desktop."""
    if context.invoked_subcommand == "config" or not is_anything_set(config):
        return
    from avl_viewer.settings.sources import defaults, viewer_settings

    found = loaded(lambda: viewer_settings(config), _warn)
    commands: dict[str, Any] = getattr(context.command, "commands", {})
    flags = {name: [str(one.name) for one in command.params] for name, command in commands.items()}
    context.default_map = defaults(found, flags)


def _warn(text: str) -> None:
    from avl_protocol.wire.foreign import for_terminal

    typer.echo(for_terminal(f"avl: {text}", None), err=True)


def _fail(text: str, status: int) -> NoReturn:
    _warn(text)
    raise typer.Exit(status)


def _target(text: str) -> Target:
    from avl_protocol.wire.target import parse_target

    try:
        return parse_target(text)
    except ValueError as error:
        _fail(str(error), USAGE)


def _way(text: str, folder: StateFolder, timeout: float) -> Way:
    """What a target or a name leads to; every failure becomes one line and an exit code."""
    if not is_name(text):
        return Way(_target(text))
    import asyncio

    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.endpoint.loop.world import system_world
    from avl_protocol.wire.errors import Refused
    from avl_viewer.account.reach import way_to

    async def found() -> Way:
        async with asyncio.timeout(2 * timeout):
            return await way_to(system_world(), folder, text, platform.node())

    try:
        return run(found())
    except (Refused, NoWay) as refused:
        _fail(str(refused), refused.exit_status)
    except (TimeoutError, OSError) as error:
        _fail(str(error) or "the relay does not answer", FAILED)


def _code(given: str | None) -> str:
    """The code given, or asked for on a terminal."""
    if given:
        return given
    if not sys.stdin.isatty():
        _fail("a code is needed: give --code, set AVL_CODE, or run this on a terminal", USAGE)
    return str(typer.prompt("Code", hide_input=False, err=True))


def _do(
    target: str,
    code: str | None,
    state: Path | None,
    timeout: float,
    qlog: Path | None,
    action: Callable[[Desktop], Awaitable[T]],
    *,
    reconnect: bool = False,
) -> T:
    """Come in, act, leave; every failure becomes one line and an exit code. Where a session is held (`avl connect`) and
    this runs within it, it acts there. `reconnect`: a session that is lost is begun anew."""
    import asyncio

    wanted = target if is_name(target) else _target(target)
    session = held.current()
    secret = _code(code) if session is None and not isinstance(wanted, str) else code or ""
    from avl_protocol.endpoint.loop.clock import SystemClock
    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.endpoint.program.state import StateError
    from avl_protocol.quic.qlog import recording
    from avl_protocol.wire.errors import Refused
    from avl_viewer.api import connect
    from avl_viewer.files import FilesError

    async def act() -> T:
        _leave_on_sigterm()
        settings: dict[str, Any] = {"state": state, "timeout": timeout, "pictures": False, "reconnect": reconnect}
        async with connect(wanted, code=secret, **settings) as desktop:
            return await action(desktop)

    clock = SystemClock()
    try:
        if session is not None:
            return session.act(action)
        with recording(qlog, "viewer", clock.wall(), clock.monotonic, _warn):
            return run(act())
    except (Refused, NoWay, FilesError) as refused:
        _fail(str(refused), refused.exit_status)
    except ValueError as error:
        _fail(str(error), USAGE)
    except (StateError, OSError) as error:
        _fail(str(error), FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None


def _leave_on_sigterm() -> None:
    """Take SIGTERM as Ctrl-C is taken: say goodbye, and finish what is being written."""
    import asyncio

    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _text(given: str) -> str:
    """TEXT, or standard input for `-`. Raises ValueError for bytes that are not UTF-8."""
    if given != "-":
        return _characters(os.fsencode(given), "TEXT")
    return _characters(sys.stdin.buffer.read(), "standard input")


def _characters(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02X} at position {error.start}"
        raise ValueError(
            f"{where} is not UTF-8 text ({found}); convert it first, for example with: iconv -f ISO-8859-1 -t UTF-8"
        ) from None


@app.command()
def view(
    target: Annotated[Optional[str], typer.Argument(help="The desktop; without it a dialog asks.")] = None,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
    fullscreen: Annotated[bool, typer.Option("--fullscreen", help="Begin in full screen.")] = False,
    stats_file: Annotated[Optional[Path], typer.Option(help="Write the stats object here once a second.")] = None,
    direct: DirectOption = True,
    fit: Annotated[
        FitChoice,
        typer.Option(help="What follows a window's size: the host's desktop, or the viewer's picture of it."),
    ] = FitChoice.VIEWER,
    monitor: Annotated[
        Optional[list[str]],
        typer.Option(
            help="See this monitor by itself: its name, or its place from 1 on; each further one in a window."
        ),
    ] = None,
) -> None:
    """Open a window on a desktop."""
    from avl_protocol.endpoint.loop.clock import SystemClock, entropy
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_protocol.quic.qlog import recording
    from avl_protocol.wire.device_id import to_text
    from avl_protocol.wire.foreign import for_dialog
    from avl_protocol.wire.target import parse_target
    from avl_viewer.background import BackgroundRemote
    from avl_viewer.config import ClientSettings
    from avl_viewer.recent import Recent
    from avl_viewer.tickets import TicketFile

    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("win32", "darwin")):
        _fail("there is no display for a window: set DISPLAY, or use `avl screenshot`", FAILED)
    try:
        from avl_viewer.app import NoDisplay, run_dialog, show
    except ImportError as error:
        _fail(f"the window is not installed ({error}): pip install 'avl[window]'", FAILED)
    clock = SystemClock()
    now = clock.monotonic
    try:
        folder = StateFolder(state or default_folder("viewer"))
        identity = folder.identity(entropy)
    except StateError as error:
        _fail(str(error), FAILED)
    remotes: list[BackgroundRemote] = []
    fits, monitors = FitChoice(fit) is FitChoice.HOST, tuple(monitor or ())

    def start(where: str | Way, secret: str, presenter: Presenter) -> Remote:
        way = Way(parse_target(where)) if isinstance(where, str) else where
        tickets = TicketFile(folder, way.target.device, clock.wall)
        settings = ClientSettings(
            target=way.target,
            code=secret,
            chain=way.chain,
            access_pass=way.access_pass,
            again=way.again,
            identity=identity,
            name=platform.node(),
            timeout=timeout,
            direct=direct,
            tickets=tickets,
            heads=folder,
            monitors=monitors,
        )
        remotes.append(BackgroundRemote(settings, presenter))
        return remotes[-1]

    recent = Recent(state)
    try:
        with recording(qlog, "viewer", clock.wall(), now, _warn):
            if target is None:
                status = run_dialog(start, recent, fullscreen, stats_file, now, fit=fits, monitors=monitors)
            else:
                way = _way(target, folder, timeout)
                back = TicketFile(folder, way.target.device, clock.wall).waiting  # of a session that was lost just now
                secret = code or "" if back or way.chain else _code(code)
                title = for_dialog(way.name) or to_text(way.target.device)
                ending = show(
                    lambda presenter: start(way, secret, presenter),
                    title,
                    fullscreen,
                    stats_file,
                    now,
                    fit=fits,
                    monitors=monitors,
                )
                status = ending.exit_status
                if ending.ran:
                    recent.remember(str(way.target), way.name)
                if status not in (0, INTERRUPTED):
                    _warn(ending.text)
    except (NoDisplay, StateError, OSError) as error:
        _fail(str(error), FAILED)
    finally:
        for remote in remotes:
            remote.close()
            remote.join(2.0)
    raise typer.Exit(status)


#: Said of a picture that is not the desktop pixel for pixel.
INEXACT = (
    "avl: the picture is not exact: something moves on the desktop, or the connection is slow. A larger --settle waits "
    "for longer."
)


@app.command()
def screenshot(
    target: TargetArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG file to write.")],
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
    settle: Annotated[
        float, typer.Option(help="Wait at most this long until every pixel is exact; 0: not at all.")
    ] = 5.0,
) -> None:
    """Write a picture of the desktop: exact, or with a word about it."""
    if not output.absolute().parent.is_dir():
        _fail(f"There is no folder {output.absolute().parent}: make it, or choose another for --output.", FAILED)

    async def action(desktop: Desktop) -> None:
        taken = await desktop.screenshot(settle)
        taken.save(output)
        if not taken.exact:
            typer.echo(INEXACT, err=True)

    _do(target, code, state, timeout, qlog, action)


@app.command("type")
def type_(
    target: TargetArgument,
    text: Annotated[str, typer.Argument(help="What to type; - reads standard input.")],
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Type text; newlines press Enter."""
    from avl_protocol.wire.typable import typed_lines

    try:
        lines = typed_lines(_text(text))
    except ValueError as error:
        _fail(str(error), USAGE)
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.type(lines))


@app.command()
def press(
    target: TargetArgument,
    keys: Annotated[str, typer.Argument(help="For example ctrl+alt+t, enter, f5.")],
    place: Annotated[
        bool, typer.Option("--place", help="Keys by where a US keyboard has them, not by what they write.")
    ] = False,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Press keys together. A letter means the key that has it on the host's keyboard."""
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.press(keys, place=place))


@app.command()
def click(
    target: TargetArgument,
    x: int,
    y: int,
    button: Annotated[str, typer.Option(help="left, middle, right, back or forward.")] = "left",
    count: Annotated[int, typer.Option(min=1, max=10)] = 1,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Click at a desktop pixel."""
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.click(x, y, button, count))


@app.command()
def move(
    target: TargetArgument,
    x: int,
    y: int,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Put the pointer at a desktop pixel."""
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.move(x, y))


@app.command()
def drag(
    target: TargetArgument,
    x: int,
    y: int,
    to_x: int,
    to_y: int,
    button: Annotated[str, typer.Option(help="left, middle or right.")] = "left",
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Press at one point and release at another."""
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.drag(x, y, to_x, to_y, button))


@app.command(context_settings={"ignore_unknown_options": True})
def scroll(
    target: TargetArgument,
    dx: float,
    dy: float,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Turn the wheel by notches, right and down."""
    _do(target, code, state, timeout, qlog, lambda desktop: desktop.scroll(dx, dy))


@app.command()
def clipboard(
    target: TargetArgument,
    set_: Annotated[Optional[str], typer.Option("--set", help="Set it to a text; - reads standard input.")] = None,
    types: Annotated[bool, typer.Option("--types", help="List the formats that it is to be had in.")] = False,
    type_: Annotated[
        Optional[list[str]],
        typer.Option("--type", metavar="MIME", help="A format: text/html, image/png, ..; repeat it with --in."),
    ] = None,
    in_: Annotated[
        Optional[list[str]],
        typer.Option("--in", metavar="FILE", help="Set it to what a file holds, in --type; - reads standard input."),
    ] = None,
    out: Annotated[
        Optional[str], typer.Option(metavar="FILE", help="Write it to a file; - or nothing: standard output.")
    ] = None,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Print the host's clipboard, or set it: its text, or another format of it byte for byte.

    Nothing is printed for an empty one. What is not text, or too long, or has no such format, is an error that says so.
    """
    from avl_viewer.commands import clipping

    try:
        asked = clipping.wanted(types, type_ or [], in_ or [], out, set_ is not None)
        formats = clipping.contents(asked.files) if asked is not None else {}
        if asked is not None:
            clipping.check_out(asked)
        given = _text(set_) if set_ is not None else ""
    except ValueError as error:
        _fail(str(error), USAGE)
    except OSError as error:
        _fail(str(error), FAILED)

    async def action(desktop: Desktop) -> str | bytes | None:
        if formats:
            await desktop.clipboard.write(formats)
        elif asked is not None and asked.names:
            return "".join(f"{name}\n" for name in await desktop.clipboard.types())
        elif asked is not None:
            return await desktop.clipboard.read(asked.read)
        elif set_ is None:
            return await desktop.clipboard.get()
        else:
            await desktop.clipboard.set(given)
        return None

    found = _do(target, code, state, timeout, qlog, action)
    from avl_protocol.wire.foreign import for_terminal
    from avl_viewer.clipboard import EMPTY

    if found in ("", b""):
        _warn(EMPTY)
    elif found is not None and sys.stdout.isatty() and (asked is None or asked.out == clipping.PIPE):
        # A program that reads it gets every byte; a terminal would obey some of them.
        text = found if isinstance(found, str) else found.decode("utf-8", "replace")
        typer.echo(for_terminal(text, None, lines=True), nl=False)
    elif found is not None:
        try:
            clipping.write(found if isinstance(found, bytes) else found.encode(), asked.out if asked else clipping.PIPE)
        except OSError as error:
            _fail(str(error), FAILED)


class Overwrite(StrEnum):
    """What becomes of a file that is there already."""

    ASK = "ask"
    NEVER = "never"
    NEWER = "newer"
    ALWAYS = "always"


@app.command()
def cp(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Paths here, or TARGET:PATH at a host (NAME:PATH, signed in)."),
    ],
    to: Annotated[
        str, typer.Argument(metavar="TO", help="TARGET:PATH at a host, or a path here: a folder, or a name.")
    ],
    recursive: Annotated[
        bool, typer.Option("-r", "--recursive", help="Folders, too, with all that is in them.")
    ] = False,
    overwrite: Annotated[
        Overwrite, typer.Option(help="What becomes of a file that is there already; ask needs a terminal.")
    ] = Overwrite.ASK,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Copy files to a host, or from it.

    A path at the host is whole (/home/me/x, ~/x) or begins in the first folder that it shares; an empty one is that
    folder. What was interrupted goes on where it was when it is copied again. Exit code 1: something was left out.
    """
    from avl_protocol.wire.registry import FileOverwrite
    from avl_viewer.commands import copying
    from avl_viewer.files import Copied

    try:
        target, paths, goal, put = copying.direction(sources, to)
    except ValueError as error:
        _fail(str(error), USAGE)
    rule = FileOverwrite[overwrite.name]

    async def action(desktop: Desktop) -> Copied:
        return await copying.copy(desktop, paths, goal, put=put, folders=recursive, overwrite=rule)

    copied = _do(target, code, state, timeout, qlog, action, reconnect=True)
    copying.left_out(copied, _warn)
    if copied.left_count:
        raise typer.Exit(FAILED)


@app.command()
def ls(
    place: Annotated[
        str, typer.Argument(metavar="TARGET:PATH", help="A folder of a host; without PATH what it shares.")
    ],
    long: Annotated[bool, typer.Option("-l", "--long", help="Modes, sizes and times, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """List a folder of a host, or the folders that it shares."""
    from avl_viewer.commands import copying
    from avl_viewer.files import Listed

    try:
        where = copying.place_of(place)
    except ValueError as error:
        _fail(str(error), USAGE)
    if not where.target:
        _fail(f"{place} is a path of this machine: give TARGET:PATH, or NAME:PATH", USAGE)

    async def action(desktop: Desktop) -> list[Listed]:
        return await desktop.files.list(where.path)

    rows = _do(where.target, code, state, timeout, qlog, action)
    if as_json:
        typer.echo(json.dumps([copying.as_json(one) for one in rows]))
        return
    copying.show(rows, long=long, roots=not where.path)


@app.command()
def control(
    target: TargetArgument,
    act: Annotated[str, typer.Argument(help="show, request, release or give.")] = "show",
    who: Annotated[str, typer.Argument(metavar="[WHO]", help="Whom to give it to, by name or number.")] = "",
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Who acts on the desktop; ask for control, let go of it, or give it to somebody.

    It is this viewer's for as long as its session lasts: hold one with 'avl connect'.
    """
    if act not in ("show", "request", "release", "give") or (act == "give") != bool(who):
        _fail("say show, request, release, or give WHO", USAGE)

    async def action(desktop: Desktop) -> tuple[bool, str, list[str]]:
        done = True
        if act == "request":
            done = await desktop.control.request(timeout)
        elif act == "release":
            await desktop.control.release()
        elif act == "give":
            done = await desktop.control.give(int(who) if who.isdigit() else who)
        company = await desktop.control.known()
        return done, company.sentence(), [f"{one.number} {company.name(one.number)}" for one in company.people]

    done, sentence, people = _do(target, code, state, timeout, qlog, action)
    from avl_protocol.wire.foreign import for_terminal

    typer.echo(for_terminal(sentence or "Everybody who may act does."))
    for person in people:
        typer.echo(for_terminal(f"  {person}"))
    if not done:
        raise typer.Exit(FAILED)


@app.command()
def annotate(
    target: TargetArgument,
    points: Annotated[list[str], typer.Argument(metavar="X,Y...", help="Desktop pixels that a line goes through.")],
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Draw a line over the picture, which all viewers see for some seconds and the desktop does not."""

    async def action(desktop: Desktop) -> None:
        desktop.annotate(places)

    try:
        places = [(int(x), int(y)) for x, y in (point.split(",") for point in points)]
    except ValueError:
        _fail("points are written X,Y: avl annotate TARGET 100,200 300,200", USAGE)
    _do(target, code, state, timeout, qlog, action)


@app.command()
def stats(
    target: TargetArgument,
    seconds: Annotated[float, typer.Option(help="How long to watch.", min=0.1)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
) -> None:
    """Watch a desktop and print the figures.

    "rate" is what the senders of both hops think: upload is host to relay, download relay to here.
    Rates are in bit/s (a capacity of 0 is not known), the queue in ms, loss and parity are shares.
    """

    async def action(desktop: Desktop) -> dict[str, Any]:
        await desktop.watch(seconds)
        return desktop.stats()

    figures = _do(target, code, state, timeout, qlog, action)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from avl_protocol.wire.foreign import for_terminal
    from avl_viewer.figures.report import rows_of

    table = Table(show_header=False)
    for name, value in figures.items():
        for row in rows_of(name, value):
            table.add_row(*(Text(for_terminal(cell)) for cell in row))
    Console().print(table)


@app.command()
def doctor(
    relay: Annotated[str, typer.Argument(metavar="RELAY", help="HOST:PORT[?pin=FP], or a TARGET.")],
    timeout: TimeoutOption = 5.0,
) -> None:
    """Report what this network allows, and how to mend what is missing."""
    from avl_protocol.endpoint.diagnosis.finding import report
    from avl_protocol.endpoint.diagnosis.survey import findings_of
    from avl_protocol.endpoint.loop.runtime import run
    from avl_protocol.wire.errors import Refused
    from avl_protocol.wire.foreign import for_terminal
    from avl_protocol.wire.target import parse_relay, parse_target

    try:
        asked = parse_target(relay).relay if "/" in relay else parse_relay(relay)
        findings = run(findings_of(asked, timeout, host=False))
    except ValueError as error:
        _fail(str(error), USAGE)
    except Refused as refused:
        _fail(str(refused), refused.exit_status)
    except OSError as error:
        _fail(str(error), FAILED)
    typer.echo(for_terminal(report(findings), None, lines=True))
    if any(not finding.ok for finding in findings):
        raise typer.Exit(FAILED)


@app.command()
def devices(
    lan: Annotated[bool, typer.Option("--lan", help="Look around on the local network.")] = False,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.1, max=60.0)] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
    state: StateOption = None,
) -> None:
    """List the desktops of your account, or with --lan those that announce themselves."""
    if not lan:
        own_devices(state, as_json)
        return
    from dataclasses import asdict

    from avl_protocol.endpoint.loop.runtime import run

    try:
        from avl_viewer.paths.discover import hosts_on_lan
    except ImportError as error:
        _fail(f"looking around is not installed ({error}): pip install 'avl[viewer]'", FAILED)
    try:
        found = run(hosts_on_lan(seconds))
    except OSError as error:
        _fail(f"this network can't be asked ({error}): take the target from the host, which prints it", FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps([{"target": one.target, **asdict(one)} for one in found]))
    elif found:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        from avl_protocol.wire.foreign import for_terminal

        table = Table("Name", "Target", box=None, pad_edge=False)
        for one in found:
            table.add_row(Text(for_terminal(one.name)), Text(for_terminal(one.target), no_wrap=True, overflow="ignore"))
        Console().print(table, crop=False, soft_wrap=True)
    if not found:
        _warn("no desktop announces itself here: on the host, run avl-host run --listen 0.0.0.0:PORT --announce")


@app.command("connect")
def connect_(
    target: TargetArgument,
    background: Annotated[bool, typer.Option("--background", help="Return once the session is there.")] = False,
    code: CodeOption = None,
    state: StateOption = None,
    timeout: TimeoutOption = 10.0,
    qlog: QlogOption = None,
    direct: DirectOption = True,
) -> None:
    """Hold a session: further commands with this TARGET act in it, at once and without the code."""
    from avl_protocol.endpoint.program.state import StateError, StateFolder
    from avl_viewer.held.holder import Hold, NotHeld, in_background, in_foreground

    folder = state or default_folder("viewer")
    log = str(qlog.absolute()) if qlog else None
    try:
        way = _way(target, StateFolder(folder), timeout)
    except StateError as error:
        _fail(str(error), FAILED)
    wanted = Hold(
        target=str(way.target),
        code=code or "" if way.chain else _code(code),
        chain=way.chain,
        access_pass=way.access_pass.hex(),
        state=str(folder.absolute()),
        timeout=timeout,
        direct=direct,
        qlog=log,
    )
    try:
        if background:
            in_background(wanted)
        else:
            said = "connected: other avl commands act in this session; Ctrl-C ends it"
            in_foreground(wanted, lambda: _warn(said), _warn)
    except NotHeld as error:
        _fail(str(error), error.status)


@app.command()
def disconnect(target: TargetArgument, state: StateOption = None) -> None:
    """End the session that `avl connect` holds."""
    from avl_protocol.endpoint.program.localcontrol import ControlError, NobodyThere, ask

    folder = state or default_folder("viewer")
    device = held.device_called(folder, target) if is_name(target) else _target(target).device
    if device is None:
        _fail(f"no device is called {target!r}: 'avl devices' lists them", USAGE)
    try:
        ask(held.socket_of(folder, device), {"do": "end"})
    except NobodyThere:
        _fail("no session with this desktop is held", FAILED)
    except ControlError as error:
        _fail(str(error), FAILED)


accountcli.register(app)


def main() -> None:
    """The command."""
    app()
