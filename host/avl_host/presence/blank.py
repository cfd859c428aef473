"""Blank: while somebody works here whom nobody in front of the screen has let in, it is dark and its keys do nothing.

Who walks past an unattended machine neither reads along nor takes over. It fails closed: a session that nobody here
allowed begins only once the screen is dark and locked, and ends when that can't be kept up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import CloseCode

#: Seconds between two looks at whether it is still dark: the X server does not tell who lights a screen.
CHECK = 1.0


class Blanker(Protocol):
    """What darkens and locks."""

    def darken(self) -> str:
        """Make it so, or make sure that it still is; "" or why it is not. What can't be done whole is undone."""

    def lighten(self) -> None:
        """As it was before; idempotent."""

    def close(self) -> None:
        """Lighten, and let go of the display."""


class RememberingBlanker:
    """A double: whether it is dark; `fails` is what it answers."""

    def __init__(self) -> None:
        self.dark = False
        self.fails = ""

    def darken(self) -> str:
        """See Blanker."""
        self.dark = not self.fails
        return self.fails

    def lighten(self) -> None:
        """See Blanker."""
        self.dark = False

    def close(self) -> None:
        """See Blanker."""
        self.dark = False


class BlankWatch(Service[HostSession]):
    """Has it dark for as long as there is a session that nobody here was asked about, those that are lost for the
    moment included. Without a blanker it does nothing."""

    def __init__(self, blanker: Blanker | None, tell: Callable[[str], None]) -> None:
        self._blanker = blanker
        self._tell = tell
        self._audience: Audience | None = None
        self._unattended: set[HostSession] = set()
        self._check: float | None = None

    def follow(self, audience: Audience) -> None:
        """Whose sessions these are."""
        self._audience = audience

    def begins(self, session: HostSession) -> None:
        """A session is about to be admitted. Raises Refused (HOST_FAILED) where the screen must be dark and isn't."""
        if self._blanker is None or session.agreed is not None:
            return
        if why := self._blanker.darken():
            self._tell(f"A session was refused: {why}.")
            if not self._unattended:
                self._blanker.lighten()
            raise Refused(CloseCode.HOST_FAILED)

    def admitted(self, session: HostSession, now: float) -> None:
        """It runs, in the dark if nobody was asked."""
        if self._blanker is not None and session.agreed is None:
            self._unattended.add(session)
            self._check = now + CHECK

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """With the last of them there is light again."""
        self._unattended.discard(session)
        if not self._unattended and self._check is not None and self._blanker is not None:
            self._check = None
            self._blanker.lighten()

    def next_timeout(self) -> float | None:
        """When to look whether it is still dark."""
        return self._check

    def handle_timer(self, now: float) -> None:
        """Make sure; end what must not be seen."""
        if self._check is None or now < self._check or self._blanker is None:
            return
        self._check = now + CHECK
        if why := self._blanker.darken():
            self._tell(f"Sessions were ended: {why}.")
            for session in list(self._unattended):
                if self._audience is not None:
                    self._audience.end(session, CloseCode.HOST_FAILED, now)

    def close(self) -> None:
        """There is light again."""
        if self._blanker is not None:
            self._blanker.close()
