"""This machine's real parts: display, keyboard, clipboard, encoder; and the person at it."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from avl_host.agent import Parts
from avl_host.audit.journal import Journal
from avl_host.capture.source import CaptureSource
from avl_host.capture.sources import open_source
from avl_host.config import HostSettings
from avl_host.desktop.clipboard import open_clipboard
from avl_host.display.displays import open_display
from avl_host.encode.codecs import probing
from avl_host.encode.codecs.coders import Coders
from avl_host.encode.codecs.probe import missing
from avl_host.encode.codecs.switching import SwitchingEncoder, opener
from avl_host.encode.codecs.table import CODERS
from avl_host.encode.coding import ThreadCoding
from avl_host.encode.pipeline import Pipeline
from avl_host.encode.worker import Listener, ThreadWorker, Worker
from avl_host.input.ownwindows import OwnWindows
from avl_host.input.sinks import open_sink
from avl_host.lastpictures.photograph import photograph
from avl_host.paths.announce import Announcer
from avl_host.paths.registration import SOFTWARE
from avl_host.presence.blank import Blanker
from avl_host.presence.dialog import Asker
from avl_host.presence.indicator import IndicatorWindow
from avl_host.presence.notices import Notices, Teller
from avl_host.presence.scene import Acts, Indicator
from avl_host.presence.surface import Unavailable
from avl_host.presence.tray import TrayIcon
from avl_host.presence.webhook import Webhook
from avl_host.presence.x11blank import X11Blanker
from avl_host.sessions.lock import CommandLocker
from avl_host.sessions.sessionlist import SOCKET
from avl_host.sound.coder import BITRATE
from avl_host.sound.microphone import PulseMicrophone
from avl_host.sound.sources import open_sound
from avl_host.sound.worker import SoundParts
from avl_protocol.endpoint.files.disk import DiskTree, trouble_of
from avl_protocol.endpoint.loop.world import World
from avl_protocol.endpoint.portmapping.portmap import EitherMapper, GatewayMapper, PortMapper
from avl_protocol.endpoint.program.localserver import LocalServer
from avl_protocol.endpoint.sound import opus
from avl_protocol.wire.registry import VideoCodec


@dataclass(frozen=True, slots=True)
class Extras:
    """What of the machine is used only if somebody asks: mDNS, the router's ports, another command to lock,
    the desktop's notifications, a webhook, a mail server."""

    announce: bool = False
    map_port: bool = False
    lock_command: str | None = None
    notify: bool = False
    notify_url: str | None = None
    notify_mail: str | None = None


def open_parts(settings: HostSettings, world: World, extras: Extras, tell: Callable[[str], None]) -> Parts:
    """Open what the settings name. Raises SourceLost, SinkLost, ValueError with what to do. Call it on the event
    loop."""
    clock = world.clock.monotonic
    loop = asyncio.get_running_loop()
    pattern = settings.source.startswith("pattern")
    source = open_source(settings.source, clock)
    own = OwnWindows()
    sink = open_sink("recorder" if pattern else settings.source, loop, own)
    asker = Asker(settings.source.removeprefix("mss:"), own, clock, lambda: left_of_day(world.clock.wall()))

    def worker(source: CaptureSource, pipeline: Pipeline, listener: Listener, clock: Callable[[], float]) -> Worker:
        return ThreadWorker(source, pipeline, listener, clock)

    coders = _coders(settings, lambda text: loop.call_soon_threadsafe(tell, text))
    return Parts(
        source=source,
        sink=sink,
        clipboard=open_clipboard(settings.source, settings.primary),
        open_encoder=lambda wanted: SwitchingEncoder(wanted, coders, opener(clock, world.priority)),
        coders=coders,
        make_worker=worker,
        make_coding=lambda source: ThreadCoding(source.wake),
        sound=_sound(settings, world, clock, tell),
        open_microphone=(lambda told: PulseMicrophone(told, world.faults)) if settings.microphone else None,
        ask=asker.ask if settings.ask_consent else None,
        ask_for_grants=None if pattern else asker.ask,
        open_indicators=lambda acts: _indicators(settings, own, acts, tell),
        notices=_notices(extras, tell),
        open_blanker=lambda acts: _blanker(settings, acts),
        locker=CommandLocker(tell, shlex.split(extras.lock_command) if extras.lock_command else None)
        if settings.lock_after is not None
        else None,
        mapper=_mapper(world) if extras.map_port else None,
        announcer=Announcer() if extras.announce else None,
        open_console=lambda answer: LocalServer(settings.state / SOCKET, answer),
        open_journal=lambda world, state, identity: Journal(world, state, identity, software=SOFTWARE, tell=tell),
        open_monitor=None if pattern else lambda monitor: open_source(settings.source, clock, monitor.name),
        open_tree=_open_tree,
        photograph=lambda: photograph(lambda: open_source(settings.source, clock)),
        display=open_display(settings.source),
        more_sources=tuple(open_source(name, clock) for name in settings.more_sources),
    )


