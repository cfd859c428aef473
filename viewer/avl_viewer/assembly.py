"""Assembly: the services of a viewer, each with its channel and the messages it receives.

A feature is added here in two lines: it is made, and it is registered (CONTRIBUTING.md, "How a feature is added").
Messages of the host need no permission here; the host checks ours itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from avl_protocol.endpoint.files.conveyor import Workshop
from avl_protocol.session.services import Receives, ReceivesOnLanes, Services
from avl_protocol.session.viewer import ViewerSession
from avl_protocol.wire.endtoend import (
    Candidates,
    Cleared,
    Clipboard,
    ClipboardDone,
    ClipboardFetch,
    ClipboardOffer,
    ClipboardPart,
    ClipboardSet,
    ClipboardStop,
    ClipboardTaken,
    Cursor,
    Drawn,
    Echo,
    FileAnswer,
    FileBegin,
    FileCredit,
    FileData,
    FileDone,
    FileFail,
    FileOffer,
    FileRows,
    FileStart,
    FileStop,
    Fitted,
    InputDevices,
    Layout,
    People,
    Points,
    Rate,
    Sound,
    Stages,
    Ticket,
    Watched,
)
from avl_protocol.wire.registry import Channel
from avl_viewer.decode.picturebook import PictureBook
from avl_viewer.present.presenter import Presenter
from avl_viewer.services.annotations import AnnotationsService
from avl_viewer.services.candidates import CandidatesService, Seek
from avl_viewer.services.clipboard import ClipboardService
from avl_viewer.services.control import ControlService
from avl_viewer.services.devices import DevicesService
from avl_viewer.services.files import FilesService
from avl_viewer.services.fit import FitService
from avl_viewer.services.input import InputService
from avl_viewer.services.layout import LayoutService
from avl_viewer.services.monitors import MonitorsService
from avl_viewer.services.pointer import PointerService
from avl_viewer.services.pointing import PointingService
from avl_viewer.services.rights import RightsService
from avl_viewer.services.sound import SoundService
from avl_viewer.services.statistics import StatisticsService
from avl_viewer.services.tickets import TicketService
from avl_viewer.services.voice import VoiceService
from avl_viewer.sound.player import SoundFigures
from avl_viewer.tickets import Tickets


@dataclass(frozen=True, slots=True)
class Features:
    """The services that the rest of the viewer talks to."""

    input: InputService
    clipboard: ClipboardService
    statistics: StatisticsService
    control: ControlService
    pointing: PointingService
    annotations: AnnotationsService
    rights: RightsService
    files: FilesService
    layout: LayoutService
    fit: FitService
    sound: SoundService
    voice: VoiceService
    monitors: MonitorsService


#: What a host says of a transfer or listing that runs.
OF_A_JOB = (
    FileAnswer,
    FileBegin,
    FileCredit,
    FileData,
    FileDone,
    FileFail,
    FileOffer,
    FileRows,
    FileStart,
    FileStop,
)


def assemble(
    services: Services[ViewerSession],
    *,
    presenter: Presenter,
    book: PictureBook,
    tickets: Tickets,
    seek: Seek,
    clock: Callable[[], float],
    sound_figures: Callable[[], SoundFigures | None],
    speaks: Callable[[bool], None],
    arranged: Callable[[], None],
    entropy: Callable[[int], bytes],
    workshop: Workshop,
    start: Callable[[Coroutine[Any, Any, None]], None],
    changed: Callable[[], None],
) -> Features:
    """Make a viewer's services and register them; `changed` is called when timers are to be looked at again. Call it on
    the running event loop."""
    loop = asyncio.get_running_loop()
    monitors = MonitorsService(presenter, arranged)
    services.register(monitors, Channel.CONTROL, Receives(Watched, monitors.told))
    layout = LayoutService(presenter, monitors.laid_out)
    services.register(layout, Channel.CONTROL, Receives(Layout, layout.told))
    pointer = PointerService(presenter)
    services.register(pointer, Channel.CONTROL, Receives(Cursor, pointer.told))
    kept = TicketService(tickets)
    services.register(kept, Channel.CONTROL, Receives(Ticket, kept.given))
    candidates = CandidatesService(seek)
    services.register(candidates, Channel.CONTROL, Receives(Candidates, candidates.told))
    statistics = StatisticsService(book)
    services.register(statistics, Channel.CONTROL, Receives(Stages, statistics.stages), Receives(Rate, statistics.rate))
    control = ControlService(loop, presenter)
    services.register(control, Channel.CONTROL, Receives(People, control.told))
    pointing = PointingService(presenter, lambda: control.company.viewers < 2)
    services.register(pointing, Channel.CONTROL, Receives(Points, pointing.told))
    annotations = AnnotationsService(presenter, lambda: control.company.you)
    services.register(
        annotations, Channel.CONTROL, Receives(Drawn, annotations.drawn), Receives(Cleared, annotations.cleared)
    )
    devices = DevicesService(presenter)
    services.register(devices, Channel.CONTROL, Receives(InputDevices, devices.told))
    hands = InputService(loop, presenter, book, control.check, lambda: devices.devices)
    services.register(hands, Channel.INPUT, Receives(Echo, hands.applied))
    clipboard = ClipboardService(loop, presenter, entropy, clock, changed)
    services.register(
        clipboard,
        Channel.BULK,
        Receives(Clipboard, clipboard.told),
        Receives(ClipboardSet, clipboard.was_set),
        Receives(ClipboardOffer, clipboard.host_offers),
        Receives(ClipboardFetch, clipboard.fetched),
        Receives(ClipboardTaken, clipboard.taken),
        Receives(ClipboardStop, clipboard.stopped),
        Receives(ClipboardPart, clipboard.part),
        Receives(ClipboardDone, clipboard.done),
    )
    rights = RightsService(presenter, clock)
    services.register(rights, Channel.CONTROL)
    files = FilesService(workshop, clock, start, changed)
    of_a_job: list[ReceivesOnLanes[ViewerSession, Any]] = [ReceivesOnLanes(kind, files.said) for kind in OF_A_JOB]
    services.register(files, Channel.FILES_1, *of_a_job)
    fit = FitService(loop, presenter)
    services.register(fit, Channel.CONTROL, Receives(Fitted, fit.told))
    sound = SoundService(sound_figures, presenter.sound)
    services.register(sound, Channel.CONTROL, Receives(Sound, sound.told))
    voice = VoiceService(speaks)
    services.register(voice, Channel.SOUND)
    return Features(
        hands, clipboard, statistics, control, pointing, annotations, rights, files, layout, fit, sound, voice, monitors
    )
