"""Assembly: the services of a host, each with its channel, the messages it receives, and the permission they need.

A feature is added here in two lines: it is made, and it is registered (CONTRIBUTING.md, "How a feature is added").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from avl_host.desktop.clipboard import ClipboardPort
from avl_host.desktop.copypolicy import CopyPolicy
from avl_host.display.display import Display
from avl_host.files.copied import CopiedFiles
from avl_host.files.roots import Roots
from avl_host.input.sink import InputSink
from avl_host.paths.reachability import Reachability
from avl_host.presence.blank import BlankWatch
from avl_host.presence.watch import PresenceWatch
from avl_host.publish.publisher import Publisher
from avl_host.rights.door import GrantDoor
from avl_host.rights.service import RightsService
from avl_host.services.annotations import AnnotationsService
from avl_host.services.candidates import CandidatesService
from avl_host.services.clipboard import ClipboardService
from avl_host.services.control import ACTS, ControlService
from avl_host.services.devices import DevicesService
from avl_host.services.files import EITHER, FilesService
from avl_host.services.fit import FitService
from avl_host.services.input import InputService
from avl_host.services.layout import LayoutService
from avl_host.services.media import MediaService
from avl_host.services.monitors import MonitorsService, OpenMonitor
from avl_host.services.pointer import PointerService
from avl_host.services.pointing import PointingService
from avl_host.services.sound import SoundService
from avl_host.services.statistics import StatisticsService
from avl_host.services.tickets import TicketService
from avl_host.services.voice import Microphone, VoiceService
from avl_host.sessions.lockwatch import LockWatch
from avl_host.sessions.subscribers import Subscribers
from avl_host.sessions.tickets import TicketBook
from avl_host.sound.worker import SoundWorker
from avl_protocol.endpoint.files.conveyor import InLoop, Workshop
from avl_protocol.endpoint.program.state import StateFolder
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Receives, ReceivesOnLanes
from avl_protocol.wire.endtoend import (
    Aim,
    Batch,
    Candidates,
    Clear,
    Clipboard,
    ClipboardAsk,
    ClipboardDone,
    ClipboardFetch,
    ClipboardOffer,
    ClipboardPart,
    ClipboardStop,
    ClipboardTaken,
    Control,
    Decoder,
    FileAnswer,
    FileCredit,
    FileData,
    FileDecide,
    FileDone,
    FileFail,
    FileGet,
    FileList,
    FileOffer,
    FilePut,
    FileStart,
    FileStop,
    Fit,
    Heard,
    Missing,
    NeedKeys,
    Point,
    Report,
    Stroke,
    Voice,
    Watch,
)
from avl_protocol.wire.registry import Channel, ControlMode, Permission

#: What a viewer says of a transfer that runs.
OF_A_JOB = (FileAnswer, FileCredit, FileData, FileDecide, FileDone, FileFail, FileOffer, FileStart, FileStop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What services act on."""

    publisher: Publisher
    sink: InputSink
    clipboard: ClipboardPort
    tickets: TicketBook
    door: GrantDoor
    reachability: Reachability
    lock_watch: LockWatch
    #: What is shared of this machine's files, and where they are read and written.
    roots: Roots = field(default_factory=Roots)
    workshop: Workshop = field(default_factory=InLoop)
    presence: PresenceWatch = field(default_factory=PresenceWatch)
    blank: BlankWatch | None = None
    #: Captures a monitor by itself; None: nothing does.
    open_monitor: OpenMonitor | None = None
    #: What can have another size, and where it is kept what it was like.
    display: Display | None = None
    folder: StateFolder | None = None
    #: What takes the sound of this machine, and where viewers' voices go; None: neither is shared.
    sound: SoundWorker | None = None
    microphone: Microphone | None = None
    copies: CopyPolicy = field(default_factory=CopyPolicy)


@dataclass(frozen=True, slots=True)
class Features:
    """The services that the rest of the host talks to."""

    layout: LayoutService
    pointer: PointerService
    clipboard: ClipboardService
    statistics: StatisticsService
    control: ControlService
    pointing: PointingService
    annotations: AnnotationsService
    rights: RightsService
    files: FilesService
    fit: FitService
    sound: SoundService
    monitors: MonitorsService


