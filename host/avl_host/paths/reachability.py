"""Reachability: how viewers find the direct path to this host (spec 08-paths, 8.3 and 8.4).

The host sends its candidates to each admitted session, and punches towards the viewer's.
A datagram that is not QUIC is a punch of some session, or dropped. A direct connection is accepted only from a viewer
that knows a session's key, unless this host listens for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avl_protocol.endpoint.addresses.whereabouts import Whereabouts
from avl_protocol.endpoint.endpoint import Endpoint
from avl_protocol.path.candidate import Address, from_rows, in_own_network, reachable, to_rows
from avl_protocol.path.punch import PunchKey, tag_of
from avl_protocol.path.puncher import OF_ALL, Allowance, Puncher
from avl_protocol.session.host import HostSession
from avl_protocol.wire.endtoend import Candidates


@dataclass(slots=True, kw_only=True)
class _Reached:
    """One session: its key, its punches, and what was said last."""

    session: HostSession
    key: PunchKey
    puncher: Puncher
    serial: int = 0
    heard: int = -1


class Reachability:
    """Punches of all sessions, on the host's one socket. `hashes`: SHA-256 of the certificates it presents."""

    def __init__(
        self,
        endpoint: Endpoint,
        whereabouts: Whereabouts,
        entropy: Callable[[int], bytes],
        hashes: Callable[[], tuple[bytes, ...]],
        *,
        direct: bool,
        anybody: bool,
    ) -> None:
        self._endpoint = endpoint
        self._whereabouts = whereabouts
        self._entropy = entropy
        self._hashes = hashes
        self._direct = direct
        self._anybody = anybody
        self._allowance = Allowance(OF_ALL)
        self._reached: dict[bytes, _Reached] = {}

    # sessions

    def joined(self, session: HostSession) -> None:
        """It was admitted: say where we are."""
        if not self._direct:
            return
        key = PunchKey(session.punch_key)
        self._reached[key.tag] = reached = _Reached(
            session=session, key=key, puncher=Puncher(key, False, self._entropy, self._allowance)
        )
        self._say(reached)

    def gone(self, session: HostSession) -> None:
        """It is over."""
        for tag in [tag for tag, reached in self._reached.items() if reached.session is session]:
            del self._reached[tag]

    def candidates(self, session: HostSession, message: Candidates, now: float) -> None:
        """Its viewer says where it might be reached: punch there. An older word than the last one counts no more."""
        for reached in self._reached.values():
            if reached.session is session and message.serial > reached.heard:
                reached.heard = message.serial
                near = session.attachment.near
                targets = reachable(from_rows(message.rows), self._whereabouts.site(), near=near)
                reached.puncher.aim([candidate.address for candidate in targets], now)
                self._send(reached)

    def moved(self) -> None:
        """Our addresses have changed: say the new ones to everybody."""
        for reached in self._reached.values():
            self._say(reached)

    def _say(self, reached: _Reached) -> None:
        reached.serial += 1
        rows = to_rows(self._whereabouts.candidates())
        reached.session.send(Candidates(reached.serial, rows, self._hashes()))

    # the socket

    def raw(self, data: bytes, address: Address, now: float) -> None:
        """A datagram that is not QUIC."""
        reached = self._reached.get(tag_of(data) or b"")
        if reached is not None:
            reached.puncher.receive(data, address, now)
            self._send(reached)

    def admits(self, destination: bytes, address: Address) -> bool:
        """Whether a connection may be begun with this first destination connection ID.

        A browser can't choose it. So while a viewer that looks for the direct path is in, who is in one of our own
        networks may knock: ATTACH and the channels' MACs decide, and the endpoint's limits bound what that costs.
        """
        if self._anybody or any(reached.key.names(destination) for reached in self._reached.values()):
            return True
        seeking = any(reached.heard >= 0 for reached in self._reached.values())
        return seeking and in_own_network(address[0], self._whereabouts.site())

    def _send(self, reached: _Reached) -> None:
        for data, address in reached.puncher.take_output():
            self._endpoint.send_raw(data, address)

    def next_timeout(self) -> float | None:
        """When `handle_timer` wants to be called."""
        due = [reached.puncher.next_timeout() for reached in self._reached.values()]
        return min((at for at in due if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Punch what is due."""
        for reached in self._reached.values():
            reached.puncher.handle_timer(now)
            self._send(reached)
