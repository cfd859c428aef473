"""Selections to the letter of ICCCM, with old and odd clients, and with the programs that people have."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import xcffib
from hypothesis import given
from hypothesis import strategies as st

from avl_host.desktop.clipboard import X11Clipboard
from avl_host.selection import compound, targets
from avl_protocol.wire import clipfiles
from avl_protocol.wire.clipformats import FILES, Copy, Format
from avl_protocol.wire.cliptext import Content
from avl_protocol.wire.registry import MAX_CLIPBOARD_TEXT, ClipboardState
from tests.host.conftest import XServer
from tests.host.selection_peer import Peer, Property
from tests.tools import need, without

LATIN, WORLD = "Grüße\n", "Grüße, 漢字 ж 😀\nzweite Zeile\n"
LONG = WORLD * 8000


# -- targets, without a display ----------------------------------------------------------------------------------------


@given(st.text())
def test_compound_text_comes_back(text: str) -> None:
    assert compound.decode(compound.encode(text)) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain \xe4\n", "plain ä\n"),
        (b"\x1b-L\xd6\xd0 \x1b-A\xe4", "жа ä"),  # ISO 8859-5 on the right, and back
        (b"\x1b$(B\x34\x41\x3b\x7a\x1b(B.", "漢字."),  # JIS X 0208 on the left
        (b"\x1b$)A\xc4\xe3", "你"),  # GB 2312 on the right
        (b"\x1b$(C\x47\x51", "한"),  # KS C 5601
        (b"\x1b)I\xb1", "ｱ"),  # half-width katakana
        (b"\x1b%/1\x80\x88koi8-r\x02\xd6x", "жx"),  # an extended segment
        (b"\x1b%Gh\xc3\xa4\x1b%@\xe4", "hää"),
        (b"\x9b2]right to left\x9b]", "right to left"),
    ],
)
def test_compound_text_of_other_programs_is_read(data: bytes, text: str) -> None:
    assert compound.decode(data) == text


@pytest.mark.parametrize("data", [b"\x1b-z\xe4", b"\x1b%/1\x80\x85no\x02x", b"\x1b$(B\x34", b"\x1b%G\xff\x1b%@"])
def test_compound_text_of_unknown_sets_is_no_text(data: bytes) -> None:
    with pytest.raises(UnicodeError):
        compound.decode(data)


def test_the_best_target_is_taken() -> None:
    everything = [
        "TIMESTAMP",
        "text/plain",
        "TEXT",
        "STRING",
        "text/plain;charset=ISO-8859-15",
        "COMPOUND_TEXT",
        "image/png",
        "text/plain;charset=UTF-16",
        'Text/Plain; Charset="UTF-8"',
        "UTF8_STRING",
        "text/html",
        "text/plain;charset=klingon",
        "text/plain;charset=hex",
    ]
    assert targets.wanted(everything) == [
        "UTF8_STRING",
        'Text/Plain; Charset="UTF-8"',
        "text/plain;charset=UTF-16",
        "COMPOUND_TEXT",
        "text/plain;charset=ISO-8859-15",
        "STRING",
        "TEXT",
        "text/plain",
    ]
    assert targets.wanted(["image/png", "TARGETS"]) == []


# -- as the owner ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def clipboard(xvfb: XServer) -> AsyncIterator[X11Clipboard]:
    clipboard = X11Clipboard(xvfb.display)
    yield clipboard
    clipboard.close()


@pytest.fixture
async def peer(xvfb: XServer) -> AsyncIterator[Peer]:
    peer = Peer(xvfb.display)
    yield peer
    peer.close()


def names(peer: Peer, found: Property | None) -> list[str]:
    """The atoms of a property, by name."""
    assert found is not None and found[1] == 32
    atoms = [int.from_bytes(found[2][at : at + 4], "little") for at in range(0, len(found[2]), 4)]
    return [peer.name(atom) if atom else "None" for atom in atoms]


@pytest.mark.display
@pytest.mark.parametrize(
    ("text", "target", "kind", "data"),
    [
        (WORLD, "UTF8_STRING", "UTF8_STRING", WORLD.encode()),
        (WORLD, "text/plain;charset=utf-8", "text/plain;charset=utf-8", WORLD.encode()),
        (WORLD, "text/plain;charset=UTF-8", "text/plain;charset=UTF-8", WORLD.encode()),
        (WORLD, "text/plain", "text/plain", WORLD.encode()),
        (WORLD, "COMPOUND_TEXT", "COMPOUND_TEXT", compound.encode(WORLD)),
        (WORLD, "TEXT", "COMPOUND_TEXT", compound.encode(WORLD)),
        (LATIN, "TEXT", "STRING", LATIN.encode("latin-1")),
        (LATIN, "STRING", "STRING", LATIN.encode("latin-1")),
        ("漢x\n", "STRING", "STRING", b"?x\n"),
        (LATIN, "text/plain;charset=ISO-8859-1", "text/plain;charset=ISO-8859-1", LATIN.encode("latin-1")),
        ("a\r\nb\rc", "UTF8_STRING", "UTF8_STRING", b"a\nb\nc"),
        ("", "UTF8_STRING", "UTF8_STRING", b""),
    ],
)
async def test_a_text_is_served_under_each_target(
    clipboard: X11Clipboard, peer: Peer, text: str, target: str, kind: str, data: bytes
) -> None:
    assert clipboard.set(text)
    assert await peer.ask(target) == (kind, 8, data)
    assert await peer.ask(target, old=True) == (kind, 8, data), "a requestor that names no property"


@pytest.mark.display
async def test_the_owner_says_what_it_has_since_when_and_refuses_the_rest(clipboard: X11Clipboard, peer: Peer) -> None:
    assert clipboard.set(LATIN)
    had = names(peer, await peer.ask("TARGETS"))
    assert {"TARGETS", "MULTIPLE", "TIMESTAMP", "UTF8_STRING", "STRING", "TEXT", "COMPOUND_TEXT"} <= set(had)
    for target in had:
        assert target == "MULTIPLE" or await peer.ask(target) is not None, target
    since = await peer.ask("TIMESTAMP")
    assert since is not None and since[:2] == ("INTEGER", 32) and int.from_bytes(since[2], "little") > 0
    for unknown in ("image/png", "text/plain;charset=klingon", "MULTIPLE"):
        assert await peer.ask(unknown) is None
    assert clipboard.set(WORLD)
    assert "STRING" not in names(peer, await peer.ask("TARGETS")), "it would lose characters"
    assert await peer.ask("text/plain;charset=ISO-8859-1") is None
    assert await peer.ask("UTF8_STRING", time=int.from_bytes(since[2], "little") - 1) is None, "before it was ours"


@pytest.mark.display
async def test_several_targets_are_had_in_one_request(clipboard: X11Clipboard, peer: Peer) -> None:
    assert clipboard.set(LATIN)
    pairs = (("UTF8_STRING", "ONE"), ("image/png", "TWO"), ("STRING", "THREE"))
    answer = names(peer, await peer.ask("MULTIPLE", pairs=pairs))
    assert answer == ["UTF8_STRING", "ONE", "None", "None", "STRING", "THREE"]
    assert peer.take(peer.told_window, peer.atom("ONE")) == ("UTF8_STRING", 8, LATIN.encode())
    assert peer.take(peer.told_window, peer.atom("THREE")) == ("STRING", 8, LATIN.encode("latin-1"))
    assert peer.take(peer.told_window, peer.atom("TWO"))[0] == ""
    assert await peer.ask("MULTIPLE", old=True) is None, "it names its targets by a property"


@pytest.mark.display
async def test_long_texts_go_to_several_at_once(clipboard: X11Clipboard, peer: Peer) -> None:
    assert clipboard.set(LONG)
    asked = await asyncio.gather(*(peer.ask(target) for target in ("UTF8_STRING", "COMPOUND_TEXT", "UTF8_STRING")))
    utf8 = ("UTF8_STRING", 8, LONG.encode())
    assert asked == [utf8, ("COMPOUND_TEXT", 8, compound.encode(LONG)), utf8]
    assert clipboard.transfers == 0


@pytest.mark.display
async def test_a_transfer_goes_on_after_the_clipboard_is_somebody_elses(clipboard: X11Clipboard, peer: Peer) -> None:
    assert clipboard.set(LONG)
    asking = asyncio.ensure_future(peer.ask("UTF8_STRING"))
    while not clipboard.transfers:
        assert not asking.done(), "it is long enough to go in pieces"
        await asyncio.sleep(0)
    peer.own({"UTF8_STRING": ("UTF8_STRING", 8, b"newer")})
    assert await asking == ("UTF8_STRING", 8, LONG.encode())
    assert await clipboard.get() == "newer"
    assert clipboard.set("newest")
    await asyncio.wait_for(peer.cleared.wait(), 8)
    assert await peer.ask("UTF8_STRING") == ("UTF8_STRING", 8, b"newest")


# -- as a requestor ----------------------------------------------------------------------------------------------------


@pytest.mark.display
@pytest.mark.parametrize(
    ("offers", "content"),
    [
        ({"STRING": ("STRING", 8, "Grüße".encode("latin-1"))}, "Grüße"),
        ({"COMPOUND_TEXT": ("COMPOUND_TEXT", 8, b"\x1b$(B\x34\x41"), "STRING": ("STRING", 8, b"?")}, "漢"),
        ({"TEXT": ("COMPOUND_TEXT", 8, b"\x1b-L\xd6")}, "ж"),
        ({"TEXT": ("UTF8_STRING", 8, "ж".encode())}, "ж"),
        ({"text/plain;charset=utf-16": ("text/plain;charset=utf-16", 8, "ж\r\n".encode("utf-16"))}, "ж\n"),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"a\r\nb\rc")}, "a\nb\nc"),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"C string\0")}, "C string"),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"\xff"), "STRING": ("STRING", 8, b"second choice")}, "second choice"),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"")}, ClipboardState.EMPTY),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"a\0b")}, ClipboardState.NOT_TEXT),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"\xff\xfe")}, ClipboardState.NOT_TEXT),
        ({"UTF8_STRING": ("UTF8_STRING", 32, b"abcd")}, ClipboardState.NOT_TEXT),
        ({"image/png": ("image/png", 8, b"png")}, ClipboardState.NOT_TEXT),
        ({"UTF8_STRING": ("UTF8_STRING", 8, b"x" * (MAX_CLIPBOARD_TEXT + 1))}, ClipboardState.TOO_LARGE),
    ],
)
async def test_what_another_program_has_is_read_or_named(
    clipboard: X11Clipboard, peer: Peer, offers: dict[str, Property], content: Content
) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    peer.own(offers)
    assert await asyncio.wait_for(told.get(), 8) == content
    assert await clipboard.get() == content


@pytest.mark.display
async def test_an_owner_that_knows_no_targets_is_asked_for_the_old_ones(clipboard: X11Clipboard, peer: Peer) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    peer.own({"STRING": ("STRING", 8, b"from 1993")}, targets=False)
    assert await asyncio.wait_for(told.get(), 8) == "from 1993"


@pytest.mark.display
async def test_an_owner_that_does_not_answer_holds_nobody_up(clipboard: X11Clipboard, peer: Peer) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    peer.own({}, silent=frozenset({"UTF8_STRING"}))
    asking = asyncio.ensure_future(clipboard.get())
    async with asyncio.timeout(8):
        while "UTF8_STRING" not in peer.asked:
            await asyncio.sleep(0.01)
    peer.own({"UTF8_STRING": ("UTF8_STRING", 8, b"quick")})
    assert await asyncio.wait_for(told.get(), 8) == "quick"
    assert await asking == "quick" and told.empty()
    peer.answer_late(("UTF8_STRING", 8, b"slow"))
    await asyncio.sleep(0)
    assert peer.failed == [], "many programs end when they write to a window that is gone"
    assert await clipboard.get() == "slow" and told.empty()


@pytest.mark.display
async def test_an_owner_that_never_answers_is_named(
    clipboard: X11Clipboard, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avl_host.selection.requestor.PATIENCE", 0.1)
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    peer.own({}, silent=frozenset({"UTF8_STRING"}))
    assert await asyncio.wait_for(told.get(), 8) is ClipboardState.NO_ANSWER
    assert await clipboard.get() is ClipboardState.NO_ANSWER


async def copied(clipboard: X11Clipboard, peer: Peer, offers: dict[str, Property], targets: bool = True) -> Copy:
    """What is told once another program has copied this."""
    told: asyncio.Queue[Copy] = asyncio.Queue()
    clipboard.on_change = told.put_nowait
    peer.own(offers, targets=targets)
    return await told.get()


@pytest.mark.display
@pytest.mark.parametrize("bits", [8, 16, 32])
async def test_an_owner_that_answers_with_garbage_gives_nothing(bits: int, clipboard: X11Clipboard, peer: Peer) -> None:
    garbage = bytes(range(256)) * 16
    async with asyncio.timeout(8):
        copy = await copied(clipboard, peer, {"TARGETS": ("STRING", bits, garbage)}, targets=False)
        assert not isinstance(copy.content, str) and copy.formats == ()
        text = ("UTF8_STRING", bits, b"\xff" * 8)
        copy = await copied(clipboard, peer, {"image/png": ("INTEGER", bits, garbage), "UTF8_STRING": text})
        assert copy.content is ClipboardState.NOT_TEXT and [each.name for each in copy.formats] == ["image/png"]
        fetched = await clipboard.fetch(copy.stamp, "image/png")
    assert fetched == (garbage if bits == 8 else ClipboardState.NO_ANSWER), "bytes are handed on as they are"


@pytest.mark.display
async def test_an_owner_that_announces_more_than_may_be_is_not_waited_for(clipboard: X11Clipboard, peer: Peer) -> None:
    async with asyncio.timeout(8):
        copy = await copied(clipboard, peer, {"image/png": ("INCR", 32, (1 << 31).to_bytes(4, "little"))})
        assert await clipboard.fetch(copy.stamp, "image/png", 1 << 20) is ClipboardState.TOO_LARGE
        copy = await copied(clipboard, peer, {"image/png": ("image/png", 8, bytes(70_000))})
        assert await clipboard.fetch(copy.stamp, "image/png", 60_000) is ClipboardState.TOO_LARGE
        assert await clipboard.fetch(copy.stamp, "image/png", 70_000) == bytes(70_000)


@pytest.mark.display
async def test_files_are_a_list_for_each_file_manager_and_never_a_text(clipboard: X11Clipboard, peer: Peer) -> None:
    listed = b"copy\nfile:///tmp/gr%C3%BCn\nfile:///tmp/b%20c"
    text = ("UTF8_STRING", 8, b"/tmp/b c")
    async with asyncio.timeout(8):
        copy = await copied(clipboard, peer, {"x-special/gnome-copied-files": ("x", 8, listed), "UTF8_STRING": text})
        assert (copy.content, [each.name for each in copy.formats]) == (ClipboardState.NOT_TEXT, [FILES])
        fetched = await clipboard.fetch(copy.stamp, FILES)
        assert isinstance(fetched, bytes) and clipfiles.paths_of(fetched) == ("/tmp/gr\u00fcn", "/tmp/b c")

        async def give(format: str) -> bytes:
            return clipfiles.uris_of(("/tmp/gr\u00fcn", "/tmp/b c"))

        assert clipboard.offer(Copy(ClipboardState.NOT_TEXT, (Format(FILES),)), give)
        assert not {"UTF8_STRING", "text/plain"} & set(names(peer, await peer.ask("TARGETS")))
        assert await peer.ask("text/uri-list") == ("text/uri-list", 8, await give(""))
        assert await peer.ask("x-special/gnome-copied-files") == ("x-special/gnome-copied-files", 8, listed)
        assert await peer.ask("UTF8_STRING") is None


@pytest.mark.display
async def test_what_is_marked_counts_as_copied_only_where_that_is_wanted(xvfb: XServer) -> None:
    both, one, marking = (
        X11Clipboard(xvfb.display, primary=True),
        X11Clipboard(xvfb.display),
        Peer(xvfb.display, "PRIMARY"),
    )
    told: asyncio.Queue[Content] = asyncio.Queue()
    both.on_change = lambda copy: told.put_nowait(copy.content)
    try:
        async with asyncio.timeout(8):
            for text in (b"m", b"ma", b"marked"):  # as with each move of the mouse
                marking.own({"UTF8_STRING": ("UTF8_STRING", 8, text)})
            assert await told.get() == "marked" and told.empty()
            assert await both.get() == "marked" and await one.get() is ClipboardState.EMPTY
            assert both.set("pasted with the middle button")
            assert await marking.ask("UTF8_STRING") == ("UTF8_STRING", 8, b"pasted with the middle button")
            assert await one.get() == "pasted with the middle button"
            marking.own({"UTF8_STRING": ("UTF8_STRING", 8, b"marked again")})
            assert await told.get() == "marked again"
            marking.x.core.SetSelectionOwner(0, marking.clipboard, 0)
            marking.x.core.GetInputFocus().reply()
            await until_content(both, "pasted with the middle button")
    finally:
        marking.close()
        both.close()
        one.close()


async def until_content(clipboard: X11Clipboard, content: Content) -> None:
    """That nothing is marked any more is no copy: what was copied counts again."""
    while await clipboard.get() != content:
        await asyncio.sleep(0)


@pytest.mark.display
async def test_a_clipboard_whose_owner_went_away_is_empty_and_that_is_no_news(
    xvfb: XServer, clipboard: X11Clipboard
) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    other = Peer(xvfb.display)
    other.own({"UTF8_STRING": ("UTF8_STRING", 8, b"x")})
    assert await asyncio.wait_for(told.get(), 8) == "x"
    other.close()
    async with asyncio.timeout(8):
        while await clipboard.get() is not ClipboardState.EMPTY:
            await asyncio.sleep(0.01)
    assert told.empty()


@pytest.mark.display
async def test_a_display_that_goes_away_ends_who_asks_and_keeps_nobody_busy(own_xvfb: Callable[..., XServer]) -> None:
    server = own_xvfb()
    clipboard, peer = X11Clipboard(server.display), Peer(server.display)
    peer.own({}, silent=frozenset({"UTF8_STRING"}))
    asking, pasting = asyncio.ensure_future(clipboard.get()), asyncio.ensure_future(peer.ask("UTF8_STRING"))
    async with asyncio.timeout(8):
        while peer.asked.count("UTF8_STRING") < 2:
            await asyncio.sleep(0.01)
    server.end()
    assert await asyncio.wait_for(asking, 8) is ClipboardState.NO_ANSWER
    with pytest.raises(xcffib.ConnectionException):
        await asyncio.wait_for(pasting, 8)
    await asyncio.sleep(0.1)
    assert len(peer.failed) == 1, "it is told once"
    clipboard.close()
    peer.close()


# -- programs ----------------------------------------------------------------------------------------------------------

_QT = "import sys; from PySide6.QtGui import QGuiApplication as A; app = A([]); "
_QT_COPY = _QT + "app.clipboard().setText(open(sys.argv[1], newline='').read()); app.exec()"
_QT_PASTE = _QT + "open(sys.argv[1], 'w', newline='').write(app.clipboard().text())"
_GTK = (
    "import sys, gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk, Gdk; "
    "c = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD); "
)
_GTK_COPY = _GTK + "c.set_text(open(sys.argv[1], newline='').read(), -1); Gtk.main()"
_GTK_PASTE = _GTK + "open(sys.argv[1], 'w', newline='').write(c.wait_for_text() or '')"
_TERMINAL_PASTE = (
    "import sys, tty; tty.setraw(0); print(end='\\033]52;c;?\\a', flush=True); got = b''\n"
    "while not got.endswith((b'\\a', b'\\033\\\\')): got += sys.stdin.buffer.raw.read(1)\n"
    "open(sys.argv[1] + '.new', 'wb').write(got); import os; os.rename(sys.argv[1] + '.new', sys.argv[1])"
)


def _gtk() -> str:
    """A Python with GTK 3, which Debian gives to its own."""
    python = need("/usr/bin/python3")
    if subprocess.run([python, "-c", "import gi; gi.require_version('Gtk', '3.0')"], capture_output=True).returncode:
        without("python3-gi and gir1.2-gtk-3.0 are not installed on this machine (./dev test names the packages)")
    return python


def _xterm() -> list[str]:
    return [need("xterm"), "-u8", "-xrm", "*allowWindowOps: true", "-xrm", "*disallowedWindowOps:", "-e"]


def copying(program: str, file: Path) -> list[str]:
    """The command that copies a file's text and stays."""
    if program == "xclip":
        return [need("xclip"), "-quiet", "-selection", "clipboard", "-i", str(file)]
    if program == "xsel":
        return ["sh", "-c", f"{need('xsel')} --nodetach -b -i < '{file}'"]
    if program == "xterm":
        encoded = base64.b64encode(file.read_bytes()).decode()
        return [*_xterm(), "sh", "-c", f"printf '\\033]52;c;{encoded}\\a'; exec sleep 60"]
    if program == "qt":
        return [sys.executable, "-c", _QT_COPY, str(file)]
    return [_gtk(), "-c", _GTK_COPY, str(file)]


