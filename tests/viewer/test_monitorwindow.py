"""Monitors in windows of their own: each on a display of this machine, with clicks that land where the monitor is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from avl_protocol.wire.registry import InputKind

ROOT = Path(__file__).resolve().parents[2]


def test_each_window_has_a_display_of_its_own_fills_it_and_acts_on_its_monitor() -> None:
    run = [sys.executable, "-m", "tests.viewer.monitors_actor"]
    ended = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["titles"] == ["DP-1 - desk - avl", "DP-2 - desk - avl"]
    assert told["displays"] == ["two", "one"], "the first window of all is on the first"
    moves = [row[1:] for row in told["rows"] if row[0] == InputKind.MOVE]
    assert moves == [[10, 20], [410, -80]], "a monitor may lie left of or above the first"
    assert told["full"] == [[800, 0, 1024, 768], [0, 0, 800, 600]]
    assert told["states"] == [True, False], "each goes and leaves by itself"
    assert told["gone"] == [2]
    assert told["visible"] == [False, False]
