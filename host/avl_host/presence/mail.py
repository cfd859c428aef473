"""Mail: sends notices to the owner through a mail server (SMTP, RFC 5321; TLS, RFC 8314).

The text has a name that others chose in its body alone, one line long, so that no name makes a header. The server is
spoken to in a thread of its own, one letter at a time: one that hangs costs its own letters.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from avl_host.presence.notices import LIMIT, Notice
from avl_host.presence.spoken import say

_PORTS = {"smtps": 465, "smtp": 587}
_HERE = ("localhost", "127.0.0.1", "::1")
_HOW = "give smtps://NAME:PASSWORD@SERVER?to=ADDRESS, or smtp:// for a server that begins without TLS"


class Mail:
    """A Teller. `url`: "smtps://[NAME:PASSWORD@]SERVER[:465]?to=ADDRESS[&from=ADDRESS]", which speaks TLS from the
    beginning, or "smtp://...", which asks for it (STARTTLS); without TLS nothing is sent, but to this machine itself,
    and no password anywhere. Raises ValueError for anything else."""

    name = "the mail server"

    def __init__(self, url: str, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        if parts.scheme not in _PORTS or not parts.hostname or not url.isprintable() or set(asked) - {"to", "from"}:
            raise ValueError(f"that is no address of a mail server: {_HOW}")
        self._to = _address(asked.get("to", [""])[0])
        self._from = _address(asked.get("from", [self._to])[0])
        self._host, self._port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._login = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._at_once = parts.scheme == "smtps"
        self._context = context
        self._busy = threading.Lock()

    async def tell(self, notice: Notice) -> None:
        """See Teller."""
        if not self._busy.acquire(blocking=False):
            raise OSError("it still has not answered about the one before")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        letter = self.letter(notice)

        def settle(error: OSError | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def send() -> None:
            failed: OSError | None = None
            try:
                self._send(letter)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                failed = OSError(str(error) or type(error).__name__)
            finally:
                self._busy.release()
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, failed)

        threading.Thread(target=send, name="mail", daemon=True).start()
        await done

    def letter(self, notice: Notice) -> EmailMessage:
        """The letter about a notice."""
        made = EmailMessage()
        made["Subject"] = say("mail.begun" if notice.what == "begun" else "mail.ended")
        made["From"], made["To"] = self._from, self._to
        made["Date"], made["Message-ID"] = formatdate(localtime=False), make_msgid(domain="avl.invalid")
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        let_in = f"{say('mail.asked')}\n" if notice.asked else ""
        known = say("mail.id", id=notice.device)
        made.set_content(f"{' '.join(notice.sentence.split())}\n\n{known}\n{let_in}")
        return made

    def _send(self, letter: EmailMessage) -> None:
        """Hand it to the server. Raises OSError, SMTPException."""
        with self._connected() as server:
            secure = self._at_once
            server.ehlo_or_helo_if_needed()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=self._context())
                secure = True
            if not secure and (self._host not in _HERE or self._login[0]):
                raise OSError("it offers no TLS, and nothing is sent to it without")
            if self._login[0]:
                server.login(*self._login)
            server.send_message(letter)

    def _connected(self) -> smtplib.SMTP:
        if self._at_once:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=LIMIT, context=self._context())
        return smtplib.SMTP(self._host, self._port, timeout=LIMIT)


def _address(text: str) -> str:
    """A mail address. Raises ValueError."""
    _, found = parseaddr(text)
    name, at, place = found.rpartition("@")
    if found != text or not (name and at and place) or not text.isascii() or not text.isprintable():
        raise ValueError(f"{text!r} is no mail address: {_HOW}")
    return text