def _sound(
    settings: HostSettings, world: World, clock: Callable[[], float], tell: Callable[[str], None]
) -> SoundParts | None:
    """Where sound comes from, where it is shared and can be encoded."""
    if not settings.sound:
        return None
    try:
        opus.library()
    except opus.OpusError as error:
        tell(f"sound: {error}")
        return None
    source = open_sound(clock, world.faults)
    if source is None:
        tell("sound: this system's sound can't be taken; --no-sound leaves this sentence out")
        return None
    return SoundParts(source=source, make_coder=lambda: opus.Encoder(voice=False, bitrate=BITRATE))


def _open_tree(path: Path, makes: bool) -> DiskTree:
    """A folder that is shared; one that is written to is made, where only it is missing."""
    if makes:
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise trouble_of(error) from error
    return DiskTree(path)


def _indicators(settings: HostSettings, own: OwnWindows, acts: Acts, tell: Callable[[str], None]) -> list[Indicator]:
    """What shows the person at the screen who sees it."""
    if settings.source.startswith("pattern") or not settings.indicator:
        return []
    try:
        display = settings.source.removeprefix("mss:")
        window = IndicatorWindow(display, own, acts)
        return [window, TrayIcon(display, window.move)]
    except Unavailable as error:
        tell(f"Who sees this screen can't be shown on it: {error}")
        return []


def _blanker(settings: HostSettings, acts: Acts) -> Blanker | None:
    """What darkens the screen, where that is wanted. Raises ValueError where it can't: nothing is shared then."""
    if not settings.blank:
        return None
    try:
        return X11Blanker(settings.source.removeprefix("mss:"), acts.end_all)
    except Unavailable as error:
        raise ValueError(f"{error} Leave --blank out, if anybody may watch what is done here") from error


def _notices(extras: Extras, tell: Callable[[str], None]) -> Notices | None:
    """Who is told beside the person at the screen. Raises ValueError."""
    tellers: list[Teller] = []
    if extras.notify:
        # Imported here: a host that tells nobody needs no D-Bus.
        from avl_host.presence.desktopnotices import DesktopNotices

        tellers.append(DesktopNotices())
    if extras.notify_url is not None:
        tellers.append(Webhook(extras.notify_url))
    if extras.notify_mail is not None:
        # Imported here, likewise: it brings the whole of MIME.
        from avl_host.presence.mail import Mail

        tellers.append(Mail(extras.notify_mail))
    return Notices(tellers, tell) if tellers else None


def _coders(settings: HostSettings, told: Callable[[str], object]) -> Coders:
    """What this machine codes with; whether its hardware does is found out meanwhile."""
    os.environ.setdefault("SVT_LOG", "1")  # what SVT-AV1 says of itself is no message of the host's
    there = [coder for coder in CODERS if not missing(coder) and (settings.hardware or not coder.hardware)]
    if settings.codec is not VideoCodec.H264 and not any(coder.codec is settings.codec for coder in there):
        wanted = next(coder for coder in CODERS if coder.codec is settings.codec)
        raise ValueError(f"{wanted.library} cannot be used: {missing(wanted)}; install the av package from PyPI")
    coders = Coders(there, settings.codec, told)
    probing.begin(there, coders)
    return coders


def _mapper(world: World) -> PortMapper:
    """PCP and NAT-PMP, and UPnP where that extra is installed."""
    try:
        from avl_protocol.endpoint.portmapping.upnp import UpnpMapper
    except ImportError:
        return GatewayMapper(world.entropy)
    return EitherMapper(GatewayMapper(world.entropy), UpnpMapper())


def left_of_day(wall: float) -> float:
    """Seconds from then (Unix) until midnight in this machine's time zone."""
    now = datetime.fromtimestamp(wall).astimezone()
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time()).astimezone()
    return (tomorrow - now).total_seconds()
