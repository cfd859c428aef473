"""Services: what the channels of sessions carry, a feature each (spec 04-session, 4.9).

A session does what is its own business (clock, beacon, keys, end) itself. Every other message belongs to one service;
a table names its service, channel and permission. The file that assembles a program fills the
table, so that a feature can be added, or taken away, without a change to any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from avl_protocol.wire.channels import channel_of, permits
from avl_protocol.wire.endtoend import ChannelMessage
from avl_protocol.wire.errors import LocalProtocolError, Refused
from avl_protocol.wire.registry import Channel, Permission


class Permitted(Protocol):
    """What the table asks of a session."""

    @property
    def permissions(self) -> Permission:
        """What it was granted."""


S = TypeVar("S", bound=Permitted)
Served = TypeVar("Served", bound=Permitted, contravariant=True)
M = TypeVar("M")
#: The permission that what everybody may needs.
NONE = Permission(0)


class Service(Protocol[Served]):
    """One feature of all sessions of a program. What it does not follow it leaves as it is here: at nothing."""

    def admitted(self, session: Served, now: float) -> None:
        """The session is running: GRANT was sent, or has come."""
        return

    def opened(self, session: Served, channel: int, now: float) -> None:
        """At a host: a channel behind channel 0 has a path, for the first time or again; at a viewer: a lane has. What
        was not told for want of one may be told now."""
        return

    def moved(self, session: Served, now: float) -> None:
        """The session is on another route, or has one again. What was said on channel 0 meanwhile was not sent."""
        return

    def allowed(self, session: Served, now: float) -> None:
        """What the session may is something else now."""
        return

    def lost(self, session: Served, now: float) -> None:
        """At a host: there is no path to the viewer now; the session is kept for a while."""
        return

    def ended(self, session: Served, reason: Refused, now: float) -> None:
        """A session that was admitted is over."""
        return

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called; None: never."""
        return None

    def handle_timer(self, now: float) -> None:
        """Time has passed."""
        return


@dataclass(frozen=True, slots=True)
class Receives(Generic[S, M]):
    """One row of the table: messages of a class are given to `call(session, message, now)`.

    `needs`: permissions, any of which a session must have; none: everybody may. `refused` is called instead for a
    session that has none of them; without it such a message is ignored.
    """

    message: type[M]
    call: Callable[[S, M, float], None]
    needs: Permission = NONE
    refused: Callable[[S, M, float], None] | None = None


@dataclass(frozen=True, slots=True)
class ReceivesOnLanes(Generic[S, M]):
    """The same for messages that travel on lanes: both calls are told on which, last."""

    message: type[M]
    call: Callable[[S, M, float, int], None]
    needs: Permission = NONE
    refused: Callable[[S, M, float, int], None] | None = None


class Services(Generic[S]):
    """The services of one program, in the order in which they are told of sessions. Iterates over them."""

    def __init__(self) -> None:
        self._services: list[Service[S]] = []
        self._rows: dict[type, Receives[S, Any] | ReceivesOnLanes[S, Any]] = {}

    def register(
        self, service: Service[S], channel: Channel, *rows: Receives[S, Any] | ReceivesOnLanes[S, Any]
    ) -> None:
        """Add a service with what it receives on its channel. Raises LocalProtocolError for a message that another
        service has, or that travels on another channel."""
        for row in rows:
            if row.message in self._rows:
                raise LocalProtocolError(f"{row.message.__name__} has two services")
            lane = channel if isinstance(row, ReceivesOnLanes) else None
            if channel_of(row.message, lane) != channel:
                raise LocalProtocolError(f"{row.message.__name__} does not travel on channel {channel.name}")
            self._rows[row.message] = row
        self._services.append(service)

    def receive(self, session: S, message: ChannelMessage, now: float, channel: int = 0) -> None:
        """Give a message that came on a channel to its service, if the session may send it (R-SESS-67). What no service
        receives is ignored (R-SESS-68)."""
        row = self._rows.get(type(message))
        if row is None:
            return
        where = (channel,) if isinstance(row, ReceivesOnLanes) else ()
        call = row.call if permits(session.permissions, row.needs) else row.refused
        if call is not None:
            call(session, message, now, *where)

    def __iter__(self) -> Iterator[Service[S]]:
        return iter(self._services)

    def admitted(self, session: S, now: float) -> None:
        """Tell all of a session that is running."""
        for service in self._services:
            service.admitted(session, now)

    def opened(self, session: S, channel: int, now: float) -> None:
        """Tell all of a channel that has a path."""
        for service in self._services:
            service.opened(session, channel, now)

    def moved(self, session: S, now: float) -> None:
        """Tell all of a session that has come to another route."""
        for service in self._services:
            service.moved(session, now)

    def allowed(self, session: S, now: float) -> None:
        """Tell all of a session that may something else now."""
        for service in self._services:
            service.allowed(session, now)

    def lost(self, session: S, now: float) -> None:
        """Tell all of a session that has no path."""
        for service in self._services:
            service.lost(session, now)

    def ended(self, session: S, reason: Refused, now: float) -> None:
        """Tell all of a session that is over."""
        for service in self._services:
            service.ended(session, reason, now)

    def next_timeout(self) -> float | None:
        """When `handle_timer` of some service wants to be called."""
        return min((at for service in self._services if (at := service.next_timeout()) is not None), default=None)