def assemble(
    subscribers: Subscribers,
    served: Served,
    tell: Callable[[str], None],
    clock: Callable[[], float],
    mode: ControlMode = ControlMode.SHARED,
) -> Features:
    """Make a host's services and register them. Their order is that in which they are told of a session, so that layout
    and pointer are the first that a viewer learns."""
    services = subscribers.services
    layout = LayoutService(subscribers, tell)
    services.register(layout, Channel.CONTROL, Receives(Aim, layout.aimed, ACTS))
    pointer = PointerService(subscribers, clock)
    services.register(pointer, Channel.CONTROL)
    services.register(DevicesService(subscribers, served.sink), Channel.CONTROL)
    media = MediaService(served.publisher, subscribers.watches, subscribers.changed)
    services.register(
        media,
        Channel.CONTROL,
        Receives(Decoder, media.decodes),
        Receives(NeedKeys, media.keys_needed),
        Receives(Missing, media.missing),
    )
    monitors = MonitorsService(subscribers, served.publisher, layout, served.open_monitor, tell)
    services.register(monitors, Channel.CONTROL, Receives(Watch, monitors.asked))
    rights = RightsService(subscribers, served.door, clock)
    blank = served.blank or BlankWatch(None, tell)
    blank.follow(subscribers)
    services.register(blank, Channel.CONTROL)

    def begins(session: HostSession) -> None:
        # Dark first: what is counted as begun has begun.
        blank.begins(session)
        rights.begins(session)

    subscribers.begins, subscribers.lasts, subscribers.wall = begins, rights.lasts, served.door.wall
    rights.asks = subscribers.ask_more
    services.register(rights, Channel.CONTROL)
    services.register(TicketService(subscribers, served.tickets, clock, rights.begun), Channel.CONTROL)
    candidates = CandidatesService(served.reachability)
    services.register(candidates, Channel.CONTROL, Receives(Candidates, candidates.told))
    services.register(served.lock_watch, Channel.CONTROL)
    statistics = StatisticsService(subscribers, served.publisher.captured)
    services.register(statistics, Channel.CONTROL, Receives(Report, statistics.reported))
    control = ControlService(subscribers, mode)
    services.register(control, Channel.CONTROL, Receives(Control, control.asked, ACTS))
    fit = FitService(subscribers, control, served.display, served.folder, tell, clock)
    control.on_change.append(fit.decide)
    services.register(fit, Channel.CONTROL, Receives(Fit, fit.asked, Permission.MONITORS, fit.refused))
    served.presence.follow(subscribers, control)
    services.register(served.presence, Channel.CONTROL)
    voices = VoiceService(subscribers, served.microphone)
    sound = SoundService(
        subscribers,
        shares=served.sound is not None,
        lossy=served.sound.lossy if served.sound is not None else lambda share, repeat: None,
        tell=tell,
        takes=served.microphone is not None,
        speakers=lambda: voices.speakers,
    )
    services.register(sound, Channel.CONTROL, Receives(Heard, sound.heard, Permission.AUDIO_OUT))
    services.register(voices, Channel.SOUND, Receives(Voice, voices.said, Permission.AUDIO_IN))

    def spoke() -> None:
        sound.say()
        served.presence.look()

    served.presence.speaks, voices.on_change = voices.speaks, spoke
    pointing = PointingService(subscribers)
    services.register(
        pointing, Channel.CONTROL, Receives(Point, pointing.pointed, Permission.POINTER | Permission.ANNOTATE)
    )
    annotations = AnnotationsService(subscribers)
    services.register(
        annotations,
        Channel.CONTROL,
        Receives(Stroke, annotations.drawn, Permission.ANNOTATE),
        Receives(Clear, annotations.cleared, Permission.ANNOTATE),
    )
    hands = InputService(served.sink, served.publisher, control.acted)
    services.register(
        hands, Channel.INPUT, Receives(Batch, hands.apply, ACTS)
    )  # the session's gate looks at each event (R-SESS-20)
    clipboard = ClipboardService(
        subscribers, served.clipboard, served.copies, CopiedFiles(served.roots), subscribers.entropy, clock
    )
    services.register(
        clipboard,
        Channel.BULK,
        Receives(Clipboard, clipboard.set, Permission.CLIPBOARD_IN, clipboard.set_refused),
        Receives(ClipboardAsk, clipboard.asked, Permission.CLIPBOARD_OUT),
        Receives(ClipboardOffer, clipboard.offered, Permission.CLIPBOARD_IN, clipboard.set_refused),
        Receives(ClipboardPart, clipboard.part, Permission.CLIPBOARD_IN),
        Receives(ClipboardDone, clipboard.done, Permission.CLIPBOARD_IN),
        Receives(ClipboardFetch, clipboard.fetched, Permission.CLIPBOARD_OUT, clipboard.fetch_refused),
        Receives(ClipboardTaken, clipboard.taken, Permission.CLIPBOARD_OUT),
        Receives(ClipboardStop, clipboard.stopped, Permission.CLIPBOARD_OUT),
    )
    files = FilesService(subscribers, served.roots, served.workshop, clock)
    of_a_job: list[ReceivesOnLanes[HostSession, Any]] = [ReceivesOnLanes(kind, files.said, EITHER) for kind in OF_A_JOB]
    services.register(
        files,
        Channel.FILES_1,
        ReceivesOnLanes(FilePut, files.put, Permission.FILES_IN, files.refused),
        ReceivesOnLanes(FileGet, files.get, Permission.FILES_OUT, files.refused),
        ReceivesOnLanes(FileList, files.list, EITHER, files.refused),
        *of_a_job,
    )
    return Features(
        layout, pointer, clipboard, statistics, control, pointing, annotations, rights, files, fit, sound, monitors
    )
