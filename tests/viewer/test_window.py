"""The native window on a real X server: it shows what came, sends what is typed, and says when it can't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from avl_protocol.wire.registry import InputKind, Modifier
from avl_viewer.present.toolbar import COMBINATIONS
from tests.viewer import pictures
from tests.viewer.stage import Actor, Display, eventually, staged

pytestmark = pytest.mark.display

SIZE = (1280, 800)
MOVE, BUTTON, WHEEL, KEY, TEXT, RELEASE_ALL = (int(InputKind(number)) for number in range(1, 7))
CTRL, ALT, SHIFT = 29, 56, 42
COMMAND = (CTRL, ALT, SHIFT)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Display, Actor]]:
    with staged(*SIZE, fullscreen=True) as (display, actor):
        actor.order("layout", width=SIZE[0], height=SIZE[1])
        actor.order("status", stage="running")
        actor.show(1, SIZE)
        yield display, actor


@pytest.fixture
def live(stage: tuple[Display, Actor]) -> tuple[Display, Actor]:
    """The shared window, showing card 1, fitted, with the pointer in its middle and nothing over the picture."""
    display, actor = stage
    actor.order("status", stage="running")
    display.move(640, 400)
    actor.show(1, SIZE)
    actor.settle()
    eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 48, "the card alone is on the screen")
    actor.settle()
    return display, actor


@pytest.mark.parametrize("chroma", [0, 1])
def test_full_screen_shows_every_pixel_in_its_place(live: tuple[Display, Actor], chroma: int) -> None:
    display, actor = live
    actor.show(2 + chroma, SIZE, seed=2, chroma=chroma)
    assert pictures.psnr(display.grab(), pictures.card(*SIZE, seed=2)) > (50 if chroma else 40)


def test_only_what_changed_is_painted(live: tuple[Display, Actor]) -> None:
    display, actor = live
    before = display.grab()
    actor.show(4, SIZE, seed=3, dirty=[[320, 160, 64, 48]])
    after = display.grab()
    changed = np.argwhere((before != after).any(axis=2))
    assert changed.min(axis=0).tolist() >= [160, 320]
    assert (changed.max(axis=0) < [208, 384]).all()
    part = np.s_[160:208, 320:384]
    assert pictures.psnr(after[part], pictures.card(*SIZE, seed=3)[part]) > 45


def test_a_picture_never_shown_leaves_its_changes_to_the_next(live: tuple[Display, Actor]) -> None:
    display, actor = live
    rects = {number: [48 * (number - 10), 480, 32, 32] for number in range(10, 22)}
    for number, rect in rects.items():
        actor.order("prepare", number=number, size=SIZE, seed=4, dirty=[rect])
        actor.hear("prepared")
    actor.order("show", numbers=list(rects))
    presented: list[int] = []
    while not presented or presented[-1] != 21:
        presented.append(actor.hear("presented")[0])
    assert presented == sorted(set(presented))
    shown, expected = display.grab(), pictures.card(*SIZE, seed=4)
    for x, y, width, height in rects.values():
        part = np.s_[y : y + height, x : x + width]
        assert pictures.psnr(shown[part], expected[part]) > 40


def test_keys_and_clicks_arrive_as_they_were_made(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.tap(30)
    display.tap(SHIFT, 30)
    display.move(100, 200)
    display.click(3)
    display.click(5)
    assert actor.typed(10)[:10] == [
        [KEY, 0x04, True, 0, "a"],
        [KEY, 0x04, False, 0, ""],
        [KEY, 0xE1, True, 2, ""],
        [KEY, 0x04, True, 2, "A"],
        [KEY, 0x04, False, 2, ""],
        [KEY, 0xE1, False, 0, ""],
        [MOVE, 100, 200],
        [BUTTON, 3, True],
        [BUTTON, 3, False],
        [WHEEL, 0, 120],
    ]


def test_tab_and_function_keys_belong_to_the_desktop(live: tuple[Display, Actor]) -> None:
    display, actor = live
    for code in (15, 1, 59, 87):
        display.tap(code)
    assert [row[1] for row in actor.typed(8) if row[2]] == [0x2B, 0x29, 0x3A, 0x44]


def test_a_key_held_down_is_sent_once(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.key(30, True)
    time.sleep(1.0)  # the X server begins to repeat after 0.66 s
    display.key(30, False)
    assert actor.typed(2) == [[KEY, 0x04, True, 0, "a"], [KEY, 0x04, False, 0, ""]]


def test_losing_the_focus_lets_go_of_everything(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.key(30, True)
    actor.typed(1)
    focused = display.focus(0)
    assert actor.typed(1) == [[RELEASE_ALL]]
    display.key(30, False)
    display.focus(focused)
    display.tap(48)
    assert [row[1] for row in actor.typed(2)] == [0x05, 0x05]


def test_a_window_that_grabs_keys_gives_them_back_with_the_focus(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.key(30, True)
    actor.typed(1)
    focused = display.focus(display.window())
    assert actor.typed(1) == [[RELEASE_ALL]]
    display.tap(48)
    assert [row for row in actor.settle() if row[0] == KEY] == [], "meant for another window, a password perhaps"
    display.key(30, False)
    display.focus(focused)
    display.tap(30)
    assert [row[1] for row in actor.typed(2)] == [0x04, 0x04]


def test_the_pointer_is_the_hosts(live: tuple[Display, Actor]) -> None:
    display, actor = live
    actor.order("cursor", width=0, height=0)
    eventually(lambda: not display.shown_cursor(), "the pointer is hidden")
    actor.order("cursor", width=16, height=16)
    eventually(display.shown_cursor, "the pointer is shown")


@pytest.mark.parametrize("stage_name", ["stale", "lost", "waiting"])
def test_a_session_that_is_not_running_looks_dead_and_takes_no_input(
    live: tuple[Display, Actor], stage_name: str
) -> None:
    display, actor = live
    bright = display.grab().mean()
    actor.order("status", stage=stage_name, text="A sentence.")
    eventually(lambda: display.grab().mean() < 0.6 * bright, "the picture is dimmed")
    display.tap(30)
    display.click()
    assert actor.settle() == []
    actor.order("status", stage="running")
    eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 48, "the picture is back")


def open_menu(display: Display, actor: Actor, menu: str) -> None:
    """Summon the toolbar and open one of its menus."""
    display.move(display.size[0] // 2, 0)
    eventually(lambda: menu in actor.menus(), "the toolbar is here")
    x, y = actor.menus()[menu]
    bare = display.grab(x, y + 70, 8, 8)
    display.move(x, y)
    display.click()
    eventually(lambda: pictures.psnr(display.grab(x, y + 70, 8, 8), bare) < 30, "the menu is open")


def test_the_toolbar_comes_at_the_top_edge_and_its_keys_reach_the_host(live: tuple[Display, Actor]) -> None:
    display, actor = live
    open_menu(display, actor, "Keys")
    display.tap(108)  # Down, Enter: the first entry
    display.tap(28)
    rows = [row for row in actor.until([KEY, 0xE0, False, 0, ""]) if row[0] == KEY]
    assert [row[1] for row in rows if row[2]] == list(COMBINATIONS["Ctrl+Alt+Del"])
    display.move(640, 700)
    eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 48, "the toolbar is gone")


def test_keys_go_by_place_when_the_toolbar_says_so(live: tuple[Display, Actor]) -> None:
    display, actor = live
    texts = []
    for _ in range(2):
        open_menu(display, actor, "Keys")
        display.tap(103)  # Up, Enter: the last entry
        display.tap(28)
        actor.settle()
        display.move(640, 700)
        eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 48, "the toolbar is gone")
        actor.settle()
        display.tap(30)
        texts.append(next(row for row in actor.typed(2) if row[0] == KEY)[4])
    assert texts == ["", "a"]


def test_keys_of_the_keypad_arrive_as_such(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.tap(69)  # Num Lock
    for code in (79, 78, 83):
        display.tap(code)
    display.tap(69)
    display.tap(79)
    pressed = [row for row in actor.typed(12) if row[2]]
    num = int(Modifier.NUM_LOCK)
    assert pressed[1:4] == [[KEY, 0x59, True, num, ""], [KEY, 0x57, True, num, ""], [KEY, 0x63, True, num, ""]]
    assert pressed[5] == [KEY, 0x59, True, 0, ""]


def test_the_windows_own_keys_leave_nothing_held(live: tuple[Display, Actor]) -> None:
    display, actor = live
    display.tap(*COMMAND, 31)
    rows = actor.typed(4)
    assert rows[-1] == [RELEASE_ALL] and 0x16 not in [row[1] for row in rows if row[0] == KEY]
    eventually(lambda: pictures.psnr(display.grab(0, 0, 300, 250), pictures.card(*SIZE)[:250, :300]) < 30, "figures")
    display.tap(*COMMAND, 31)
    eventually(lambda: pictures.psnr(display.grab(), pictures.card(*SIZE)) > 48, "the figures are gone")
    display.tap(30)
    assert actor.typed(6)[-2:] == [[KEY, 0x04, True, 0, "a"], [KEY, 0x04, False, 0, ""]]


def test_a_still_window_costs_nothing(live: tuple[Display, Actor]) -> None:
    _, actor = live
    time.sleep(0.8)
    actor.order("usage")
    before = actor.hear("cpu")
    time.sleep(1.0)
    actor.order("usage")
    assert actor.hear("cpu") - before < 0.01


def test_that_sound_has_ended_is_said_and_that_there_never_was_any_is_not(live: tuple[Display, Actor]) -> None:
    _, actor = live
    actor.order("sound", heard=False, trouble="The host shares no sound.")
    assert "sound" not in actor.toast()
    actor.order("sound", heard=True)
    actor.order("sound", heard=False, trouble="The host has no sound: no sound server answers there.")
    assert "no sound server answers" in actor.toast()


def test_a_window_is_as_large_as_the_desktop_where_there_is_room() -> None:
    size = (500, 300)
    with staged(800, 600) as (display, actor):
        actor.order("layout", width=size[0], height=size[1])
        actor.order("status", stage="running")
        actor.show(1, size)
        card = pictures.card(*size)
        eventually(lambda: pictures.psnr(display.grab(150, 150, *size), card) > 48, "the whole desktop in the middle")
        display.tap(87)  # F11
        eventually(lambda: pictures.psnr(display.grab(150, 150, *size), card) < 30, "it fills the screen")


def test_fitted_and_pixel_for_pixel_show_and_point_at_the_same_things() -> None:
    size = (1600, 1200)
    with staged(800, 600, fullscreen=True) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, size, seed=5)
        card = pictures.card(*size, seed=5)
        halved = card.reshape(600, 2, 800, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        assert pictures.psnr(display.grab(), halved) > 30
        display.move(400, 300)
        assert [MOVE, 800, 600] in actor.typed(1)
        display.tap(*COMMAND, 2)
        eventually(lambda: pictures.psnr(display.grab(), card[:600, :800]) > 48, "one pixel is one pixel")
        actor.settle()
        display.move(799, 599)  # the corner: the desktop moves until its own corner is there
        eventually(lambda: pictures.psnr(display.grab(), card[600:, 800:]) > 48, "the far corner is in sight")
        rows = actor.settle()
        assert rows[-1] == [MOVE, 1599, 1199]
        actor.show(2, size, seed=6, dirty=[[1000, 800, 64, 64]])
        part = np.s_[800:864, 1000:1064]
        shown = display.grab(200, 200, 64, 64)
        assert pictures.psnr(shown, pictures.card(*size, seed=6)[part]) > 45


@pytest.mark.parametrize("factor", ["2", "1.5"])
def test_a_dense_display_still_shows_pixel_for_pixel(factor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_SCALE_FACTOR", factor)
    size = (800, 600)
    with staged(*size, fullscreen=True) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, size, seed=7)
        assert pictures.psnr(display.grab(), pictures.card(*size, seed=7)) > 48
        actor.show(2, size, seed=8, dirty=[[177, 133, 61, 35]])
        part = np.s_[133:168, 177:238]
        assert pictures.psnr(display.grab()[part], pictures.card(*size, seed=8)[part]) > 45
        display.move(333, 222)
        actor.until([MOVE, 333, 222])


def test_view_only_sends_nothing() -> None:
    with staged(640, 480, fullscreen=True, permissions=1) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        display.move(100, 100)
        display.click()
        display.tap(30)
        assert actor.settle() == []
        display.tap(*COMMAND, 16)
        assert actor.end() == 0


def test_a_clipboard_with_what_cant_be_typed_is_not_typed_in_part_and_a_line_says_so() -> None:
    with staged(1000, 700, fullscreen=True) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (1000, 700))
        actor.order("clipboard", text="bad\x1b[A")
        actor.settle()
        open_menu(display, actor, "Clipboard")
        for code in (108, 108, 28):  # "Type my clipboard as keys"
            display.tap(code)
        eventually(lambda: "U+001B" in actor.toast(), "a line that names it")
        assert not any(row[0] == TEXT for row in actor.settle())


def test_the_clipboard_travels_both_ways_and_the_figures_are_written(tmp_path: Path) -> None:
    figures = tmp_path / "stats.json"
    with staged(1000, 700, fullscreen=True, stats_file=str(figures)) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (1000, 700))
        actor.order("clipboard", text="from the höst")
        actor.settle()
        open_menu(display, actor, "Clipboard")
        for code in (108, 108, 28):  # "Type my clipboard as keys"
            display.tap(code)
        actor.until([TEXT, "from the höst"])
        display.move(500, 600)
        eventually(lambda: pictures.psnr(display.grab(), pictures.card(1000, 700)) > 48, "the toolbar is gone")
        open_menu(display, actor, "Clipboard")
        for code in (108, 108, 108, 28):  # "Paste box"
            display.tap(code)
        eventually(lambda: display.pixel(500, 180) == (20, 23, 28), "the paste box is open")
        actor.settle()
        for code in (30, 15, 15, 28):  # a, Tab, Tab, Enter on Send
            display.tap(code)
        assert actor.hear("clipboard") == "a"
        assert actor.rows == []
        eventually(figures.exists, "figures are written")
        assert json.loads(figures.read_text())["fps"] == 59.8
        assert [file.name for file in tmp_path.iterdir()] == ["stats.json"]
        display.tap(*COMMAND, 16)
        assert actor.hear("closed")
        assert actor.end() == 0


def test_a_key_whose_release_another_program_took_is_let_go_of() -> None:
    with staged(640, 480) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        eventually(display.focus_is_set, "the window has the keyboard")
        display.key(SHIFT, True)
        display.key(30, True)
        actor.until([KEY, 0x04, True, 2, "A"])
        with display.keyboard_elsewhere():  # as a window manager does it while its own shortcut is used
            display.key(30, False)
            display.key(SHIFT, False)
        display.move(300, 300)
        rows = [row for row in actor.until([KEY, 0x04, False, 0, ""]) if row[0] == KEY]
        assert rows == [[KEY, 0xE1, False, 0, ""], [KEY, 0x04, False, 0, ""]]


def test_what_was_typed_in_vain_is_told_of_once_the_session_goes_on_too_and_the_line_goes_away() -> None:
    with staged(640, 480, fullscreen=True, stay=400) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        assert actor.toast() == ""
        actor.order("dropped", sequence=1, events=[[TEXT, "abc"], [MOVE, 1, 1]], fate="UNSENT")
        assert actor.toast() == "3 keys did not reach the desktop in time: not sent."
        eventually(lambda: actor.toast() == "", "the line is gone")
        actor.order("status", stage="stale")
        actor.settle()
        display.move(20, 20)  # beside the notice
        display.tap(30)
        display.tap(48)
        display.click()
        told = "2 keys and 1 click did not reach the desktop in time: not sent."
        eventually(lambda: actor.toast() == told, "what is typed into the dark is counted")
        eventually(lambda: actor.toast() == "", "the line is gone")
        actor.order("status", stage="running")
        assert actor.toast() == told
        eventually(lambda: actor.toast() == "", "the line is gone")
        assert [row for row in actor.settle() if row[0] != MOVE] == []
        actor.order("dropped", sequence=9, events=[[KEY, 4, True, 0, "a"]], fate="UNCONFIRMED")
        assert actor.toast() == "The host has not confirmed 1 key."


def test_a_session_refused_before_it_ran_leaves_no_window_behind() -> None:
    with staged(640, 480) as (_, actor):
        actor.order("status", stage="ended", text="Refused: the code is wrong.", exit_status=3)
        assert actor.end() == 3


def test_the_last_sentence_stays_until_it_is_read() -> None:
    with staged(640, 480) as (display, actor):
        actor.order("layout", width=320, height=240)
        actor.order("status", stage="running")
        actor.show(1, (320, 240))
        actor.order("status", stage="ended", text="The host lost its display.", exit_status=1)
        actor.settle()
        time.sleep(0.3)
        assert actor.process.poll() is None
        display.tap(28)
        assert actor.end() == 1


def test_a_window_whose_display_goes_away_leaves_the_session_and_says_one_sentence() -> None:
    with staged(640, 480) as (display, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        display.key(30, True)
        actor.until([KEY, 0x04, True, 0, "a"])
        display.kill()
        assert actor.hear("closed")
        said = actor.hear("said")
        assert said.startswith(f"The display {display.name} is gone") and actor.end() == 1
        assert actor.errors() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_session_properly(number: signal.Signals) -> None:
    with staged(640, 480) as (_, actor):
        actor.order("status", stage="running")
        actor.show(1, (640, 480))
        actor.process.send_signal(number)
        assert actor.hear("closed")
        assert actor.end() == 130


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [({}, "set DISPLAY"), ({"DISPLAY": ":64999"}, "No X server answers at DISPLAY=:64999")],
)
def test_without_a_display_a_sentence_says_so(environment: dict[str, str], sentence: str) -> None:
    usual = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import avl_viewer.app as a\n"
            "try: a.run_window(None, '', False, None, None)\n"
            "except a.NoDisplay as error: print(error)",
        ],
        env={**usual, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert sentence in done.stdout and done.returncode == 0
