"""Clipboard: texts that are copied on the host's desktop, and texts that viewers set there (spec 04-session, 4.7)."""

from __future__ import annotations

from avl_host.desktop.clipboard import ClipboardPort
from avl_host.services.audience import Audience
from avl_protocol.session.host import HostSession
from avl_protocol.session.services import Service
from avl_protocol.wire.channels import permits
from avl_protocol.wire.cliptext import Content, as_told, content_of
from avl_protocol.wire.endtoend import Clipboard, ClipboardAsk, ClipboardSet
from avl_protocol.wire.errors import Refused
from avl_protocol.wire.registry import Channel, ClipboardState, Permission


class ClipboardService(Service[HostSession]):
    """One clipboard and all who may read or set it."""

    def __init__(self, audience: Audience, port: ClipboardPort) -> None:
        self._audience = audience
        self._port = port
        self._serial = 0
        self._present: set[HostSession] = set()
        #: Sessions that had no path when the clipboard changed, or when they had asked for it.
        self._missed: set[HostSession] = set()

    # sessions

    def admitted(self, session: HostSession, now: float) -> None:
        """Its viewer may be told from now on."""
        self._present.add(session)

    def opened(self, session: HostSession, channel: int, now: float) -> None:
        """What was copied before there was a path to tell it by is told now (R-SESS-51)."""
        if channel == Channel.BULK and session in self._missed:
            self._missed.discard(session)
            self._audience.start(self._answer(session))

    def ended(self, session: HostSession, reason: Refused, now: float) -> None:
        """It misses nothing any more."""
        self._present.discard(session)
        self._missed.discard(session)

    # messages

    def set(self, session: HostSession, message: Clipboard, now: float) -> None:
        """A viewer sets the clipboard: say what became of it, and tell the others (R-SESS-24)."""
        state, content = ClipboardState.TEXT, content_of(message.text)
        if content in (ClipboardState.TOO_LARGE, ClipboardState.NOT_TEXT):
            state = ClipboardState(content)
        elif not self._port.set(content if isinstance(content, str) else ""):
            state = ClipboardState.NO_ANSWER
        session.send(ClipboardSet(message.serial, state is ClipboardState.TEXT, state))
        if state is ClipboardState.TEXT:
            self.changed(content, session)

    def set_refused(self, session: HostSession, message: Clipboard, now: float) -> None:
        """A viewer that may not set it is told so."""
        session.send(ClipboardSet(message.serial, False, ClipboardState.NOT_PERMITTED))

    def asked(self, session: HostSession, message: ClipboardAsk, now: float) -> None:
        """A viewer asks what the clipboard holds; the program that owns it may need a while."""
        self._audience.start(self._answer(session))

    # the desktop

    def changed(self, content: Content, source: HostSession | None = None) -> None:
        """Something was copied, at the host or by the viewer `source`: tell those who may read it (R-SESS-23)."""
        message = self._told(content)

        def tell(session: HostSession) -> None:
            if session is not source and permits(session.permissions, Permission.CLIPBOARD_OUT):
                self._tell(session, message)

        self._audience.everybody(tell)

    async def _answer(self, session: HostSession) -> None:
        self._tell(session, self._told(await self._port.get()))

    def _told(self, content: Content) -> Clipboard:
        self._serial += 1
        state, text = as_told(content)
        return Clipboard(self._serial, text, state)

    def _tell(self, session: HostSession, message: Clipboard) -> None:
        """Tell a session, or remember that it has to be told once there is a path."""
        if session in self._present and permits(session.permissions, Permission.CLIPBOARD_OUT):
            (self._missed.discard if session.send(message) else self._missed.add)(session)
