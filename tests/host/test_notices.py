"""Who came and went, told elsewhere: whatever hangs or fails there costs nothing here."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from avl_host.presence.desktopnotices import DesktopNotices
from avl_host.presence.mail import Mail
from avl_host.presence.notices import WAITING, Notice, Notices, RememberingTeller
from avl_host.presence.watch import PresenceWatch
from avl_host.presence.webhook import Webhook
from avl_protocol.wire.registry import CloseCode, Permission
from tests.host.test_subscribers import Lobby
from tests.tools import need

NOTICE = Notice(what="begun", device="ABCD", name="<b>Ann</b>\u2026", verified=False, acts=True, asked=False)


async def settled(condition: object, seconds: float = 3.0) -> None:
    """Wait until a callable says yes."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_notice_says_who_and_what_and_that_a_name_is_nobodys_word() -> None:
    assert NOTICE.sentence == '"<b>Ann</b>\u2026" (unverified) sees this screen, types and clicks.'
    known = Notice(what="ended", device="ABCD", name="Ann", verified=True, acts=False, asked=True, why="evicted")
    assert known.sentence == '"Ann" has left.'
    assert json.loads(known.to_json())["event"] == "session ended"


async def test_a_teller_that_hangs_delays_nobody_and_holds_no_more_than_it_may() -> None:
    said: list[str] = []
    hangs, works = RememberingTeller(hangs=True), RememberingTeller()
    notices = Notices([hangs, works], said.append, limit=0.05)
    begun = time.process_time()
    for _ in range(5 * WAITING):
        notices.put(NOTICE)
    assert time.process_time() - begun < 0.1
    assert notices.dropped == 2 * 4 * WAITING, "the oldest make room"
    await settled(lambda: len(works.told) == WAITING)
    await settled(lambda: notices.dropped == 2 * 4 * WAITING + WAITING, 10)
    assert len(said) == 1 and "sessions go on" in said[0], "once, not for each"
    notices.close()


async def test_a_teller_that_fails_is_told_of_once_and_again_after_it_worked() -> None:
    said: list[str] = []
    teller = RememberingTeller(fails=True)
    notices = Notices([teller], said.append)
    for fails in (True, True, False, True):
        teller.fails = fails
        before = notices.dropped + len(teller.told)
        notices.put(NOTICE)
        await settled(lambda: notices.dropped + len(teller.told) == before + 1)  # noqa: B023
    assert len(said) == 2 and len(teller.told) == 1


async def test_sessions_are_told_of_as_they_begin_and_end(tmp_path: Path) -> None:
    teller = RememberingTeller()
    lobby = Lobby(tmp_path, presence=PresenceWatch((), Notices([teller], print)))
    lobby.admit(1, Permission.VIEW, "Bo")
    lobby.subscribers.end_all(CloseCode.EVICTED, lobby.clock.now)
    await settled(lambda: len(teller.told) == 2)
    begun, ended = teller.told
    assert (begun.what, begun.name, begun.acts, begun.asked, begun.verified) == ("begun", "Bo", False, False, False)
    assert (ended.what, ended.why) == ("ended", "evicted")


# -- webhook -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A web server that answers so, or not at all; its address and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        asked.append(head + await reader.readexactly(length))
        try:
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass  # it has heard enough
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hook?key=1", asked
    finally:
        listening.close()


async def test_a_webhook_is_posted_what_happened() -> None:
    async with server(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, asked):
        await Webhook(url).tell(NOTICE)
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?key=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert json.loads(body) == {
        "event": "session begun",
        "what": "begun",
        "device": "ABCD",
        "name": "<b>Ann</b>\u2026",
        "why": "",
        "verified": False,
        "acts": True,
        "asked": False,
    }


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 no\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
        b"",
        b"SSH-2.0\r\n",
        b"x" * 100_000,
        b"HTTP/1.1 two\r\n\r\n",
    ],
    ids=["500", "redirect", "nothing", "another protocol", "no end", "no status"],
)
async def test_what_is_no_yes_is_a_failure(answer: bytes) -> None:
    async with server(answer) as (url, _):
        with pytest.raises(OSError):
            await Webhook(url).tell(NOTICE)


async def test_a_webhook_that_hangs_is_left(tmp_path: Path) -> None:
    said: list[str] = []
    async with server(None) as (url, asked):
        notices = Notices([Webhook(url)], said.append, limit=0.1)
        lobby = Lobby(tmp_path, presence=PresenceWatch((), notices))
        begun = time.monotonic()
        session = lobby.admit(1)
        assert not session.over and time.monotonic() - begun < 0.3
        await settled(lambda: notices.dropped == 1)
        assert asked and len(said) == 1


