"""The window and the clipboard of its system: formats are fetched when a program here pastes, and read when one there
does."""

from __future__ import annotations

import base64
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from avl_protocol.wire.registry import ClipboardState, InputKind, Permission
from tests.tools import need
from tests.viewer.stage import PATIENCE, Actor, Display, eventually, staged

pytestmark = pytest.mark.display

SIZE = (640, 480)
#: What a code admits to, files among it.
PERMISSIONS = 31 | int(Permission.FILES_IN | Permission.FILES_OUT)
ORIGIN = "0123456789abcdef0123456789abcdef"


def png(width: int, height: int, rows: bytes) -> bytes:
    """A picture in shades of grey that says it is so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


LARGE = png(900, 900, b"".join(b"\0" + random.Random(1).randbytes(900) for _ in range(900)))


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, permissions=PERMISSIONS) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("status", stage="running")
        actor.show(1, SIZE)
        eventually(display.focus_is_set, "the window has the keyboard")
        yield display, actor


def xclip(display: Display, *words: str) -> list[str]:
    return [need("xclip"), "-display", display.name, "-selection", "clipboard", *words]


def pasting(display: Display, target: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(xclip(display, "-t", target, "-o"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def pasted(process: subprocess.Popen[bytes]) -> bytes:
    return process.communicate(timeout=PATIENCE)[0]


def copy(display: Display, file: Path, target: str) -> None:
    subprocess.run(xclip(display, "-t", target, "-i", str(file)), check=True, timeout=PATIENCE)


def deliver(actor: Actor, name: str, data: bytes | None) -> None:
    actor.order("fetched", format=name, data=None if data is None else base64.b64encode(data).decode())


def test_what_the_host_copied_is_fetched_when_a_program_pastes_and_pictures_go_on(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    actor.order("copied", text="gr\u00fcn", formats=["image/png", "text/html"], stamp=7, origin=ORIGIN)
    actor.settle()
    targets = pasted(pasting(display, "TARGETS")).decode().split()
    assert {"image/png", "text/html", "UTF8_STRING", "application/x-avl-origin"} <= set(targets)
    assert pasted(pasting(display, "UTF8_STRING")).decode() == "gr\u00fcn"
    process = pasting(display, "image/png")
    assert actor.hear("fetch") == [7, "image/png"]
    for number in range(2, 6):
        actor.show(number, SIZE, seed=number)
    deliver(actor, "image/png", LARGE)
    assert pasted(process) == LARGE
    assert pasted(pasting(display, "image/png")) == LARGE, "it is fetched once"
    assert pasted(pasting(display, "application/x-avl-origin")).hex() == ORIGIN
    process = pasting(display, "text/html")
    assert actor.hear("fetch") == [7, "text/html"]
    deliver(actor, "text/html", None)
    assert pasted(process) == b""
    assert "it did not come" in actor.toast()


def test_a_program_that_knows_another_format_gets_one_unless_the_picture_is_absurd(
    stage: tuple[Display, Actor],
) -> None:
    display, actor = stage
    for stamp, picture in ((8, LARGE), (9, png(60_000, 60_000, b""))):
        actor.order("copied", text=None, formats=["image/png"], stamp=stamp)
        actor.settle()
        process = pasting(display, "image/bmp")
        assert actor.hear("fetch") == [stamp, "image/png"]
        deliver(actor, "image/png", picture)
        made = pasted(process)
        assert made[:2] == b"BM" if picture is LARGE else made == b""


def test_what_is_copied_here_is_offered_and_read_when_somebody_pastes_there(
    stage: tuple[Display, Actor], tmp_path: Path
) -> None:
    display, actor = stage
    (tmp_path / "picture").write_bytes(LARGE)
    copy(display, tmp_path / "picture", "image/png")
    assert actor.hear("offered") == [None, ["image/png"], ""]
    actor.order("read", format="image/png")
    assert base64.b64decode(actor.hear("read")) == LARGE
    (tmp_path / "html").write_bytes("<i>\u00fc</i>".encode("utf-16"))
    copy(display, tmp_path / "html", "text/html")
    assert actor.hear("offered") == [None, ["text/html"], ""]
    actor.order("read", format="text/html")
    assert base64.b64decode(actor.hear("read")).decode() == "<i>\u00fc</i>"


def test_files_are_fetched_when_a_program_pastes_their_list(stage: tuple[Display, Actor], tmp_path: Path) -> None:
    display, actor = stage
    actor.order("copied", text=None, formats=["application/x-avl-files"], stamp=11, origin=ORIGIN)
    actor.settle()
    targets = set(pasted(pasting(display, "TARGETS")).decode().split())
    assert {"text/uri-list", "x-special/gnome-copied-files"} <= targets
    process = pasting(display, "text/uri-list")
    assert actor.hear("fetch") == [11, "application/x-avl-files"]
    deliver(actor, "application/x-avl-files", b"file:///tmp/brought/a%20b\r\n")
    assert pasted(process) == b"file:///tmp/brought/a%20b\r\n"
    assert pasted(pasting(display, "x-special/gnome-copied-files")) == b"copy\nfile:///tmp/brought/a%20b"
    (tmp_path / "list").write_bytes(b"file:///tmp/ours\r\n")
    copy(display, tmp_path / "list", "text/uri-list")
    assert actor.hear("offered") == [None, ["application/x-avl-files"], ""]
    actor.order("read", format="application/x-avl-files")
    assert base64.b64decode(actor.hear("read")) == b"file:///tmp/ours\r\n"


def test_what_was_replaced_is_not_read_under_the_name_of_what_was_offered(
    stage: tuple[Display, Actor], tmp_path: Path
) -> None:
    display, actor = stage
    (tmp_path / "picture").write_bytes(LARGE)
    copy(display, tmp_path / "picture", "image/png")
    assert actor.hear("offered")[1] == ["image/png"]
    display.key(30, True)
    actor.typed(1)
    before = display.focus(display.window())
    assert actor.typed(1) == [[InputKind.RELEASE_ALL]], "it has noticed"
    display.key(30, False)
    (tmp_path / "secret").write_bytes(b"<b>secret</b>")
    copy(display, tmp_path / "secret", "image/png")
    actor.settle()
    actor.order("read", format="image/png")
    assert actor.hear("read") == ClipboardState.GONE, "it is not the host's before the window has the keyboard"
    display.focus(before)
    assert actor.hear("offered")[1] == ["image/png"]


def test_what_another_viewer_put_there_is_offered_with_its_origin(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": display.name}
    code = (
        "import sys; from PySide6.QtGui import QGuiApplication as A; from PySide6.QtCore import QMimeData as M;"
        "a = A([]); m = M(); m.setData('image/png', b'png'); m.setText('x');"
        "m.setData('application/x-avl-origin', bytes.fromhex(sys.argv[1]));"
        "a.clipboard().setMimeData(m); a.exec()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, ORIGIN], env=environment)
    try:
        assert actor.hear("offered") == ["x", ["image/png"], ORIGIN]
    finally:
        process.kill()
        process.wait(PATIENCE)
