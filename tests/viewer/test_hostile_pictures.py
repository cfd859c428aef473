"""No size and no bitstream takes a program down: in processes of their own, since a crash is no exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.viewer.hostile_actor import SUITES
from tests.viewer.stage import ROOT

#: Seconds; a decoder that hangs when it is dropped would need for ever.
PATIENCE = 120


@pytest.mark.parametrize("suite", SUITES)
def test_nothing_that_is_shown_or_captured_takes_the_program_down(suite: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.viewer.hostile_actor", suite],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
