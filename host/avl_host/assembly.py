"""Assembly: the services of a host, each with its channel, the messages it receives, and the permission they need.

A feature is added here in two lines: it is made, and it is registered (CONTRIBUTING.md, "How a feature is added").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from avl_host.desktop.clipboard import ClipboardPort
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
from avl_host.services.input import InputService
from avl_host.services.layout import LayoutService
from avl_host.services.media import MediaService
from avl_host.services.pointer import PointerService
from avl_host.services.pointing import PointingService
from avl_host.services.statistics import StatisticsService
from avl_host.services.tickets import TicketService
from avl_host.sessions.lockwatch import LockWatch
from avl_host.sessions.subscribers import Subscribers
from avl_host.sessions.tickets import TicketBook
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Receives
from avl_protocol.wire.endtoend import (
    Batch,
    Candidates,
    Clear,
    Clipboard,
    ClipboardAsk,
    Control,
    Decoder,
    Missing,
    NeedKeys,
    Point,
    Report,
    Stroke,
)
from avl_protocol.wire.registry import Channel, ControlMode, Permission


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
    presence: PresenceWatch = field(default_factory=PresenceWatch)
    blank: BlankWatch | None = None


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
    services.register(layout, Channel.CONTROL)
    pointer = PointerService(subscribers, clock)
    services.register(pointer, Channel.CONTROL)
    media = MediaService(served.publisher, subscribers.watches, subscribers.changed)
    services.register(
        media,
        Channel.CONTROL,
        Receives(Decoder, media.decodes),
        Receives(NeedKeys, media.keys_needed),
        Receives(Missing, media.missing),
    )
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
    served.presence.follow(subscribers, control)
    services.register(served.presence, Channel.CONTROL)
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
    clipboard = ClipboardService(subscribers, served.clipboard)
    services.register(
        clipboard,
        Channel.BULK,
        Receives(Clipboard, clipboard.set, Permission.CLIPBOARD_IN, clipboard.set_refused),
        Receives(ClipboardAsk, clipboard.asked, Permission.CLIPBOARD_OUT),
    )
    return Features(layout, pointer, clipboard, statistics, control, pointing, annotations, rights)