def pasting(program: str, file: Path) -> list[str]:
    """The command that pastes into a file and ends."""
    if program == "xclip":
        return ["sh", "-c", f"{need('xclip')} -selection clipboard -o > '{file}'"]
    if program == "xsel":
        return ["sh", "-c", f"{need('xsel')} -b -o > '{file}'"]
    if program == "xterm":
        return [*_xterm(), sys.executable, "-c", _TERMINAL_PASTE, str(file)]
    if program == "qt":
        return [sys.executable, "-c", _QT_PASTE, str(file)]
    return [_gtk(), "-c", _GTK_PASTE, str(file)]


@asynccontextmanager
async def started(server: XServer, command: list[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "DISPLAY": server.display, "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "xcb"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


PROGRAMS = ("xclip", "xsel", "xterm", "qt", "gtk")
#: A terminal answers within its line discipline's limits.
CASES = [(program, WORLD) for program in PROGRAMS] + [(program, LONG) for program in PROGRAMS if program != "xterm"]
IDS = [f"{program}-{'long' if text is LONG else 'short'}" for program, text in CASES]


@pytest.mark.display
@pytest.mark.parametrize(("program", "text"), CASES, ids=IDS)
async def test_what_programs_copy_arrives(
    xvfb: XServer, clipboard: X11Clipboard, tmp_path: Path, program: str, text: str
) -> None:
    told: asyncio.Queue[Content] = asyncio.Queue()
    clipboard.on_change = lambda copy: told.put_nowait(copy.content)
    (tmp_path / "text").write_text(text, "utf-8")
    async with started(xvfb, copying(program, tmp_path / "text")):
        assert await asyncio.wait_for(told.get(), 30) == text


@pytest.mark.display
@pytest.mark.parametrize(("program", "text"), CASES, ids=IDS)
async def test_what_is_set_programs_can_paste(
    xvfb: XServer, clipboard: X11Clipboard, tmp_path: Path, program: str, text: str
) -> None:
    assert clipboard.set(text.replace("\n", "\r\n"))
    file = tmp_path / "pasted"
    async with started(xvfb, pasting(program, file)) as process:
        await asyncio.wait_for(process.wait(), 30)
    pasted = file.read_bytes()
    if program == "xterm":
        pasted = base64.b64decode(pasted.split(b";")[2].rstrip(b"\a\x1b\\"))
    assert pasted.decode() == text
