"""The connect dialog on a real X server: recent desktops are at hand, and what went wrong is said beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avl_protocol.wire import device_id
from avl_viewer.recent import Entry, Recent
from tests.viewer.stage import PATIENCE, ROOT, Display, eventually

pytestmark = pytest.mark.display

OFFICE = f"avl://127.0.0.1:4433/{device_id.to_text(1)}"
HOME = f"avl://127.0.0.1:4433/{device_id.to_text(2)}"
ENTER, ESCAPE, TAB, A, B, DOWN = 28, 1, 15, 30, 48, 108


@pytest.fixture
def display() -> Iterator[Display]:
    display = Display(800, 600)
    yield display
    display.close()


def reddish(display: Display) -> bool:
    """Whether an error is written somewhere: nothing else in the dialog is red."""
    pixels = display.grab().astype(int)
    return bool(((pixels[..., 0] > 200) & (pixels[..., 1] < 190) & (pixels[..., 2] < 190)).any())


def dialog(display: Display, folder: Path) -> subprocess.Popen[str]:
    environment: dict[str, Any] = {**os.environ, "DISPLAY": display.name, "QT_QPA_PLATFORM": "xcb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.viewer.dialog_actor", str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: display.grab().any() and display.focus_is_set(), "the dialog is shown and has the keyboard")
    return process


def test_a_refused_code_is_asked_again_with_the_reason_and_success_is_remembered(
    display: Display, tmp_path: Path
) -> None:
    recent = Recent(tmp_path)
    recent.remember(OFFICE, "office")
    recent.remember(HOME)
    process = dialog(display, tmp_path)
    assert process.stdout is not None
    display.tap(ENTER)
    eventually(lambda: reddish(display), "an empty target is refused beside the field")
    display.tap(42, TAB)  # back to the list
    for code in (DOWN, DOWN, ENTER, B, ENTER):
        display.tap(code)
    assert json.loads(process.stdout.readline()) == {"target": OFFICE, "code": "b"}
    eventually(lambda: reddish(display) and display.focus_is_set(), "the dialog is back and says why")
    for code in (A, A, A, A, ENTER):
        display.tap(code)
    assert json.loads(process.stdout.readline()) == {"target": OFFICE, "code": "aaaa"}
    eventually(lambda: display.focus_is_set() and not np.any(reddish(display)), "the window is there")
    while process.poll() is None:
        display.tap(ENTER)
        try:
            process.wait(0.3)
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode == 0
    process.stdout.close()
    assert recent.load() == (Entry(OFFICE, "office"), Entry(HOME))
    assert "aaaa" not in (tmp_path / "recent.json").read_text()


def test_cancelling_is_no_failure(display: Display, tmp_path: Path) -> None:
    process = dialog(display, tmp_path)
    assert process.stdout is not None
    display.tap(ESCAPE)
    assert process.wait(PATIENCE) == 0
    assert process.stdout.read() == ""
    process.stdout.close()
