"""Files in the native window, on a real X server: dropped, followed, asked about, and fetched from the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from avl_protocol.wire.registry import FileKind, InputDevice, InputKind, Permission
from avl_viewer.present.amounts import amount, counted, moment, roughly
from avl_viewer.present.remotefiles import above, within
from avl_viewer.present.transfers import progress_of
from avl_viewer.transfers import Shown, Stage
from tests.viewer.stage import Actor, Display, eventually, staged

SIZE = (800, 600)
EVERYTHING = int(sum(Permission))
CTRL, ALT, SHIFT, E, BACKSPACE, ESCAPE = 29, 56, 42, 18, 14, 1
RUNNING = {"id": 1, "out": True, "title": "a", "stage": "RUNNING", "files": 2, "size": 4000, "passed": 1000}
FILE, FOLDER, LINK = int(FileKind.FILE), int(FileKind.FOLDER), int(FileKind.LINK)
ROOTS = [["/home/me/Downloads", FOLDER, 0, 0, 2], ["/srv", FOLDER, 0, 0, 6]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, fullscreen=True, permissions=EVERYTHING) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("devices", devices=int(InputDevice.RELATIVE | InputDevice.TOUCH))
        actor.order("status", stage="running")
        actor.show(1, SIZE)
        actor.settle()
        yield display, actor


def click(display: Display, actor: Actor, button: str) -> None:
    eventually(lambda: button in actor.menus(), f"{button} is here")
    display.move(*actor.menus()[button])
    display.click()


@pytest.mark.display
def test_the_toolbar_fits_a_window_of_800_pixels(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    display.move(400, 0)
    eventually(lambda: "Files" in actor.menus(), "the toolbar is here")
    places = actor.menus()
    assert set(places) == {"Screen", "Keys", "Mouse", "Clipboard", "Files", "Sound", "People", "Disconnect"}
    assert all(30 < x < 770 for x, _ in places.values())
    display.move(400, 500)


@pytest.mark.display
def test_what_is_dropped_is_sent_and_what_is_no_file_here_is_told(stage: tuple[Display, Actor]) -> None:
    _, actor = stage
    actor.order("drop", urls=["file:///tmp/a%20b", "https://example.org/x", "file:///tmp/folder"])
    name, paths, to, problems = actor.hear("files")
    assert (name, paths, to) == ("put", ["/tmp/a b", "/tmp/folder"], "")
    assert problems[0][0] == "https://example.org/x" and "Save it here first" in problems[0][1]


@pytest.mark.display
def test_the_panel_follows_a_transfer_and_its_buttons_act(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    actor.order("transfers", rows=[{**RUNNING, "rate": 1500.0}])
    assert "1.0 KB of 4.0 KB · 0 of 2 files · 1.5 KB/s · 2 s left" in actor.texts()
    click(display, actor, "Pause")
    assert actor.hear("files") == ["pause", 1, True]
    asked = [7, "a/x", 1, 0.0, 2_000_000, 0.0]
    actor.order("transfers", rows=[{**RUNNING, "stage": "PAUSED", "asked": asked}])
    assert any(line.startswith("a/x is there already: 1 byte") for line in actor.texts())
    click(display, actor, "Resume")
    assert actor.hear("files") == ["pause", 1, False]
    click(display, actor, "For all that follow")
    click(display, actor, "Leave it")
    assert actor.hear("files") == ["decide", 1, 7, False, True]
    problems = [["b\x1b[2J", "There is no such file or folder."]]
    actor.order("transfers", rows=[{**RUNNING, "stage": "FAILED", "text": "It is full.", "problems": problems}])
    assert "It is full." in actor.texts()
    click(display, actor, "1 left out")
    eventually(lambda: any("\\x1b[2J: There is no such file" in line for line in actor.texts()), "what was left out")
    click(display, actor, "Go on")
    assert actor.hear("files") == ["again", 1]
    display.tap(30)
    actor.until([int(InputKind.KEY), 0x04, False, 0, ""])  # the keyboard stays with the desktop
    click(display, actor, "Clear")
    assert actor.hear("files") == ["forget", None]
    actor.order("transfers", rows=[])
    assert "Drop files or folders onto the desktop to send them there." in actor.texts()
    click(display, actor, "✕")
    eventually(lambda: actor.texts() == [], "the panel is gone")


@pytest.mark.display
def test_the_hosts_folders_are_walked_and_files_fetched(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    display.tap(CTRL, ALT, SHIFT, E)
    eventually(lambda: "Reading the folder." in actor.texts(), "the browser is open")
    actor.order("listed", path="", rows=ROOTS)
    eventually(lambda: "/home/me/Downloads/   takes files only" in actor.texts(), "the roots")
    assert {"Send files here…", "Up"} <= set(actor.menus()) and "Download" not in actor.menus()
    display.tap(108)  # Down, Enter
    display.tap(28)
    eventually(lambda: "Reading the folder." in actor.texts(), "it goes in")
    actor.order("listed", path="/srv", rows=[["a", FILE, 5, 0, 420], ["l", LINK, 0, 0, 0, "/etc"]], more=True)
    eventually(lambda: "Show more" in actor.menus() and "l   link to /etc" in actor.texts(), "the folder, and more")
    click(display, actor, "Show more")
    actor.settle()
    actor.order("listed", path="/srv", rows=[["z", FOLDER, 0, 0, 420]])
    assert actor.hear("listing") == ["/srv", "l"]
    eventually(lambda: any(line.startswith("z/") for line in actor.texts()), "the rest")
    click(display, actor, "All")
    click(display, actor, "Download")
    name, paths, to = actor.hear("files")
    assert (name, paths) == ("get", ["/srv/a", "/srv/z"]) and Path(to).name == "Downloads"
    eventually(lambda: actor.texts() == [], "the browser is closed")


@pytest.mark.display
def test_a_folder_that_cant_be_read_says_why_and_backspace_goes_up(stage: tuple[Display, Actor]) -> None:
    display, actor = stage
    display.tap(CTRL, ALT, SHIFT, E)
    eventually(lambda: "Reading the folder." in actor.texts(), "the browser is open")
    actor.order("listed", path="", rows=[], refused="The host does not share this folder.")
    eventually(lambda: "The host does not share this folder." in actor.texts(), "why")
    display.tap(ESCAPE)
    eventually(lambda: actor.texts() == [], "the browser is closed")


@pytest.mark.display
def test_who_may_not_send_files_is_told_what_lacks() -> None:
    with staged(640, 480, fullscreen=True, permissions=1) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        actor.order("drop", urls=["file:///tmp/a"])
        assert actor.toast() == "This session may not send files to the host. Who gave you access can permit it."
        display.tap(CTRL, ALT, SHIFT, E)
        eventually(lambda: "may not fetch files of the host" in actor.toast(), "a sentence")


def test_how_far_a_transfer_is_in_words() -> None:
    shown = Shown(id=1, out=True, title="a", stage=Stage.RUNNING)
    assert progress_of(shown) == "Looking at what there is."
    known = replace(shown, files=1, size=2_500_000, passed=1_000_000)
    assert progress_of(known) == "1.0 MB of 2.5 MB"
    assert progress_of(replace(known, stage=Stage.PAUSED)) == "1.0 MB of 2.5 MB · paused"
    assert progress_of(replace(known, stage=Stage.WAITING)) == "Waiting for its turn."
    assert progress_of(replace(known, stage=Stage.LOST, text="Gone.")) == "Gone."
    done = replace(known, stage=Stage.DONE, done=1, problems=(("x", "No."),))
    assert progress_of(done) == "1 file done, 2.5 MB. 1 left out."


def test_amounts_and_paths() -> None:
    assert [amount(size) for size in (0, 1, 999, 1500, 99_600, 3e9)] == [
        "0 bytes",
        "1 byte",
        "999 bytes",
        "1.5 KB",
        "100 KB",
        "3.0 GB",
    ]
    assert (counted(1, "file"), counted(1200, "file")) == ("1 file", "1,200 files")
    assert [roughly(seconds) for seconds in (0.2, 59, 90, 5400)] == ["1 s", "59 s", "2 min", "1.5 h"]
    assert moment(1e18) == "" and moment(0).startswith("19")
    assert above("/srv/a/b", ["/srv"]) == "/srv/a" and above("/srv/a", ["/srv"]) == "/srv"
    assert above("/srv", ["/srv"]) == above("", ["/srv"]) == above("/etc/x", ["/srv"]) == ""
    assert above("/a", ["/"]) == "/" and above("C:/a", ["C:/"]) == "C:/"
    assert (within("", "/srv"), within("/srv", "a"), within("/", "a")) == ("/srv", "/srv/a", "/a")