@pytest.mark.parametrize("url", ["", "ftp://x/", "https://", "example.org/hook", "http://a b/", "http://x/\r\nA: b"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="webhook"):
        Webhook(url)


# -- mail --------------------------------------------------------------------------------------------------------------


class Letters:
    """What a mail server was given (aiosmtpd's handler)."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append((envelope, session.ssl is not None, session.auth_data))
        return "250 taken"


class Logins:
    """Takes one name and password."""

    def __call__(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"ada", b"p@ss/word")
        return AuthResult(success=right, auth_data=data.login.decode(), handled=right)


def contexts(folder: Path) -> tuple[ssl.SSLContext, Callable[[], ssl.SSLContext]]:
    """A mail server's, and one that trusts it, for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "mail.pem").write_bytes(signed + secret)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "mail.pem")
    return serving, lambda: ssl.create_default_context(cadata=signed.decode())


@asynccontextmanager
async def mail_server(
    letters: Letters, tls: ssl.SSLContext | None, scheme: str, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A mail server on a free port of this machine."""

    def protocol() -> SMTP:
        starts = tls if scheme == "smtp" else None
        login: dict[str, Any] = {"authenticator": Logins(), "auth_require_tls": tls is not None and scheme == "smtp"}
        return SMTP(letters, tls_context=starts, require_starttls=starts is not None, hostname="localhost", **login)

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(protocol, host, 0, ssl=tls if scheme == "smtps" else None)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_letter_goes_to_the_owner_by_tls_with_a_login(tmp_path: Path, scheme: str) -> None:
    letters, (serving, trusting) = Letters(), contexts(tmp_path)
    async with mail_server(letters, serving, scheme) as port:
        mail = Mail(f"{scheme}://ada:p%40ss%2Fword@localhost:{port}?to=me@example.org&from=host@example.org", trusting)
        await mail.tell(NOTICE)
        with pytest.raises(OSError, match="535"):
            await Mail(f"{scheme}://ada:wrong@localhost:{port}?to=me@example.org", trusting).tell(NOTICE)
        with pytest.raises(OSError, match="certificate"):
            await Mail(f"{scheme}://ada:p%40ss%2Fword@localhost:{port}?to=me@example.org").tell(NOTICE)
    [(envelope, _, login)] = letters.got
    assert (envelope.mail_from, envelope.rcpt_tos, login) == ("host@example.org", ["me@example.org"], "ada")
    letter = message_from_bytes(envelope.content, policy=policy.default)
    assert letter["Subject"] == "avl: somebody sees your screen" and letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_content()
    assert text.startswith('"<b>Ann</b>\u2026" (unverified) sees this screen, types and clicks.') and "ABCD" in text


async def test_without_tls_a_letter_goes_to_this_machine_alone_and_no_password_anywhere(tmp_path: Path) -> None:
    letters = Letters()
    async with mail_server(letters, None, "smtp") as port:
        await Mail(f"smtp://localhost:{port}?to=me@example.org").tell(NOTICE)
        with pytest.raises(OSError, match="no TLS"):
            await Mail(f"smtp://ada:p@localhost:{port}?to=me@example.org").tell(NOTICE)
    async with mail_server(letters, None, "smtp", "127.0.0.2") as port:
        with pytest.raises(OSError, match="no TLS"):
            await Mail(f"smtp://127.0.0.2:{port}?to=me@example.org").tell(NOTICE)
    assert len(letters.got) == 1


async def test_a_name_makes_no_header_of_a_letter() -> None:
    evil = replace(NOTICE, name="x\r\nBcc: all@example.org\r\n\r\nbody")
    letter = Mail("smtps://mail.example.org?to=me@example.org").letter(evil)
    assert letter["Bcc"] is None and letter.get_content().splitlines()[0].endswith("types and clicks.")


async def test_a_mail_server_that_hangs_is_left_and_gets_no_second_letter() -> None:
    said: list[str] = []
    held: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    mail = Mail(f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}?to=me@example.org")
    notices = Notices([mail], said.append, limit=0.1)
    notices.put(NOTICE)
    notices.put(NOTICE)
    await settled(lambda: notices.dropped == 2)
    assert len(said) == 1 and "the mail server can't be told" in said[0]
    with pytest.raises(OSError, match="the one before"):
        await mail.tell(NOTICE)
    listening.close()
    for writer in held:
        writer.transport.abort()
    await settled(lambda: not any(one.name == "mail" for one in threading.enumerate()))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org?to=a@b",
        "smtps://?to=a@b",
        "smtps://x",
        "smtps://x?to=nobody",
        "smtps://x?to=a@b%0aBcc:c@d",
        "smtps://x?to=A <a@b>",
        "smtps://x?to=a@b&cc=c@d",
    ],
)
def test_what_is_no_mail_server_is_said_at_once_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="smtps://NAME:PASSWORD@SERVER"):
        Mail(url)


# -- the desktop's notifications ---------------------------------------------------------------------------------------


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A session bus of the test's own; its address is in the environment."""
    daemon = subprocess.Popen(
        [need("dbus-daemon"), "--session", "--nofork", f"--address=unix:path={tmp_path / 'bus'}", "--print-address=1"],
        stdout=subprocess.PIPE,
    )
    assert daemon.stdout is not None
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", daemon.stdout.readline().decode().strip())
    yield daemon
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()


async def test_the_desktop_is_told_in_plain_text(bus: object) -> None:
    from jeepney import MessageType, new_method_return
    from jeepney.bus_messages import message_bus
    from jeepney.io.asyncio import open_dbus_connection

    with pytest.raises(OSError, match="refused"):
        await DesktopNotices().tell(NOTICE)  # nobody shows notifications here
    service = await open_dbus_connection(bus="SESSION")
    told: list[tuple[object, ...]] = []

    async def serve() -> None:
        while True:
            message = await service.receive()
            if message.header.message_type is MessageType.method_call:
                told.append(message.body)
                await service.send(new_method_return(message, "u", (7,)))

    await service.send(message_bus.RequestName("org.freedesktop.Notifications"))
    serving = asyncio.create_task(serve())
    try:
        async with asyncio.timeout(5):
            while not told:
                try:
                    await DesktopNotices().tell(NOTICE)
                except OSError:
                    await asyncio.sleep(0.02)
        assert told[0][3] == NOTICE.sentence and told[0][4] == "", "no body: it might be taken for markup"
    finally:
        serving.cancel()
        await service.close()


async def test_without_a_bus_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, "DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    with pytest.raises(OSError):
        await DesktopNotices().tell(NOTICE)
    monkeypatch.delitem(os.environ, "DBUS_SESSION_BUS_ADDRESS")
    with pytest.raises(OSError):
        await DesktopNotices().tell(NOTICE)
