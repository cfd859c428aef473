"""Pictures are compared honestly, and what is typed on a screen arrives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interop import stage
from interop.programs import Programs
from interop.screen import load, psnr, save
from tests.tools import need


def test_equal_pictures_have_the_highest_ratio() -> None:
    picture = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    assert psnr(picture, picture.copy()) == 99.0


def test_the_ratio_is_that_of_the_definition() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 16, np.uint8)
    assert psnr(black, grey) == pytest.approx(24.05, abs=0.01)
    assert psnr(grey, black) == psnr(black, grey)


def test_pictures_of_different_sizes_do_not_match() -> None:
    assert psnr(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)) == 0.0


def test_a_picture_file_keeps_every_pixel(tmp_path: Path) -> None:
    picture = np.random.default_rng(7).integers(0, 256, (9, 7, 3), np.uint8)
    save(picture, tmp_path / "picture.png")
    assert (load(tmp_path / "picture.png") == picture).all()


@pytest.mark.display
async def test_a_line_typed_on_the_screen_is_shown_and_read_by_the_terminal(tmp_path: Path) -> None:
    for tool in ("Xvfb", "openbox", "xterm"):
        need(tool)
    programs = Programs(tmp_path)
    try:
        display, screen = await stage.start_display(programs, "desktop", (800, 600))
        typed = tmp_path / "typed"
        command = ["xterm", "-geometry", "80x20+20+20", "-e", "sh", "-c", f"read line; echo $line > {typed}; sleep 600"]
        programs.start("terminal", command, {"DISPLAY": display})
        await programs.until("focus", 20, screen.focused)
        screen.click(300, 200)
        before = screen.grab()
        screen.type_line("It's {a|b} ~ 50% <ok> Zz")
        await programs.until(
            "the line", 10, lambda: typed.exists() and typed.read_text() == "It's {a|b} ~ 50% <ok> Zz\n"
        )
        await programs.until("an echo on the screen", 10, lambda: psnr(before, screen.grab()) < 99)
        screen.close()
    finally:
        programs.end()
