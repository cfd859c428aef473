"""What a relay logs is one line of ASCII, whatever stands in an event, and nothing that anybody has to keep secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from avl_protocol.wire.registry import CloseCode
from avl_protocol.wire.target import show_pin
from avl_relay.operators.log import HIDDEN, SECRET, Format, configure_log
from tests.simulator.run import Simulation
from tests.simulator.world import CODE, VIEWER, system
from tests.system.seen import number, online, run

SEED = bytes(range(32))


@pytest.fixture
def unchanged() -> Iterator[None]:
    """Logging as it was, afterwards."""
    handlers, level = list(logging.root.handlers), logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def logged(form: Format = Format.TEXT) -> io.StringIO:
    """Where events go from now on."""
    to = io.StringIO()
    configure_log(form, to)
    return to


def test_an_event_is_one_line_whatever_a_stranger_called_itself() -> None:
    program = (
        "import structlog; from avl_relay.operators.log import configure_log; configure_log(); "
        "structlog.get_logger('relay').info('host online', device='\\x1b[2J\\n\\u202e' + 'x' * 5000, why=None, port=7)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    (line,) = done.stderr.splitlines()
    assert "x1b" in line and "port=7" in line
    assert line.isascii() and line.isprintable() and len(line) < 400


def test_json_is_one_object_an_event(unchanged: None) -> None:
    to = logged(Format.JSON)
    structlog.get_logger("relay").info("host online", device="a\nb", port=7, seconds=0.5, why=CloseCode.LIMIT)
    event = json.loads(to.getvalue())
    assert to.getvalue().count("\n") == 1 and to.getvalue().isascii()
    wanted = {"event": "host online", "level": "info", "port": 7, "seconds": 0.5}
    assert {name: event[name] for name in wanted} == wanted
    assert "\n" not in event["device"] and event["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", list(Format))
def test_bytes_objects_and_what_is_named_like_a_secret_never_show(form: Format, unchanged: None) -> None:
    to = logged(form)
    log = structlog.get_logger("relay")
    for name in SECRET:
        log.warning("a mistake", **{name: CODE, name.upper(): CODE})
    log.warning("a mistake", data=SEED, more=bytearray(SEED), many=[SEED, CODE], table={"x": CODE}, what=Holder(CODE))
    text = to.getvalue()
    assert leaks(text, SEED) == [] and CODE not in text
    assert text.count("\n") == len(SECRET) + 1 and HIDDEN in text and "(32 bytes)" in text and "(Holder)" in text


class Holder:
    """An object that would show what it holds."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def leaks(text: str, secret: bytes) -> list[str]:
    """The spellings of a secret that stand in a text."""
    plain = base64.b64encode(secret).decode().rstrip("=")
    spellings = [secret.hex(), secret.hex().upper(), plain, base64.urlsafe_b64encode(secret).decode().rstrip("=")]
    spellings += [repr(secret), secret.decode("latin-1")]
    return [spelling for spelling in spellings if spelling in text]


def held(data: bytes, public: set[str]) -> list[bytes]:
    """What a program keeps in a file of its state folder: keys as they are, tickets as words of a text."""
    if len(data) == 32:
        return [data]
    return [word for word in re.findall(rb"[A-Za-z0-9_+/=-]{16,}", data) if word.decode() not in public]


def test_what_libraries_log_is_an_event_too(unchanged: None) -> None:
    to = logged(Format.JSON)
    logging.getLogger("uvicorn.error").warning("two\nlines %s", "here")
    logging.getLogger("quic").info("too much")
    event = json.loads(to.getvalue())
    assert (event["level"], event["logger"]) == ("warning", "uvicorn.error") and "here" in event["event"]
    assert "\n" not in event["event"]


def test_of_a_whole_session_nothing_secret_is_logged_and_no_viewers_address(unchanged: None) -> None:
    to = logged()

    async def main(simulation: Simulation) -> list[bytes]:
        async with system(simulation) as s, s.host() as host:
            await online(host)
            async with s.viewer(host, reconnect=True) as desktop:
                await number(desktop)
                await desktop.type("typed-canary")
                assert s.relay_instance is not None
                await s.relay_instance.drain(1.0)
            public = {show_pin(s.relay_instance.identity.pin), host.agent.identity.device_id}
            return [kept for path in s.folder.rglob("*") if path.is_file() for kept in held(path.read_bytes(), public)]

    secrets, _ = run(main)
    text = to.getvalue()
    for event in ("relay ready", "host online", "session admitted", "session ended", "draining", "drained"):
        assert f"event='{event}'" in text
    assert len(secrets) > 3
    assert [found for secret in secrets for found in leaks(text, secret)] == []
    assert CODE not in text and "typed-canary" not in text and VIEWER not in text
