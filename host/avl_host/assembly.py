"""Assembly: the services of a host, each with its channel, the messages it receives, and the permission they need.

A feature is added here in two lines: it is made, and it is registered (CONTRIBUTING.md, "How a feature is added").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_host.clipboard import ClipboardPort
from avl_host.input.sink import InputSink
from avl_host.reachability import Reachability
from avl_host.reception import Reception
from avl_host.services.candidates import CandidatesService
from avl_host.services.clipboard import ClipboardService
from avl_host.services.input import InputService
from avl_host.services.layout import LayoutService
from avl_host.services.media import MediaService
from avl_host.services.pointer import PointerService
from avl_host.services.statistics import StatisticsService
from avl_host.services.tickets import TicketService
from avl_host.sharing import Sharing
from avl_host.tickets import TicketBook
from avl_host.vigil import Vigil
from avl_protocol.session.services import Receives
from avl_protocol.wire.endtoend import Batch, Candidates, Clipboard, ClipboardAsk, Decoder, NeedKeys, Report
from avl_protocol.wire.registry import Channel, Permission

#: Either of them lets a viewer act; the session's gate looks at each event (R-SESS-20).
ACTS = Permission.POINTER | Permission.KEYBOARD


@dataclass(frozen=True, slots=True)
class Served:
    """What services act on."""

    sharing: Sharing
    sink: InputSink
    clipboard: ClipboardPort
    tickets: TicketBook
    reachability: Reachability
    vigil: Vigil


@dataclass(frozen=True, slots=True)
class Features:
    """The services that the rest of the host talks to."""

    layout: LayoutService
    pointer: PointerService
    clipboard: ClipboardService
    statistics: StatisticsService


def assemble(reception: Reception, served: Served, tell: Callable[[str], None], clock: Callable[[], float]) -> Features:
    """Make a host's services and register them. Their order is that in which they are told of a session, so that layout
    and pointer are the first that a viewer learns."""
    services = reception.services
    layout = LayoutService(reception, tell)
    services.register(layout, Channel.CONTROL)
    pointer = PointerService(reception, clock)
    services.register(pointer, Channel.CONTROL)
    media = MediaService(served.sharing, reception.watches)
    services.register(media, Channel.CONTROL, Receives(Decoder, media.decodes), Receives(NeedKeys, media.keys_needed))
    services.register(TicketService(reception, served.tickets, clock), Channel.CONTROL)
    candidates = CandidatesService(served.reachability)
    services.register(candidates, Channel.CONTROL, Receives(Candidates, candidates.told))
    services.register(served.vigil, Channel.CONTROL)
    statistics = StatisticsService(reception, served.sharing.captured)
    services.register(statistics, Channel.CONTROL, Receives(Report, statistics.reported))
    hands = InputService(served.sink, served.sharing)
    services.register(hands, Channel.INPUT, Receives(Batch, hands.apply, ACTS))
    clipboard = ClipboardService(reception, served.clipboard)
    services.register(
        clipboard,
        Channel.BULK,
        Receives(Clipboard, clipboard.set, Permission.CLIPBOARD_IN, clipboard.set_refused),
        Receives(ClipboardAsk, clipboard.asked, Permission.CLIPBOARD_OUT),
    )
    return Features(layout, pointer, clipboard, statistics)
